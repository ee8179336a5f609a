"""NSGA-II: the best of parents and children survive; children lie between or near their parents."""

import numpy as np
import pytest

from apollo_dse.optimizers.nsga2 import NSGA2
from apollo_dse.problem import Objective, Problem
from apollo_dse.testing import bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Real
from search_spaces.space import SearchSpace


def test_the_best_of_two_generations_are_the_parents():
    problem = bowl(Integer("a", 0, 100))
    optimizer = NSGA2(problem, seed=0, population=3)
    points = [{"a": a} for a in (50, 90, 40, 0, 51, 20)]
    for number, (point, measured) in enumerate(zip(points, problem.evaluate(points), strict=True)):
        optimizer.tell([Trial(number, point, measured)])
    assert [trial.point["a"] for trial in optimizer.parents] == [50, 51, 40]


def test_of_a_front_the_crowded_are_dropped():
    space = SearchSpace((Integer("a", 0, 100),))
    problem = Problem(space=space, objectives=(Objective("x"), Objective("y")), evaluate=lambda points: [])
    optimizer = NSGA2(problem, seed=0, population=3)
    for number, a in enumerate((0, 100, 50, 51, 52, 99)):
        metrics = {"x": float(a), "y": 100.0 - a}
        optimizer.tell([Trial(number, {"a": a}, Measurement(metrics))])
    kept = {trial.point["a"] for trial in optimizer.parents}
    assert {0, 100} < kept
    assert not kept & {51, 99}


def test_crossover_keeps_the_parents_mean_and_spreads_about_them():
    optimizer = NSGA2(bowl(Real("a", 0.0, 1.0)), seed=0, spread=10.0)
    rng = np.random.default_rng(0)
    first, second = np.array([0.4]), np.array([0.6])
    children = np.array([optimizer._crossed(first, second, rng)[0] for _ in range(4000)])
    assert abs(children.mean() - 0.5) < 0.01
    assert np.abs(children - 0.5).max() < 0.35
    assert (np.minimum(abs(children - 0.4), abs(children - 0.6)) < 0.03).mean() > 0.8


def test_a_mutation_is_small_and_of_a_category_any():
    problem = bowl(Real("a", 0.0, 1.0), Categorical("b", ("x", "y", "z")))
    optimizer = NSGA2(problem, seed=0, mutations=2.0, spread=20.0)
    rng = np.random.default_rng(0)
    mutants = np.array([optimizer._mutated(np.array([0.5, 0.5]), rng) for _ in range(2000)])
    assert abs(np.median(np.abs(mutants[:, 0] - 0.5)) - (1 - 0.5 ** (1 / 21)) / 2) < 0.005
    assert np.histogram(mutants[:, 1], bins=3, range=(0, 1))[0].min() > 550


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"population": 1}, "`population >= 2`"),
        ({"crossover": 2.0}, "`crossover` must be a probability"),
        ({"mutations": 0.0}, "`mutations > 0` and `spread >= 0`"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        NSGA2(bowl(Integer("a", 0, 9)), seed=0, **knobs)
