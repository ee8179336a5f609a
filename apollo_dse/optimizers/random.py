"""Uniform random search: the yardstick that every other optimizer has to beat."""

from collections.abc import Mapping, Sequence
from typing import Any

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from search_spaces.space import Point


class Random(History):
    """Draws uniformly from the points of the space that were not tried yet.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.

    Raises:
        ValueError: the seed is negative.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed."""
        return {"seed": self.seed}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        return fresh(self.problem, self.rng(), n, self.known)
