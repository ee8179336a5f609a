"""What became of each trial: why the infeasible ones are so, counted by kind."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from apollo_dse.problem import Constraint, Problem
from apollo_dse.report.document import Reason
from apollo_dse.report.labels import metric, metric_text
from apollo_dse.trial import Trial

MOST_REASONS = 12
_VARYING = re.compile(r"(?<!\w)'[^']*'(?!\w)|\d+(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Fate:
    """Why a trial is infeasible: the rule, the full words, and whether it was measured."""

    rule: str
    words: str
    measured: bool

    @property
    def kind(self) -> "Kind":
        """What alike trials share: the rule with quoted names and numbers left out."""
        return _without_evidence(self.rule), self.measured


@lru_cache(4096)
def _without_evidence(rule: str) -> str:
    return _VARYING.sub("…", rule)


def fate_of(problem: Problem, trial: Trial) -> Fate | None:
    """Why a trial is infeasible: the evaluator's first reason, or the limit it breaks worst; None: feasible."""
    because = trial.measurement.infeasible_because
    if because is not None:
        return unbuildable(because)
    worst = max(problem.constraints, key=lambda c: c.violation(trial.measurement), default=None)
    if worst is None or worst.violation(trial.measurement) == 0.0:
        return None
    return over(worst, trial.measurement.metrics[worst.metric])


def unbuildable(because: str) -> Fate:
    """Of a trial that an evaluator refused."""
    return Fate(rule_of(because), because, False)


def rule_of(because: str) -> str:
    """The rule of an evaluator's first reason, which ends where its evidence begins (", but ")."""
    return because.partition("; ")[0].partition(", but ")[0].replace("`", "")


def over(limit: Constraint, value: float) -> Fate:
    """Of a trial whose metric breaks a limit."""
    label, sign = metric(limit.metric).label, "≤" if limit.lower is None else "≥"
    rule = f"{label} {sign} {metric_text(limit.metric, limit.limit)}"
    return Fate(rule, f"{rule}, but it is {metric_text(limit.metric, value)}", True)


@dataclass(slots=True)
class Alike:
    """Trials infeasible in the same kind: how many, the first one's row and fate, whether all have its rule."""

    row: int
    first: Fate
    count: int = 1
    same: bool = True

    def __add__(self, other: "Alike") -> "Alike":
        """Both together."""
        early, late = (self, other) if self.row <= other.row else (other, self)
        same = early.same and late.same and early.first.rule == late.first.rule
        return Alike(early.row, early.first, early.count + late.count, same)


Kind = tuple[str, bool]
Kinds = Mapping[Kind, Alike]


def reasons_of(fates: Sequence[Fate | None]) -> tuple[tuple[Reason, ...], tuple[int | None, ...]]:
    """Kinds of infeasibility, the most frequent first, and each trial's place among them (None: feasible).

    Rules that differ in names and numbers alone are one kind; beyond `MOST_REASONS` kinds the rest are one.
    """
    kinds: dict[Kind, Alike] = {}
    for row, fate in enumerate(fates):
        if fate is not None:
            count(kinds, fate.kind, Alike(row, fate))
    reasons, places = listed(kinds)
    return reasons, tuple(None if fate is None else places[fate.kind] for fate in fates)


def count(kinds: dict[Kind, Alike], kind: Kind, alike: Alike) -> None:
    """Add trials to those of their kind."""
    kinds[kind] = kinds[kind] + alike if kind in kinds else alike


def listed(kinds: Kinds) -> tuple[tuple[Reason, ...], Mapping[Kind, int]]:
    """The reasons to show, the most frequent first, and each kind's place among them."""
    order = sorted(kinds, key=lambda kind: (-kinds[kind].count, kinds[kind].row))
    rest = order[MOST_REASONS - 1 :] if len(order) > MOST_REASONS else []
    shown = order[: len(order) - len(rest)]
    reasons = [_reason(kind, kinds[kind]) for kind in shown]
    if rest:
        together = sum(kinds[kind].count for kind in rest)
        example = kinds[rest[0]].first.words
        reasons.append(Reason(text="other reasons", count=together, example=example, kind="unbuildable"))
    return tuple(reasons), {kind: place for place, kind in enumerate(shown)} | dict.fromkeys(rest, len(shown))


def _reason(kind: Kind, alike: Alike) -> Reason:
    return Reason(
        text=alike.first.rule if alike.same else kind[0],
        count=alike.count,
        example=alike.first.words,
        kind="over a limit" if alike.first.measured else "unbuildable",
    )
