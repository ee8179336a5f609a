"""A prior as the task at hand sees it: points in this space's coordinates, metrics as this task's outcomes.

Parameters are matched by name. What only the other space has is averaged over (the models do not see it), what
only this one has the prior knows nothing about, and all this is said (`Matching`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollo_dse.encoding import Encoding
from apollo_dse.optimizers.bayesian.believer import ranking
from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess, Hyperparameters, Process, fit, learned
from apollo_dse.outcomes import limits, normal_scores, objectives
from apollo_dse.problem import Problem
from apollo_dse.transfer.prior import Prior, unavailable
from apollo_dse.trial import Trial

LEARNED = 128
"""Trials at most that are learned from a prior: the best half and a draw of the others."""


@dataclass(frozen=True, slots=True)
class Matching:
    """How the parameters of another space are matched with those of this one, by name.

    Attributes:
        shared: parameters of both.
        missing: parameters that only this space has: the prior knows nothing about them.
        ignored: parameters that only the other space has: they are averaged over.
        stand_ins: objectives whose metric the prior lacks, and what of its own stands for it.
    """

    shared: tuple[str, ...]
    missing: tuple[str, ...]
    ignored: tuple[str, ...]
    stand_ins: Mapping[str, str]

    def sentences(self) -> list[str]:
        """What is to be known about the matching; nothing where both spaces have the same parameters."""
        found = []
        if self.missing:
            found.append(f"it knows nothing about {', '.join(self.missing)}")
        if self.ignored:
            found.append(f"its {', '.join(self.ignored)} are averaged over")
        found += [f"its {theirs} stands for {ours}" for ours, theirs in self.stand_ins.items()]
        return found


def match(prior: Prior, problem: Problem) -> Matching:
    """How a prior's trials are seen from a problem.

    Raises:
        ValueError: the two share no parameter, or the prior has no metric of an objective.
    """
    ours, theirs = problem.space.names, _names(prior)
    shared = tuple(name for name in ours if name in theirs)
    if not shared:
        got = f"{prior.name!r} has {', '.join(theirs)}, and there are {', '.join(ours)}"
        raise ValueError(f"a prior must share a parameter with the space, but {got}")
    metrics = {name for trial in prior.trials for name in trial.measurement.metrics}
    lacking = [objective for objective in problem.objectives if objective.metric not in metrics]
    stand_ins = {}
    if lacking and len(problem.objectives) == len(prior.problem.objectives) == 1:
        stand_ins[str(lacking[0])] = str(prior.problem.objectives[0])
    elif len(lacking) == len(problem.objectives):
        needed = ", ".join(objective.metric for objective in lacking)
        got = f"{prior.name!r} has {', '.join(sorted(metrics)) or 'none'}"
        raise ValueError(f"a prior must have a metric of an objective ({needed}), but {got}")
    return Matching(
        shared,
        tuple(name for name in ours if name not in theirs),
        tuple(name for name in theirs if name not in ours),
        stand_ins,
    )


def _names(prior: Prior) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for trial in prior.trials for name in trial.point))


def seen_as(prior: Prior, problem: Problem, matching: Matching) -> Problem:
    """The problem that this one would have been on the prior's trials: objectives and limits that they have."""
    metrics = {name for trial in prior.trials for name in trial.measurement.metrics}
    stand_ins = {str(each): each for each in prior.problem.objectives}
    ours = [
        stand_ins[matching.stand_ins[str(each)]] if str(each) in matching.stand_ins else each
        for each in problem.objectives
    ]
    return Problem(
        space=prior.problem.space,
        objectives=tuple(each for each in ours if each.metric in metrics),
        constraints=tuple(each for each in problem.constraints if each.metric in metrics),
        evaluate=unavailable,
    )


def nearest(encoding: Encoding, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows [n, p] of this space nearest to foreign ones [n, p]; what is unknown is in the middle."""
    middle = np.where(np.isnan(rows) | (encoding.is_categorical & (rows < 0)), encoding.ends / 2, rows)
    rounded = np.where(np.isinf(encoding.counts), middle, np.round(middle))
    return np.clip(rounded, 0.0, encoding.ends)


def as_known(
    trials: Sequence[Trial], rows: NDArray[np.float64], problem: Problem, encoding: Encoding
) -> tuple[Trial, ...]:
    """The trials with those metrics that the problem knows of their points before a trial is spent.

    In another technology a design has another area. Trials whose point is none of the problem's space,
    or is known not to run here, stay as they are.

    Args:
        trials: of a prior.
        rows: [n, p] their coordinates in this space.
        problem: the task at hand.
        encoding: of its points.
    """
    found = list(trials)
    if problem.preview is None:
        return tuple(found)
    ran = np.array([trial.measurement.is_feasible for trial in trials], dtype=bool)
    numbers = np.flatnonzero(ran & (rows == nearest(encoding, rows)).all(axis=1)).tolist()
    points = dict(zip(numbers, encoding.points(rows[numbers]), strict=True))
    inside = {number: point for number, point in points.items() if problem.space.allows(point)}
    for number, known in zip(inside, problem.preview(list(inside.values())), strict=True):
        measured = found[number].measurement
        news = {name: value for name, value in known.metrics.items() if name in measured.metrics}
        if any(measured.metrics[name] != value for name, value in news.items()):
            metrics = {**measured.metrics, **news}
            found[number] = replace(found[number], measurement=replace(measured, metrics=metrics))
    return tuple(found)


class Source:
    """What a prior teaches about a problem's outcomes.

    Args:
        prior: where the trials are from.
        problem: the task at hand.
        encoding: of its points.
        seed: of the draw of trials that are learned, where there are too many.
        by_rank: whether objectives are seen by their ranks alone (`normal_scores`).

    Attributes:
        matching: how the spaces are matched.
        view: the problem as the prior's trials can answer it.
        rows: [n, p] coordinates of the trials, `Encoding.foreign_rows`.
        trials: those of the prior, `as_known` here.
        order: [n] numbers of the trials, the best first, as `view` ranks them.

    Raises:
        ValueError: as `match`.
    """

    def __init__(
        self, prior: Prior, problem: Problem, encoding: Encoding, seed: int = 0, *, by_rank: bool = False
    ) -> None:
        self.prior = prior
        self.matching = match(prior, problem)
        self.view = seen_as(prior, problem, self.matching)
        self.rows = encoding.foreign_rows([trial.point for trial in prior.trials])
        self.trials = as_known(prior.trials, self.rows, problem, encoding)
        self.order = ranking(self.view, self.trials)
        self.columns = _columns(encoding, self.matching.shared)
        self._features = torch.from_numpy(np.nan_to_num(encoding.features(self.rows), nan=0.5))
        self._seed = seed
        names = {theirs: ours for ours, theirs in self.matching.stand_ins.items()}
        goals = objectives(self.view, self.trials)
        found = [*(map(normal_scores, goals) if by_rank else goals), *limits(self.view, self.trials)]
        self.outcomes = {names.get(each.name, each.name): each for each in found}

    def process(self, name: str) -> "SourceProcess":
        """The Gaussian process of an outcome that the source has."""
        outcome, (x, y) = self.outcomes[name], self.data(name)
        columns = torch.from_numpy(self.columns)
        process = GaussianProcess(x[:, columns], y, fit(x[:, columns], y))
        return SourceProcess(process, columns, outcome.centre, outcome.scale)

    def data(self, name: str, most: int = LEARNED) -> tuple[Tensor, Tensor]:
        """Features [n, d] and standardized values [n] that are learned of an outcome, of `most` trials at most.

        Features that the source does not have are in the middle.
        """
        outcome = self.outcomes[name]
        stream = np.random.default_rng([self._seed, len(self.trials)])
        places = learned(outcome, self.order, most, stream)
        return self._features[outcome.numbers[places]], torch.from_numpy(outcome.values[places])

    @property
    def failed(self) -> Tensor:
        """Features [k, d] of the trials that did not run."""
        ran = torch.tensor([trial.measurement.is_feasible for trial in self.trials])
        return self._features[~ran]


class Explains(Process, Protocol):
    """What another task says of an outcome: standardized values; `centre` and `scale` make them raw."""

    @property
    def centre(self) -> float:
        """Raw value of a standardized 0."""

    @property
    def scale(self) -> float:
        """Raw difference of a standardized 1."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A process of standardized values in their raw unit, `shift + scale * value`."""

    process: Process
    scale: float
    shift: float

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the raw values at features [m, d]."""
        mean, variance = self.process.posterior(x)
        return self.shift + self.scale * mean, self.scale**2 * variance

    def believing(self, x: Tensor) -> "Raw":
        """This process once the values at features [m, d] had come out as its own mean says."""
        return replace(self, process=self.process.believing(x))


@dataclass(frozen=True, slots=True)
class SourceProcess:
    """A process of standardized values that sees only some columns of the features.

    `centre` and `scale` make its values raw again (`Outcome`).
    """

    process: GaussianProcess
    columns: Tensor
    centre: float
    scale: float

    @property
    def hyperparameters(self) -> Hyperparameters:
        """Those of the process, over its own columns."""
        return self.process.hyperparameters

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the standardized values at features [m, d]."""
        return self.process.posterior(x[:, self.columns])

    def believing(self, x: Tensor) -> "SourceProcess":
        """This process once the values at features [m, d] had come out as its own mean says."""
        return replace(self, process=self.process.believing(x[:, self.columns]))


def _columns(encoding: Encoding, shared: Sequence[str]) -> NDArray[np.int64]:
    """Which features follow from shared parameters alone."""
    known = [each.name in shared for each in encoding.parameters]
    return np.flatnonzero([all(known[place] for place in owners) for owners in encoding.owners])
