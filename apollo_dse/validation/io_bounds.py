"""Matrix products against what no mapping can beat, and against what exhaustive search has found.

The I/O lower bound with S words on chip is `max(MK + KN + MN, 2 MNK / sqrt(S) - 2 S)`: Smith, Lowery, Langou
and van de Geijn, "A tight I/O lower bound for matrix multiplication", arXiv 1702.02017. The largest buffer of
any use and the largest intensity: Huang et al., "Mind the gap: Attainable data movement and operational
intensity bounds for tensor algorithms" (Orojenesis), ISCA 2024.
"""

import operator
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, product
from math import inf, prod
from pathlib import Path

import numpy as np

from accel_models.analysis.bounds import compulsory_words, gemm_io_words
from accel_models.analysis.tiles import tile_words
from accel_models.analysis.traffic import counts
from accel_models.arch import Accelerator, BufferLevel
from accel_models.cost import CostModel
from accel_models.mapping import Loop, Mapping
from accel_models.mapspace.choices import TILED_DIMS, loop_orders, offchip_words
from accel_models.templates.edge import build_edge
from accel_models.workload import OPERANDS, RELEVANT_DIMS, Dim, Layer, Workload
from apollo_dse.validation.comparison import Case, Comparison, Target

REFERENCE = "I/O lower bounds and exhaustive search, matrix products"
FILE = None

SMITH = "Smith et al., arXiv 1702.02017"
OROJENESIS = "Huang et al., Orojenesis, ISCA 2024"

Shape = tuple[int, int, int]
"""M, K, N of an (M x K) by (K x N) product."""

SEARCHED: dict[Shape, tuple[tuple[int, int], ...]] = {
    (64, 64, 64): (
        (3, 528384), (5, 397312), (8, 266240), (14, 200704), (24, 135168), (44, 102400), (80, 69632),
        (152, 53248), (288, 36864), (560, 28672), (1088, 20480), (2144, 16384), (4224, 12288),
    ),
    (64, 48, 32): (
        (3, 198656), (5, 149504), (8, 100352), (14, 75776), (24, 51200), (44, 38912), (80, 26624),
        (152, 20480), (224, 19968), (288, 14336), (424, 13824), (560, 11264), (824, 10752), (832, 9728),
        (1088, 8192), (1616, 6656),
    ),
    (256, 256, 256): (
        (3, 33619968), (5, 25231360), (8, 16842752), (8384, 458752), (16640, 327680), (33152, 262144),
        (66048, 196608),
    ),
}  # fmt: skip
"""(buffer words, DRAM words) on the Pareto front of all divisor tilings and loop orders, all of them tried."""

MAPPED: tuple[Shape, ...] = ((512, 1024, 768), (2048, 2048, 2048), (4096, 1024, 4096), (128, 8192, 128))
WORD_BYTES = 4
FORMATS = {"weight_format": "fp32", "activation_format": "fp32", "accumulator_format": "fp32"}
POINTS: tuple[dict[str, float | int | str], ...] = tuple(
    {
        "pe_x": pes,
        "pe_y": pes,
        "cores": 1,
        "lanes": 16,
        "pe_memory_bytes": pe_kib * 1024,
        "core_memory_bytes": core_kib * 1024,
        "activation_memory_entries": 16384,
        "instruction_memory_entries": 65536,
        "parameter_memory_entries": 32768,
        "io_bandwidth_gb_per_s": 30.0,
        **FORMATS,
    }
    for pes, pe_kib, core_kib in ((1, 256, 32), (2, 256, 16), (2, 1024, 128))
)
"""Small designs of the edge space, all words of four bytes: the bound bites where buffers are small."""


def compare(data: Path | None) -> list[Comparison]:
    """Five comparisons; no file is read."""
    return [_search(), _tilings_above(), _mapper_above(), _effectual_buffer(), _intensity()]


def gemm(shape: Shape) -> Layer:
    """The product as a layer."""
    m, k, n = shape
    return Layer(name=f"{m} x {k} x {n}", kind="linear", p=m, c=k, k=n)


@lru_cache
def front(shape: Shape) -> tuple[tuple[int, int], ...]:
    """(buffer words, DRAM words) that no divisor tiling in any loop order beats in both, buffers rising.

    The buffer holds one tile of each operand; partial sums that leave come back.
    """
    layer = gemm(shape)
    bounds = [layer.bound(dim) for dim in TILED_DIMS]
    tiles: list[tuple[int, ...]] = []
    orders: list[tuple[int, ...]] = []
    for tile in product(*map(_divisors, bounds)):
        found = loop_orders(tuple(size < bound for size, bound in zip(tile, bounds, strict=True)))
        tiles.extend([tile] * len(found))
        orders.extend(found)
    moved = offchip_words(layer, np.array(tiles, dtype=np.float64), np.array(orders, dtype=np.int64))
    _, _, k, c, p, _ = moved.tile.T
    held = k * c + c * p + p * k
    words = moved.input_words + moved.resident_weight_words + layer.words("outputs") + 2 * moved.partial_words
    order = np.lexsort((words, held))
    least = np.minimum.accumulate(words[order])
    first = np.flatnonzero(np.diff(least, prepend=inf))
    return tuple((int(held[i]), int(words[i])) for i in order[first])


def least_words(shape: Shape, buffer_words: int) -> int:
    """DRAM words of the best divisor tiling whose tiles fit a buffer of at least three words."""
    return min(words for held, words in front(shape) if held <= buffer_words)


def _divisors(bound: int) -> list[int]:
    return [size for size in range(1, bound + 1) if bound % size == 0]


def _label(shape: Shape, buffer_words: int) -> str:
    return f"{' x '.join(map(str, shape))}, {buffer_words} words"


def _search() -> Comparison:
    cases = tuple(
        Case(_label(shape, buffer), words, least_words(shape, buffer))
        for shape, points in SEARCHED.items()
        for buffer, words in points
    )
    return Comparison(
        reference=REFERENCE,
        metric="least DRAM words of divisor tilings",
        unit="words",
        cases=cases,
        source="exhaustive search over divisor tilings and six loop orders, written independently",
        targets=(Target("equal", at_least=1.0),),
    )


def _tilings_above() -> Comparison:
    cases = tuple(
        Case(_label(shape, held), gemm_io_words(shape[0], shape[2], shape[1], held), words)
        for shape in SEARCHED
        for held, words in front(shape)
    )
    return Comparison(
        reference=REFERENCE,
        metric="DRAM words of the best tilings over the lower bound",
        unit="words",
        cases=cases,
        source=SMITH,
        targets=(Target("above", at_least=1.0),),
        notes="between 1 and 1.8 times the bound: three whole tiles are held where a row and a word would do",
    )


def on_chip_words(accelerator: Accelerator) -> float:
    """All words that a design can hold: its buffers, and the memories that stage transfers."""
    instances = accumulate((level.fanout for level in accelerator.levels), operator.mul)
    below = zip(accelerator.levels[1:], instances, strict=False)
    held_bytes: float = sum(count * (level.capacity_bytes or 0) for level, count in below)
    staged = dict(accelerator.parameters)
    return (held_bytes + staged["weight_tile_bytes"] + staged["input_row_bytes"]) / WORD_BYTES


def mapped(shapes: Sequence[Shape]) -> Iterator[Case]:
    """DRAM words of the mappings that the cost model picks on the designs of `POINTS`, against the bound."""
    designs = [build_edge(point) for point in POINTS]
    for shape in shapes:
        m, k, n = shape
        workload = Workload(name="product", layers=(gemm(shape),))
        for goal in ("latency", "energy"):
            costs = CostModel(minimize=goal, keep_activations=False).evaluate(designs, workload)
            words = costs.itemized.bytes[:, 0, 0] / WORD_BYTES
            for design, moved, feasible in zip(designs, words.tolist(), costs.feasible.tolist(), strict=True):
                if feasible:
                    bound = gemm_io_words(m, n, k, int(on_chip_words(design)))
                    yield Case(f"{_label(shape, int(on_chip_words(design)))}, least {goal}", bound, moved)


def _mapper_above() -> Comparison:
    return Comparison(
        reference=REFERENCE,
        metric="DRAM words of the mapper's choice over the lower bound, edge designs",
        unit="words",
        cases=tuple(mapped(MAPPED)),
        source=SMITH,
        targets=(Target("above", at_least=1.0),),
        notes="all memories of the design count as one fast memory, so the bound is loose for it",
    )


def effectual(shape: Shape) -> tuple[int, int]:
    """(words held, DRAM words) of the nest that keeps the smallest operand whole.

    The largest rank runs outside; of the two other operands one is held as a row along the smallest rank, the
    other as a single word, in a memory of its own inside the buffer.
    """
    layer = gemm(shape)
    ranks: list[Dim] = sorted(("p", "c", "k"), key=layer.bound)
    row, other, outer = ranks
    mapping = Mapping(
        (Loop(outer, 1, 0), Loop(other, 1, 1), Loop(row, 1, 2)),
        tuple((operand, (0, 1) if row in RELEVANT_DIMS[operand] else (0, 2)) for operand in OPERANDS),
    )
    levels = tuple(BufferLevel(name=name, keeps=OPERANDS) for name in ("dram", "buffer", "word"))
    held = sum(tile_words(layer, mapping, mapping.kept_levels(operand)[1], operand) for operand in OPERANDS)
    dram = counts(layer, mapping, levels).traffic[0]
    moved = sum(dram[operand].reads for operand in OPERANDS) + dram["outputs"].updates
    return held, moved


def _effectual_buffer() -> Comparison:
    cases = []
    for shape in (*SEARCHED, *((m, k, n) for m, k, n in ((16, 200, 96), (200, 96, 16), (96, 16, 200)))):
        ranks = sorted(shape)
        held, moved = effectual(shape)
        reached = moved == sum(compulsory_words(gemm(shape)).values())
        formula = ranks[0] * ranks[1] + ranks[0] + 1
        cases.append(Case(" x ".join(map(str, shape)), formula, held if reached else inf))
    return Comparison(
        reference=REFERENCE,
        metric="least buffer that reaches compulsory traffic",
        unit="words",
        cases=tuple(cases),
        source=OROJENESIS + ": smallest operand + smallest rank + 1",
        targets=(Target("equal", at_least=1.0),),
        notes="exact counts of an uneven nest: one operand whole, a row of the next, a word of the last",
    )


def _intensity() -> Comparison:
    shapes: Sequence[Shape] = (*SEARCHED, *MAPPED)
    cases = tuple(
        Case(
            " x ".join(map(str, shape)),
            prod(shape) / (shape[0] * shape[1] + shape[1] * shape[2] + shape[0] * shape[2]),
            gemm(shape).macs / sum(compulsory_words(gemm(shape)).values()),
        )
        for shape in shapes
    )
    return Comparison(
        reference=REFERENCE,
        metric="peak operational intensity",
        unit="multiply-accumulates a word",
        cases=cases,
        source=OROJENESIS + ": MKN / (MK + KN + MN)",
        targets=(Target("equal", at_least=1.0),),
    )
