"""The portfolio against exhaustive search over all tiles, orders, unrollings and core tiles of small layers."""

import pytest
import torch

from accel_models import Layer
from accel_models.mapspace.candidates import ChoiceTable
from accel_models.mapspace.designs import Designs
from accel_models.mapspace.portfolio import GOALS, NUM_DESIGNS, canonical, loss, portfolio, probes
from accel_models.mapspace.price import price

SMALL = (
    Layer(name="depthwise", g=4, p=4, q=3, r=3, s=3, stride=(2, 2)),
    Layer(name="vector", k=12, c=14),
    Layer(name="batch", n=2, k=3, c=2, p=3),
    Layer(name="convolution", k=2, c=3, p=3, q=2, r=2, s=2),
)
LARGER = (
    Layer(name="pointwise", k=4, c=3, p=3, q=2),
    Layer(name="attention", g=2, k=3, c=4, p=4),
    Layer(name="gemm", k=6, c=8, p=7),
    Layer(name="strip", k=4, c=2, p=5, q=2, r=3),
)
PAIRS = 1 << 18


def unseen_designs(layer: Layer, count: int) -> Designs:
    """Designs that the portfolio was not searched on: from the tail of the sequence that it begins.

    Memories hold 64 bytes (PEs) and 32 bytes (cores) at least; below, what only just fits may be missed.
    """
    drawn = probes(layer, count=4 * NUM_DESIGNS).take(torch.arange(NUM_DESIGNS, 4 * NUM_DESIGNS))
    roomy = (drawn.pe_bytes >= 64) & (drawn.core_bytes >= 32)
    return drawn.take(roomy.nonzero().flatten()[:count])


def exhaustive(layer: Layer, designs: Designs) -> dict[str, torch.Tensor]:
    table = ChoiceTable.of(layer, every=True)
    tilings, unrollings, core_tiles, orders = (torch.arange(size) for size in table.sizes)
    step = max(1, PAIRS // (len(unrollings) * len(core_tiles) * 2))
    least = {goal: torch.full((len(designs),), torch.inf, dtype=torch.float64) for goal in GOALS}
    for i in range(len(designs)):
        for start in range(0, len(tilings), step):
            candidates = table.candidates(
                tilings[start : start + step, None, None, None],
                unrollings[:, None, None],
                core_tiles[:, None],
                orders,
            )
            prices = price(layer, designs.rows(i, i + 1, axes=4), candidates)
            for goal in GOALS:
                least[goal][i] = torch.minimum(least[goal][i], loss(prices, goal).min())
    return least


def check(layer: Layer, count: int) -> None:
    designs = unseen_designs(layer, count)
    assert len(designs) == count
    least = exhaustive(layer, designs)
    found = portfolio(canonical(layer))
    prices = price(layer, designs.rows(0, count), found.candidates)
    feasible = torch.isfinite(least["latency"])
    assert feasible.any()
    for goal in GOALS:
        ratio = loss(prices, goal).amin(dim=-1)[feasible] / least[goal][feasible]
        assert ratio.max() <= 1.05, (goal, ratio)
        assert ratio.min() >= 1.0 - 1e-9, (goal, ratio)


@pytest.mark.parametrize("layer", SMALL, ids=lambda layer: layer.name)
def test_never_more_than_5_percent_above_exhaustive_search(layer: Layer) -> None:
    check(layer, count=12)


@pytest.mark.slow
@pytest.mark.parametrize("layer", SMALL + LARGER, ids=lambda layer: layer.name)
def test_never_more_than_5_percent_above_exhaustive_search_on_many_designs(layer: Layer) -> None:
    check(layer, count=64)
