"""A controller of several tasks: what it is taught by priors that others proposed, told apart by embeddings."""

import numpy as np
import pytest
import torch

from apollo_dse.optimizers.reinforce.policy import Policy
from apollo_dse.testing import bowl
from apollo_dse.transfer.lessons import Lesson, taught
from search_spaces.parameter import Ordinal

TWO = bowl(*(Ordinal(f"p{i}", (1, 2, 3, 4)) for i in range(3)))
KNOBS = {"learning_rate": 0.01, "entropy": 0.02, "queue": 5, "decay": 0.15}


def likelihood(policy, tokens, task):
    """Probability [n] of sequences."""
    with torch.no_grad():
        return policy.controller(tokens, task).gather(2, tokens[..., None]).sum((1, 2)).exp()


def lessons(rng, known=(True, True, True)):
    """Two tasks on the same uniform draws: what is good in the one, low first tokens, is bad in the other."""
    tokens = rng.integers(0, 4, size=(200, 3))
    return [Lesson.of(tokens, sign * tokens[:, 0] / 3.0, known, rng) for sign in (-1.0, 1.0)]


def test_tasks_learn_what_is_good_in_each():
    rng = np.random.default_rng(0)
    policy = Policy(TWO, 0, **KNOBS, tasks=3)
    taught(policy, lessons(rng), 60, rng)
    low, high = (np.array([[token, 1, 1]]) for token in (0, 3))
    for task, (good, bad) in enumerate([(low, high), (high, low)]):
        likely = [float(likelihood(policy, torch.from_numpy(tokens), task)) for tokens in (good, bad)]
        assert likely[0] > 4 * likely[1]


def test_places_that_a_prior_does_not_know_are_not_learned():
    rng = np.random.default_rng(0)
    policy = Policy(TWO, 0, **KNOBS, tasks=3)
    before = policy.controller.biases.detach().clone()
    taught(policy, lessons(rng, known=(True, False, True)), 20, rng)
    moved = (policy.controller.biases.detach() - before).abs().amax(dim=1)
    assert moved[1] == 0
    assert moved[0] > 0.01


def test_weights_are_those_under_which_what_is_held_out_is_likeliest():
    """Trials of pure noise teach nothing: however long it is taught, the likelihood held out does not fall."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 4, size=(24, 3))
    lesson = Lesson.of(tokens, rng.random(24), (True, True, True), rng)
    policy = Policy(TWO, 0, **KNOBS, tasks=2)

    def held_out():
        with torch.no_grad():
            logs = policy.controller(lesson.tokens, 0)
            return float(lesson.held_out @ (policy.around(lesson.tokens) * logs).sum((1, 2)))

    begun = held_out()
    taught(policy, [lesson], 200, rng)
    assert held_out() >= begun


def test_odds_rise_with_rewards_whatever_their_scale():
    rewards, tokens = np.linspace(0.0, 1.0, 8), np.zeros((8, 3), dtype=np.int64)
    one, other = (
        Lesson.of(tokens, values, (True,) * 3, np.random.default_rng(0))
        for values in (rewards, 7 * rewards - 2)
    )
    assert one.odds == pytest.approx(other.odds)
    assert (np.diff(one.odds[one.odds > 0]) > 0).all()
    assert ((one.odds > 0) != (one.held_out.numpy() > 0)).all()
    assert one.odds.sum() == pytest.approx(1.0)
    assert float(one.held_out.sum()) == pytest.approx(1.0)
