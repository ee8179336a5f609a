"""From a study to its `ReportData`: which design to recommend, what limits it, all trials as columns."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from apollo_dse.problem import METRICS, Problem
from apollo_dse.report.choice import alternative, choose, other_fronts, recommendation, trade_off_front
from apollo_dse.report.document import (
    Curve,
    Goal,
    Importance,
    Limit,
    ParameterInfo,
    Reason,
    ReportData,
    StudyInfo,
    TrialTable,
    WorkloadCost,
)
from apollo_dse.report.fate import fate_of, reasons_of
from apollo_dse.report.hardware import PricedDesign, hardware
from apollo_dse.report.importance import importances
from apollo_dse.report.labels import metric, parameter_label
from apollo_dse.report.roofline import workload_cost
from apollo_dse.report.summary import Told, summarize
from apollo_dse.transfer import Account
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Ordinal, Parameter
from search_spaces.space import Point

TOP_DESIGNS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a report says of a study beside its problem and trials.

    `versions` are those of the software, by name; `seconds` is how long its trials took to evaluate. `sources`
    are the priors that the search learned from, `cold` the trials of the same search without them.
    """

    name: str
    space: str
    optimizer: str
    workloads: tuple[str, ...] = ()
    space_reference: str = ""
    seed: int | None = None
    seconds: float | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Account, ...] = ()
    cold: Sequence[Trial] = ()


@dataclass(frozen=True, slots=True)
class Census:
    """What became of all trials of a study, where a report shows some of them only.

    `places` are those of the trials that are shown among the `reasons` (None: feasible).
    """

    trials: int
    feasible: int
    reasons: tuple[Reason, ...]
    places: tuple[int | None, ...]


def build_report(
    problem: Problem,
    trials: Sequence[Trial],
    about: About,
    price: Callable[[Point], PricedDesign | None] | None = None,
    *,
    census: Census | None = None,
    importance: tuple[Importance, ...] | None = None,
) -> ReportData:
    """Everything the page shows of a study.

    Args:
        problem: space, objectives and limits of the study; its `evaluate` is not called.
        trials: in the order of their numbers; all, or those that are to be shown of very many.
        about: the study's name, workloads, optimizer and so on.
        price: prices the recommended point layer by layer (see `pricing`); None, or where it answers with
            None: no block diagram and no layers, as for an evaluator that is not the built-in one.
        census: of all trials, where `trials` are some. What is said of all of them is true when those shown
            include what `apollo_dse.report.thinning` keeps.
        importance: which parameters matter, where that is known; None: it is found out from `trials`.
    """
    rows = {trial.number: row for row, trial in enumerate(trials)}
    census = census or _census(problem, trials)
    reasons = census.reasons
    chosen, rule = choose(problem, trials)
    priced = price(chosen.point) if price is not None and chosen is not None else None
    told = Told(
        study=study_info(problem, about, census.trials, census.feasible),
        trials=trials,
        chosen=chosen,
        rule=rule,
        recommendation=None if chosen is None else recommendation(problem, chosen, rows[chosen.number]),
        reasons=reasons,
        curves=_curves(problem, trials),
        hardware=None if priced is None else hardware(priced.accelerator),
        workloads=workload_costs(priced),
        alternative=None if chosen is None else alternative(problem, trials, chosen),
    )
    names = _metric_names(problem, trials)
    return ReportData(
        study=told.study,
        summary=summarize(told),
        metrics=tuple(metric(name) for name in names),
        parameters=tuple(_parameter(parameter, trials) for parameter in problem.space.parameters),
        trials=_table(problem, trials, names, census.places),
        reasons=reasons,
        convergence=told.curves,
        front=trade_off_front(problem, trials, rows),
        other_fronts=other_fronts(problem, trials, rows),
        importance=importances(problem, trials) if importance is None else importance,
        recommendation=told.recommendation,
        hardware=told.hardware,
        network=None if priced is None else priced.network,
        workloads=told.workloads,
        top=_top(problem, trials, rows),
        sources=about.sources,
        cold=_curves(problem, about.cold) if about.cold else (),
    )


def _census(problem: Problem, trials: Sequence[Trial]) -> Census:
    reasons, places = reasons_of([fate_of(problem, trial) for trial in trials])
    return Census(len(trials), sum(place is None for place in places), reasons, places)


def study_info(problem: Problem, about: About, trials: int, feasible: int) -> StudyInfo:
    """What was asked, of whom, and how many trials came of it."""
    return StudyInfo(
        name=about.name,
        space=about.space,
        space_reference=about.space_reference,
        space_size=problem.space.size,
        workloads=about.workloads,
        objectives=tuple(Goal(metric=o.metric, goal=o.goal) for o in problem.objectives),
        constraints=tuple(Limit(metric=c.metric, lower=c.lower, upper=c.upper) for c in problem.constraints),
        optimizer=about.optimizer,
        seed=about.seed,
        seconds=about.seconds,
        trials=trials,
        feasible=feasible,
        versions=dict(about.versions),
    )


def _metric_names(problem: Problem, trials: Sequence[Trial]) -> tuple[str, ...]:
    """Objectives first, then limited metrics, then the rest that was measured, in the order of `METRICS`."""
    asked = [objective.metric for objective in problem.objectives]
    asked += [constraint.metric for constraint in problem.constraints]
    measured = dict.fromkeys(name for trial in trials for name in trial.measurement.metrics)
    order = {name: place for place, name in enumerate(METRICS)}
    rest = sorted(measured, key=lambda name: (":" in name, order.get(name, len(order))))
    return tuple(dict.fromkeys((*asked, *rest)))


def _parameter(parameter: Parameter, trials: Sequence[Trial]) -> ParameterInfo:
    listed = parameter.values if isinstance(parameter, Ordinal | Categorical) else None
    low = high = None
    log = False
    if not isinstance(parameter, Ordinal | Categorical):
        low, high, log = float(parameter.low), float(parameter.high), parameter.log
    else:
        tried = dict.fromkeys(trial.point[parameter.name] for trial in trials)
        listed = (*parameter.values, *(value for value in tried if value not in parameter.values))
    return ParameterInfo(
        name=parameter.name,
        label=parameter_label(parameter.name, parameter.unit),
        unit="" if parameter.unit == "entries" else parameter.unit,
        values=listed,
        low=low,
        high=high,
        log=log,
    )


def _table(
    problem: Problem, trials: Sequence[Trial], names: Sequence[str], reasons: tuple[int | None, ...]
) -> TrialTable:
    objective = problem.objectives[0]
    return TrialTable(
        number=tuple(trial.number for trial in trials),
        parameters={p.name: _column(p, trials) for p in problem.space.parameters},
        metrics={name: tuple(trial.measurement.metrics.get(name) for trial in trials) for name in names},
        reason=reasons,
        loss=tuple(objective.loss(t) if t.measurement.is_feasible else None for t in trials),
    )


def _column(parameter: Parameter, trials: Sequence[Trial]) -> tuple[float | None, ...]:
    listed = _parameter(parameter, trials).values
    if listed is None:
        return tuple(float(trial.point[parameter.name]) for trial in trials)
    places = {value: place for place, value in enumerate(listed)}
    return tuple(places[trial.point[parameter.name]] for trial in trials)


def _curves(problem: Problem, trials: Sequence[Trial]) -> tuple[Curve, ...]:
    feasible = [(row, trial) for row, trial in enumerate(trials) if problem.feasible(trial)]
    curves = []
    for objective in problem.objectives:
        rows, values, best = [], [], float("inf")
        for row, trial in feasible:
            if objective.loss(trial) < best:
                best = objective.loss(trial)
                rows.append(row)
                values.append(trial.measurement.metrics[objective.metric])
        curves.append(Curve(metric=objective.metric, rows=tuple(rows), values=tuple(values)))
    return tuple(curves)


def workload_costs(priced: PricedDesign | None) -> tuple[WorkloadCost, ...]:
    """A priced design on each workload that it can run."""
    if priced is None:
        return ()
    costs = ((name, cost) for name, cost in priced.costs.items() if cost.feasible)
    return tuple(workload_cost(name, cost, priced.accelerator) for name, cost in costs)


def _top(problem: Problem, trials: Sequence[Trial], rows: Mapping[int, int]) -> tuple[int, ...]:
    """Rows of the best feasible trials: by the objective, or the front first when there are several."""
    feasible = sorted((t for t in trials if problem.feasible(t)), key=problem.losses)
    if len(problem.objectives) > 1:
        front = {trial.number for trial in problem.pareto_front(trials)}
        feasible.sort(key=lambda trial: trial.number not in front)
    return tuple(rows[trial.number] for trial in feasible[:TOP_DESIGNS])
