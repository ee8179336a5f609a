"""One evaluator for each of several networks, as one."""

from collections.abc import Collection, Mapping, Sequence
from math import prod

from apollo_dse.evaluators import Evaluator, waits
from apollo_dse.trial import Measurement
from search_spaces.space import Point

SHARED = "area_mm2"
"""The metric that all networks share."""


class Several:
    """Metrics of several networks: the mean over them, and as `NAME:WORKLOAD` those of each, area excepted.

    Means are geometric: equal ratios count equally. A point is measured on one network after the other; where
    one gives no metrics, the rest are not tried.

    Args:
        evaluators: one a network, by the network's name, all of the same metrics.
        signed: metrics that may be negative; their mean is arithmetic.

    Raises:
        ValueError: there is none, or they differ in their metrics.
    """

    def __init__(self, evaluators: Mapping[str, Evaluator], signed: Collection[str] = ()) -> None:
        if len({each.metrics for each in evaluators.values()}) != 1:
            got = {name: each.metrics for name, each in evaluators.items()}
            raise ValueError(f"evaluators must be at least one, of the same metrics, but got {got}")
        self.evaluators = dict(evaluators)
        self.signed = frozenset(signed)
        self._names = next(iter(evaluators.values())).metrics

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        return names_with_own(self._names, tuple(self.evaluators))

    @property
    def fingerprint(self) -> str:
        """Those of all evaluators."""
        return "; ".join(each.fingerprint for each in self.evaluators.values())

    @property
    def waits(self) -> bool:
        """Whether all evaluators do."""
        return all(map(waits, self.evaluators.values()))

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        return [self._measured(point) for point in points]

    def _measured(self, point: Point) -> Measurement:
        found: dict[str, Mapping[str, float]] = {}
        for workload, evaluator in self.evaluators.items():
            [measured] = evaluator([point])
            if measured.infeasible_because is not None:
                return Measurement(infeasible_because=f"{measured.infeasible_because}, on {workload}")
            found[workload] = measured.metrics
        return Measurement(combined(found, self._names, self.signed))


def names_with_own(names: Sequence[str], workloads: Sequence[str]) -> tuple[str, ...]:
    """Metrics of several workloads: of all, then of each; of one they are its own."""
    if len(workloads) == 1:
        return tuple(names)
    own = (f"{name}:{workload}" for workload in workloads for name in names if name != SHARED)
    return (*names, *own)


def combined(
    found: Mapping[str, Mapping[str, float]], names: Sequence[str], signed: Collection[str] = ()
) -> dict[str, float]:
    """The metrics `names_with_own` of what was found of each workload; `signed` as in `Several`."""
    metrics = {}
    for name in names:
        values = [each[name] for each in found.values()]
        metrics[name] = sum(values) / len(values) if name in signed else geometric_mean(values)
    if len(found) > 1:
        for workload, own in found.items():
            metrics |= {f"{name}:{workload}": own[name] for name in names if name != SHARED}
    return metrics


def geometric_mean(values: Sequence[float]) -> float:
    """Geometric mean of non-negative values, root before product so that small ones do not underflow."""
    return values[0] if len(values) == 1 else prod(value ** (1.0 / len(values)) for value in values)
