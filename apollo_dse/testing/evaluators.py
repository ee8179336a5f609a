"""The contracts of evaluators, to be run on anyone's.

Each contract takes a `Case`, which makes an evaluator and has points for it, and raises `AssertionError` when
the evaluator breaks it.

Example:
    In the tests of a package that brings its own evaluator:

        CASE = Case(lambda: Gem5(EDGE, [TINY]), POINTS, others=(lambda: Gem5(EDGE, [LARGE]),))

        @pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
        def test_contract(contract):
            contract(CASE)
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from apollo_dse.evaluators import Evaluator, preview_of
from apollo_dse.trial import Measurement
from search_spaces.space import Point

Make = Callable[[], Evaluator]
Contract = Callable[["Case"], None]


@dataclass(frozen=True, slots=True)
class Case:
    """An evaluator that is tested.

    Attributes:
        make: makes it, always alike.
        points: several points, all different, with one at least that is feasible.
        others: make evaluators of the same kind that measure something else.
    """

    make: Make
    points: Sequence[Point]
    others: Sequence[Make] = ()


def has_what_it_promises(case: Case) -> None:
    """There is one measurement a point; every feasible one has the `metrics`, each of them, and no others."""
    evaluator = case.make()
    assert isinstance(evaluator, Evaluator), f"{evaluator!r} must have `metrics`, `fingerprint` and be callable"
    names = evaluator.metrics
    assert names, "there must be metrics"
    assert len(set(names)) == len(names), f"metrics must differ, but got {names}"
    measured = evaluator(case.points)
    assert len(measured) == len(case.points), "there must be one measurement a point"
    assert all(isinstance(each, Measurement) for each in measured), "it must answer with measurements"
    assert any(each.is_feasible for each in measured), f"one at least must be feasible, but got {measured}"
    for each in measured:
        got = set(each.metrics)
        assert not each.is_feasible or got == set(names), f"metrics must be {names}, but got {sorted(got)}"


def keeps_the_order(case: Case) -> None:
    """Measurements come in the order of their points, whatever that order is, and however many there are."""
    evaluator = case.make()
    alone = [_only(evaluator, point) for point in case.points]
    assert list(evaluator(case.points)) == alone, "a batch must be measured as its points are one by one"
    assert list(evaluator(case.points[::-1])) == alone[::-1], "measurements must be in the order of the points"
    assert list(evaluator(tuple(case.points))) == alone, "any sequence of points must do"


def measures_a_point_always_alike(case: Case) -> None:
    """The same point has the same measurement: again, twice in a batch, and by another evaluator made alike."""
    evaluator, point = case.make(), case.points[0]
    first = _only(evaluator, point)
    assert _only(evaluator, point) == first, "a point must be measured again as before"
    twice = evaluator([*case.points, point])
    assert len(twice) == len(case.points) + 1, "a point that is there twice must be measured twice"
    assert twice[0] == twice[-1] == first, "a point that is there twice must be measured alike"
    assert _only(case.make(), point) == first, "evaluators made alike must measure alike"


def measures_the_point_not_its_type(case: Case) -> None:
    """The order of a point's keys means nothing, nor do numpy's numbers, nor whether 4 is an int."""
    evaluator, point = case.make(), case.points[0]
    wanted = _only(evaluator, point)
    assert _only(evaluator, dict(reversed(list(point.items())))) == wanted, (
        "the order of keys must mean nothing"
    )
    for kind in (np.float64, float):
        same = {name: value if isinstance(value, str) else kind(value) for name, value in point.items()}
        assert _only(evaluator, same) == wanted, f"{kind.__name__} must mean what the same number does"


def leaves_points_alone(case: Case) -> None:
    """Neither a point nor the sequence they come in is changed."""
    points = deepcopy(list(case.points))
    case.make()(points)
    assert points == list(case.points), "points must not be changed"


def measures_nothing_of_nothing(case: Case) -> None:
    """A batch of no points has no measurements."""
    assert list(case.make()([])) == [], "a batch of none must give none"


def has_one_fingerprint(case: Case) -> None:
    """The fingerprint is text on one line; evaluators made alike share it, and no use changes it."""
    evaluator = case.make()
    first = evaluator.fingerprint
    assert isinstance(first, str), f"a fingerprint must be text, but got {first!r}"
    assert first.strip(), "a fingerprint must not be blank"
    assert "\n" not in first, f"a fingerprint must be on one line, but got {first!r}"
    evaluator(case.points[:1])
    assert evaluator.fingerprint == first, "a fingerprint must not change with use"
    assert case.make().fingerprint == first, "evaluators made alike must share their fingerprint"


def tells_what_measures_otherwise(case: Case) -> None:
    """An evaluator that measures something else has another fingerprint."""
    prints = [case.make().fingerprint, *(make().fingerprint for make in case.others)]
    assert len(set(prints)) == len(prints), f"what measures otherwise must have another fingerprint: {prints}"


def gives_reasons(case: Case) -> None:
    """Infeasible is a reason in words, and without a line's end; a run that fails has its own beginning."""
    for each in case.make()(case.points):
        if each.infeasible_because is not None:
            assert "\n" not in each.infeasible_because, f"a reason must be on one line: {each}"
            assert not each.metrics, f"what is infeasible must have no metrics: {each}"


def previews_what_it_measures(case: Case) -> None:
    """What is known beforehand is what is measured, as far as it goes; without a preview nothing is claimed."""
    evaluator = case.make()
    preview = preview_of(evaluator)
    if preview is None:
        return
    assert list(preview([])) == [], "a preview of none must give none"
    for known, measured in zip(preview(case.points), evaluator(case.points), strict=True):
        if not known.is_feasible:
            assert not measured.is_feasible, f"{known} was foretold, but it is {measured}"
        elif measured.is_feasible:
            shared = {name: measured.metrics[name] for name in known.metrics}
            assert shared == dict(known.metrics), f"{known} was foretold, but it is {measured}"


def survives_pickling(case: Case) -> None:
    """A copy in another process measures the same, under the same fingerprint."""
    evaluator = case.make()
    copy = pickle.loads(pickle.dumps(evaluator))
    assert copy.fingerprint == evaluator.fingerprint, "a copy must have the same fingerprint"
    assert list(copy(case.points)) == list(evaluator(case.points)), "a copy must measure the same"


def _only(evaluator: Evaluator, point: Point) -> Measurement:
    found = evaluator([point])
    assert len(found) == 1, f"one point must have one measurement, but got {len(found)}"
    return found[0]


CONTRACTS: Mapping[str, Contract] = {
    contract.__name__: contract
    for contract in (
        has_what_it_promises,
        keeps_the_order,
        measures_a_point_always_alike,
        measures_the_point_not_its_type,
        leaves_points_alone,
        measures_nothing_of_nothing,
        has_one_fingerprint,
        tells_what_measures_otherwise,
        gives_reasons,
        previews_what_it_measures,
        survives_pickling,
    )
}
"""What every evaluator keeps."""
