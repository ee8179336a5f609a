"""Which mapping of a front is best on a design: designs x mappings in one pass over each feature, compiled.

The same as `price.costs`, which says what is computed. A front lies in the order of the cycles that mappings
are busy on chip, so that a search for the least latency may end where these alone exceed the best one so far.
"""

from typing import Any

import numpy as np
from numba import njit

from accel_models.mapspace import kernel
from accel_models.mapspace.designs import (
    BLOCK,
    O_ACTIVATION,
    O_BANDWIDTH,
    O_CLOCK,
    O_CORE_J,
    O_DRAM_J,
    O_LATENCY,
    O_LEAKAGE,
    O_MAC_J,
    O_PE_J,
    O_REGISTER_J,
    O_ROOM,
    O_STAGING,
    O_WEIGHT,
)

ROUNDING = 1e-12
"""Relative differences up to this are none: bandwidth-bound mappings often take the same time."""

(
    W_BANDWIDTH, W_CLOCK, W_LATENCY, W_STARTS, W_DRAM_J, W_PE_J, W_CORE_J, W_REGISTER_J, W_FIXED_J, W_LEAKAGE,
    W_ON_CHIP_J, W_SIZE,
) = range(12)  # fmt: skip
"""Of a block's designs, `BLOCK` numbers each in one array: what they offer, what the mapping at hand takes."""

S_SAVED, S_LEAST, S_PRODUCT, S_LATENCY, S_ENERGY, S_BEST, S_SIZE = range(7)
"""Of a block's designs in one state, likewise: bytes that do not travel, and the best mapping so far."""

LOOK = 8
"""Mappings after which it is asked anew whether the rest can matter."""


@njit(cache=True, inline="always")
def _leaves(f: Any, state: int) -> bool:
    """Whether activations leave the chip which the state wants to stay."""
    return (state >= 2 and f[kernel.F_INPUTS] > 0) or (state % 2 == 1 and f[kernel.F_OUTPUTS] > 0)


@njit(cache=True)
def least_held(features: Any, out: Any) -> None:
    """Write what a PE must hold at least for any mapping of a front, [state] over `chain.STATES`.

    Of mappings that hold all inputs, all outputs or both, if the state asks for it.
    """
    for state in range(4):
        out[state] = np.inf
        for m in range(len(features)):
            if not _leaves(features[m], state):
                out[state] = min(out[state], features[m, kernel.F_PE])


@njit(cache=True, nogil=True)
def select(
    features: Any,
    bound: Any,
    blocks: Any,
    bounds: Any,
    held: Any,
    order: Any,
    offered: Any,
    words: Any,
    states: Any,
    kept: bool,
    room: float,
    goal: int,
    chosen: Any,
    latencies: Any,
    energies: Any,
    binding: Any,
    fittest: Any,
) -> None:
    """Write the best mappings of n designs in s states of activations, and what they cost.

    Designs of a block meet the same front: loops over them are those that become vector instructions.

    Args:
        features: of all fronts, [m, x].
        bound: what takes longest on chip, [m].
        blocks: of `designs.Blocks`, [block, 2].
        bounds: where the front of each block begins and ends, [block, 2].
        held: `least_held` of each, [block, state].
        order: of `designs.Blocks`, [n].
        offered: over `designs.OFFERS`, [n, offer].
        words: multiply-accumulates, then words of weights, inputs and outputs.
        states: index into `chain.STATES` of each, [s].
        kept: whether weights are on chip.
        room: share of a core's memory that there is.
        goal: index into `pricing.GOALS`.
        chosen: of `price.Best`, [s, n]; so are those that follow.
        latencies: [s, n].
        energies: [s, n].
        binding: [s, n].
        fittest: [n].
    """
    work, most = np.empty(W_SIZE * BLOCK), np.empty((len(kernel.NEED_FEATURES), BLOCK))
    found = np.empty(4 * S_SIZE * BLOCK)
    busy_at, core_at = (kernel.F_BUSY_KEPT, kernel.F_CORE_KEPT_J) if kept else (kernel.F_BUSY, kernel.F_CORE_J)
    for block in range(len(blocks)):
        first, count = blocks[block]
        start, stop = bounds[block]
        designs, latest = order[first : first + count], np.inf
        _load(offered, designs, words[0], room, work, most)
        for s in range(len(states)):
            _reset(offered, designs, words, states[s], kept, found[s * S_SIZE * BLOCK :])
        for m in range(start, stop):
            f = features[m]
            if goal == 0 and not kept and (m - start) % LOOK == 0:
                latest = _latest(states, held[block], most[0, :count], found, work)
            if f[busy_at] > latest:
                break
            if (kept and f[kernel.F_WEIGHTS] > 0) or not _admit(f, most, core_at, work, count):
                continue
            for s in range(len(states)):
                if not _leaves(f, states[s]):
                    _compare(f[busy_at], f[kernel.F_DRAM], m, goal, count, work, found[s * S_SIZE * BLOCK :])
        for i in range(count):
            design = designs[i]
            for s in range(len(states)):
                row = found[s * S_SIZE * BLOCK :]
                m = int(row[S_BEST * BLOCK + i])
                chosen[s, design] = m
                latencies[s, design], energies[s, design] = (
                    row[S_LATENCY * BLOCK + i],
                    row[S_ENERGY * BLOCK + i],
                )
                transfer = (features[m, kernel.F_DRAM] - row[S_SAVED * BLOCK + i]) * work[
                    W_BANDWIDTH * BLOCK + i
                ]
                busy, on_chip = features[m, busy_at], bound[m]
                waits = transfer > busy or (transfer == busy and on_chip > 0)
                binding[s, design] = 1 + int(offered[design, O_STAGING]) if waits else on_chip
            fittest[design] = chosen[0, design]
            if fittest[design] < 0:
                fittest[design] = _fittest(features[start:stop], states[0], kept, most[:, i]) + start


@njit(cache=True)
def _load(offered: Any, designs: Any, macs: float, room: float, work: Any, most: Any) -> None:
    """Write what the designs of a block offer, bandwidth and clock as reciprocals, and capacities."""
    for i in range(len(designs)):
        o = offered[designs[i]]
        work[W_BANDWIDTH * BLOCK + i], work[W_CLOCK * BLOCK + i] = 1.0 / o[O_BANDWIDTH], 1.0 / o[O_CLOCK]
        work[W_LATENCY * BLOCK + i], work[W_DRAM_J * BLOCK + i] = o[O_LATENCY], o[O_DRAM_J]
        work[W_PE_J * BLOCK + i], work[W_CORE_J * BLOCK + i] = o[O_PE_J], o[O_CORE_J]
        work[W_REGISTER_J * BLOCK + i], work[W_FIXED_J * BLOCK + i] = o[O_REGISTER_J], macs * o[O_MAC_J]
        work[W_LEAKAGE * BLOCK + i] = o[O_LEAKAGE]
        for x in range(len(most)):
            most[x, i] = o[O_ROOM + x] * (room if x == 1 else 1.0)


@njit(cache=True)
def _reset(offered: Any, designs: Any, words: Any, state: int, kept: bool, found: Any) -> None:
    """Begin a state: nothing found yet, and what does not travel in it."""
    for i in range(len(designs)):
        o = offered[designs[i]]
        saved = (kept * words[1]) * o[O_WEIGHT]
        saved += ((state >= 2) * words[2] + (state % 2) * words[3]) * o[O_ACTIVATION]
        found[S_SAVED * BLOCK + i], found[S_BEST * BLOCK + i] = saved, -1.0
        for x in range(S_LEAST, S_BEST):
            found[x * BLOCK + i] = np.inf


@njit(cache=True)
def _latest(states: Any, held: Any, pe_bytes: Any, found: Any, work: Any) -> float:
    """The busy cycles past which no design of a block finds a lower latency, in any state that it can have."""
    latest = 0.0
    for s in range(len(states)):
        for i in range(len(pe_bytes)):
            if held[states[s]] <= pe_bytes[i]:
                least_s = found[(s * S_SIZE + S_LEAST) * BLOCK + i] * (1.0 + 2.0 * ROUNDING)
                latest = max(latest, least_s / work[W_CLOCK * BLOCK + i] - work[W_LATENCY * BLOCK + i])
    return latest


@njit(cache=True)
def _admit(f: Any, most: Any, core_at: int, work: Any, count: int) -> bool:
    """Write a mapping's energy on chip, and when it may start: never on designs that it does not fit."""
    pe, core, tile = f[kernel.F_PE], f[kernel.F_CORE], f[kernel.F_TILE]
    row, tiles = f[kernel.F_ROW], f[kernel.F_PROGRAM]
    pe_j, core_j, register_j = f[kernel.F_PE_J], f[core_at], f[kernel.F_REGISTER_J]
    fitting = 0
    for i in range(count):
        fits = (
            (pe <= most[0, i]) & (core <= most[1, i]) & (tile <= most[2, i]) & (row <= most[3, i])
            & (tiles <= most[4, i])
        )  # fmt: skip
        fitting += fits
        work[W_STARTS * BLOCK + i] = work[W_LATENCY * BLOCK + i] if fits else np.inf
    if fitting == 0:
        return False
    for i in range(count):
        on_chip_j = pe_j * work[W_PE_J * BLOCK + i] + core_j * work[W_CORE_J * BLOCK + i]
        on_chip_j += register_j * work[W_REGISTER_J * BLOCK + i] + work[W_FIXED_J * BLOCK + i]
        work[W_ON_CHIP_J * BLOCK + i] = on_chip_j
    return True


@njit(cache=True)
def _compare(busy: float, dram: float, m: int, goal: int, count: int, work: Any, found: Any) -> None:
    """Put a mapping in place of the best one of a state where it is better, on every design of a block.

    Where it never starts no comparison holds.
    """
    for i in range(count):
        moved = dram - found[S_SAVED * BLOCK + i]
        transfer = moved * work[W_BANDWIDTH * BLOCK + i]
        cycles = work[W_STARTS * BLOCK + i] + (transfer if transfer > busy else busy)
        latency_s = cycles * work[W_CLOCK * BLOCK + i]
        energy_j = moved * work[W_DRAM_J * BLOCK + i] + work[W_ON_CHIP_J * BLOCK + i]
        energy_j += latency_s * work[W_LEAKAGE * BLOCK + i]
        product = latency_s * energy_j
        value = latency_s if goal == 0 else energy_j if goal == 1 else product
        least = found[S_LEAST * BLOCK + i]
        better = (value < least * (1.0 - ROUNDING)) | (
            (value <= least * (1.0 + ROUNDING)) & (product < found[S_PRODUCT * BLOCK + i])
        )
        lower = value if value < least else least
        found[S_LEAST * BLOCK + i] = lower if better else least
        found[S_PRODUCT * BLOCK + i] = product if better else found[S_PRODUCT * BLOCK + i]
        found[S_LATENCY * BLOCK + i] = latency_s if better else found[S_LATENCY * BLOCK + i]
        found[S_ENERGY * BLOCK + i] = energy_j if better else found[S_ENERGY * BLOCK + i]
        found[S_BEST * BLOCK + i] = float(m) if better else found[S_BEST * BLOCK + i]


@njit(cache=True)
def _fittest(features: Any, state: int, kept: bool, most: Any) -> int:
    """The mapping that exceeds capacities by the least factor, of those that hold what is on chip."""
    least, found = np.inf, 0
    for m in range(len(features)):
        f = features[m]
        if _leaves(f, state) or (kept and f[kernel.F_WEIGHTS] > 0):
            continue
        excess = 0.0
        for i in range(len(most)):
            excess = max(excess, f[kernel.NEED_FEATURES[i]] / most[i])
        if excess < least:
            least, found = excess, m
    return found
