"""What demands cost on designs: latency, energy, and by how much they exceed what there is.

The laws are those of `analysis.latency`, `analysis.energy` and `analysis.capacity`, for B designs x M
candidates at once. But a level is as slow as its busiest instance, where the exact latency spreads all bytes
evenly: the same where tiles divide.
"""

from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.designs import Designs
from accel_models.dataflows.hierarchy.structure import Structure
from accel_models.dataflows.hierarchy.words import ZERO, Demand
from accel_models.pricing import Residency
from accel_models.workload import Layer, Operand

OFF_CHIP = Residency()
Parts = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Volumes:
    """Bytes of demands on designs, whatever is resident; tuples run over the levels.

    `read` and `written` are of all instances together, `busiest` of the one with most to do; all without the
    outermost level, whose reads and writes are `off_chip`, by operand. `fills` are the bytes of parameters that
    the outermost level on chip that keeps them has filled, of all instances and of the busiest. `held` are
    bytes of one instance by operand, `first` what must arrive before anything starts.
    """

    read: Parts
    written: Parts
    busiest: Parts
    off_chip: dict[Operand, tuple[Tensor, Tensor]]
    fills: tuple[Tensor, Tensor]
    held: tuple[dict[Operand, Tensor], ...]
    first: dict[Operand, Tensor]


@dataclass(frozen=True, slots=True)
class Price:
    """Latency, energy and excess of B designs x M candidates, with what they consist of.

    `cycles` run over "compute" and the levels, `energies_j` over the levels, "mac" and "leakage"; `bytes` and
    `excess` (demand over supply of capacity, feasible where all are <= 1) over the levels. Every tensor
    broadcasts to [B, M]. Cycles of the outermost level are those after the first tiles. `parameter_share` as in
    `StepPrices`.
    """

    latency_s: Tensor
    energy_j: Tensor
    cycles: Parts
    excess: Parts
    bytes: Parts
    energies_j: Parts
    parameter_share: Tensor

    @property
    def worst_excess(self) -> Tensor:
        """Demand over supply of the scarcest capacity, [B, M]."""
        return reduce(torch.maximum, self.excess)


def volumes(structure: Structure, designs: Designs, demand: Demand) -> Volumes:
    """Words as bytes: partial sums at the width of accumulators, complete ones as wide as activations."""
    width: dict[Operand, Tensor] = {
        "weights": designs.weight_bytes,
        "inputs": designs.activation_bytes,
        "outputs": designs.accumulator_bytes,
    }
    narrower = designs.accumulator_bytes - designs.activation_bytes

    def total(words: dict[Operand, Tensor], complete: Tensor) -> Tensor:
        size = sum((each * width[operand] for operand, each in words.items()), ZERO)
        return size - complete * narrower if "outputs" in words else size

    def held(level: int) -> dict[Operand, Tensor]:
        resting = torch.where(demand.wide[level], designs.accumulator_bytes, designs.activation_bytes)
        at_rest = {**width, "outputs": resting}
        return {
            operand: torch.ceil(words * demand.copies[level][operand] * at_rest[operand])
            for operand, words in demand.held[level].items()
        }

    levels = range(len(structure.levels))
    parameters = structure.first_on_chip("weights")
    read, written = (
        (ZERO, *(total(words[level], demand.complete[level]) for level in levels[1:]))
        for words in (demand.read, demand.written)
    )
    return Volumes(
        read=read,
        written=written,
        busiest=(ZERO, *(total(demand.busiest[i], demand.busiest_complete[i]) for i in levels[1:])),
        off_chip={
            operand: (
                total({operand: demand.read[0][operand]}, ZERO),
                total({operand: demand.written[0][operand]}, demand.complete[0]),
            )
            for operand in width
        },
        fills=(ZERO, ZERO)
        if parameters is None
        else (
            demand.written[parameters]["weights"] * designs.weight_bytes,
            demand.busiest_fills[parameters] * designs.weight_bytes,
        ),
        held=tuple(held(level) for level in levels),
        first={operand: words * width[operand] for operand, words in demand.first.items()},
    )


def price(
    layer: Layer,
    structure: Structure,
    designs: Designs,
    demand: Demand,
    moved: Volumes,
    residency: Residency = OFF_CHIP,
) -> Price:
    """Price demands on designs.

    What `residency` names does not travel off chip, and asks for mappings that hold it as a whole, all along,
    in the outermost level on chip that keeps it.
    """
    resident: dict[Operand, bool] = {
        "weights": residency.weights,
        "inputs": residency.inputs,
        "outputs": residency.outputs,
    }
    levels = range(len(structure.levels))
    read, written, busiest = list(moved.read), list(moved.written), list(moved.busiest)
    for operand, stays in resident.items():
        if not stays:
            read[0], written[0] = (
                a + b for a, b in zip((read[0], written[0]), moved.off_chip[operand], strict=True)
            )
    if residency.weights and (parameters := structure.first_on_chip("weights")):
        written[parameters] = written[parameters] - moved.fills[0]
        busiest[parameters] = busiest[parameters] - moved.fills[1]
    first_bytes = sum((size for operand, size in moved.first.items() if not resident[operand]), ZERO)
    busiest[0] = read[0] + written[0] - first_bytes
    cycles = (demand.compute_cycles, *(busiest[level] / designs.bandwidth[level] for level in levels))
    first_cycles = designs.dram_latency_cycles + first_bytes / designs.bandwidth[0]
    latency_s = (first_cycles + reduce(torch.maximum, cycles)) / designs.clock_hz
    energies_j = (
        *(read[i] * designs.read_j[i] + written[i] * designs.write_j[i] for i in levels),
        float(layer.macs) * designs.mac_j,
        latency_s * designs.leakage_w,
    )
    excess, parameter_share = _excess(structure, designs, demand, moved, residency, resident)
    return Price(
        latency_s=latency_s,
        energy_j=reduce(torch.add, energies_j),
        cycles=cycles,
        excess=excess,
        bytes=tuple(a + b for a, b in zip(read, written, strict=True)),
        energies_j=energies_j,
        parameter_share=parameter_share,
    )


def _excess(
    structure: Structure,
    designs: Designs,
    demand: Demand,
    moved: Volumes,
    residency: Residency,
    resident: dict[Operand, bool],
) -> tuple[Parts, Tensor]:
    """Demand over supply of every level's capacity, and the share of the parameter memory that weights take.

    Parameters that stay get their room, everything else what is left; without any, all share the room that
    other layers' parameters leave.
    """
    never = torch.full((), torch.inf, dtype=torch.float64)
    parameters = structure.first_on_chip("weights")
    parameter_share, excess = ZERO, []
    for level, held in enumerate(moved.held):
        weights = held.get("weights", ZERO)
        others = sum((size for each, size in held.items() if each != "weights"), ZERO)
        supply = designs.capacity[level]
        if level == parameters:
            parameter_share = weights / supply
            if residency.weights:
                share = others / supply
                rest = torch.where(share > 0, share / (1.0 - residency.parameter_room), ZERO)
                over = torch.maximum(parameter_share / residency.parameter_room, rest)
            else:
                over = (weights + others) / (residency.parameter_room * supply)
        else:
            over = (weights + others) / supply
        for operand, stays in resident.items():
            if stays and level == (structure.first_on_chip(operand) or 0):
                whole = demand.stays.get(operand)
                over = never if whole is None else torch.where(whole, over, never)
        excess.append(over)
    if residency.weights:
        whole = demand.stays.get("weights")
        parameter_share = never if whole is None else torch.where(whole, parameter_share, never)
    return tuple(excess), parameter_share
