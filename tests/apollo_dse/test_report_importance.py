"""Importance: finds what was planted, distrusts noise, and says when trials are too few."""

import numpy as np
import pytest

from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.report.importance import FEWEST_TRIALS, importances
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Ordinal, Real
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    (Ordinal("width", (1, 2, 4, 8)), Real("speed", 1.0, 2.0), Categorical("colour", ("red", "green")))
)


def study(metrics, count, limit=1e9):
    asked = Problem(
        space=SPACE,
        objectives=(Objective("latency_s"),),
        constraints=(Constraint("area_mm2", upper=limit),),
        evaluate=lambda points: [Measurement(metrics(p)) for p in points],
    )
    points = SPACE.sample(np.random.default_rng(0), count)
    trials = [Trial(i, p, m) for i, (p, m) in enumerate(zip(points, asked.evaluate(points), strict=True))]
    return importances(asked, trials)


def test_planted_parameter_comes_first():
    of_latency, of_feasibility = study(
        lambda p: {"latency_s": 1.0 / p["width"], "area_mm2": p["speed"]}, 150, limit=1.5
    )
    assert of_latency.verdict == of_feasibility.verdict == "ok"
    assert of_latency.rows[0].parameter == "width"
    assert of_latency.score > 0.9
    assert of_feasibility.rows[0].parameter == "speed"
    assert of_latency.rows[0].mean > 10 * abs(of_latency.rows[1].mean)


def test_noise_is_called_weak():
    rng = np.random.default_rng(1)
    of_latency, _ = study(lambda p: {"latency_s": rng.uniform(1, 2), "area_mm2": 1.0}, 150)
    assert of_latency.verdict == "weak"
    assert "too little to be believed" in of_latency.note


@pytest.mark.parametrize("count", [0, 1, FEWEST_TRIALS - 1])
def test_too_few_trials_are_called_so(count):
    for item in study(lambda p: {"latency_s": 1.0 / p["width"], "area_mm2": 1.0}, count):
        assert item.verdict == "missing"
        assert item.rows == ()
        assert f"Not enough trials: {count} " in item.note


def test_a_constant_objective_is_decided_by_nothing():
    of_latency, of_feasibility = study(lambda p: {"latency_s": 1.0, "area_mm2": 1.0}, 60)
    assert of_latency.verdict == "missing"
    assert "same latency" in of_latency.note
    assert "0 infeasible ones" in of_feasibility.note


def test_equal_seeds_give_equal_importances():
    def metrics(p):
        return {"latency_s": 1.0 / p["width"], "area_mm2": p["speed"]}

    assert study(metrics, 60) == study(metrics, 60)
