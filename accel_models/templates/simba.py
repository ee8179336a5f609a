"""Simba: a package of chiplets, each with processing elements of vector multiply-accumulate units.

    DRAM -> chiplet_x x chiplet_y chiplets, each with a global buffer (inputs, outputs)
         -> pe_x x pe_y PEs per chiplet, each with an input buffer and a weight buffer
         -> lanes per PE, each with a part of the accumulation buffer and registers for weights
         -> vector multiply-accumulate units per lane, whose products are added up

Shao et al., "Simba: Scaling Deep-Learning Inference with Multi-Chip-Module-Based Architecture", MICRO 2019;
Zimmer et al., VLSI 2019 and JSSC 2020: 36 chiplets in TSMC 16 nm, 4.01 TOPS for one chiplet alone and 127.8
TOPS for the package. The sizes are those of the MICRO paper's table as recalled (16 PEs a chiplet, 8 lanes of 8
a PE, 32 KiB of weights, 8 KiB of inputs and 3 KiB of sums a PE, 64 KiB a chiplet; 8-bit words, 24-bit sums);
the published peaks agree with them.

Interpretations.

1. Clocks are those that the published peaks imply: 1.958 GHz for one chiplet, 1.733 GHz for the package.
2. The prototype has no DRAM; ours stands behind the package, at the middle of one edge, and moves 100 GB/s in
   the presets. A byte to or from it takes as many hops as chiplets are away on average; a hop costs the middle
   of the links' published range, 0.82 to 1.75 pJ/bit, and 20 ns. How fast words reach a single chiplet is not
   limited.
3. Within a chiplet a byte crosses 0.75 of the PE array's edge as plain wire; routers cost nothing more. The
   global buffer moves what its three routers do, 68 GB/s each.
4. Every buffer of a PE has one read and one write port as wide as its units ask for in a cycle: a vector of
   inputs, a vector of weights for each lane, one sum for each lane.
5. Both networks multicast, and add partial sums of different PEs and chiplets on the way.
6. Any axis of chiplets and PEs may unroll batch, group, output and input channels, rows and columns; lanes
   unroll output channels, a vector input channels. A depthwise layer keeps one unit of every vector busy.
7. A lane holds two vectors of weights, one in use and one in transit, and uses each for as long as it stays.
8. Vector operations run one a lane and cycle.
9. Each chiplet must fit the reticle; the package may hold any number of them. The RISC-V core of a chiplet,
   routers, links and control have no area here.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import ceil, inf

from accel_models.arch import Accelerator
from accel_models.formats import WordFormat, number_format
from accel_models.templates import die
from accel_models.templates.hierarchy import AxisDescription, Hierarchy, LevelDescription
from accel_models.workload import Dim

NODE, DRAM = "16nm", "LPDDR4"
WEIGHTS, ACCUMULATORS = "int8", "int24"
PACKAGE_CLOCK_MHZ = 127.8e6 / (36 * 16 * 64 * 2)
CHIPLET_CLOCK_MHZ = 4.01e6 / (16 * 64 * 2)

HOP_PJ_PER_BYTE = 8 * (0.82 + 1.75) / 2
HOP_S = 20e-9
ROUTER_GB_PER_S, ROUTERS = 68.0, 3
CHIPLET = die.reticle("a chiplet")
GLOBAL_WIDTH_BYTES = 32

REQUIRED = (
    "chiplet_x",
    "chiplet_y",
    "pe_x",
    "pe_y",
    "lanes",
    "vector",
    "global_buffer_bytes",
    "input_buffer_bytes",
    "weight_buffer_bytes",
    "accumulation_buffer_bytes",
    "dram_bandwidth_gb_per_s",
)
OPTIONAL = ("clock_mhz", "technology", "dram", "weight_format", "activation_format", "accumulator_format")
SPREAD: tuple[Dim, ...] = ("k", "c", "p", "q", "g", "n")

Value = float | int | str
Point = Mapping[str, Value]


def _preset(side: int, clock_mhz: float) -> dict[str, Value]:
    sizes = (side, side, 4, 4, 8, 8, 64 << 10, 8 << 10, 32 << 10, 3 << 10, 100.0)
    return {**dict(zip(REQUIRED, sizes, strict=True)), "clock_mhz": clock_mhz}


PRESETS: dict[str, Point] = {
    "simba-chiplet": _preset(1, CHIPLET_CLOCK_MHZ),
    "simba-package": _preset(6, PACKAGE_CLOCK_MHZ),
}


def build_simba(point: Point) -> Accelerator:
    """The package of a point.

    Keys are `REQUIRED` (sizes in the unit of their name; buffers of one PE, the global one of one chiplet) and
    `OPTIONAL` (`clock_mhz`, default that of the published package; `technology`, default "16nm"; `dram`,
    default "LPDDR4", of which it takes energy and latency; number formats, default "int8", accumulators "int24"
    or "fp32").

    Raises:
        ValueError: a key is missing or unknown, a size or the clock is not positive and finite, a count (of
            bytes, too) is not whole, the technology, DRAM or a format is unknown, or the formats do not suit.
    """
    missing, unknown = set(REQUIRED) - set(point), set(point) - {*REQUIRED, *OPTIONAL}
    if missing or unknown:
        raise ValueError(f"a Simba point must have {REQUIRED}, but lacks {missing} and has unknown {unknown}")
    size = {name: point[name] for name in REQUIRED}
    wrong = {name: each for name, each in size.items() if isinstance(each, str) or not 0 < each < inf}
    if wrong:
        raise ValueError(f"sizes of a Simba point must be positive and finite, but got {wrong}")
    hops = _mean_hops(float(size["chiplet_x"]), float(size["chiplet_y"]))
    built = _described(point, hops).build(point)
    chiplet_mm2 = sum(mm2 for name, mm2 in built.area_mm2 if name != "phy") / built.levels[0].fanout
    latency_s = dict(built.parameters)["dram_latency_s"] + hops * HOP_S
    return replace(
        built,
        template="simba",
        violations=CHIPLET.violations(chiplet_mm2),
        parameters=(("dram_latency_s", latency_s),),
    )


def _mean_hops(columns: float, rows: float) -> float:
    """Links between a memory at the middle of one edge of a mesh and its nodes, on average.

    Along the edge that is |i - (columns - 1) / 2| on average over the columns i, across it 1 to `rows`.
    """
    across = (rows + 1) / 2
    along = (columns**2 - columns % 2) / (4 * columns)
    return across + along


def _word_format(point: Point) -> WordFormat:
    weights = str(point.get("weight_format", WEIGHTS))
    activations = str(point.get("activation_format", weights))
    floats = any(number_format(name).is_float for name in (weights, activations))
    return WordFormat.of(
        weights, activations, str(point.get("accumulator_format", "fp32" if floats else ACCUMULATORS))
    )


def _described(point: Point, hops: float) -> Hierarchy:
    word = _word_format(point)
    return Hierarchy(
        clock_mhz=point.get("clock_mhz", PACKAGE_CLOCK_MHZ),
        technology=str(point.get("technology", NODE)),
        dram=str(point.get("dram", DRAM)),
        weight_format=word.weights.name,
        activation_format=word.activations.name,
        accumulator_format=word.accumulators.name,
        levels=(
            LevelDescription(
                name="dram",
                bandwidth_gb_per_s="dram_bandwidth_gb_per_s",
                axes=(
                    AxisDescription("chiplet_x", "chiplet_x", SPREAD),
                    AxisDescription("chiplet_y", "chiplet_y", SPREAD),
                ),
                network_energy_pj_per_byte=hops * HOP_PJ_PER_BYTE,
            ),
            LevelDescription(
                name="global_buffer",
                keeps=("inputs", "outputs"),
                capacity_bytes="global_buffer_bytes",
                bandwidth_gb_per_s=ROUTERS * ROUTER_GB_PER_S,
                width_bytes=GLOBAL_WIDTH_BYTES,
                axes=(AxisDescription("pe_x", "pe_x", SPREAD), AxisDescription("pe_y", "pe_y", SPREAD)),
            ),
            *_element(point, word),
        ),
    )


def _element(point: Point, word: WordFormat) -> tuple[LevelDescription, ...]:
    """The levels of a processing element."""
    weight, activation, total = (
        bits / 8 for bits in (word.weight_bits, word.activation_bits, word.accumulator_bits)
    )
    lanes, vector = float(point["lanes"]), float(point["vector"])
    return (
        LevelDescription(
            name="input_buffer",
            keeps=("inputs",),
            capacity_bytes="input_buffer_bytes",
            bandwidth_bytes_per_cycle=2 * vector * activation,
            width_bytes=vector * activation,
        ),
        LevelDescription(
            name="weight_buffer",
            keeps=("weights",),
            capacity_bytes="weight_buffer_bytes",
            bandwidth_bytes_per_cycle=2 * lanes * vector * weight,
            width_bytes=lanes * vector * weight,
            axes=(AxisDescription("lanes", "lanes", ("k",)),),
        ),
        LevelDescription(
            name="accumulation_buffer",
            keeps=("outputs",),
            capacity_bytes=float(point["accumulation_buffer_bytes"]) // lanes,
            bandwidth_bytes_per_cycle=2 * total,
            width_bytes=total,
        ),
        LevelDescription(
            name="weight_registers",
            keeps=("weights",),
            memory="registers",
            capacity_bytes=ceil(2 * vector * weight),
            axes=(AxisDescription("vector", "vector", ("c",)),),
        ),
    )
