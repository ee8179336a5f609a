"""PE arrays with cores and lanes (the edge template): the best mapping of each front of `mapspace`."""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.chain import STATES, StateCosts
from accel_models.mapping import Mapping
from accel_models.mapspace.designs import LEVELS, O_ROOM, O_STAGING, Columns, Designs, offers, room, stack
from accel_models.mapspace.kernel import NEED_FEATURES
from accel_models.mapspace.pool import Pool, fill, pool
from accel_models.mapspace.price import BOUNDS, LIMITS, Best, best, costs, step_prices
from accel_models.mapspace.record import mapping_record
from accel_models.mapspace.soft import SoftDesigns, soft_costs
from accel_models.mapspace.structure import Room
from accel_models.pricing import Goal, Residency, StepPrices, shortage
from accel_models.ranges import Column, Ranges
from accel_models.slopes import Softness, Tangent
from accel_models.vector import Places, VectorUnit, price_vector_ops
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

    def reach(self, span: Sequence[Accelerator]) -> Room | None:
        """All capacities that designs of the span have."""
        return room(span) if span else None

    def stack(
        self, accelerators: Sequence[Accelerator], device: torch.device, reach: Room | None = None
    ) -> Designs:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is not of this hierarchy.
        """
        return stack(accelerators, device, reach)

    def prepare(self, layer: Layer, designs: Designs) -> None:
        """Find the layer's fronts of all structures, in memory, on disk or by enumeration."""
        fill([(pool(canonical(layer)), _for(layer, designs).kinds)])

    def complete(self, layer: Layer) -> bool:
        """Whether all tiles of the layer are considered (`choices.MOST_TILES`)."""
        return pool(canonical(layer)).space.complete

    def layer(self, layer: Layer, residency: Residency, designs: Designs, minimize: Goal) -> StepPrices:
        """The best mapping of the layer's front on every design."""
        self.prepare(layer, designs)
        designs = _for(layer, designs)
        fronts, found = _solve(layer, [residency], designs, minimize)
        taken, offered = found.fittest, offers(designs.columns)
        tallies = fronts.space.tallies(designs.axes, designs.widths, fronts.index[taken])
        both = (torch.from_numpy(each).to(offered.device) for each in (fronts.features[taken], tallies))
        return step_prices(layer, designs.columns, offered, residency, *both)

    def costs(
        self, layers: Sequence[Layer], allowed: Sequence[Sequence[int]], designs: Designs, minimize: Goal
    ) -> StateCosts:
        """The best mappings of all layers in the states that each may be in."""
        fill([(pool(canonical(layer)), _for(layer, designs).kinds) for layer in layers])
        shape = len(designs), len(layers), len(STATES)
        latency_s, energy_j = np.full(shape, np.inf), np.full(shape, np.inf)
        bound, excess = np.zeros(shape, dtype=np.int64), np.zeros((len(designs), len(layers), len(LIMITS)))
        for i, (layer, states) in enumerate(zip(layers, allowed, strict=True)):
            mine = _for(layer, designs)
            residencies = [Residency(*STATES[state]) for state in states]
            fronts, found = _solve(layer, residencies, mine, minimize)
            latency_s[:, i, states], energy_j[:, i, states] = found.latency_s, found.energy_j
            bound[:, i, states] = found.bound
            lacking = np.flatnonzero(found.chosen[:, 0] < 0)
            if len(lacking):
                needs = fronts.features[found.fittest[lacking]][:, NEED_FEATURES]
                excess[lacking, i] = needs / mine.offered[lacking][:, O_ROOM:O_STAGING]
        device = designs.columns.clock_hz.device
        return StateCosts(*(torch.from_numpy(each).to(device) for each in (latency_s, energy_j, bound, excess)))

    def fused(
        self, layers: Sequence[Layer], designs: Designs, minimize: Goal, *, keep_activations: bool
    ) -> tuple[Tensor, Tensor]:
        """Latency and energy of all layers, from one kernel of the GPU that the designs are on."""
        from accel_models.mapspace import cuda

        mine = [_for(layer, designs) for layer in layers]
        pools = [pool(canonical(layer)) for layer in layers]
        fill([(each, of.kinds) for each, of in zip(pools, mine, strict=True)])
        numbers, first = np.unique(designs.kinds, return_index=True)
        fronts = {
            int(number): [
                each.features[slice(*each.bounds(of.kinds[one]).tolist())]
                for each, of in zip(pools, mine, strict=True)
            ]
            for number, one in zip(numbers, first, strict=True)
        }
        batch = cuda.batch(offers(designs.columns), designs.kinds, fronts)
        return cuda.network_totals(layers, batch, minimize, keep_activations=keep_activations)

    def vector(
        self, ops: Sequence[VectorOp], designs: Designs | SoftDesigns, *, keep_activations: bool
    ) -> StepPrices:
        """Operations one per lane and cycle, on words in the PE memories."""
        places = Places(
            len(LEVELS),
            len(LIMITS),
            1,
            (BOUNDS.index("compute"), BOUNDS.index("dram bandwidth"), BOUNDS.index("pe_memory bandwidth")),
        )
        return price_vector_ops(ops, _vector_unit(designs.columns), places, keep_activations=keep_activations)

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

    def designs(self, columns: Table[str, Column], device: torch.device, reach: Room | None = None) -> Designs:
        """Columns of n designs as tensors."""
        tensors = {name: torch.from_numpy(column) for name, column in columns.items()}
        return Designs(Columns(**tensors), reach, device)

    def soften(self, tangent: Tangent, logs: Tensor, reach: Room | None = None) -> SoftDesigns:
        """Designs whose numbers are powers of their parameters."""
        return SoftDesigns.of(tangent, logs, reach)

    def soft_totals(
        self, layers: Sequence[Layer], runs: Tensor, designs: SoftDesigns, minimize: Goal, softness: Softness
    ) -> tuple[Tensor, Tensor]:
        """The soft minima over mappings of all layers, in the states that they run in, added up."""
        pools, mine = [pool(canonical(layer)) for layer in layers], [_for(layer, designs) for layer in layers]
        fill([(fronts, own.exact.kinds) for fronts, own in zip(pools, mine, strict=True)])
        latency_s = energy_j = torch.zeros(len(designs), dtype=torch.float64)
        for i, (layer, fronts, own) in enumerate(zip(layers, pools, mine, strict=True)):
            for state in torch.nonzero(runs[:, i].sum(dim=0))[:, 0].tolist():
                residency, times = Residency(*STATES[state]), runs[:, i, state]
                found = soft_costs(layer, fronts, own, residency, minimize, softness)
                added = [torch.where(times > 0, times * each, 0.0) for each in found]
                latency_s, energy_j = latency_s + added[0], energy_j + added[1]
        return latency_s, energy_j

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no mapping fits.
        """
        designs = stack([accelerator])
        self.prepare(layer, designs)
        designs = _for(layer, designs)
        fronts, found = _solve(layer, [residency], designs, minimize)
        if found.chosen[0, 0] < 0:
            fittest = torch.from_numpy(fronts.features[found.fittest])
            excess = costs(layer, fittest, offers(designs.columns), residency).excess[0]
            raise ValueError(shortage(LIMITS[int(excess.argmax())], float(excess.max()), layer.name))
        return mapping_record(fronts.space, fronts.index[found.chosen[0, 0]], accelerator)


_Some = TypeVar("_Some", Designs, SoftDesigns)

PRICER = PeArrayPricer()


def pricer(_accelerator: Accelerator) -> PeArrayPricer:
    """All designs have one structure."""
    return PRICER


def _for(layer: Layer, designs: _Some) -> _Some:
    return designs.with_weights_as_activations if layer.weights_are_activations else designs


def _solve(
    layer: Layer, residencies: Sequence[Residency], designs: Designs, minimize: Goal
) -> tuple[Pool, Best]:
    """The layer's fronts and the best mappings of each design's in each residency."""
    fronts = pool(canonical(layer))
    return fronts, best(layer, fronts, designs, residencies, minimize)


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
