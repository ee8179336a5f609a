"""NSGA-II: Deb, Pratap, Agarwal, Meyarivan, IEEE TEC 6(2), 2002, doi 10.1109/4235.996017.

Parents and children compete for the places of the next population: better fronts first, within a front the
less crowded. Children come of simulated binary crossover and polynomial mutation (Deb and Agrawal, 1995;
Deb and Goyal, 1996), here on the unit cube, which every kind of parameter maps onto. Fronts, crowding and
constrained domination are those of `ranking`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Ordinal, Real
from search_spaces.space import Point, SearchSpace


class NSGA2(History):
    """Elitist evolution towards a Pareto front; of one objective it is a plain genetic algorithm.

    Every `population` trials told, whoever proposed them, are a generation of children; the best
    `population` of them and of those before are the parents of the next. The first generation is drawn
    uniformly.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        population: number of trials of a generation, at least 2.
        crossover: probability that a pair of parents is crossed.
        mutations: mean number of mutated parameters, above 0.
        spread: distribution index of crossover and mutation, at least 0; children of a larger one are
            nearer to their parents.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (
            Ordinal("population", (8, 12, 16, 24, 32)),
            Real("crossover", 0.5, 1.0),
            Real("mutations", 0.5, 4.0, log=True),
            Real("spread", 1.0, 30.0, log=True),
        )
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        population: int = 16,
        crossover: float = 0.9,
        mutations: float = 1.5,
        spread: float = 10.0,
    ) -> None:
        super().__init__(problem, seed)
        if population < 2:
            raise ValueError(f"`population >= 2` must hold, but got population={population}")
        if not 0 <= crossover <= 1:
            raise ValueError(f"`crossover` must be a probability, but got crossover={crossover}")
        if not (mutations > 0 and spread >= 0):
            got = f"mutations={mutations}, spread={spread}"
            raise ValueError(f"`mutations > 0` and `spread >= 0` must hold, but got {got}")
        self.population = population
        self.crossover = crossover
        self.mutations = mutations
        self.spread = spread
        self.parents: list[Trial] = []
        self._generations = 0
        self._categorical = np.array([isinstance(each, Categorical) for each in problem.space.parameters])

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = ("seed", "population", "crossover", "mutations", "spread")
        return {name: getattr(self, name) for name in knobs}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials; whole generations of them compete for the places of parents."""
        super().tell(trials)
        while (self._generations + 1) * self.population <= len(self.trials):
            start = self._generations * self.population
            children = self.trials[start : start + self.population]
            rivals = self.parents + [trial for trial in children if trial.point in self.problem.space]
            order = np.argsort(rank(self.problem, rivals), kind="stable")[: self.population]
            self.parents = [rivals[row] for row in order]
            self._generations += 1

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if not self.parents:
            return fresh(self.problem, rng, n, self.known)
        space, ranks = self.problem.space, rank(self.problem, self.parents)
        units = space.to_unit([trial.point for trial in self.parents])

        def child() -> Point:
            first, second = (units[self._winner(ranks, rng)] for _ in range(2))
            made = self._crossed(first, second, rng) if rng.random() < self.crossover else first
            return space.from_unit(self._mutated(made, rng)[None])[0]

        return fresh(self.problem, rng, n, self.known, child)

    def _winner(self, ranks: NDArray[np.int64], rng: np.random.Generator) -> int:
        """Row of the better of two (binary tournament)."""
        one, other = rng.integers(len(ranks), size=2)
        return int(one if ranks[one] <= ranks[other] else other)

    def _crossed(
        self, first: NDArray[np.float64], second: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """One child [d] of simulated binary crossover of the units [d]; a category is that of one parent."""
        u = rng.random(len(first))
        power = 1.0 / (self.spread + 1.0)
        beta = np.where(u <= 0.5, (2 * u) ** power, (0.5 / (1 - u)) ** power)
        swap = rng.random(len(first)) < 0.5
        near, far = np.where(swap, second, first), np.where(swap, first, second)
        child = 0.5 * ((1 + beta) * near + (1 - beta) * far)
        return np.where(self._categorical | (rng.random(len(first)) < 0.5), near, np.clip(child, 0.0, 1.0))

    def _mutated(self, units: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Units [d] after polynomial mutation; a category is drawn anew."""
        u, chosen = rng.random(len(units)), rng.random(len(units)) < self.mutations / len(units)
        power = 1.0 / (self.spread + 1.0)
        lower, upper = (2 * u) ** power - 1, 1 - (2 * (1 - u)) ** power
        moved = units + np.where(u < 0.5, lower * units, upper * (1 - units))
        moved = np.where(self._categorical, rng.random(len(units)), moved)
        return np.where(chosen, np.clip(moved, 0.0, 1.0), units)
