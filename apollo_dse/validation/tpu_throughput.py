"""Cores of TPU v2 and v3 against measured throughput of thousands of MnasNet-like networks.

Accel-NASBench (Ahmad et al., arXiv 2404.08005) measured inference on one core with PyTorch/XLA 1.13 in bf16,
at batch 64 (v2) and 128 (v3), fed with images that the host decodes (github.com/afzalxo/ANB-DatasetCollection).
The networks are those of `search_spaces.networks.mnasnet`, compiled as `pytorch_xla` says, priced step by step
by the systolic dataflow with nothing kept on chip between steps; the host adds launches, link and its own pace.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from math import nan
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accel_models.cost import CostModel
from accel_models.host import Host
from accel_models.layout import Tile
from accel_models.templates.systolic import PRESETS, build_systolic
from accel_models.workload import Layer, VectorOp, Workload
from apollo_dse.tables import read_csv
from apollo_dse.validation.comparison import Case, Comparison, Target
from apollo_dse.validation.pytorch_xla import compiled
from search_spaces.networks.mnasnet import GATES, NO_GATES, STAGES, parts
from search_spaces.space import Point

REFERENCE = "TPU v2 and v3, Accel-NASBench"
FILE = "accel_nasbench.csv.gz"

TILE = Tile(sublanes=8, lanes=128)
SLOW = 1200.0
"""Images a second below which no network waited for the host."""

IMAGE_BYTES = 4 * 3 * 224 * 224
"""What crosses the link for an image: fp32, converted on the device."""

Step = Layer | VectorOp
Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Core:
    """One core of a chip as it was measured: the column of the table, the batch, the half of a preset."""

    column: str
    batch: int
    point: Mapping[str, float | int | str]


def half(preset: str) -> Mapping[str, float | int | str]:
    """A core of a chip of two: half its arrays, vector lanes, vector memory and bandwidth.

    The stem's filters have three channels; XLA lays their taps side by side.
    """
    halved = ("arrays", "buffer_bytes", "dram_bandwidth_gb_per_s", "vector_lanes")
    whole = PRESETS[preset]
    return {**whole, "taps": "packed", **{name: int(whole[name]) // 2 for name in halved}}


CORES = {
    "TPU v2": Core("throughput_tpuv2_mean", 64, half("tpu-v2")),
    "TPU v3": Core("throughput_tpuv3_mean", 128, half("tpu-v3")),
}


@dataclass(frozen=True, slots=True)
class Constants:
    """What the published specifications do not say; one set for both cores.

    `transpose_ops` are vector operations to transpose a word, `launch_s` is the host's time for each operation
    of the network, `image_s` that of an image on the link, `images_per_s` how many images the host prepares.
    """

    transpose_ops: float
    launch_s: float
    image_s: float
    images_per_s: float

    @property
    def host(self) -> Host:
        """The host of these constants."""
        return Host(self.launch_s, IMAGE_BYTES / self.image_s, self.images_per_s)


FITTED = Constants(transpose_ops=28.6, launch_s=33.3e-6, image_s=278e-6, images_per_s=1589.0)
"""Fitted to all rows; the comparison with constants fitted to other rows says what that is worth."""

CROSSED = "every other network, constants fitted to the rest"
UNPACED = "networks that never waited for the host"
SOURCE = "Accel-NASBench, arXiv 2404.08005, anb_dataset of github.com/afzalxo/Accel-NASBench at 4260357"
NOTES = (
    "one core, not a chip; a network's activations are kept for a backward pass, as in the measurement, and "
    "laying them as tensors of PyTorch takes most of the time"
)
HOST_NOTES = (
    "a third of the networks runs as fast as the host decodes images, which drifts over the rows: ranks among "
    "them are noise (regression on the networks reaches 0.975, the ranks of TPU v2 0.953)"
)


def compare(data: Path | None) -> list[Comparison]:
    """Throughput of both cores, with our constants and with constants fitted to other rows; [] without file.

    Raises:
        ValueError: the file is not the table that it should be.
    """
    path = None if data is None else data / FILE
    if path is None or not path.exists():
        return []
    table = read(path)
    ours = {name: throughput(table.points, core, FITTED) for name, core in CORES.items()}
    every_other, crossed = _crossed(table)
    return [
        comparison
        for name in CORES
        for comparison in (
            _comparison(table, name, "throughput", ours[name]),
            _comparison(table, name, f"throughput, {CROSSED}", crossed[name], every_other),
            _comparison(table, name, f"throughput, {UNPACED}", ours[name], table.images_per_s[name] < SLOW),
        )
    ]


def _comparison(
    table: "Table", name: str, metric: str, ours: Column, rows: NDArray[np.bool_] | None = None
) -> Comparison:
    published = table.images_per_s[name]
    chosen = np.flatnonzero(~np.isnan(published) if rows is None else rows & ~np.isnan(published))
    return Comparison(
        reference=REFERENCE,
        metric=f"{name}, {metric}",
        unit="images/s",
        cases=tuple(Case(table.names[i], float(published[i]), float(ours[i])) for i in chosen),
        source=SOURCE,
        targets=(Target("spearman", at_least=0.95),),
        peers="multiply-accumulates alone: Spearman 0.836 (v2), 0.820 (v3)",
        fitted=tuple(f"{field.name} = {getattr(FITTED, field.name):g}" for field in fields(FITTED)),
        notes=f"{NOTES}; {HOST_NOTES}" if name == "TPU v3" and UNPACED not in metric else NOTES,
    )


@dataclass(frozen=True, slots=True)
class Table:
    """Names and points of the networks, and images a second by core, nan where it was not measured."""

    names: tuple[str, ...]
    points: tuple[Point, ...]
    images_per_s: dict[str, Column]


def read(path: Path) -> Table:
    """The table of the benchmark, comma-separated and compressed.

    Raises:
        ValueError: a column is missing, or a network is not of the space.
    """
    rows = list(read_csv(path)[1])
    try:
        return Table(
            names=tuple(row["id"] for row in rows),
            points=tuple(map(_point, rows)),
            images_per_s={
                name: np.array([float(row[core.column] or nan) for row in rows]) for name, core in CORES.items()
            },
        )
    except KeyError as missing:
        raise ValueError(f"the table {path.name} must have a column {missing}, but has none") from None


def _point(row: Mapping[str, str]) -> Point:
    numbers = {f"block{i}_{name}": int(row[f"block{i}_{name}"]) for i in range(STAGES) for name in "ekl"}
    gates = {f"block{i}_se": GATES if row[f"block{i}_se"] == "True" else NO_GATES for i in range(STAGES)}
    return {**numbers, **gates}


@dataclass(frozen=True, slots=True)
class Terms:
    """A batch of each network on a core, [network]: seconds on the device and operations launched."""

    device_s: Column
    launches: Column


def terms(points: Sequence[Point], core: Core, transpose_ops: float) -> Terms:
    """What the networks take on a core, each step priced once."""
    index: dict[Workload, int] = {}
    pieces = [[index.setdefault(piece, len(index)) for piece in parts(point)] for point in points]
    compiled_pieces = [_steps(piece, core.batch, transpose_ops) for piece in index]
    seconds = _seconds(frozenset(step for steps in compiled_pieces for step in steps), core)
    device_s = [sum(seconds[step] * times for step, times in steps.items()) for steps in compiled_pieces]
    launches = [sum(step.repeats for step in piece.steps) for piece in index]
    chosen = np.array(pieces)
    return Terms(np.array(device_s)[chosen].sum(axis=1), np.array(launches, np.float64)[chosen].sum(axis=1))


def _steps(piece: Workload, batch: int, transpose_ops: float) -> Counter[Step]:
    """How often a piece takes each step, names aside."""
    found: Counter[Step] = Counter()
    for step in compiled(piece.batched(batch), TILE, transpose_ops).steps:
        found[replace(step, name="", repeats=1)] += step.repeats
    return found


def _seconds(steps: frozenset[Step], core: Core) -> dict[Step, float]:
    """Latency of steps on a core, by the cost model."""
    workload = Workload(
        name="steps",
        layers=tuple(step for step in steps if isinstance(step, Layer)),
        vector_ops=tuple(step for step in steps if isinstance(step, VectorOp)),
    )
    costs = CostModel(keep_activations=False).evaluate([build_systolic(core.point)], workload)
    if not bool(costs.feasible[0]):
        raise ValueError("; ".join(costs.reasons[0]))
    return dict(zip(workload.steps, costs.itemized.latency_s[0].tolist(), strict=True))


def throughput(points: Sequence[Point], core: Core, constants: Constants) -> Column:
    """Images a second of networks on a core, [network]."""
    found = terms(points, core, constants.transpose_ops)
    host = constants.host
    batch_s = host.batch_s(found.device_s, found.launches, core.batch * IMAGE_BYTES)
    rate: Column = host.inputs_per_second(core.batch, batch_s)
    return rate


PROBES = (26.0, 60.0)
"""Values of `transpose_ops` between which time is linear in it: copies are bound by the vector unit."""

START = (30.0, 50e-6, 200e-6, 1600.0)
SOFT = 0.05
"""Where the fit begins, and the relative error from which on errors count less than by their square."""


@dataclass(frozen=True, slots=True)
class _Linear:
    """Seconds an image of every network on the device, without transposing and for each `transpose_ops`."""

    fixed_s: Column
    slope_s: Column
    launches: Column
    measured: Column

    def image_s(self, constants: Sequence[float]) -> Column:
        """Seconds an image, for constants in the order of `Constants`."""
        ops, launch_s, image_s, images_per_s = constants
        device_s: Column = self.fixed_s + ops * self.slope_s + launch_s * self.launches + image_s
        return np.maximum(device_s, 1.0 / images_per_s)


def _linear(table: Table, name: str) -> _Linear:
    core, (least, most) = CORES[name], PROBES
    low, high = (terms(table.points, core, ops) for ops in PROBES)
    slope_s = (high.device_s - low.device_s) / (most - least)
    return _Linear(
        fixed_s=(low.device_s - least * slope_s) / core.batch,
        slope_s=slope_s / core.batch,
        launches=low.launches / core.batch,
        measured=table.images_per_s[name],
    )


def fit(systems: Sequence[_Linear], rows: NDArray[np.bool_]) -> Constants:
    """Constants that minimize the relative error over some rows and all cores, large errors counting less."""
    from scipy import optimize

    def errors(scaled: NDArray[np.float64]) -> Column:
        found = [system.image_s(tuple(scaled * START)) * system.measured for system in systems]
        return np.concatenate([np.log(ratio[rows & ~np.isnan(ratio)]) for ratio in found])

    solved = optimize.least_squares(errors, np.ones(4), bounds=(1e-3, np.inf), loss="soft_l1", f_scale=SOFT)
    return Constants(*(solved.x * START).tolist())


def _crossed(table: Table) -> tuple[NDArray[np.bool_], dict[str, Column]]:
    """Every other row, and throughput by core with constants fitted to the rows between."""
    systems = {name: _linear(table, name) for name in CORES}
    rows = np.arange(len(table.names)) % 2 == 1
    found = astuple(fit(list(systems.values()), ~rows))
    return rows, {name: 1.0 / system.image_s(found) for name, system in systems.items()}
