"""What the surrogates learn from trials: losses, room to the limits, and whether a design ran at all.

Losses and excesses are transformed so that equal ratios are equal differences, as far as their signs allow;
limits keep their sign: at most 0 is feasible. Every outcome is standardized over its own trials.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from apollo_dse.problem import Constraint, Problem
from apollo_dse.trial import Trial


@dataclass(frozen=True, slots=True)
class Outcome:
    """One quantity that trials have: of trials `numbers` [n] the standardized `values` [n].

    They are `(raw - centre) / scale`.
    """

    name: str
    numbers: NDArray[np.int64]
    values: NDArray[np.float64]
    centre: float
    scale: float

    @classmethod
    def of(cls, name: str, numbers: Sequence[int], raw: NDArray[np.float64]) -> "Outcome":
        """Standardize the values [n], at least one, of the trials `numbers`; alike ones are only centred."""
        mean, spread = float(raw.mean()), float(raw.std())
        scale = spread if spread > 1e-9 * max(1.0, abs(mean)) else 1.0
        return cls(name, np.asarray(numbers, dtype=np.int64), (raw - mean) / scale, mean, scale)

    @property
    def threshold(self) -> float:
        """The standardized 0: of a limit's outcome, values up to it are feasible."""
        return -self.centre / self.scale

    @property
    def raw(self) -> NDArray[np.float64]:
        """The values [n] before they were standardized."""
        return self.centre + self.scale * self.values


def objectives(problem: Problem, trials: Sequence[Trial]) -> list[Outcome]:
    """The tamed loss of each objective over the trials that have its metric; none where no trial has."""
    found = []
    for objective in problem.objectives:
        numbers = [row for row, trial in enumerate(trials) if objective.metric in trial.measurement.metrics]
        if numbers:
            losses = np.array([objective.loss(trials[row]) for row in numbers], dtype=np.float64)
            found.append(Outcome.of(str(objective), numbers, tame(losses)))
    return found


def limits(problem: Problem, trials: Sequence[Trial]) -> list[Outcome]:
    """The excess over each limit, and, once a trial had no metrics, -1 of trials that ran and else 1."""
    ran = np.array([trial.measurement.is_feasible for trial in trials], dtype=bool)
    measured = np.flatnonzero(ran).tolist()
    found = []
    if measured:
        for constraint in problem.constraints:
            excesses = excess(constraint, [trials[row] for row in measured])
            found.append(Outcome.of(str(constraint), measured, excesses))
    if not ran.all():
        found.append(Outcome.of("ran", range(len(trials)), np.where(ran, -1.0, 1.0)))
    return found


def normal_scores(outcome: Outcome) -> Outcome:
    """An outcome by its ranks alone: what a normal distribution has at their shares; ties share theirs.

    It is a Gaussian copula's view (Salinas, Shen, Perrone, "A Quantile-based Approach for Hyperparameter
    Transfer Learning", ICML 2020, arXiv 1909.13595): no rising function of the values changes it.
    """
    shares = (rankdata(outcome.values) - 0.5) / len(outcome.values)
    return Outcome(outcome.name, outcome.numbers, ndtri(shares), 0.0, 1.0)


def fitted_to(trials: int, first: int, growth: float = 1.2) -> int:
    """To how many of so many trials a model is fitted: the first ones, on a fixed schedule.

    Fits begin with `first` trials and are renewed whenever there are `growth` times more, so that asking again,
    after a resume or at once, finds the same ones. 0: there are fewer than `first`.
    """
    count, step = 0, first
    while step <= trials:
        count, step = step, ceil(step * growth)
    return count


def tame(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """A rising function of the losses [n] that tames their tails; which one depends on their signs.

    The logarithm of positive losses; of negative ones (metrics to be maximized) that of their size, negated;
    of mixed ones, or with a 0 among them, the inverse hyperbolic sine of the distance from their median, in
    units of their median distance from it.
    """
    if (losses > 0).all():
        return np.log(losses)
    if (losses < 0).all():
        return -np.log(-losses)
    distances = losses - np.median(losses)
    size = float(np.median(np.abs(distances))) or float(np.abs(distances).max()) or 1.0
    return np.arcsinh(distances / size)


def excess(constraint: Constraint, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """How far each of `n` measured trials is beyond the limit [n]: positive exactly when it breaks it.

    The logarithm of metric over limit, or of limit over metric where the limit is a lower one; where one of
    them is not positive, the signed `log(1 + size)` of the slack as a share of the limit.
    """
    slacks = np.array([constraint.slack(trial.measurement) for trial in trials], dtype=np.float64)
    values = constraint.limit + (slacks if constraint.upper is None else -slacks)
    if constraint.limit > 0 and (values > 0).all():
        ratios = np.log(values / constraint.limit)
        return -ratios if constraint.upper is None else ratios
    return -np.sign(slacks) * np.log1p(np.abs(slacks) / (abs(constraint.limit) or 1.0))
