"""Differential evolution, best/2/bin, with sinusoidal weights.

Storn and Price, 1997, doi 10.1023/A:1008202821328; the weights are those of sinusoidal differential evolution
(Draa, Bouzoubia, Boukhalfa, 2015, doi 10.1016/j.asoc.2014.11.003, configuration 2), which Squirrel uses
(Awad et al., 2020, arXiv 2012.08180).
"""

from collections.abc import Mapping, Sequence
from math import pi, sin
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.parameter import Ordinal
from search_spaces.space import Point, SearchSpace

FREQUENCY = 0.25
"""Of the weights' oscillation, per generation."""


class DifferentialEvolution(History):
    """Differences between members of a population lead from the best of them to new points.

    The trials told, whoever proposed them, take the `population` places in turn: trial t competes with who
    holds place t modulo `population`, and the better one has it. The first trials are uniform draws.
    Vectors live in the unit cube; coordinates that leave it are drawn anew.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        population: number of places, at least 6, since a vector takes a target and five others.
        period: generations over which the weights' oscillation grows to its full size, at least 1; then it
            begins anew.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (Ordinal("population", (6, 8, 12, 16, 24)), Ordinal("period", (8, 16, 32, 64)))
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(self, problem: Problem, seed: int, *, population: int = 8, period: int = 32) -> None:
        super().__init__(problem, seed)
        if population < 6 or period < 1:
            got = f"population={population}, period={period}"
            raise ValueError(f"`population >= 6` and `period >= 1` must hold, but got {got}")
        self.population = population
        self.period = period
        self.places: dict[int, Trial] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, "population": self.population, "period": self.period}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials; each competes for its place."""
        for number, trial in enumerate(trials, len(self.trials)):
            place = number % self.population
            if trial.point in self.problem.space and self._wins(trial, self.places.get(place)):
                self.places[place] = trial
        super().tell(trials)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if len(self.trials) < self.population or len(self.places) < 6:
            return fresh(self.problem, rng, n, self.known)
        space = self.problem.space
        held = [self.places[place] for place in sorted(self.places)]
        units = space.to_unit([trial.point for trial in held])
        best = units[np.argmin(rank(self.problem, held))]
        target, weight = self.begun, self.weight(len(self.trials) // self.population)

        def child() -> Point:
            nonlocal target
            target += 1
            return space.from_unit(trial_vector(units, (target - 1) % len(units), best, weight, rng)[None])[0]

        return fresh(self.problem, rng, n, self.known, child)

    def weight(self, generation: int) -> float:
        """Weight of differences, and rate of crossover, in a generation: about 1/2, from 0 to 1 in the end."""
        t = generation % self.period
        return 0.5 * (sin(2 * pi * FREQUENCY * t) * t / self.period + 1.0)

    def _wins(self, trial: Trial, holder: Trial | None) -> bool:
        """Whether a trial is at least as good as the holder of its place."""
        if holder is None:
            return True
        mine, theirs = rank(self.problem, [trial, holder])
        return bool(mine <= theirs)


def trial_vector(
    units: NDArray[np.float64], target: int, best: NDArray[np.float64], weight: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Units [d] of a child: `best` and two weighted differences of the rows [k, d], crossed with a row.

    Args:
        units: the population, of at least five rows beside the target.
        target: row that the child is crossed with.
        best: where the differences start.
        weight: of the differences; also the probability that a coordinate is the mutant's.
        rng: source of chance.
    """
    others = np.delete(np.arange(len(units)), target)
    a, b, c, d = units[rng.choice(others, size=4, replace=False)]
    mutant = best + weight * (a - b) + weight * (c - d)
    mutant = np.where((mutant < 0) | (mutant > 1), rng.random(len(mutant)), mutant)
    crossed = rng.random(len(mutant)) < weight
    crossed[rng.integers(len(mutant))] = True
    return np.where(crossed, mutant, units[target])
