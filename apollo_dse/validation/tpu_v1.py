"""TPUv1 in service: how long one matrix takes, and the throughput of the applications it ran.

Jouppi et al., "In-datacenter performance analysis of a tensor processing unit", ISCA 2017: Table 1 (the
applications), Table 3 (hardware counters), Section 7 (a 600 x 600 matrix of LSTM1 on 256 x 256 or 512 x 512
units).

What is compared is the price of the systolic template's preset "tpu-v1", with nothing fitted. Table 1 gives
numbers of layers and weights, batches, and operations per byte of weights, but no shapes. We take an
application's fully connected layers as equal and square, and the convolutions of CNN0 as 3 x 3 with as many
channels in as out and with 19 x 19 outputs (its 2888 operations per byte of weights are 8 images of 361
positions). CNN1, of which less is known, is left out.
"""

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

from accel_models.cost import CostModel
from accel_models.templates.systolic import PRESETS, build_systolic
from accel_models.workload import Layer, Workload
from apollo_dse.validation.comparison import Case, Comparison, Target

REFERENCE = "TPUv1, ISCA 2017"
FILE = None

SOURCE = "Jouppi et al., In-datacenter performance analysis of a tensor processing unit, ISCA 2017"

MATRIX = 600
MATRIX_BATCH = 96
MATRIX_US = {256: 18.0, 512: 32.0}
"""Microseconds for a 600 x 600 matrix by the side of the array (Section 7); the batch is LSTM1's."""

TAPS, POSITIONS = 3, 19


@dataclass(frozen=True, slots=True)
class Application:
    """A row of Tables 1 and 3."""

    name: str
    layers: int
    weights: float
    batch: int
    convolutions: bool
    tops: float

    @property
    def workload(self) -> Workload:
        """As many equal layers as it has, with as many weights."""
        taps = TAPS if self.convolutions else 1
        positions = POSITIONS if self.convolutions else 1
        side = round(sqrt(self.weights / self.layers) / taps)
        layer = Layer(
            name=self.name,
            kind="conv" if self.convolutions else "linear",
            n=self.batch,
            k=side,
            c=side,
            p=positions,
            q=positions,
            r=taps,
            s=taps,
            repeats=self.layers,
        )
        return Workload(name=self.name, layers=(layer,))


APPLICATIONS = (
    Application("MLP0", 5, 20e6, 200, False, 12.3),
    Application("MLP1", 4, 5e6, 168, False, 9.7),
    Application("LSTM0", 24, 52e6, 64, False, 3.7),
    Application("LSTM1", 37, 34e6, 96, False, 2.8),
    Application("CNN0", 16, 8e6, 8, True, 86.0),
)


OPS_PER_WEIGHT_BYTE = {"MLP0": 200, "MLP1": 168, "LSTM0": 64, "LSTM1": 96, "CNN0": 2888}
"""Table 1; an operation is a multiply-accumulate here."""

PEAK_TOPS, WEIGHTS_GB_PER_S = 92.0, 34.0
"""Table 2."""


def compare(data: Path | None) -> list[Comparison]:
    """Times of the matrix, throughputs of the applications, and their times over the published roofline."""
    return [
        Comparison(
            reference=REFERENCE,
            metric="time of a 600 x 600 matrix",
            unit="us",
            cases=tuple(
                Case(f"on {side} x {side} units", published, matrix_us(side))
                for side, published in MATRIX_US.items()
            ),
            source=f"{SOURCE}, Section 7",
            targets=(Target("max_error", at_most=0.05),),
            notes="weights stream from DRAM as whole tiles of the array: 9 of 64 KiB, or 4 of 256 KiB",
        ),
        Comparison(
            reference=REFERENCE,
            metric="throughput of applications, layers taken as equal",
            unit="TOPS",
            cases=tuple(Case(each.name, each.tops, tera_ops_per_s(each)) for each in APPLICATIONS),
            source=f"{SOURCE}, Tables 1 and 3",
            targets=(Target("spearman", at_least=0.8),),
            peers="the owners' own model, which knows the shapes: 5.4 to 11.2 % from the counters",
            notes=(
                "LSTM1 is many small matrices such as 600 x 600, which leave 40 % of the units idle (Table 3), "
                "more than equal ones do, and waits for vector operations, which are not published; CNN0 "
                "leaves none idle (Table 3), while 235 channels fill 235 of 256"
            ),
        ),
        Comparison(
            reference=REFERENCE,
            metric="time of a batch over the roofline",
            unit="ms",
            cases=tuple(
                Case(
                    each.name,
                    milliseconds(each, roofline_tops(each.name)),
                    milliseconds(each, tera_ops_per_s(each)),
                )
                for each in APPLICATIONS
            ),
            source=f"{SOURCE}, Tables 1 and 2, Figure 5",
            targets=(Target("above", at_least=1.0),),
            notes="the roofline of peak and weight bandwidth, at the published operations per byte of weights",
        ),
    ]


def roofline_tops(name: str) -> float:
    """Most throughput that peak and weight bandwidth leave an application, in 10^12 operations a second."""
    return min(PEAK_TOPS, 2e-3 * OPS_PER_WEIGHT_BYTE[name] * WEIGHTS_GB_PER_S)


def milliseconds(application: Application, tops: float) -> float:
    """Time of a batch at a throughput."""
    return 2e-9 * application.workload.macs / tops


def matrix_us(side: int) -> float:
    """Microseconds for the matrix amid others, its activations on chip, on an array of this side."""
    layer = Layer(name="matrix", kind="linear", n=MATRIX_BATCH, c=MATRIX, k=MATRIX)
    point = {**PRESETS["tpu-v1"], "rows": side, "columns": side}
    costs = CostModel().evaluate([build_systolic(point)], Workload(name="three", layers=(layer,) * 3))
    return float(costs.itemized.latency_s[0, 1]) * 1e6


def tera_ops_per_s(application: Application) -> float:
    """Throughput of an application, in 10^12 operations a second."""
    workload = application.workload
    costs = CostModel().evaluate([build_systolic(PRESETS["tpu-v1"])], workload)
    return 2e-12 * workload.macs / float(costs.latency_s)
