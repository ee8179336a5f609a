"""Gray-box search: widen what binds, shrink what idles.

As in Explainable-DSE (Dave, Nowatzki, Shrivastava, "Explainable-DSE: An Agile and Explainable Exploration of
Efficient HW/SW Codesigns of Deep Learning Accelerators Using Bottleneck Analysis", ASPLOS 2023), a design's
cost is broken down into what bounds it, and the next design widens that. The evaluator says what bounds a
design (`Measurement.bottlenecks`), the problem which parameters give more of it (`Problem.remedies`). Where
either says nothing, children are mutants, as in evolution.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import log2
from typing import Any, ClassVar

import numpy as np

from apollo_dse.ensemble import best_of
from apollo_dse.optimizer import History, fresh
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from apollo_dse.variation import Variation
from search_spaces.parameter import Categorical, Ordinal, Parameter, Real
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace

SHRINKS = 8
"""Steps down at most that make a child fit the known limits."""

LONG = 0.25
"""Probability that a step is two values long, not one."""

LEAST = 1 / 64
"""A step is no shorter than this share of a parameter's range."""

BUSY = 0.05
"""Weight with which a parameter may go down although what it gives binds all the time."""


class Bottleneck(History):
    """Children of the best trials: a parameter that relieves what binds goes up, and idle ones go down.

    Which resource is relieved is drawn by the shares of the latency that resources bound; of a design that does
    not run, by how much is missing. Where a child is then known to break a limit, other parameters go down, the
    likelier the less what they give binds. Bottlenecks are those of the latency: where not only that is
    wanted, a child in two is a mutant, and one in four only has an idle parameter go down.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        starts: trials before the first children, at least 1.
        parents: number of best trials that may have children, at least 1; the better, the likelier.
        mutants: probability that a child is a mutant, whatever binds.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace((Ordinal("parents", (1, 2, 4, 8, 16)), Real("mutants", 0.0, 0.8)))
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self, problem: Problem, seed: int, *, starts: int = 8, parents: int = 4, mutants: float = 0.2
    ) -> None:
        super().__init__(problem, seed)
        if starts < 1 or parents < 1:
            got = f"starts={starts}, parents={parents}"
            raise ValueError(f"`starts >= 1` and `parents >= 1` must hold, but got {got}")
        if not 0 <= mutants <= 1:
            raise ValueError(f"`mutants` must be a probability, but got mutants={mutants}")
        self.starts = starts
        self.parents = parents
        self.mutants = mutants
        self._variation = Variation(problem.space)
        self._numbers = {each.name: each for each in self._variation.open if not isinstance(each, Categorical)}
        self._remedies = {
            resource: [name for name in names if name in self._numbers]
            for resource, names in problem.remedies.items()
        }
        self._saves = not all("latency" in objective.metric for objective in problem.objectives)
        self._best: list[Trial] = []

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {name: getattr(self, name) for name in ("seed", "starts", "parents", "mutants")}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials."""
        super().tell(trials)
        inside = [trial for trial in trials if trial.point in self.problem.space]
        self._best = best_of(self.problem, [*self._best, *inside], self.parents)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if len(self.trials) < self.starts or not self._best:
            return fresh(self.problem, rng, n, self.known)
        return fresh(self.problem, rng, n, self.known, lambda: self._child(rng))

    def _child(self, rng: np.random.Generator) -> Point:
        halves = 0.5 ** np.arange(len(self._best))
        parent = self._best[rng.choice(len(self._best), p=halves / halves.sum())]
        binding = self._binding(parent)
        mutants = max(self.mutants, 0.5) if self._saves else self.mutants
        if not binding or rng.random() < mutants:
            return self._variation.mutated(parent.point, rng)
        idle = {name: self._idleness(name, binding) for name in self._numbers}
        weights, sign = idle, -1
        if not self._saves or rng.random() < 0.5:
            weights, sign = dict.fromkeys(self._remedies[_drawn(binding, rng)], 1.0), 1
        options = self._stepped(parent.point, weights, sign, rng)
        if not options:
            return self._variation.mutated(parent.point, rng)
        name = _drawn({each: weights[each] for each in options}, rng)
        del idle[name]
        return self._fitted(options[name], idle, rng)

    def _fitted(self, child: Point, idle: Mapping[str, float], rng: np.random.Generator) -> Point:
        """The child with idle parameters, drawn by their weights, down as far as known limits ask for."""
        violation = self.problem.known_violations([child])[0]
        for _ in range(SHRINKS):
            if violation == 0:
                break
            options = self._stepped(child, idle, -1, rng)
            left = self.problem.known_violations(list(options.values()))
            violations = {name: each for name, each in zip(options, left, strict=True) if each < violation}
            if not violations:
                break
            name = _drawn({name: idle[name] for name in violations}, rng)
            child, violation = options[name], violations[name]
        return child

    def _binding(self, trial: Trial) -> dict[str, float]:
        """How much each resource binds that has a remedy: its share, or the doublings that are missing."""
        runs = trial.measurement.is_feasible
        return {
            resource: amount if runs else log2(1 + amount)
            for resource, amount in trial.measurement.bottlenecks.items()
            if self._remedies.get(resource)
        }

    def _idleness(self, name: str, binding: Mapping[str, float]) -> float:
        """How little binds of what a parameter gives, from `BUSY` to 1."""
        binds = sum(amount for resource, amount in binding.items() if name in self._remedies[resource])
        return max(BUSY, 1.0 - binds / sum(binding.values()))

    def _stepped(
        self, point: Point, names: Iterable[str], sign: int, rng: np.random.Generator
    ) -> dict[str, Point]:
        """The point with one parameter a step up or down, for each of those named that can."""
        moved = {name: _stepped(self._numbers[name], point[name], sign, rng) for name in names}
        return {name: {**point, name: value} for name, value in moved.items() if value != point[name]}


def _stepped(parameter: Parameter, value: Value, sign: int, rng: np.random.Generator) -> Value:
    """The next value up or down, or the one after it; the same one at the end."""
    step = max(1.0 / parameter.cardinality if parameter.cardinality else 0.0, LEAST)
    length = step * (2 if rng.random() < LONG else 1)
    return parameter.from_unit(min(max(parameter.to_unit(value) + sign * length, 0.0), 1.0))


def _drawn(weights: Mapping[str, float], rng: np.random.Generator) -> str:
    """A name, drawn by its weight."""
    shares = np.array(list(weights.values()))
    return list(weights)[rng.choice(len(shares), p=shares / shares.sum())]
