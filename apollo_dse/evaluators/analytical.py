"""The built-in world: price the accelerators on the workloads with `CostModel`.

Where a space knows the numbers of its designs, no design is built, and none is priced twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from importlib.metadata import version
from math import isfinite
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from accel_models import Workload
from apollo_dse.evaluators.identity import digest_of, template_of
from apollo_dse.evaluators.several import geometric_mean
from apollo_dse.problem import ACCURACY, METRICS, Elasticities
from apollo_dse.trial import Measurement
from search_spaces.quantity import Value
from search_spaces.space import DesignSpace, Point

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from accel_models.cost import Totals

Minimize = Literal["latency", "energy", "edp"]

COSTS = tuple(name for name in METRICS if name != ACCURACY)
"""The metrics that a design has on a workload."""

STEADY = "steady_"
"""What the metrics of the steady state begin with."""


class AnalyticalEvaluator:
    """Metrics of `accel_models.cost.CostModel`, in one batch per workload.

    The metrics are `COSTS`, those of the steady state if asked for. With several workloads each is
    the geometric mean over them (equal ratios count equally, and the product of mean energy and mean latency is
    the mean energy-delay product), and `NAME:WORKLOAD` is that of one, area excepted, which all share. A design
    is infeasible when it cannot be built, or cannot run one of the workloads; all reasons are carried over.
    What binds is told too (`Measurement.bottlenecks`), in the words of the dataflow's `bounds` and `limits`.

    Args:
        design_space: what points mean.
        workloads: the networks, of distinct names.
        minimize: what the mapping of each layer is chosen for.
        steady: whether to price the steady state too, which takes several times as long.
        device: where to price, as torch writes it; by default where `CostModel` does.

    Raises:
        ValueError: there is no workload, or two share a name.
    """

    costs = COSTS
    """What it measures; of the steady state only where that is asked for."""

    def __init__(
        self,
        design_space: DesignSpace,
        workloads: Sequence[Workload],
        *,
        minimize: Minimize = "latency",
        steady: bool = False,
        device: "str | torch.device | None" = None,
    ) -> None:
        from accel_models.cost import CostModel  # loads torch; so does the next one
        from accel_models.dataflows import column_pricer

        self.design_space = design_space
        self.workloads = _distinct(workloads)
        self.minimize = minimize
        self.steady = steady
        span = design_space.span()
        self._cost_model = CostModel(minimize=minimize, keep_parameters=steady, span=span, device=device)
        self._pricer = column_pricer(span[:1]) if design_space.monotone else None
        self._names = tuple(name for name in COSTS if steady or not name.startswith(STEADY))

    def on(self, workloads: Sequence[Workload]) -> Self:
        """The same world with other networks; what was prepared for the designs is shared.

        Raises:
            ValueError: as when it is made.
        """
        other = copy(self)
        other.workloads = _distinct(workloads)
        return other

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        if len(self.workloads) == 1:
            return self._names
        own = (
            f"{name}:{workload.name}"
            for workload in self.workloads
            for name in self._names
            if name != "area_mm2"
        )
        return (*self._names, *own)

    @property
    def fingerprint(self) -> str:
        """Version, template and description, goal of the mapping, and the workloads by name and content."""
        release, template = version("apollo-dse"), template_of(self.design_space)
        contents = (f"{workload.name}@{digest_of(workload)}" for workload in self.workloads)
        goal = f"minimize={self.minimize}" + " steady" * self.steady
        return f"analytical {release} {template} {goal} {' '.join(contents)}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order.

        Raises:
            ValueError: the template does not know a parameter or a value of a point.
        """
        found = self._by_numbers(points)
        rest = [row for row, measured in enumerate(found) if measured is None]
        for row, measured in zip(rest, self._by_building([points[row] for row in rest]), strict=True):
            found[row] = measured
        return [measured for measured in found if measured is not None]

    def _by_numbers(self, points: Sequence[Point]) -> list[Measurement | None]:
        """Measurements of designs of the space, where it has their numbers; None for all others."""
        found: list[Measurement | None] = [None] * len(points)
        pricer = self._pricer
        if pricer is None:
            return found
        for rows in self._numbered(points):
            designs = self.design_space.columns([points[row] for row in rows])
            totals = [self._cost_model.totals(pricer, designs, workload) for workload in self.workloads]
            feasible = [each.feasible.tolist() for each in totals]
            columns, shares = [_columns(each) for each in totals], _bound_shares(totals, pricer.bounds)
            for place, row in enumerate(rows):
                if all(each[place] for each in feasible):
                    found[row] = Measurement(self._metrics(columns, place), bottlenecks=shares[place])
                else:
                    found[row] = self._infeasible(designs.floor.violations(place), totals, place)
        return found

    def _numbered(self, points: Sequence[Point]) -> list[list[int]]:
        """Rows of the points of the space whose designs have numbers before they are built, settled alike."""
        space = self.design_space
        if space.monotone is None:
            return []
        inside = [row for row, point in enumerate(points) if point in space.space]
        return _alike(points, inside, space.monotone.parameters)

    def _by_building(self, points: Sequence[Point]) -> list[Measurement]:
        if not points:
            return []
        accelerators = [self.design_space.build(point) for point in points]
        costs = [self._cost_model.evaluate(accelerators, workload) for workload in self.workloads]
        columns, shares = [_columns(cost) for cost in costs], _bound_shares(costs, costs[0].bounds)
        return [
            self._infeasible(accelerator.violations, costs, row)
            if any(cost.reasons[row] for cost in costs)
            else Measurement(self._metrics(columns, row), bottlenecks=shares[row])
            for row, accelerator in enumerate(accelerators)
        ]

    def _infeasible(self, violations: Sequence[str], totals: "Sequence[Totals]", row: int) -> Measurement:
        """Why a design cannot be built, or run the workloads, of which the totals are known."""
        from accel_models.pricing import reasons

        exceeded = [each.exceeded[row] for each in totals]
        because = self._reasons([reasons(violations, limits) for limits in exceeded])
        return Measurement(infeasible_because=because, bottlenecks=_shortages(exceeded))

    def preview(self, points: Sequence[Point]) -> list[Measurement]:
        """Area of each point's design, or why it cannot be built; nothing is priced.

        Raises:
            ValueError: as in a call.
        """
        found: list[Measurement | None] = [None] * len(points)
        for rows in self._numbered(points):
            floor = self.design_space.floor([points[row] for row in rows])
            areas_mm2, buildable = floor.area_mm2.tolist(), floor.buildable.tolist()
            for place, row in enumerate(rows):
                found[row] = _previewed(areas_mm2[place], () if buildable[place] else floor.violations(place))
        return [
            self._built(point) if known is None else known for point, known in zip(points, found, strict=True)
        ]

    def _built(self, point: Point) -> Measurement:
        accelerator = self.design_space.build(point)
        return _previewed(accelerator.total_area_mm2, accelerator.violations)

    @property
    def is_sloped(self) -> bool:
        """Whether there are `slopes`: of spaces that know the numbers of their designs, the edge template's."""
        from accel_models.slopes import Sloped

        return isinstance(self._pricer, Sloped)

    def slopes(self, points: Sequence[Point]) -> list[Elasticities]:
        """Elasticities of the metrics at each point, in order; none where the design cannot be built.

        Metrics are those of a measurement, without the steady state; parameters the numbers that the space's
        template ranges over (`DesignSpace.monotone`). Of a design that cannot run, they lead to where it can.

        Raises:
            ValueError: designs of the space have no slopes.
        """
        from accel_models.slopes import Sloped, Tangent

        space, pricer = self.design_space, self._pricer
        if space.monotone is None or not isinstance(pricer, Sloped):
            raise ValueError(f"slopes need a template that is monotone, but that of {space.name!r} is not")
        free = space.monotone.parameters
        found: list[Elasticities] = [{}] * len(points)
        for rows in _alike(points, range(len(points)), free):
            tangent = Tangent.of(*space.numbers([points[row] for row in rows]))
            totals = [self._cost_model.slopes(pricer, tangent, each).slopes for each in self.workloads]
            for place in np.flatnonzero(tangent.designs.floor.buildable).tolist():
                found[rows[place]] = self._elasticities(free, totals, place)
        return found

    def _elasticities(
        self, names: Sequence[str], totals: "Sequence[Mapping[str, NDArray[np.float64]]]", row: int
    ) -> Elasticities:
        """Those of one design: of geometric means they are means."""
        by_metric = {name: np.mean([each[name][row] for each in totals], axis=0) for name in totals[0]}
        if len(totals) > 1:
            for workload, slopes in zip(self.workloads, totals, strict=True):
                own = (name for name in slopes if name != "area_mm2")
                by_metric |= {f"{name}:{workload.name}": slopes[name][row] for name in own}
        return {name: dict(zip(names, each.tolist(), strict=True)) for name, each in by_metric.items()}

    def _reasons(self, by_workload: Sequence[Sequence[str]]) -> str:
        """All reasons in one text; one that not every workload has ends in whose it is."""
        shared = [reason for reason in by_workload[0] if all(reason in reasons for reasons in by_workload)]
        own = (
            f"{reason}, on {workload.name}"
            for workload, reasons in zip(self.workloads, by_workload, strict=True)
            for reason in reasons
            if reason not in shared
        )
        return "; ".join(dict.fromkeys((*shared, *own)))

    def _metrics(self, columns: Sequence[Mapping[str, Sequence[float]]], row: int) -> dict[str, float]:
        metrics = {name: geometric_mean([column[name][row] for column in columns]) for name in self._names}
        if len(self.workloads) > 1:
            for workload, column in zip(self.workloads, columns, strict=True):
                own = (name for name in self._names if name != "area_mm2")
                metrics |= {f"{name}:{workload.name}": column[name][row] for name in own}
        return metrics


def _distinct(workloads: Sequence[Workload]) -> tuple[Workload, ...]:
    names = [workload.name for workload in workloads]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"workloads must be at least one, of distinct names, but got {names}")
    return tuple(workloads)


def _alike(points: Sequence[Point], rows: Iterable[int], free: Sequence[str]) -> list[list[int]]:
    """The rows of points, those together that settle the same parameters, all but the free ones, alike."""
    groups: dict[tuple[tuple[str, Value], ...], list[int]] = {}
    for row in rows:
        point = points[row]
        settled = tuple((name, point[name]) for name in sorted(point) if name not in free)
        groups.setdefault(settled, []).append(row)
    return list(groups.values())


def _previewed(area_mm2: float, violations: Sequence[str]) -> Measurement:
    if violations:
        return Measurement(infeasible_because="; ".join(violations))
    return Measurement({"area_mm2": area_mm2})


def _bound_shares(totals: "Sequence[Totals]", bounds: Sequence[str]) -> list[dict[str, float]]:
    """Share of each design's latency by what bounds it, the mean over the workloads, zeros left out."""
    by_workload = np.array([each.bound_shares.cpu().numpy() for each in totals])
    return [
        {bound: share for bound, share in zip(bounds, shares, strict=True) if share > 0}
        for shares in by_workload.mean(axis=0).tolist()
    ]


def _shortages(exceeded: Sequence[Mapping[str, tuple[float, str]]]) -> dict[str, float]:
    """Need over supply of each limit that is exceeded on any of the workloads, finite ones only."""
    limits = dict.fromkeys(limit for each in exceeded for limit in each)
    most = {limit: max(each[limit][0] for each in exceeded if limit in each) for limit in limits}
    return {limit: ratio for limit, ratio in most.items() if isfinite(ratio)}


def _columns(costs: "Totals") -> dict[str, list[float]]:
    """Values of each metric of `COSTS`, by row; those of infeasible rows mean nothing."""
    columns: dict[str, list[float]] = {
        name: getattr(costs, name).tolist() for name in COSTS if name != "edp_js"
    }
    pairs = zip(columns["energy_j"], columns["latency_s"], strict=True)
    return columns | {"edp_js": [energy_j * latency_s for energy_j, latency_s in pairs]}
