"""Local search: all neighbours of the best point, then of a better one, then a start elsewhere.

Hill climbing with restarts by perturbation, that is iterated local search (Lourenco, Martin, Stutzle, 2003,
doi 10.1007/0-306-48056-5_11). On tables of networks it is as good as anything (White et al., 2020, arXiv
2005.02960).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from apollo_dse.variation import Variation
from search_spaces.parameter import Real
from search_spaces.space import Point, SearchSpace, canonical


class LocalSearch(History):
    """Descends from the best of some draws to a local optimum, again and again.

    The centre is the best trial since the last start, whoever proposed it. Once all of its neighbours were
    tried it is a local optimum, and the next descent starts from the best point found so far with some
    parameters drawn anew.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        starts: number of draws before the first descent, at least 1.
        kick: mean number of parameters that a restart changes, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace((Real("kick", 1.0, 8.0, log=True),))
    """Knobs worth tuning, and their ranges."""

    def __init__(self, problem: Problem, seed: int, *, starts: int = 32, kick: float = 2.0) -> None:
        super().__init__(problem, seed)
        if starts < 1:
            raise ValueError(f"`starts >= 1` must hold, but got starts={starts}")
        if not kick >= 1:
            raise ValueError(f"`kick >= 1` must hold, but got kick={kick}")
        self.starts = starts
        self.kick = kick
        self.best: Trial | None = None
        self.centre: Trial | None = None
        self._variation = Variation(problem.space, mutations=kick, neighbour=0.0)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, "starts": self.starts, "kick": self.kick}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials; better ones move the centre, and a local optimum gives it up."""
        for trial in trials:
            super().tell([trial])
            if trial.point in self.problem.space:
                self.best = self._better(trial, self.best)
                self.centre = self._better(trial, self.centre)
            if self.centre and len(self.trials) >= self.starts and not any(self._untried(self.centre.point)):
                self.centre = None

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if self.best is None or len(self.trials) < self.starts:
            return fresh(self.problem, rng, n, self.known)
        near = list(self._untried(self.centre.point)) if self.centre else []
        waiting = [near[row] for row in rng.permutation(len(near))]
        base = self.best.point
        return fresh(
            self.problem,
            rng,
            n,
            self.known,
            lambda: waiting.pop() if waiting else self._variation.mutated(base, rng),
        )

    def _untried(self, point: Point) -> Iterator[Point]:
        """Neighbours of a point that keep the rules and were not told."""
        space = self.problem.space
        neighbours = self._variation.neighbours(point)
        return (each for each in neighbours if canonical(each) not in self.known and each in space)

    def _better(self, trial: Trial, holder: Trial | None) -> Trial:
        """The better one; of equals the holder."""
        return trial if holder is None or np.diff(rank(self.problem, [holder, trial]))[0] < 0 else holder
