"""Designs as named columns: what a batch of accelerators offers to the mapper, as tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.mapspace.structure import AXIS_SIZES, Room, Structure, kind_of
from accel_models.technology.model import SRAM_WRITE_RATIO

LEVELS = ("dram", "pe_memory", "core_memory", "lane_registers")
PARAMETERS = ("weight_tile_bytes", "input_row_bytes", "program_tiles", "dram_latency_s")
CAPACITIES = ("pe_bytes", "core_bytes", "weight_tile_bytes", "input_row_bytes", "program_tiles")

OFFERS = (
    "bandwidth", "dram_latency_cycles", "clock_hz", "dram_j", "pe_read_j", "core_read_j", "register_j",
    "mac_j", "leakage_w", "weight_bytes", "activation_bytes", "pe_bytes", "core_bytes", "weight_tile_bytes",
    "input_row_bytes", "program_tiles", "staging_binds",
)  # fmt: skip
(
    O_BANDWIDTH, O_LATENCY, O_CLOCK, O_DRAM_J, O_PE_J, O_CORE_J, O_REGISTER_J, O_MAC_J, O_LEAKAGE, O_WEIGHT,
    O_ACTIVATION, O_ROOM,
) = range(12)  # fmt: skip
O_STAGING = len(OFFERS) - 1
"""Of a design, as the compiled loop takes it: what is the same for all layers; the last is 1 where the staging
memories set the pace of transfers, else 0."""


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

    def to(self, device: torch.device) -> "Columns":
        """The same on a device."""
        return Columns(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def offers(designs: Columns) -> Tensor:
    """What designs offer, [n, offer] over `OFFERS`."""
    bandwidth = torch.minimum(designs.dram_bandwidth, designs.staging_bandwidth)
    staging = (designs.staging_bandwidth < designs.dram_bandwidth).to(bandwidth.dtype)
    return torch.stack([bandwidth, *(getattr(designs, name) for name in OFFERS[1:-1]), staging], dim=-1)


BLOCK = 64
"""Designs of a block, at most."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """n designs in blocks of one kind.

    Attributes:
        order: [n] designs by kind.
        places: where each block begins in `order`, and how many designs it has, [block, 2].
        kinds: of each block, [block].
    """

    order: NDArray[np.int64]
    places: NDArray[np.int64]
    kinds: NDArray[np.int64]

    @classmethod
    def of(cls, kinds: NDArray[np.int64], size: int) -> "Blocks":
        """Blocks of at most so many of designs whose kinds are given, [n]."""
        order = np.argsort(kinds, kind="stable")
        distinct, first, counts = np.unique(kinds[order], return_index=True, return_counts=True)
        each = -(-counts // size)
        which = np.repeat(np.arange(len(distinct)), each)
        skipped = (np.arange(len(which)) - np.repeat(np.cumsum(each) - each, each)) * size
        places = np.stack((first[which] + skipped, np.minimum(size, counts[which] - skipped)), axis=1)
        return cls(order, places, distinct[which])


class Designs:
    """Columns of n designs, and which structure and room each has.

    Args:
        columns: of the designs.
        room: the capacities that matter, if these are known; designs whose capacities are not all among them
            have rooms of their own.
        device: where to keep the columns; where they are, if None.

    Attributes:
        kinds: `kind_of` numbers of structure and room, [n].
        axes: of each design's structure, [n, x].
        widths: `Structure.numbers` of each, [n, x].
    """

    def __init__(self, columns: Columns, room: Room | None = None, device: torch.device | None = None) -> None:
        self.columns, self.room = columns.to(device) if device else columns, room
        own = structures(columns)
        own[:, :2].sort(axis=1)
        rows = np.concatenate((own, _own_rooms(columns, room)), axis=1)
        first, kind = _distinct(rows)
        self.kinds = np.array([_numbered(row.tobytes(), room) for row in rows[first]], np.int64)[kind]
        self.axes = rows[:, : len(AXIS_SIZES)].astype(np.int64)
        self.widths = np.ascontiguousarray(rows[:, len(AXIS_SIZES) : _STRUCTURE])

    def __len__(self) -> int:
        return len(self.columns)

    @cached_property
    def offered(self) -> NDArray[np.float64]:
        """`offers`, in the memory of the CPU."""
        return np.ascontiguousarray(offers(self.columns).detach().cpu().numpy())

    @cached_property
    def blocks(self) -> Blocks:
        """The designs by kind."""
        return Blocks.of(self.kinds, BLOCK)

    @cached_property
    def with_weights_as_activations(self) -> "Designs":
        """The designs as a product of two activations meets them: both operands are equally wide."""
        if torch.equal(self.columns.weight_bytes, self.columns.activation_bytes):
            return self
        return Designs(replace(self.columns, weight_bytes=self.columns.activation_bytes), self.room)


_STRUCTURE = len(fields(Structure))


def structures(columns: Columns) -> NDArray[np.float64]:
    """The numbers of each design's structure, [n, x], PE columns and rows not yet in order."""
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
    found: NDArray[np.float64] = torch.stack((*sizes, *widths), dim=1).cpu().numpy().round(12)
    return found


def _own_rooms(columns: Columns, room: Room | None) -> NDArray[np.float64]:
    """The capacities of each design that has a room of its own, zeros for others, [n, capacity]."""
    own = torch.stack([getattr(columns, name) for name in CAPACITIES], dim=1).cpu().numpy()
    if room is not None:
        pairs = zip(own.T, room.steps, strict=True)
        own[np.all([np.isin(column, steps) for column, steps in pairs], axis=0)] = 0.0
    return own


def _distinct(rows: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each distinct row [n, x] stands first, and which of these each row is, [n]."""
    kind, first = np.zeros(len(rows), dtype=np.int64), np.zeros(min(1, len(rows)), dtype=np.int64)
    for column in rows.T:
        if (column != column[:1]).any():
            values, place = np.unique(column, return_inverse=True)
            _, first, kind = np.unique(kind * len(values) + place, return_index=True, return_inverse=True)
    return first, kind


@lru_cache(maxsize=1 << 16)
def _numbered(row: bytes, room: Room | None) -> int:
    """Number of the kind of a design, from a row of `structures` and `_own_rooms`."""
    numbers = np.frombuffer(row).tolist()
    structure = Structure(*(int(size) for size in numbers[:5]), *numbers[5:_STRUCTURE])
    own = numbers[_STRUCTURE:]
    return kind_of(structure, room if room is not None and not any(own) else Room(*((each,) for each in own)))


def _ratio(write_j: Tensor, read_j: Tensor) -> Tensor:
    """What a write costs in reads; of memories that cost nothing, what it usually does."""
    return torch.where(read_j > 0, write_j / read_j, SRAM_WRITE_RATIO.value)


def stack(
    accelerators: Sequence[Accelerator], device: torch.device | None = None, room: Room | None = None
) -> Designs:
    """Columns of a batch of accelerators; `room` as for `Designs`.

    Raises:
        ValueError: an accelerator is not a chain of `LEVELS`, lacks one of `PARAMETERS`, or its DRAM takes
            another energy to write than to read.
    """
    return Designs(columns(accelerators), room, device)


def columns(accelerators: Sequence[Accelerator]) -> Columns:
    """Columns of a batch of accelerators; errors as for `stack`."""
    rows = [_row(accelerator) for accelerator in accelerators]
    names = [f.name for f in fields(Columns)]
    table = torch.tensor(rows, dtype=torch.float64).reshape(len(rows), len(names))
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
