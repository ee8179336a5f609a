"""Which mapping of a front is best on a design: designs x mappings in one pass over each feature, compiled.

The same as `price.costs`, which says what is computed. A front lies in the order of the cycles that mappings
are busy on chip, so that a search for the least latency may end where these alone exceed the best one so far.
"""

from typing import Any

import numpy as np
from numba import njit

from accel_models.mapspace import kernel
from accel_models.mapspace.designs import (
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
    O_WEIGHT,
)

ROUNDING = 1e-12
"""Relative differences up to this are none: bandwidth-bound mappings often take the same time."""


@njit(cache=True, inline="always")
def _leaves(f: Any, state: int) -> bool:
    """Whether activations leave the chip which the state wants to stay."""
    return (state >= 2 and f[kernel.F_INPUTS] > 0) or (state % 2 == 1 and f[kernel.F_OUTPUTS] > 0)


@njit(cache=True)
def outlook(features: Any, out: Any) -> None:
    """Write for each mapping of a front what a PE must hold at least for it or one behind it, [m, state].

    By state (`chain.STATES`): of mappings that hold all inputs, all outputs or both, if the state asks for it.
    """
    for state in range(4):
        least = np.inf
        for m in range(len(features) - 1, -1, -1):
            f = features[m]
            if not _leaves(f, state):
                least = min(least, f[kernel.F_PE])
            out[m, state] = least


@njit(cache=True, nogil=True)
def select(
    features: Any,
    ahead: Any,
    bounds: Any,
    offered: Any,
    words: Any,
    states: Any,
    kept: bool,
    room: float,
    goal: int,
    chosen: Any,
    latencies: Any,
    energies: Any,
    fittest: Any,
) -> None:
    """Write the best mappings of n designs in s states of activations, and what they cost.

    Args:
        features: as for `price.best`.
        ahead: `outlook` of each, [m, state].
        bounds: as for `price.best`.
        offered: over `designs.OFFERS`, [n, offer].
        words: multiply-accumulates, then words of weights, inputs and outputs.
        states: index into `chain.STATES` of each, [s].
        kept: whether weights are on chip.
        room: share of a core's memory that there is.
        goal: index into `pricing.GOALS`.
        chosen: of `price.Best`, filled with -1; likewise all else.
        latencies: filled with infinities.
        energies: filled with infinities.
        fittest: anything.
    """
    num_states = len(states)
    least, least_product, saved = np.empty(num_states), np.empty(num_states), np.empty(num_states)
    most = np.empty(len(kernel.NEED_FEATURES))
    busy_at, core_at = (kernel.F_BUSY_KEPT, kernel.F_CORE_KEPT_J) if kept else (kernel.F_BUSY, kernel.F_CORE_J)
    for b in range(len(bounds)):
        o = offered[b]
        for i in range(len(most)):
            most[i] = o[O_ROOM + i] * (room if i == 1 else 1.0)
        for s in range(num_states):
            least[s], least_product[s] = np.inf, np.inf
            saved[s] = (kept * words[1]) * o[O_WEIGHT]
            saved[s] += ((states[s] >= 2) * words[2] + (states[s] % 2) * words[3]) * o[O_ACTIVATION]
        fixed_j = words[0] * o[O_MAC_J]
        for m in range(bounds[b, 0], bounds[b, 1]):
            f = features[m]
            going = False
            for s in range(num_states):
                late = (o[O_LATENCY] + f[busy_at]) / o[O_CLOCK] > least[s] * (1.0 + 2.0 * ROUNDING)
                going = going or (ahead[m, states[s]] <= most[0] and not (late and goal == 0 and not kept))
            if not going:
                break
            fits = not (kept and f[kernel.F_WEIGHTS] > 0)
            for i in range(len(most)):
                fits = fits and f[kernel.NEED_FEATURES[i]] <= most[i]
            if not fits:
                continue
            on_chip_j = f[kernel.F_PE_J] * o[O_PE_J] + f[core_at] * o[O_CORE_J]
            on_chip_j += f[kernel.F_REGISTER_J] * o[O_REGISTER_J] + fixed_j
            for s in range(num_states):
                if _leaves(f, states[s]):
                    continue
                moved = f[kernel.F_DRAM] - saved[s]
                latency_s = (o[O_LATENCY] + max(f[busy_at], moved / o[O_BANDWIDTH])) / o[O_CLOCK]
                energy_j = moved * o[O_DRAM_J] + on_chip_j + latency_s * o[O_LEAKAGE]
                product = latency_s * energy_j
                value = latency_s if goal == 0 else energy_j if goal == 1 else product
                if value < least[s] * (1.0 - ROUNDING) or (
                    value <= least[s] * (1.0 + ROUNDING) and product < least_product[s]
                ):
                    least[s], least_product[s], chosen[b, s] = min(value, least[s]), product, m
                    latencies[b, s], energies[b, s] = latency_s, energy_j
        fittest[b] = chosen[b, 0]
        if fittest[b] < 0:
            fittest[b] = _fittest(features[bounds[b, 0] : bounds[b, 1]], states[0], kept, most) + bounds[b, 0]


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
