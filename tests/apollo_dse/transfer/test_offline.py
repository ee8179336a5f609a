"""A conservative network: contexts by hand, what pushes its predictions up, and that it learns at all."""

import numpy as np
import pytest
import torch

from apollo_dse.transfer import Description
from apollo_dse.transfer.offline import Lessons, contexts, trained


def about(**features):
    return Description("made-up", (), features)


def lessons(count=120, ruled_out=0):
    """A bowl in two tasks, the second one turned over, and points in a corner that did not run."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.random((count, 3))).float()
    tasks = torch.arange(count) % 2
    y = 6.0 * (x - 0.5).square().sum(dim=1) - 1.5
    corner = torch.from_numpy(0.9 + 0.1 * rng.random((ruled_out, 3))).float()
    return Lessons(
        x,
        tasks,
        torch.where(tasks == 0, y, -y),
        torch.eye(2),
        (corner, torch.zeros(ruled_out, dtype=torch.int64)),
    )


def taught(told, steps=300, lowest=None):
    return trained(told, steps, lowest, np.random.default_rng(3))


def predicted(network, x, task):
    return network(x, torch.eye(2)[task][None]).mean(0)


def nowhere(network):
    return torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)


def test_contexts_are_standardized_over_the_priors_and_say_which_it_is():
    """Means 2 and 5, deviations 1 and none; what is missing is the mean, what is far is 2 deviations away."""
    theirs, ours = contexts(about(a=9.0, b=7.0), [about(a=1.0, b=5.0), about(a=3.0, b=5.0), about(b=5.0)])
    assert theirs.tolist() == [[-1, 0, 1, 0, 0], [1, 0, 0, 1, 0], [0, 0, 0, 0, 1]]
    assert ours.tolist() == [[2, 0, 1, 0, 0], [2, 0, 0, 1, 0], [2, 0, 0, 0, 1]]


def test_without_features_only_the_prior_tells_contexts_apart():
    theirs, ours = contexts(about(a=1.0), [about(), about()])
    assert theirs.tolist() == ours.tolist() == [[1, 0], [0, 1]]


def test_a_network_tells_tasks_apart():
    told, x = lessons(), torch.from_numpy(np.random.default_rng(1).random((80, 3))).float()
    network = taught(told)
    truth = (x - 0.5).square().sum(dim=1)
    for task, sign in ((0, 1.0), (1, -1.0)):
        values = sign * predicted(network, x, task)
        assert np.corrcoef(values.numpy(), truth.numpy())[0, 1] > 0.9


def test_training_follows_from_its_stream_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = taught(lessons(), steps=20)
    assert torch.equal(torch.get_rng_state(), before)
    again = taught(lessons(), steps=20)
    assert all(torch.equal(a, b) for a, b in zip(first.weights, again.weights, strict=True))


def test_predictions_are_pushed_up_where_they_are_lowest():
    """A point beyond the data, of which a search says that it is the lowest one, is expected to be worse."""
    told = lessons()
    far = torch.full((16, 3), 1.5)
    there = far, torch.zeros(16, dtype=torch.int64)
    plain = predicted(taught(told, lowest=nowhere), far, 0).mean()
    pushed = predicted(taught(told, lowest=lambda network: there), far, 0).mean()
    assert pushed > plain or plain > 3.0
    below = predicted(taught(told, lowest=nowhere), told.x[:40], 1).mean()
    negatives = told.x[:40], torch.ones(40, dtype=torch.int64)
    assert predicted(taught(told, lowest=lambda network: negatives), told.x[:40], 1).mean() > below


def test_points_that_did_not_run_are_expected_to_be_worse():
    told = lessons(ruled_out=30)
    corner = told.ruled_out[0]
    plain = predicted(taught(lessons(), lowest=nowhere), corner, 0).mean()
    assert predicted(taught(told, lowest=nowhere), corner, 0).mean() > plain


def test_an_ensemble_differs_most_where_nothing_was_tried():
    network = taught(lessons())
    spread = [network(x, torch.eye(2)[:1]).std(dim=0).mean() for x in (lessons().x, lessons().x + 1.0)]
    assert spread[1] > 2 * spread[0]


@pytest.mark.parametrize("count", [1, 2])
def test_few_trials_are_enough(count):
    assert torch.isfinite(predicted(taught(lessons(count), steps=5), torch.zeros(1, 3), 0)).all()
