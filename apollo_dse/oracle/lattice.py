"""Boxes of a discrete search space: contiguous stretches of every parameter's values.

A space is a lattice of whole-numbered places, one axis a parameter; words (categorical parameters) have an
order, too, but none that means anything, so nothing is known of a box that spans several of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from search_spaces.parameter import Integer, Real
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace

Places = NDArray[np.int64]
"""Places along each axis, [n, d]."""


@dataclass(frozen=True, slots=True)
class Boxes:
    """n boxes: all places between `lower` and `upper` [n, d], both included."""

    lower: Places
    upper: Places

    def __len__(self) -> int:
        return len(self.lower)

    @property
    def lengths(self) -> Places:
        """Places along each axis, [n, d]."""
        return self.upper - self.lower + 1

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Points of each box, [n]."""
        found: NDArray[np.int64] = self.lengths.prod(axis=1)
        return found

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> "Boxes":
        """The boxes of these indices, or where a mask is true."""
        return Boxes(self.lower[index], self.upper[index])

    def places(self) -> Places:
        """All points of all boxes, [m, d]."""
        parts = []
        for lower, lengths in zip(self.lower, self.lengths, strict=True):
            parts.append(lower + np.indices(lengths).reshape(len(lengths), int(lengths.prod())).T)
        return np.concatenate(parts) if parts else self.lower

    def halves(self, axis: NDArray[np.int64]) -> "Boxes":
        """Each box cut in the middle of an axis [n] along which it is longer than one: lower halves first."""
        rows = np.arange(len(self))
        middle = (self.lower[rows, axis] + self.upper[rows, axis]) // 2
        below, above = self.upper.copy(), self.lower.copy()
        below[rows, axis], above[rows, axis] = middle, middle + 1
        return join((Boxes(self.lower, below), Boxes(above, self.upper)))


def join(parts: Sequence[Boxes]) -> Boxes:
    """The boxes of all parts, in order."""
    return Boxes(np.concatenate([part.lower for part in parts]), np.concatenate([part.upper for part in parts]))


@dataclass(frozen=True)
class Lattice:
    """The places of a discrete space.

    Raises:
        ValueError: a parameter is a `Real`.
    """

    space: SearchSpace

    def __post_init__(self) -> None:
        for parameter in self.space.parameters:
            if isinstance(parameter, Real):
                raise ValueError(
                    f"only a space of discrete parameters can be solved, but {parameter.name!r} is any number "
                    f"from {parameter.low} to {parameter.high}; list the values that it may have"
                )

    @cached_property
    def axes(self) -> tuple[Sequence[Value], ...]:
        """Values along each axis."""
        return tuple(
            range(parameter.low, parameter.high + 1) if isinstance(parameter, Integer) else parameter.values
            for parameter in self.space.parameters
            if not isinstance(parameter, Real)
        )

    @cached_property
    def size(self) -> int:
        """Number of points, those that rules exclude included."""
        return prod(map(len, self.axes))

    def whole(self) -> Boxes:
        """The one box that is everything."""
        lengths = np.array([[len(axis) for axis in self.axes]], dtype=np.int64)
        return Boxes(np.zeros_like(lengths), lengths - 1)

    def points(self, places: Places) -> list[Point]:
        """The points at places [n, d]."""
        names = self.space.names
        return [
            {name: axis[place] for name, axis, place in zip(names, self.axes, row, strict=True)}
            for row in places.tolist()
        ]

    def numbers(self, places: Places) -> list[int]:
        """Each point's number in the order of `SearchSpace.enumerate`, the last parameter fastest."""
        found = []
        for row in places.tolist():
            number = 0
            for place, axis in zip(row, self.axes, strict=True):
                number = number * len(axis) + place
            found.append(number)
        return found
