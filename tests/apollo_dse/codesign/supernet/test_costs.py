"""Costs of cells as sums over edges: exact where they add up, legal everywhere, with slopes; and limits."""

from math import log

import pytest
import torch

from apollo_dse.codesign.supernet.costs import CELLS, LIVE, CostTable, HardwareLoss
from apollo_dse.codesign.supernet.network import EDGES
from apollo_dse.codesign.supernet.relaxed import Found, cell_of, one_hot
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from search_spaces import registered
from search_spaces.modules.nas_bench_201 import wired
from search_spaces.networks.nas_bench_201 import NAS_BENCH_201_DIGITS

NVDLA = registered("nvdla")


@pytest.fixture(scope="module")
def table():
    usual = next(iter(NVDLA.presets.values()))
    designs = [usual, {**usual, "atomic_k": 2 * int(usual["atomic_k"])}]
    return CostTable.of(NVDLA, designs, NAS_BENCH_201_DIGITS)


def made_up(designs=2):
    """A table of numbers that are easy to add up."""
    generator = torch.Generator().manual_seed(0)
    steps = {
        name: torch.rand(designs, 6, 5, generator=generator, dtype=torch.double)
        for name in ("latency_s", "energy_j")
    }
    base = {name: torch.full((designs,), 2.0, dtype=torch.double) for name in steps}
    return CostTable(({},) * designs, base, steps, torch.arange(1.0, designs + 1).double())


def test_networks_of_one_edge_cost_what_the_model_says(table):
    point = {**dict.fromkeys(EDGES, "skip_connect"), "edge13": "nor_conv_3x3"}
    exact = AnalyticalEvaluator(NVDLA, [NAS_BENCH_201_DIGITS.build(point)])(table.designs)
    for design, measured in enumerate(exact):
        found = table.expected(*one_hot(Found(point, design), len(table.designs)))
        assert {name: float(value) for name, value in found.items()} == pytest.approx(
            {name: measured.metrics[name] for name in found}
        )


def test_networks_of_many_edges_cost_nearly_the_sum(table):
    """What is left out are activations that stay on chip, and functions that fuse."""
    for cell in (CELLS[12345], CELLS[4321], CELLS[9876]):
        point = cell_of(cell.tolist())
        (measured, *_) = AnalyticalEvaluator(NVDLA, [NAS_BENCH_201_DIGITS.build(point)])(table.designs)
        found = table.expected(*one_hot(Found(point, 0), len(table.designs)))
        for name in ("latency_s", "energy_j"):
            assert float(found[name]) == pytest.approx(measured.metrics[name], rel=0.1)


def test_expectations_are_means_over_draws():
    table = made_up()
    weights, shares = (
        torch.softmax(torch.randn(6, 5, generator=torch.Generator().manual_seed(1)), 1),
        torch.tensor([0.3, 0.7]),
    )
    chances = weights[torch.arange(6), CELLS].prod(1).double()
    rows = table.enumerated()
    for name in ("latency_s", "energy_j", "area_mm2"):
        expected = shares.double() @ (rows[name] @ chances)
        assert float(table.expected(weights, shares)[name]) == pytest.approx(float(expected), rel=1e-6)


def test_the_loss_has_slopes_in_choices_and_designs():
    loss = HardwareLoss(made_up(), "energy_j", weight=0.5, limits={"latency_s": 1.0, "area_mm2": 1.2})
    weights = torch.full((6, 5), 0.2, dtype=torch.double, requires_grad=True)
    shares = torch.tensor([0.4, 0.6], dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (weights, shares))


def test_limits_that_are_kept_cost_nothing():
    table = made_up(1)
    weights, shares = torch.full((6, 5), 0.2), torch.ones(1)
    energy = float(table.expected(weights, shares)["energy_j"])
    loose = HardwareLoss(table, "energy_j", weight=2.0, limits={"energy_j": 2 * energy})
    assert float(loose(weights, shares)) == pytest.approx(2 * log(energy))
    tight = HardwareLoss(table, limits={"energy_j": energy / 3}, strength=0.5)
    assert float(tight(weights, shares)) == pytest.approx(0.5 * 2)


def test_what_is_allowed_keeps_all_limits():
    loss = HardwareLoss(made_up(), limits={"latency_s": 5.0, "area_mm2": 1.5})
    allowed = loss.allowed()
    latencies = loss.table.enumerated()["latency_s"]
    assert bool((allowed[0] == (latencies[0] <= 5.0) & LIVE).all())
    assert not bool(allowed[1].any())
    assert 0 < int(allowed.sum()) < len(CELLS)


def test_cells_are_live_if_their_input_reaches_the_end():
    """Of a cell that only adds, whose every other choice multiplies by 1: is the last node zero?"""
    found = [
        bool(wired(torch.ones(()), lambda edge, node: node if row[EDGES.index(edge)] else None))  # noqa: B023
        for row in CELLS.clamp_max(1).unique(dim=0).tolist()
    ]
    table = dict(zip(map(tuple, CELLS.clamp_max(1).unique(dim=0).tolist()), found, strict=True))
    assert LIVE.tolist() == [table[tuple(row)] for row in CELLS.clamp_max(1).tolist()]
    assert int(LIVE.sum()) < len(CELLS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "speed"}, "a cost must be one of"),
        ({"limits": {"area_mm2": 0.0}}, "limits must be above 0"),
        ({"weight": -1.0}, "must hold, but got weight=-1.0"),
    ],
)
def test_other_losses_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        HardwareLoss(made_up(), **settings)


def test_no_designs_are_refused():
    with pytest.raises(ValueError, match="at least one design"):
        CostTable.of(NVDLA, [], NAS_BENCH_201_DIGITS)
