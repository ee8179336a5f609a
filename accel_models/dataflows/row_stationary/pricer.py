"""The `Pricer` of row-stationary designs: the best candidate of every layer on every design."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.dataflows.row_stationary.candidates import least
from accel_models.dataflows.row_stationary.designs import LEVELS, Designs, stack, whole_tiles
from accel_models.dataflows.row_stationary.price import BOUNDS, LIMITS, energies, timing
from accel_models.dataflows.row_stationary.record import mapping_record
from accel_models.dataflows.row_stationary.search import search
from accel_models.mapping import Mapping
from accel_models.pricing import Goal, Residency, StepPrices, shortage
from accel_models.vector import Places, VectorUnit, price_vector_ops
from accel_models.workload import Layer, VectorOp, canonical


@dataclass(frozen=True, slots=True)
class RowStationaryPricer:
    """Prices designs of the Eyeriss template; `whole`: of those that only run tiles that divide the layer."""

    whole: bool = False
    levels: tuple[str, ...] = LEVELS
    bounds: tuple[str, ...] = BOUNDS
    limits: tuple[str, ...] = LIMITS

    def reach(self, span: Sequence[Accelerator]) -> None:
        """Nothing: the search for mappings does not depend on other designs."""

    def stack(self, accelerators: Sequence[Accelerator], device: torch.device, reach: None = None) -> Designs:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is not of this hierarchy, or differs in the tiles that it runs.
        """
        if any(whole_tiles(each) != self.whole for each in accelerators):
            raise ValueError("designs of a batch must all run any tiles or all run whole ones, but they differ")
        return stack(accelerators, device)

    def prepare(self, layer: Layer, designs: Designs) -> None:
        """Nothing: every candidate is priced on every design."""

    def complete(self, _layer: Layer) -> bool:
        """Always: every candidate is priced."""
        return True

    def layer(self, layer: Layer, residency: Residency, designs: Designs, minimize: Goal) -> StepPrices:
        """Price a layer with the candidate that minimizes the goal on each design."""
        layer, designs = canonical(layer), _for(layer, designs)
        chosen = search(layer, designs, residency, minimize, whole=self.whole)
        columns = designs.part(0, len(designs))
        timed = timing(layer, chosen, columns, residency=residency, whole=self.whole)
        modest = least(layer, whole=self.whole).to(designs.clock_hz.device)
        demands = timing(layer, modest, columns, residency=residency, whole=self.whole).excess
        moved, spent = energies(timed)
        cycles = _flat(timed.cycles, len(designs))
        return StepPrices(
            latency_s=timed.latency_s[:, 0],
            energies_j=_flat(spent, len(designs)),
            bytes=_flat(moved, len(designs)),
            compute_s=cycles[:, 0] / designs.clock_hz,
            bound=cycles.argmax(dim=-1),
            excess=_flat(demands, len(designs)),
            parameter_share=timed.parameter_share.expand(len(designs), 1)[:, 0],
        )

    def vector(self, ops: Sequence[VectorOp], designs: Designs, *, keep_activations: bool) -> StepPrices:
        """Operations one a word of the partial-sum bus, on words in the global buffer."""
        places = Places(
            len(LEVELS),
            len(LIMITS),
            1,
            (BOUNDS.index("compute"), BOUNDS.index("dram bandwidth"), BOUNDS.index("global_buffer bandwidth")),
        )
        return price_vector_ops(ops, _vector_unit(designs), places, keep_activations=keep_activations)

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no candidate fits.
        """
        shape, designs = canonical(layer), _for(layer, stack([accelerator]))
        chosen = search(shape, designs, residency, minimize, whole=self.whole)
        timed = timing(shape, chosen, designs.part(0, 1), residency=residency, whole=self.whole)
        if not bool(timed.runs):
            excess = self.layer(layer, residency, designs, minimize).excess[0]
            raise ValueError(shortage(LIMITS[int(excess.argmax())], float(excess.max()), layer.name))
        return mapping_record(layer, chosen, timed, accelerator)


def pricer(accelerator: Accelerator) -> RowStationaryPricer:
    """Of all designs that run the same kind of tiles."""
    return RowStationaryPricer(whole_tiles(accelerator))


def _flat(parts: Sequence[Tensor], count: int) -> Tensor:
    """Parts that broadcast to [n, 1], as [n, part]."""
    return torch.cat([part.expand(count, 1) for part in parts], dim=1)


def _for(layer: Layer, designs: Designs) -> Designs:
    """The designs as this layer meets them: a second operand that is computed is as wide as activations."""
    if not layer.weights_are_activations:
        return designs
    return replace(designs, weight_bytes=designs.activation_bytes)


def _vector_unit(designs: Designs) -> VectorUnit:
    return VectorUnit(
        ops_per_cycle=designs.psum_bus,
        op_j=designs.vector_op_j,
        memory_bytes=designs.global_buffer_bytes,
        memory_bandwidth=designs.port * designs.activation_bytes,
        memory_read_j=designs.global_buffer_read_j,
        memory_write_j=designs.global_buffer_write_j,
        dram_bandwidth=designs.dram_bandwidth,
        dram_latency_cycles=designs.dram_latency_cycles,
        dram_read_j=designs.dram_read_j,
        dram_write_j=designs.dram_write_j,
        activation_bytes=designs.activation_bytes,
        clock_hz=designs.clock_hz,
        leakage_w=designs.standing_w,
    )
