"""A controller that assigns probabilities to sequences, and learns of trials whoever proposed them."""

from itertools import product

import numpy as np
import pytest
import torch

from apollo_dse.ensemble import best_of
from apollo_dse.optimizers.random import Random
from apollo_dse.optimizers.reinforce.controller import WEIGHT_RANGE, Controller
from apollo_dse.optimizers.reinforce.policy import MINIBATCH, shares_beaten
from apollo_dse.optimizers.reinforce.search import INITIAL, Reinforce
from apollo_dse.optimizers.reinforce.tokens import BINS, Tokens
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Real

COUNTS = (3, 2, 4)
ALL = torch.tensor(list(product(*map(range, COUNTS))))


def told(optimizer, points):
    problem = optimizer.problem
    pairs = zip(points, problem.evaluate(points), strict=True)
    optimizer.tell([Trial(i, *pair) for i, pair in enumerate(pairs, len(optimizer.trials))])
    return optimizer


def log_probabilities(controller, tokens):
    return controller(tokens).gather(2, tokens[..., None]).sum((1, 2))


class TestTokens:
    space = bowl(
        Ordinal("a", (1, 2, 4)),
        Categorical("b", ("x", "y", "z", "w")),
        Ordinal("one", (7,)),
        Integer("many", 1, 1000, log=True),
        Real("real", -1.0, 1.0),
    ).space

    def test_points_come_back_through_their_tokens(self):
        tokens = Tokens(self.space)
        assert tokens.counts == (3, 4, BINS, BINS)
        rng = np.random.default_rng(0)
        points = self.space.sample(rng, 50)
        found = tokens.points(tokens.of(points), rng)
        for point, other in zip(points, found, strict=True):
            assert other in self.space
            assert [other[name] for name in ("a", "b", "one")] == [point[name] for name in ("a", "b", "one")]
            assert abs(other["real"] - point["real"]) <= 2 / BINS
        assert tokens.of(found)[:, [0, 1, 3]].tolist() == tokens.of(points)[:, [0, 1, 3]].tolist()

    def test_what_a_token_teaches_of_its_neighbours(self):
        near = Tokens(self.space).nearness(0.5)
        assert near[0, 1, :4] == pytest.approx([0.25, 0.5, 0.25, 0.0])
        assert near[1, 2, :5] == pytest.approx([0, 0, 1, 0, 0])
        assert near[:, 0].sum(axis=-1) == pytest.approx([1, 1, 1, 1])


class TestController:
    def test_probabilities_of_all_sequences_sum_to_one(self):
        assert log_probabilities(Controller(COUNTS, 0), ALL).exp().sum().item() == pytest.approx(1.0)

    def test_it_begins_near_the_uniform_distribution(self):
        assert log_probabilities(Controller(COUNTS, 0), ALL).exp().detach() == pytest.approx(1 / 24, rel=0.5)
        assert max(weights.abs().max() for weights in Controller(COUNTS, 0).parameters()) <= WEIGHT_RANGE

    def test_samples_follow_the_probabilities(self):
        controller = Controller(COUNTS, 0)
        with torch.no_grad():
            for weights in controller.parameters():
                weights *= 12.0
        drawn = controller.sample(20_000, np.random.default_rng(0))
        codes = drawn @ np.array([8, 4, 1])
        expected = log_probabilities(controller, ALL).exp().detach().numpy()
        assert np.ptp(expected) > 0.05
        assert np.bincount(codes, minlength=24) / 20_000 == pytest.approx(expected, abs=0.01)

    def test_a_token_depends_on_those_before_it_and_on_no_other(self):
        logs = Controller(COUNTS, 0)(torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 3]]))
        assert torch.equal(logs[0, :2], logs[1, :2])
        assert not torch.equal(logs[0, 2], logs[1, 2])
        assert torch.equal(logs[0], logs[2])


def test_shares_beaten_by_hand():
    assert shares_beaten(np.array([0, 1, 1, 2])).tolist() == [0.875, 0.5, 0.5, 0.125]


def test_good_trials_of_strangers_become_likely():
    """It is told of two halves, of which one is good, and never asked in between."""
    problem = bowl(*(Ordinal(f"p{i}", (1, 2, 3, 4)) for i in range(4)), goal="maximize")
    points = Random(problem, seed=0).ask(64)
    good = [point for point in points if point["p0"] <= 2]
    trials = [
        Trial(i, point, Measurement({"loss": float(point["p0"] <= 2) + 0.001 * i}))
        for i, point in enumerate(points)
    ]
    optimizer = Reinforce(problem, seed=0)
    optimizer.tell(trials)
    suggested = optimizer.ask(40)
    assert 16 < len(good) < 48
    assert np.mean([point["p0"] <= 2 for point in suggested]) > 0.8


def test_the_queue_holds_the_best():
    problem = accelerators()
    optimizer = told(Reinforce(problem, seed=0, queue=4), Random(problem, seed=0).ask(80))
    optimizer.ask(1)
    assert optimizer.policy.best == best_of(problem, optimizer.trials, 4)


def test_minibatches_are_counted_in_trials_told():
    """What is left over from whole minibatches is learned with those that come."""
    problem = accelerators()
    points = Random(problem, seed=0).ask(INITIAL + MINIBATCH)
    at_once = told(Reinforce(problem, seed=0), points)
    slow = Reinforce(problem, seed=0)
    for start in range(0, len(points), 5):
        told(slow, points[start : start + 5]).ask(1)
    assert at_once.ask(8) == slow.ask(8)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"learning_rate": 0.0}, "`learning_rate > 0` and `entropy >= 0`"),
        ({"entropy": -1.0}, "`learning_rate > 0` and `entropy >= 0`"),
        ({"queue": 0}, "`queue >= 1` and `0 <= decay < 1`"),
        ({"decay": 1.0}, "`queue >= 1` and `0 <= decay < 1`"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        Reinforce(accelerators(), seed=0, **knobs)
