"""HW-NAS-Bench's Eyeriss: latency of FBNets and of NAS-Bench-201's cells, by a simulator.

Li et al., "HW-NAS-Bench: Hardware-aware neural architecture search benchmark" (ICLR 2021) has latencies of an
Eyeriss of 12 x 14 PEs at 250 MHz from a simulator with a mapper of perfect factors, summed over layers. What is
compared is the price of every layer on the preset "eyeriss-hw-nas-bench" by the cost model.

The networks are priced as the benchmark lowers them: only convolutions and the classifier, and average pools as
if they were dense convolutions with the pool's window. (That is why its Eyeriss ranks cells by their pools.)
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from accel_models.cost import CostModel
from accel_models.templates.eyeriss import PRESETS, Value, build_eyeriss
from accel_models.workload import Layer, Workload
from apollo_dse.tables import read_csv
from apollo_dse.validation.comparison import Case, Comparison, Target
from search_spaces.networks import fbnet, nas_bench_201
from search_spaces.space import Point

REFERENCE = "HW-NAS-Bench, Eyeriss"
FILE = "fbnet_devices.csv.gz"
CELLS_FILE = "nb201_core.csv.gz"

SOURCE = "Li et al., ICLR 2021; github.com/GATECH-EIC/HW-NAS-Bench, HW-NAS-Bench-v1_0"
DESIGN = PRESETS["eyeriss-hw-nas-bench"]
FREE: Mapping[str, Value] = {**DESIGN, "tiles": "any"}
"""The same hardware, with a mapper that is not bound to perfect factors."""

PUBLISHED = {"0" * 22: 3.940896, "0" * 21 + "1": 3.900416}
"""Latencies in ms of two FBNets on images of 32 x 32, printed in the benchmark's `example.ipynb`."""


def compare(data: Path | None) -> list[Comparison]:
    """Latency of FBNets, from the file if the folder has it; of cells, if it has that file.

    Raises:
        ValueError: a file is not the table that it should be.
    """
    fbnets = PUBLISHED
    if data is not None and (data / FILE).exists():
        fbnets = read(data / FILE, "arch", "hwnas_eyeriss_ms")
    shapes = {digits: Counter(_fbnet(fbnet.fbnet_point(digits))) for digits in fbnets}
    ranked = (Target("kendall", at_least=0.98),) if len(fbnets) > len(PUBLISHED) else ()
    found = [
        Comparison(
            reference=REFERENCE,
            metric="latency of FBNets",
            unit="ms",
            cases=_cases(fbnets, shapes, DESIGN),
            source=SOURCE,
            targets=ranked,
            peers="multiply-accumulates alone: Kendall 0.841",
            notes=(
                "what is left: our DRAM latency before every layer (25 cycles), and filters of 5 x 5 with "
                "stride 2, which the simulator has 4 to 8 % slower"
            ),
        ),
        Comparison(
            reference=REFERENCE,
            metric="latency of FBNets, any tiles",
            unit="ms",
            cases=_cases(fbnets, shapes, FREE),
            source=SOURCE,
            notes="the same hardware if its mapper were not bound to perfect factors: faster, and other ranks",
        ),
    ]
    if data is not None and (data / CELLS_FILE).exists():
        found.append(_cells(read(data / CELLS_FILE, "arch_str", "eyeriss_latency_ms_c10")))
    return found


def read(path: Path, name: str, value: str) -> dict[str, float]:
    """One column of a table by another one.

    Raises:
        ValueError: the table lacks a column, or a value is no number.
    """
    rows = list(read_csv(path)[1])
    try:
        return {row[name]: float(row[value]) for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} must have numbers in column {value!r}, by {name!r}: {error}") from error


def latency_ms(shapes: Mapping[Layer, int], design: Point) -> float:
    """Latency of layers, each counted as often as it runs, one after the other."""
    order = sorted(shapes, key=repr)  # equal networks have equal sums, to the last bit
    return sum(shapes[shape] * _layer_ms(shape, tuple(design.items())) for shape in order)


@lru_cache(maxsize=4096)
def _layer_ms(shape: Layer, design: tuple[tuple[str, Value], ...]) -> float:
    workload = Workload(name="layer", layers=(shape,))
    costs = CostModel(keep_activations=False).evaluate([build_eyeriss(dict(design))], workload)
    return 1e3 * float(costs.latency_s[0])


def _cells(published: Mapping[str, float]) -> Comparison:
    points = {text: nas_bench_201.nas_bench_201_point(text) for text in published}
    return Comparison(
        reference=REFERENCE,
        metric="latency of NAS-Bench-201's cells, CIFAR-10",
        unit="ms",
        cases=tuple(Case(text, value, _cell_ms(points[text])) for text, value in published.items()),
        source=SOURCE,
        targets=(Target("kendall", at_least=0.98),),
        notes=(
            "every network of the benchmark has the same 1.35 ms more than its layers explain; ranks are not "
            "affected. Only the numbers of pools and of convolutions matter, so that multiply-accumulates as "
            "lowered rank as well"
        ),
    )


def _cell_ms(point: Point) -> float:
    """Which edges have which operations makes no difference to the layers."""
    return _sorted_cell_ms(tuple(sorted(str(choice) for choice in point.values())))


@lru_cache(maxsize=1024)
def _sorted_cell_ms(choices: tuple[str, ...]) -> float:
    point = {name: choice for name, choice in zip(nas_bench_201.SPACE.names, choices, strict=True)}
    return latency_ms(Counter(_cell(point)), DESIGN)


def _cases(
    published: Mapping[str, float], shapes: Mapping[str, Mapping[Layer, int]], design: Point
) -> tuple[Case, ...]:
    return tuple(Case(name, value, latency_ms(shapes[name], design)) for name, value in published.items())


def _fbnet(point: Point) -> Iterator[Layer]:
    """The layers that the benchmark prices, by shape."""
    images = fbnet.IMAGES["cifar100"]
    workload = fbnet.build_fbnet(point)
    yield from _shapes(workload.layers)
    head = workload.layers[-2]
    yield from _shapes((Layer(name="pool", k=images.head_width, c=images.head_width, r=head.p, s=head.q),))


def _cell(point: Point) -> Iterator[Layer]:
    """The layers that the benchmark prices, by shape."""
    yield from _shapes(nas_bench_201.build_nas_bench_201(point).layers)
    pools = sum(choice == nas_bench_201.POOL for choice in point.values())
    for stage, width in enumerate(nas_bench_201.PUBLISHED.widths):
        size = 32 // 2**stage
        pool = Layer(name="pool", k=width, c=width, p=size, q=size, r=3, s=3)
        yield from _shapes((pool,) * (pools * nas_bench_201.PUBLISHED.cells))


def _shapes(layers: Iterable[Layer]) -> Iterator[Layer]:
    for layer in layers:
        yield from (replace(layer, name="shape", kind="conv", repeats=1),) * layer.repeats
