"""Ways to spread loops over a level's children, and what they share.

Children whose tiles coincide share a word: those along a loop that does not move the tile, and, where two loops
move one rank, those on a diagonal. How far words travel depends on where the children sit, which is a matter
of the order of the loops.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from math import gcd, prod

import numpy as np

from accel_models.analysis.timeloop.nest import Ints
from accel_models.mapper.lattice import Floats, Lattice

Loops = tuple[tuple[int, int], ...]
"""(dimension, trips) of spatial loops, outermost first."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Spatial loops below a level.

    Attributes:
        loops: outermost first.
        along_y: how many of them, from the outermost, run along Y; the rest run along X.
        shared: children that share a word, of every dataspace, [dataspaces].
        hops: of a word that a child gets, its part of the way shared with others included, [dataspaces].
    """

    loops: Loops
    along_y: int
    shared: Floats
    hops: Floats


def factor_vectors(lattice: Lattice, mesh: tuple[int, int]) -> Ints:
    """Positions of all sizes that can be spread over an array: those of which X and Y can each take a part."""
    fits = lattice.extents.prod(axis=1) <= prod(mesh)
    positions = np.flatnonzero(fits)
    loops = [_loops(lattice, int(position)) for position in positions]
    return positions[[bool(_placements(each, mesh)) for each in loops]]


def _loops(lattice: Lattice, position: int) -> Loops:
    return tuple((dim, int(trips)) for dim, trips in enumerate(lattice.extents[position]) if trips > 1)


@lru_cache(maxsize=65536)
def _placements(loops: Loops, mesh: tuple[int, int]) -> tuple[tuple[Loops, int], ...]:
    """Orders of the loops, with how many from the outermost run along Y."""
    columns, rows = mesh
    found = []
    for order in permutations(loops):
        for along_y in range(len(order) + 1):
            if (
                prod(trips for _, trips in order[:along_y]) <= rows
                and prod(trips for _, trips in order[along_y:]) <= columns
            ):
                found.append((order, along_y))
                break
    return tuple(found)


def spreads(
    lattice: Lattice, mesh: tuple[int, int], position: int, child: Ints, *, placed: bool
) -> tuple[Spread, ...]:
    """The ways to spread a size over children of given extents [dimensions], without those that travel farther.

    If it does not matter how far words travel, `placed` is False, and one way is enough.
    """
    loops = _loops(lattice, position)
    strides = tuple(_strides(matrix, dict(loops), child) for matrix in lattice.problem.coefficients)
    return _spreads(loops, mesh, strides, placed)


def coincidences(lattice: Lattice, vectors: Ints, sizes: Ints) -> Ints:
    """Numbers of pairs, equal where the same size is spread and the same tiles coincide, [pairs].

    Args:
        lattice: tile sizes.
        vectors: sizes that are spread, [pairs].
        sizes: sizes of the children, [pairs].
    """
    trips, extents = lattice.extents[vectors], lattice.extents[sizes]
    found = vectors.copy()
    for space in lattice.problem.dataspaces:
        for rank in space.ranks:
            if len(rank) == 1:
                continue
            steps = [coefficient * extents[:, dim] for dim, coefficient in rank]
            if len(rank) == 2:
                common = np.gcd(*steps)
                one, two = steps[0] // common, steps[1] // common
                meet = (two < trips[:, rank[0][0]]) & (one < trips[:, rank[1][0]])
                kinds = [np.where(meet, one, 0), np.where(meet, two, 0)]
            else:
                kinds = steps
            for kind in kinds:
                _, found = np.unique(found, return_inverse=True)
                found = found.ravel() * (int(kind.max()) + 1) + kind
    return found


def _strides(matrix: Ints, trips: dict[int, int], child: Ints) -> tuple[tuple[int, ...], ...]:
    """How far a step along every loop moves the tile in every rank, in the smallest numbers that say so.

    A rank that several loops move without ever bringing two tiles to the same place counts as one for each.
    """
    found = []
    for rank in matrix:
        steps = {dim: int(rank[dim] * child[dim]) for dim in trips if rank[dim]}
        common = gcd(*steps.values())
        if len(steps) > 1 and _coincide(list(steps.values()), [trips[dim] for dim in steps]):
            found.append(tuple(steps.get(dim, 0) // common for dim in trips))
        else:
            found += [tuple(int(dim == each) for each in trips) for dim in steps]
    return tuple(found)


def _coincide(steps: list[int], trips: list[int]) -> bool:
    """Whether two tiles come to the same place."""
    places = np.zeros(1, dtype=np.int64)
    for step, count in zip(steps, trips, strict=True):
        places = (places[:, None] + step * np.arange(count)).ravel()
    return np.unique(places).size < places.size


@lru_cache(maxsize=65536)
def _spreads(
    loops: Loops, mesh: tuple[int, int], strides: tuple[tuple[tuple[int, ...], ...], ...], placed: bool
) -> tuple[Spread, ...]:
    placements = _placements(loops, mesh)[: None if placed else 1]
    kinds = [dict(zip((dim for dim, _ in loops), _kinds(each, len(loops)), strict=True)) for each in strides]
    rows = []
    for order, along_y in placements:
        travels = [_travel(_merged(order, kind), mesh) for kind in kinds]
        rows.append(Spread(order, along_y, *(np.array(each) for each in zip(*travels, strict=True))))
    return tuple(
        each
        for place, each in enumerate(rows)
        if not any(
            (other.hops <= each.hops).all() and ((other.hops < each.hops).any() or rival < place)
            for rival, other in enumerate(rows)
        )
    )


Kind = tuple[int, ...]
STANDS, OWN = (0,), (1,)
"""What a loop does to a tile: nothing; moves a rank of its own; else its strides in shared ranks."""


def _kinds(strides: tuple[tuple[int, ...], ...], loops: int) -> list[Kind]:
    """The kind of every loop, from strides [ranks][loops]."""
    found = []
    for steps in ([rank[loop] for rank in strides] for loop in range(loops)):
        moved = [rank for rank, step in enumerate(steps) if step]
        alone = any(sum(each > 0 for each in strides[rank]) == 1 for rank in moved)
        found.append(STANDS if not moved else OWN if alone else (2, *steps))
    return found


def _merged(order: Loops, kinds: dict[int, Kind]) -> tuple[tuple[int, Kind], ...]:
    """Loops with their kinds; neighbours that stand, and neighbours that move ranks of their own, are one."""
    found: list[tuple[int, Kind]] = []
    for dim, trips in order:
        kind = kinds[dim]
        if found and found[-1][1] == kind and len(kind) == 1:
            trips *= found.pop()[0]
        found.append((trips, kind))
    return tuple(found)


@lru_cache(maxsize=65536)
def _travel(loops: tuple[tuple[int, Kind], ...], mesh: tuple[int, int]) -> tuple[float, float]:
    """Children that share a word, and hops for a child."""
    if not loops:
        return 1.0, 0.0
    columns, rows = mesh
    trips = [count for count, _ in loops]
    children = prod(trips)
    digits = np.indices(trips).reshape(len(loops), children)
    code = np.zeros(children, dtype=np.int64)
    for digit, (count, kind) in zip(digits, loops, strict=True):
        if kind == OWN:
            code = code * count + digit
    shared = [(digit, kind[1:]) for digit, (_, kind) in zip(digits, loops, strict=True) if len(kind) > 1]
    for rank in zip(*(steps for _, steps in shared), strict=True):
        place = sum(
            (step * digit for step, (digit, _) in zip(rank, shared, strict=True)), np.zeros(children, int)
        )
        code = code * (int(place.max()) + 1) + place
    _, group = np.unique(code, return_inverse=True)
    groups = int(group.max()) + 1
    column, row = np.arange(children) % columns, np.arange(children) // columns
    last = np.zeros(groups, dtype=np.int64)
    np.maximum.at(last, group, column)
    off_centre = 2 * row - (rows - 1)
    lane = group * columns + column
    up, down = (np.zeros(groups * columns, dtype=np.int64) for _ in range(2))
    np.maximum.at(up, lane, off_centre)
    np.maximum.at(down, lane, -off_centre)
    return children / groups, float(last.sum() + (up.sum() + down.sum()) / 2) / children
