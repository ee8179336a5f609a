"""What surrogates learn: transforms that keep order and sign, each outcome over the trials that have it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo_dse.outcomes import Outcome, excess, limits, normal_scores, objectives, tame
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.trial import Measurement, Trial
from search_spaces import Real, SearchSpace


def trials(*measurements):
    return [
        Trial(i, {"x": 0.5}, m if isinstance(m, Measurement) else Measurement(m))
        for i, m in enumerate(measurements)
    ]


def problem(*constraints, goal="minimize"):
    return Problem(
        space=SearchSpace((Real("x", 0, 1),)),
        objectives=(Objective("latency_s", goal),),
        evaluate=lambda points: [],
        constraints=constraints,
    )


@given(losses=st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=20, unique=True))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_taming_keeps_the_order(losses):
    tamed = tame(np.array(losses))
    assert np.isfinite(tamed).all()
    order = np.argsort(losses)
    assert (np.diff(tamed[order]) >= 0).all()


def test_taming_by_hand():
    assert tame(np.array([1.0, 10.0, 100.0])).tolist() == pytest.approx([0, math.log(10), math.log(100)])
    assert tame(np.array([-1.0, -10.0])).tolist() == pytest.approx([0, -math.log(10)])
    # the median is 1, the median distance from it 2
    expected = [math.asinh(distance / 2) for distance in (-2, -1, 0, 4, 1000)]
    assert tame(np.array([-1.0, 0.0, 1.0, 5.0, 1001.0])).tolist() == pytest.approx(expected)
    assert tame(np.zeros(3)).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("constraint", "values", "expected"),
    [
        (Constraint("a", upper=20.0), (10.0, 20.0, 40.0), (-math.log(2), 0, math.log(2))),
        (Constraint("a", lower=0.5), (0.25, 0.5, 1.0), (math.log(2), 0, -math.log(2))),
        (Constraint("a", upper=20.0), (0.0, 20.0, 60.0), (-math.log(2), 0, math.log(3))),
        (Constraint("a", lower=-2.0), (-6.0, -2.0, 2.0), (math.log(3), 0, -math.log(3))),
        (Constraint("a", upper=0.0), (-1.0, 0.0, 1.0), (-math.log(2), 0, math.log(2))),
    ],
)
def test_an_excess_is_positive_exactly_beyond_the_limit(constraint, values, expected):
    assert excess(constraint, trials(*({"a": v} for v in values))).tolist() == pytest.approx(expected)


def test_outcomes_are_standardized_and_zero_moves_with_them():
    outcome = Outcome.of("o", [3, 5], np.array([1.0, 5.0]))
    assert outcome.values.tolist() == [-1, 1]
    assert outcome.threshold == -1.5
    alike = Outcome.of("o", [0, 1], np.array([4.0, 4.0]))
    assert alike.values.tolist() == [0, 0]
    assert alike.threshold == -4


def test_each_outcome_has_the_trials_that_have_it():
    """Of failures only that they failed is learned; beyond a limit an objective may be missing."""
    asked = problem(Constraint("area_mm2", upper=10.0))
    told = trials(
        {"latency_s": 1.0, "area_mm2": 5.0},
        Measurement(infeasible_because="no"),
        {"area_mm2": 40.0},
        {"latency_s": 3.0, "area_mm2": 20.0},
    )
    (goal,) = objectives(asked, told)
    assert goal.numbers.tolist() == [0, 3]
    area, ran = limits(asked, told)
    assert area.numbers.tolist() == [0, 2, 3]
    assert (area.values > area.threshold).tolist() == [False, True, True]
    assert ran.numbers.tolist() == [0, 1, 2, 3]
    assert (ran.values > ran.threshold).tolist() == [False, True, False, False]


def test_what_cannot_be_learned_is_left_out():
    asked = problem(Constraint("area_mm2", upper=10.0))
    failed = trials(Measurement(infeasible_because="no"))
    assert objectives(asked, failed) == []
    assert [outcome.name for outcome in limits(asked, failed)] == ["ran"]
    assert [outcome.name for outcome in limits(asked, trials({"area_mm2": 1.0}))] == ["area_mm2<=10.0"]


def test_a_metric_to_be_maximized_has_the_smaller_value_the_larger_it_is():
    (goal,) = objectives(problem(goal="maximize"), trials({"latency_s": 1.0}, {"latency_s": 4.0}))
    assert goal.values.tolist() == [1, -1]


def test_normal_scores_by_hand():
    values = np.array([5.0, -1.0, 5.0, 100.0])
    scores = normal_scores(Outcome("loss", np.arange(4), values, 7.0, 3.0))
    # ranks 2.5, 1, 2.5, 4 of four: shares 1/2, 1/8, 1/2, 7/8
    assert scores.values == pytest.approx([0.0, -1.150349, 0.0, 1.150349], abs=1e-6)
    assert (scores.centre, scores.scale) == (0.0, 1.0)
