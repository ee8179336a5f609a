"""The portfolio against exhaustive search over all axes, orders and chunks, on layers small enough for it."""

from math import prod

import pytest
import torch

from accel_models import OPERANDS, BufferLevel, Layer
from accel_models.dataflows.hierarchy.choices import Choices
from accel_models.dataflows.hierarchy.designs import Designs
from accel_models.dataflows.hierarchy.portfolio import JUDGED, portfolio
from accel_models.dataflows.hierarchy.price import price, volumes
from accel_models.dataflows.hierarchy.probes import probes
from accel_models.dataflows.hierarchy.structure import Structure, structure
from accel_models.dataflows.hierarchy.words import demands
from accel_models.pricing import GOALS
from tests.accel_models.hierarchies import axis, chain

CAPACITY = {"capacity_bytes": 1, "bandwidth_bytes_per_cycle": 1.0}
STRUCTURES = {
    "array": chain(
        BufferLevel(name="dram", keeps=OPERANDS, bandwidth_bytes_per_cycle=1.0),
        BufferLevel(name="buffer", keeps=("inputs", "outputs"), axes=(axis("x", 2, "k", "p"),), **CAPACITY),
        BufferLevel(name="registers", keeps=("weights", "outputs"), axes=(axis("ways", 2, "c"),), **CAPACITY),
    ),
    "mesh": chain(
        BufferLevel(
            name="dram", keeps=OPERANDS, axes=(axis("pe", 2, "p", "k"),), network="mesh",
            bandwidth_bytes_per_cycle=1.0,
        ),
        BufferLevel(name="memory", keeps=OPERANDS, axes=(axis("lanes", 2, "k", "c"),), **CAPACITY),
    ),
    "deep": chain(
        BufferLevel(name="dram", keeps=OPERANDS, bandwidth_bytes_per_cycle=1.0),
        BufferLevel(name="global", keeps=("inputs", "outputs"), axes=(axis("pe", 2, "k", "c"),), **CAPACITY),
        BufferLevel(name="weights", keeps=("weights",), **CAPACITY),
        BufferLevel(name="sums", keeps=("outputs",), axes=(axis("ways", 2, "c"),), **CAPACITY),
    ),
}  # fmt: skip
FAST = (("array", Layer(name="gemm", k=4, c=4, p=3)), ("mesh", Layer(name="rows", k=3, c=2, p=4, r=2)))
SLOW = (
    ("array", Layer(name="vector", k=12, c=14)),
    ("array", Layer(name="strip", k=3, p=5, r=3)),
    ("array", Layer(name="depthwise", g=2, p=4, q=3, r=2)),
    ("mesh", Layer(name="pointwise", k=4, c=3, p=3, q=2)),
    ("mesh", Layer(name="convolution", k=2, c=2, p=3, q=2, r=2, s=2)),
    ("mesh", Layer(name="gemm", k=6, c=8, p=7)),
    ("deep", Layer(name="vector", k=6, c=4)),
    ("deep", Layer(name="gemm", k=3, c=3, p=2)),
)
PAIRS = 1 << 15


def least(choices: Choices, designs: Designs, index: torch.Tensor) -> torch.Tensor:
    """The least latency, energy and product of both on every design, [n, goal], infinite where nothing fits."""
    rows = designs.rows(0, len(designs))
    demand = demands(choices.layer, choices.structure, rows, choices.candidates(index))
    found = price(choices.layer, choices.structure, rows, demand, volumes(choices.structure, rows, demand))
    latency, energy = found.latency_s, found.energy_j
    columns = torch.stack((latency, energy, latency * energy), dim=-1)
    return torch.where((found.worst_excess <= 1.0)[..., None], columns, torch.inf).amin(dim=1)


def exhaustive(choices: Choices, designs: Designs) -> torch.Tensor:
    """`least` over every candidate there is."""
    total, step = prod(choices.sizes), PAIRS // len(designs)
    best = torch.full((len(designs), len(GOALS)), torch.inf, dtype=torch.float64)
    for start in range(0, total, step):
        number = torch.arange(start, min(start + step, total))
        index = torch.stack(torch.unravel_index(number, choices.sizes), dim=-1)
        best = torch.minimum(best, least(choices, designs, index))
    return best


def unseen_designs(common: Structure, layer: Layer, count: int) -> Designs:
    """Designs that the portfolio was neither searched nor judged on: the sequence from there on."""
    return probes(common, layer, JUDGED + count).part(JUDGED, JUDGED + count)


def check(name: str, layer: Layer, count: int) -> None:
    common = structure(STRUCTURES[name])
    designs = unseen_designs(common, layer, count)
    best = exhaustive(Choices.of(common, layer, every=True), designs)
    found = portfolio(common, layer, torch.device("cpu"))
    ours = least(found.choices, designs, found.index)
    feasible = torch.isfinite(best)
    assert feasible.any()
    ratio = ours[feasible] / best[feasible]
    assert ratio.max() <= 1.05, ratio.sort().values[-10:]
    assert ratio.min() >= 1.0 - 1e-12


@pytest.mark.parametrize(("name", "layer"), FAST, ids=lambda each: getattr(each, "name", each))
def test_never_more_than_5_percent_above_exhaustive_search(name: str, layer: Layer) -> None:
    check(name, layer, count=8)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "layer"), FAST + SLOW, ids=lambda each: getattr(each, "name", each))
def test_never_more_than_5_percent_above_exhaustive_search_on_many_designs(name: str, layer: Layer) -> None:
    check(name, layer, count=48)
