"""A study in a few numbers and two lines: enough for its card, and for a picture of several studies."""

from dataclasses import dataclass

from apollo_dse.problem import Problem
from apollo_dse.report import About
from apollo_dse.report.data import study_info
from apollo_dse.report.document import Curve, Goal, Metric, StudyInfo
from apollo_dse.report.labels import metric
from apollo_dse.report.ledger import Ledger
from apollo_dse.report.thinning import goals, plane_front


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFront:
    """The front of a plane of two metrics: trials by number, and their values in rising loss of `x`."""

    x: Goal
    y: Goal
    numbers: tuple[int, ...]
    xs: tuple[float, ...]
    ys: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What was asked, the best of each objective so far by trial number (`curves`), and one front.

    `last` is the number of the last trial; None: there is none yet.
    """

    study: StudyInfo
    metrics: tuple[Metric, ...]
    last: int | None
    curves: tuple[Curve, ...]
    front: PlaneFront | None


def outline(problem: Problem, ledger: Ledger, about: About, plane: tuple[Goal, Goal] | None = None) -> Outline:
    """The outline of a study.

    Args:
        problem: of the study.
        ledger: its trials.
        about: its name and so on.
        plane: two metrics, x then y; None: those of the report's trade-off.
    """
    plane = plane or goals(ledger)
    names = [each.metric for each in (*problem.objectives, *problem.constraints, *(plane or ()))]
    return Outline(
        study=study_info(problem, about, len(ledger), len(ledger.feasible)),
        metrics=tuple(map(metric, dict.fromkeys(names))),
        last=ledger.end - 1 if len(ledger) else None,
        curves=ledger.curves(),
        front=None if plane is None else _front(ledger, *plane),
    )


def _front(ledger: Ledger, x: Goal, y: Goal) -> PlaneFront:
    rows = plane_front(ledger, x, y)
    numbers, xs, ys = (
        each[rows].tolist() for each in (ledger.numbers, *map(ledger.metric, (x.metric, y.metric)))
    )
    return PlaneFront(x=x, y=y, numbers=tuple(numbers), xs=tuple(xs), ys=tuple(ys))
