"""Systolic arrays: TPU-like chips and Gemmini.

    DRAM -> one buffer (weights and activations)
         -> arrays, each with accumulators (partial sums)
         -> rows x columns units, each with registers and one multiply-accumulate

Interpretations, where papers are silent or differ:

1. One operand stays in the arrays (`stationary`): weights on TPUs and, by default, on Gemmini.
2. `fill` says whether a fold waits until the one before has drained ("exposed", as SCALE-Sim counts), or the
   next weights are loaded meanwhile into a second register of every unit ("overlapped", as on TPUs).
3. `taps` says whether the taps of a filter share the rows with channels ("packed", as SCALE-Sim lowers
   convolutions), only those of a filter's row, as many as fit ("rows", as Gemmini's loops over convolutions),
   or have folds of their own ("separate", as the unused rows of layers with few channels suggest for TPUv1:
   Jouppi et al., ISCA 2017, Table 3 and Section 4).
4. `groups` says whether groups of a convolution are computed one after the other ("single") or as many as fit
   stand along the diagonal of an array between zeros ("diagonal"), which only needs a compiler; only weights
   that stay can be laid so.
5. `weights` says whether weights pass through the buffer ("buffered") or stream from DRAM past it, through a
   FIFO of `FIFO_TILES` folds ("streamed", TPUv1).
6. `accumulator_bytes` is for each array. With 0, partial sums rest in the buffer (the vector memory of TPUv2
   and v3).
7. Complete outputs leave the accumulators through an activation unit, for the buffer or DRAM. An array's
   accumulators take a partial sum a column and cycle, give one back to be added to, and give one away.
8. The buffer feeds every array with a word a row and a word a column each cycle, takes an output word a column,
   and what DRAM delivers; where partial sums rest in it, it moves those too, two a column.
   `buffer_gb_per_s` overrides that.
9. `vector_lanes` do what is no product of matrices, one operation a cycle; by default there are as many as the
   arrays have columns.
10. Several arrays share one buffer, from which they are fed in step. (Cores of TPUv2 and v3 have a memory each;
    a chip is taken as one core with all of it.)
11. A die larger than the reticle cannot be built. DRAM words cross the die as in the edge template.

Energies and areas are those of `accel_models.technology`; what they leave out (host interface, control, clock
tree, interconnect between chips) is not counted.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import ceil, inf, sqrt

from accel_models import technology
from accel_models.arch import Accelerator, BufferLevel, SpatialAxis
from accel_models.dataflows.systolic.array import FILLS, STATIONARY, TAPS
from accel_models.formats import WordFormat
from accel_models.technology import Dram, Technology
from accel_models.templates import die
from accel_models.workload import DIMS, Operand

FIFO_TILES = 4
"""Folds of weights that a FIFO holds (Jouppi et al., ISCA 2017, Section 2: "four tiles deep")."""

GROUPS = ("single", "diagonal")
WEIGHTS = ("buffered", "streamed")

SIZES = ("arrays", "rows", "columns", "buffer_bytes", "dram_bandwidth_gb_per_s")
COUNTS = ("arrays", "rows", "columns", "buffer_bytes", "accumulator_bytes", "vector_lanes")
CHOICES: dict[str, tuple[str, ...]] = {
    "stationary": STATIONARY,
    "fill": FILLS,
    "taps": TAPS,
    "groups": GROUPS,
    "weights": WEIGHTS,
}
REQUIRED = (*SIZES, "accumulator_bytes", "stationary")
DEFAULTS: dict[str, float | str] = {
    "fill": "overlapped",
    "taps": "packed",
    "groups": "single",
    "weights": "buffered",
    "clock_mhz": 1000.0,
    "technology": "7nm",
    "dram": "HBM2",
    "weight_format": "int8",
}
OPTIONAL = (*DEFAULTS, "activation_format", "accumulator_format", "vector_lanes", "buffer_gb_per_s")

Value = float | int | str
Point = Mapping[str, Value]

KIB, MIB = 1 << 10, 1 << 20

PRESETS: dict[str, Point] = {
    "tpu-v1": {
        "arrays": 1,
        "rows": 256,
        "columns": 256,
        "buffer_bytes": 24 * MIB,
        "accumulator_bytes": 4 * MIB,
        "dram_bandwidth_gb_per_s": 34,
        "stationary": "weights",
        "taps": "separate",
        "groups": "diagonal",
        "weights": "streamed",
        "clock_mhz": 700,
        "technology": "28nm",
        "dram": "DDR4",
    },
    "tpu-v2": {
        "arrays": 2,
        "rows": 128,
        "columns": 128,
        "buffer_bytes": 32 * MIB,
        "accumulator_bytes": 0,
        "dram_bandwidth_gb_per_s": 700,
        "stationary": "weights",
        "taps": "separate",
        "groups": "diagonal",
        "clock_mhz": 700,
        "technology": "16nm",
        "weight_format": "bf16",
        "vector_lanes": 4096,
    },
    "tpu-v3": {
        "arrays": 4,
        "rows": 128,
        "columns": 128,
        "buffer_bytes": 32 * MIB,
        "accumulator_bytes": 0,
        "dram_bandwidth_gb_per_s": 900,
        "stationary": "weights",
        "taps": "separate",
        "groups": "diagonal",
        "clock_mhz": 940,
        "technology": "16nm",
        "weight_format": "bf16",
        "vector_lanes": 4096,
    },
    "gemmini": {
        "arrays": 1,
        "rows": 16,
        "columns": 16,
        "buffer_bytes": 256 * KIB,
        "accumulator_bytes": 64 * KIB,
        "dram_bandwidth_gb_per_s": 16,
        "stationary": "weights",
        "taps": "rows",
        "clock_mhz": 1000,
        "technology": "16nm",
        "dram": "DDR4",
    },
}
"""Published chips.

tpu-v1: Jouppi et al., "In-datacenter performance analysis of a tensor processing unit", ISCA 2017: 256 x 256
8-bit units at 700 MHz in 28 nm (92 TOPS), 24 MiB unified buffer, 4 MiB accumulators, weights from DDR3 at 34
GB/s through a FIFO of four tiles. DDR3 is priced as DDR4, which share a row in the source of its energy.

tpu-v2, tpu-v3: Jouppi et al., "A domain-specific supercomputer for training deep neural networks", CACM 63(7),
2020, and Norrie et al., IEEE Micro 41(2), 2021: two cores a chip, with one and two 128 x 128 arrays (bf16, sums
in fp32), 16 MiB vector memory and 128 x 8 vector lanes with two operations each a core, HBM at 700 and 900
GB/s, 700 and 940 MHz (46 and 123 TFLOPS). Clocks and vector units are recalled; at those clocks the arrays have
the published peaks. No source says how compilers lay depthwise layers; we take it that they fill the diagonal.

gemmini: Genc et al., "Gemmini: enabling systematic deep-learning architecture evaluation via full-stack
integration", DAC 2021: 16 x 16 int8 units, 256 KiB scratchpad, 64 KiB accumulators, a 128-bit bus at 1 GHz.
"""


def build_systolic(point: Point) -> Accelerator:
    """The systolic accelerator of a point.

    Keys are `REQUIRED` (sizes in the unit of their name, `accumulator_bytes` of each array and possibly 0,
    `stationary` one of "weights", "inputs", "outputs") and `OPTIONAL`, with `DEFAULTS`: the choices of the
    interpretations above, clock, technology, DRAM (whose energy and latency it takes, but not the bandwidth),
    number formats (activations as weights, accumulators "int32" or "fp32"). A design that cannot be
    manufactured is returned with its `violations`.

    Raises:
        ValueError: a key is missing or unknown, a size is not positive and finite, a count (of bytes, too) is
            not whole, a choice is none of its list, the technology, DRAM or a format is unknown, or the formats
            do not suit.
    """
    given = _checked(point)
    size = {name: float(given[name]) for name in given if name in (*SIZES, *COUNTS)}
    node, dram = technology.get(str(given["technology"])), technology.dram(str(given["dram"]))
    clock_hz = float(given["clock_mhz"]) * 1e6
    word = _word_format(given)
    size.setdefault("vector_lanes", size["arrays"] * size["columns"])
    port_bytes = _port_bytes(given, size, word, clock_hz)
    area = _areas(given, size, node, dram, word)
    total = sum(mm2 for _, mm2 in area)
    return Accelerator(
        template="systolic",
        dataflow="systolic",
        levels=_levels(given, size, node, dram, word, (clock_hz, port_bytes, total)),
        clock_hz=clock_hz,
        technology=node.name,
        dram=dram.name,
        word_format=word,
        mac_energy_j=node.mac_energy_j(word),
        vector_op_energy_j=node.vector_op_energy_j(word.activations),
        area_mm2=area,
        leakage_w=node.leakage_w_per_mm2 * total,
        violations=die.RETICLE.violations(total),
        parameters=(
            ("stationary", float(STATIONARY.index(_stationary(given)))),
            ("overlapped_fill", float(given["fill"] == "overlapped")),
            ("taps", float(CHOICES["taps"].index(str(given["taps"])))),
            ("packed_groups", float(given["groups"] == "diagonal")),
            ("streamed_weights", float(given["weights"] == "streamed")),
            ("vector_lanes", size["vector_lanes"]),
            ("dram_latency_s", dram.latency_s),
        ),
    )


def _checked(point: Point) -> dict[str, Value]:
    """The point with defaults filled in.

    Raises:
        ValueError: as `build_systolic`.
    """
    missing, unknown = set(REQUIRED) - set(point), set(point) - {*REQUIRED, *OPTIONAL}
    if missing or unknown:
        evidence = f"lacks {sorted(missing)} and has unknown {sorted(unknown)}"
        raise ValueError(f"a systolic point must have {REQUIRED}, but {evidence}")
    given: dict[str, Value] = {**DEFAULTS, **point}
    for name, choices in CHOICES.items():
        if given[name] not in choices:
            raise ValueError(f"{name!r} must be one of {', '.join(choices)}, but got {given[name]!r}")
    numbers = (*SIZES, "clock_mhz", "vector_lanes", "buffer_gb_per_s")
    positive = {name: float(given[name]) for name in numbers if name in given}
    if (
        not all(0 < value < inf for value in positive.values())
        or not 0 <= float(given["accumulator_bytes"]) < inf
    ):
        shown = {**positive, "accumulator_bytes": given["accumulator_bytes"]}
        raise ValueError(f"sizes of a systolic point must be positive and finite, but got {shown}")
    split = {name: given[name] for name in COUNTS if name in given and not float(given[name]).is_integer()}
    if split:
        raise ValueError(f"counts of a systolic point must be whole numbers, but got {split}")
    return given


def _word_format(given: Point) -> WordFormat:
    weights = str(given["weight_format"])
    accumulators = given.get("accumulator_format")
    return WordFormat.of(
        weights,
        str(given.get("activation_format", weights)),
        None if accumulators is None else str(accumulators),
    )


def _stationary(given: Point) -> Operand:
    return next(operand for operand in STATIONARY if operand == given["stationary"])


def _port_bytes(given: Point, size: dict[str, float], word: WordFormat, clock_hz: float) -> float:
    """Bytes that the buffer moves in a cycle."""
    if "buffer_gb_per_s" in given:
        return float(given["buffer_gb_per_s"]) * 1e9 / clock_hz
    operand_bytes = max(word.weight_bits, word.activation_bits) / 8
    sums_bytes = 0.0 if size["accumulator_bytes"] else 2 * word.accumulator_bits / 8
    fed = (size["rows"] + size["columns"]) * operand_bytes
    left = size["columns"] * (word.activation_bits / 8 + sums_bytes)
    return size["arrays"] * (fed + left) + size["dram_bandwidth_gb_per_s"] * 1e9 / clock_hz


def _levels(
    given: Point,
    size: dict[str, float],
    node: Technology,
    dram: Dram,
    word: WordFormat,
    rates: tuple[float, float, float],
) -> tuple[BufferLevel, ...]:
    """The chain of levels; `rates` are clock in Hz, bytes of the buffer's port, die area in mm2."""
    clock_hz, port_bytes, die_mm2 = rates
    dram_j = dram.energy_j_per_byte + die.CROSSING * sqrt(die_mm2) * node.wire_energy_j_per_byte_mm
    columns, beside = int(size["columns"]), size["accumulator_bytes"] > 0
    buffered: tuple[Operand, ...] = ("weights", "inputs") if given["weights"] == "buffered" else ("inputs",)
    buffer_read_j, buffer_write_j = _sram_energies(
        node, int(size["buffer_bytes"]), size["rows"] * word.activation_bits / 8
    )
    sums_bytes = columns * word.accumulator_bits / 8
    sum_read_j, sum_write_j = _sram_energies(node, int(size["accumulator_bytes"]), sums_bytes)
    return (
        BufferLevel(
            name="dram",
            keeps=("weights", "inputs", "outputs"),
            bandwidth_bytes_per_cycle=size["dram_bandwidth_gb_per_s"] * 1e9 / clock_hz,
            read_energy_j_per_byte=dram_j,
            write_energy_j_per_byte=dram_j,
        ),
        BufferLevel(
            name="buffer",
            keeps=buffered if beside else (*buffered, "outputs"),
            capacity_bytes=int(size["buffer_bytes"]),
            bandwidth_bytes_per_cycle=port_bytes,
            axes=(SpatialAxis("arrays", int(size["arrays"]), ("g", "n", "p", "q", "k")),),
            read_energy_j_per_byte=buffer_read_j,
            write_energy_j_per_byte=buffer_write_j,
        ),
        BufferLevel(
            name="accumulators",
            keeps=("outputs",) if beside else (),
            capacity_bytes=int(size["accumulator_bytes"]),
            bandwidth_bytes_per_cycle=3 * sums_bytes,
            axes=(
                SpatialAxis("rows", int(size["rows"]), DIMS),
                SpatialAxis("columns", columns, DIMS),
            ),
            read_energy_j_per_byte=sum_read_j,
            write_energy_j_per_byte=sum_write_j,
        ),
        BufferLevel(
            name="registers",
            keeps=(_stationary(given),),
            capacity_bytes=_register_bytes(given, word),
            read_energy_j_per_byte=node.register_energy_j_per_byte,
            write_energy_j_per_byte=node.register_energy_j_per_byte,
        ),
    )


def _register_bytes(given: Point, word: WordFormat) -> int:
    """A unit's registers: one of each operand, and another of the one that stays if fills overlap."""
    bits = {"weights": word.weight_bits, "inputs": word.activation_bits, "outputs": word.accumulator_bits}
    again = bits[_stationary(given)] if given["fill"] == "overlapped" else 0
    return ceil((sum(bits.values()) + again) / 8)


def _areas(
    given: Point, size: dict[str, float], node: Technology, dram: Dram, word: WordFormat
) -> tuple[tuple[str, float], ...]:
    units = size["arrays"] * size["rows"] * size["columns"]
    second = _register_bytes(given, word) - _register_bytes({**given, "fill": "exposed"}, word)
    stacks = ceil(size["dram_bandwidth_gb_per_s"] * 1e9 / dram.peak_bandwidth_bytes_per_s)
    fold_bytes = size["rows"] * size["columns"] * word.weight_bits / 8
    fifo_bytes = FIFO_TILES * fold_bytes if given["weights"] == "streamed" else 0.0
    lane = WordFormat(word.activations, word.activations, word.accumulators)
    return (
        ("buffer", _sram_area(node, size["buffer_bytes"])),
        ("accumulators", size["arrays"] * _sram_area(node, size["accumulator_bytes"])),
        ("weight_fifo", size["arrays"] * _sram_area(node, fifo_bytes)),
        ("multiply_accumulate", units * node.mac_area_mm2(word)),
        ("second_registers", units * second * node.register_area_mm2_per_byte),
        ("vector_unit", size["vector_lanes"] * node.mac_area_mm2(lane)),
        ("phy", stacks * (dram.phy_area_mm2 or 0.0)),
    )


@lru_cache(maxsize=4096)
def _sram_area(node: Technology, capacity_bytes: float) -> float:
    return float(node.sram_area_mm2(capacity_bytes))


@lru_cache(maxsize=4096)
def _sram_energies(node: Technology, capacity_bytes: int, width_bytes: float) -> tuple[float, float]:
    read_j = node.sram_read_energy_j_per_byte(float(capacity_bytes), width_bytes)
    return float(read_j), float(node.sram_write_energy_j_per_byte(float(capacity_bytes), width_bytes))
