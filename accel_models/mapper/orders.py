"""Which orders of a level's loops differ in what they reuse.

What a dataspace costs depends on an order through two things only: which loops that leave its tile in place
stand inside the innermost loop that moves it, and which loop that is, if it can slide the tile over itself.
Sets of dimensions and of dataspaces are bit masks here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from accel_models.analysis.timeloop.nest import Version

STANDS, MOVES = -1, -2
"""In place of the loop that slides a tile: none moves it, or one that cannot slide it."""


@dataclass(frozen=True, slots=True)
class OrderClass:
    """An order of loops, innermost first, and what it does for every dataspace [dataspaces].

    Attributes:
        order: dimensions.
        inside: mask of the loops inside the one that moves the tile; all loops, if none does.
        mover: that loop's dimension if it can slide the tile; STANDS or MOVES otherwise.
    """

    order: tuple[int, ...]
    inside: tuple[int, ...]
    mover: tuple[int, ...]


@cache
def order_classes(
    dims: int, waiting: int, relevant: tuple[int, ...], sliding: tuple[int, ...], version: Version
) -> tuple[OrderClass, ...]:
    """The orders of loops over `dims` that no other one beats for all dataspaces that wait.

    Args:
        dims: dimensions of the loops.
        waiting: dataspaces whose tile has not moved yet.
        relevant: dimensions that move the tile, of every dataspace.
        sliding: those of them that may slide it over itself, of every dataspace.
        version: release 3.0.3 sees no sliding if the tile stood still before.
    """
    found: dict[tuple[tuple[int, ...], tuple[int, ...]], OrderClass] = {}
    for order, inside, mover in _orders(
        (), dims, waiting, relevant, ((0,) * len(relevant), (MOVES,) * len(relevant))
    ):
        slides = tuple(
            dim
            if dim == STANDS or (dim >= 0 and sliding[k] >> dim & 1 and not (version == "v303" and inside[k]))
            else MOVES
            for k, dim in enumerate(mover)
        )
        rest = tuple(dim for dim in _members(dims) if dim not in order)
        found.setdefault((inside, slides), OrderClass((*order, *rest), inside, slides))
    classes = list(found.values())
    return tuple(
        each for each in classes if not any(_beats(other, each) for other in classes if other is not each)
    )


def _orders(
    order: tuple[int, ...],
    left: int,
    waiting: int,
    relevant: tuple[int, ...],
    reuse: tuple[tuple[int, ...], tuple[int, ...]],
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]]:
    """Orders up to the loop that moves the last tile, with `inside` and the mover of every dataspace."""
    placed = sum(1 << dim for dim in order)
    if not waiting or not left:
        yield order, *_set(reuse, waiting, placed, STANDS)
        return
    for dim in _members(left):
        moved = sum(1 << k for k in _members(waiting) if relevant[k] >> dim & 1)
        now = _set(reuse, moved, placed, dim)
        yield from _orders((*order, dim), left & ~(1 << dim), waiting & ~moved, relevant, now)


def _set(
    reuse: tuple[tuple[int, ...], tuple[int, ...]], which: int, placed: int, dim: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    inside, mover = reuse
    return (
        tuple(placed if which >> k & 1 else each for k, each in enumerate(inside)),
        tuple(dim if which >> k & 1 else each for k, each in enumerate(mover)),
    )


def _members(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]


def _beats(better: OrderClass, other: OrderClass) -> bool:
    """Whether an order reuses at least as much of every dataspace."""
    return all(
        more & less == less and (slides == slid or slid == MOVES)
        for more, less, slides, slid in zip(better.inside, other.inside, better.mover, other.mover, strict=True)
    )
