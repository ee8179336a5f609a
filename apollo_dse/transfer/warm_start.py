"""Any optimizer, begun where other tasks ended: their best designs are the first trials.

Apollo's own transfer (arXiv 2102.01723, section 4.3): optimizers are given the good trials of related tasks,
evaluated under the limits of the new one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from apollo_dse import optimizers
from apollo_dse.encoding import Encoding
from apollo_dse.optimizer import History, pend
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.seeds import before, seeds
from apollo_dse.transfer.source import Source
from apollo_dse.trial import Trial
from search_spaces.space import Point


class WarmStart(History):
    """Seeds, then whatever the optimizer makes of them; it is told all trials, and nothing of the priors.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        experience: the priors.
        optimizer: name of a registered optimizer.
        seeds: designs of the priors that are tried first, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range, or a prior cannot be matched.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        experience: Experience,
        *,
        optimizer: str = "portfolio",
        seeds: int = 8,
    ) -> None:
        super().__init__(problem, seed)
        if seeds < 1:
            raise ValueError(f"`seeds >= 1` must hold, but got seeds={seeds}")
        self.experience = experience
        self.optimizer = optimizer
        self.seeds = seeds
        self._encoding = Encoding(problem.space)
        self._sources = [Source(prior, problem, self._encoding, seed) for prior in experience.related]
        self._inner = optimizers.get(optimizer)(problem, seed)
        self._first: Sequence[Point] | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, "optimizer": self.optimizer, "seeds": self.seeds}

    @property
    def weights(self) -> Mapping[str, float]:
        """Zeros: once the seeds are tried, priors count no more."""
        return dict.fromkeys((source.prior.name for source in self._sources), 0.0)

    @property
    def remarks(self) -> Mapping[str, Sequence[str]]:
        """How each prior was matched."""
        return {source.prior.name: source.matching.sentences() for source in self._sources}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials, and tell them to the optimizer."""
        super().tell(trials)
        self._inner.tell(trials)

    def pend(self, points: Sequence[Point]) -> None:
        """Take `points` for those that are being measured ; so does the optimizer."""
        super().pend(points)
        pend(self._inner, points)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if self._first is None:
            self._first = seeds(self.problem, self._encoding, self._sources, self.seeds)
        return before(self._first, self.known, n, self._inner.ask)
