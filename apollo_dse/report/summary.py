"""The report in words: the numbers an architect asks for, before any figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose, prod

from apollo_dse.report.document import (
    Curve,
    Hardware,
    LimitUse,
    Reason,
    Recommendation,
    StudyInfo,
    Summary,
    WorkloadCost,
)
from apollo_dse.report.labels import lowered, metric, metric_text, number, plural, several, words
from apollo_dse.trial import Trial

SLOWEST = 3
DRIFT = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What there is to tell: parts of the report, and the trial behind it."""

    study: StudyInfo
    trials: Sequence[Trial]
    chosen: Trial | None
    rule: str
    recommendation: Recommendation | None
    reasons: tuple[Reason, ...]
    curves: tuple[Curve, ...]
    hardware: Hardware | None
    workloads: tuple[WorkloadCost, ...]
    alternative: str | None


def summarize(told: Told) -> Summary:
    """Headline and sentences; they say so when nothing was tried, measured or feasible."""
    if told.study.trials == 0:
        return Summary(headline="No trials yet, so there is no design to recommend.", sentences=())
    if told.chosen is None or told.recommendation is None:
        return Summary(
            headline=f"None of {plural(told.study.trials, 'trial')} could be built or mapped.",
            sentences=(*_infeasible(told), "Loosen the design space's rules, or choose another space."),
        )
    return Summary(
        headline=_headline(told, told.chosen), sentences=tuple(_sentences(told, told.recommendation))
    )


def structure(hardware: Hardware) -> str:
    """The design's fan-outs in words: `8 × 8 PEs, each of 4 cores of 64 lanes of 4 MACs`."""
    text, single = "", True
    for level in hardware.levels:
        sizes = [size for _, size in level.fanout]
        if sizes:
            many = prod(sizes) > 1
            part = f"{' × '.join(map(str, sizes))} {several(level.child) if many else level.child}"
            text += f"{' of ' if single else ', each of '}{part}" if text else part
            single = not many or ", each of " in text
    return text


def describe(
    study: StudyInfo,
    trial: Trial,
    recommendation: Recommendation | None,
    hardware: Hardware | None,
    workloads: tuple[WorkloadCost, ...],
) -> Summary:
    """A trial that is looked at, recommended or not: what it is, how it keeps the limits, what bounds it."""
    if recommendation is None:
        why = trial.measurement.infeasible_because or ""
        return Summary(headline=f"Trial {trial.number} could not be built or mapped.", sentences=(why,))
    what = f" is {structure(hardware)}" if hardware else ""
    broken = () if recommendation.feasible else (f"It must not be built as it is: {recommendation.reason}.",)
    return Summary(
        headline=f"Trial {trial.number}{what}: {_numbers(study, trial)}.",
        sentences=(*broken, *_limits(recommendation), *map(_bound, workloads)),
    )


def _headline(told: Told, chosen: Trial) -> str:
    design = structure(told.hardware) if told.hardware else f"trial {chosen.number}"
    numbers = _numbers(told.study, chosen)
    if told.recommendation and not told.recommendation.feasible:
        return f"No trial keeps the limits. The one that breaks them least is {design}: {numbers}."
    return f"{'Build' if told.hardware else 'Choose'} {design}: {numbers}."


def _numbers(study: StudyInfo, trial: Trial) -> str:
    """What was asked for, as measured."""
    asked = dict.fromkeys(
        [goal.metric for goal in study.objectives] + [limit.metric for limit in study.constraints]
    )
    values = [(name, trial.measurement.metrics[name]) for name in asked]
    return ", ".join(f"{lowered(metric(name).label)} {metric_text(name, value)}" for name, value in values)


def _sentences(told: Told, recommendation: Recommendation) -> list[str]:
    sentences = [f"It is {told.rule} (number {recommendation.number} of {number(told.study.trials)})."]
    if not recommendation.feasible:
        sentences[0] = f"It must not be built as it is: {recommendation.reason}."
    if len(told.study.workloads) > 1:
        sentences.append(f"Numbers are geometric means over {len(told.study.workloads)} workloads.")
    sentences += _drift(told)
    sentences += _limits(recommendation)
    sentences += [told.alternative] if told.alternative else []
    sentences += [_bound(cost) for cost in told.workloads]
    sentences += _infeasible(told)
    sentences += [_progress(told, curve) for curve in told.curves[:1] if curve.rows]
    return sentences


def _drift(told: Told) -> list[str]:
    """Say so when the breakdown is not that of the measured design, as after a change of the model."""
    measured = told.chosen.measurement.metrics.get("latency_s") if told.chosen else None
    if measured is None or not told.workloads:
        return []
    priced = prod(cost.latency_s for cost in told.workloads) ** (1 / len(told.workloads))
    if isclose(priced, measured, rel_tol=DRIFT):
        return []
    texts = metric_text("latency_s", priced), metric_text("latency_s", measured)
    return [
        f"The breakdown below was priced anew: latency {texts[0]}, where the study had measured {texts[1]}."
    ]


def _limits(recommendation: Recommendation) -> list[str]:
    if not recommendation.limits:
        return ["No limits were set."]
    if recommendation.binding is None:
        nearest = min(recommendation.limits, key=_room)
        label = lowered(metric(nearest.metric).label)
        return [f"No limit binds; the nearest is {label} with {100 * _room(nearest):.2g} % of it left."]
    use = recommendation.limits[recommendation.binding]
    bound, value = metric_text(use.metric, use.bound, 4), metric_text(use.metric, use.value, 4)
    label = metric(use.metric).label
    if use.slack < 0:
        over = f"{value} against a limit of {bound} ({number(round(-100 * _room(use), 1))} % over)"
        return [f"{label} is the worst offender: {over}."]
    return [f"{label} binds: {value} against a limit of {bound}, {100 * _room(use):.2g} % of it left."]


def _room(use: LimitUse) -> float:
    return use.slack / (abs(use.bound) or 1.0)


def _bound(cost: WorkloadCost) -> str:
    shares = [
        f"{100 * share:.0f} % by {lowered(words(bound))}"
        for bound, share in cost.bounds[:SLOWEST]
        if share >= 0.005
    ]
    slowest = max(cost.layers, key=lambda layer: layer.total_latency_s)
    part = slowest.total_latency_s / (cost.latency_s or 1.0)
    only = f"; the slowest layer, {slowest.name}, takes {100 * part:.0f} %" if len(cost.layers) > 1 else ""
    return f"What bounds the latency of {cost.name}: {', '.join(shares)}{only}."


def _infeasible(told: Told) -> list[str]:
    failed = told.study.trials - told.study.feasible
    if failed == 0:
        return [f"All {plural(told.study.trials, 'trial')} were feasible."] if told.study.trials > 1 else []
    share = 100 * failed / told.study.trials
    first = told.reasons[0]
    cause = (
        f"for breaking the limit {lowered(first.text)}"
        if first.kind == "over a limit"
        else f"because {first.text}"
    )
    return [
        f"{number(failed)} of {plural(told.study.trials, 'trial')} were infeasible ({share:.0f} %), "
        f"{number(first.count)} of them {cause}."
    ]


def _progress(told: Told, curve: Curve) -> str:
    last = told.trials[curve.rows[-1]].number
    after = told.study.trials - 1 - last
    label = lowered(metric(curve.metric).label)
    if after == 0:
        return f"The very last trial improved {label}: the search had not settled."
    return f"The best {label} was found at trial {last}; {plural(after, 'later trial')} did not improve it."
