"""The edge template, Apollo's own: PE array, cores, SIMD lanes with a 4-way multiply-accumulate.

    DRAM -> pe_x x pe_y PEs, each with a PE memory (inputs, partial sums, outputs)
         -> cores per PE, each with a core memory (weights)
         -> lanes per core, each with weight and accumulator registers -> 4 multiply-accumulate ways

PEs x cores x lanes x 4 x 2 x clock is the published peak of Edge TPU V1, V2 and V3: 26.2, 8.73 and 8.73 TOPS
(Yazdanbakhsh et al., arXiv 2102.10423).

Interpretations. What the chip-level memories counted in entries do is not published. We read them so:

1. An entry is 8 bytes, one 64-bit word (`ENTRY_BYTES`).
2. Parameter memory stages weights on their way to the cores; one broadcast moves one core tile, which must fit
   (`weight_tile_bytes`). Activation memory does the same for inputs and outputs; one broadcast moves one row of
   a PE's input tile, its columns times its channels (`input_row_bytes`).
3. What is on the way to and from DRAM is staged: its bandwidth is at most the size of both memories over the
   DRAM latency (bandwidth-delay product).
4. Instruction memory holds the program of the running layer, `ENTRIES_PER_TILE` entries for every distinct
   tile that DRAM- and PE-level loops visit; a mapping with more tiles cannot be run.
5. The PE memory's port moves 4 activations per lane and cycle, the core memory's feeds every lane and way with
   weights. A lane holds two weights per way.
6. PEs share what they hold over a mesh (halos are read from DRAM once); within a PE words are multicast;
   PEs and cores do not add partial sums across each other, the four ways of a lane do.
7. A die larger than the reticle (26 mm x 33 mm) cannot be built.
8. Nor can a chip whose peak power, with every multiply-accumulate, register and core memory port busy in every
   cycle, exceeds what a fanless module dissipates (`PEAK_POWER_W`). The number is calibrated: with it about
   the published 22 % of uniformly drawn designs can be built and run (PRIME, arXiv 2110.11346).
9. A word from DRAM crosses 0.75 of the die's edge on average to reach its PE (Manhattan distance from a
   controller in the middle of one edge).
"""

from collections.abc import Mapping
from functools import lru_cache
from math import ceil, inf, prod, sqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from accel_models import technology
from accel_models.arch import Accelerator, BufferLevel, SpatialAxis
from accel_models.formats import WordFormat
from accel_models.mapspace.choices import UNROLLED_DIMS
from accel_models.ranges import Most
from accel_models.technology import Dram, Technology
from accel_models.templates import die

WAYS = 4
PE_PORT_WORDS = 4
ENTRY_BYTES = 8
ENTRIES_PER_TILE = 16
PEAK_POWER_W = 15.0
PEAK_POWER = Most(
    PEAK_POWER_W, f"peak power must stay within the module's {PEAK_POWER_W:.0f} W, but is {{:.1f}} W"
)
DRAM = "LPDDR4"
CLOCK_MHZ = 1000.0
NODE = "7nm"
FORMAT = "int8"

REQUIRED = (
    "pe_x",
    "pe_y",
    "cores",
    "lanes",
    "pe_memory_bytes",
    "core_memory_bytes",
    "activation_memory_entries",
    "instruction_memory_entries",
    "parameter_memory_entries",
    "io_bandwidth_gb_per_s",
)
COUNTS = ("pe_x", "pe_y", "cores", "lanes", "pe_memory_bytes", "core_memory_bytes")
OPTIONAL = ("clock_mhz", "technology", "dram", "weight_format", "activation_format", "accumulator_format")

Amount = TypeVar("Amount", float, NDArray[np.float64])
Value = float | int | str
Point = Mapping[str, Value]


def _preset(*values: Value) -> dict[str, Value]:
    return dict(zip((*REQUIRED, "clock_mhz"), values, strict=True))


PRESETS: dict[str, Point] = {
    "edge-tpu-v1": _preset(4, 4, 4, 64, 2 << 20, 32 << 10, 1024, 16384, 16384, 17, 800),
    "edge-tpu-v2": _preset(4, 4, 1, 64, 384 << 10, 32 << 10, 1024, 16384, 8192, 32, 1066),
    "edge-tpu-v3": _preset(4, 1, 8, 32, 2 << 20, 8 << 10, 1024, 16384, 8192, 32, 1066),
}
"""Edge TPU generations as tabulated in arXiv 2102.10423 (the table is recalled, its peak TOPS agree)."""


def build_edge(point: Point) -> Accelerator:
    """The edge accelerator of a point.

    Keys are `REQUIRED` (sizes in the unit of their name; memories in entries as published) and `OPTIONAL`
    (`clock_mhz`, default 1000; `technology`, default "7nm"; `dram`, default "LPDDR4", whose energy and latency
    it takes, but not the bandwidth; number formats, default "int8", accumulators "int32" or "fp32"). A design
    that cannot be manufactured is returned with its `violations`.

    Raises:
        ValueError: a key is missing or unknown, a size or the clock is not positive and finite, a count (of
            bytes, too) is not whole, the technology, DRAM or a format is unknown, or the formats do not suit.
    """
    missing, unknown = set(REQUIRED) - set(point), set(point) - {*REQUIRED, *OPTIONAL}
    if missing or unknown:
        raise ValueError(f"an edge point must have {REQUIRED}, but lacks {missing} and has unknown {unknown}")
    size = {name: float(point[name]) for name in REQUIRED}
    clock_mhz = float(point.get("clock_mhz", CLOCK_MHZ))
    if not all(0 < value < inf for value in (*size.values(), clock_mhz)):
        given = {**size, "clock_mhz": clock_mhz}
        raise ValueError(f"sizes of an edge point must be positive and finite, but got {given}")
    split = {name: size[name] for name in COUNTS if not size[name].is_integer()}
    if split:
        raise ValueError(f"counts of an edge point must be whole numbers, but got {split}")
    node = technology.get(str(point.get("technology", NODE)))
    clock_hz = clock_mhz * 1e6
    dram = technology.dram(str(point.get("dram", DRAM)))
    word = word_format(point)
    area = areas(size, node, word)
    total = sum(mm2 for _, mm2 in area)
    levels = _levels(size, node, dram, word, clock_hz, total)
    weight_tile_bytes = size["parameter_memory_entries"] * ENTRY_BYTES
    return Accelerator(
        template="edge",
        dataflow="pe_array",
        levels=levels,
        clock_hz=clock_hz,
        technology=node.name,
        dram=dram.name,
        word_format=word,
        mac_energy_j=node.mac_energy_j(word),
        vector_op_energy_j=node.vector_op_energy_j(word.activations),
        area_mm2=area,
        leakage_w=node.leakage_w_per_mm2 * total,
        violations=_violations(levels, node, word, clock_hz, total),
        parameters=(
            ("weight_tile_bytes", weight_tile_bytes),
            ("input_row_bytes", size["activation_memory_entries"] * ENTRY_BYTES),
            ("program_tiles", size["instruction_memory_entries"] / ENTRIES_PER_TILE),
            ("dram_latency_s", dram.latency_s),
        ),
    )


def word_format(point: Point) -> WordFormat:
    """The number formats of a point."""
    weights = str(point.get("weight_format", FORMAT))
    accumulators = point.get("accumulator_format")
    return WordFormat.of(
        weights,
        str(point.get("activation_format", weights)),
        None if accumulators is None else str(accumulators),
    )


def _violations(
    levels: tuple[BufferLevel, ...], node: Technology, word: WordFormat, clock_hz: float, die_mm2: float
) -> tuple[str, ...]:
    """Why the die cannot be built: reticle, peak power."""
    num_macs = float(prod(level.fanout for level in levels))
    core_read_j = levels[2].read_energy_j_per_byte
    peak_w = dynamic_power_w(num_macs, core_read_j, node, word, clock_hz) + node.leakage_w_per_mm2 * die_mm2
    return (*die.RETICLE.violations(die_mm2), *PEAK_POWER.violations(peak_w))


def dynamic_power_w(
    num_macs: Amount, core_read_j: Amount, node: Technology, word: WordFormat, clock_hz: float
) -> Amount:
    """Dynamic power with every unit, register and core memory port busy in every cycle."""
    accumulator_bytes = 2 * word.accumulator_bits / 8 / WAYS
    registers_j = node.register_energy_j_per_byte * (word.weight_bits / 8 + accumulator_bytes)
    operands_j = core_read_j * word.weight_bits / 8
    return num_macs * (node.mac_energy_j(word) + registers_j + operands_j) * clock_hz


def _levels(
    size: dict[str, float], node: Technology, dram: Dram, word: WordFormat, clock_hz: float, die_mm2: float
) -> tuple[BufferLevel, ...]:
    dram_j = dram_energy_j(dram, node, sqrt(die_mm2))
    lanes = int(size["lanes"])
    pe_bytes, core_bytes = int(size["pe_memory_bytes"]), int(size["core_memory_bytes"])
    pe_port_bytes = PE_PORT_WORDS * lanes * word.activation_bits / 8
    core_port_bytes = WAYS * lanes * word.weight_bits / 8
    pe_read_j, pe_write_j = _sram_energies(node, pe_bytes, pe_port_bytes)
    core_read_j, core_write_j = _sram_energies(node, core_bytes, core_port_bytes)
    return (
        BufferLevel(
            name="dram",
            keeps=("weights", "inputs", "outputs"),
            bandwidth_bytes_per_cycle=size["io_bandwidth_gb_per_s"] * 1e9 / clock_hz,
            axes=(_axis("pe_x", size["pe_x"]), _axis("pe_y", size["pe_y"])),
            network="mesh",
            read_energy_j_per_byte=dram_j,
            write_energy_j_per_byte=dram_j,
        ),
        BufferLevel(
            name="pe_memory",
            keeps=("inputs", "outputs"),
            capacity_bytes=pe_bytes,
            bandwidth_bytes_per_cycle=pe_port_bytes,
            axes=(_axis("cores", size["cores"]),),
            read_energy_j_per_byte=pe_read_j,
            write_energy_j_per_byte=pe_write_j,
        ),
        BufferLevel(
            name="core_memory",
            keeps=("weights",),
            capacity_bytes=core_bytes,
            bandwidth_bytes_per_cycle=core_port_bytes,
            axes=(_axis("lanes", lanes),),
            read_energy_j_per_byte=core_read_j,
            write_energy_j_per_byte=core_write_j,
        ),
        BufferLevel(
            name="lane_registers",
            keeps=("weights", "outputs"),
            capacity_bytes=_register_bytes(word),
            axes=(_axis("ways", WAYS),),
            read_energy_j_per_byte=node.register_energy_j_per_byte,
            write_energy_j_per_byte=node.register_energy_j_per_byte,
        ),
    )


def dram_energy_j(dram: Dram, node: Technology, die_edge_mm: Amount) -> Amount:
    """A byte from or to DRAM, its way over the die included."""
    return dram.energy_j_per_byte + die.CROSSING * die_edge_mm * node.wire_energy_j_per_byte_mm


def _register_bytes(word: WordFormat) -> int:
    return ceil(2 * WAYS * word.weight_bits / 8)


def _axis(name: str, size: float) -> SpatialAxis:
    return SpatialAxis(name, int(size), UNROLLED_DIMS[name])


def areas(size: Mapping[str, Amount], node: Technology, word: WordFormat) -> tuple[tuple[str, Amount], ...]:
    """Area of every block, in mm2, of one design or of a column of them."""
    pes = size["pe_x"] * size["pe_y"]
    cores = pes * size["cores"]
    lanes = cores * size["lanes"]
    activation, instruction, parameter = (
        _sram_area(node, size[f"{name}_memory_entries"] * ENTRY_BYTES)
        for name in ("activation", "instruction", "parameter")
    )
    return (
        ("pe_memory", pes * _sram_area(node, size["pe_memory_bytes"])),
        ("core_memory", cores * _sram_area(node, size["core_memory_bytes"])),
        ("lane_registers", lanes * _register_bytes(word) * node.register_area_mm2_per_byte),
        ("multiply_accumulate", lanes * WAYS * node.mac_area_mm2(word)),
        ("staging", activation + instruction + parameter),
    )


def _sram_area(node: Technology, capacity_bytes: Amount) -> Amount:
    if isinstance(capacity_bytes, np.ndarray):
        return node.sram_area_mm2(capacity_bytes)
    return _one_sram_area(node, capacity_bytes)


@lru_cache(maxsize=4096)
def _one_sram_area(node: Technology, capacity_bytes: float) -> float:
    return node.sram_area_mm2(capacity_bytes)


@lru_cache(maxsize=4096)
def _sram_energies(node: Technology, capacity_bytes: int, width_bytes: float) -> tuple[float, float]:
    read_j = node.sram_read_energy_j_per_byte(float(capacity_bytes), width_bytes)
    return float(read_j), float(node.sram_write_energy_j_per_byte(float(capacity_bytes), width_bytes))
