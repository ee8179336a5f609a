"""The NVDLA template: a convolution core around one buffer, after NVIDIA's open accelerator.

    DRAM -> convolution buffer (inputs and weights, in banks)
         -> accumulators of two stripes of atomic-K output channels
         -> atomic_k multiply-accumulate cells, each with atomic_c multipliers and their weights
    and back to DRAM through the post-processor

How layers run is in `accel_models.dataflows.nvdla`. Sources: nvdla.org, "Hardware Architectural Specification"
and "Unit Description"; the hardware itself, github.com/nvdla/hw. There the convolution buffer is CBUF, the bus
to memory DBB (data backbone), the post-processor SDP (single-point data processor); atomic-C and atomic-K are
the channels and kernels of one operation.

Interpretations.

1. Sums have 34 bits in the hardware's accumulators; we count 32.
2. Memory holds features as surfaces of atomic-K channels, as in nv_small, nv_small_256 and nv_large.
   (nv_medium_512 and nv_medium_1024 have surfaces of 32 channels at an atomic-K of 16.)
3. A read of the bus moves one word of it and occupies it for `BUS_CYCLES`: the read path splits requests into
   transactions of one word, and in the published runs one takes two cycles (fitted).
4. A hardware layer takes `OVERHEAD_CYCLES` and one DRAM latency beside its work, for launch, pipelines,
   write-back and interrupt (fitted). `CREDIT_CYCLES` is the loop from the last stripe operation of a channel
   operation through the cells, accumulators and post-processor to the sequencer, less the time to drain
   (fitted).
5. Accumulators: 2 x atomic-K pixels of sums being added to, as many being delivered (`NV_NVDLA_CACC.h`).
6. The post-processor has two stages (bias and batch norm) of a 16-bit multiplier and a 32-bit adder a word.
   Pooling and normalization units, DMA engines, queues and control have no area here.
7. A bank has at least 128 entries of atomic-C words, and the post-processor takes at most atomic-K words a
   cycle, as in all of the project's configurations (`spec/defs/projects.spec`); other designs cannot be built.
   Nor can a die larger than the reticle (26 mm x 33 mm).
8. Not modelled: a second memory interface, compressed weights, Winograd convolution, batching, and the mode for
   images, which takes several taps of a row in one operation where pixels have up to four channels.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import inf

from accel_models import technology
from accel_models.arch import Accelerator, BufferLevel, SpatialAxis
from accel_models.formats import WordFormat
from accel_models.technology import Technology
from accel_models.templates import die

BUS_CYCLES = 2.0
OVERHEAD_CYCLES = 97.0
CREDIT_CYCLES = 38.0
LEAST_BANK_ENTRIES = 128
POST_PROCESSOR_STAGES = 2
POST_PROCESSOR_WORD = WordFormat.integer(16, 16, 32)
DRAM = "LPDDR4"
CLOCK_MHZ = 1000.0
NODE = "16nm"
FORMAT = "int8"

COUNTS = ("atomic_c", "atomic_k", "buffer_bytes", "buffer_banks", "bus_bits", "post_processor_words")
REQUIRED = (*COUNTS, "io_bandwidth_gb_per_s")
OPTIONAL = (
    "clock_mhz",
    "dram_latency_ns",
    "technology",
    "dram",
    "weight_format",
    "activation_format",
    "accumulator_format",
)

Value = float | int | str
Point = Mapping[str, Value]


def _preset(*values: Value) -> dict[str, Value]:
    return dict(zip(REQUIRED, values, strict=True))


PRESETS: dict[str, Point] = {
    "nv-small": _preset(8, 8, 128 << 10, 32, 64, 1, 8.0),
    "nv-full": _preset(64, 32, 512 << 10, 16, 256, 16, 20.0),
}
"""`spec/defs/nv_small.spec` and `nv_large.spec` of github.com/nvdla/hw: 64 multipliers and 2048. Clock (1 GHz)
and DRAM bandwidth are ours: the specifications leave them to the system."""


def build_nvdla(point: Point) -> Accelerator:
    """The accelerator of a point.

    Keys are `REQUIRED` (`post_processor_words` a cycle) and `OPTIONAL`: `clock_mhz`, default 1000;
    `technology`, default "16nm"; `dram`, default "LPDDR4", whose energy and latency it takes, but not the
    bandwidth; `dram_latency_ns`, default that of the DRAM; number formats, default "int8", accumulators "int32"
    or "fp32". A design that cannot be built is returned with its `violations`.

    Raises:
        ValueError: a key is missing or unknown, a size or the clock is not positive and finite, a count is not
            whole, the technology, DRAM or a format is unknown, or the formats do not suit.
    """
    size = _sizes(point)
    node = technology.get(str(point.get("technology", NODE)))
    dram = technology.dram(str(point.get("dram", DRAM)))
    clock_hz = _positive(point, "clock_mhz", CLOCK_MHZ) * 1e6
    word = _word_format(point)
    area = _areas(size, node, word)
    total = sum(mm2 for _, mm2 in area)
    return Accelerator(
        template="nvdla",
        dataflow="nvdla",
        levels=_levels(size, node, word, clock_hz, dram.energy_j_per_byte),
        clock_hz=clock_hz,
        technology=node.name,
        dram=dram.name,
        word_format=word,
        mac_energy_j=node.mac_energy_j(word),
        vector_op_energy_j=node.vector_op_energy_j(word.activations),
        area_mm2=area,
        leakage_w=node.leakage_w_per_mm2 * total,
        violations=_violations(size, total),
        parameters=(
            ("buffer_banks", size["buffer_banks"]),
            ("bus_bytes", size["bus_bits"] / 8),
            ("bus_cycles", BUS_CYCLES),
            ("post_processor_words", size["post_processor_words"]),
            ("overhead_cycles", OVERHEAD_CYCLES),
            ("credit_cycles", CREDIT_CYCLES),
            ("dram_latency_s", _positive(point, "dram_latency_ns", dram.latency_s * 1e9) * 1e-9),
        ),
    )


def _sizes(point: Point) -> dict[str, float]:
    missing, unknown = set(REQUIRED) - set(point), set(point) - {*REQUIRED, *OPTIONAL}
    if missing or unknown:
        raise ValueError(f"an NVDLA point must have {REQUIRED}, but lacks {missing} and has unknown {unknown}")
    size = {name: _positive(point, name, 0.0) for name in REQUIRED}
    split = {name: size[name] for name in COUNTS if not size[name].is_integer()}
    if split:
        raise ValueError(f"counts of an NVDLA point must be whole numbers, but got {split}")
    return size


def _positive(point: Point, name: str, default: float) -> float:
    value = float(point.get(name, default))
    if not 0 < value < inf:
        raise ValueError(f"`{name}` of an NVDLA point must be positive and finite, but got {point[name]!r}")
    return value


def _word_format(point: Point) -> WordFormat:
    weights = str(point.get("weight_format", FORMAT))
    accumulators = point.get("accumulator_format")
    return WordFormat.of(
        weights,
        str(point.get("activation_format", weights)),
        None if accumulators is None else str(accumulators),
    )


def _violations(size: dict[str, float], die_mm2: float) -> tuple[str, ...]:
    found = []
    entries = size["buffer_bytes"] / size["buffer_banks"] / size["atomic_c"]
    if entries < LEAST_BANK_ENTRIES:
        found.append(
            f"a bank must have at least {LEAST_BANK_ENTRIES} entries of atomic-C words, but has {entries:g}"
        )
    if size["post_processor_words"] > size["atomic_k"]:
        words, most = size["post_processor_words"], size["atomic_k"]
        found.append(f"the post-processor must take at most atomic-K = {most:g} words, but takes {words:g}")
    return (*found, *die.RETICLE.violations(die_mm2))


def _levels(
    size: dict[str, float], node: Technology, word: WordFormat, clock_hz: float, dram_j: float
) -> tuple[BufferLevel, ...]:
    atomic_c, atomic_k = int(size["atomic_c"]), int(size["atomic_k"])
    entry_bytes = atomic_c * word.activation_bits / 8
    buffer_bytes, banks = int(size["buffer_bytes"]), int(size["buffer_banks"])
    buffer_j = _sram_energies(node, buffer_bytes, entry_bytes, banks)
    row_bytes = atomic_k * word.accumulator_bits / 8
    accumulator_j = _sram_energies(node, 2 * atomic_k * row_bytes, row_bytes, 1)
    registers_j = node.register_energy_j_per_byte
    return (
        BufferLevel(
            name="dram",
            keeps=("weights", "inputs", "outputs"),
            bandwidth_bytes_per_cycle=size["io_bandwidth_gb_per_s"] * 1e9 / clock_hz,
            read_energy_j_per_byte=dram_j,
            write_energy_j_per_byte=dram_j,
        ),
        BufferLevel(
            name="convolution_buffer",
            keeps=("weights", "inputs"),
            capacity_bytes=buffer_bytes,
            bandwidth_bytes_per_cycle=entry_bytes + atomic_c * word.weight_bits / 8,
            read_energy_j_per_byte=buffer_j[0],
            write_energy_j_per_byte=buffer_j[1],
        ),
        BufferLevel(
            name="accumulators",
            keeps=("outputs",),
            capacity_bytes=int(4 * atomic_k * row_bytes),
            bandwidth_bytes_per_cycle=2 * row_bytes,
            axes=(SpatialAxis("atomic_k", atomic_k, ("k", "g")),),
            read_energy_j_per_byte=accumulator_j[0],
            write_energy_j_per_byte=accumulator_j[1],
        ),
        BufferLevel(
            name="mac_cells",
            keeps=("weights",),
            capacity_bytes=int(2 * atomic_c * word.weight_bits / 8),
            axes=(SpatialAxis("atomic_c", atomic_c, ("c",)),),
            read_energy_j_per_byte=registers_j,
            write_energy_j_per_byte=registers_j,
        ),
    )


def _areas(size: dict[str, float], node: Technology, word: WordFormat) -> tuple[tuple[str, float], ...]:
    atomic_k = size["atomic_k"]
    multipliers = size["atomic_c"] * atomic_k
    stripe_bytes = 2 * atomic_k * atomic_k * word.accumulator_bits / 8
    next_weights_bytes = multipliers * word.weight_bits / 8
    stages = POST_PROCESSOR_STAGES * size["post_processor_words"]
    return (
        ("convolution_buffer", _sram_area(node, size["buffer_bytes"], int(size["buffer_banks"]))),
        ("accumulators", 2 * _sram_area(node, stripe_bytes, 1)),
        ("multiply_accumulate", multipliers * node.mac_area_mm2(word)),
        ("next_weights", next_weights_bytes * node.register_area_mm2_per_byte),
        ("post_processor", stages * node.mac_area_mm2(POST_PROCESSOR_WORD)),
    )


@lru_cache(maxsize=4096)
def _sram_area(node: Technology, capacity_bytes: float, banks: int) -> float:
    return float(node.sram_area_mm2(capacity_bytes, banks))


@lru_cache(maxsize=4096)
def _sram_energies(
    node: Technology, capacity_bytes: float, width_bytes: float, banks: int
) -> tuple[float, float]:
    read_j = node.sram_read_energy_j_per_byte(float(capacity_bytes), width_bytes, banks)
    write_j = node.sram_write_energy_j_per_byte(float(capacity_bytes), width_bytes, banks)
    return float(read_j), float(write_j)
