"""Ways to spread loops over a level's children, and what they share.

Children whose tiles coincide share a word: those along a loop that does not move the tile, and, where two loops
move one rank, those on a diagonal. How far words travel depends on where the children sit, which is a matter
of the order of the loops.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product
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


def factor_vectors(lattice: Lattice, mesh: tuple[int, int], *, both_axes: bool = False) -> Ints:
    """Positions of all sizes that can be spread over an array: those of which X and Y can each take a part.

    With `both_axes` each may take a part of one and the same dimension, too.
    """
    columns, rows = mesh
    children = lattice.extents.prod(axis=1)
    positions = np.flatnonzero(children <= columns * rows)
    if both_axes:
        fits = np.array([_divides(count, rows, columns) for count in range(columns * rows + 1)])
        return np.asarray(positions[fits[children[positions]]])
    loops = [_loops(lattice, int(position)) for position in positions]
    return positions[[_fits(tuple(trips for _, trips in each), mesh) for each in loops]]


def _divides(count: int, rows: int, columns: int) -> bool:
    """Whether a number is a product of one of at most `rows` and one of at most `columns`."""
    return any(count % row == 0 and count <= row * columns for row in range(1, rows + 1))


@lru_cache(maxsize=65536)
def _fits(trips: tuple[int, ...], mesh: tuple[int, int]) -> bool:
    """Whether loops can be shared out among the axes."""
    along_y = {prod(each) for count in range(len(trips) + 1) for each in combinations(trips, count)}
    return any(along <= mesh[1] and prod(trips) <= along * mesh[0] for along in along_y)


def _loops(lattice: Lattice, position: int) -> Loops:
    return tuple((dim, int(trips)) for dim, trips in enumerate(lattice.extents[position]) if trips > 1)


def spreads(
    lattice: Lattice,
    mesh: tuple[int, int],
    position: int,
    child: Ints,
    *,
    travelling: tuple[int, ...],
    both_axes: bool = False,
) -> tuple[Spread, ...]:
    """The ways to spread a size over children, without those that travel farther.

    Args:
        lattice: tile sizes.
        mesh: columns and rows of the children.
        position: the size that is spread.
        child: extents of the children, [dimensions].
        travelling: dataspaces of which it matters how far words travel; if there are none, one way is enough.
        both_axes: whether a dimension may be on both axes.
    """
    loops = _loops(lattice, position)
    strides = tuple(_strides(matrix, dict(loops), child) for matrix in lattice.problem.coefficients)
    return _spreads(loops, mesh, strides, travelling, both_axes)


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
    loops: Loops,
    mesh: tuple[int, int],
    strides: tuple[tuple[tuple[int, ...], ...], ...],
    travelling: tuple[int, ...],
    both_axes: bool,
) -> tuple[Spread, ...]:
    kinds = list(zip(*(_kinds(each, len(loops)) for each in strides), strict=True))
    ways = _ways(loops, mesh, tuple(kinds), both_axes)
    rows = []
    for order, along_y in ways if travelling else ways[:1]:
        by_dim = dict(zip((dim for dim, _ in loops), kinds, strict=True))
        travels = [
            _travel(_merged(order, {dim: each[k] for dim, each in by_dim.items()}), mesh)
            for k in range(len(strides))
        ]
        rows.append(Spread(order, along_y, *(np.array(each) for each in zip(*travels, strict=True))))
    hops = np.array([each.hops[list(travelling)] for each in rows])
    return tuple(rows[row] for row in _least(hops).tolist())


def _least(hops: Floats) -> Ints:
    """Rows of which one has the least weighted sum, for any weights that are not negative.

    That is not so of a row that another one beats in all columns [rows, columns], nor if a mixture of two does.
    """
    no_farther = (hops[:, None] <= hops).all(axis=2)
    beats = no_farther & (~no_farther.T | np.tri(len(hops), k=-1, dtype=np.bool_).T)
    rows = np.flatnonzero(~beats.any(axis=0))
    if rows.size < 3:
        return rows
    return rows[[not _mixes(np.delete(hops[rows], row, axis=0) - hops[rows[row]]) for row in range(rows.size)]]


def _mixes(differences: Floats) -> bool:
    """Whether t times a row and 1 - t times another, 0 <= t <= 1, is nowhere positive, [rows, columns]."""
    slope = differences[:, None] - differences
    bound = np.divide(-differences, slope, out=np.zeros_like(slope), where=slope != 0)
    most = np.where(slope > 0, bound, 1.0).min(axis=2, initial=1.0)
    least = np.where(slope < 0, bound, 0.0).max(axis=2, initial=0.0)
    flat = ((slope == 0) & (differences > 0)).any(axis=2)
    return bool(((least <= most) & ~flat).any())


def _ways(
    loops: Loops, mesh: tuple[int, int], kinds: tuple[tuple["Kind", ...], ...], both_axes: bool
) -> list[tuple[Loops, int]]:
    """Loops in order, with how many from the outermost run along Y; one of all that no dataspace tells apart.

    Loops that do the same to every tile, by `kinds` [loops][dataspaces], can change places, unless where they
    bring tiles to the same place.
    """
    groups = [
        dim if any(len(kind) > 1 for kind in each) else -1 - kinds.index(each)
        for (dim, _), each in zip(loops, kinds, strict=True)
    ]
    names = dict(zip((dim for dim, _ in loops), groups, strict=True))
    shares: dict[tuple[Loops, ...], list[Loops]] = {}
    for parts in product(*(_parts(trips, both_axes) for _, trips in loops)):
        rest = [trips // part for (_, trips), part in zip(loops, parts, strict=True)]
        if prod(parts) <= mesh[1] and prod(rest) <= mesh[0]:
            axes = [
                tuple((dim, part) for (dim, _), part in zip(loops, each, strict=True) if part > 1)
                for each in (parts, rest)
            ]
            shares.setdefault(tuple(tuple(sorted((names[d], t) for d, t in axis)) for axis in axes), axes)
    found: dict[Loops, tuple[Loops, int]] = {}
    for along_y, along_x in shares.values():
        for outer, inner in product(permutations(along_y), permutations(along_x)):
            found.setdefault(_word((*outer, *inner), names), ((*outer, *inner), len(outer)))
    return list(found.values())


def _parts(trips: int, both_axes: bool) -> list[int]:
    """Trips that Y can take of a loop: all of them first, if need be."""
    return [part for part in range(trips, 0, -1) if trips % part == 0 and (both_axes or part in (1, trips))]


def _word(order: Loops, names: dict[int, int]) -> Loops:
    """Loops by group, neighbours of a group as one."""
    found: list[tuple[int, int]] = []
    for dim, trips in order:
        if found and found[-1][0] == names[dim]:
            trips *= found.pop()[1]
        found.append((names[dim], trips))
    return tuple(found)


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
    """Loops with their kinds; neighbours that stand, and neighbours that move ranks of their own, are one.

    Of a dimension with two loops the outer one strides over all of the inner one.
    """
    found: list[tuple[int, Kind]] = []
    inside = dict.fromkeys(kinds, 1)
    for dim, trips in reversed(order):
        kind = (kinds[dim][0], *(step * inside[dim] for step in kinds[dim][1:]))
        inside[dim] *= trips
        if found and found[0][1] == kind and len(kind) == 1:
            trips *= found.pop(0)[0]
        found.insert(0, (trips, kind))
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
