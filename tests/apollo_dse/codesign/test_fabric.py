"""Trellises and fabrics: the cheapest path is that of all paths, paths are networks, prices add up."""

from collections.abc import Mapping
from itertools import pairwise
from math import inf

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from accel_models.cost import CostModel
from accel_models.trace import trace
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.fabric import Fabric, Neighbours, edge_costs, path_workload
from apollo_dse.codesign.training import Schedule, accuracy, train
from apollo_dse.codesign.trellis import Candidate, Edge, Path, Trellis, cheapest, front
from search_spaces import get

SMALL = (Trellis(2, 1, 1, 1), Trellis(2, 3, 2, 4), Trellis(4, 3, 2, 4), Trellis(5, 2, 2, 2))


def drawn(trellis: Trellis, seed: int, *, whole: bool) -> dict[Edge, float]:
    """Numbers of edges, whole ones so that there are ties."""
    rng = np.random.default_rng(seed)
    return {edge: float(rng.integers(1, 5)) if whole else rng.random() for edge in trellis.edges}


def total(values: Mapping[Edge, float], path: Path) -> float:
    return sum(values[edge] for edge in pairwise(path))


@pytest.mark.parametrize("trellis", SMALL)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_cheapest_path_is_that_of_all_paths(trellis: Trellis, seed: int, whole: bool) -> None:
    costs = drawn(trellis, seed, whole=whole)
    found = cheapest(trellis, costs)
    assert found.cost == pytest.approx(min(total(costs, path) for path in trellis.paths()))
    assert found.cost == pytest.approx(total(costs, found.path))
    trellis.check(found.path)


@pytest.mark.parametrize("trellis", SMALL)
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_that_of_all_paths(trellis: Trellis, seed: int, whole: bool) -> None:
    costs, rewards = drawn(trellis, seed, whole=whole), drawn(trellis, seed + 100, whole=whole)
    points = {(total(costs, path), total(rewards, path)) for path in trellis.paths()}
    expected = sorted(
        point
        for point in points
        if not any(
            cost <= point[0] and reward >= point[1] for cost, reward in points if (cost, reward) != point
        )
    )
    found = front(trellis, costs, rewards)
    assert [(each.cost, each.reward) for each in found] == [pytest.approx(each) for each in expected]
    assert all(each.reward == pytest.approx(total(rewards, each.path)) for each in found)


def test_infinite_edges_are_not_taken() -> None:
    trellis = Trellis(3, 2, 1, 2)
    costs = dict.fromkeys(trellis.edges, 1.0)
    costs[(1, 1), (2, 1)] = costs[(2, 0), (2, 1)] = inf
    assert cheapest(trellis, costs) == Candidate(((0, 0), (1, 0), (2, 1)), 2.0)
    assert [each.cost for each in front(trellis, costs, dict.fromkeys(costs, 0.0))] == [2.0]
    costs[(1, 0), (2, 1)] = inf
    with pytest.raises(ValueError, match="must have a finite cost, but none has"):
        cheapest(trellis, costs)
    assert front(trellis, costs, costs) == []


def test_paths_are_counted_by_hand() -> None:
    """Two layers, two scales: across and down, slanting down, down and across, down and up and down."""
    found = set(Trellis(2, 2, 1, 2).paths())
    ahead, down = (0, 0), (0, 1)
    assert found == {
        (ahead, (1, 0), (1, 1)),
        (ahead, (1, 1)),
        (ahead, down, (1, 1)),
        (ahead, down, (1, 0), (1, 1)),
    }


@pytest.mark.parametrize("wiring", ["sparse", "dense"])
@pytest.mark.parametrize(("layers", "scales", "channels"), [(2, 3, 4), (4, 2, 3), (8, 4, 5)])
def test_weights_are_those_of_the_closed_form(layers: int, scales: int, channels: int, wiring: str) -> None:
    trellis = Trellis(layers, scales, channels, 8, wiring)
    fabric = Fabric(trellis, 1, 10)
    counted = sum(each.numel() for each in fabric.edges.parameters())
    boundary = 2 * layers + scales  # edges that nodes at the border lack
    of_paper = {"sparse": 81 * layers * scales * channels, "dense": 27 * layers * scales * channels**2}[wiring]
    per_edge = {"sparse": 27 * channels, "dense": 9 * channels**2}[wiring]
    assert counted == trellis.weights == of_paper - boundary * per_edge


def test_large_trellises_have_the_papers_number_of_weights() -> None:
    trellis = Trellis(1000, 1000, 4, 2**999)
    assert trellis.weights / (27 * 1000 * 1000 * 16) == pytest.approx(1, abs=2e-3)


def test_neighbours_see_zeros_beyond_the_outermost() -> None:
    x = torch.randn(2, 4, 5, 5)
    weight = torch.randn(4, 3, 3, 3)
    banded = torch.zeros(4, 4, 3, 3)
    for to in range(4):
        for offset in (-1, 0, 1):
            if 0 <= to + offset < 4:
                banded[to, to + offset] = weight[to, offset + 1]
    assert torch.allclose(conv2d(Neighbours()(x), weight, groups=4), conv2d(x, banded), atol=1e-5)


@pytest.mark.parametrize("wiring", ["sparse", "dense"])
def test_a_path_is_a_network_of_its_own(wiring: str) -> None:
    trellis = Trellis(4, 3, 4, 8, wiring)
    fabric = Fabric(trellis, 1, 10).eval()
    x = torch.randn(2, 1, 8, 8)
    with torch.no_grad():
        for path in list(trellis.paths())[::7]:
            assert torch.allclose(fabric.network(path)(x), fabric(x, path), atol=1e-6)
        assert fabric(x).shape == (2, 10)
    with pytest.raises(ValueError, match=r"follow edges, but \(0, 0\) to \(3, 2\) is none"):
        fabric(x, ((0, 0), (3, 2)))


@pytest.mark.parametrize("wiring", ["sparse", "dense"])
def test_a_path_is_the_workload_that_its_network_is_traced_to(wiring: str) -> None:
    trellis = Trellis(4, 3, 4, 8, wiring)
    fabric = Fabric(trellis, 1, 10)
    path = ((0, 0), (0, 1), (1, 1), (2, 0), (3, 1), (3, 2))
    traced = trace(fabric.network(path), torch.zeros(1, 1, 8, 8))
    ours = path_workload(trellis, path, 1, 10)
    assert traced.macs == ours.macs
    assert traced.words("weights") == ours.words("weights")
    assert {each.kind for each in ours.vector_ops} <= {each.kind for each in traced.vector_ops}


@pytest.mark.parametrize("wiring", ["sparse", "dense"])
@pytest.mark.parametrize("metric", ["latency_s", "energy_j"])
def test_prices_of_paths_are_sums_and_the_cheapest_is_found(metric: str, wiring: str) -> None:
    trellis = Trellis(3, 3, 8, 16, wiring)
    edge = get("edge")
    accelerator = edge.build(next(iter(edge.presets.values())))
    costs = edge_costs(trellis, accelerator, metric)
    model = CostModel(keep_activations=False)
    prices = {
        path: float(getattr(model.evaluate([accelerator], path_workload(trellis, path, 3, 10)), metric)[0])
        for path in list(trellis.paths())[::3]
    }
    constant = [price - total(costs, path) for path, price in prices.items()]
    assert max(constant) == pytest.approx(min(constant), rel=1e-9)
    found = cheapest(trellis, costs)
    assert min(constant) + found.cost <= min(prices.values()) * (1 + 1e-12)


def test_fabrics_learn() -> None:
    digits = load("digits")
    fabric = Fabric(Trellis(2, 2, 8, 8), 1, 10)
    train(fabric, digits, Schedule(epochs=8))
    assert accuracy(fabric, digits.test) > 0.8


def test_misuse_is_refused() -> None:
    for arguments, message in (
        ((1, 2, 2, 4), "`layers >= 2` must hold, but got layers=1"),
        ((2, 4, 2, 4), "must be divisible by 8 for 4 scales, but got size=4"),
    ):
        with pytest.raises(ValueError, match=message):
            Trellis(*arguments)
    trellis = Trellis(2, 2, 1, 2)
    with pytest.raises(ValueError, match="every edge must have a cost, but 5 have none"):
        cheapest(trellis, {trellis.edges[0]: 1.0})
    with pytest.raises(ValueError, match=r"must add up.*but got 'area_mm2'"):
        edge_costs(trellis, get("edge").build(next(iter(get("edge").presets.values()))), "area_mm2")
    assert isinstance(Fabric(trellis, 1, 2), nn.Module)
