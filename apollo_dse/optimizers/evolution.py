"""Regularized (aging) evolution with crossover: Real et al., AAAI 2019, arXiv 1802.01548, algorithm 1.

The population is the youngest trials, whoever proposed them: a trial leaves it by age, never by its loss,
so a lucky one cannot stay for ever. Parents win tournaments; a child mixes two of them (crossover, as in
Apollo, arXiv 2102.01723) and is mutated, by a step to a neighbouring value or by a draw of any value.

Infeasible trials take part as data: a feasible trial beats every infeasible one, a smaller violation of the
limits beats a larger one, and whatever has metrics beats what could not be built or run (the rules of Deb,
2000, doi 10.1016/S0045-7825(99)00389-8). Among feasible trials of several objectives a better
non-dominated front wins, then the larger crowding distance (NSGA-II, Deb et al., 2002, doi
10.1109/4235.996017).
"""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Parameter
from search_spaces.quantity import Value
from search_spaces.space import Point

STEP_SPREAD = 0.1
"""Standard deviation of a step to a neighbour, as a share of a parameter's range; never under one value."""


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
        if not (0 <= crossover <= 1 and 0 <= neighbour <= 1):
            got = f"crossover={crossover}, neighbour={neighbour}"
            raise ValueError(f"`crossover` and `neighbour` must be probabilities, but got {got}")
        if not mutations >= 1:
            raise ValueError(f"`mutations >= 1` must hold, but got mutations={mutations}")
        self.population = population
        self.tournament = tournament
        self.crossover = crossover
        self.mutations = mutations
        self.neighbour = neighbour
        self._open = tuple(p for p in problem.space.parameters if p.cardinality != 1)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = ("seed", "population", "tournament", "crossover", "mutations", "neighbour")
        return {name: getattr(self, name) for name in knobs}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        space = self.problem.space
        youngest = [trial for trial in self.trials[-self.population :] if trial.point in space]
        if len(self.trials) < self.population or not youngest or not self._open:
            return fresh(self.problem, rng, n, self.known)
        ranks = rank(self.problem, youngest)
        points = [trial.point for trial in youngest]
        return fresh(self.problem, rng, n, self.known, lambda: self._child(points, ranks, rng))

    def _child(self, points: Sequence[Point], ranks: NDArray[np.int64], rng: np.random.Generator) -> Point:
        child = dict(points[self._parent(ranks, rng)])
        if rng.random() < self.crossover:
            other = points[self._parent(ranks, rng)]
            names = self.problem.space.names  # points from a store have their keys in another order
            child = {name: other[name] if rng.random() < 0.5 else child[name] for name in names}
        more = rng.binomial(len(self._open) - 1, self._rate()) if len(self._open) > 1 else 0
        for row in rng.choice(len(self._open), size=1 + more, replace=False):
            parameter = self._open[row]
            child[parameter.name] = self._mutated(parameter, child[parameter.name], rng)
        return child

    def _rate(self) -> float:
        """Probability that a parameter beside the one that always is gets mutated."""
        return min(1.0, (self.mutations - 1) / (len(self._open) - 1))

    def _parent(self, ranks: NDArray[np.int64], rng: np.random.Generator) -> int:
        """Row of the best of a few, drawn without replacement."""
        rows = rng.choice(len(ranks), size=min(self.tournament, len(ranks)), replace=False)
        return int(rows[np.argmin(ranks[rows])])

    def _mutated(self, parameter: Parameter, value: Value, rng: np.random.Generator) -> Value:
        """A value near by or any value; it may be the old one, which `fresh` then refuses as known."""
        if isinstance(parameter, Categorical) or rng.random() >= self.neighbour:
            return parameter.from_unit(rng.random())
        step = max(1.0 / (parameter.cardinality or inf), abs(rng.normal(0.0, STEP_SPREAD)))
        u = parameter.to_unit(value) + (step if rng.random() < 0.5 else -step)
        return parameter.from_unit(min(max(u, 0.0), 1.0))


def rank(problem: Problem, trials: Sequence[Trial]) -> NDArray[np.int64]:
    """Rank of each of the `n` trials [n], 0 for the best; trials that cannot be told apart share one.

    Feasible ones come first, by their losses (several: front, then crowding distance); then measured ones by
    violation; then those without metrics.
    """
    violations = np.array([problem.violation(trial) for trial in trials], dtype=np.float64)
    feasible = violations == 0
    first, second = violations.copy(), np.zeros(len(trials))
    losses = np.array([problem.losses(trial) for trial, keep in zip(trials, feasible, strict=True) if keep])
    if len(problem.objectives) == 1 and len(losses):
        first[feasible] = losses[:, 0]
    elif len(losses):
        first[feasible] = fronts(losses)
        second[feasible] = -crowding(losses, first[feasible])
    keys = np.stack([~feasible, first, second], axis=1)
    ranks: NDArray[np.int64] = np.unique(keys, axis=0, return_inverse=True)[1]
    return ranks.reshape(len(trials))


def fronts(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Front of each row of `losses` [n, m]: 0 for rows that none dominates, 1 once those are gone, ..."""
    worse = (losses[:, None] >= losses[None]).all(-1) & (losses[:, None] > losses[None]).any(-1)
    number = np.full(len(losses), -1)
    while (left := number < 0).any():
        number[left & ~(worse & left[None]).any(1)] = number.max() + 1
    return number


def crowding(losses: NDArray[np.float64], front: NDArray[np.float64]) -> NDArray[np.float64]:
    """Crowding distance [n] of each row of `losses` [n, m] within its own front; infinite at the ends.

    The distance between a row's two neighbours, summed over the losses, each in units of its front's range
    (Deb et al., 2002, section III.B).
    """
    distance = np.zeros(len(losses))
    for number in np.unique(front):
        rows = np.flatnonzero(front == number)
        for column in losses[rows].T:
            order = rows[np.argsort(column, kind="stable")]
            ranked = np.sort(column)
            distance[order[[0, -1]]] = inf
            distance[order[1:-1]] += (ranked[2:] - ranked[:-2]) / ((ranked[-1] - ranked[0]) or 1.0)
    return distance
