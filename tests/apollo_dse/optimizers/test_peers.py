"""Optimizers of other libraries: named when they are installed, refused with a command when not."""

import pytest

from apollo_dse import optimizers
from apollo_dse.cli import main


def test_a_library_that_is_missing_is_named_with_the_command(monkeypatch, capsys):
    monkeypatch.setattr(optimizers, "find_spec", lambda module: None)
    assert not any(name.startswith("optuna") for name in optimizers.names())
    with pytest.raises(ValueError, match=r"'optuna-tpe' needs optuna, .* pip install 'apollo-dse\[peers\]'"):
        optimizers.get("optuna-tpe")
    assert main(["compare", "--optimizers", "random,optuna-gp"]) == 2
    assert "pip install 'apollo-dse[peers]'" in capsys.readouterr().err


def test_a_library_that_is_there_is_offered(monkeypatch):
    monkeypatch.setattr(optimizers, "find_spec", lambda module: object())
    assert {"optuna-tpe", "optuna-gp"} <= set(optimizers.names())
    made = optimizers.get("optuna-tpe")
    assert optimizers.name_of(made.__new__(made)) == "optuna-tpe"
    assert made.distributions == ("optuna",)
