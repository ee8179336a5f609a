"""Steps of a supernet, statistics of its subnets, and a training that a kill does not change."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, log_softmax, softmax

from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.supernet.learning import OneShot
from apollo_dse.codesign.supernet.network import SuperNetwork, path_of
from apollo_dse.codesign.supernet.sampling import LARGEST, SMALLEST, PathDropout, Sandwich, SinglePath
from apollo_dse.codesign.supernet.scoring import calibrated, recalibrate, score
from apollo_dse.codesign.training import Schedule, Step, tensors, train
from search_spaces.networks.nas_bench_201 import DIGITS


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def gradients(network):
    return [None if weight.grad is None else weight.grad.clone() for weight in network.parameters()]


@pytest.mark.parametrize("distill", [False, True])
def test_a_sandwich_s_gradient_is_the_mean_of_its_networks(digits, distill):
    images, labels = (each[:32] for each in tensors(digits.train, "cpu"))
    network = SuperNetwork(DIGITS).train()
    OneShot(Sandwich(between=0), distill)(network, Step(images, labels, 0.0, np.random.default_rng(0)))
    found = gradients(network)
    network.zero_grad(set_to_none=True)
    largest, smallest = (network(images, path_of(point)) for point in (LARGEST, SMALLEST))
    second = cross_entropy(smallest, labels)
    if distill:  # up to a constant the divergence from the largest's scores
        second = kl_div(log_softmax(smallest, 1), softmax(largest.detach(), 1), reduction="batchmean")
    ((cross_entropy(largest, labels) + second) / 2).backward()
    for one, other in zip(found, gradients(network), strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_batch_norms_become_those_of_the_subnet(digits):
    network = SuperNetwork(DIGITS)
    subnet, images = network.subnet(LARGEST), tensors(digits.train, "cpu")[0][:100]
    with torch.no_grad():
        subnet.train()(3 * images + 1)
        stem = subnet.stem[0](images)
    recalibrate(subnet, images)
    norm = subnet.stem[1]
    torch.testing.assert_close(norm.running_mean, stem.mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, stem.var((0, 2, 3)))
    assert norm.momentum == 0.1
    assert not subnet.training


def test_scoring_leaves_the_supernet_as_it_is(digits):
    network = SuperNetwork(DIGITS)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert 0.0 <= score(network, LARGEST, digits, digits.validation) <= 1.0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(calibrated(network, LARGEST, digits).classifier.weight, network.classifier.weight)


@pytest.mark.parametrize(
    "step", [OneShot(SinglePath()), OneShot(PathDropout()), OneShot(Sandwich(1), distill=True)], ids=str
)
def test_a_kill_changes_nothing(digits, tmp_path, step):
    class Killed(Exception):
        pass

    def kill(progress):
        raise Killed

    schedule, checkpoint = Schedule(epochs=2, batch=300), tmp_path / "supernet.pt"
    with pytest.raises(Killed):
        train(SuperNetwork(DIGITS), digits, schedule, backward=step, checkpoint=checkpoint, report=kill)
    resumed = train(SuperNetwork(DIGITS), digits, schedule, backward=step, checkpoint=checkpoint)
    straight = train(SuperNetwork(DIGITS), digits, schedule, backward=step)
    pairs = zip(resumed.state_dict().values(), straight.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)
    with pytest.raises(ValueError, match="must be of this training"):
        train(SuperNetwork(DIGITS), digits, schedule, backward=OneShot(PathDropout(0.7)), checkpoint=checkpoint)


def test_subnets_learn(digits):
    network = SuperNetwork(DIGITS)
    before = score(network, SMALLEST, digits, digits.test)
    train(network, digits, Schedule(epochs=6), backward=OneShot(SinglePath()))
    assert score(network, SMALLEST, digits, digits.test) > before + 0.1
