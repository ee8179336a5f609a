"""Gemmini's RTL: layers with DOSA's mappings in FireSim, and products of matrices in Verilator.

The first is a table of 222 rows (`gemmini_firesim.csv`): layers of U-Net, ResNet-50, BERT and RetinaNet with
mappings that DOSA chose for buffers of several sizes. A mapping becomes the loops that the CPU runs in main
memory as DOSA's own test program makes them (github.com/ucb-bar/gemmini-rocc-tests, `gemmini-data-collection`).
The second are six published numbers of other software, which chooses its tiles itself.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from accel_models.dataflows.gemmini import FIRESIM, Loops, product_loops, run
from accel_models.dataflows.gemmini.program import LAYERS_AGO
from accel_models.dataflows.gemmini.tiles import is_product
from accel_models.interop import dosa
from accel_models.workload import Layer
from apollo_dse.tables import read_csv
from apollo_dse.validation.comparison import Case, Comparison, Target

REFERENCE = "Gemmini's RTL (FireSim, Verilator)"
FILE: str | None = "gemmini_firesim.csv"

SOURCE = "Hong et al., MICRO 2023; github.com/ucb-bar/dosa, data/firesim_test_data, target.gemmini_cycle"
PEERS = "DOSA's analytical model: MAPE 26 %, Spearman 0.973"
NOTES = (
    "Execution follows from the RTL; where it alone binds, errors are 1 % on average. The fitted constants are "
    "those of the memory system. They come from 111 of the 222 rows (34 layers), where the error is 3.3 %. "
    "Fitted without a layer, they give 3.6 % on it (five folds), or 3.4 to 4.0 % fitted on half of the layers: "
    "run benchmarks/gemmini_constants.py. What misses most is short or bound by memory. There the table is at "
    "odds with itself: it has one mapping with 14170 and with 17807 cycles, another with 62393 and 81473, as "
    "what caches hold depends on what ran before. Nor are sets of caches modelled, which some strides crowd."
)
PRODUCT_NOTES = (
    "None of the constants is fitted on these numbers. The smallest product misses most: published cycles "
    "include the software that looks for tiles."
)

PRODUCTS = {
    (64, 64, 64): 3810,
    (128, 128, 128): 10530,
    (256, 256, 256): 69653,
    (16, 512, 512): 32506,
    (512, 512, 64): 74413,
    (512, 512, 512): 543240,
}
"""Cycles of products of M x K by K x N on a Gemmini with 256 KiB of scratchpad and 64 KiB of accumulator."""


def compare(data: Path | None) -> list[Comparison]:
    """Cycles of the table's layers, if the folder has it, and of the six products.

    Raises:
        ValueError: the table lacks a column, or has a number or a mapping that cannot be read.
    """
    comparisons = [_products()]
    if data is not None and (data / str(FILE)).is_file():
        comparisons.insert(0, _layers(data / str(FILE)))
    return comparisons


def measurements(table: Path) -> Iterator[tuple[str, Layer, Loops, float]]:
    """Rows of the table: a name, the layer that ran, its loops in main memory, and cycles of the RTL.

    Raises:
        ValueError: see `compare`.
    """
    for number, row in enumerate(read_csv(table)[1], start=2):
        try:
            problem = {
                column.removeprefix("prob."): int(value)
                for column, value in row.items()
                if column.startswith("prob.") and column != "prob.shape"
            }
            layer = dosa.layer(problem)
            text, published = row["mapping.mapping"], float(row["target.gemmini_cycle"])
            yield f"{layer.name} | {text}", layer, loops(layer, text, problem), published
        except KeyError as missing:
            raise ValueError(f"{table} must have a column {missing}, but line {number} has none") from None
        except ValueError as wrong:
            raise ValueError(f"{table}, line {number}: {wrong}") from None


def loops(layer: Layer, text: str, problem: Mapping[str, int]) -> Loops:
    """The loops in main memory of a mapping. Tiles of products are whole blocks of the array, rounded down."""
    width = FIRESIM.width
    outer = [(loop.dim, loop.tile) for loop in dosa.mapping(text, problem).loops if loop.level == 0]
    if is_product(layer):
        return [(dim, max(tile // width, 1) * width if dim in ("p", "k", "c") else tile) for dim, tile in outer]
    return outer


def _layers(table: Path) -> Comparison:
    cases = tuple(
        Case(name, published, run(layer, tiled, padding=dosa.padding(layer)).cycles)
        for name, layer, tiled, published in measurements(table)
    )
    return Comparison(
        reference=REFERENCE,
        metric="cycles of a layer with DOSA's mapping",
        unit="cycles",
        cases=cases,
        source=SOURCE,
        targets=(Target("mape", at_most=0.08), Target("spearman", at_least=0.99)),
        peers=PEERS,
        fitted=(
            f"delay of the array = {FIRESIM.delay_cycles} cycles, twice its width and one",
            f"start = {FIRESIM.start_cycles:g} cycles",
            f"latency of the L2 = {FIRESIM.l2_latency_cycles:g} cycles",
            f"latency of the last-level cache = {FIRESIM.llc_latency_cycles:g} cycles",
            f"a line from DRAM = {FIRESIM.dram_cycles_per_line:g} cycles",
            f"what a layer touches first was last touched {LAYERS_AGO:g} such layers ago (chosen on all rows)",
        ),
        notes=NOTES,
    )


def _products() -> Comparison:
    cases = []
    for (m, k, n), published in PRODUCTS.items():
        layer = Layer(name=f"{m} x {k} x {n}", kind="gemm", p=m, c=k, k=n)
        ours = run(layer, product_loops(layer, scratchpad_bytes=256 << 10, accumulator_bytes=64 << 10)).cycles
        cases.append(Case(layer.name, published, ours))
    return Comparison(
        reference=REFERENCE,
        metric="cycles of a product of matrices, M x K x N",
        unit="cycles",
        cases=tuple(cases),
        source="github.com/yonseicasl/NPUsim, validation/phase2/golden_rtl_cycles.csv",
        peers="NPUsim: MAPE 4.4 %, largest 7.9 %, with two constants fitted on these six numbers",
        notes=PRODUCT_NOTES,
    )
