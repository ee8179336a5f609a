"""What all trials of a study came to, as columns: 100,000 of them are looked over in milliseconds.

Rows are trials in the order of their numbers. A ledger grows with its study, a page of outcomes at a time, and
holds no points: those of the trials that are to be shown are read when they are (`apollo_dse.report.thinning`).
Inside, a metric that was not measured is nan; nothing that leaves a ledger is.
"""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from apollo_dse.problem import Constraint, Objective, Problem, non_dominated
from apollo_dse.report.data import Census
from apollo_dse.report.document import Curve
from apollo_dse.report.fate import Alike, Kind, count, listed, over, rule_of, unbuildable
from apollo_dse.storage import Outcome
from apollo_dse.trial import Measurement, Trial

Rows = NDArray[np.intp]
Column = NDArray[np.float64]


class Ledger:
    """The trials of a study as columns.

    Args:
        problem: objectives and limits; nothing is evaluated.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.seconds = 0.0
        self.numbers: Rows = np.empty(0, dtype=np.intp)
        self._measured: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self._metrics: dict[str, Column] = {}
        self._refused: dict[Kind, Alike] = {}
        self._places: dict[Kind, int] = {}  # of `_refused`, in their order
        self._kind: Rows = np.empty(0, dtype=np.intp)  # the kind's place; -1 of a measured trial

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def end(self) -> int:
        """The number from which on trials are not in here."""
        return int(self.numbers[-1]) + 1 if len(self) else 0

    def extend(self, outcomes: Sequence[Outcome]) -> None:
        """Add trials that come after those that are here."""
        before = len(self)
        names = dict.fromkeys(name for outcome in outcomes for name in outcome.metrics)
        for name in dict.fromkeys((*self._metrics, *names)):
            column = self._metrics.get(name, np.full(before, np.nan))
            values = [outcome.metrics.get(name, np.nan) for outcome in outcomes]
            self._metrics[name] = np.append(column, np.array(values, dtype=np.float64))
        self._kind = np.append(self._kind, self._refusals(before, outcomes))
        self._measured = self._kind < 0
        self.numbers = np.append(self.numbers, np.array([each.number for each in outcomes], dtype=np.intp))
        self.seconds += sum(outcome.seconds for outcome in outcomes)

    def _refusals(self, before: int, outcomes: Sequence[Outcome]) -> Rows:
        """The place of each outcome's kind of refusal, which are counted; -1: it was measured [n]."""
        alike: dict[str, list[int]] = {}
        for i, outcome in enumerate(outcomes):
            if outcome.infeasible_because is not None:
                alike.setdefault(rule_of(outcome.infeasible_because), []).append(i)
        found = np.full(len(outcomes), -1, dtype=np.intp)
        for same in alike.values():
            fate = unbuildable(outcomes[same[0]].infeasible_because or "")
            count(self._refused, fate.kind, Alike(before + same[0], fate, len(same)))
            found[same] = self._places.setdefault(fate.kind, len(self._places))
        return found

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what was measured."""
        return tuple(self._metrics)

    def metric(self, name: str) -> Column:
        """A metric [n]; nan where it was not measured."""
        return self._metrics.get(name, np.full(len(self), np.nan))

    def loss(self, objective: Objective) -> Column:
        """As `Objective.loss` [n]."""
        return self.metric(objective.metric) * (1.0 if objective.goal == "minimize" else -1.0)

    def losses(self, rows: Rows) -> Column:
        """As `Problem.losses` of some rows [k, objectives]."""
        return np.column_stack([self.loss(objective)[rows] for objective in self.problem.objectives])

    def violation(self) -> Column:
        """As `Problem.violation` [n]; infinite where nothing was measured."""
        total = np.where(self._measured, 0.0, inf)
        for limit in self.problem.constraints:
            total += np.where(self._measured, self._beyond(limit), 0.0)
        return total

    def _beyond(self, limit: Constraint) -> Column:
        value = self.metric(limit.metric)
        slack = value - limit.limit if limit.upper is None else limit.limit - value
        return np.maximum(0.0, -slack) / (abs(limit.limit) or 1.0)

    @property
    def measured(self) -> Rows:
        """Rows with metrics."""
        return np.flatnonzero(self._measured)

    @property
    def feasible(self) -> Rows:
        """Rows that were measured and keep every limit."""
        return np.flatnonzero(self.violation() == 0.0)

    def trial(self, row: int) -> Trial:
        """A measured trial without its point."""
        found = {name: float(column[row]) for name, column in self._metrics.items()}
        metrics = {name: value for name, value in found.items() if value == value}
        return Trial(int(self.numbers[row]), {}, Measurement(metrics))

    def front(self) -> Rows:
        """As `Problem.pareto_front`, in rows."""
        rows = self.feasible
        return rows[non_dominated(self.losses(rows))]

    def improvements(self, objective: Objective) -> Rows:
        """Feasible rows at which an objective was better than ever before."""
        rows = self.feasible
        losses = self.loss(objective)[rows]
        return rows[losses < np.minimum.accumulate(np.append(inf, losses))[:-1]]

    def curves(self) -> tuple[Curve, ...]:
        """The best value of each objective so far, by the number of the trial."""
        return tuple(self._curve(objective) for objective in self.problem.objectives)

    def _curve(self, objective: Objective) -> Curve:
        rows = self.improvements(objective)
        values = self.metric(objective.metric)[rows].tolist()
        return Curve(metric=objective.metric, rows=tuple(self.numbers[rows].tolist()), values=tuple(values))

    def worst_limit(self) -> Rows:
        """The place of the limit that each row breaks worst; -1: none, or nothing was measured [n]."""
        if not self.problem.constraints:
            return np.full(len(self), -1, dtype=np.intp)
        beyond = np.stack([self._beyond(limit) for limit in self.problem.constraints])
        broken = self._measured & (beyond.max(axis=0) > 0.0)
        return np.where(broken, beyond.argmax(axis=0), -1).astype(np.intp)

    def census(self, rows: Rows) -> Census:
        """What became of all trials, and for which reasons those of `rows` failed."""
        kinds, worst = dict(self._refused), self.worst_limit()
        refusals, limit_kinds = list(self._places), []
        for place, limit in enumerate(self.problem.constraints):
            mine = np.flatnonzero(worst == place)
            first = over(limit, float(self.metric(limit.metric)[mine[0]]) if len(mine) else limit.limit)
            limit_kinds.append(first.kind)
            if len(mine):
                count(kinds, first.kind, Alike(int(mine[0]), first, len(mine)))
        reasons, places = listed(kinds)

        def place_of(row: int) -> int | None:
            if self._kind[row] >= 0:
                return places[refusals[self._kind[row]]]
            return None if worst[row] < 0 else places[limit_kinds[worst[row]]]

        shown = tuple(place_of(row) for row in rows.tolist())
        return Census(len(self), len(self.feasible), reasons, shown)
