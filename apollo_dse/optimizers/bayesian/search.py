"""Bayesian optimization: Gaussian processes of losses and limits, log improvement, search among the points.

Batches are filled one point after the other, each with those before it pending (`surrogate`, believed as
expected). Every suggestion is a function of problem, settings and trials told: hyper-parameters are fitted
on the first trials up to a number that follows from how many there are, so that asking again, after a resume
or at once, finds the same ones.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.quasirandom import SobolEngine

from accel_models.threads import one_thread
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.bayesian import trust
from apollo_dse.optimizers.bayesian.acquisition import Belief, Limit
from apollo_dse.optimizers.bayesian.candidates import Admission, search
from apollo_dse.optimizers.bayesian.encoding import Encoding
from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess, Hyperparameters, fit
from apollo_dse.outcomes import Outcome, limits, objectives
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.space import Point, canonical

LEARNED, FITTED = 300, 128
"""Trials at most that a process is conditioned on, and that its hyper-parameters are fitted to."""

GROWTH = 1.2
"""Hyper-parameters are fitted anew whenever there are so many times more trials."""

ELITE = 10
"""Best trials from which the search for a point begins."""

MANY = 20
"""Spaces of more parameters are searched in a trust region."""


class Bayesian(History):
    """Gaussian processes and expected improvement, for tens to some thousands of costly trials.

    The first `initial` trials are a scrambled Sobol sequence. What a suggestion costs stays bounded: a process
    learns from the best half of `LEARNED` trials and a draw of the others, hyper-parameters from fewer still.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        initial: number of first trials that are spread evenly, at least 2.

    Raises:
        ValueError: the seed or the knob is out of its range.
    """

    def __init__(self, problem: Problem, seed: int, *, initial: int = 16) -> None:
        super().__init__(problem, seed)
        if initial < 2:
            raise ValueError(f"`initial >= 2` must hold, but got initial={initial}")
        self.initial = initial
        self._encoding = Encoding(problem.space, problem.remedies.values())
        self._inside: list[Trial] = []
        self._fits: tuple[int, Mapping[str, Hyperparameters]] = (0, {})

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knob."""
        return {"seed": self.seed, "initial": self.initial}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials; those outside the space, as presets may be, are known but not learned from."""
        super().tell(trials)
        self._inside.extend(trial for trial in trials if trial.point in self.problem.space)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if n < 1:
            raise ValueError(f"`n >= 1` must hold, but got n={n}")
        rng = self.rng()
        if len(self._inside) < self.initial or not self._encoding.parameters:
            return fresh(self.problem, rng, n, self.known, self._spread())
        with one_thread(), torch.no_grad():
            points = self._suggested(n, rng)
        if len(points) == n:
            return points
        known = self.known | set(map(canonical, points))
        return [*points, *fresh(self.problem, rng, n - len(points), known)]

    def _spread(self) -> Callable[[], Point]:
        """Gives the points of the scrambled Sobol sequence, one a call."""
        axes = len(self.problem.space.parameters)
        engine = SobolEngine(axes, scramble=True, seed=self.seed)  # type: ignore[no-untyped-call]
        return lambda: self.problem.space.from_unit(engine.draw(1, dtype=torch.float64).numpy())[0]

    def _suggested(self, n: int, rng: np.random.Generator) -> list[Point]:
        """Up to `n` points, one after the other, each with those before it pending."""
        encoding, trials = self._encoding, self._inside
        order = ranking(self.problem, trials)
        rows = encoding.rows([trial.point for trial in trials])
        belief = self._belief(trials, torch.from_numpy(encoding.features(rows)), order)
        admission = Admission(self.problem, encoding, self.known)
        best = rows[order[:ELITE]]
        box = None
        if len(encoding.parameters) > MANY:
            box = encoding.around(best[0], trust.length(improvements(order), len(encoding.parameters)))
        chosen: list[NDArray[np.float64]] = []
        for _ in range(n):

            def scores(candidates: NDArray[np.float64], belief: Belief = belief) -> NDArray[np.float64]:
                scored: NDArray[np.float64] = belief.scores(
                    torch.from_numpy(encoding.features(candidates))
                ).numpy()
                return scored

            row = search(encoding, scores, best, admission, rng, box)
            if row is None:
                break
            chosen.append(row)
            admission.take(row)
            belief = belief.believing(torch.from_numpy(encoding.features(row[None])))
        return encoding.points(np.array(chosen).reshape(len(chosen), len(encoding.parameters)))

    def _belief(self, trials: Sequence[Trial], features: Tensor, order: NDArray[np.int64]) -> Belief:
        """What the trials teach, those of the best rank first in `order`."""
        goals, bounds = objectives(self.problem, trials), limits(self.problem, trials)
        fits = self._hyperparameters()

        def process(outcome: Outcome) -> GaussianProcess:
            x, y = _learned(outcome, features, order, LEARNED, self._stream(len(trials)))
            return GaussianProcess(x, y, fits.get(outcome.name, Hyperparameters.likely(x.shape[1])))

        feasible = [row for row, trial in enumerate(trials) if self.problem.feasible(trial)]
        columns = [goal.values[np.searchsorted(goal.numbers, feasible)] for goal in goals]
        return Belief(
            tuple(map(process, goals)),
            tuple(Limit(process(bound), bound.threshold) for bound in bounds),
            torch.from_numpy(np.stack(columns, axis=1) if columns else np.zeros((0, 1))),
        )

    def _hyperparameters(self) -> Mapping[str, Hyperparameters]:
        """Of each outcome's process: fitted to the first trials, up to the last step of a fixed schedule."""
        count = step = self.initial
        while step <= len(self._inside):
            count, step = step, ceil(step * GROWTH)
        if self._fits[0] != count:
            trials = self._inside[:count]
            order = ranking(self.problem, trials)
            rows = self._encoding.rows([trial.point for trial in trials])
            features = torch.from_numpy(self._encoding.features(rows))
            outcomes = [*objectives(self.problem, trials), *limits(self.problem, trials)]
            found = {
                outcome.name: fit(*_learned(outcome, features, order, FITTED, self._stream(count)))
                for outcome in outcomes
            }
            self._fits = count, found
        return self._fits[1]

    def _stream(self, count: int) -> np.random.Generator:
        """The random stream that draws what is learned from `count` trials, whatever else was drawn."""
        return np.random.default_rng([self.seed, count, 1])


def ranking(problem: Problem, trials: Sequence[Trial]) -> NDArray[np.int64]:
    """Numbers of the trials, the best first: feasible ones by loss, then the others by violation.

    Of several objectives the Pareto front comes first, then the other feasible ones by their mean rank.
    """
    violations = np.array([problem.violation(trial) for trial in trials])
    feasible: list[int] = np.flatnonzero(violations == 0).tolist()
    keys = violations.copy()
    if feasible:
        losses = np.array([problem.losses(trials[row]) for row in feasible])
        keys[feasible] = losses.argsort(axis=0, kind="stable").argsort(axis=0).mean(axis=1)
        front = {id(trial) for trial in problem.pareto_front(trials)}
        keys[[row for row in feasible if id(trials[row]) in front]] -= len(trials)
    order: NDArray[np.int64] = np.lexsort((keys, violations > 0))
    return order


def improvements(order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each trial [n] ranked before all trials before it, given the ranking `order` [n]."""
    ranks = order.argsort()
    improved: NDArray[np.bool_] = np.minimum.accumulate(ranks) == ranks
    return improved


def _learned(
    outcome: Outcome, features: Tensor, order: NDArray[np.int64], most: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Features [n, d] and values [n] of an outcome's trials: if more than `most`, the best half and a draw."""
    places = np.arange(len(outcome.numbers))
    if len(places) > most:
        ranks = order.argsort()[outcome.numbers].argsort().argsort()
        rest = rng.choice(places[ranks >= most // 2], size=most - most // 2, replace=False)
        places = np.sort(np.concatenate([places[ranks < most // 2], rest]))
    return features[outcome.numbers[places]], torch.from_numpy(outcome.values[places])
