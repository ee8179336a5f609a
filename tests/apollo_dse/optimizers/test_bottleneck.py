"""What binds goes up, what idles goes down, and without a word of it children are mutants."""

import numpy as np
import pytest

from apollo_dse.optimizers.bottleneck import Bottleneck
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.testing import accelerators
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    (
        Ordinal("lanes", (1, 2, 4, 8, 16, 32, 64)),
        Ordinal("bandwidth", (1, 2, 4, 8, 16, 32, 64)),
        Integer("memory", 1, 64),
        Categorical("kind", ("a", "b")),
    )
)
REMEDIES = {"compute": ("lanes",), "traffic": ("bandwidth", "memory"), "words": ("memory",)}
MIDDLE = {"lanes": 8, "bandwidth": 8, "memory": 32, "kind": "a"}


def cost(point):
    """A roofline of two resources."""
    compute, traffic = 1.0 / float(point["lanes"]), 1.0 / float(point["bandwidth"])
    shares = {"compute": compute, "traffic": traffic}
    bottlenecks = {name: share / (compute + traffic) for name, share in shares.items()}
    area = float(point["lanes"]) + float(point["bandwidth"])
    return Measurement({"latency_s": compute + traffic, "area_mm2": area}, bottlenecks=bottlenecks)


def problem_of(area_mm2=1e3, metric="latency_s", remedies=REMEDIES):
    return Problem(
        space=SPACE,
        objectives=(Objective(metric),),
        evaluate=lambda points: [*map(cost, points)],
        constraints=(Constraint("area_mm2", upper=area_mm2, known=True),),
        preview=lambda points: [*map(cost, points)],
        remedies=remedies,
    )


def children(problem, measurement, point=MIDDLE, n=12, **knobs):
    optimizer = Bottleneck(problem, seed=0, starts=1, mutants=0.0, **knobs)
    optimizer.tell([Trial(0, point, measurement)])
    rng = np.random.default_rng(0)
    return [optimizer._child(rng) for _ in range(n)]


def test_what_binds_goes_up_and_nothing_else_changes():
    for resource, names in REMEDIES.items():
        bound = Measurement({"latency_s": 1.0, "area_mm2": 1.0}, bottlenecks={resource: 1.0})
        for child in children(problem_of(), bound):
            (changed,) = (name for name in MIDDLE if child[name] != MIDDLE[name])
            assert changed in names
            assert child[changed] > MIDDLE[changed]


def test_resources_are_relieved_in_proportion_to_what_they_bind():
    bound = Measurement({"latency_s": 1.0, "area_mm2": 1.0}, bottlenecks={"compute": 0.8, "traffic": 0.2})
    made = children(problem_of(), bound, n=400)
    assert 280 < sum(child["lanes"] > 8 for child in made) < 360


def test_what_is_missing_goes_up():
    missing = Measurement(infeasible_because="no room", bottlenecks={"words": 4.0})
    assert all(child["memory"] > 32 for child in children(problem_of(), missing))


def test_what_idles_goes_down_until_a_known_limit_is_kept(monkeypatch):
    """16 lanes and 8 bytes a cycle take 24 mm2; what does not bind is the bandwidth."""
    monkeypatch.setattr("apollo_dse.optimizers.bottleneck.LONG", 0.0)
    problem = problem_of(area_mm2=20.0)
    bound = Measurement({"latency_s": 1.0, "area_mm2": 16.0}, bottlenecks={"compute": 1.0})
    for child in children(problem, bound):
        assert problem.known_violations([child]) == [0.0]
        assert child["bandwidth"] < 8 < child["lanes"]


def test_other_goals_than_latency_save():
    bound = Measurement({"latency_s": 1.0, "area_mm2": 16.0}, bottlenecks={"compute": 1.0})
    smaller = [
        cost(child).metrics["area_mm2"] < 16 or child["memory"] < 32
        for child in children(problem_of(metric="area_mm2"), bound, n=200)
    ]
    assert 40 < sum(smaller) < 160
    assert not any(cost(child).metrics["area_mm2"] < 16 for child in children(problem_of(), bound, n=200))


@pytest.mark.parametrize("remedies", [{}, {"other": ("lanes",)}])
def test_without_a_remedy_children_are_mutants(remedies):
    bound = Measurement({"latency_s": 1.0, "area_mm2": 1.0}, bottlenecks={"compute": 1.0})
    changed = {name for child in children(problem_of(remedies=remedies), bound, n=200) for name in MIDDLE
               if child[name] != MIDDLE[name]}  # fmt: skip
    assert changed == set(MIDDLE)


def test_what_is_as_large_as_can_be_gives_way_to_another_remedy():
    top = {**MIDDLE, "bandwidth": 64}
    bound = Measurement({"latency_s": 1.0, "area_mm2": 1.0}, bottlenecks={"traffic": 1.0})
    assert all(child["memory"] > 32 for child in children(problem_of(), bound, top))


def test_it_needs_fewer_trials_than_blind_search():
    """Median best latency after 14 trials of a roofline: told what binds, and not told."""

    def best(problem, seed):
        optimizer = Bottleneck(problem, seed)
        for _ in range(7):
            points = optimizer.ask(2)
            start = len(optimizer.trials)
            pairs = zip(points, problem.evaluate(points), strict=True)
            optimizer.tell([Trial(number, *pair) for number, pair in enumerate(pairs, start)])
        return problem.losses(problem.incumbent(optimizer.trials))[0]

    told, blind = problem_of(area_mm2=80.0), problem_of(area_mm2=80.0, remedies={})
    assert np.median([best(told, seed) for seed in range(16)]) < np.median(
        [best(blind, seed) for seed in range(16)]
    )


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"starts": 0}, "`starts >= 1` and `parents >= 1`"),
        ({"parents": 0}, "`starts >= 1` and `parents >= 1`"),
        ({"mutants": 1.5}, "`mutants` must be a probability"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        Bottleneck(accelerators(), seed=0, **knobs)
