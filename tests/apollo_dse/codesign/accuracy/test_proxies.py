"""Proxies against closed forms on networks of a few weights; modules stay; dead networks have reasons."""

from math import e, log, log1p

import pytest
import torch
from torch import nn

from apollo_dse.codesign.accuracy import accuracy
from apollo_dse.codesign.accuracy.proxies import JITTER, PROXIES, ProxyScore
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.supernet.network import EDGES
from apollo_dse.codesign.supernet.sampling import LARGEST, SMALLEST
from apollo_dse.evaluators import Evaluator
from search_spaces.networks.nas_bench_201 import DIGITS, NAS_BENCH_201_DIGITS, NONE, build_nas_bench_201


def module_of(point):
    torch.manual_seed(0)
    return NAS_BENCH_201_DIGITS.module(point)


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.fixture(scope="module")
def batch(digits):
    return torch.from_numpy(digits.train.images[:16]), torch.from_numpy(digits.train.labels[:16])


@pytest.mark.parametrize("name", PROXIES)
def test_modules_are_left_as_they_are_and_scores_repeat(name, batch):
    module = module_of(LARGEST)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    first = PROXIES[name](module, *batch)
    assert PROXIES[name](module, *batch) == first
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    assert all(weight.grad is None for weight in module.parameters())


@pytest.mark.parametrize("name", sorted(set(PROXIES) - {"grad_norm", "snip", "jacob_cov"}))
def test_the_largest_network_scores_more_than_the_smallest(name, batch):
    assert PROXIES[name](module_of(LARGEST), *batch) > PROXIES[name](module_of(SMALLEST), *batch)


def test_counts_are_those_of_the_network(batch):
    module = module_of(LARGEST)
    assert PROXIES["params"](module, *batch) == sum(weight.numel() for weight in module.parameters())
    assert PROXIES["macs"](module, *batch) == build_nas_bench_201(LARGEST, skeleton=DIGITS).macs


def linear(*rows):
    made = nn.Linear(len(rows[0]), len(rows), bias=False)
    with torch.no_grad():
        made.weight.copy_(torch.tensor(rows))
    return nn.Sequential(nn.Flatten(), made)


def test_gradients_by_hand():
    """Two scores of one pixel x = 2, both 0.3 x: the gradient by either weight is -+ x / 2."""
    images, labels = torch.full((1, 1, 1, 1), 2.0), torch.tensor([0])
    module = linear([0.3], [0.3])
    assert PROXIES["grad_norm"](module, images, labels) == pytest.approx(2**0.5)
    assert PROXIES["snip"](module, images, labels) == pytest.approx(0.3 + 0.3)


def test_flow_by_hand():
    """Of two linear layers each has the whole flow: |3| (|1| + |-2|)."""
    module = nn.Sequential(*linear([1.0, -2.0]), nn.Linear(1, 1, bias=False))
    nn.init.constant_(module[2].weight, -3.0)
    assert PROXIES["synflow"](module, torch.zeros(1, 2, 1, 1), torch.tensor([0])) == pytest.approx(log1p(2 * 9))


def test_jacobians_that_are_alike_score_least():
    """A linear network has the same Jacobian everywhere: eigenvalues n and 0; one of squares has not."""
    images = torch.randn(4, 1, 2, 4, generator=torch.Generator().manual_seed(0))
    n = len(images)
    alike = linear([1.0, 2.0, 0.0, -1.0, 3.0, 1.0, 0.0, 2.0])
    expected = -(log(n + JITTER) + 1 / (n + JITTER) + (n - 1) * (log(JITTER) + 1 / JITTER))
    assert PROXIES["jacob_cov"](alike, images, torch.zeros(4)) == pytest.approx(expected, rel=1e-3)

    class Square(nn.Module):
        def forward(self, x):
            return x.square()

    apart = torch.eye(8)[:4].reshape(4, 1, 2, 4) - 1 / 8
    found = PROXIES["jacob_cov"](Square(), apart, torch.zeros(4))
    rho = -1 / 7  # correlation of two indicators of different ones of eight places
    values = torch.tensor([1 + 3 * rho, *(3 * [1 - rho])]) + JITTER
    assert found == pytest.approx(float(-(values.log() + 1 / values).sum()), rel=1e-4)


def test_agreements_of_rectifiers_by_hand():
    """Two images whose rectifiers agree on one of three units: the matrix is 3 1 / 1 3."""
    images = torch.tensor([[1.0, 1.0, -1.0], [1.0, -1.0, 1.0]])
    assert PROXIES["naswot"](nn.ReLU(), images, torch.zeros(2)) == pytest.approx(log(3 * 3 - 1))


def test_the_move_of_features_grows_with_their_weights(batch):
    """A norm takes the scale of its input out, and its deviation puts it back in: here e."""

    class Scaled(nn.Module):
        def __init__(self, factor):
            super().__init__()
            self.conv, self.norm, self.pool = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1)
            self.factor = factor

        def forward(self, x):
            return self.pool(self.norm(self.factor * self.conv(x)))

    torch.manual_seed(0)
    one, larger = Scaled(1.0), Scaled(e)
    larger.load_state_dict(one.state_dict())
    gap = PROXIES["zen"](larger, *batch) - PROXIES["zen"](one, *batch)
    assert gap == pytest.approx(1.0, abs=1e-3)


def test_the_evaluator_has_the_proxy_s_name(digits):
    evaluator = ProxyScore(NAS_BENCH_201_DIGITS, "naswot", digits, batch=8)
    assert isinstance(evaluator, Evaluator)
    assert evaluator.metrics == ("naswot",)
    (first, second), (again,) = evaluator([LARGEST, SMALLEST]), evaluator([LARGEST])
    assert first == again
    assert first.metrics["naswot"] > second.metrics["naswot"]
    assert ProxyScore(NAS_BENCH_201_DIGITS, "zen", digits).fingerprint != evaluator.fingerprint
    assert (
        accuracy("proxy:zen", NAS_BENCH_201_DIGITS).fingerprint
        == ProxyScore.of(NAS_BENCH_201_DIGITS, "zen:digits").fingerprint
    )


def test_dead_networks_are_data_with_a_reason(digits):
    dead = dict.fromkeys(EDGES, NONE)
    (measured,) = ProxyScore(NAS_BENCH_201_DIGITS, "jacob_cov", digits, batch=8)([dead])
    assert measured.infeasible_because == "a score must be finite, but jacob_cov is nan"


def test_other_proxies_are_refused(digits):
    with pytest.raises(ValueError, match=r"a proxy must be one of .* but got 'synflo'; did you mean 'synflow'"):
        ProxyScore(NAS_BENCH_201_DIGITS, "synflo", digits)
