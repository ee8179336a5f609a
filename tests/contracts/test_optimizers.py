"""Every registered optimizer keeps every contract; one more optimizer is tested without an edit here."""

import subprocess
import sys
from functools import partial

import pytest

from apollo_dse import optimizers
from apollo_dse.testing.optimizers import CONTRACTS, LEARNING

NOT_LEARNING = {"random", "quasi-random"}

QUICK_KNOBS = {
    "adaptive-p3bo": {"members": ["evolution", "evolution", "local-search"], "round_size": 8},
    "bayesian": {},
    "mbo": {},
    "p3bo": {"members": ["evolution", "local-search"], "round_size": 8},
    "portfolio": {"members": ["evolution", "bottleneck"], "patience": 8},
    "reinforce": {},
    "squirrel": {"model": "evolution"},
}
"""Optimizers whose contracts take minutes and are marked as slow, and knobs that make them quick."""

QUICK_CONTRACTS = ("suggests_points_of_the_space", "resumes_by_replay", "suggests_nothing_twice")
"""What these are held to every time, with those knobs."""

LEARNING_SLOWLY = {
    "differential-evolution",
    "gradient",
    "local-search",
    "nsga2",
    *QUICK_KNOBS,
}
"""Optimizers whose contracts of `LEARNING` are marked as slow."""

PEERS = {"optuna-tpe", "optuna-gp", "nevergrad-fastga", "nevergrad-portfolio", "smac"}
"""Those of other libraries, where these are installed; slow, too."""


def marked(name, slow):
    """The name, marked as slow if it is one of those."""
    return pytest.param(name, marks=pytest.mark.slow) if name in slow else name


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("name", [marked(name, PEERS | {*QUICK_KNOBS}) for name in optimizers.names()])
def test_contract(name, contract):
    CONTRACTS[contract](optimizers.get(name))


@pytest.mark.parametrize("contract", QUICK_CONTRACTS)
@pytest.mark.parametrize("name", QUICK_KNOBS)
def test_contract_with_quick_knobs(name, contract):
    CONTRACTS[contract](partial(optimizers.get(name), **QUICK_KNOBS[name]))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_contract_with_logits(contract):
    CONTRACTS[contract](partial(optimizers.get("gradient"), relaxation="gumbel"))


@pytest.mark.slow
@pytest.mark.parametrize("contract", LEARNING)
def test_learning_with_logits(contract):
    LEARNING[contract](partial(optimizers.get("gradient"), relaxation="gumbel"))


@pytest.mark.parametrize("contract", LEARNING)
@pytest.mark.parametrize(
    "name",
    [marked(name, PEERS | LEARNING_SLOWLY) for name in optimizers.names() if name not in NOT_LEARNING],
)
def test_learning(name, contract):
    LEARNING[contract](optimizers.get(name))


def test_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match=r"no optimizer 'evolutoin' among .*; did you mean 'evolution'\?"):
        optimizers.get("evolutoin")


def test_a_class_has_one_name():
    for name in optimizers.names():
        made = optimizers.get(name)
        assert optimizers.name_of(made.__new__(made)) == name
    assert optimizers.name_of(object()) == "builtins:object"


def test_entry_points_are_found(tmp_path, monkeypatch):
    (tmp_path / "stranger.py").write_text(
        "from apollo_dse.optimizers.random import Random\nclass Stranger(Random): pass\n"
    )
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[apollo_dse.optimizers]\nstranger = stranger:Stranger\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "stranger" in optimizers.names()
    made = optimizers.get("stranger")
    CONTRACTS["suggests_points_of_the_space"](made)
    assert optimizers.name_of(made.__new__(made)) == "stranger"


def test_imports_stay_light():
    heavy = {"torch", "botorch", "gpytorch", "sklearn"}
    script = f"import sys, apollo_dse.study; print(*({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
