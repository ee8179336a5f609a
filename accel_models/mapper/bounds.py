"""The least that can still come: lower bounds on the cost of all that is outside a tile, for every tile size.

They are found from the outermost level inwards, on the whole lattice at once. For one dataspace that waits for
its tile to move, cost follows from the size alone; so a table has one row for each set of dataspaces that wait.
What is left out can only add: the way that words travel, how often a word is shared below the level that is
looked at, and ties between what two boundaries of one dataspace reuse.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from accel_models.analysis.timeloop.nest import Flags, Ints
from accel_models.mapper.chain import Chain
from accel_models.mapper.lattice import Floats, Lattice


@dataclass(frozen=True)
class Bounds:
    """Tables of one chain; energies are picojoules.

    Attributes:
        spread: cost to go behind a level's spatial loops, [levels][masks of dataspaces that wait, sizes].
        looped: the same behind its temporal loops.
        weight: cost of a word of a dataspace that waits, behind a level's spatial loops, [levels, dataspaces].
        unpaid: cost of a word that is on its way to its parent, at the least, [levels, dataspaces, channels].
        room: children that levels further out can still be given, [levels][sizes].
        share_at: most children that share a word below a level, [levels, dataspaces].
        most_reuse: iterations that one fetch can serve at most, [dataspaces, sizes].
        fits: sizes that fit a level and all further out, [levels][sizes].
        points: words of a tile without the holes of its box, times how often it occurs, [dataspaces, sizes].
    """

    spread: list[Floats]
    looped: list[Floats]
    weight: Floats
    unpaid: Floats
    room: list[Floats]
    share_at: Floats
    most_reuse: Floats
    fits: list[Flags]
    points: Floats


def sizes_that_fit(lattice: Lattice, chain: Chain) -> list[Flags]:
    """Sizes whose tiles fit a level and all levels further out, [levels][sizes]."""
    found: list[Flags] = []
    fits = np.ones(lattice.size, dtype=np.bool_)
    for buffer, keeps in zip(reversed(chain.machine.levels), reversed(chain.keeps), strict=True):
        if keeps:
            fits = fits & (lattice.words[sorted(keeps)].sum(axis=0) <= buffer.tile_entries)
        found.insert(0, fits)
    return found


def bounds(lattice: Lattice, chain: Chain, vectors: list[Ints]) -> Bounds:
    """The tables of a chain, whose levels can spread the sizes `vectors` [levels][number]."""
    levels = len(chain.keeps)
    share = _shares(lattice, vectors)
    weight, unpaid = _weights(chain, share)
    fits = sizes_that_fit(lattice, chain)
    points = lattice.rest * lattice.points
    spread: list[Floats] = [np.empty(0)] * levels
    looped: list[Floats] = [np.empty(0)] * levels
    room: list[Floats] = [np.empty(0)] * levels
    masks = 1 << len(lattice.problem.dataspaces)
    behind = np.full((masks, lattice.size), np.inf)
    behind[:, -1] = 0.0
    space = np.ones(lattice.size)
    slid = _slid(lattice, points)
    start = np.arange(lattice.size) == 0
    for level in reversed(range(levels)):
        waiting = _waiting(chain, level)
        looped[level] = _created(chain, level, behind, weight[level], points, lattice, waiting)
        looped[level][:, ~fits[level]] = np.inf
        spread[level] = _looped(lattice, looped[level], weight[level], slid, waiting)
        room[level] = space
        inner = fits[level - 1] if level else start
        behind, space = _unspread(lattice, spread[level], space, vectors[level], inner)
    return Bounds(spread, looped, weight, unpaid, room, share, _most_reuse(lattice), fits, points)


def _shares(lattice: Lattice, vectors: list[Ints]) -> Floats:
    """Most children that can share a word below every level, [levels, dataspaces]."""
    found = np.ones((len(vectors), len(lattice.problem.dataspaces)))
    for level, sizes in enumerate(vectors):
        extents = lattice.extents[sizes]
        for k, space in enumerate(lattice.problem.dataspaces):
            moved = np.ones(sizes.size)
            for rank in space.ranks:
                moved = np.maximum(moved, 1) * (1 + sum(extents[:, dim] - 1 for dim, _ in rank))
            found[level, k] = max(1.0, (extents.prod(axis=1) / moved).max())
    return found


def _most_reuse(lattice: Lattice) -> Floats:
    """Iterations that leave a tile where it is, and those over which it may slide."""
    found = lattice.irrelevant_rest.copy()
    for k, sliding in enumerate(lattice.sliding):
        slides = [np.array(lattice.problem.bounds[dim]) // lattice.extents[:, dim] for dim in sliding]
        if slides:
            found[k] *= np.max(slides, axis=0)
    return found


def _weights(chain: Chain, share: Floats) -> tuple[Floats, Floats]:
    levels, spaces = len(chain.keeps), len(chain.problem.dataspaces)
    weight, unpaid = np.zeros((levels, spaces)), np.zeros((levels, spaces, chain.channels))
    for level in range(levels):
        for k in range(spaces):
            made = chain.current(level - 1, k)
            parent = chain.parent(made, k)
            if parent is None:
                continue
            later = np.prod(share[level + 1 : parent + 1, k])
            serve = chain.serve[parent, k] / later
            if parent > level:
                unpaid[level, k] = serve
            if made >= 0:
                weight[level, k] = float(chain.energy(chain.fill[made, k] + serve))
    return weight, unpaid


def _waiting(chain: Chain, level: int) -> list[int]:
    """Masks of dataspaces that can wait at a level's loops, fewest first."""
    spaces = range(len(chain.problem.dataspaces))
    able = [
        k for k in spaces if (made := chain.current(level - 1, k)) >= 0 and chain.parent(made, k) is not None
    ]
    return sorted(sum(1 << k for k in each) for n in range(len(able) + 1) for each in combinations(able, n))


def _created(
    chain: Chain,
    level: int,
    behind: Floats,
    weight: Floats,
    points: Floats,
    lattice: Lattice,
    waiting: list[int],
) -> Floats:
    """Cost to go before a level's dataspaces begin to wait, from the cost with them waiting."""
    found = np.full_like(behind, np.inf)
    ended = sum(1 << k for k in chain.keeps[level])
    begun = sum(1 << k for k in chain.keeps[level] if chain.parent(level, k) is not None)
    last = level == len(chain.keeps) - 1
    for mask in waiting:
        found[mask] = behind[mask & ~ended | begun]
        for k in range(len(points)):
            if mask >> k & 1 and (k in chain.keeps[level] or last):
                found[mask] += weight[k] * points[k] / lattice.irrelevant_rest[k]
    return found


def _looped(
    lattice: Lattice, after: Floats, weight: Floats, slid: list[list[Floats]], waiting: list[int]
) -> Floats:
    """Cost to go before a level's temporal loops, from the cost behind them."""
    found = after.copy()
    shape = lattice.shape
    spaces = range(len(slid))
    for mask in waiting:
        table = found[mask].reshape(shape)
        stays = []
        for axis, (dim, _) in enumerate(lattice.axes):
            moved = [k for k in spaces if mask >> k & 1 and dim in lattice.relevant[k]]
            if not moved:
                stays.append(axis)
                continue
            then = found[mask & ~sum(1 << k for k in moved)].reshape(shape)
            cost = sum(weight[k] * slid[k][dim] for k in moved).reshape(shape)
            inner, outer = _shifted(len(shape), axis)
            np.minimum(table[inner], then[outer] + cost[inner], out=table[inner])
        for axis in stays:
            table[...] = np.flip(np.minimum.accumulate(np.flip(table, axis), axis), axis)
    return found


def _shifted(axes: int, axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """All but the last, and all but the first, along an axis."""
    everything = (slice(None),) * axis
    rest = (slice(None),) * (axes - axis - 1)
    return (*everything, slice(None, -1), *rest), (*everything, slice(1, None), *rest)


def _slid(lattice: Lattice, points: Floats) -> list[list[Floats]]:
    """Words at the least if a loop moves the tile, [dataspaces][dimensions][sizes].

    A loop that slides the tile over itself fetches those of one sweep over all the rest of its dimension.
    """
    return [
        [
            points[k][lattice.whole[:, dim]] if dim in sliding else points[k]
            for dim in range(lattice.whole.shape[1])
        ]
        for k, sliding in enumerate(lattice.sliding)
    ]


def _unspread(
    lattice: Lattice, table: Floats, space: Floats, vectors: Ints, inner: Flags
) -> tuple[Floats, Floats]:
    """Cost to go and room before a level's spatial loops, from those behind them, for `inner` [sizes]."""
    if vectors.size == 1:
        return table, space
    found, room = np.full_like(table, np.inf), np.zeros_like(space)
    sizes = np.flatnonzero(inner)
    grown = sizes[:, None] + vectors
    grown[~lattice.multiply(sizes, vectors)] = lattice.size
    used = np.flatnonzero(np.isfinite(table).any(axis=1))
    for mask in used:
        found[mask, sizes] = np.append(table[mask], np.inf)[grown].min(axis=1)
    children = lattice.extents[vectors].prod(axis=1)
    room[sizes] = (children * np.append(space, 0.0)[grown]).max(axis=1)
    return found, room
