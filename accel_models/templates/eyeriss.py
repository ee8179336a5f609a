"""The Eyeriss template: a PE array with a scratchpad for each operand, and the row-stationary dataflow.

    DRAM -> global buffer (inputs, partial sums), weight buffer (weights of the next pass)
         -> array_rows x array_columns PEs, each with scratchpads of weights, inputs and partial sums
         -> one multiply-accumulate a PE and cycle

The chip (Chen, Krishna, Emer, Sze, "Eyeriss: An energy-efficient reconfigurable accelerator for deep
convolutional neural networks", JSSC 52, 2017) has 12 x 14 PEs, scratchpads of 224, 12 and 24 words of 16 bits,
25 banks of 4 KiB of global buffer and 8 KiB of weight buffer, and three networks of buses: four weights, one
input and four partial sums a cycle. How layers run is in `accel_models.dataflows.row_stationary`.

Interpretations. What else a design needs, and how we read it:

1. Words have 16 bits, partial sums too (the chip rounds them).
2. A bank of the global buffer has 4 KiB and a port of four words a cycle.
3. A word from a buffer crosses half of the array's edge on a bus, and the pitch of a PE to each PE that takes
   it; a partial sum crosses one pitch to the PE above.
4. What switches in every cycle whatever the PEs compute (clock tree, control, idle networks) is `CLOCKED_BITS`
   flip-flops a PE. The number is fitted to the chip's published power; it scales with the node like flip-flops.
   It counts as standing power, together with leakage.
5. With two copies of the weight and input scratchpads one is filled while the other is used. The chip has one.
6. Vector operations run one a word of the partial-sum bus and cycle, beside the global buffer. (The chip has
   rectifiers there and nothing else.)
7. Where `tiles` says "whole", only tiles run that divide the layer, and strips are not folded. The chip runs
   any; a mapper that knows perfect factors alone, as Timeloop's does by default, leaves the rest unused.
8. A design that no reticle (26 mm x 33 mm) holds cannot be built. Run-length compression is not modelled, nor
   are the area of control and of the buses.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import ceil, inf, sqrt

from accel_models import technology
from accel_models.arch import Accelerator, BufferLevel, SpatialAxis
from accel_models.formats import WordFormat
from accel_models.technology import Dram, Technology
from accel_models.templates import die
from accel_models.workload import Operand

BANK_BYTES = 4096
BANK_WORDS = 4
CLOCKED_BITS = 296.0
WORD_BYTES = 2
DRAM = "LPDDR4"
NODE = "45nm"
CLOCK_MHZ = 200.0
TILES = ("any", "whole")


COUNTS = (
    "array_rows",
    "array_columns",
    "weight_spad_words",
    "input_spad_words",
    "psum_spad_words",
    "global_buffer_bytes",
    "weight_buffer_bytes",
)
BUSES = ("weight_bus_words", "input_bus_words", "psum_bus_words")
REQUIRED = (*COUNTS, *BUSES, "io_bandwidth_gb_per_s")
OPTIONAL = ("clock_mhz", "technology", "dram", "global_buffer_port_words", "spad_copies", "tiles")

Value = float | int | str
Point = Mapping[str, Value]

_CHIP: dict[str, Value] = {
    "array_rows": 12,
    "array_columns": 14,
    "weight_spad_words": 224,
    "input_spad_words": 12,
    "psum_spad_words": 24,
    "global_buffer_bytes": 25 * BANK_BYTES,
    "weight_buffer_bytes": 8192,
    "weight_bus_words": 4,
    "input_bus_words": 1,
    "psum_bus_words": 4,
    "io_bandwidth_gb_per_s": 0.48,
}
_SIMULATED: dict[str, Value] = {
    **_CHIP,
    "weight_bus_words": 4096,
    "input_bus_words": 4096,
    "psum_bus_words": 4096,
    "io_bandwidth_gb_per_s": 1e5,
    "global_buffer_port_words": 16,
    "spad_copies": 2,
    "tiles": "whole",
    "clock_mhz": 250,
}
PRESETS: dict[str, Point] = {"eyeriss-v1": _CHIP, "eyeriss-hw-nas-bench": _SIMULATED}
"""The chip's sizes at 200 MHz, with a link of 64 bits at 60 MHz (the link's clock is recalled); it was made in
65 nm. And the Eyeriss that HW-NAS-Bench simulates (Li et al., ICLR 2021; what it leaves out is unbounded here):
250 MHz, 16 words a cycle at the global buffer, everything overlapped, perfect factors."""


def build_eyeriss(point: Point) -> Accelerator:
    """The accelerator of a point.

    Keys are `REQUIRED` (sizes in the unit of their name, words of 16 bits, buses in words a cycle) and
    `OPTIONAL`: `clock_mhz`, default 200; `technology`, default "45nm" (the chip was made in "65nm"); `dram`,
    default "LPDDR4"; `global_buffer_port_words`, default that of all banks; `spad_copies`, 1 or 2,
    default 1; `tiles`, "any" or "whole", default "any".

    Raises:
        ValueError: a key is missing or unknown, a size is not positive and finite, a count is not whole, or an
            optional value is none of those allowed.
    """
    size = _sizes(point)
    node = technology.get(str(point.get("technology", NODE)))
    dram = technology.dram(str(point.get("dram", DRAM)))
    clock_hz = _positive(point, "clock_mhz", CLOCK_MHZ) * 1e6
    copies = _positive(point, "spad_copies", 1.0)
    tiles = str(point.get("tiles", TILES[0]))
    if copies not in (1.0, 2.0) or tiles not in TILES:
        raise ValueError(
            f"`spad_copies` must be 1 or 2 and `tiles` one of {TILES}, but got {copies:g}, {tiles!r}"
        )
    word = WordFormat.integer(16, 16, 16)
    area = _areas(size, node, word, copies)
    total = sum(mm2 for _, mm2 in area)
    pes = size["array_rows"] * size["array_columns"]
    pe_mm2 = sum(mm2 for name, mm2 in area if not name.endswith("buffer")) / pes
    wire_j = node.wire_energy_j_per_byte_mm
    banks = _banks(size)
    clocks_w = CLOCKED_BITS * node.register_energy_j_per_byte / 8 * pes * clock_hz
    return Accelerator(
        template="eyeriss",
        dataflow="row_stationary",
        levels=_levels(size, node, dram, clock_hz),
        clock_hz=clock_hz,
        technology=node.name,
        dram=dram.name,
        word_format=word,
        mac_energy_j=node.mac_energy_j(word),
        vector_op_energy_j=node.vector_op_energy_j(word.activations),
        area_mm2=area,
        leakage_w=node.leakage_w_per_mm2 * total + clocks_w,
        violations=die.RETICLE.violations(total),
        parameters=(
            *((name, size[name]) for name in BUSES),
            (
                "global_buffer_port_words",
                _positive(point, "global_buffer_port_words", float(banks * BANK_WORDS)),
            ),
            ("spad_copies", copies),
            ("whole_tiles", float(tiles == "whole")),
            ("bus_energy_j_per_byte", wire_j * sqrt(pes * pe_mm2) / 2),
            ("hop_energy_j_per_byte", wire_j * sqrt(pe_mm2)),
            ("dram_latency_s", dram.latency_s),
        ),
    )


def _sizes(point: Point) -> dict[str, float]:
    missing, unknown = set(REQUIRED) - set(point), set(point) - {*REQUIRED, *OPTIONAL}
    if missing or unknown:
        raise ValueError(
            f"an Eyeriss point must have {REQUIRED}, but lacks {missing} and has unknown {unknown}"
        )
    size = {name: _positive(point, name, 0.0) for name in REQUIRED}
    split = {name: size[name] for name in COUNTS if not size[name].is_integer()}
    if split:
        raise ValueError(f"counts of an Eyeriss point must be whole numbers, but got {split}")
    return size


def _positive(point: Point, name: str, default: float) -> float:
    value = float(point.get(name, default))
    if not 0 < value < inf:
        raise ValueError(f"`{name}` of an Eyeriss point must be positive and finite, but got {point[name]!r}")
    return value


def _banks(size: dict[str, float]) -> int:
    return ceil(size["global_buffer_bytes"] / BANK_BYTES)


def _levels(size: dict[str, float], node: Technology, dram: Dram, clock_hz: float) -> tuple[BufferLevel, ...]:
    dram_j = dram.energy_j_per_byte
    rows = SpatialAxis("array_rows", int(size["array_rows"]), ("p", "c", "k", "r"))
    columns = SpatialAxis("array_columns", int(size["array_columns"]), ("p", "k"))
    buffer_bytes, weights_bytes = int(size["global_buffer_bytes"]), int(size["weight_buffer_bytes"])
    buffer_j = _energies(node, buffer_bytes, BANK_WORDS * WORD_BYTES, _banks(size))
    weights_j = _energies(node, weights_bytes, BANK_WORDS * WORD_BYTES, 1)
    return (
        BufferLevel(
            name="dram",
            keeps=("weights", "inputs", "outputs"),
            bandwidth_bytes_per_cycle=size["io_bandwidth_gb_per_s"] * 1e9 / clock_hz,
            read_energy_j_per_byte=dram_j,
            write_energy_j_per_byte=dram_j,
        ),
        BufferLevel(
            name="global_buffer",
            keeps=("inputs", "outputs"),
            capacity_bytes=buffer_bytes,
            read_energy_j_per_byte=buffer_j[0],
            write_energy_j_per_byte=buffer_j[1],
        ),
        BufferLevel(
            name="weight_buffer",
            keeps=("weights",),
            capacity_bytes=weights_bytes,
            axes=(rows, columns),
            read_energy_j_per_byte=weights_j[0],
            write_energy_j_per_byte=weights_j[1],
        ),
        _spad("pe_spad", "weights", size["weight_spad_words"], node),
        _spad("input_spad", "inputs", size["input_spad_words"], node),
        _spad("psum_spad", "outputs", size["psum_spad_words"], node),
    )


def _spad(name: str, operand: Operand, words: float, node: Technology) -> BufferLevel:
    """The scratchpad of one operand in a PE; a word an access."""
    capacity = int(words) * WORD_BYTES
    read_j, write_j = _energies(node, capacity, WORD_BYTES, 1)
    return BufferLevel(
        name=name,
        keeps=(operand,),
        capacity_bytes=capacity,
        read_energy_j_per_byte=read_j,
        write_energy_j_per_byte=write_j,
    )


def _areas(
    size: dict[str, float], node: Technology, word: WordFormat, copies: float
) -> tuple[tuple[str, float], ...]:
    pes = size["array_rows"] * size["array_columns"]
    spads = {
        name: pes * _area(node, size[f"{name}_words"] * WORD_BYTES, 1)
        for name in ("weight_spad", "input_spad", "psum_spad")
    }
    return (
        ("global_buffer", _area(node, size["global_buffer_bytes"], _banks(size))),
        ("weight_buffer", _area(node, size["weight_buffer_bytes"], 1)),
        ("weight_spads", copies * spads["weight_spad"]),
        ("input_spads", copies * spads["input_spad"]),
        ("psum_spads", spads["psum_spad"]),
        ("multiply_accumulate", pes * node.mac_area_mm2(word)),
    )


@lru_cache(maxsize=4096)
def _area(node: Technology, capacity_bytes: float, banks: int) -> float:
    return float(node.sram_area_mm2(capacity_bytes, banks))


@lru_cache(maxsize=4096)
def _energies(node: Technology, capacity_bytes: int, width_bytes: int, banks: int) -> tuple[float, float]:
    read_j = node.sram_read_energy_j_per_byte(float(capacity_bytes), float(width_bytes), banks)
    return float(read_j), float(
        node.sram_write_energy_j_per_byte(float(capacity_bytes), float(width_bytes), banks)
    )
