"""A small co-design: eight networks of one layer, rated by a rule, on designs of the edge space."""

from collections.abc import Sequence
from dataclasses import dataclass

from accel_models import Layer, Workload
from apollo_dse.problem import ACCURACY
from apollo_dse.trial import Measurement
from search_spaces import NetworkSpace, Ordinal, Point, SearchSpace

WIDTHS = (8, 16, 32, 64)
TAPS = (1, 3)
SPACE = SearchSpace((Ordinal("width", WIDTHS), Ordinal("taps", TAPS)))


def build(point: Point) -> Workload:
    """A convolution of 8 x 8 outputs."""
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    width, taps = int(point["width"]), int(point["taps"])
    return Workload(name="small", layers=(Layer(name="conv", k=width, c=16, p=8, q=8, r=taps, s=taps),))


SMALL = NetworkSpace(
    name="small",
    space=SPACE,
    build=build,
    reference="made for tests, of one convolution",
    presets={"usual": {"width": 32, "taps": 3}},
    input_shape=(1, 16, 8, 8),
)


def accuracy_of(point: Point) -> float:
    """Wider and larger is better; a wide one of 1 x 1 is as good as a narrow one of 3 x 3."""
    return 0.5 + 0.1 * WIDTHS.index(int(point["width"])) + 0.1 * TAPS.index(int(point["taps"]))


@dataclass
class Rated:
    """Rates by the rule, knows nothing of networks of width 8, and counts what it is asked for."""

    asked: int = 0
    metrics: tuple[str, ...] = (ACCURACY,)
    fingerprint: str = "rated by a rule"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        self.asked += len(points)
        return [
            Measurement(infeasible_because="width 8 was never trained")
            if point["width"] == 8
            else Measurement({ACCURACY: accuracy_of(point)})
            for point in points
        ]
