"""What became of each trial: why the infeasible ones are so, counted by kind."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from apollo_dse.problem import Problem
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
    def kind(self) -> tuple[str, bool]:
        """What alike trials share: the rule with quoted names and numbers left out."""
        return _VARYING.sub("…", self.rule), self.measured


def fate_of(problem: Problem, trial: Trial) -> Fate | None:
    """Why a trial is infeasible: the evaluator's first reason, or the limit it breaks worst; None: feasible.

    A reason's rule ends where its evidence begins (", but ").
    """
    because = trial.measurement.infeasible_because
    if because is not None:
        rule = because.partition("; ")[0].partition(", but ")[0]
        return Fate(rule.replace("`", ""), because, False)
    worst = max(problem.constraints, key=lambda c: c.violation(trial.measurement), default=None)
    if worst is None or worst.violation(trial.measurement) == 0.0:
        return None
    label, sign = metric(worst.metric).label, "≤" if worst.lower is None else "≥"
    value = trial.measurement.metrics[worst.metric]
    rule = f"{label} {sign} {metric_text(worst.metric, worst.limit)}"
    return Fate(rule, f"{rule}, but it is {metric_text(worst.metric, value)}", True)


def reasons_of(fates: Sequence[Fate | None]) -> tuple[tuple[Reason, ...], tuple[int | None, ...]]:
    """Kinds of infeasibility, the most frequent first, and each trial's place among them (None: feasible).

    Rules that differ in names and numbers alone are one kind; beyond `MOST_REASONS` kinds the rest are one.
    """
    kinds: dict[tuple[str, bool], list[Fate]] = {}
    for fate in fates:
        if fate is not None:
            kinds.setdefault(fate.kind, []).append(fate)
    order = sorted(kinds, key=lambda kind: -len(kinds[kind]))
    rest = order[MOST_REASONS - 1 :] if len(order) > MOST_REASONS else []
    shown = order[: len(order) - len(rest)]
    reasons = [_reason(kinds[kind]) for kind in shown]
    if rest:
        count = sum(len(kinds[kind]) for kind in rest)
        example = kinds[rest[0]][0].words
        reasons.append(Reason(text="other reasons", count=count, example=example, kind="unbuildable"))
    places = {kind: place for place, kind in enumerate(shown)} | dict.fromkeys(rest, len(shown))
    return tuple(reasons), tuple(None if fate is None else places[fate.kind] for fate in fates)


def _reason(alike: Sequence[Fate]) -> Reason:
    first = alike[0]
    same = all(fate.rule == first.rule for fate in alike)
    return Reason(
        text=first.rule if same else first.kind[0],
        count=len(alike),
        example=first.words,
        kind="over a limit" if first.measured else "unbuildable",
    )
