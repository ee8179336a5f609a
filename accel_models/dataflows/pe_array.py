"""PE arrays with cores and lanes (the edge template): the best mapping of each front of `mapspace`."""

from collections.abc import Mapping as Table
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.mapping import Mapping
from accel_models.mapspace.designs import LEVELS, Columns, Designs, room, stack
from accel_models.mapspace.pool import Pool, pool
from accel_models.mapspace.price import BOUNDS, LIMITS, Best, best, costs, offers, step_prices
from accel_models.mapspace.record import mapping_record
from accel_models.pricing import Goal, Residency, StepPrices, shortage
from accel_models.ranges import Column, Ranges
from accel_models.vector import VectorUnit, price_vector_op
from accel_models.workload import Layer, VectorOp, canonical

SUPPLIES = (
    "pe_x", "pe_y", "cores", "lanes", "ways", "pe_bytes", "core_bytes", "weight_tile_bytes", "input_row_bytes",
    "program_tiles", "dram_bandwidth", "staging_bandwidth", "pe_bandwidth", "core_bandwidth", "clock_hz",
)  # fmt: skip
"""Columns of designs of which more never costs; of all others less never does."""

ON_CHIP_ENERGIES = {
    "pe_read_j": ("pe_x", "pe_y"),
    "pe_write_j": ("pe_x", "pe_y"),
    "core_read_j": ("pe_x", "pe_y", "cores"),
    "core_write_j": ("pe_x", "pe_y", "cores"),
    "register_j": ("pe_x", "pe_y", "cores", "lanes"),
}
"""Energies of on-chip bytes, and the axes that more of those bytes may come with: all that lie above."""

SPENT = (*ON_CHIP_ENERGIES, "dram_j", "mac_j", "vector_op_j", "leakage_w")
"""Columns that bear on energy alone."""


class PeArrayPricer:
    """Prices the hierarchy DRAM, PE memory, core memory, lane registers (`mapspace.designs.LEVELS`)."""

    levels = LEVELS
    bounds = BOUNDS
    limits = LIMITS
    axes = ("pe_x", "pe_y", "cores", "lanes")

    def stack(
        self, accelerators: Sequence[Accelerator], device: torch.device, span: Sequence[Accelerator] = ()
    ) -> Designs:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is not of this hierarchy.
        """
        return stack(accelerators, device, span)

    def prepare(self, layer: Layer, designs: Designs) -> None:
        """Find the layer's fronts of all structures, in memory, on disk or by enumeration."""
        pool(canonical(layer)).bounds(_for(layer, designs).kinds)

    def layer(self, layer: Layer, residency: Residency, designs: Designs, minimize: Goal) -> StepPrices:
        """The best mapping of the layer's front on every design."""
        designs = _for(layer, designs)
        fronts, found, offered = _solve(layer, residency, designs, minimize)
        features = torch.from_numpy(fronts.features[found.chosen]).to(offered.device)
        tallies = fronts.space.tallies(designs.axes, designs.widths, fronts.index[found.chosen])
        fittest = torch.from_numpy(fronts.features[found.fittest]).to(offered.device)
        taken = torch.from_numpy(tallies).to(offered.device)
        return step_prices(designs.columns, offered, residency, features, taken, fittest)

    def vector(self, op: VectorOp, designs: Designs, *, keep_activations: bool) -> StepPrices:
        """One operation per lane and cycle, on words in the PE memories."""
        columns = designs.columns
        found = price_vector_op(op, _vector_unit(columns), keep_activations=keep_activations)
        none = torch.zeros_like(found.latency_s)
        slowest = torch.stack((found.compute_cycles, found.dram_cycles, found.memory_cycles)).argmax(dim=0)
        bounds = [BOUNDS.index(name) for name in ("compute", "dram bandwidth", "pe_memory bandwidth")]
        energies = (found.dram_j, found.memory_j, none, none, found.op_j, found.leakage_j)
        return StepPrices(
            latency_s=found.latency_s,
            energies_j=torch.stack(energies, dim=-1),
            bytes=torch.stack((found.dram_bytes, found.memory_bytes, none, none), dim=-1),
            compute_s=found.compute_cycles / columns.clock_hz,
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

    def designs(
        self, columns: Table[str, Column], device: torch.device, span: Sequence[Accelerator] = ()
    ) -> Designs:
        """Columns of n designs as tensors; `span` as for `stack`."""
        tensors = {name: torch.from_numpy(column).to(device) for name, column in columns.items()}
        return Designs.of(Columns(**tensors), room(span) if span else None)

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no mapping fits.
        """
        designs = _for(layer, stack([accelerator]))
        fronts, found, offered = _solve(layer, residency, designs, minimize)
        fittest = torch.from_numpy(fronts.features[found.fittest])
        excess = costs(fittest, offered, residency).excess[0]
        if bool((excess > 1.0).any()):
            raise ValueError(shortage(LIMITS[int(excess.argmax())], float(excess.max()), layer.name))
        return mapping_record(fronts.space, fronts.index[found.chosen[0]], accelerator)


PRICER = PeArrayPricer()


def pricer(_accelerator: Accelerator) -> PeArrayPricer:
    """All designs have one structure."""
    return PRICER


def _for(layer: Layer, designs: Designs) -> Designs:
    return designs.with_weights_as_activations() if layer.weights_are_activations else designs


def _solve(layer: Layer, residency: Residency, designs: Designs, minimize: Goal) -> tuple[Pool, Best, Tensor]:
    """The layer's fronts, the best mapping of each design's, and what the designs offer."""
    fronts = pool(canonical(layer))
    bounds = fronts.bounds(designs.kinds)[designs.kind]
    offered = offers(layer, designs.columns, residency)
    return fronts, best(fronts.features, bounds, offered, residency, minimize), offered


def _vector_unit(designs: Columns) -> VectorUnit:
    """What computes vector operations: all lanes, on all PE memories."""
    pes = designs.pe_x * designs.pe_y
    return VectorUnit(
        ops_per_cycle=pes * designs.cores * designs.lanes,
        op_j=designs.vector_op_j,
        memory_bytes=pes * designs.pe_bytes,
        memory_bandwidth=pes * designs.pe_bandwidth,
        memory_read_j=designs.pe_read_j,
        memory_write_j=designs.pe_write_j,
        dram_bandwidth=torch.minimum(designs.dram_bandwidth, designs.staging_bandwidth),
        dram_latency_cycles=designs.dram_latency_cycles,
        dram_read_j=designs.dram_j,
        dram_write_j=designs.dram_j,
        activation_bytes=designs.activation_bytes,
        clock_hz=designs.clock_hz,
        leakage_w=designs.leakage_w,
    )
