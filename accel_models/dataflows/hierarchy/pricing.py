"""Prices layers and vector operations on designs of one structure, each layer with its best mapping."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.chain import STATES
from accel_models.dataflows.hierarchy.designs import Designs, stack
from accel_models.dataflows.hierarchy.portfolio import Portfolio, portfolio
from accel_models.dataflows.hierarchy.price import Price, price, volumes
from accel_models.dataflows.hierarchy.record import mapping_record
from accel_models.dataflows.hierarchy.structure import Structure
from accel_models.dataflows.hierarchy.words import demands
from accel_models.mapping import Mapping
from accel_models.pricing import GOALS, Goal, Residency, StepPrices, join, shortage
from accel_models.vector import Places, VectorUnit, price_vector_ops
from accel_models.workload import Layer, VectorOp, canonical

MOST_PAIRS = 1 << 14
"""Design-mapping pairs priced at once, about 1 kB each."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of designs, and the prices found for it: every layer is priced in all its states at once."""

    designs: Designs
    prices: dict[tuple[Layer, Residency, Goal], StepPrices] = field(default_factory=dict)


class HierarchyPricer:
    """Prices designs of one structure."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self.levels = structure.levels
        self.bounds = ("compute", *(f"{name} bandwidth" for name in structure.levels))
        self.limits = tuple(f"{name.replace('_', ' ')} bytes" for name in structure.levels)

    def reach(self, span: Sequence[Accelerator]) -> None:
        """Nothing: the search for mappings does not depend on other designs."""

    def stack(self, accelerators: Sequence[Accelerator], device: torch.device, reach: None = None) -> Batch:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is of another structure.
        """
        return Batch(stack(self.structure, accelerators, device))

    def prepare(self, layer: Layer, designs: Batch) -> None:
        """Search the layer's portfolio, unless it is known."""
        portfolio(self.structure, canonical(layer), torch.device("cpu"))

    def complete(self, _layer: Layer) -> bool:
        """Never: mappings of deep hierarchies are searched, not enumerated."""
        return False

    def layer(self, layer: Layer, residency: Residency, designs: Batch, minimize: Goal) -> StepPrices:
        """The best mapping of the layer's portfolio on every design.

        Raises:
            ValueError: `minimize` is none of latency, energy, edp.
        """
        if minimize not in GOALS:
            raise ValueError(f"`minimize` must be one of {GOALS}, but got {minimize!r}")
        key = replace(layer, name="", kind="", repeats=1), residency, minimize
        if key not in designs.prices:
            states = [replace(residency, inputs=inputs, outputs=outputs) for inputs, outputs in STATES]
            found = self._priced(layer, states, designs.designs, minimize)
            designs.prices.update(
                {(key[0], each, minimize): step for each, step in zip(states, found, strict=True)}
            )
        return designs.prices[key]

    def _priced(
        self, layer: Layer, states: Sequence[Residency], designs: Designs, minimize: Goal
    ) -> list[StepPrices]:
        found = portfolio(self.structure, canonical(layer), designs.clock_hz.device)
        step = max(1, MOST_PAIRS // len(found))
        parts: list[list[StepPrices]] = [[] for _ in states]
        for start in range(0, len(designs), step):
            for part, prices in zip(
                parts, self._prices(layer, states, designs.rows(start, start + step), found), strict=True
            ):
                part.append(_picked(prices, _best(prices, minimize), designs.clock_hz[start : start + step]))
        return [join(part) for part in parts]

    def _prices(
        self, layer: Layer, states: Sequence[Residency], rows: Designs, found: Portfolio
    ) -> list[Price]:
        """All mappings of a portfolio on designs as columns [n, 1], in several states."""
        if layer.weights_are_activations:
            rows = replace(rows, weight_bytes=rows.activation_bytes)
        demand = demands(layer, self.structure, rows, found.candidates)
        moved = volumes(self.structure, rows, demand)
        return [price(layer, self.structure, rows, demand, moved, residency) for residency in states]

    def vector(self, ops: Sequence[VectorOp], designs: Batch, *, keep_activations: bool) -> StepPrices:
        """Vector operations on words in the memory of activations; see `accel_models.vector`."""
        places = Places(len(self.levels), len(self.limits), self._activations, (0, 1, 1 + self._activations))
        return price_vector_ops(
            ops, self._vector_unit(designs.designs), places, keep_activations=keep_activations
        )

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no mapping fits.
        """
        designs = stack(self.structure, [accelerator])
        found = portfolio(self.structure, canonical(layer), torch.device("cpu"))
        (prices,) = self._prices(layer, [residency], designs.rows(0, 1), found)
        chosen = _best(prices, minimize)
        picked = _picked(prices, chosen, designs.clock_hz)
        if not bool(picked.fits[0]):
            worst = int(picked.excess[0].argmax())
            raise ValueError(shortage(self.limits[worst], float(picked.excess[0, worst]), layer.name))
        return mapping_record(found.choices, found.index[int(chosen[0])], accelerator)

    @property
    def _activations(self) -> int:
        """The outermost level on chip that keeps inputs and outputs, or else either, or else the first."""
        inner = range(1, len(self.levels))
        for wanted in ({"inputs", "outputs"}, {"outputs"}, {"inputs"}, set()):
            for level in inner:
                if wanted <= set(self.structure.keeps[level]):
                    return level
        raise AssertionError("a structure has a level on chip")

    def _vector_unit(self, designs: Designs) -> VectorUnit:
        level = self._activations
        outer = (
            size for axis, size in zip(self.structure.axes, designs.sizes, strict=True) if axis.level < level
        )
        instances = reduce(torch.mul, outer, torch.ones_like(designs.clock_hz))
        return VectorUnit(
            ops_per_cycle=designs.vector_ops,
            op_j=designs.vector_op_j,
            memory_bytes=instances * designs.capacity[level],
            memory_bandwidth=instances * designs.bandwidth[level],
            memory_read_j=designs.read_j[level],
            memory_write_j=designs.write_j[level],
            dram_bandwidth=designs.bandwidth[0],
            dram_latency_cycles=designs.dram_latency_cycles,
            dram_read_j=designs.read_j[0],
            dram_write_j=designs.write_j[0],
            activation_bytes=designs.activation_bytes,
            clock_hz=designs.clock_hz,
            leakage_w=designs.leakage_w,
        )


def _best(prices: Price, minimize: Goal) -> Tensor:
    """Index [B] of the best candidate, the least demanding where none fits; ties go to the lower energy."""
    latency, energy, excess = torch.broadcast_tensors(  # type: ignore[no-untyped-call]
        prices.latency_s, prices.energy_j, prices.worst_excess
    )
    goals: dict[Goal, Tensor] = {"latency": latency, "energy": energy, "edp": latency * energy}
    value = torch.where(excess <= 1.0, goals[minimize], torch.inf)
    least = value.amin(dim=-1, keepdim=True)
    best = torch.where(value <= least, energy * latency, torch.inf).argmin(dim=-1)
    return torch.where(torch.isfinite(least[:, 0]), best, excess.argmin(dim=-1))


def _picked(prices: Price, chosen: Tensor, clock_hz: Tensor) -> StepPrices:
    """The prices of the chosen candidates [n]; those are the least demanding ones where none fits."""
    shape = (prices.latency_s + prices.energy_j).shape
    rows = torch.arange(len(chosen), device=chosen.device)

    def pick(parts: tuple[Tensor, ...]) -> Tensor:
        return torch.stack([part.expand(shape)[rows, chosen] for part in parts], dim=-1)

    cycles = pick(prices.cycles)
    return StepPrices(
        latency_s=pick((prices.latency_s,))[:, 0],
        energies_j=pick(prices.energies_j),
        bytes=pick(prices.bytes),
        compute_s=cycles[:, 0] / clock_hz,
        bound=cycles.argmax(dim=-1),
        excess=pick(prices.excess),
        parameter_share=pick((prices.parameter_share,))[:, 0],
    )
