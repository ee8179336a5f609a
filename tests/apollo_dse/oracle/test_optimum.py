"""The exact optimum against brute force: every point of small subspaces measured, sorted by hand."""

import signal
from dataclasses import replace
from math import inf, prod

import numpy as np
import pytest

from accel_models import Layer, VectorOp, Workload
from apollo_dse import oracle
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.oracle import search
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.trial import Measurement, Trial
from search_spaces import Categorical, Integer, Ordinal, Real, SearchSpace
from search_spaces.hardware.edge import EDGE
from search_spaces.hardware.eyeriss import EYERISS

CONV = Layer(name="conv", k=32, c=16, p=14, q=14, r=3, s=3, repeats=2)
GEMM = Layer(name="gemm", k=96, c=64, p=20)
NORM = VectorOp(name="norm", kind="norm", ops=9000, input_words=4500, output_words=4500)
SMALL = Workload(name="small", layers=(CONV, GEMM), vector_ops=(NORM,))
OTHER = Workload(name="other", layers=(GEMM,))
MOST_POINTS = 400


def drawn(seed, **lists):
    """The edge space with a few of the smaller values of every parameter, and `lists` of optional ones."""
    rng = np.random.default_rng(seed)
    parameters, size = [], prod(map(len, lists.values()))
    order = rng.permutation(len(EDGE.space.parameters))
    for i in order:
        parameter = EDGE.space.parameters[i]
        count = int(min(rng.integers(1, 5), len(parameter.values), MOST_POINTS // size))
        size *= count
        smaller = max(count, len(parameter.values) * 2 // 3)
        chosen = sorted(rng.choice(smaller, size=count, replace=False).tolist())
        parameters.append((i, replace(parameter, values=tuple(parameter.values[place] for place in chosen))))
    opened = [
        Categorical(name, values) if name == "technology" else Ordinal(name, values)
        for name, values in lists.items()
    ]
    return SearchSpace((*(parameter for _, parameter in sorted(parameters, key=lambda pair: pair[0])), *opened))


def many(point):
    """A rule of a space."""
    return "there must not be more cores than rows" if point["cores"] > point["pe_x"] else None


SPACES = {
    "one": (drawn(1), (SMALL,)),
    "two": (drawn(9), (SMALL,)),
    "networks": (drawn(3), (SMALL, OTHER)),
    "settled": (drawn(4, clock_mhz=(400, 1000), technology=("7nm", "16nm")), (SMALL,)),
    "rules": (replace(drawn(6), rules=(many,)), (OTHER,)),
}


def evaluator(name, goal):
    _, workloads = SPACES[name]
    return AnalyticalEvaluator(EDGE, workloads, minimize=goal)


@pytest.fixture(scope="module")
def measured():
    """Measurements of all points that rules admit, by space and goal of the mapping, made when asked for."""
    known = {}

    def of(name, goal):
        if (name, goal) not in known:
            points = list(SPACES[name][0].enumerate())
            known[name, goal] = list(zip(points, evaluator(name, goal)(points), strict=True))
        return known[name, goal]

    return of


def problem(name, goal, objectives, limits=()):
    return Problem(
        space=SPACES[name][0],
        objectives=tuple(map(Objective.parse, objectives)),
        constraints=tuple(map(Constraint.parse, limits)),
        evaluate=evaluator(name, goal),
    )


def brute_force(asked, pairs):
    """Feasible points as (rounded losses, rounded area, position), sorted; positions among admitted points."""
    keys = []
    for position, (point, measurement) in enumerate(pairs):
        trial = Trial(position, point, measurement)
        if asked.feasible(trial):
            losses = tuple(float(f"{loss:.7e}") for loss in asked.losses(trial))
            keys.append((losses, float(f"{measurement.metrics['area_mm2']:.7e}"), position))
    return sorted(keys)


def front(keys):
    """Keys that no other dominates or precedes at equal losses, by comparing all pairs."""
    losses = np.array([key[0] for key in keys])
    no_worse = (losses[:, None] <= losses).all(axis=2)
    better = (losses[:, None] < losses).any(axis=2)
    rank = np.arange(len(keys))
    beaten = no_worse & (better | (rank[:, None] < rank))
    return [key for key, dominated in zip(keys, beaten.any(axis=0).tolist(), strict=True) if not dominated]


def check_certificate(found, space):
    assert found.end == "solved"
    assert found.gap == 0.0
    assert found.open == 0
    assert found.points == prod(len(parameter.values) for parameter in space.parameters)
    assert found.points == found.evaluated + sum(found.pruned.values())
    assert all(count > 0 for count in found.pruned.values())


def check(found, asked, pairs, expected):
    """Points and metrics are those of brute force, to the last digit."""
    check_certificate(found, asked.space)
    assert [(dict(d.point), d.measurement) for d in found.designs] == [
        (dict(pairs[position][0]), pairs[position][1]) for _, _, position in expected
    ]


SINGLE = [
    ("latency", "latency", ("area<=10",)),
    ("latency", "latency", ()),
    ("latency", "latency", ("power<=1W",)),
    ("energy", "energy", ("area<=10", "latency<=40us")),
    ("edp", "edp", ()),
    ("edp", "edp", ("area<=10", "power<=1W")),
    ("energy", "latency", ("utilization>=10%",)),
    ("power", "latency", ("latency<=20us",)),
    ("utilization", "latency", ("area>=2",)),
    ("area", "latency", ("latency<=20us", "energy<=1mJ")),
]


@pytest.mark.parametrize(
    ("name", "objective", "goal", "limits"),
    [
        *((name, *asked) for name in ("one", "two") for asked in SINGLE),
        *((name, *asked) for name in ("networks", "settled", "rules") for asked in SINGLE[2:6]),
    ],
    ids=str,
)
def test_the_best_designs_are_those_of_brute_force(measured, name, objective, goal, limits):
    asked, pairs = problem(name, goal, (objective,), limits), measured(name, goal)
    expected = brute_force(asked, pairs)
    assert len(expected) > 2
    check(oracle.solve(asked, top=9), asked, pairs, expected[:9])


@pytest.mark.parametrize("name", ["one", "networks", "settled"])
@pytest.mark.parametrize(
    ("objectives", "limits"),
    [
        (("latency", "energy"), ()),
        (("latency", "area"), ("power<=1W",)),
        (("energy", "utilization"), ("area<=10",)),
    ],
    ids=str,
)
def test_the_pareto_front_is_that_of_brute_force(measured, name, objectives, limits):
    asked, pairs = problem(name, "edp", objectives, limits), measured(name, "edp")
    keys = brute_force(asked, pairs)
    assert len(keys) > 3
    check(oracle.solve(asked), asked, pairs, front(keys))


def test_bounds_spare_most_of_a_space():
    """The point of it: far fewer designs are priced than there are, and each reason is named."""
    asked = Problem(
        space=EDGE.space.subspace(pe_x=4, cores=2, instruction_memory_entries=16384),
        objectives=(Objective.parse("latency"),),
        constraints=(Constraint.parse("area<=10"),),
        evaluate=AnalyticalEvaluator(EDGE, (SMALL,)),
    )
    found = oracle.solve(asked)
    check_certificate(found, asked.space)
    assert found.evaluated + found.bounded < found.points / 100
    assert set(found.pruned) == {"area", "cannot be built", "objective"}


def test_a_design_that_cannot_run_is_excluded_by_name():
    huge = Workload(name="huge", layers=(Layer(name="wide", k=4, c=300000, p=2),))
    space = EDGE.space.subspace(
        pe_x=1, pe_y=1, cores=1, pe_memory_bytes=262144, activation_memory_entries=256, lanes=4
    )
    asked = Problem(
        space=space, objectives=(Objective.parse("latency"),), evaluate=AnalyticalEvaluator(EDGE, (huge,))
    )
    found = oracle.solve(asked)
    pairs = [
        (point, asked.evaluate([point])[0]) for point in space.subspace(core_memory_bytes=4096).enumerate()
    ]
    assert any(not measurement.is_feasible for _, measurement in pairs)
    check_certificate(found, space)


def test_no_feasible_design_is_an_answer():
    asked = problem("one", "latency", ("latency",), ("latency<=1ns",))
    found = oracle.solve(asked)
    check_certificate(found, asked.space)
    assert found.best is None
    assert found.pruned["latency_s<=1e-09"] > 0


@pytest.mark.parametrize("rounds", [1, 2, 4])
def test_an_interrupted_search_tells_what_may_be_left(measured, monkeypatch, rounds):
    monkeypatch.setattr(search, "BATCH", 8)
    asked, pairs = problem("one", "energy", ("energy",)), measured("one", "energy")
    told = []

    def progress(now):
        told.append(now())
        if len(told) == rounds:
            signal.raise_signal(signal.SIGINT)

    found = oracle.solve(asked, progress=progress)
    assert found.end == "interrupted"
    assert found.points == found.evaluated + sum(found.pruned.values()) + found.open
    assert found.open == told[-1].open > 0
    [best] = brute_force(asked, pairs)[0][0]
    if found.best is None:
        assert found.gap == inf
    else:
        assert 0 < found.gap < 1
        assert found.best.losses[0] * (1 - found.gap) <= best * (1 + 1e-6), "losses are compared by 7 digits"
        assert best <= found.best.losses[0] * (1 + 1e-6)


def test_a_time_limit_ends_the_search():
    found = oracle.solve(problem("one", "latency", ("latency",)), seconds=1e-9)
    assert found.end == "time is up"
    assert found.open > 0
    assert found.gap == inf


TOY = SearchSpace((Integer("x", 0, 9), Ordinal("y", (1, 2, 4)), Categorical("z", ("a", "b"))))


def toy(points):
    """Loss is the distance of x from 6; odd x cannot be; an area decides between equal losses."""
    return [
        Measurement(infeasible_because="x is odd")
        if point["x"] % 2
        else Measurement(
            {"loss": abs(point["x"] - 5.0), "rest": point["y"] - point["x"], "area_mm2": 9.0 - point["y"]}
        )
        for point in points
    ]


def test_without_bounds_every_point_is_measured():
    asked = Problem(
        space=replace(TOY, rules=(lambda point: "small" if point["x"] < 2 else None,)),
        objectives=(Objective("loss"),),
        evaluate=toy,
    )
    found = oracle.solve(asked, top=3)
    assert [tuple(d.point.values()) for d in found.designs] == [(4, 4, "a"), (4, 4, "b"), (6, 4, "a")]
    assert (found.points, found.evaluated, dict(found.pruned), found.gap) == (60, 48, {"rules": 12}, 0.0)
    both = replace(asked, objectives=(Objective("loss"), Objective("rest")))
    assert [d.losses for d in oracle.solve(both).designs] == [(1.0, -5.0), (3.0, -7.0)]


def unsolvable(space, metric, evaluate):
    return Problem(space=space, objectives=(Objective(metric),), evaluate=evaluate)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (unsolvable(SearchSpace((Real("x", 0, 1),)), "loss", toy), "but 'x' is any number from 0 to 1"),
        (
            unsolvable(SearchSpace((Integer("x", 1, 10**7),)), "loss", toy),
            "at most 1,000,000 points, but its evaluator is not the built-in one, and the space has 10,000,000",
        ),
        (
            unsolvable(EDGE.space, "steady_latency_s", AnalyticalEvaluator(EDGE, (SMALL,), steady=True)),
            "no bounds on 'steady_latency_s', and the space has 452,760,000",
        ),
        (
            unsolvable(EYERISS.space, "latency_s", AnalyticalEvaluator(EYERISS, (SMALL,))),
            "family 'eyeriss' has no bounds",
        ),
    ],
    ids=["real", "stranger", "steady", "family"],
)
def test_what_cannot_be_solved_is_refused(asked, said):
    with pytest.raises(ValueError, match=said):
        oracle.solve(asked)


def build_with_one_core(point):
    return EDGE.build({**point, "cores": 1})


def test_ranges_of_another_template_are_found_out():
    changed = replace(EDGE, build=build_with_one_core)
    asked = unsolvable(EDGE.space, "latency_s", AnalyticalEvaluator(changed, (SMALL,)))
    with pytest.raises(ValueError, match="`monotone` of space 'edge' must describe what its `build` makes"):
        oracle.solve(asked)


def test_top_is_a_count():
    with pytest.raises(ValueError, match="top=0"):
        oracle.solve(problem("one", "latency", ("latency",)), top=0)
