"""Designs as named columns: what a batch of accelerators offers to the mapper, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.mapspace.structure import Room, Structure
from accel_models.technology.model import SRAM_WRITE_RATIO

LEVELS = ("dram", "pe_memory", "core_memory", "lane_registers")
PARAMETERS = ("weight_tile_bytes", "input_row_bytes", "program_tiles", "dram_latency_s")
CAPACITIES = ("pe_bytes", "core_bytes", "weight_tile_bytes", "input_row_bytes", "program_tiles")


@dataclass(frozen=True, slots=True)
class Columns:
    """One float64 tensor [n] per property of n accelerators of the PE-array hierarchy.

    Bandwidths are bytes per cycle and instance; `weight_tile_bytes` and `input_row_bytes` what the staging
    memories can broadcast at once, `program_tiles` how many tiles the instruction memory can describe;
    `staging_bandwidth` what both staging memories together allow to be on the way from DRAM.
    """

    pe_x: Tensor
    pe_y: Tensor
    cores: Tensor
    lanes: Tensor
    ways: Tensor
    pe_bytes: Tensor
    core_bytes: Tensor
    weight_tile_bytes: Tensor
    input_row_bytes: Tensor
    program_tiles: Tensor
    dram_bandwidth: Tensor
    staging_bandwidth: Tensor
    pe_bandwidth: Tensor
    core_bandwidth: Tensor
    dram_latency_cycles: Tensor
    clock_hz: Tensor
    dram_j: Tensor
    pe_read_j: Tensor
    pe_write_j: Tensor
    core_read_j: Tensor
    core_write_j: Tensor
    register_j: Tensor
    mac_j: Tensor
    vector_op_j: Tensor
    leakage_w: Tensor
    weight_bytes: Tensor
    activation_bytes: Tensor
    accumulator_bytes: Tensor

    def __len__(self) -> int:
        return len(self.pe_x)

    def take(self, index: Tensor | slice) -> "Columns":
        """The rows of these indices."""
        return Columns(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


@dataclass(frozen=True, slots=True)
class Designs:
    """Columns of n designs, and which structure and room each has: `kinds`, and the kind of each design [n].

    `axes` and `widths` are those of the structure of each design, [n, x]. `room` is what they were stacked
    with: the capacities that matter, if these are known.
    """

    columns: Columns
    kinds: tuple[tuple[Structure, Room], ...]
    kind: NDArray[np.int64]
    axes: NDArray[np.int64]
    widths: NDArray[np.float64]
    room: Room | None

    @classmethod
    def of(cls, columns: Columns, room: Room | None = None) -> "Designs":
        """Designs of columns; those whose capacities are not all among the room's have rooms of their own."""
        sizes = columns.pe_x, columns.pe_y, columns.cores, columns.lanes, columns.ways
        widths = (
            columns.weight_bytes,
            columns.activation_bytes,
            columns.accumulator_bytes,
            columns.pe_bandwidth,
            columns.core_bandwidth,
            _ratio(columns.pe_write_j, columns.pe_read_j),
            _ratio(columns.core_write_j, columns.core_read_j),
        )
        capacities = torch.stack([getattr(columns, name) for name in CAPACITIES], dim=1)
        shared = torch.zeros(len(columns), dtype=torch.bool)
        if room is not None:
            among = [
                torch.isin(column, torch.tensor(steps, dtype=column.dtype, device=column.device))
                for column, steps in zip(capacities.unbind(dim=1), room.steps, strict=True)
            ]
            shared = torch.stack(among).all(dim=0).cpu()
        own = torch.where(shared[:, None], 0.0, capacities.cpu())
        keys = torch.cat((torch.stack((*sizes, *widths), dim=1).cpu(), own), dim=1).numpy().round(12)
        distinct, kind = np.unique(keys, axis=0, return_inverse=True)
        kinds = []
        for row in distinct.tolist():
            structure = Structure(*(int(size) for size in row[:5]), *row[5:12])
            own_room = Room(*((capacity,) for capacity in row[12:]))
            kinds.append((structure, own_room if room is None or any(row[12:]) else room))
        kind = kind.ravel()
        axes = np.array([structure.axes for structure, _ in kinds], dtype=np.int64).reshape(-1, 5)[kind]
        numbers = np.array([structure.numbers for structure, _ in kinds]).reshape(-1, 7)[kind]
        return cls(columns, tuple(kinds), kind, axes, numbers, room)

    def __len__(self) -> int:
        return len(self.columns)

    def with_weights_as_activations(self) -> "Designs":
        """The designs as a product of two activations meets them: both operands are equally wide."""
        if torch.equal(self.columns.weight_bytes, self.columns.activation_bytes):
            return self
        return Designs.of(replace(self.columns, weight_bytes=self.columns.activation_bytes), self.room)


def _ratio(write_j: Tensor, read_j: Tensor) -> Tensor:
    """What a write costs in reads; of memories that cost nothing, what it usually does."""
    return torch.where(read_j > 0, write_j / read_j, SRAM_WRITE_RATIO.value)


def stack(
    accelerators: Sequence[Accelerator], device: torch.device | None = None, span: Sequence[Accelerator] = ()
) -> Designs:
    """Columns of a batch of accelerators, of which those of `span` have all capacities that matter.

    Raises:
        ValueError: an accelerator is not a chain of `LEVELS`, lacks one of `PARAMETERS`, or its DRAM takes
            another energy to write than to read.
    """
    return Designs.of(columns(accelerators, device), room(span) if span else None)


def columns(accelerators: Sequence[Accelerator], device: torch.device | None = None) -> Columns:
    """Columns of a batch of accelerators; errors as for `stack`."""
    rows = [_row(accelerator) for accelerator in accelerators]
    names = [f.name for f in fields(Columns)]
    table = torch.tensor(rows, dtype=torch.float64, device=device).reshape(len(rows), len(names))
    return Columns(**dict(zip(names, table.unbind(dim=1), strict=True)))


def room(accelerators: Sequence[Accelerator]) -> Room:
    """All capacities that accelerators have."""
    found = columns(accelerators)
    return Room(*(tuple(torch.unique(getattr(found, name)).tolist()) for name in CAPACITIES))


def _row(accelerator: Accelerator) -> tuple[float, ...]:
    names = tuple(level.name for level in accelerator.levels)
    parameters = dict(accelerator.parameters)
    if names != LEVELS or not set(PARAMETERS) <= set(parameters):
        raise ValueError(
            f"the PE-array mapper needs levels {LEVELS} and parameters {PARAMETERS}, "
            f"but {accelerator.template!r} has {names} and {tuple(parameters)}"
        )
    dram, pe, core, registers = accelerator.levels
    if dram.read_energy_j_per_byte != dram.write_energy_j_per_byte:
        raise ValueError(
            "the PE-array mapper needs a DRAM that takes as much energy to write as to read, "
            f"but got {dram.write_energy_j_per_byte} and {dram.read_energy_j_per_byte} J per byte"
        )
    word = accelerator.word_format
    latency_s, unbounded = parameters["dram_latency_s"], float("inf")
    latency_cycles = latency_s * accelerator.clock_hz
    return (
        dram.axes[0].size,
        dram.axes[1].size,
        pe.axes[0].size,
        core.axes[0].size,
        registers.axes[0].size,
        pe.capacity_bytes or unbounded,
        core.capacity_bytes or unbounded,
        parameters["weight_tile_bytes"],
        parameters["input_row_bytes"],
        parameters["program_tiles"],
        dram.bandwidth_bytes_per_cycle or unbounded,
        (parameters["weight_tile_bytes"] + parameters["input_row_bytes"]) / latency_cycles,
        pe.bandwidth_bytes_per_cycle or unbounded,
        core.bandwidth_bytes_per_cycle or unbounded,
        latency_cycles,
        accelerator.clock_hz,
        dram.read_energy_j_per_byte,
        pe.read_energy_j_per_byte,
        pe.write_energy_j_per_byte,
        core.read_energy_j_per_byte,
        core.write_energy_j_per_byte,
        registers.read_energy_j_per_byte,
        accelerator.mac_energy_j,
        accelerator.vector_op_energy_j,
        accelerator.leakage_w,
        word.weight_bits / 8,
        word.activation_bits / 8,
        word.accumulator_bits / 8,
    )
