"""Which mappings of a layer no other one beats on a structure: enumerated and compared, compiled.

Notation and rows of numbers as in `kernel`.
"""

import numpy as np
from numba import int64, njit
from numba.typed import Dict
from numba.types import UniTuple

from accel_models.mapspace.kernel import (
    BEAT,
    CHOICES,
    CORES,
    FEATURES,
    H_CORE,
    H_SIZE,
    KEEPS,
    LANES,
    NEED_FEATURES,
    NEEDS,
    PASSES_C,
    PASSES_G,
    PASSES_K,
    PE_X,
    PE_Y,
    T_INPUT_VISITS,
    T_INPUTS,
    T_PARTIALS,
    T_RESIDENT,
    T_STREAMED,
    T_WEIGHT_VISITS,
    TALLIES,
    TILING,
    WAYS,
    C,
    G,
    K,
    N,
    Numbers,
    P,
    Q,
    beat,
    chunks,
    features,
    hold,
    run,
    windows,
    write,
)

_SPAN = UniTuple(int64, 2)
"""Where rows begin and end."""


@njit(cache=True, inline="always")
def _step(need: float, steps: Numbers) -> float:
    """Which capacity a need takes: an index, or one past the last."""
    for i in range(len(steps)):
        if need <= steps[i]:
            return float(i)
    return float(len(steps))


@njit(cache=True, inline="always")
def _beats(a: Numbers, b: Numbers) -> bool:
    """Whether a row is nowhere above another."""
    for x in range(len(b)):
        if a[x] > b[x]:
            return False
    return True


@njit(cache=True)
def _features_by_step(tallies: Numbers, layer: Numbers, widths: Numbers, room: Numbers, row: Numbers) -> bool:
    """Write features with needs as steps of room; whether there is enough."""
    features(tallies, layer, widths, row)
    enough = True
    for i in range(len(NEEDS)):
        step = _step(tallies[NEEDS[i]], room[i])
        enough = enough and step < len(room[i])
        row[NEED_FEATURES[i]] = step
    return enough


@njit(cache=True)
def array_tiles(
    layer: Numbers, axes: Numbers, widths: Numbers, tilings: Numbers, dx: int, dy: int, room: Numbers
) -> Numbers:
    """Tilings worth considering where PE columns unroll dimension `dx` and PE rows `dy`.

    Left out is a tiling that needs more than the largest room, and one for which there is another that is at
    least as coarse, takes the same steps of room or lower ones, and moves no more off chip and into memories:
    splitting an array tile further than room and traffic ask for changes nothing but how chunks are rounded. A
    coarser tile's weights may have to pass through the cores, which must not move more than the finer one's.
    Where the whole layer, which comes first, takes the lowest steps there is nothing to gain from other tiles.
    """
    r, s = int(layer[0]), int(layer[1])
    step_p, step_r, step_q, step_s = int(layer[2]), int(layer[3]), int(layer[4]), int(layer[5])
    weight_b, input_b, psum_b = widths[0], widths[1], widths[2]
    tiles_of, trips_of, words_of = tilings
    kept, rows = np.empty(len(tiles_of), np.int64), np.empty((len(tiles_of), 17))
    row, share = np.empty(17), np.empty(6, np.int64)
    count = 0
    for t in range(len(tiles_of)):
        if count and kept[0] == 0 and rows[0, 0] + rows[0, 1] + rows[0, 2] + rows[0, 3] == 0:
            break
        tile, trips, words = tiles_of[t], trips_of[t], words_of[t]
        for d in range(6):
            share[d] = chunks(tile[d], (axes[0] if dx == d else 1) * (axes[1] if dy == d else 1))
            row[10 + d] = -tile[d]
        columns = windows(share[Q], s, step_q, step_s)
        inputs = float(share[N] * share[G] * share[C] * windows(share[P], r, step_p, step_r) * columns)
        outputs = float(share[N] * share[G] * share[K] * share[P] * share[Q])
        inputs_move = trips[N] * trips[G] * trips[C] * trips[P] * trips[Q] > 1
        settings = trips[N] * trips[G] * trips[K] * trips[P] * trips[Q]
        held, copies = inputs * input_b * (2 if inputs_move else 1), 2 if settings > 1 else 1
        row[0] = _step(held + outputs * (psum_b if trips[C] > 1 else input_b) * copies, room[0])
        row[1] = _step(held + outputs * psum_b * copies, room[0])
        row[2] = _step(share[C] * columns * input_b, room[3])
        row[3] = _step(float(settings * trips[C]), room[4])
        if row[0] >= len(room[0]) or row[2] >= len(room[3]) or row[3] >= len(room[4]):
            continue
        activations = words[T_INPUTS] * input_b + 2.0 * words[T_PARTIALS] * psum_b
        row[4] = activations + words[T_RESIDENT] * weight_b
        row[5] = activations + words[T_STREAMED] * weight_b
        row[6] = words[T_INPUT_VISITS] * inputs
        row[7] = inputs_move
        row[8] = settings > 1
        row[9] = trips[G] * trips[K] * trips[C] > 1
        row[16] = settings * outputs * words[T_PARTIALS]
        needed = True
        for i in range(count):
            if _beats(rows[i], row):
                other = tiles_of[kept[i]]
                visits, streamed = words_of[kept[i], T_WEIGHT_VISITS], False
                if other[G] > tile[G] or other[K] > tile[K] or other[C] > tile[C]:
                    apart = trips_of[kept[i]]
                    visits = apart[N] * apart[P] * apart[Q] * trips[G] * trips[K] * trips[C]
                    streamed = True
                if visits <= words[T_WEIGHT_VISITS] and (not streamed or rows[i, 5] <= row[4]):
                    needed = False
                    break
        if needed:
            kept[count], rows[count] = t, row
            count += 1
    return kept[:count]


@njit(cache=True)
def _insert(row: Numbers, choice: Numbers, rows: Numbers, index: Numbers, count: int) -> int:
    """Keep a row that no kept one beats, in place of those that it beats; how many there are then.

    A kept row that beats one moves forward, so that those that often do are asked first.
    """
    for i in range(count):
        if _beats(rows[i], row):
            if i > 0:
                ahead = i // 2
                for x in range(rows.shape[1]):
                    rows[ahead, x], rows[i, x] = rows[i, x], rows[ahead, x]
                for x in range(index.shape[1]):
                    index[ahead, x], index[i, x] = index[i, x], index[ahead, x]
            return count
    left = 0
    for i in range(count):
        if not _beats(row, rows[i]):
            if left < i:
                rows[left], index[left] = rows[i], index[i]
            left += 1
    rows[left], index[left] = row, choice
    return left + 1


@njit(cache=True, inline="always")
def _of_a_pe(size: int, axes: Numbers, choice: Numbers, d: int) -> int:
    """The chunk of a PE, along a dimension that the array holds so much of."""
    on_pes = (axes[0] if choice[PE_X] == d else 1) * (axes[1] if choice[PE_Y] == d else 1)
    found: int = chunks(size, on_pes)
    return found


@njit(cache=True)
def _passes(size: int, axes: Numbers, choice: Numbers, d: int) -> list[int]:
    """Into how many parts the chunk of a core may be cut: 1, 2, 4, ..., until they are single."""
    size = chunks(_of_a_pe(size, axes, choice, d), axes[2] if choice[CORES] == d else 1)
    found = [1]
    while found[-1] < size:
        found.append(2 * found[-1])
    return found


@njit(cache=True)
def _beats_of(
    layer: Numbers, axes: Numbers, core: Numbers, dims: Numbers, table: Numbers, ways: Numbers, at: int
) -> int:
    """Write the ways to run a core's chunk that no other one beats, from row `at` on; where they end.

    `table` takes the beats, [row, x] over `kernel.BEAT`; `ways` the lanes, ways and inner order that make them.
    """
    beats, choice, count = np.empty(len(BEAT)), np.empty(3, np.int64), 0
    for n in range(len(dims[2]) if axes[3] > 1 else 1):
        for w in range(len(dims[3])):
            for keeps in range(2):
                choice[0], choice[1], choice[2] = dims[2][n], dims[3][w], keeps
                beat(layer, axes, core, choice[0], choice[1], keeps, beats)
                count = _insert(beats, choice, table[at:], ways[at:], count)
    return at + count


@njit(cache=True, nogil=True)
def front(
    layer: Numbers, axes: Numbers, widths: Numbers, tilings: Numbers, dims: Numbers, room: Numbers
) -> Numbers:
    """The mappings that no other one beats, by index over `CHOICES`.

    Args:
        layer: as for `tally`.
        axes: as for `tally`.
        widths: as for `tally`.
        tilings: as for `tally`, the coarsest first.
        dims: the dimensions that each axis may unroll; the same for PE columns and rows.
        room: capacities in the order of `NEEDS`, rising.
    """
    rows, index = np.empty((256, len(FEATURES))), np.empty((256, len(CHOICES)), np.int64)
    row, tallies, choice = np.empty(len(FEATURES)), np.empty(len(TALLIES)), np.zeros(len(CHOICES), np.int64)
    held = np.empty(H_SIZE)
    core = held[H_CORE : H_CORE + 6]
    table, ways = np.empty((1024, len(BEAT))), np.empty((1024, 3), np.int64)
    places = Dict.empty(int64, _SPAN)
    count = filled = 0
    most = len(dims[2]) * len(dims[3]) * 2
    for x in range(len(dims[0]) if axes[0] > 1 else 1):
        for y in range(len(dims[0]) if axes[1] > 1 else 1):
            if axes[0] == axes[1] and y < x:
                continue
            choice[PE_X], choice[PE_Y] = dims[0][x], dims[0][y]
            for t in array_tiles(layer, axes, widths, tilings, choice[PE_X], choice[PE_Y], room):
                choice[TILING], idle = t, False
                for c in range(len(dims[1]) if axes[2] > 1 else 1):
                    choice[CORES] = dims[1][c]
                    if _of_a_pe(tilings[0][t, dims[1][c]], axes, choice, dims[1][c]) == 1:
                        if idle:
                            continue  # cores that have nothing to share out are alike
                        idle = True
                    for pass_g in _passes(tilings[0][t, G], axes, choice, G):
                        for pass_c in _passes(tilings[0][t, C], axes, choice, C):
                            for pass_k in _passes(tilings[0][t, K], axes, choice, K):
                                choice[PASSES_G], choice[PASSES_K], choice[PASSES_C] = pass_g, pass_k, pass_c
                                hold(layer, axes, widths, tilings, choice, held)
                                key = int64(0)
                                for d in range(6):
                                    key = key * int64(tilings[0][0, d] + 1) + int64(core[d])
                                if key in places:
                                    start, stop = places[key]
                                else:
                                    while filled + most > len(table):
                                        table, ways = _grown(table), _grown(ways)
                                    start, stop = (
                                        filled,
                                        _beats_of(layer, axes, core, dims, table, ways, filled),
                                    )
                                    places[key], filled = (start, stop), stop
                                for i in range(start, stop):
                                    write(layer, widths, held, table[i], tallies)
                                    useful = _features_by_step(tallies, layer, widths, room, row)
                                    if not useful:
                                        continue
                                    choice[LANES], choice[WAYS], choice[KEEPS] = (
                                        ways[i, 0],
                                        ways[i, 1],
                                        ways[i, 2],
                                    )
                                    if count == len(rows):
                                        rows, index = _grown(rows), _grown(index)
                                    count = _insert(row, choice, rows, index, count)
    return index[:count].copy()


@njit(cache=True, nogil=True)
def least_demanding(
    layer: Numbers, axes: Numbers, widths: Numbers, tilings: Numbers, dims: Numbers, room: Numbers
) -> Numbers:
    """The mapping that exceeds the largest room by the least factor, as an index over `CHOICES`.

    Weights are held whole or passed one by one; lanes, ways and inner order are the first ones, which keeps
    outputs where they are.
    """
    tallies, choice, least = np.empty(len(TALLIES)), np.zeros(len(CHOICES), np.int64), np.inf
    held, beats = np.empty(H_SIZE), np.empty(len(BEAT))
    best = choice.copy()
    choice[LANES], choice[WAYS] = dims[2][0], dims[3][0]
    for x in range(len(dims[0])):
        for y in range(len(dims[0])):
            choice[PE_X], choice[PE_Y] = dims[0][x], dims[0][y]
            for t in range(len(tilings[0])):
                choice[TILING] = t
                for c in range(len(dims[1])):
                    choice[CORES] = dims[1][c]
                    for single in range(2):
                        for pass_d, d in ((PASSES_G, G), (PASSES_K, K), (PASSES_C, C)):
                            choice[pass_d] = tilings[0][t, d] if single else 1
                        hold(layer, axes, widths, tilings, choice, held)
                        run(layer, axes, widths, choice, held, beats, tallies)
                        excess = 0.0
                        for i in range(len(NEEDS)):
                            excess = max(excess, tallies[NEEDS[i]] / room[i][-1])
                        if excess < least:
                            least = excess
                            best[:] = choice
    return best


@njit(cache=True)
def _grown(rows: Numbers) -> Numbers:
    larger = np.empty((2 * len(rows), rows.shape[1]), rows.dtype)
    larger[: len(rows)] = rows
    return larger
