"""What optimizers of other libraries have in common here."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.space import Point


class Peer(History):
    """An optimizer of another library; a class of it says how the library is asked.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        startup: trials before the library is asked; until then draws are uniform, among points not known to
            fail.
        misses: suggestions of the library, at most, for each point of an `ask`; then draws are uniform.

    Raises:
        ValueError: the seed is negative, or a knob is below 1.

    Attributes:
        distributions: names of the distributions that the library's suggestions follow from.
        told: the trials of points of the space as the library takes them.
    """

    distributions: ClassVar[tuple[str, ...]]

    def __init__(self, problem: Problem, seed: int, *, startup: int = 10, misses: int = 20) -> None:
        super().__init__(problem, seed)
        for knob, value in (("startup", startup), ("misses", misses)):
            if value < 1:
                raise ValueError(f"`{knob} >= 1` must hold, but got {knob}={value}")
        self.startup = startup
        self.misses = misses
        self.told: list[Any] = []

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, "startup": self.startup, "misses": self.misses}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials, and what they are to the library."""
        super().tell(trials)
        translated = (self._translated(trial) for trial in trials if trial.point in self.problem.space)
        self.told += [trial for trial in translated if trial is not None]

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if len(self.trials) < self.startup:
            return fresh(self.problem, rng, n, self.known)
        suggest, left = self._suggester(rng), self.misses * n

        def propose() -> Point:
            nonlocal left
            left -= 1
            return suggest() if left >= 0 else self.problem.space.sample(rng, 1)[0]

        return fresh(self.problem, rng, n, self.known, propose)

    @abstractmethod
    def _translated(self, trial: Trial) -> Any:
        """A trial of a point of the space as the library takes it; None if there is nothing to tell."""

    @abstractmethod
    def _suggester(self, rng: np.random.Generator) -> Callable[[], Point]:
        """What the library suggests next, given the trials told: a function to be called for each point."""
