"""Which trials of very many a report shows: all that it speaks of, and an even sample of the others.

What a report says of a study is then the same as if it had been built from all trials: the recommended one, the
Pareto front, the trade-off's front, every improvement, the list of the best, the frugal alternative are among
those kept, and counts come from a census of all (`Ledger.census`). Only dots and lines are fewer.
"""

import numpy as np

from apollo_dse.problem import non_dominated
from apollo_dse.report.choice import ALMOST, choose, planes, trade_off
from apollo_dse.report.data import TOP_DESIGNS
from apollo_dse.report.document import Goal
from apollo_dse.report.ledger import Ledger, Rows

MOST_ALIKE = 3_000
"""Sampled trials of each fate (feasible, over a limit, unbuildable) at most."""


def kept(ledger: Ledger) -> Rows:
    """Rows to show, in rising order: all of a small study."""
    every = np.arange(len(ledger))
    if len(ledger) <= 2 * MOST_ALIKE:
        return every
    best, feasible = front_rows(ledger), ledger.feasible
    over = ledger.worst_limit() >= 0
    refused = np.setdiff1d(every, ledger.measured)
    rows = [every[-1:], ledger.measured[:1], best, _leaders(ledger, best)]
    rows += [ledger.improvements(objective) for objective in ledger.problem.objectives]
    rows += [_trade_off(ledger, best)]
    rows += [plane_front(ledger, x, y) for x, y, _ in planes(ledger.problem)]
    rows += [thinned(group, MOST_ALIKE) for group in (feasible, np.flatnonzero(over), refused)]
    return np.unique(np.concatenate(rows))


def thinned(rows: Rows, most: int) -> Rows:
    """Every second, fourth, eighth ... of the rows, at most so many: of a study that grows mostly the same."""
    stride = 1
    while len(rows) > most * stride:
        stride *= 2
    return rows[::stride]


def front_rows(ledger: Ledger) -> Rows:
    """The Pareto front; where no trial is feasible, the measured one that breaks the limits least."""
    front = ledger.front()
    if len(front) or not len(ledger.measured):
        return front
    return np.array([np.argmin(ledger.violation())])


def goals(ledger: Ledger) -> tuple[Goal, Goal] | None:
    """The two metrics of the trade-off, x then y (`choice.trade_off`); None: only one was measured."""
    chosen, _ = choose(ledger.problem, [ledger.trial(row) for row in front_rows(ledger).tolist()])
    first = [ledger.trial(row) for row in ledger.measured[:1].tolist()]
    pair = trade_off(ledger.problem, first, chosen)
    return None if pair is None else pair[:2]


def plane_front(ledger: Ledger, x: Goal, y: Goal) -> Rows:
    """Feasible rows that no other beats in both metrics, in rising order of the loss of `x`."""
    sign = {"minimize": 1.0, "maximize": -1.0}
    losses = np.column_stack([sign[goal.goal] * ledger.metric(goal.metric) for goal in (x, y)])
    rows = ledger.feasible
    rows = rows[np.isfinite(losses[rows]).all(axis=1)]
    rows = rows[non_dominated(losses[rows])]
    return rows[np.argsort(losses[rows, 0], kind="stable")]


def _leaders(ledger: Ledger, best: Rows) -> Rows:
    """The best feasible rows beside those of the front, by their losses in turn."""
    others = np.setdiff1d(ledger.feasible, best)
    order = np.lexsort(ledger.losses(others).T[::-1])
    return others[order[:TOP_DESIGNS]]


def _trade_off(ledger: Ledger, best: Rows) -> Rows:
    """The front of the plane that is shown; and the trial almost as good as the best that has least of x."""
    pair, feasible = goals(ledger), ledger.feasible
    if pair is None or not len(feasible):
        return best
    rows = plane_front(ledger, *pair)
    losses = ledger.loss(ledger.problem.objectives[0])[feasible]
    near = feasible[losses <= losses.min() + ALMOST * abs(losses.min())]
    spent = ledger.metric(pair[0].metric)[near]
    return np.append(rows, near[np.argmin(np.where(np.isnan(spent), np.inf, spent))])
