"""Bayesian optimization: Gaussian processes of losses and limits, learned from the trials alone.

Every suggestion is a function of problem, settings and trials told: hyper-parameters are fitted on the first
trials up to a number that follows from how many there are, so that asking again, after a resume or at once,
finds the same ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollo_dse.optimizers.bayesian.acquisition import Belief, Limit
from apollo_dse.optimizers.bayesian.believer import Believer, ranking
from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess, Hyperparameters, fit, learned
from apollo_dse.outcomes import Outcome, fitted_to, limits, objectives
from apollo_dse.problem import Problem

LEARNED, FITTED = 300, 128
"""Trials at most that a process is conditioned on, and that its hyper-parameters are fitted to."""


class Bayesian(Believer):
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
        self._fits: tuple[int, Mapping[str, Hyperparameters]] = (0, {})

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knob."""
        return {"seed": self.seed, "initial": self.initial}

    @property
    def informed(self) -> bool:
        """Whether the initial design is told."""
        return len(self.inside) >= self.initial

    def belief(self, order: NDArray[np.int64]) -> Belief:
        """What the trials teach, those of the best rank first in `order`."""
        trials = self.inside
        rows = self.encoding.rows([trial.point for trial in trials])
        features = torch.from_numpy(self.encoding.features(rows))
        goals, bounds = objectives(self.problem, trials), limits(self.problem, trials)
        fits = self._hyperparameters()

        def process(outcome: Outcome) -> GaussianProcess:
            x, y = self._data(outcome, features, order, LEARNED, len(trials))
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
        count = fitted_to(len(self.inside), self.initial)
        if self._fits[0] != count:
            trials = self.inside[:count]
            order = ranking(self.problem, trials)
            rows = self.encoding.rows([trial.point for trial in trials])
            features = torch.from_numpy(self.encoding.features(rows))
            outcomes = [*objectives(self.problem, trials), *limits(self.problem, trials)]
            found = {each.name: fit(*self._data(each, features, order, FITTED, count)) for each in outcomes}
            self._fits = count, found
        return self._fits[1]

    def _data(
        self, outcome: Outcome, features: Tensor, order: NDArray[np.int64], most: int, count: int
    ) -> tuple[Tensor, Tensor]:
        """Features [k, d] and values [k] that are learned of an outcome of `count` trials."""
        places = learned(outcome, order, most, np.random.default_rng([self.seed, count, 1]))
        return features[outcome.numbers[places]], torch.from_numpy(outcome.values[places])
