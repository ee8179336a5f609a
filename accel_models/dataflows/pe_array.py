"""PE arrays with cores and lanes (the edge template): mappings from the portfolio of `mapspace`."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.mapping import Mapping
from accel_models.mapspace.designs import LEVELS, Designs, stack
from accel_models.mapspace.portfolio import Portfolio, best, canonical, portfolio
from accel_models.mapspace.price import BOUNDS, LIMITS, Price, price
from accel_models.mapspace.record import mapping_record
from accel_models.pricing import Goal, Residency, StepPrices, join, shortage
from accel_models.ranges import Column, Ranges
from accel_models.vector import VectorUnit, price_vector_op
from accel_models.workload import Layer, VectorOp

MOST_PAIRS = 1 << 16
"""Design-mapping pairs priced at once, about 500 bytes each."""

SUPPLIES = (
    "pe_x", "pe_y", "cores", "lanes", "ways", "pe_bytes", "core_bytes", "weight_tile_bytes", "input_row_bytes",
    "program_tiles", "dram_bandwidth", "weight_bandwidth", "activation_bandwidth", "pe_bandwidth",
    "core_bandwidth", "clock_hz",
)  # fmt: skip
"""Columns of `Designs` of which more never costs; of all others less never does."""

ON_CHIP_ENERGIES = {
    "pe_read_j": ("pe_x", "pe_y"),
    "pe_write_j": ("pe_x", "pe_y"),
    "core_read_j": ("pe_x", "pe_y", "cores"),
    "core_write_j": ("pe_x", "pe_y", "cores"),
    "register_j": ("pe_x", "pe_y", "cores", "lanes"),
}
"""Energies of on-chip bytes, and the axes that more of those bytes may come with: all that lie above."""

SPENT = (*ON_CHIP_ENERGIES, "dram_read_j", "dram_write_j", "mac_j", "vector_op_j", "leakage_w")
"""Columns that bear on energy alone."""


class PeArrayPricer:
    """Prices the hierarchy DRAM, PE memory, core memory, lane registers (`mapspace.designs.LEVELS`)."""

    levels = LEVELS
    bounds = BOUNDS
    limits = LIMITS
    axes = ("pe_x", "pe_y", "cores", "lanes")

    def stack(self, accelerators: Sequence[Accelerator], device: torch.device) -> Designs:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is not of this hierarchy.
        """
        return stack(accelerators, device)

    def prepare(self, layer: Layer) -> None:
        """Find the layer's portfolio, in memory, on disk or by a search."""
        portfolio(canonical(layer))

    def layer(self, layer: Layer, residency: Residency, designs: Designs, minimize: Goal) -> StepPrices:
        """The best mapping of the layer's portfolio on every design."""
        designs = _for(layer, designs)
        found = _on(canonical(layer), residency.inputs, residency.outputs, designs.clock_hz.device)
        step = max(1, MOST_PAIRS // len(found))
        parts = []
        for start in range(0, len(designs), step):
            rows = designs.rows(start, start + step)
            prices = price(found.table.layer, rows, found.candidates, residency)
            parts.append(_chosen(prices, best(prices, minimize), designs.clock_hz[start : start + step]))
        return join(parts)

    def vector(self, op: VectorOp, designs: Designs, *, keep_activations: bool) -> StepPrices:
        """One operation per lane and cycle, on words in the PE memories."""
        found = price_vector_op(op, _vector_unit(designs), keep_activations=keep_activations)
        none = torch.zeros_like(found.latency_s)
        slowest = torch.stack((found.compute_cycles, found.dram_cycles, found.memory_cycles)).argmax(dim=0)
        bounds = [BOUNDS.index(name) for name in ("compute", "dram bandwidth", "pe_memory bandwidth")]
        energies = (found.dram_j, found.memory_j, none, none, found.op_j, found.leakage_j)
        return StepPrices(
            latency_s=found.latency_s,
            energies_j=torch.stack(energies, dim=-1),
            bytes=torch.stack((found.dram_bytes, found.memory_bytes, none, none), dim=-1),
            compute_s=found.compute_cycles / designs.clock_hz,
            bound=torch.tensor(bounds, device=none.device)[slowest],
            excess=none[:, None].expand(-1, len(LIMITS)),
            parameter_share=none,
        )

    def relax(self, ranges: Ranges, goal: Goal) -> dict[str, Column]:
        """The relaxation of n boxes: most of `SUPPLIES`, least of all else.

        Energies of bytes that more PEs, cores or lanes may multiply (`ON_CHIP_ENERGIES`) are zero where a box
        has several numbers of those.
        """
        columns = {name: (ranges.most if name in SUPPLIES else ranges.least)[name] for name in ranges.least}
        for name, axes in ON_CHIP_ENERGIES.items():
            settled = np.all([ranges.least[axis] == ranges.most[axis] for axis in axes], axis=0)
            columns[name] = np.where(settled, columns[name], 0.0)
        if goal == "latency":
            columns |= {name: np.zeros(len(ranges)) for name in SPENT}
        return columns

    def designs(self, columns: Table[str, Column], device: torch.device) -> Designs:
        """Columns of n designs as tensors."""
        return Designs(**{name: torch.from_numpy(column).to(device) for name, column in columns.items()})

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no mapping fits.
        """
        designs = _for(layer, stack([accelerator]))
        found = _on(canonical(layer), residency.inputs, residency.outputs, designs.clock_hz.device)
        prices = price(found.table.layer, designs.rows(0, 1), found.candidates, residency)
        chosen = best(prices, minimize)
        if not bool(prices.feasible[0, chosen[0]]):
            excess = _chosen(prices, chosen, designs.clock_hz).excess[0]
            raise ValueError(shortage(LIMITS[int(excess.argmax())], float(excess.max()), layer.name))
        return mapping_record(found, int(chosen[0]), accelerator)


PRICER = PeArrayPricer()


def pricer(_accelerator: Accelerator) -> PeArrayPricer:
    """All designs have one structure."""
    return PRICER


def _for(layer: Layer, designs: Designs) -> Designs:
    """The designs as this layer meets them: a second operand that is computed is as wide as activations."""
    if not layer.weights_are_activations:
        return designs
    return replace(designs, weight_bytes=designs.activation_bytes)


def _chosen(prices: Price, chosen: Tensor, clock_hz: Tensor) -> StepPrices:
    """The prices of the chosen candidates [n]; excess of the least demanding ones."""
    rows = torch.arange(len(chosen), device=chosen.device)
    least = prices.worst_excess.argmin(dim=-1)
    shape = prices.latency_s.shape

    def pick(parts: tuple[Tensor, ...], index: Tensor) -> Tensor:
        return torch.stack([part.expand(shape)[rows, index] for part in parts], dim=-1)

    cycles = pick(prices.cycles, chosen)
    return StepPrices(
        latency_s=prices.latency_s[rows, chosen],
        energies_j=pick(prices.energies_j, chosen),
        bytes=pick(prices.bytes, chosen),
        compute_s=cycles[:, 0] / clock_hz,
        bound=cycles.argmax(dim=-1),
        excess=pick(prices.excess, least),
        parameter_share=prices.parameter_share.expand(shape)[rows, chosen],
    )


def _vector_unit(designs: Designs) -> VectorUnit:
    pes = designs.pe_x * designs.pe_y
    return VectorUnit(
        ops_per_cycle=pes * designs.cores * designs.lanes,
        op_j=designs.vector_op_j,
        memory_bytes=pes * designs.pe_bytes,
        memory_bandwidth=pes * designs.pe_bandwidth,
        memory_read_j=designs.pe_read_j,
        memory_write_j=designs.pe_write_j,
        dram_bandwidth=torch.minimum(designs.dram_bandwidth, designs.activation_bandwidth),
        dram_latency_cycles=designs.dram_latency_cycles,
        dram_read_j=designs.dram_read_j,
        dram_write_j=designs.dram_write_j,
        activation_bytes=designs.activation_bytes,
        clock_hz=designs.clock_hz,
        leakage_w=designs.leakage_w,
    )


@lru_cache(maxsize=16384)
def _on(layer: Layer, inputs: bool, outputs: bool, device: torch.device) -> Portfolio:
    """Those of a layer's mappings that hold all inputs and outputs if they must, on a device."""
    found = portfolio(layer)
    if inputs or outputs:
        found = found.holding(Residency(inputs, outputs))
    return found if device.type == "cpu" else found.to(device)
