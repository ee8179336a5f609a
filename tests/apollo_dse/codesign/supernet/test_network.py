"""The supernet: subnets equal networks of their own, mixtures are sums, what does not run is not touched."""

import numpy as np
import pytest
import torch

from apollo_dse.codesign.supernet.network import EDGES, SuperNetwork, mixture_of, path_of
from apollo_dse.codesign.supernet.sampling import LARGEST
from search_spaces.networks.nas_bench_201 import CHOICES, DIGITS, NONE, SPACE, module_nas_bench_201

POINTS = [*SPACE.sample(np.random.default_rng(5), 8), LARGEST, dict.fromkeys(EDGES, NONE)]


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    return torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def network(images: torch.Tensor) -> SuperNetwork:
    """With statistics of its batch norms that are not those of a new one."""
    made = SuperNetwork(DIGITS).train()
    with torch.no_grad():
        made(images, mixture_of(torch.ones(6, 5)))
    return made.eval()


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("number", range(len(POINTS)))
def test_a_subnet_equals_the_network_with_its_weights(network, images, number, training):
    point = POINTS[number]
    subnet = network.subnet(point).train(training)
    with torch.no_grad():
        alone = subnet(images)
        assert torch.equal(network.train(training)(images, path_of(point)), alone)
    network.eval()
    own = {
        name: value.shape for name, value in module_nas_bench_201(point, skeleton=DIGITS).state_dict().items()
    }
    assert {name: value.shape for name, value in subnet.state_dict().items()} == own


def test_a_subnet_s_weights_are_copies(network, images):
    subnet, before = network.subnet(LARGEST), network.classifier.weight.clone()
    with torch.no_grad():
        for weight in subnet.parameters():
            weight.zero_()
    assert torch.equal(network.classifier.weight, before)


def test_a_mixture_that_is_sure_is_that_network(network, images):
    for point in POINTS[:4]:
        weights = torch.tensor([[float(choice == point[edge]) for choice in CHOICES] for edge in EDGES])
        with torch.no_grad():
            torch.testing.assert_close(network(images, mixture_of(weights)), network(images, path_of(point)))


def test_an_edge_of_a_mixture_is_the_weighted_sum_of_its_operations(network):
    """A cell is linear in the mixture of an edge to its last node, if the others are certain."""
    cell = next(network.cells())
    x = torch.randn(4, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    others = path_of(dict.fromkeys(EDGES, "skip_connect"))
    shares = dict(zip(CHOICES, (0.1, 0.2, 0.3, 0.25, 0.15), strict=True))
    with torch.no_grad():
        mixed = cell(x, {**others, "edge23": shares})
        apart = sum(share * cell(x, {**others, "edge23": {choice: 1.0}}) for choice, share in shares.items())
    torch.testing.assert_close(mixed, apart)


def test_gradients_reach_the_mixture_and_what_runs_only(network, images):
    weights = torch.full((6, 5), 0.2, requires_grad=True)
    network(images, mixture_of(weights)).square().sum().backward()
    gradient = weights.grad
    assert (gradient[:, 0] == 0).all()
    assert (gradient[:, 1:] != 0).all()
    network.zero_grad(set_to_none=True)
    network(images, path_of(LARGEST)).square().sum().backward()
    touched = {name for name, weight in network.named_parameters() if weight.grad is not None}
    assert {name for name in touched if ".edges." in name} == {
        name for name, _ in network.named_parameters() if ".nor_conv_3x3." in name
    }
    network.zero_grad(set_to_none=True)


def test_weights_follow_from_the_seed():
    one, same, other = (SuperNetwork(DIGITS, seed=seed).stem[0].weight for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_mixtures_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"must have shape \[6, 5\], but got \[5, 6\]"):
        mixture_of(torch.ones(5, 6))
