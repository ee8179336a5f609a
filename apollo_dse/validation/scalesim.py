"""SCALE-Sim: cycles and utilization of matrix products on systolic arrays, as the simulator prints them.

Samajdar et al., "A systematic methodology for characterizing scalability of DNN accelerators using SCALE-Sim",
ISPASS 2020. The runs are of version 2 and come with LLMCompass (github.com/PrincetonUniversity/LLMCompass at
2e015fd2, `systolic_array_model`); a few of them are retyped below.

What is compared is the price of such a product on a design of the systolic template whose fills are exposed and
whose memories are never in the way, as the cost model finds it among all its mappings.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from accel_models import dataflows
from accel_models.pricing import Residency
from accel_models.templates.systolic import build_systolic
from accel_models.workload import Layer, Operand
from apollo_dse.tables import read_csv
from apollo_dse.validation.comparison import Case, Comparison, Target

REFERENCE = "SCALE-Sim v2, matrix products on systolic arrays"
FILE = "scalesim_cycles.csv"

SOURCE = "LLMCompass, github.com/PrincetonUniversity/LLMCompass at 2e015fd2, systolic_array_model"
STATIONARY: dict[str, Operand] = {"os": "outputs", "ws": "weights", "is": "inputs"}

AMPLE_BYTES = 1 << 40
AMPLE_GB_PER_S = 1e12
CLOCK_MHZ = 1000.0


@dataclass(frozen=True, slots=True)
class Run:
    """An (m x k) by (k x n) product on an array, and what the simulator printed."""

    m: int
    k: int
    n: int
    rows: int
    columns: int
    dataflow: str
    cycles: int
    utilization_percent: float

    @property
    def name(self) -> str:
        """The product and where it ran."""
        return f"{self.m}x{self.k}x{self.n}, {self.dataflow} on {self.rows}x{self.columns}"


RUNS = (
    Run(32, 160, 32, 16, 16, "ws", 1559, 41.052),
    Run(64, 144, 32, 16, 16, "ws", 1979, 58.211),
    Run(64, 480, 32, 16, 16, "ws", 6599, 58.191),
    Run(64, 8192, 256, 128, 128, "ws", 57087, 14.35),
    Run(256, 2048, 256, 128, 128, "ws", 20415, 40.127),
    Run(16, 24, 64, 16, 16, "is", 219, 43.836),
    Run(16, 36, 256, 16, 16, "is", 905, 63.646),
    Run(16, 480, 128, 16, 16, "is", 5219, 73.577),
    Run(256, 4096, 128, 128, 128, "is", 32639, 25.099),
    Run(1024, 2048, 256, 128, 128, "is", 81663, 40.126),
    Run(4, 32, 32, 8, 8, "os", 183, 34.973),
    Run(17, 256, 8, 16, 16, "os", 571, 23.818),
    Run(32, 3248, 128, 16, 16, "os", 52447, 99.087),
    Run(13, 256, 16, 32, 32, "os", 317, 16.404),
    Run(63, 512, 64, 32, 32, "os", 2295, 87.843),
    Run(1, 192, 64, 64, 64, "os", 317, 0.946),
    Run(128, 32, 256, 128, 128, "os", 571, 11.208),
    Run(1024, 256, 2048, 128, 128, "os", 65279, 50.197),
)


def compare(data: Path | None) -> list[Comparison]:
    """Cycles and utilization of every run; from the file if the folder has it.

    Raises:
        ValueError: the file is not the table that it should be.
    """
    path = None if data is None else data / FILE
    runs = RUNS if path is None or not path.exists() else read(path)
    last = last_cycles(runs)
    shares = [_percent(run, cycle) for run, cycle in zip(runs, last, strict=True)]
    exact = (Target("equal", at_least=1.0),)
    return [
        Comparison(
            reference=REFERENCE,
            metric="cycles",
            unit="cycles",
            cases=tuple(Case(run.name, run.cycles, cycle) for run, cycle in zip(runs, last, strict=True)),
            source=SOURCE,
            targets=exact,
            notes="the simulator prints the number of the last cycle, counted from 0, and so do we here",
        ),
        Comparison(
            reference=REFERENCE,
            metric="utilization",
            unit="%",
            cases=tuple(
                Case(run.name, run.utilization_percent, share) for run, share in zip(runs, shares, strict=True)
            ),
            source=SOURCE,
            targets=exact,
            notes="rounded to three digits behind the point, as printed",
        ),
    ]


def read(path: Path) -> tuple[Run, ...]:
    """The runs of the table.

    Raises:
        ValueError: a column is missing, holds something else than numbers, or names an unknown dataflow; or it
            is no table (`apollo_dse.tables`).
        OSError: the file cannot be read.
    """
    runs = []
    for row in read_csv(path)[1]:
        try:
            runs.append(_run(row))
        except (KeyError, ValueError) as error:
            raise ValueError(f"{path} must be the table of SCALE-Sim's runs, but: {error!r}") from error
    unknown = {run.dataflow for run in runs} - set(STATIONARY)
    if unknown or not runs:
        raise ValueError(f"{path} must have runs of {sorted(STATIONARY)}, but has {sorted(unknown) or 'none'}")
    return tuple(runs)


def _run(row: dict[str, str]) -> Run:
    m, k, n, rows, columns, cycles = (int(row[name]) for name in ("M", "K", "N", "R", "C", "cycles"))
    return Run(m, k, n, rows, columns, row["dataflow"], cycles, float(row["util_pct"]))


def last_cycles(runs: Sequence[Run]) -> list[int]:
    """The number of every run's last cycle, counted from 0, from the prices of the products."""
    on: defaultdict[tuple[int, int, str], list[int]] = defaultdict(list)
    for i, run in enumerate(runs):
        on[run.rows, run.columns, run.dataflow].append(i)
    found = [0] * len(runs)
    for (rows, columns, dataflow), places in on.items():
        accelerator = build_systolic(
            {
                "arrays": 1,
                "rows": rows,
                "columns": columns,
                "buffer_bytes": AMPLE_BYTES,
                "accumulator_bytes": AMPLE_BYTES,
                "dram_bandwidth_gb_per_s": AMPLE_GB_PER_S,
                "stationary": STATIONARY[dataflow],
                "fill": "exposed",
                "clock_mhz": CLOCK_MHZ,
            }
        )
        pricer = dataflows.pricer([accelerator])
        designs = pricer.stack([accelerator], torch.device("cpu"))
        for i in places:
            layer = Layer(name=runs[i].name, kind="gemm", p=runs[i].m, c=runs[i].k, k=runs[i].n)
            price = pricer.layer(layer, Residency(), designs, "latency")
            found[i] = round(float(price.compute_s) * accelerator.clock_hz) - 1
    return found


def _percent(run: Run, last_cycle: int) -> float:
    """Multiply-accumulates over what the array could do until the last cycle, as printed."""
    return round(100.0 * run.m * run.k * run.n / (max(last_cycle, 1) * run.rows * run.columns), 3)
