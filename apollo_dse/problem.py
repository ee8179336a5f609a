"""What is asked: objectives and limits over the metrics of an evaluator, in a search space.

Two signs hold everywhere: a loss is better when smaller, and a slack is feasible when >= 0.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from apollo_dse.trial import Measurement, Trial
from search_spaces.quantity import nearest_name
from search_spaces.space import Point, SearchSpace

Goal = Literal["minimize", "maximize"]

Evaluate = Callable[[Sequence[Point]], Sequence[Measurement]]
"""The world: one measurement a point, in order."""

Elasticities = Mapping[str, Mapping[str, float]]
"""By metric and parameter: per cent that the metric rises by for a per cent more of the parameter."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A quantity that evaluators report: its SI unit, the short name people may type, which way is better.

    `scales` gives each unit that a limit may be written in, as a factor to the SI unit.
    """

    name: str
    unit: str
    alias: str
    goal: Goal
    description: str
    scales: Mapping[str, float]


def _prefixed(unit: str) -> dict[str, float]:
    """`unit` with the SI prefixes, the two spellings of micro included."""
    prefixes = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6, "μ": 1e-6, "n": 1e-9, "p": 1e-12}
    return {prefix + unit: factor for prefix, factor in prefixes.items()}


_AREAS = {
    f"{length}m{power}": scale for length, scale in (("m", 1.0), ("c", 1e2), ("u", 1e-6)) for power in "2²"
}
_AREAS |= {f"{length}m^2": _AREAS[f"{length}m2"] for length in "mcu"}

_SHARES = {"": 1.0, "%": 0.01}

ACCURACY = "accuracy"
"""The one metric here that belongs to a network, whatever it runs on."""

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("latency_s", "s", "latency", "minimize", "time of one inference", _prefixed("s")),
        Metric("energy_j", "J", "energy", "minimize", "energy of one inference", _prefixed("J")),
        Metric("edp_js", "Js", "edp", "minimize", "energy times latency of one inference", _prefixed("Js")),
        Metric("area_mm2", "mm2", "area", "minimize", "silicon area of the accelerator", _AREAS),
        Metric("power_w", "W", "power", "minimize", "energy over latency, leakage included", _prefixed("W")),
        Metric(
            "steady_latency_s",
            "s",
            "steady_latency",
            "minimize",
            "time of one inference in a stream, parameters on chip as far as they fit",
            _prefixed("s"),
        ),
        Metric(
            "steady_energy_j",
            "J",
            "steady_energy",
            "minimize",
            "energy of one inference in a stream",
            _prefixed("J"),
        ),
        Metric("utilization", "", "utilization", "maximize", "busy share of all MAC-cycles", _SHARES),
        Metric(ACCURACY, "", "accuracy", "maximize", "share of inputs that the network gets right", _SHARES),
    )
}
"""Metrics by name: those of the built-in evaluator, of the steady state where asked for, and accuracy.

With several workloads each is the geometric mean, and `NAME:WORKLOAD` is that of one.
"""


Metrics = Sequence[str] | Literal["any"] | None
"""Names of metrics that there are; `any`: an evaluator's own, whatever they are; None: those of `METRICS`."""

ALIASES: Mapping[str, str] = {metric.alias: metric.name for metric in METRICS.values()}


def resolve_metric(text: str, metrics: Metrics = None) -> str:
    """Name of the metric that people mean: `latency` is `latency_s`, `latency:resnet50` `latency_s:resnet50`.

    Args:
        text: a metric's name or alias; behind a colon, perhaps, a workload.
        metrics: names that there are; by default those of `METRICS`, each for any workload.

    Raises:
        ValueError: there is none of that name; the message has the nearest.
    """
    base, colon, workload = (part.strip() for part in text.strip().partition(":"))
    name = ALIASES.get(base, base) + colon + workload
    if metrics == "any" or name in (METRICS if metrics is None else metrics):
        return name
    if metrics is None and ALIASES.get(base, base) in METRICS and workload:
        return name
    candidates = tuple(METRICS if metrics is None else metrics)
    known = (*(alias for alias, meant in ALIASES.items() if meant in candidates), *candidates)
    raise ValueError(
        f"a metric must be one of {', '.join(candidates)}, but got {text!r}{nearest_name(text, known)}"
    )


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to be minimized or maximized.

    Raises:
        ValueError: the goal is neither.
    """

    metric: str
    goal: Goal = "minimize"

    def __post_init__(self) -> None:
        if self.goal not in get_args(Goal):
            raise ValueError(f"a goal must be one of {', '.join(get_args(Goal))}, but got {self.goal!r}")

    @classmethod
    def parse(cls, text: str, metrics: Metrics = None) -> "Objective":
        """Objective of a text: `latency`, `edp:resnet50`, `maximize:utilization`.

        Without a goal it is the customary one of the metric. `metrics` are as in `resolve_metric`.

        Raises:
            ValueError: no such metric; the message has the nearest.
        """
        head, _, tail = text.partition(":")
        if head.strip() == "minimize" or head.strip() == "maximize":
            return cls(resolve_metric(tail, metrics), "minimize" if head.strip() == "minimize" else "maximize")
        name = resolve_metric(text, metrics)
        metric = METRICS.get(name.partition(":")[0])
        return cls(name, metric.goal if metric else "minimize")

    def loss(self, trial: Trial) -> float:
        """The metric of `trial`, negated when it is to be maximized: smaller is better, always.

        Raises:
            ValueError: the trial was not measured, or not this metric.
        """
        value = _value(trial.measurement, self.metric)
        return value if self.goal == "minimize" else -value

    def __str__(self) -> str:
        return f"{self.goal}:{self.metric}"


_CONSTRAINT = re.compile(
    r"(?P<metric>[^<>=]+)(?P<sign><=|>=|<|>)\s*"
    r"(?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*(?P<unit>[^\s0-9<>=][^\s<>=]*)?"
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A limit on a metric: an upper or a lower one, itself allowed, in the metric's SI unit.

    `known` says that the metric follows from the point alone (area does), before anything is evaluated.

    Raises:
        ValueError: not exactly one limit is given, or it is not finite.
    """

    metric: str
    upper: float | None = None
    lower: float | None = None
    known: bool = False

    def __post_init__(self) -> None:
        given = [limit for limit in (self.upper, self.lower) if limit is not None]
        if len(given) != 1 or not isfinite(given[0]):
            got = f"{self.metric!r} has upper={self.upper}, lower={self.lower}"
            raise ValueError(f"a constraint must have one finite limit, upper or lower, but {got}")

    @classmethod
    def parse(cls, text: str, metrics: Metrics = None) -> "Constraint":
        """Constraint of a text: `area<=20`, `latency <= 5 ms`, `power<=2W`, `utilization>=50%`.

        A number without a unit is in the metric's own. `<` and `>` mean `<=` and `>=`: a measured quantity
        has no neighbour to stop at. `metrics` are as in `resolve_metric`; limits on area are `known`.

        Raises:
            ValueError: it is no such text, or no such metric or unit; the message has the nearest.
        """
        match = _CONSTRAINT.fullmatch(text.strip())
        if match is None:
            rule = "a constraint must read METRIC <= NUMBER or METRIC >= NUMBER (as in area<=20mm2)"
            raise ValueError(f"{rule}, but got {text!r}")
        name = resolve_metric(match["metric"], metrics)
        metric = METRICS.get(name.partition(":")[0])
        scales = metric.scales if metric else {"": 1.0}
        unit = match["unit"] or (metric.unit if metric else "")
        if unit not in scales:
            hint = nearest_name(unit, tuple(scales))
            raise ValueError(f"`{name}` must be limited in {', '.join(scales)}, but got {unit!r}{hint}")
        limit = float(match["number"]) * scales[unit]
        known = name.partition(":")[0] == "area_mm2"
        if match["sign"].startswith("<"):
            return cls(name, upper=limit, known=known)
        return cls(name, lower=limit, known=known)

    @property
    def limit(self) -> float:
        """The limit, upper or lower."""
        limit = self.lower if self.upper is None else self.upper
        assert limit is not None
        return limit

    def slack(self, measurement: Measurement) -> float:
        """Room left to the limit, in the metric's unit: >= 0 is feasible, always.

        Raises:
            ValueError: there are no metrics, or not this one.
        """
        value = _value(measurement, self.metric)
        return value - self.limit if self.upper is None else self.limit - value

    def violation(self, measurement: Measurement) -> float:
        """How far `measurement` is beyond the limit, as a share of the limit; 0 within it.

        A limit of zero counts in the metric's unit.

        Raises:
            ValueError: there are no metrics, or not this one.
        """
        return max(0.0, -self.slack(measurement)) / (abs(self.limit) or 1.0)

    def __str__(self) -> str:
        return f"{self.metric}{'>=' if self.upper is None else '<='}{self.limit!r}"


_EVIDENCE = re.compile(", but |: ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A search space, what is wanted, within which limits, and the world that answers.

    `preview`, if there is one, says at next to no cost what follows from points alone: one measurement a point,
    in order, with the metrics of all `known` constraints, or the reason why the design cannot be built. It must
    say what `evaluate` would; optimizers use it to spend no trial on points that are known to fail.

    `remedies` names, for a resource that `Measurement.bottlenecks` may name, the parameters whose larger values
    give more of it, or need less.

    `slopes`, if there is one, answers for points, in order, with the elasticities of metrics in numeric
    parameters; without any for a point whose design cannot be built. They are no preview: a point's slopes take
    as much work as an evaluation or more, and whoever compares optimizers counts them as one.

    `starts` are points that a study tries before it asks an optimizer for any.

    Raises:
        ValueError: there is no objective, or one metric has two, or a remedy is no parameter of the space.
    """

    space: SearchSpace
    objectives: tuple[Objective, ...]
    evaluate: Evaluate
    constraints: tuple[Constraint, ...] = ()
    preview: Evaluate | None = None
    remedies: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    slopes: Callable[[Sequence[Point]], Sequence[Elasticities]] | None = None
    starts: tuple[Point, ...] = field(default=(), hash=False)

    def __post_init__(self) -> None:
        if not self.objectives:
            raise ValueError("a problem must have at least one objective, but it has none")
        metrics = [objective.metric for objective in self.objectives]
        if len(set(metrics)) < len(metrics):
            raise ValueError(f"objectives must have distinct metrics, but got {', '.join(metrics)}")
        for name in dict.fromkeys(name for names in self.remedies.values() for name in names):
            self.space.parameter(name)

    def feasible(self, trial: Trial) -> bool:
        """Whether `trial` was measured and keeps every limit."""
        return self.violation(trial) == 0.0

    def violation(self, trial: Trial) -> float:
        """Sum over the limits of the relative violation; 0: feasible; infinite: there are no metrics.

        Raises:
            ValueError: the trial was measured, but not a limited metric.
        """
        if not trial.measurement.is_feasible:
            return inf
        return sum(constraint.violation(trial.measurement) for constraint in self.constraints)

    def known_violations(self, points: Sequence[Point]) -> list[float]:
        """As `violation` of each of the `n` points [n], of what is known before a trial is spent; else 0.

        Raises:
            ValueError: the preview lacks the metric of a known constraint.
        """
        if self.preview is None:
            return [0.0] * len(points)
        known = [constraint for constraint in self.constraints if constraint.known]
        return [
            sum(constraint.violation(measurement) for constraint in known) if measurement.is_feasible else inf
            for measurement in self.preview(points)
        ]

    def losses(self, trial: Trial) -> tuple[float, ...]:
        """Loss of each objective.

        Raises:
            ValueError: the trial was not measured, or not one of the objectives' metrics.
        """
        return tuple(objective.loss(trial) for objective in self.objectives)

    def incumbent(self, trials: Sequence[Trial]) -> Trial | None:
        """The first of the best feasible trials; None when none is feasible (`reasons` says why).

        Raises:
            ValueError: there are several objectives, so that "best" is a `pareto_front`.
        """
        if len(self.objectives) > 1:
            got = ", ".join(map(str, self.objectives))
            raise ValueError(f"an incumbent needs a single objective, but got {got}; ask for the Pareto front")
        return min(filter(self.feasible, trials), key=self.losses, default=None)

    def pareto_front(self, trials: Sequence[Trial]) -> list[Trial]:
        """Feasible trials that no feasible trial dominates, in the order of `trials`; of equals the first.

        One trial dominates another when no loss of it is larger and one is smaller.
        """
        feasible = [trial for trial in trials if self.feasible(trial)]
        if not feasible:
            return []
        losses = np.array([self.losses(trial) for trial in feasible])
        kept = non_dominated(losses).tolist()
        return [trial for trial, keep in zip(feasible, kept, strict=True) if keep]

    def reasons(self, trials: Sequence[Trial]) -> dict[str, int]:
        """How often each reason kept a trial from being feasible, the most frequent first.

        A broken limit counts as itself (`area_mm2<=20.0`). Of an evaluator's reasons, joined by "; ", each
        counts by its rule, which ends where the evidence begins (", but " or ": ").
        """
        counts: Counter[str] = Counter()
        for trial in trials:
            because = trial.measurement.infeasible_because
            if because is not None:
                rules = (_EVIDENCE.split(reason, maxsplit=1)[0] for reason in because.split("; "))
                counts.update(dict.fromkeys(rules, 1))
            else:
                broken = (limit for limit in self.constraints if limit.slack(trial.measurement) < 0)
                counts.update(map(str, broken))
        return dict(counts.most_common())


def _value(measurement: Measurement, metric: str) -> float:
    if metric in measurement.metrics:
        return float(measurement.metrics[metric])
    if measurement.infeasible_because is not None:
        raise ValueError(
            f"only a feasible trial has {metric!r}, but it is infeasible: {measurement.infeasible_because}"
        )
    names = tuple(measurement.metrics)
    raise ValueError(f"{metric!r} must be measured, but got {', '.join(names)}{nearest_name(metric, names)}")


_ROWS = 256


def non_dominated(losses: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of the rows [n, m] no other row dominates; of equal rows the first is kept.

    In rising order of the losses, the first one first, a row can only be dominated by one before it: two
    losses are one sweep, more are compared with the front so far, `_ROWS` at a time.
    """
    kept = np.zeros(len(losses), dtype=np.bool_)
    order = np.lexsort(losses.T[::-1])
    if losses.shape[1] <= 2:
        last = losses[order, 1] if losses.shape[1] == 2 else np.zeros(len(order))
        kept[order[last < np.minimum.accumulate(np.append(inf, last))[:-1]]] = True
        return kept
    front = losses[:0]
    for start in range(0, len(order), _ROWS):
        rows = order[start : start + _ROWS]
        rows = rows[~_reached(losses[rows], front).any(axis=1)]
        rows = rows[~np.tril(_reached(losses[rows], losses[rows]), -1).any(axis=1)]
        kept[rows] = True
        front = np.concatenate((front, losses[rows]))
    return kept


def _reached(rows: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each of the rows [n, m] is no better in any loss than each of the others [k, m]: [n, k]."""
    return np.asarray(np.all(others[None, :, :] <= rows[:, None, :], axis=2))
