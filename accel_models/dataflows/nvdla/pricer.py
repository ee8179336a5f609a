"""The `Pricer` of NVDLA-like designs: the best candidate of every layer on every design.

The convolution buffer is filled from DRAM and by nothing else, so activations never stay on chip between
layers; and every layer fills it anew, so parameters do not stay from one inference to the next.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.dataflows.nvdla.candidates import candidates
from accel_models.dataflows.nvdla.designs import LEVELS, Designs, stack
from accel_models.dataflows.nvdla.price import BOUNDS, LIMITS, Price, price
from accel_models.dataflows.nvdla.record import mapping_record
from accel_models.dataflows.nvdla.shapes import shape_of
from accel_models.mapping import Mapping
from accel_models.pricing import Goal, Residency, StepPrices, join, shortage
from accel_models.vector import Places, VectorUnit, price_vector_ops
from accel_models.workload import Layer, VectorOp

MOST_PAIRS = 1 << 16
"""Design-mapping pairs priced at once, about 800 bytes each."""


class NvdlaPricer:
    """Prices designs of the NVDLA template."""

    levels = LEVELS
    bounds = BOUNDS
    limits = LIMITS

    def reach(self, span: Sequence[Accelerator]) -> None:
        """Nothing: the search for mappings does not depend on other designs."""

    def stack(self, accelerators: Sequence[Accelerator], device: torch.device, reach: None = None) -> Designs:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is not of this hierarchy.
        """
        return stack(accelerators, device)

    def prepare(self, layer: Layer, designs: Designs) -> None:
        """Lay out the layer's candidates."""
        candidates(layer.p)

    def complete(self, _layer: Layer) -> bool:
        """Always: candidates are few."""
        return True

    def layer(self, layer: Layer, residency: Residency, designs: Designs, minimize: Goal) -> StepPrices:
        """Price a layer with the candidate that minimizes the goal on each design."""
        designs = _for(layer, designs)
        if residency.inputs or residency.outputs or residency.weights:
            return _impossible(designs)
        tried = candidates(layer.p).to(designs.clock_hz.device)
        step = max(1, MOST_PAIRS // len(tried))
        parts = []
        for start in range(0, len(designs), step):
            rows = designs.part(start, start + step)
            priced = price(shape_of(layer, rows), tried, rows)
            parts.append(_chosen(priced, best(priced, minimize), designs.clock_hz[start : start + step]))
        return join(parts)

    def vector(self, ops: Sequence[VectorOp], designs: Designs, *, keep_activations: bool) -> StepPrices:
        """Operations one a word of the post-processor and cycle, on words from and to DRAM."""
        places = Places(
            len(LEVELS),
            len(LIMITS),
            None,
            (BOUNDS.index("compute"), BOUNDS.index("dram bandwidth"), BOUNDS.index("compute")),
        )
        return price_vector_ops(ops, _vector_unit(designs), places, keep_activations=keep_activations)

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no candidate fits, or words are to stay on chip.
        """
        if residency.inputs or residency.outputs or residency.weights:
            raise ValueError(shortage(LIMITS[1], torch.inf, layer.name))
        designs = _for(layer, stack([accelerator])).part(0, 1)
        tried = candidates(layer.p)
        priced = price(shape_of(layer, designs), tried, designs)
        chosen = best(priced, minimize)
        excess = float(priced.excess[0, chosen[0]])
        if excess > 1.0:
            raise ValueError(shortage(LIMITS[0], excess, layer.name))
        one = tried.take(chosen)
        return mapping_record(layer, one, price(shape_of(layer, designs), one, designs), accelerator)


PRICER = NvdlaPricer()


def pricer(_accelerator: Accelerator) -> NvdlaPricer:
    """All designs have one structure."""
    return PRICER


def best(priced: Price, minimize: Goal) -> Tensor:
    """Index [n] of the best candidate that runs, else of the least demanding; ties go to the other quantity."""
    latency_s, energy_j = priced.latency_s, priced.energy_j
    value = {"latency": latency_s, "energy": energy_j, "edp": latency_s * energy_j}[minimize]
    runs = priced.excess <= 1.0
    value = torch.where(runs, value, torch.inf)
    among = torch.where(value <= value.amin(dim=-1, keepdim=True), latency_s * energy_j, torch.inf)
    return torch.where(runs.any(dim=-1), among.argmin(dim=-1), priced.excess.argmin(dim=-1))


def _chosen(priced: Price, chosen: Tensor, clock_hz: Tensor) -> StepPrices:
    """Prices of the chosen candidates [n]; excess of the least demanding ones."""
    shape = priced.latency_s.shape
    rows = torch.arange(len(chosen), device=chosen.device)

    def pick(parts: tuple[Tensor, ...]) -> Tensor:
        return torch.stack([part.expand(shape)[rows, chosen] for part in parts], dim=-1)

    cycles, least = pick(priced.cycles), priced.excess.expand(shape).amin(dim=-1)
    return StepPrices(
        latency_s=priced.latency_s[rows, chosen],
        energies_j=pick(priced.energies_j),
        bytes=pick(priced.bytes),
        compute_s=cycles[:, 0] / clock_hz,
        bound=cycles.argmax(dim=-1),
        excess=torch.stack((least, torch.zeros_like(least)), dim=-1),
        parameter_share=priced.parameter_share.expand(shape)[rows, chosen],
    )


def _impossible(designs: Designs) -> StepPrices:
    """What cannot be: something stays on chip."""
    never = torch.full_like(designs.clock_hz, torch.inf)
    none = torch.zeros_like(never)
    return StepPrices(
        latency_s=never,
        energies_j=never[:, None].expand(-1, len(LEVELS) + 2),
        bytes=none[:, None].expand(-1, len(LEVELS)),
        compute_s=none,
        bound=none.long(),
        excess=torch.stack((none, never), dim=-1),
        parameter_share=never,
    )


def _for(layer: Layer, designs: Designs) -> Designs:
    """The designs as this layer meets them: a second operand that is computed is as wide as activations."""
    if not layer.weights_are_activations:
        return designs
    return replace(designs, weight_bytes=designs.activation_bytes)


def _vector_unit(designs: Designs) -> VectorUnit:
    none = torch.zeros_like(designs.clock_hz)
    return VectorUnit(
        ops_per_cycle=designs.post_processor_words,
        op_j=designs.vector_op_j,
        memory_bytes=none,
        memory_bandwidth=torch.full_like(none, torch.inf),
        memory_read_j=none,
        memory_write_j=none,
        dram_bandwidth=torch.minimum(designs.dram_bandwidth, designs.bus_bytes / designs.bus_cycles),
        dram_latency_cycles=designs.dram_latency_cycles,
        dram_read_j=designs.dram_read_j,
        dram_write_j=designs.dram_write_j,
        activation_bytes=designs.activation_bytes,
        clock_hz=designs.clock_hz,
        leakage_w=designs.leakage_w,
    )
