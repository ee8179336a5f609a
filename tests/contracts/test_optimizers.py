"""Every registered optimizer keeps every contract; one more optimizer is tested without an edit here."""

import subprocess
import sys

import pytest

from apollo_dse import optimizers
from apollo_dse.testing import CONTRACTS, LEARNING

NOT_LEARNING = {"random"}
THOROUGH = {"bayesian"}  # thinks for some 50 ms about each of ten thousand suggestions
PEERS = {"optuna-tpe", "optuna-gp"}  # of other libraries, where they are installed


def patient(name, slow):
    """The name, marked as slow where contracts take minutes."""
    return pytest.param(name, marks=pytest.mark.slow) if name in slow else name


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("name", [patient(name, PEERS) for name in optimizers.names()])
def test_contract(name, contract):
    CONTRACTS[contract](optimizers.get(name))


@pytest.mark.parametrize("contract", LEARNING)
@pytest.mark.parametrize(
    "name", [patient(name, THOROUGH | PEERS) for name in sorted({*optimizers.names()} - NOT_LEARNING)]
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
