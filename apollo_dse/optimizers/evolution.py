"""Regularized (aging) evolution with crossover: Real et al., AAAI 2019, arXiv 1802.01548, algorithm 1.

The population is the youngest trials, whoever proposed them: a trial leaves it by age, never by its loss,
so a lucky one cannot stay for ever. Parents win tournaments; a child mixes two of them (crossover, as in
Apollo, arXiv 2102.01723) and is mutated, by a step to a neighbouring value or by a draw of any value.
Infeasible trials take part as data, and trials of several objectives are ranked by fronts (`ranking`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.variation import Variation
from search_spaces.parameter import Ordinal, Real
from search_spaces.space import Point, SearchSpace


class Evolution(History):
    """Aging evolution over the trials told.

    The first `population` trials are uniform draws. No change of one knob was clearly better than these
    defaults at 48, 96 and 208 trials on the published edge space (`benchmarks/evolution_knobs.py`).

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        population: number of youngest trials that may be parents, at least 2.
        tournament: number of them that compete to be a parent, from 1 (no selection) to `population`.
        crossover: probability that a child has two parents instead of one.
        mutations: mean number of parameters that are mutated, at least 1; one always is.
        neighbour: probability that a mutation of a number is a step to a value near by.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (
            Ordinal("tournament", (2, 4, 8, 16, 32)),
            Real("crossover", 0.0, 1.0),
            Real("mutations", 1.0, 4.0, log=True),
            Real("neighbour", 0.0, 1.0),
        )
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        population: int = 32,
        tournament: int = 16,
        crossover: float = 0.5,
        mutations: float = 1.5,
        neighbour: float = 0.8,
    ) -> None:
        super().__init__(problem, seed)
        if not 1 <= tournament <= population or population < 2:
            got = f"tournament={tournament}, population={population}"
            raise ValueError(f"`1 <= tournament <= population` and `population >= 2` must hold, but got {got}")
        if not 0 <= crossover <= 1:
            raise ValueError(f"`crossover` must be a probability, but got crossover={crossover}")
        self.population = population
        self.tournament = tournament
        self.crossover = crossover
        self.variation = Variation(problem.space, mutations, neighbour)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = {name: getattr(self, name) for name in ("seed", "population", "tournament", "crossover")}
        return {**knobs, "mutations": self.variation.mutations, "neighbour": self.variation.neighbour}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        space = self.problem.space
        youngest = [trial for trial in self.trials[-self.population :] if trial.point in space]
        if len(self.trials) < self.population or not youngest or not self.variation.open:
            return fresh(self.problem, rng, n, self.known)
        ranks = rank(self.problem, youngest)
        points = [trial.point for trial in youngest]
        return fresh(self.problem, rng, n, self.known, lambda: self._child(points, ranks, rng))

    def _child(self, points: Sequence[Point], ranks: NDArray[np.int64], rng: np.random.Generator) -> Point:
        child = points[self._parent(ranks, rng)]
        if rng.random() < self.crossover:
            child = self.variation.crossed(child, points[self._parent(ranks, rng)], rng)
        return self.variation.mutated(child, rng)

    def _parent(self, ranks: NDArray[np.int64], rng: np.random.Generator) -> int:
        """Row of the best of a few, drawn without replacement."""
        rows = rng.choice(len(ranks), size=min(self.tournament, len(ranks)), replace=False)
        return int(rows[np.argmin(ranks[rows])])
