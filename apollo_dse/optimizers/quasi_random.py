"""Quasi-random search: Sobol's sequence, scrambled, fills the space more evenly than independent draws.

Sobol, 1967, doi 10.1016/0041-5553(67)90144-9; the scrambling is Owen's, as in `scipy.stats.qmc`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from search_spaces.space import Point

BLOCK = 64
"""Points that are made at once; a power of two, as the sequence is balanced."""

PROBES = 256
"""First points of the sequence, whose admissible share tells how fast the sequence is used up."""


class QuasiRandom(History):
    """Goes on with the scrambled sequence where the trials told have brought it.

    Points that were told, break a rule or are known to fail are passed over. Where a share of `a` of the
    points is admissible, N trials have used up about N / a of the sequence: there `ask` begins.

    Args:
        problem: what is searched.
        seed: of the scrambling, at least 0.

    Raises:
        ValueError: the seed is negative.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self._points_per_trial: float | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed."""
        return {"seed": self.seed}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        points = self._sequence(int(len(self.trials) * self._stride()) if self.trials else 0)
        return fresh(self.problem, self.rng(), n, self.known, lambda: next(points))

    def _stride(self) -> float:
        """Points of the sequence for each trial: 1 where all are admissible."""
        if self._points_per_trial is None:
            probes = [point for point in islice(self._sequence(0), PROBES) if point in self.problem.space]
            admissible = sum(violation == 0 for violation in self.problem.known_violations(probes))
            self._points_per_trial = PROBES / max(1, admissible)
        return self._points_per_trial

    def _sequence(self, start: int) -> Iterator[Point]:
        """The points of the sequence from number `start` on, without end; rules are not asked."""
        from scipy.stats.qmc import Sobol  # takes a while to load

        space = self.problem.space
        sobol = Sobol(len(space.parameters), scramble=True, rng=self.seed)
        if start:
            sobol.fast_forward(start)
        while True:
            yield from space.from_unit(sobol.random(BLOCK))
