"""Tile sizes of a problem: every vector of extents that divide the bounds, as a lattice of prime exponents."""

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import NDArray

from accel_models.analysis.timeloop.nest import Ints, Problem

Floats = NDArray[np.float64]


def factorized(number: int) -> list[tuple[int, int]]:
    """Primes of a positive number with their exponents."""
    found, prime = [], 2
    while number > 1:
        exponent = 0
        while number % prime == 0:
            number //= prime
            exponent += 1
        if exponent:
            found.append((prime, exponent))
        prime = prime + 1 if prime * prime <= number else max(number, prime + 1)
    return found


@dataclass(frozen=True)
class Lattice:
    """All tile sizes of a problem; a size is its position in `extents`.

    An axis is a prime of a dimension's bound, and its coordinate the exponent that the size has of it, so that
    to multiply sizes is to add positions.
    """

    problem: Problem

    @cached_property
    def axes(self) -> tuple[tuple[int, int], ...]:
        """(dimension, prime) of every axis."""
        return tuple((dim, prime) for dim, prime, _ in self._factors)

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Coordinates of every axis."""
        return tuple(exponent + 1 for _, _, exponent in self._factors) or (1,)

    @property
    def size(self) -> int:
        """Tile sizes."""
        return prod(self.shape)

    @cached_property
    def exponents(self) -> Ints:
        """Coordinates of every size, [sizes, axes]."""
        return np.stack([each.ravel() for each in np.indices(self.shape)], axis=1)

    @cached_property
    def steps(self) -> Ints:
        """What one more along an axis adds to the position, [axes]."""
        return np.array([prod(self.shape[axis + 1 :]) for axis in range(len(self.shape))], dtype=np.int64)

    @cached_property
    def extents(self) -> Ints:
        """Extents of every size, [sizes, dimensions]."""
        found = np.ones((self.size, len(self.problem.dims)), dtype=np.int64)
        for axis, (dim, prime) in enumerate(self.axes):
            found[:, dim] *= prime ** self.exponents[:, axis]
        return found

    @cached_property
    def rest(self) -> Ints:
        """How often a tile of every size occurs, over time and space, [sizes]."""
        return np.asarray(prod(self.problem.bounds) // self.extents.prod(axis=1))

    @cached_property
    def sides(self) -> tuple[Ints, ...]:
        """Sides of the tile's box, [ranks, sizes], of every dataspace."""
        return tuple(self.problem.lengths(k, self.extents.T) for k in range(len(self.problem.dataspaces)))

    @cached_property
    def words(self) -> Floats:
        """Words of the tile, [dataspaces, sizes]."""
        return np.stack([each.prod(axis=0) for each in self.sides]).astype(np.float64)

    @cached_property
    def relevant(self) -> tuple[frozenset[int], ...]:
        """Dimensions that move the tile, of every dataspace."""
        bounds = self.problem.bounds
        return tuple(
            frozenset(dim for rank in space.ranks for dim, _ in rank if bounds[dim] > 1)
            for space in self.problem.dataspaces
        )

    @cached_property
    def irrelevant_rest(self) -> Floats:
        """Iterations outside a tile of every size that leave it where it is, [dataspaces, sizes]."""
        bounds = np.array(self.problem.bounds)
        rest = (bounds // self.extents).astype(np.float64)
        return np.stack(
            [
                rest[:, [dim for dim in range(len(bounds)) if dim not in relevant]].prod(axis=1)
                for relevant in self.relevant
            ]
        )

    @cached_property
    def sliding(self) -> tuple[dict[int, tuple[int, int]], ...]:
        """Dimensions whose loops can slide a tile over itself, with rank and coefficient, of every dataspace.

        They are those that move one rank, which other dimensions widen.
        """
        found = []
        for space, matrix in zip(self.problem.dataspaces, self.problem.coefficients, strict=True):
            wide = [sum(self.problem.bounds[dim] > 1 for dim, _ in rank) > 1 for rank in space.ranks]
            found.append(
                {
                    dim: (rank, int(matrix[rank, dim]))
                    for rank in range(len(space.ranks))
                    for dim in range(len(self.problem.dims))
                    if wide[rank]
                    and self.problem.bounds[dim] > 1
                    and matrix[rank, dim]
                    and np.count_nonzero(matrix[:, dim]) == 1
                }
            )
        return tuple(found)

    @cached_property
    def points(self) -> Floats:
        """Words of the tile without the holes that its box has where strides skip some, [dataspaces, sizes]."""
        found = np.ones_like(self.words)
        for k, space in enumerate(self.problem.dataspaces):
            for rank in space.ranks:
                found[k] *= self._distinct(rank)
        return found

    def _distinct(self, rank: tuple[tuple[int, int], ...]) -> Floats:
        """Indices of a rank that a tile of every size touches, [sizes]."""
        dims = [dim for dim, _ in rank]
        cases, which = np.unique(self.extents[:, dims], axis=0, return_inverse=True)
        number = []
        for case in cases:
            touched = np.zeros(1, dtype=np.int64)
            for extent, (_, coefficient) in zip(case, rank, strict=True):
                touched = np.unique(touched[:, None] + coefficient * np.arange(extent))
            number.append(touched.size)
        return np.array(number, dtype=np.float64)[which.ravel()]

    @cached_property
    def whole(self) -> Ints:
        """Position of every size with all of one dimension, [sizes, dimensions]."""
        found = np.repeat(np.arange(self.size)[:, None], len(self.problem.dims), axis=1)
        for axis, (dim, _) in enumerate(self.axes):
            found[:, dim] += (self.shape[axis] - 1 - self.exponents[:, axis]) * self.steps[axis]
        return found

    def multiply(self, sizes: Ints, others: Ints) -> NDArray[np.bool_]:
        """Whether the product of two sizes divides the bounds, [sizes, others]."""
        left = np.array(self.shape) - 1 - self.exponents[sizes]
        found = np.ones((sizes.size, others.size), dtype=np.bool_)
        for axis in range(left.shape[1]):
            found &= self.exponents[others, axis] <= left[:, axis, None]
        return found

    def pairs(self, sizes: Ints, allowed: NDArray[np.bool_]) -> tuple[Ints, Ints]:
        """All multiples of given sizes [n] that are allowed [sizes]: rows into `sizes`, and positions, [pairs].

        `allowed` must hold for every divisor of a size for which it holds.
        """
        rows, found = np.arange(sizes.size), sizes
        for axis, most in enumerate(self.shape):
            if not self.axes:
                break
            room = most - 1 - self.exponents[found, axis]
            again = np.repeat(np.arange(found.size), room + 1)
            first = np.cumsum(room + 1) - (room + 1)
            more = np.arange(again.size) - first[again]
            grown = found[again] + more * self.steps[axis]
            keep = allowed[grown]
            rows, found = rows[again[keep]], grown[keep]
        return rows, found

    @property
    def _factors(self) -> list[tuple[int, int, int]]:
        return [
            (dim, prime, exponent)
            for dim, bound in enumerate(self.problem.bounds)
            for prime, exponent in factorized(bound)
        ]
