"""Bounds on the metrics of the built-in evaluator over boxes of a space, at the price of a design a box.

The proof that they hold is in `accel_models.relaxation`. With several networks a metric is the geometric mean,
of which the geometric mean of bounds is a bound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isclose

import numpy as np
import torch
from numpy.typing import NDArray

from accel_models import Workload, dataflows
from accel_models.pricing import Goal, Pricer
from accel_models.ranges import Column, Floor, Ranges
from accel_models.relaxation import SLACK, Relaxable, least_totals
from apollo_dse.evaluators.analytical import STEADY, AnalyticalEvaluator
from apollo_dse.oracle.envelope import Envelope
from apollo_dse.oracle.lattice import Boxes, Lattice
from apollo_dse.problem import Constraint, Problem
from search_spaces.space import DesignSpace

UNMAPPED = "cannot run"
"""Why a box is pruned in which no design can run a network; other limits go by their text."""

CHECKED = 16
"""Points on which ranges are compared with designs before they are believed."""

Known = Mapping[str, tuple[Column, Column]]
"""Least and most of metrics over n boxes; [n] each."""


@dataclass(frozen=True, slots=True)
class Priced:
    """n boxes: losses [n, m] from below, and why a box has no feasible design ("" where it may have one)."""

    losses: NDArray[np.float64]
    pruned: tuple[str, ...]


class Bounds:
    """Bounds of a problem; `of` makes them, or says why there are none.

    Boxes with the same relaxation are priced once. `num_priced` counts relaxations, each on one network for
    one goal.
    """

    def __init__(
        self, problem: Problem, evaluator: AnalyticalEvaluator, pricer: Relaxable, envelope: Envelope
    ) -> None:
        self.envelope = envelope
        self.num_priced = 0
        self._objectives = problem.objectives
        self._limits = tuple(limit for limit in problem.constraints if not _is_known(limit))
        self._workloads = evaluator.workloads
        self._pricer = pricer
        self._reach = pricer.reach(evaluator.design_space.span())
        self._least: dict[tuple[str, Goal, bytes], float] = {}

    @classmethod
    def of(cls, problem: Problem, lattice: Lattice) -> "Bounds | str":
        """The bounds of a problem, or a clause that says why it has none.

        Raises:
            ValueError: the ranges of the space do not describe its designs.
        """
        evaluator = problem.evaluate
        if not isinstance(evaluator, AnalyticalEvaluator):
            return "its evaluator is not the built-in one"
        asked = [*(each.metric for each in problem.objectives), *(each.metric for each in problem.constraints)]
        if steady := [metric for metric in asked if metric.startswith(STEADY)]:
            return f"there are no bounds on {steady[0]!r}"
        space = evaluator.design_space
        first = space.build(lattice.points(lattice.whole().lower)[0])
        pricer: Pricer = dataflows.pricer([first])
        if space.monotone is None or not isinstance(pricer, Relaxable):
            return f"family {first.template!r} has no bounds over boxes of designs"
        limits = [limit.limit for limit in problem.constraints if _is_known(limit)]
        envelope = Envelope(lattice, space.monotone, min(limits, default=inf) * (1 + SLACK))
        _check(envelope, space)
        return cls(problem, evaluator, pricer, envelope)

    def first_axes(self) -> list[int]:
        """Parameters to settle first: those that move a column of `Relaxable.axes`."""
        root = self.envelope.roots().take(np.array([0]))
        found = []
        for axis in self.envelope.free:
            raised = root.lower.copy()
            raised[:, axis] = root.upper[:, axis]
            low, high = (self.envelope.ranges(Boxes(at, at)).least for at in (root.lower, raised))
            if any(low[name][0] != high[name][0] for name in self._pricer.axes):
                found.append(axis)
        return found

    def price(self, boxes: Boxes) -> Priced:
        """Bounds of n boxes; those of the losses are lowered by `SLACK`."""
        asked = [*(each.metric for each in self._objectives), *(each.metric for each in self._limits)]
        ranges, floor = self.envelope.ranges(boxes), self.envelope.floor(boxes.lower)
        most_area_mm2 = self.envelope.floor(boxes.upper).area_mm2
        own = {
            each.name: self._known(each, ranges, floor, asked) | {"area_mm2": (floor.area_mm2, most_area_mm2)}
            for each in self._workloads
        }
        known = {name: _mean(own, name) for name in asked}
        losses = [
            _lowered(known[each.metric][0] if each.goal == "minimize" else -known[each.metric][1])
            for each in self._objectives
        ]
        pruned = [""] * len(boxes)
        for limit in self._limits:
            for row in np.flatnonzero(_broken(limit, *known[limit.metric])).tolist():
                pruned[row] = str(limit)
        unmapped = np.any([np.isinf(each["runs"][0]) for each in own.values()], axis=0)
        for row in np.flatnonzero(unmapped).tolist():
            pruned[row] = UNMAPPED
        return Priced(np.stack(losses, axis=1), tuple(pruned))

    def _known(
        self, workload: Workload, ranges: Ranges, floor: Floor, asked: Sequence[str]
    ) -> dict[str, tuple[Column, Column]]:
        """What is known of one network's metrics; "runs" is infinite where no design can run it."""
        parts = (name.partition(":") for name in asked)
        metrics = {base for base, _, name in parts if name in ("", workload.name)}
        none, any_ = np.zeros(len(ranges)), np.full(len(ranges), inf)
        latency_s = energy_j = edp_js = none
        if "edp_js" in metrics:
            edp_js = self._priced(workload, ranges, "edp")
        if metrics & {"energy_j", "power_w"}:
            energy_j = self._priced(workload, ranges, "energy")
        if metrics & {"latency_s", "utilization"} or not metrics & {"edp_js", "energy_j", "power_w"}:
            latency_s = self._priced(workload, ranges, "latency")
        # Energy is power times latency: within a limit on power it takes time, within one on latency power.
        with np.errstate(invalid="ignore"):  # an infinite energy says nothing about the latency
            latency_s = np.fmax(latency_s, energy_j / self._limit("power_w", workload))
        known = {
            "runs": (np.maximum(np.maximum(latency_s, energy_j), edp_js), any_),
            "latency_s": (latency_s, any_),
            "energy_j": (energy_j, any_),
            "edp_js": (edp_js, any_),
        }
        if "power_w" in metrics:
            with np.errstate(invalid="ignore"):
                power_w = np.fmax(floor.leakage_w, energy_j / self._limit("latency_s", workload))
            known["power_w"] = (power_w, any_)
        if "utilization" in metrics:
            busy = workload.macs / (ranges.peak_macs_per_s[0] * latency_s)
            known["utilization"] = (none, np.minimum(busy, 1.0))
        return known

    def _limit(self, metric: str, workload: Workload) -> float:
        """Upper limit on a metric of one network; infinite where there is none."""
        names = [f"{metric}:{workload.name}", *[metric] * (len(self._workloads) == 1)]
        return min((each.upper for each in self._limits if each.metric in names and each.upper), default=inf)

    def _priced(self, workload: Workload, ranges: Ranges, goal: Goal) -> Column:
        """Latency or energy of the relaxation of each box."""
        columns = self._pricer.relax(ranges, goal)
        keys = [(workload.name, goal, row.tobytes()) for row in np.stack(list(columns.values()), axis=1)]
        new = {key: row for row, key in enumerate(keys) if key not in self._least}
        if new:
            rows = np.array(list(new.values()))
            found = least_totals(
                self._pricer,
                {name: column[rows] for name, column in columns.items()},
                workload,
                goal,
                device=torch.device("cpu"),
                reach=None if goal == "latency" else self._reach,
            )
            self._least.update(zip(new, found.tolist(), strict=True))
            self.num_priced += len(new)
        return np.array([self._least[key] for key in keys])


def _check(envelope: Envelope, space: DesignSpace) -> None:
    """Compare ranges with designs: a space whose `build` was replaced has those of another template.

    Raises:
        ValueError: they do not agree on some point.
    """
    rng, lengths = np.random.default_rng(0), envelope.lattice.whole().lengths[0]
    places = rng.integers(0, lengths, size=(CHECKED, len(lengths)))
    floor = envelope.floor(places)
    for row, point in enumerate(envelope.lattice.points(places)):
        design = space.build(point)
        area_mm2, told = design.total_area_mm2, float(floor.area_mm2[row])
        if not isclose(area_mm2, told, rel_tol=1e-9) or bool(design.violations) == bool(floor.buildable[row]):
            rule = f"`monotone` of space {space.name!r} must describe what its `build` makes"
            raise ValueError(f"{rule}, but {point} has {area_mm2} mm2, and is said to have {told}")


def _is_known(limit: Constraint) -> bool:
    """Whether a limit is kept by boxes being cut, before anything is priced."""
    return limit.metric == "area_mm2" and limit.upper is not None


def _mean(own: Mapping[str, Known], name: str) -> tuple[Column, Column]:
    """Least and most of a metric: of one network, or the geometric mean over all."""
    base, _, workload = name.partition(":")
    if workload or len(own) == 1:
        return own[workload or next(iter(own))][base]
    with np.errstate(divide="ignore"):
        least, most = (np.exp(np.mean([np.log(each[base][end]) for each in own.values()], 0)) for end in (0, 1))
    return least, most


def _lowered(values: Column) -> Column:
    return values * (1.0 - SLACK * np.sign(values))


def _broken(limit: Constraint, least: Column, most: Column) -> NDArray[np.bool_]:
    """Where all values between least and most are beyond the limit."""
    return _lowered(least) > limit.limit if limit.lower is None else -_lowered(-most) < limit.limit
