"""What became of each trial: why the infeasible ones are so, counted by kind."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from apollo_dse.problem import Problem
from apollo_dse.report.document import Reason
from apollo_dse.report.labels import metric, metric_text
from apollo_dse.trial import Trial

MOST_REASONS = 12


@dataclass(frozen=True, slots=True)
class Fate:
    """Why a trial is infeasible: the rule, the full words, and whether it was measured."""

    rule: str
    words: str
    measured: bool


def fate_of(problem: Problem, trial: Trial) -> Fate | None:
    """Why a trial is infeasible: the evaluator's reason, or the limit that it breaks worst; None: feasible."""
    because = trial.measurement.infeasible_because
    if because is not None:
        return Fate(because.partition(", but ")[0].replace("`", ""), because, False)
    worst = max(problem.constraints, key=lambda c: c.violation(trial.measurement), default=None)
    if worst is None or worst.violation(trial.measurement) == 0.0:
        return None
    label, sign = metric(worst.metric).label, "≤" if worst.lower is None else "≥"
    value = trial.measurement.metrics[worst.metric]
    rule = f"{label} {sign} {metric_text(worst.metric, worst.limit)}"
    return Fate(rule, f"{rule}, but it is {metric_text(worst.metric, value)}", True)


def reasons_of(fates: Sequence[Fate | None]) -> tuple[Reason, ...]:
    """Kinds of infeasibility, the most frequent first; beyond `MOST_REASONS` the rest in one."""
    counts: Counter[tuple[str, bool]] = Counter()
    examples: dict[tuple[str, bool], str] = {}
    for fate in fates:
        if fate is not None:
            counts[fate.rule, fate.measured] += 1
            examples.setdefault((fate.rule, fate.measured), fate.words)
    found = [
        Reason(text=rule, count=count, example=examples[rule, measured],
               kind="over a limit" if measured else "unbuildable")
        for (rule, measured), count in counts.most_common()
    ]  # fmt: skip
    if len(found) <= MOST_REASONS:
        return tuple(found)
    kept = [r for r in found[: MOST_REASONS - 1] if r.kind == "unbuildable"]
    kept += [r for r in found if r.kind == "over a limit"]
    kept.sort(key=lambda reason: -reason.count)
    rest = sum(r.count for r in found) - sum(r.count for r in kept)
    other = Reason(text="other reasons", count=rest, example="each rarer than the others", kind="unbuildable")
    return (*kept, other)
