"""Every registered evaluator, and every kind that wraps another, keeps the contracts of evaluators."""

from dataclasses import replace
from pathlib import Path

import pytest

from accel_models import Layer, Workload
from apollo_dse import evaluators
from apollo_dse.evaluators import memory
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.evaluators.area import with_area
from apollo_dse.evaluators.engine import Engine
from apollo_dse.evaluators.tools.scalesim import ScaleSim
from apollo_dse.evaluators.tools.timeloop import Timeloop
from apollo_dse.evaluators.tools.zigzag import ZigZag
from apollo_dse.testing.evaluators import CONTRACTS, Case
from search_spaces import get
from tests.apollo_dse.evaluators import simulators, tools
from tests.apollo_dse.evaluators.tools import POINT

SYSTOLIC = get("systolic")
TINY = Workload(name="tiny", layers=(Layer(name="fc", k=16, c=32, p=4),))
OTHER = Workload(name="tiny", layers=(Layer(name="fc", k=16, c=64, p=4),))
POINTS = (POINT, {**POINT, "arrays": 2}, {**POINT, "rows": 8}, {**POINT, "buffer_bytes": 1 << 34})
NUMBERS = ({"x": 4, "y": 3}, {"x": 1, "y": 9}, {"x": 8, "y": 1})
CODE = """
import json, sys
p = json.load(open(sys.argv[1]))
if p["x"] == 8: sys.exit("x is too large")
print(f"cycles={p['x'] * 10 + p['y']}")
"""
TOOLS = {"scalesim": ScaleSim, "zigzag": ZigZag, "timeloop": Timeloop}


def described(folder: Path, code: str = CODE):
    """The evaluator of a program, as its file describes it."""
    folder.mkdir(exist_ok=True)
    return simulators.simulator(folder, code, infeasible=[{"regex": "(x is too large)"}])


def tool(name: str, folder: Path) -> Case:
    """A published simulator, whose stand-in is made once."""
    where = tools.quick(name, folder)
    made = TOOLS[name]

    def make(workloads=(TINY,), where=where, **keys):
        return made(SYSTOLIC, workloads, where, **keys)

    others = [lambda: make((OTHER,)), lambda: make((TINY, replace(OTHER, name="other")))]
    others += [lambda: make(minimize="energy")] * (name != "scalesim")
    return Case(make, POINTS, others)


def case_of(name: str, folder: Path) -> Case:
    """The case of an evaluator, by name."""
    if name in TOOLS:
        return tool(name, folder)
    if name == "analytical":

        def model(**keys):
            return AnalyticalEvaluator(SYSTOLIC, keys.pop("workloads", (TINY,)), **keys)

        others = (
            lambda: model(minimize="energy"),
            lambda: model(workloads=(OTHER,)),
            lambda: model(steady=True),
        )
        return Case(model, POINTS, others)
    if name == "area":
        inner = tool("scalesim", folder)
        return Case(lambda: with_area(inner.make(), SYSTOLIC), POINTS)
    changed = (lambda: described(folder / "b", CODE.replace("10", "11")),)
    if name == "command":
        return Case(lambda: described(folder / "a"), NUMBERS, changed)
    engine = Engine("process", 2) if name == "spread" else Engine()
    return Case(lambda: engine.around(described(folder / "a")), NUMBERS)


NAMES = ("analytical", "scalesim", "zigzag", "timeloop", "command", "area", "waiting", "spread")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """No measurement of another test is known."""
    monkeypatch.setattr(memory, "folder", lambda: tmp_path / "cache")


@pytest.mark.parametrize("contract", CONTRACTS)
@pytest.mark.parametrize("name", NAMES)
def test_contract(name, contract, tmp_path):
    if contract == "survives_pickling" and name in ("waiting", "spread"):
        pytest.skip("an engine is made where it is used")
    CONTRACTS[contract](case_of(name, tmp_path))


def test_all_that_are_registered_are_held_to_the_contracts():
    ours = [
        name for name in evaluators.names() if evaluators.registered(name).__module__.startswith("apollo_dse")
    ]
    assert set(ours) <= set(NAMES)
