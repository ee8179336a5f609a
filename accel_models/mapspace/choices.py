"""The choices that make up a mapping of the PE-array hierarchy, for one layer and independent of any design.

A mapping of DRAM -> PE array -> PE memory -> cores -> core memory -> lanes x ways is four choices:

    tiling      the chunk of the layer that the whole array holds at a time (chunks are stepped through by
                DRAM-level loops) and the order of those loops
    unrolling   which dimension each spatial axis unrolls: PE columns, PE rows, cores, lanes, ways
    passes      how many parts of its groups, output and input channels a PE brings into its cores in turn
    inner order whether the innermost loops keep outputs (accumulate) or weights in the lane registers

How far an axis unrolls is not a choice: an axis takes as many chunks as it has children. So every choice is
meaningful on every design, more hardware never takes a mapping away, and minima over a fixed set of choices
can only improve with more PEs, more buffer or more bandwidth. Tiles and passes come by powers of two, padded
where these do not divide: then two ways to cut a dimension into as many parts are one.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations, product
from math import prod

import numpy as np
from numpy.typing import NDArray

from accel_models.workload import Dim, Layer, touched

TILED_DIMS: tuple[Dim, ...] = ("n", "g", "k", "c", "p", "q")
PASSED_DIMS: tuple[Dim, ...] = ("g", "k", "c")
AXES = ("pe_x", "pe_y", "cores", "lanes", "ways")
UNROLLED_DIMS: dict[str, tuple[Dim, ...]] = {
    "pe_x": ("p", "q", "k", "g", "n"),
    "pe_y": ("p", "q", "k", "g", "n"),
    "cores": ("p", "q", "k", "g", "n"),
    "lanes": ("k", "g", "q", "p", "n"),
    "ways": ("c", "s", "r"),
}
MOST_TILES = 1 << 15
"""Array tiles of a layer that are enumerated, at most."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tilings:
    """Array tiles with their DRAM-level loop order, and the off-chip words that follow from both alone.

    `tile` and `trips` are [t, d] over `TILED_DIMS`; `order` [t, d] lists dimension indices, outermost
    first. Off-chip words per execution: `input_words`, `partial_words` (one way; each partial sum that
    leaves also comes back), `resident_weight_words` when a core's share of an array tile stays in its
    memory, `streamed_weight_words` when it passes through. `input_visits`, `weight_visits` [t]: how often
    an input or resident weight tile is brought in.
    """

    tile: Array
    trips: Array
    order: NDArray[np.int64]
    input_words: Array
    partial_words: Array
    resident_weight_words: Array
    streamed_weight_words: Array
    input_visits: Array
    weight_visits: Array

    def __len__(self) -> int:
        return len(self.tile)

    @property
    def words(self) -> Array:
        """The off-chip words and visits as columns, [t, x]."""
        return np.stack(
            (
                self.input_words,
                self.partial_words,
                self.resident_weight_words,
                self.streamed_weight_words,
                self.input_visits,
                self.weight_visits,
            ),
            axis=1,
        )

    def take(self, index: NDArray[np.int64]) -> "Tilings":
        """The tilings of these indices."""
        return Tilings(**{name: getattr(self, name)[index] for name in self.__slots__})


def ladder(bound: int) -> list[int]:
    """Tile sizes of a dimension, the largest first: cut into 1, 2, 4, ... parts, and into single ones."""
    trips = {bound, *(1 << e for e in range(bound.bit_length()))}
    return sorted({-(-bound // t) for t in trips}, reverse=True)


def unrolled_dims(layer: Layer, axis: str) -> tuple[Dim, ...]:
    """The dimensions that an axis may unroll and that have anything to unroll; one at least."""
    return tuple(d for d in UNROLLED_DIMS[axis] if layer.bound(d) > 1) or UNROLLED_DIMS[axis][:1]


@lru_cache(maxsize=64)
def loop_orders(iterates: tuple[bool, ...]) -> tuple[tuple[int, ...], ...]:
    """DRAM-level loop orders that differ in reuse, as indices into `TILED_DIMS`, outermost first.

    `iterates` tells which of `TILED_DIMS` have more than one trip; the others stand anywhere.

    Loops that no operand distinguishes stand together: {n, p, q} leaves weights alone, {k} inputs, {c}
    outputs; groups touch everything and stand outside. Splitting such a set around another one repeats
    traffic of both and saves none, so six orders of three sets, times which of p and q slides innermost,
    cover all reuse classes.
    """
    n, g, k, c, p, q = range(6)
    sets = [((n, p, q), (n, q, p)), ((k,),), ((c,),)]
    orders: dict[tuple[int, ...], tuple[int, ...]] = {}
    for arranged in permutations(sets):
        for parts in product(*arranged):
            order = (g, *(dim for part in parts for dim in part))
            orders.setdefault(tuple(dim for dim in order if iterates[dim]), order)
    return tuple(orders.values())


def tilings(layer: Layer) -> tuple[Tilings, bool]:
    """Array tiles with loop orders and their off-chip words, the coarsest first, and whether they are all.

    All tiles are combined of `ladder`, unless that makes more than `MOST_TILES`: then every other size is
    left out of the longest ladders until it does not. Of the orders of a tile, those stay that none beats.
    """
    sizes = [ladder(layer.bound(d)) for d in TILED_DIMS]
    complete = True
    while prod(len(some) for some in sizes) > MOST_TILES:
        del max(sizes, key=len)[1:-1:2]
        complete = False
    tile = np.array(list(product(*sizes)), dtype=np.float64)
    iterates = tile < np.array([layer.bound(d) for d in TILED_DIMS])
    patterns, which = np.unique(iterates, axis=0, return_inverse=True)
    orders = [loop_orders(tuple(pattern)) for pattern in patterns.tolist()]
    most = max(len(some) for some in orders)
    padded = np.array([(some * most)[:most] for some in orders], dtype=np.int64)[which.ravel()]
    flat = offchip_words(layer, np.repeat(tile, most, axis=0), padded.reshape(-1, len(TILED_DIMS)))
    kept = flat.take(np.flatnonzero(_best_orders(flat.words.reshape(len(tile), most, -1)).ravel()))
    return kept.take(np.argsort(kept.trips.prod(axis=1), kind="stable")), complete


def _best_orders(words: Array) -> NDArray[np.bool_]:
    """Of words and visits [tile, order, x] the orders that none matches or beats, of equals the first."""
    never_more = (words[:, :, None] <= words[:, None]).all(axis=-1)
    equal = never_more & np.swapaxes(never_more, 1, 2)
    earlier = np.triu(np.ones(words.shape[1:2] * 2, dtype=np.bool_), 1)
    beaten: NDArray[np.bool_] = np.any((never_more & ~equal) | (equal & earlier), axis=1)
    return ~beaten


def offchip_words(layer: Layer, tile: Array, order: NDArray[np.int64]) -> Tilings:
    """DRAM words of array tiles [t, d] stepped through in `order` [t, d].

    An operand is fetched once per setting of the loops that touch it, times the trips of the loops that do
    not touch it but stand outside the innermost one that does (Timeloop's reuse rule). Inputs slide: between
    neighbouring steps of that innermost loop the overlap of the windows stays on chip.
    """
    bounds = np.array([layer.bound(d) for d in TILED_DIMS], dtype=np.float64)
    trips = np.ceil(bounds / tile)
    n, g, k, c, p, q = range(6)
    weights, inputs, outputs = (g, k, c), (n, g, c, p, q), (n, g, k, p, q)
    weight_words, output_words = float(layer.words("weights")), float(layer.words("outputs"))
    passes = _refetches(trips, order, outputs)
    input_refetches, weight_refetches = (_refetches(trips, order, operand) for operand in (inputs, weights))
    return Tilings(
        tile=tile,
        trips=trips,
        order=order,
        input_words=_input_words(layer, tile, trips, order) * input_refetches,
        partial_words=output_words * (passes - 1.0),
        resident_weight_words=weight_words * weight_refetches,
        streamed_weight_words=weight_words * trips[:, n] * trips[:, p] * trips[:, q],
        input_visits=trips[:, inputs].prod(axis=1) * input_refetches,
        weight_visits=trips[:, weights].prod(axis=1) * weight_refetches,
    )


def _refetches(trips: Array, order: NDArray[np.int64], relevant: tuple[int, ...]) -> Array:
    """Product of the trips of irrelevant loops outside the innermost relevant loop that iterates, [t]."""
    result = np.ones(len(trips))
    active = np.zeros(len(trips), dtype=bool)
    rows = np.arange(len(trips))
    for position in range(order.shape[1] - 1, -1, -1):
        dim = order[:, position]
        count = trips[rows, dim]
        touches = np.isin(dim, relevant)
        active |= touches & (count > 1)
        result = np.where(active & ~touches, result * count, result)
    return result


def _input_words(layer: Layer, tile: Array, trips: Array, order: NDArray[np.int64]) -> Array:
    """Input words of one pass over all input tiles, less the overlaps that stay on chip, [t]."""
    k, p, q = (TILED_DIMS.index(dim) for dim in ("k", "p", "q"))
    height, height_shared = _windows(layer.p, layer.r, layer.stride[0], layer.dilation[0], tile[:, p])
    width, width_shared = _windows(layer.q, layer.s, layer.stride[1], layer.dilation[1], tile[:, q])
    channels = float(layer.n * layer.g * layer.c)
    words = channels * height * width
    rows = np.arange(len(tile))
    innermost = np.full(len(tile), -1)
    for position in range(order.shape[1]):
        dim = order[:, position]
        moves = (trips[rows, dim] > 1) & (dim != k)
        innermost = np.where(moves, dim, innermost)
    words = words - np.where(innermost == p, channels * height_shared * width, 0.0)
    return words - np.where(innermost == q, channels * height * width_shared, 0.0)


def _windows(outputs: int, taps: int, stride: int, dilation: int, tile: Array) -> tuple[Array, Array]:
    """Sum of window sizes over the tiles of one image axis, and of overlaps between neighbouring windows.

    Two neighbouring windows make up the window of both tiles, so what they share is what their sizes exceed
    its size by.
    """
    sizes = np.unique(tile)
    sums, shared = np.empty(len(sizes)), np.empty(len(sizes))
    for i, size in enumerate(sizes.astype(int).tolist()):
        full, last = divmod(outputs, size)
        window, double = (touched(stride, dilation, times * size, taps) for times in (1, 2))
        sums[i], shared[i] = full * window, (full - 1) * (2 * window - double)
        if last:
            rest, both = (touched(stride, dilation, some, taps) for some in (last, size + last))
            sums[i] += rest
            shared[i] += window + rest - both
    where = np.searchsorted(sizes, tile)
    return sums[where], shared[where]
