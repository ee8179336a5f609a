"""Differential evolution: vectors from differences, places won by the better, sinusoidal weights."""

import numpy as np
import pytest

from apollo_dse.optimizers.differential_evolution import DifferentialEvolution, trial_vector
from apollo_dse.testing import bowl
from apollo_dse.trial import Trial
from search_spaces.parameter import Integer


def test_a_vector_is_the_best_and_two_differences():
    """With weight 1 every coordinate is the mutant's: best + (a - b) + (c - d) of the four other rows."""
    units = np.array([[0.5], [0.50], [0.51], [0.53], [0.57]])
    best = np.array([0.5])
    values = {
        round(float(trial_vector(units, 0, best, 1.0, np.random.default_rng(seed))[0]), 6)
        for seed in range(200)
    }
    signs = [(1, 1, -1, -1), (1, -1, 1, -1), (1, -1, -1, 1), (-1, 1, 1, -1), (-1, 1, -1, 1), (-1, -1, 1, 1)]
    assert values == {round(0.5 + float(np.dot(sign, units[1:, 0])), 6) for sign in signs}


def test_without_weight_all_but_one_coordinate_are_the_targets():
    units = np.random.default_rng(0).random((6, 5))
    child = trial_vector(units, 2, units[4], 0.0, np.random.default_rng(1))
    assert (child != units[2]).sum() == 1
    assert (child == units[4]).sum() == 1


def test_what_leaves_the_cube_is_drawn_anew():
    units = np.array([[0.0], [1.0], [0.0], [1.0], [0.0], [1.0]])
    children = [trial_vector(units, 0, np.array([1.0]), 1.0, np.random.default_rng(i))[0] for i in range(100)]
    assert min(children) >= 0
    assert max(children) <= 1
    assert len(set(children)) > 20


def test_a_place_goes_to_the_better():
    problem = bowl(Integer("a", 0, 100))
    optimizer = DifferentialEvolution(problem, seed=0, population=6)
    values = (0, 10, 20, 30, 45, 50, 51, 5, 20, 99, 99, 99)
    points = [{"a": a} for a in values]
    optimizer.tell(
        [Trial(i, *pair) for i, pair in enumerate(zip(points, problem.evaluate(points), strict=True))]
    )
    assert [optimizer.places[i].point["a"] for i in range(6)] == [51, 10, 20, 30, 45, 50]


def test_weights_swing_ever_wider():
    """F = CR = (sin(2 pi t / 4) t / T + 1) / 2, Squirrel's with T = 16."""
    optimizer = DifferentialEvolution(bowl(Integer("a", 0, 9)), seed=0, period=16)
    weights = [optimizer.weight(t) for t in range(17)]
    assert weights[:4] == pytest.approx([0.5, 0.5 + 1 / 32, 0.5, 0.5 - 3 / 32])
    assert weights[13:] == pytest.approx([0.5 + 13 / 32, 0.5, 0.5 - 15 / 32, 0.5])


@pytest.mark.parametrize("knobs", [{"population": 5}, {"period": 0}])
def test_knobs_out_of_range(knobs):
    with pytest.raises(ValueError, match="`population >= 6` and `period >= 1` must hold"):
        DifferentialEvolution(bowl(Integer("a", 0, 9)), seed=0, **knobs)
