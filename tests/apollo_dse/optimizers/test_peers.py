"""Optimizers of other libraries: named when they are installed, refused with a command when not."""

import numpy as np
import pytest

from apollo_dse import optimizers, registry
from apollo_dse.cli import main
from apollo_dse.testing import accelerators
from apollo_dse.trial import Trial


def test_a_library_that_is_missing_is_named_with_the_command(monkeypatch, capsys):
    monkeypatch.setattr(registry, "find_spec", lambda module: None)
    assert not any(name.startswith("optuna") for name in optimizers.names())
    with pytest.raises(ValueError, match=r"'optuna-tpe' needs optuna, .* pip install 'apollo-dse\[peers\]'"):
        optimizers.get("optuna-tpe")
    assert main(["compare", "--optimizers", "random,optuna-gp"]) == 2
    assert "pip install 'apollo-dse[peers]'" in capsys.readouterr().err


def test_a_library_that_is_there_is_offered(monkeypatch):
    monkeypatch.setattr(registry, "find_spec", lambda module: object())
    assert {"optuna-tpe", "optuna-gp"} <= set(optimizers.names())
    made = optimizers.get("optuna-tpe")
    assert optimizers.name_of(made.__new__(made)) == "optuna-tpe"
    assert made.distributions == ("optuna",)


LIBRARIES = {
    "optuna-tpe": "optuna",
    "nevergrad-fastga": "nevergrad",
    "nevergrad-portfolio": "nevergrad",
    "smac": "smac",
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_what_is_suggested_after_the_start_is_the_library_s(name):
    """Near the best of what was told, and not uniform draws."""
    pytest.importorskip(LIBRARIES[name])
    problem = accelerators(area_mm2=1e6)
    rng = np.random.default_rng(0)
    points = problem.space.sample(rng, 60)
    measured = zip(points, problem.evaluate(points), strict=True)
    trials = [Trial(number, *pair) for number, pair in enumerate(measured)]

    def distance(suggested):
        units = problem.space.to_unit(suggested)
        best = problem.space.to_unit([problem.incumbent(trials).point])
        return float(np.abs(units - best).mean())

    ours = optimizers.get(name)(problem, 0)
    ours.tell(trials)
    uniform = optimizers.get("random")(problem, 0)
    uniform.tell(trials)
    assert distance(ours.ask(16)) < 0.8 * distance(uniform.ask(64))
