"""The `Pricer` of systolic designs: the best candidate of every layer on every design."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.dataflows.systolic.array import STATIONARY
from accel_models.dataflows.systolic.candidates import Candidates, candidates
from accel_models.dataflows.systolic.designs import LEVELS, Designs, stack
from accel_models.dataflows.systolic.price import BOUNDS, LIMITS, Price, price
from accel_models.dataflows.systolic.record import mapping_record
from accel_models.dataflows.systolic.work import Work, work
from accel_models.mapping import Mapping
from accel_models.pricing import Goal, Residency, StepPrices, join, shortage
from accel_models.vector import Places, VectorUnit, price_vector_ops
from accel_models.workload import Layer, Operand, VectorOp

MOST_DESIGNS = 64
"""Designs priced at once."""


@dataclass(frozen=True, slots=True)
class Part:
    """Designs [n, 1] of a batch that hold one kind of operand, and their places in the batch."""

    place: Tensor
    stationary: Operand
    designs: Designs


@dataclass(frozen=True, slots=True)
class Batch:
    """All designs [n] of a batch, and the same in parts."""

    designs: Designs
    parts: tuple[Part, ...]


class SystolicPricer:
    """Prices the hierarchy DRAM, buffer, accumulators, registers of units (`designs.LEVELS`)."""

    levels = LEVELS
    bounds = BOUNDS
    limits = LIMITS

    def reach(self, span: Sequence[Accelerator]) -> None:
        """Nothing: the search for mappings does not depend on other designs."""

    def stack(self, accelerators: Sequence[Accelerator], device: torch.device, reach: None = None) -> Batch:
        """Columns of a batch.

        Raises:
            ValueError: an accelerator is not of this hierarchy.
        """
        designs = stack(accelerators, device)
        places = [
            (place, stationary)
            for kind, stationary in enumerate(STATIONARY)
            for place in torch.split((designs.stationary == kind).nonzero()[:, 0], MOST_DESIGNS)
            if len(place)
        ]
        parts = (Part(place, kind, designs.take(place).part(0, len(place))) for place, kind in places)
        return Batch(designs, tuple(parts))

    def prepare(self, layer: Layer, designs: Batch) -> None:
        """Nothing depends on the layer alone."""

    def complete(self, _layer: Layer) -> bool:
        """Always: candidates are few."""
        return True

    def layer(self, layer: Layer, residency: Residency, designs: Batch, minimize: Goal) -> StepPrices:
        """Price a layer with the candidate that minimizes the goal on each design."""
        layer = _canonical(layer)
        priced = []
        for part in designs.parts:
            done = _work(layer, part.designs, part.stationary)
            prices = price(layer, part.designs, done, part.stationary, residency)
            priced.append(_chosen(prices, best(prices, minimize), part.designs.clock_hz[:, 0]))
        order = torch.cat([part.place for part in designs.parts]).argsort()
        every = join(priced)
        return StepPrices(*(getattr(every, f.name)[order] for f in fields(StepPrices)))

    def vector(self, ops: Sequence[VectorOp], designs: Batch, *, keep_activations: bool) -> StepPrices:
        """Operations one per vector lane and cycle, on words in the buffer."""
        places = Places(
            len(LEVELS),
            len(LIMITS),
            1,
            (BOUNDS.index("compute"), BOUNDS.index("dram bandwidth"), BOUNDS.index("buffer bandwidth")),
        )
        return price_vector_ops(ops, _vector_unit(designs.designs), places, keep_activations=keep_activations)

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The winning mapping of a layer.

        Raises:
            ValueError: no candidate fits.
        """
        shape, designs = _canonical(layer), stack([accelerator]).part(0, 1)
        stationary = STATIONARY[int(designs.stationary)]
        done = _work(shape, designs, stationary)
        prices = price(shape, designs, done, stationary, residency)
        chosen = best(prices, minimize)
        found = _chosen(prices, chosen, designs.clock_hz[:, 0])
        if not bool(found.fits):
            excess = found.excess[0]
            raise ValueError(shortage(LIMITS[int(excess.argmax())], float(excess.max()), layer.name))
        one = _tried(shape, designs, stationary).take(chosen)
        return mapping_record(layer, one, work(shape, designs, one, stationary).tiles, accelerator)


PRICER = SystolicPricer()


@lru_cache(maxsize=4)
def _work(layer: Layer, designs: Designs, stationary: Operand) -> Work:
    """What all candidates do; kept for a while, since a layer is priced in several states in a row."""
    return work(layer, designs, _tried(layer, designs, stationary), stationary)


def _tried(layer: Layer, designs: Designs, stationary: Operand) -> Candidates:
    """Candidates for a batch."""
    rows, columns, arrays = int(designs.rows.min()), int(designs.columns.min()), int(designs.arrays.max())
    found = candidates(layer, stationary, rows, columns, arrays)
    return found if designs.rows.device.type == "cpu" else found.to(designs.rows.device)


def best(priced: Price, minimize: Goal) -> Tensor:
    """Index [n] of the best candidate that runs, else of the least demanding; ties go to the other quantity."""
    latency_s, energy_j = priced.latency_s, priced.energy_j
    value = {"latency": latency_s, "energy": energy_j, "edp": latency_s * energy_j}[minimize]
    excess = priced.worst_excess
    runs = excess <= 1.0
    value = torch.where(runs, value, torch.inf)
    least = value.amin(dim=-1, keepdim=True)
    among = torch.where(runs & (value <= least), latency_s * energy_j, torch.inf)
    return torch.where(runs.any(dim=-1), among.argmin(dim=-1), excess.argmin(dim=-1))


def _chosen(priced: Price, chosen: Tensor, clock_hz: Tensor) -> StepPrices:
    """Prices of the chosen candidates [n]; excess of the least demanding ones."""
    shape = priced.latency_s.shape
    rows = torch.arange(len(chosen), device=chosen.device)
    least = priced.worst_excess.argmin(dim=-1)

    def pick(parts: tuple[Tensor, ...], index: Tensor) -> Tensor:
        return torch.stack([part.expand(shape)[rows, index] for part in parts], dim=-1)

    cycles = pick(priced.cycles, chosen)
    return StepPrices(
        latency_s=priced.latency_s[rows, chosen],
        energies_j=pick(priced.energies_j, chosen),
        bytes=pick(priced.bytes, chosen),
        compute_s=cycles[:, 0] / clock_hz,
        bound=cycles.argmax(dim=-1),
        excess=pick(priced.excess, least),
        parameter_share=priced.parameter_share.expand(shape)[rows, chosen],
    )


def _canonical(layer: Layer) -> Layer:
    """The layer without what does not matter for its price."""
    return replace(layer, name="layer", kind="layer", repeats=1)


def _vector_unit(designs: Designs) -> VectorUnit:
    return VectorUnit(
        ops_per_cycle=designs.vector_lanes,
        op_j=designs.vector_op_j,
        memory_bytes=designs.buffer_bytes,
        memory_bandwidth=designs.buffer_bandwidth,
        memory_read_j=designs.buffer_read_j,
        memory_write_j=designs.buffer_write_j,
        dram_bandwidth=designs.dram_bandwidth,
        dram_latency_cycles=designs.dram_latency_cycles,
        dram_read_j=designs.dram_read_j,
        dram_write_j=designs.dram_write_j,
        activation_bytes=designs.activation_bytes,
        clock_hz=designs.clock_hz,
        leakage_w=designs.leakage_w,
    )
