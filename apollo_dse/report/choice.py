"""Which trial to recommend, how it stands to the limits, and what trading one metric for another would buy."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import isfinite
from typing import Literal

import numpy as np

from apollo_dse.problem import Constraint, Problem
from apollo_dse.report.document import Front, Goal, LimitUse, Recommendation
from apollo_dse.report.fate import fate_of
from apollo_dse.report.labels import lowered, metric, metric_text
from apollo_dse.trial import Trial

BINDING_ROOM = 0.05
"""A limit binds when the design leaves at most this share of it unused."""

Plane = tuple[Goal, Goal, str]
"""Two metrics to plot against each other, x then y, and why these."""

ALMOST = 0.02
WORTH = 0.1
"""An alternative is worth a sentence when it loses at most `ALMOST` of the objective and saves `WORTH`."""


def choose(problem: Problem, trials: Sequence[Trial]) -> tuple[Trial | None, str]:
    """The trial to recommend, and by which rule.

    One objective: the best feasible trial. Several: the trial of the Pareto front that is closest to the
    ideal point, every loss scaled to 0 .. 1 over the front. None feasible: the measured trial that breaks
    the limits least; None when nothing was measured.
    """
    front = problem.pareto_front(trials)
    if front and len(problem.objectives) == 1:
        return front[0], "the best feasible trial"
    if front:
        losses = np.array([problem.losses(trial) for trial in front])
        spread = np.ptp(losses, axis=0)
        scaled = (losses - losses.min(axis=0)) / np.where(spread > 0, spread, 1.0)
        nearest = int(np.argmin(np.linalg.norm(scaled, axis=1)))
        return front[nearest], "the trial of the Pareto front that is closest to the best of every objective"
    measured = [trial for trial in trials if trial.measurement.is_feasible]
    return min(measured, key=problem.violation, default=None), "the measured trial that breaks the limits least"


def trade_off_front(problem: Problem, trials: Sequence[Trial], rows: Mapping[int, int]) -> Front | None:
    """The plane of the trade-off: the first two objectives, or the objective and what limits or costs it."""
    plane = trade_off(problem, trials, choose(problem, trials)[0])
    return None if plane is None else _front(problem, trials, rows, plane)


def other_fronts(problem: Problem, trials: Sequence[Trial], rows: Mapping[int, int]) -> tuple[Front, ...]:
    """The planes of every other pair of three objectives or more."""
    return tuple(_front(problem, trials, rows, plane) for plane in planes(problem)[1:])


def planes(problem: Problem) -> list[Plane]:
    """Every pair of objectives, x then y, and why; the first is that of the trade-off. None of a single one."""
    goals = [Goal(metric=each.metric, goal=each.goal) for each in problem.objectives]
    note = " (two of the objectives; the others may justify a trial)" if len(goals) > 2 else ""
    return [
        (x, y, f"{_label(y)} against {lowered(_label(x))}{note}: what one costs in the other.")
        for y, x in combinations(goals, 2)
    ]


def _label(goal: Goal) -> str:
    return metric(goal.metric).label


def _front(problem: Problem, trials: Sequence[Trial], rows: Mapping[int, int], plane: Plane) -> Front:
    x, y, why = plane
    sign = {"minimize": 1.0, "maximize": -1.0}
    places = [
        (
            sign[x.goal] * t.measurement.metrics[x.metric],
            sign[y.goal] * t.measurement.metrics[y.metric],
            rows[t.number],
        )
        for t in trials
        if problem.feasible(t) and x.metric in t.measurement.metrics
    ]
    kept, best = [], float("inf")
    for _, loss, row in sorted(places):
        if loss < best:
            best = loss
            kept.append(row)
    return Front(x=x, y=y, rows=tuple(kept), why=why)


def trade_off(problem: Problem, trials: Sequence[Trial], chosen: Trial | None) -> Plane | None:
    """The two metrics to plot against each other, x then y, and why these; None: only one was measured.

    The first two objectives; with one, the limited metric of which `chosen` leaves least; without limits
    area, else energy.
    """
    if len(problem.objectives) > 1:
        return planes(problem)[0]
    measured = next((t.measurement.metrics for t in trials if t.measurement.is_feasible), {})
    first = problem.objectives[0]
    y = Goal(metric=first.metric, goal=first.goal)
    label = metric(y.metric).label
    limits = [c for c in problem.constraints if c.metric != y.metric and c.metric in measured]
    if limits and chosen is not None:
        tightest = min(limits, key=lambda c: c.slack(chosen.measurement) / (abs(c.limit) or 1.0))
        goal: Literal["minimize", "maximize"] = "minimize" if tightest.lower is None else "maximize"
        other = lowered(metric(tightest.metric).label)
        why = f"{label} against {other}, the tightest limit: what moving the limit would buy."
        return Goal(metric=tightest.metric, goal=goal), y, why
    for name in ("area_mm2", "energy_j"):
        if name in measured and name != y.metric:
            why = f"{label} against {lowered(metric(name).label)}, which was not limited."
            return Goal(metric=name, goal="minimize"), y, why
    return None


def recommendation(problem: Problem, trial: Trial, row: int) -> Recommendation:
    """The trial against every limit, and which limit binds."""
    uses = tuple(_use(constraint, trial) for constraint in problem.constraints)
    room = [use.slack / (abs(use.bound) or 1.0) for use in uses]
    fate = fate_of(problem, trial)
    return Recommendation(
        row=row,
        number=trial.number,
        feasible=fate is None,
        reason=None if fate is None else fate.words,
        limits=uses,
        binding=int(np.argmin(room)) if room and min(room) <= BINDING_ROOM else None,
    )


def _use(constraint: Constraint, trial: Trial) -> LimitUse:
    value = trial.measurement.metrics[constraint.metric]
    used = value / constraint.limit if constraint.limit > 0 else None
    return LimitUse(
        metric=constraint.metric,
        side="upper" if constraint.lower is None else "lower",
        bound=constraint.limit,
        value=value,
        slack=constraint.slack(trial.measurement),
        used=used if used is not None and isfinite(used) else None,
    )


def alternative(problem: Problem, trials: Sequence[Trial], chosen: Trial) -> str | None:
    """A sentence about a feasible trial almost as good and much cheaper in the traded metric, if any."""
    pair = trade_off(problem, trials, chosen)
    if (
        pair is None
        or len(problem.objectives) > 1
        or pair[0].goal == "maximize"
        or not problem.feasible(chosen)
    ):
        return None
    objective, cost = problem.objectives[0], pair[0].metric
    best = objective.loss(chosen)
    near = [t for t in trials if problem.feasible(t) and objective.loss(t) <= best + ALMOST * abs(best)]
    frugal = min(near, key=lambda trial: trial.measurement.metrics[cost])
    saved = 1.0 - frugal.measurement.metrics[cost] / chosen.measurement.metrics[cost]
    if saved < WORTH:
        return None
    texts = [metric_text(name, frugal.measurement.metrics[name]) for name in (objective.metric, cost)]
    label = lowered(metric(cost).label)
    less = f"{100 * saved:.0f} % less {label}"
    return f"Almost as good with {less}: trial {frugal.number}, {texts[0]} and {texts[1]}."
