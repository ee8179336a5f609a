"""The portfolio: the mappings of a layer that are best on some design, found once and priced on every design.

The mapspace of a layer has millions of candidates; on any one design few of them matter, and the same ones
matter again on similar designs. `portfolio` draws designs over all sizes that make a difference for the
layer (capacities from a few words up to everything it touches), solves each by alternating exact
minimization over tilings and over the other choices, and keeps the winners. It depends on the layer alone,
so the minimum over it inherits the laws of `choices`: more hardware never costs latency.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor

from accel_models.mapspace.candidates import CHOICES, Candidates, ChoiceTable
from accel_models.mapspace.designs import Designs
from accel_models.mapspace.price import Price, price
from accel_models.workload import OPERANDS, Layer

NUM_DESIGNS = 128
_TURNS = tuple(CHOICES.index(choice) for choice in ("unrolling", "tiling", "core_tile") * 2)
MOST_PAIRS = 1 << 18
"""Design-candidate pairs priced at once; a pair takes about 500 bytes of temporaries."""

Goal = Literal["latency", "energy", "edp"]
GOALS: tuple[Goal, ...] = ("latency", "energy", "edp")


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The mappings of one layer worth pricing: `index` [M, choice] into `table`, and their columns."""

    table: ChoiceTable
    index: Tensor
    candidates: Candidates

    def __len__(self) -> int:
        return len(self.index)

    def to(self, device: torch.device) -> "Portfolio":
        """The portfolio with its candidate columns on another device."""
        return replace(self, candidates=self.candidates.to(device))


def loss(prices: Price, minimize: Goal) -> Tensor:
    """What the mapper minimizes, [B, M]; infinite where infeasible.

    Raises:
        ValueError: `minimize` is none of latency, energy, edp.
    """
    if minimize not in GOALS:
        raise ValueError(f"`minimize` must be one of {GOALS}, but got {minimize!r}")
    latency, energy = prices.latency_s, prices.energy_j
    value = {"latency": latency, "energy": energy, "edp": latency * energy}[minimize]
    return torch.where(prices.feasible, value, torch.inf)


def best(prices: Price, minimize: Goal) -> Tensor:
    """Index [B] of the best candidate; latency's ties (bandwidth-bound mappings) go to the lower energy."""
    value = loss(prices, minimize)
    least = value.amin(dim=-1, keepdim=True)
    return torch.where(value <= least, prices.energy_j * prices.latency_s, torch.inf).argmin(dim=-1)


@lru_cache(maxsize=4096)
def portfolio(layer: Layer) -> Portfolio:
    """Portfolio of a layer (name and repeats do not matter; see `canonical`)."""
    table = ChoiceTable.of(layer)
    designs = probes(layer)
    pool = torch.unique(torch.cat(_descend(table, designs)), dim=0)
    index = pool[_winners(table, designs, pool)]
    return Portfolio(table, index, table.candidates(*index.unbind(-1)))


def probes(layer: Layer, count: int = NUM_DESIGNS) -> Designs:
    """Designs [count] over all sizes that make a difference for the layer, a Sobol sequence in logarithms."""
    footprint = {operand: 8.0 * layer.words(operand) for operand in OPERANDS}
    activations = footprint["inputs"] + footprint["outputs"]
    ranges = {
        "pe_x": (1, 33), "pe_y": (1, 33), "cores": (1, 33), "lanes": (1, 257), "dram_bandwidth": (1, 256),
        "pe_bytes": (16, 16 + activations), "core_bytes": (16, 16 + footprint["weights"]),
        "weight_tile_bytes": (256, 1 << 20), "input_row_bytes": (256, 1 << 20), "program_tiles": (64, 1 << 16),
    }  # fmt: skip
    sobol = torch.quasirandom.SobolEngine(len(ranges), scramble=True, seed=0)  # type: ignore[no-untyped-call]
    unit = sobol.draw(count, dtype=torch.float64)
    drawn = {
        name: torch.floor(low * (high / low) ** unit[:, i])
        for i, (name, (low, high)) in enumerate(ranges.items())
    }
    staging = {"weight_bandwidth": "weight_tile_bytes", "activation_bandwidth": "input_row_bytes"}
    drawn |= {name: drawn[source] / 100.0 for name, source in staging.items()}
    drawn |= {"pe_bandwidth": 4.0 * drawn["lanes"], "core_bandwidth": 4.0 * drawn["lanes"]}
    return Designs(**drawn, **{name: torch.full((count,), value) for name, value in _TYPICAL.items()})


_TYPICAL = {
    "ways": 4.0, "dram_latency_cycles": 100.0, "clock_hz": 1e9, "dram_read_j": 64e-12, "dram_write_j": 64e-12,
    "pe_read_j": 2e-12, "pe_write_j": 2e-12, "core_read_j": 1e-12, "core_write_j": 1e-12, "register_j": 3e-14,
    "mac_j": 1e-13, "leakage_w": 0.1, "weight_bytes": 1.0, "activation_bytes": 1.0, "accumulator_bytes": 4.0,
}  # fmt: skip


def _descend(table: ChoiceTable, designs: Designs) -> list[Tensor]:
    """Good candidates for each design, one [B, choice] a goal: the best option of one choice at a time."""
    index, found = torch.zeros(len(designs), len(CHOICES), dtype=torch.int64), []
    for goal in GOALS:
        index = index.clone()
        for choice in _TURNS:
            _improve(table, designs, index, choice, goal)
        found.append(index)
    return found


def _improve(table: ChoiceTable, designs: Designs, index: Tensor, choice: int, goal: Goal) -> None:
    """Replace one choice, and the inner order with it, by the best option for each design, in place."""
    inner = CHOICES.index("inner_order")
    options, orders = table.sizes[choice], table.sizes[inner]
    step = max(1, MOST_PAIRS // (options * orders))
    for start in range(0, len(designs), step):
        rows = slice(start, min(start + step, len(designs)))
        trial = [index[rows, other, None, None] for other in range(len(CHOICES))]
        trial[choice], trial[inner] = torch.arange(options)[:, None], torch.arange(orders)
        value = _penalized(table, designs.rows(rows.start, rows.stop, axes=2), trial, goal)
        least = value.flatten(1).argmin(dim=-1)
        index[rows, choice], index[rows, inner] = least // orders, least % orders


def _penalized(table: ChoiceTable, designs: Designs, index: list[Tensor], goal: Goal) -> Tensor:
    """Logarithm of the loss; what does not fit ranks behind, by how much it exceeds."""
    prices = price(table.layer, designs, table.candidates(*index))
    value = loss(replace(prices, feasible=torch.ones_like(prices.feasible)), goal)
    over = torch.log(torch.clamp(prices.excess, min=1.0)).sum(dim=-1)
    return torch.log(value) + 1e3 * over


def _winners(table: ChoiceTable, designs: Designs, pool: Tensor) -> Tensor:
    """Indices into `pool` of the candidates that are best on some design, for some goal."""
    candidates, won = table.candidates(*pool.unbind(-1)), []
    step = max(1, MOST_PAIRS // len(pool))
    for start in range(0, len(designs), step):
        prices = price(table.layer, designs.rows(start, start + step), candidates)
        won += [best(prices, goal) for goal in GOALS] + [prices.excess.amax(dim=-1).argmin(dim=-1)]
    return torch.cat(won).unique()  # type: ignore[no-untyped-call, no-any-return]


def canonical(layer: Layer) -> Layer:
    """The layer's shape alone, so that equal shapes share a portfolio."""
    return replace(layer, name="", kind="", repeats=1, weights_are_activations=False)
