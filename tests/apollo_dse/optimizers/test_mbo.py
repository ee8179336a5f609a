"""Regressors that predict are kept and weighed, and the points of which they promise most are suggested."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor

from apollo_dse.admission import Admission
from apollo_dse.encoding import Encoding
from apollo_dse.optimizers.mbo.evolution import evolved
from apollo_dse.optimizers.mbo.regressors import FAMILIES, IGNORANT, Expert, Forecast, tuned
from apollo_dse.optimizers.mbo.search import INITIAL, LEARNED, MBO
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Integer, Ordinal
from search_spaces.space import SearchSpace, canonical

QUICK = {"families": ["process"], "draws": 2}
GRID = bowl(*(Integer(f"p{i}", 0, 9) for i in range(4)))
ENCODING = Encoding(GRID.space)


def told(optimizer, points):
    problem = optimizer.problem
    pairs = zip(points, problem.evaluate(points), strict=True)
    optimizer.tell([Trial(i, *pair) for i, pair in enumerate(pairs, len(optimizer.trials))])
    return optimizer


class TestTuned:
    x = np.random.default_rng(0).random((60, 3))

    @pytest.mark.parametrize("family", FAMILIES)
    def test_each_family_explains_a_smooth_function(self, family):
        y = self.x[:, 0] + (self.x[:, 1] - 0.5) ** 2
        y = (y - y.mean()) / y.std()
        (expert,) = tuned(self.x, y, [family], 3, 0.5, 0)
        assert 0 < expert.error < 0.5
        mean, _ = Forecast.of([expert], self.x, y).predict(self.x)
        assert np.corrcoef(mean, y)[0, 1] > 0.9

    def test_what_explains_nothing_is_dropped(self):
        noise = np.random.default_rng(1).standard_normal(60)
        assert tuned(self.x, noise, list(FAMILIES), 2, 0.2, 0) == []
        assert tuned(self.x, np.ones(60), list(FAMILIES), 2, 0.0, 0) == []
        assert tuned(self.x[:9], self.x[:9, 0], list(FAMILIES), 2, 0.0, 0) == []

    def test_the_better_hyper_parameters_win(self):
        """A product of two features takes a polynomial of degree 2."""
        y = (self.x[:, 0] - 0.5) * (self.x[:, 1] - 0.5)
        (expert,) = tuned(self.x, y / y.std(), ["ridge"], 12, 0.3, 0)
        assert expert.regressor.get_params()["polynomialfeatures__degree"] == 2

    def test_the_same_seed_tunes_alike(self):
        y = self.x[:, 0]
        predictions = [
            Forecast.of(tuned(self.x, y, ["trees"], 2, 0.0, 3), self.x, y).predict(self.x)[0] for _ in range(2)
        ]
        assert predictions[0].tolist() == predictions[1].tolist()


def test_a_forecast_by_hand():
    """Weights go by the inverse errors; the variance is that of the mixture."""
    experts = [
        Expert(DummyRegressor(strategy="constant", constant=0.0), 0.1),
        Expert(DummyRegressor(strategy="constant", constant=1.0), 0.3),
    ]
    x = np.zeros((2, 1))
    mean, deviation = Forecast.of(experts, x, np.array([0.0, 1.0])).predict(x)
    assert mean == pytest.approx([0.25, 0.25])
    assert deviation**2 == pytest.approx([0.75 * (0.1 + 0.0625) + 0.25 * (0.3 + 0.5625)] * 2)


def test_without_experts_the_mean_is_forecast():
    x, y = np.zeros((4, 1)), np.array([-1.0, 1.0, -1.0, 1.0])
    mean, deviation = Forecast.of([], x, y).predict(x)
    assert mean.tolist() == [0.0] * 4
    assert deviation.tolist() == [1.0] * 4
    assert not hasattr(IGNORANT.regressor, "constant_"), "the shared one must not be fitted"


class TestEvolved:
    goals = np.array([[7.0, 2, 7, 2], [0, 9, 0, 9], [5, 5, 5, 5]])

    def found(self, taken=(), problem=GRID, seed=0):
        def promise(rows):
            return -np.abs(rows[:, None] - self.goals[None]).sum(-1)

        admission = Admission(problem, ENCODING, set(map(canonical, taken)))
        return evolved(ENCODING, promise, np.zeros((1, 4)), admission, 3, np.random.default_rng(seed))

    def test_each_suggestion_gets_what_it_wants(self):
        assert self.found().tolist() == self.goals.tolist()

    def test_what_is_taken_gives_way_to_its_neighbour(self):
        found = self.found(taken=ENCODING.points(self.goals[:1]))
        assert np.abs(found - self.goals).sum(axis=1).tolist() == [1, 0, 0]

    def test_suggestions_differ_though_they_want_the_same(self):
        promise = lambda rows: np.repeat(-np.abs(rows - 4).sum(axis=1)[:, None], 40, axis=1)  # noqa: E731
        admission = Admission(GRID, ENCODING, set())
        found = evolved(ENCODING, promise, np.zeros((1, 4)), admission, 40, np.random.default_rng(0))
        assert len(np.unique(found, axis=0)) == 40
        assert found[0].tolist() == [4] * 4


def test_it_finds_the_bottom_of_a_bowl():
    problem = bowl(*(Ordinal(f"p{i}", tuple(2**j for j in range(9))) for i in range(5)))
    optimizer = MBO(problem, seed=0, **QUICK)
    for _ in range(9):
        told(optimizer, optimizer.ask(8))
    assert problem.incumbent(optimizer.trials).point == dict.fromkeys(problem.space.names, 16)


def test_limits_are_learned_each_on_its_own():
    """Towards lower losses a limit is broken, or designs do not run: the best of what is left is found."""

    def measured(point):
        a, b = point["a"], point["b"]
        if b > 15:
            return Measurement(infeasible_because="`b <= 15` must hold")
        return Measurement({"loss": 100.0 - a - b, "size": 1.0 + a})

    problem = Problem(
        space=SearchSpace((Integer("a", 0, 31), Integer("b", 0, 31), Integer("c", 0, 31))),
        objectives=(Objective("loss"),),
        evaluate=lambda points: list(map(measured, points)),
        constraints=(Constraint("size", upper=17.0),),
    )
    optimizer = told(MBO(problem, seed=0), Random(problem, seed=1).ask(64))
    best = problem.incumbent(told(optimizer, optimizer.ask(8)).trials).point
    assert best["a"] >= 15
    assert best["b"] >= 14


def test_targets_lie_beyond_the_front():
    """With no ambition every suggestion wants the same; with some they differ."""
    problem = accelerators()
    trials = told(MBO(problem, seed=0), Random(problem, seed=0).ask(64)).trials

    def spread(ambition):
        optimizer = MBO(problem, seed=0, ambition=ambition, **QUICK)
        optimizer.tell(trials)
        promise = optimizer._promise(trials, 4, np.random.default_rng(0))
        return np.ptp(promise(optimizer._encoding.rows([trials[0].point])))

    assert spread(0.0) == 0.0
    assert spread(1.0) > 0.01


def test_what_is_learned_is_bounded():
    problem = accelerators()
    optimizer = told(MBO(problem, seed=0), Random(problem, seed=0).ask(LEARNED + 100))
    learned = optimizer._learned(LEARNED + 100)
    assert len(learned) == LEARNED
    assert learned[LEARNED // 2 :] == optimizer.trials[-LEARNED // 2 :]
    assert problem.incumbent(optimizer.trials) in learned


def test_experts_change_on_a_schedule_only():
    problem = accelerators()
    optimizer = told(MBO(problem, seed=0, **QUICK), Random(problem, seed=0).ask(INITIAL))
    first = optimizer._experts()
    assert told(optimizer, optimizer.ask(INITIAL - 1))._experts() is first
    assert told(optimizer, optimizer.ask(1))._experts() is not first


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"families": []}, "but got none"),
        ({"families": ["ridge", "oak"]}, "but got ridge, oak"),
        ({"draws": 0}, "`draws >= 1`"),
        ({"threshold": 1.0}, "`threshold < 1`"),
        ({"ambition": -1.0}, "`ambition >= 0`"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        MBO(accelerators(), seed=0, **knobs)
