"""What a mapping takes on a structure, compiled.

Notation (d is a problem dimension of `TILED_DIMS`; taps r and s are never tiled):

    tile_d    chunk that the array holds at a time           trips_d    DRAM-level trips over such chunks
    share_d   chunk of one PE                                passes_d   trips of a PE's share through a core
    core_d    chunk that a core holds at a time              beats_d    trips inside a core

Words are counted exactly off chip, and per full chunk on chip (a clipped last chunk counts as a full one: an
upper bound, exact when tiles divide). Numbers of a mapping stand in rows: of tallies (`TALLIES`), which say
everything, and of features (`FEATURES`), as few as decide between mappings. Arrays of numbers, not records,
since this is what numba compiles.
"""

from typing import Any

import numpy as np
from numba import njit

N, G, K, C, P, Q = range(6)
R, S = 6, 7

CHOICES = (
    "tiling",
    "pe_x",
    "pe_y",
    "cores",
    "lanes",
    "ways",
    "passes_g",
    "passes_k",
    "passes_c",
    "keeps_weights",
)
TILING, PE_X, PE_Y, CORES, LANES, WAYS, PASSES_G, PASSES_K, PASSES_C, KEEPS = range(len(CHOICES))

TALLIES = (
    "compute_cycles", "weight_bytes", "input_bytes", "partial_bytes", "pe_read", "pe_written", "core_read",
    "core_filled", "register_bytes", "used_pes", "used_cores", "pe_held", "core_held", "weight_tile",
    "input_row", "program_tiles", "inputs_move", "outputs_move", "weights_move",
)  # fmt: skip
(
    COMPUTE, WEIGHT_BYTES, INPUT_BYTES, PARTIAL_BYTES, PE_READ, PE_WRITTEN, CORE_READ, CORE_FILLED, REGISTERS,
    USED_PES, USED_CORES, PE_HELD, CORE_HELD, WEIGHT_TILE, INPUT_ROW, PROGRAM, INPUTS_MOVE, OUTPUTS_MOVE,
    WEIGHTS_MOVE,
) = range(len(TALLIES))  # fmt: skip
NEEDS = (PE_HELD, CORE_HELD, WEIGHT_TILE, INPUT_ROW, PROGRAM)

FEATURES = (
    "busy", "core_held", "dram_bytes", "pe_j", "core_j", "register_j", "input_row", "pe_held", "busy_kept",
    "core_kept_j", "weight_tile", "program_tiles", "inputs_move", "outputs_move", "weights_move",
)  # fmt: skip
(
    F_BUSY, F_CORE, F_DRAM, F_PE_J, F_CORE_J, F_REGISTER_J, F_ROW, F_PE, F_BUSY_KEPT, F_CORE_KEPT_J, F_TILE,
    F_PROGRAM, F_INPUTS, F_OUTPUTS, F_WEIGHTS,
) = range(len(FEATURES))  # fmt: skip
NEED_FEATURES = (F_PE, F_CORE, F_TILE, F_ROW, F_PROGRAM)
"""Features that are held against capacities, in the order of `NEEDS`."""

T_INPUTS, T_PARTIALS, T_RESIDENT, T_STREAMED, T_INPUT_VISITS, T_WEIGHT_VISITS = range(6)
"""Columns of the off-chip words of tilings."""

H_SHARE, H_CORE, H_TAKEN = 0, 6, 12
(
    H_ROW, H_INPUTS, H_OUTPUTS, H_WEIGHTS, H_SETTINGS, H_TILES, H_PASSES, H_PES, H_CORES, H_INPUTS_MOVE,
    H_WEIGHTS_MOVE, H_STEPS, H_RETURNS, H_READS, H_FILLED, H_FILLS, H_WEIGHT_WORDS, H_INPUT_WORDS,
    H_PARTIAL_WORDS, H_SIZE,
) = range(18, 38)  # fmt: skip
"""Where `hold` leaves what it found: chunks and passes of each dimension, then words, counts and visits."""

BEAT = ("cycles", "input_reads", "weight_reads", "updates", "arrivals", "sums")
B_CYCLES, B_INPUT_READS, B_WEIGHT_READS, B_UPDATES, B_ARRIVALS, B_SUMS = range(len(BEAT))
"""Of a step, over a core's chunk: cycles; how often each input and each weight is read, and each partial sum is
updated in PE memory; how often a weight arrives at a lane; sums in PE memory a multiply-accumulate."""

Numbers = Any
"""An array or a tuple of numbers, as numba takes them."""


@njit(cache=True, inline="always")
def chunks(total: int, size: int) -> int:
    """Chunks of at most `size` that make up a total."""
    return (total + size - 1) // size


@njit(cache=True, inline="always")
def windows(outputs: int, taps: int, step_p: int, step_r: int) -> int:
    """Input positions under neighbouring windows (`workload.touched`); steps are over their divisor."""
    return outputs * taps - max(0, outputs - step_p) * max(0, taps - step_r)


@njit(cache=True)
def hold(
    layer: Numbers, axes: Numbers, widths: Numbers, tilings: Numbers, choice: Numbers, held: Numbers
) -> None:
    """Write what lanes, ways and inner order have no part in: chunks [2, d], passes, then words and visits.

    Arguments as for `tally`; `held` is what `write` goes on from.
    """
    r, s, step_p, step_r, step_q, step_s = layer[0], layer[1], layer[2], layer[3], layer[4], layer[5]
    tiles_of, trips_of, words_of = tilings
    tile, trips, words = tiles_of[choice[TILING]], trips_of[choice[TILING]], words_of[choice[TILING]]
    passes, used_pes, cores_each = 1, 1, 1
    for d in range(6):
        on_pes = (axes[0] if choice[PE_X] == d else 1) * (axes[1] if choice[PE_Y] == d else 1)
        on_cores = axes[2] if choice[CORES] == d else 1
        count = (
            choice[PASSES_G] if d == G else choice[PASSES_K] if d == K else choice[PASSES_C] if d == C else 1
        )
        share = chunks(tile[d], on_pes)
        core = chunks(share, on_cores * count)
        taken = chunks(share, core * on_cores) if count > 1 else 1
        held[H_SHARE + d], held[H_CORE + d], held[H_TAKEN + d] = share, core, taken
        passes *= taken
        used_pes *= chunks(tile[d], share)
        cores_each *= chunks(share, core * taken)
    n, g, k, c = held[H_SHARE + N], held[H_SHARE + G], held[H_SHARE + K], held[H_SHARE + C]
    p, q = int(held[H_SHARE + P]), int(held[H_SHARE + Q])
    columns = windows(q, int(s), int(step_q), int(step_s))
    settings = float(trips[N] * trips[G] * trips[K] * trips[P] * trips[Q])
    tiles = settings * trips[C]
    held[H_ROW] = c * columns
    held[H_INPUTS] = n * g * c * windows(p, int(r), int(step_p), int(step_r)) * columns
    held[H_OUTPUTS] = n * g * k * p * q
    held[H_WEIGHTS] = held[H_CORE + G] * held[H_CORE + K] * held[H_CORE + C] * r * s
    held[H_SETTINGS] = settings
    held[H_TILES] = tiles
    held[H_PASSES] = passes
    held[H_PES] = used_pes
    held[H_CORES] = used_pes * cores_each
    held[H_INPUTS_MOVE] = trips[N] * trips[G] * trips[C] * trips[P] * trips[Q] > 1
    held[H_WEIGHTS_MOVE] = trips[G] * trips[K] * trips[C] * passes > 1
    held[H_STEPS] = trips[C]
    held[H_RETURNS] = settings * held[H_OUTPUTS] * words[T_PARTIALS] / layer[7]
    held[H_READS] = tiles * n * g * c * p * q * r * s * held[H_TAKEN + K]
    held[H_FILLED] = words[T_INPUT_VISITS] * held[H_INPUTS]
    held[H_FILLS] = words[T_WEIGHT_VISITS] if passes <= 1 else tiles * passes
    held[H_WEIGHT_WORDS] = words[T_RESIDENT] if passes <= 1 else words[T_STREAMED]
    held[H_INPUT_WORDS], held[H_PARTIAL_WORDS] = words[T_INPUTS], words[T_PARTIALS]


@njit(cache=True)
def beat(layer: Numbers, axes: Numbers, core: Numbers, dl: int, dw: int, keeps: int, out: Numbers) -> None:
    """Write what lanes that unroll `dl`, ways that unroll `dw` and the inner order make of a core's chunk.

    Over `BEAT`; all that is counted of a mapping rises with each of these, or does not depend on it.
    """
    r, s, lanes, ways = layer[0], layer[1], axes[3], axes[4]
    beats_k = np.ceil(core[K] / lanes) if dl == K else core[K]
    beats_g = np.ceil(core[G] / lanes) if dl == G else core[G]
    spatial = core[N] * core[P] * core[Q]
    images = spatial
    if dl in (N, P, Q):
        images = spatial / core[dl] * np.ceil(core[dl] / lanes)
    reduced = (np.ceil(core[C] / ways) if dw == C else core[C]) * (np.ceil(r / ways) if dw == R else r)
    reduced *= np.ceil(s / ways) if dw == S else s
    reads = 1.0 if keeps or reduced <= 1 else images
    out[B_CYCLES] = beats_g * beats_k * images * reduced
    out[B_INPUT_READS] = beats_k
    out[B_WEIGHT_READS] = reads
    out[B_UPDATES] = reduced if keeps and images > 1 else 1.0
    out[B_ARRIVALS] = reads * spatial / images
    out[B_SUMS] = reduced / (core[C] * r * s)


@njit(cache=True)
def write(layer: Numbers, widths: Numbers, held: Numbers, beats: Numbers, out: Numbers) -> None:
    """Write the tallies that follow from what `hold` and `beat` left."""
    macs, outputs_all = layer[6], layer[7]
    weight_b, input_b, psum_b = widths[0], widths[1], widths[2]
    weights, outputs, settings = held[H_WEIGHTS], held[H_OUTPUTS], held[H_SETTINGS]
    steps = held[H_TILES] * held[H_PASSES]
    used_pes, used_cores = held[H_PES], held[H_CORES]
    visits = held[H_TAKEN + C] * beats[B_UPDATES]
    output_b = psum_b if visits * held[H_STEPS] > 1 else input_b
    moves = held[H_TILES] * outputs * visits + held[H_RETURNS]
    sums = 2.0 * (macs * beats[B_SUMS] + used_pes * (moves - settings * outputs))
    arriving = used_cores * steps * weights * beats[B_ARRIVALS]
    out[COMPUTE] = steps * beats[B_CYCLES]
    out[WEIGHT_BYTES] = held[H_WEIGHT_WORDS] * weight_b
    out[INPUT_BYTES] = held[H_INPUT_WORDS] * input_b
    out[PARTIAL_BYTES] = held[H_PARTIAL_WORDS] * psum_b
    out[PE_READ] = held[H_READS] * beats[B_INPUT_READS] * input_b + moves * output_b
    out[PE_WRITTEN] = held[H_FILLED] * input_b + moves * output_b
    out[CORE_READ] = steps * beats[B_WEIGHT_READS] * weights * weight_b
    out[CORE_FILLED] = held[H_FILLS] * weights * weight_b
    out[REGISTERS] = (macs + arriving) * weight_b + sums * psum_b - 2.0 * outputs_all * (psum_b - output_b)
    out[USED_PES] = used_pes
    out[USED_CORES] = used_cores
    out[PE_HELD] = held[H_INPUTS] * input_b * (1.0 + held[H_INPUTS_MOVE])
    out[PE_HELD] += outputs * output_b * (2.0 if settings > 1 else 1.0)
    out[CORE_HELD] = weights * weight_b * (1.0 + held[H_WEIGHTS_MOVE])
    out[WEIGHT_TILE] = weights * weight_b
    out[INPUT_ROW] = held[H_ROW] * input_b
    out[PROGRAM] = steps
    out[INPUTS_MOVE] = held[H_INPUTS_MOVE]
    out[OUTPUTS_MOVE] = settings > 1
    out[WEIGHTS_MOVE] = held[H_WEIGHTS_MOVE]


@njit(cache=True)
def run(
    layer: Numbers, axes: Numbers, widths: Numbers, choice: Numbers, held: Numbers, beats: Numbers, out: Numbers
) -> None:
    """Write the tallies of a mapping of which all is held but lanes, ways and inner order; `beats` is room."""
    beat(layer, axes, held[H_CORE : H_CORE + 6], choice[LANES], choice[WAYS], choice[KEEPS], beats)
    write(layer, widths, held, beats, out)


@njit(cache=True)
def tally(
    layer: Numbers, axes: Numbers, widths: Numbers, tilings: Numbers, choices: Numbers, out: Numbers
) -> None:
    """Write the tallies of mappings.

    Args:
        layer: r, s, steps of windows in p and q (two each), multiply-accumulates, output words.
        axes: sizes of the axes for each mapping, [m, axis].
        widths: `Structure.numbers` for each, [m, x].
        tilings: tile [t, d], trips [t, d] and off-chip words [t, x].
        choices: indices over `CHOICES`, [m, choice]; dimensions by index, passes by number.
        out: [m, x] over `TALLIES`.
    """
    held, beats = np.empty(H_SIZE), np.empty(len(BEAT))
    for i in range(len(choices)):
        hold(layer, axes[i], widths[i], tilings, choices[i], held)
        run(layer, axes[i], widths[i], choices[i], held, beats, out[i])


@njit(cache=True)
def features(tallies: Numbers, layer: Numbers, widths: Numbers, out: Numbers) -> None:
    """Write the features that follow from tallies, over `FEATURES`.

    `busy` is when units and memories on chip are done, in cycles; `dram_bytes` counts all that cross the pins;
    energies are in bytes read, a write counted as so many. What `kept` leaves out are the fills of core
    memories whose weights are there already.
    """
    pe_bw, core_bw, pe_ratio, core_ratio = widths[3], widths[4], widths[5], widths[6]
    moves = tallies[WEIGHTS_MOVE] > 0
    read, filled = tallies[CORE_READ], tallies[CORE_FILLED]
    units = max(tallies[COMPUTE], (tallies[PE_READ] + tallies[PE_WRITTEN]) / pe_bw)
    out[F_BUSY] = max(units, (read + filled) / core_bw)
    out[F_BUSY_KEPT] = out[F_BUSY] if moves else max(units, read / core_bw)
    out[F_DRAM] = (
        tallies[WEIGHT_BYTES] + tallies[INPUT_BYTES] + 2.0 * tallies[PARTIAL_BYTES] + layer[7] * widths[1]
    )
    out[F_PE_J] = tallies[USED_PES] * (tallies[PE_READ] + pe_ratio * tallies[PE_WRITTEN])
    out[F_CORE_J] = tallies[USED_CORES] * (read + core_ratio * filled)
    out[F_CORE_KEPT_J] = out[F_CORE_J] if moves else tallies[USED_CORES] * read
    out[F_REGISTER_J] = tallies[REGISTERS]
    for i in range(5):
        out[NEED_FEATURES[i]] = tallies[NEEDS[i]]
    out[F_INPUTS] = tallies[INPUTS_MOVE]
    out[F_OUTPUTS] = tallies[OUTPUTS_MOVE]
    out[F_WEIGHTS] = tallies[WEIGHTS_MOVE]


@njit(cache=True)
def features_of(tallies: Numbers, layer: Numbers, widths: Numbers, out: Numbers) -> None:
    """`features` of mappings, row by row."""
    for i in range(len(tallies)):
        features(tallies[i], layer, widths[i], out[i])
