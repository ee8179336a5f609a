"""How points beget points: mutation, uniform crossover, and the neighbours of a point."""

from collections.abc import Iterator, Sequence
from math import inf

import numpy as np

from search_spaces.parameter import Categorical, Parameter
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace

STEP_SPREAD = 0.1
"""Standard deviation of a step to a neighbour, as a share of a parameter's range; never under one value."""

REACHES = (1 / 64, 1 / 8)
"""Neighbours of a number lie so far away, as shares of its range; never nearer than the next value."""


class Variation:
    """Children of points of a space; rules are not asked, and a child may equal a parent.

    Args:
        space: where the points lie.
        mutations: mean number of parameters that `mutated` changes, at least 1; one always is.
        neighbour: probability that a mutation of a number is a step to a value near by, not a draw of any.

    Raises:
        ValueError: a knob is out of its range.
    """

    def __init__(self, space: SearchSpace, mutations: float = 1.5, neighbour: float = 0.8) -> None:
        if not 0 <= neighbour <= 1:
            raise ValueError(f"`neighbour` must be a probability, but got neighbour={neighbour}")
        if not mutations >= 1:
            raise ValueError(f"`mutations >= 1` must hold, but got mutations={mutations}")
        self.names = space.names
        self.open = tuple(parameter for parameter in space.parameters if parameter.cardinality != 1)
        self.mutations = mutations
        self.neighbour = neighbour

    def crossed(self, first: Point, second: Point, rng: np.random.Generator) -> Point:
        """Each value from one of two points, by the toss of a coin."""
        names = self.names  # points from a store have their keys in another order
        return {name: second[name] if rng.random() < 0.5 else first[name] for name in names}

    def mutated(self, point: Point, rng: np.random.Generator) -> Point:
        """The point with one or more of its values changed; itself where no parameter has a choice."""
        if not self.open:
            return point
        child = dict(point)
        more = rng.binomial(len(self.open) - 1, self._rate()) if len(self.open) > 1 else 0
        for row in rng.choice(len(self.open), size=1 + more, replace=False):
            parameter = self.open[row]
            child[parameter.name] = self._changed(parameter, child[parameter.name], rng)
        return child

    def neighbours(self, point: Point) -> Iterator[Point]:
        """All points that differ in one value: a category in any way, a number by each of `REACHES`."""
        for parameter in self.open:
            for value in _near(parameter, point[parameter.name]):
                yield {**point, parameter.name: value}

    def _rate(self) -> float:
        """Probability that a parameter beside the one that always is gets mutated."""
        return min(1.0, (self.mutations - 1) / (len(self.open) - 1))

    def _changed(self, parameter: Parameter, value: Value, rng: np.random.Generator) -> Value:
        """A value near by or any value; it may be the old one."""
        if isinstance(parameter, Categorical) or rng.random() >= self.neighbour:
            return parameter.from_unit(rng.random())
        step = max(1.0 / (parameter.cardinality or inf), abs(rng.normal(0.0, STEP_SPREAD)))
        u = parameter.to_unit(value) + (step if rng.random() < 0.5 else -step)
        return parameter.from_unit(min(max(u, 0.0), 1.0))


def _near(parameter: Parameter, value: Value) -> Sequence[Value]:
    """Values that a neighbour may have, without repetition."""
    if isinstance(parameter, Categorical):
        return [other for other in parameter.values if other != value]
    u, next_value = parameter.to_unit(value), 1.0 / (parameter.cardinality or inf)
    steps = sorted({max(next_value, reach) for reach in REACHES})
    places = [min(max(u + sign * step, 0.0), 1.0) for step in steps for sign in (-1, 1)]
    return [other for other in dict.fromkeys(map(parameter.from_unit, places)) if other != value]
