"""Regressors that predict are kept, and what they promise is suggested."""

import numpy as np
import pytest

from apollo_dse.optimizers.mbo.regressors import FAMILIES, features, tuned
from apollo_dse.optimizers.mbo.search import LEARNED, MBO, promised, scores
from apollo_dse.optimizers.random import Random
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Ordinal, Real

QUICK = {"families": ["ridge", "process"], "draws": 2}


def told(optimizer, points):
    problem = optimizer.problem
    pairs = zip(points, problem.evaluate(points), strict=True)
    optimizer.tell([Trial(i, *pair) for i, pair in enumerate(pairs, len(optimizer.trials))])


class TestTuned:
    rows = np.random.default_rng(0).random((60, 3))

    @pytest.mark.parametrize("family", FAMILIES)
    def test_each_family_explains_a_smooth_function(self, family):
        targets = self.rows[:, 0] + (self.rows[:, 1] - 0.5) ** 2
        (kept,) = tuned(self.rows, targets, [family], 3, 0.5, 0)
        fitted = kept.fit(self.rows, targets)
        assert np.corrcoef(fitted.predict(self.rows), targets)[0, 1] > 0.8

    def test_what_explains_nothing_is_dropped(self):
        noise = np.random.default_rng(1).random(60)
        assert tuned(self.rows, noise, ["ridge", "neighbours"], 3, 0.2, 0) == []
        assert tuned(self.rows, np.ones(60), ["ridge"], 1, 0.0, 0) == []

    def test_the_better_hyper_parameters_win(self):
        """A product of two features takes a polynomial of degree 2."""
        targets = (self.rows[:, 0] - 0.5) * (self.rows[:, 1] - 0.5)
        (kept,) = tuned(self.rows, targets, ["ridge"], 12, 0.3, 0)
        assert kept.get_params()["polynomialfeatures__degree"] == 2


def test_categories_are_one_hot():
    space = bowl(Real("a", 0.0, 10.0), Categorical("b", ("x", "y", "z"))).space
    assert features(space, [{"a": 2.5, "b": "z"}, {"a": 10.0, "b": "x"}]).tolist() == [
        [0.25, 0, 0, 1],
        [1, 1, 0, 0],
    ]


def test_scores_are_normal_and_small_for_the_best():
    problem = accelerators()
    points = Random(problem, seed=0).ask(99)
    trials = [Trial(i, *pair) for i, pair in enumerate(zip(points, problem.evaluate(points), strict=True))]
    found = scores(problem, trials)
    best = min((t for t in trials if problem.feasible(t)), key=problem.losses)
    assert found.argmin() == best.number
    assert found.min() == pytest.approx(-2.57, abs=0.02)
    assert abs(found.mean()) < 0.1


def test_promises_by_hand():
    predicted = np.array([[0.0, 1.0], [2.0, 1.0]])
    assert promised(predicted, 0.0, "mean").tolist() == [-1, -1]
    assert promised(predicted, 0.0, "ucb").tolist() == [0, -1]
    assert promised(predicted, 0.0, "ei")[0] == pytest.approx(0.0833, abs=1e-4)
    assert promised(predicted, 0.0, "ei")[1] < 1e-6


def test_it_finds_the_bottom_of_a_bowl():
    problem = bowl(*(Ordinal(f"p{i}", tuple(2**j for j in range(9))) for i in range(5)))
    optimizer = MBO(problem, seed=0, **QUICK)
    for _ in range(6):
        told(optimizer, optimizer.ask(8))
    assert problem.incumbent(optimizer.trials).point == dict.fromkeys(problem.space.names, 16)


def test_what_is_learned_is_bounded():
    problem = accelerators()
    optimizer = MBO(problem, seed=0, **QUICK)
    told(optimizer, Random(problem, seed=0).ask(LEARNED + 100))
    learned = optimizer._learned(LEARNED + 100)
    assert len(learned) == LEARNED
    assert learned[LEARNED // 2 :] == optimizer.trials[-LEARNED // 2 :]
    best = min(filter(problem.feasible, optimizer.trials), key=problem.losses)
    assert best in learned


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"acquisition": "pi"}, "`acquisition` must be one of mean, ucb, ei"),
        ({"families": []}, "but got none"),
        ({"families": ["ridge", "oak"]}, "but got oak"),
        ({"draws": 0}, "`draws >= 1` and `tune_every >= 1`"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        MBO(accelerators(), seed=0, **knobs)
