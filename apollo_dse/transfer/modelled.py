"""The base of methods that model outcomes by what priors and trials say: seeds first, then what is believed."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.threads import one_thread
from apollo_dse.optimizers.bayesian.acquisition import Belief, Limit
from apollo_dse.optimizers.bayesian.believer import Believer, ranking
from apollo_dse.optimizers.bayesian.surrogate import (
    GaussianProcess,
    Hyperparameters,
    Process,
    fit,
    learned,
)
from apollo_dse.outcomes import Outcome, fitted_to, limits, objectives
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.seeds import before, seeds
from apollo_dse.transfer.source import Source, SourceProcess, nearest
from search_spaces.space import Point

FIRST = 8
"""A task's own process is fitted once so many trials are there."""

LEARNED = 300
"""Trials at most that a process of the task itself is conditioned on."""

STARTS = 5
"""Best trials of each prior around which points are searched, too."""


class Modelled(Believer):
    """The priors' best designs, then what is most promising by processes that subclasses make of all they know.

    Outcomes are raw here (`Outcome.raw`, mostly logarithms): two tasks are standardized differently.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        experience: the priors.
        seeds: designs of the priors that are tried first, at least 0.

    Raises:
        ValueError: the seed or the knob is out of its range, or a prior cannot be matched (`match`).
    """

    BY_RANK: ClassVar = False
    """Whether priors' objectives are seen by their ranks alone (`Source`)."""

    def __init__(self, problem: Problem, seed: int, experience: Experience, *, seeds: int = 8) -> None:
        super().__init__(problem, seed)
        if seeds < 0:
            raise ValueError(f"`seeds >= 0` must hold, but got seeds={seeds}")
        self.experience = experience
        self.seeds = seeds
        self.sources = tuple(
            Source(prior, problem, self.encoding, seed, by_rank=self.BY_RANK) for prior in experience.related
        )
        self._first: Sequence[Point] | None = None
        self._taught: dict[str, list[SourceProcess]] = {}
        self._fits: dict[str, tuple[int, Hyperparameters]] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knob."""
        return {"seed": self.seed, "seeds": self.seeds}

    @property
    def weights(self) -> Mapping[str, float]:
        """Share of each prior in what is believed of the first objective that any has."""
        weights = dict.fromkeys((source.prior.name for source in self.sources), 0.0)
        name = next((name for name in map(str, self.problem.objectives) if self.taught(name)), None)
        if name is not None:
            with one_thread(), torch.no_grad():
                shares = self.shares(name, *self.told().get(name, self._nothing))
            names = [source.prior.name for source in self.sources if name in source.outcomes]
            weights |= dict(zip(names, shares, strict=True))
        return weights

    @property
    def remarks(self) -> Mapping[str, Sequence[str]]:
        """How each prior was matched."""
        return {source.prior.name: source.matching.sentences() for source in self.sources}

    @property
    def informed(self) -> bool:
        """Always: priors are there from the start."""
        return True

    @abstractmethod
    def process(self, name: str, outcome: Outcome | None, x: Tensor) -> Process:
        """What is believed of an outcome, in its raw unit.

        Args:
            name: the outcome's; a source or the trials have it.
            outcome: what the trials say; None where none has it.
            x: [n, d] features of the trials that have it.
        """

    @abstractmethod
    def shares(self, name: str, outcome: Outcome | None, x: Tensor) -> Sequence[float]:
        """Share of each of the processes that are `taught` of an outcome in what `process` believes."""

    def taught(self, name: str) -> list[SourceProcess]:
        """The processes of an outcome, of the sources that have it."""
        if name not in self._taught:
            having = [source for source in self.sources if name in source.outcomes]
            self._taught[name] = [source.process(name) for source in having]
        return self._taught[name]

    def own(self, outcome: Outcome, x: Tensor) -> GaussianProcess:
        """The process of an outcome that knows the task's own trials only; its values are standardized."""
        count = fitted_to(len(self.inside), FIRST)
        if self._fits.get(outcome.name, (0, None))[0] != count:
            first, seen = self.told(count).get(outcome.name, self._nothing)
            if first is not None:  # as it stood then, whatever came after: a resumed search fits the same
                self._fits[outcome.name] = count, fit(seen, torch.from_numpy(first.values))
        _, hyperparameters = self._fits.get(outcome.name, (0, Hyperparameters.likely(x.shape[1])))
        return GaussianProcess(x, torch.from_numpy(outcome.values), hyperparameters)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if self._first is None:
            self._first = seeds(self.problem, self.encoding, self.sources, self.seeds)
        return before(self._first, self.known, n, super().ask)

    def told(self, count: int | None = None) -> dict[str, tuple[Outcome, Tensor]]:
        """What the trials, or the first so many of them, say of each outcome, with their features [n, d].

        Of more than `LEARNED` trials the best half and a draw of the others.
        """
        problem, trials = self.problem, self.inside[:count]
        features = torch.from_numpy(
            self.encoding.features(self.encoding.rows([trial.point for trial in trials]))
        )
        order = ranking(problem, trials)
        found = {}
        for outcome in (*objectives(problem, trials), *limits(problem, trials)):
            places = learned(outcome, order, LEARNED, np.random.default_rng([self.seed, len(trials), 1]))
            numbers = outcome.numbers[places]
            kept = Outcome(outcome.name, numbers, outcome.values[places], outcome.centre, outcome.scale)
            found[outcome.name] = kept, features[numbers]
        return found

    def belief(self, order: NDArray[np.int64]) -> Belief:
        """What priors and trials say of every outcome that either has."""
        told, taught = self.told(), {name for source in self.sources for name in source.outcomes}
        believed = {
            name: self.process(name, *told.get(name, self._nothing)) for name in sorted({*told, *taught})
        }
        goals = [str(each) for each in self.problem.objectives if str(each) in believed]
        wanted = tuple(believed[name] for name in goals)
        limited = tuple(Limit(process, 0.0) for name, process in believed.items() if name not in goals)
        feasible = [trial.point for trial in self.inside if self.problem.feasible(trial)]
        rows = self.encoding.rows(feasible) if feasible else self._expected()
        found = torch.from_numpy(self.encoding.features(rows))
        losses = torch.stack([each.posterior(found)[0] for each in wanted], dim=1)
        return Belief(wanted, limited, losses if feasible else losses.min(dim=0, keepdim=True).values)

    def starts(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Rows [k, p] of the best trials, then of the priors' best."""
        theirs = [source.rows[source.order[:STARTS]] for source in self.sources]
        return np.concatenate([super().starts(order), nearest(self.encoding, np.concatenate(theirs))])

    @property
    def _nothing(self) -> tuple[None, Tensor]:
        """What is told of an outcome that no trial has."""
        return None, torch.zeros(0, len(self.encoding.owners), dtype=torch.float64)

    def _expected(self) -> NDArray[np.float64]:
        """Rows [k, p] of what stands for the best designs as long as none is feasible: the priors' best."""
        return nearest(self.encoding, np.concatenate([each.rows[each.order[:1]] for each in self.sources]))
