"""A network on designs in one kernel: best mapping of every layer, least path, totals.

What `selection.select` and `chain_path.shortest_path` do, fused: nothing but totals leaves the chip. A block of
threads prices designs of one kind: they meet the same mappings, whose features are loaded once a block. All is
float64, as on the CPU; quotients are products with reciprocals, which may round otherwise.
"""

import triton
import triton.language as tl

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
)
from accel_models.mapspace.selection import ROUNDING

WIDTH = 16
"""Numbers that a row of features takes."""

_BUSY, _CORE, _DRAM, _PE_J, _CORE_J, _REGISTER_J, _ROW, _PE, _TILE, _PROGRAM, _INPUTS, _OUTPUTS = (
    tl.constexpr(each)
    for each in (
        kernel.F_BUSY, kernel.F_CORE, kernel.F_DRAM, kernel.F_PE_J, kernel.F_CORE_J, kernel.F_REGISTER_J,
        kernel.F_ROW, kernel.F_PE, kernel.F_TILE, kernel.F_PROGRAM, kernel.F_INPUTS, kernel.F_OUTPUTS,
    )
)  # fmt: skip
(
    _O_BANDWIDTH, _O_WAIT, _O_CLOCK, _O_DRAM_J, _O_PE_J, _O_CORE_J, _O_REGISTER_J, _O_MAC_J, _O_LEAKAGE,
    _O_WIDTH, _O_ROOM,
) = (
    tl.constexpr(each)
    for each in (
        O_BANDWIDTH, O_LATENCY, O_CLOCK, O_DRAM_J, O_PE_J, O_CORE_J, O_REGISTER_J, O_MAC_J, O_LEAKAGE,
        O_ACTIVATION, O_ROOM,
    )
)  # fmt: skip
_ROUNDING = tl.constexpr(ROUNDING)
_WIDTH_ = tl.constexpr(WIDTH)


@triton.jit
def _better(fits, latency, energy, least, product_before, latency_before, energy_before, GOAL: tl.constexpr):
    """The better of the best mapping so far and another: value, product, latency and energy."""
    product = latency * energy
    if GOAL == 0:
        value = latency
    elif GOAL == 1:
        value = energy
    else:
        value = product
    wins = (value < least * (1.0 - _ROUNDING)) | (
        (value <= least * (1.0 + _ROUNDING)) & (product < product_before)
    )
    wins = wins & fits
    return (
        tl.where(wins, tl.minimum(value, least), least),
        tl.where(wins, product, product_before),
        tl.where(wins, latency, latency_before),
        tl.where(wins, energy, energy_before),
    )


@triton.jit
def _layer(
    features, start, stop, macs, words_in, words_out, o, n, mask, GOAL: tl.constexpr, KEEP: tl.constexpr
):
    """Latency and energy of a layer on a block of designs in its four states."""
    over_bandwidth = 1.0 / tl.load(o + _O_BANDWIDTH * n, mask, 1.0)
    wait, over_clock = tl.load(o + _O_WAIT * n, mask, 1.0), 1.0 / tl.load(o + _O_CLOCK * n, mask, 1.0)
    dram_j, pe_j = tl.load(o + _O_DRAM_J * n, mask, 0.0), tl.load(o + _O_PE_J * n, mask, 0.0)
    core_j, register_j = tl.load(o + _O_CORE_J * n, mask, 0.0), tl.load(o + _O_REGISTER_J * n, mask, 0.0)
    fixed_j, leakage = macs * tl.load(o + _O_MAC_J * n, mask, 0.0), tl.load(o + _O_LEAKAGE * n, mask, 0.0)
    width, room = tl.load(o + _O_WIDTH * n, mask, 0.0), o + _O_ROOM * n
    pe_bytes, core_bytes = tl.load(room, mask, 0.0), tl.load(room + n, mask, 0.0)
    tile_bytes, row_bytes = tl.load(room + 2 * n, mask, 0.0), tl.load(room + 3 * n, mask, 0.0)
    tiles = tl.load(room + 4 * n, mask, 0.0)
    never = tl.full(wait.shape, float("inf"), tl.float64)
    v0, v1, v2, v3 = never, never, never, never
    q0, q1, q2, q3 = never, never, never, never
    l0, l1, l2, l3 = never, never, never, never
    e0, e1, e2, e3 = never, never, never, never
    saved_in, saved_out = words_in * width, words_out * width
    for m in range(start, stop):
        f = features + m * _WIDTH_
        fits = (tl.load(f + _PE) <= pe_bytes) & (tl.load(f + _CORE) <= core_bytes)
        fits = fits & (tl.load(f + _TILE) <= tile_bytes) & (tl.load(f + _ROW) <= row_bytes)
        fits = fits & (tl.load(f + _PROGRAM) <= tiles)
        busy, dram = tl.load(f + _BUSY), tl.load(f + _DRAM)
        on_chip_j = tl.load(f + _PE_J) * pe_j + tl.load(f + _CORE_J) * core_j
        on_chip_j = on_chip_j + tl.load(f + _REGISTER_J) * register_j + fixed_j
        t = (wait + tl.maximum(busy, dram * over_bandwidth)) * over_clock
        v0, q0, l0, e0 = _better(fits, t, dram * dram_j + on_chip_j + t * leakage, v0, q0, l0, e0, GOAL)
        if KEEP:
            holds_in, holds_out = tl.load(f + _INPUTS) == 0.0, tl.load(f + _OUTPUTS) == 0.0
            m1, m2, m3 = dram - saved_out, dram - saved_in, dram - saved_in - saved_out
            t1 = (wait + tl.maximum(busy, m1 * over_bandwidth)) * over_clock
            t2 = (wait + tl.maximum(busy, m2 * over_bandwidth)) * over_clock
            t3 = (wait + tl.maximum(busy, m3 * over_bandwidth)) * over_clock
            j1, j2, j3 = (m1 * dram_j + on_chip_j, m2 * dram_j + on_chip_j, m3 * dram_j + on_chip_j)
            j1, j2, j3 = j1 + t1 * leakage, j2 + t2 * leakage, j3 + t3 * leakage
            v1, q1, l1, e1 = _better(fits & holds_out, t1, j1, v1, q1, l1, e1, GOAL)
            v2, q2, l2, e2 = _better(fits & holds_in, t2, j2, v2, q2, l2, e2, GOAL)
            v3, q3, l3, e3 = _better(fits & holds_in & holds_out, t3, j3, v3, q3, l3, e3, GOAL)
    return l0, l1, l2, l3, e0, e1, e2, e3


@triton.jit
def _sum(one, other, inside, times):
    """First, last and middle executions of a layer, one after the other."""
    return one + other + tl.where(times > 2.0, (times - 2.0) * inside, 0.0)


@triton.jit
def _shorter(v, a, b, v_before, a_before, b_before):
    wins = v < v_before
    return tl.where(wins, v, v_before), tl.where(wins, a, a_before), tl.where(wins, b, b_before)


@triton.jit
def _value(latency, energy, by_s, by_j, GOAL: tl.constexpr):
    """What a path adds to the total that is to be least."""
    if GOAL == 0:
        found = latency
    elif GOAL == 1:
        found = energy
    else:
        found = by_s * latency + by_j * energy
    return found


@triton.jit
def _through(la, lb, lc, ea, eb, ec, ld, le, lf, ed, ee, ef, lx, ex, times, by_s, by_j, GOAL: tl.constexpr):
    """Latency and energy of a layer between two edges: edges inside off chip, or on chip, whichever is less.

    The first six are first, last and middle execution with edges inside off chip, the next six with edges on
    chip, then the only execution where there is one.
    """
    l_off, e_off = _sum(la, lb, lc, times), _sum(ea, eb, ec, times)
    l_on, e_on = _sum(ld, le, lf, times), _sum(ed, ee, ef, times)
    on = _value(l_on, e_on, by_s, by_j, GOAL) < _value(l_off, e_off, by_s, by_j, GOAL)
    latency, energy = tl.where(on, l_on, l_off), tl.where(on, e_on, e_off)
    once = times < 2.0
    return tl.where(once, lx, latency), tl.where(once, ex, energy)


@triton.jit
def totals(
    features, places, layers, blocks, offered, latency_out, energy_out, n, num_layers,
    GOAL: tl.constexpr, KEEP: tl.constexpr, SIZE: tl.constexpr,
):  # fmt: skip
    """Write the totals of a block of designs."""
    block = blocks + tl.program_id(0) * 3
    kind, first, count = tl.load(block), tl.load(block + 1), tl.load(block + 2)
    here = tl.arange(0, SIZE)
    mask = here < count
    o = offered + first + here
    zero = tl.zeros((SIZE,), tl.float64)
    never = tl.full((SIZE,), float("inf"), tl.float64)
    by_s, by_j = zero, zero
    if GOAL == 2:
        for i in range(num_layers):
            at = places + (kind * num_layers + i) * 2
            l0, _1, _2, _3, e0, _5, _6, _7 = _layer(
                features, tl.load(at), tl.load(at + 1), tl.load(layers + i * 4), tl.load(layers + i * 4 + 1),
                tl.load(layers + i * 4 + 2), o, n, mask, GOAL, False,
            )  # fmt: skip
            times = tl.load(layers + i * 4 + 3)
            by_s, by_j = by_s + times * l0, by_j + times * e0
        by_s, by_j = 1.0 / by_s, 1.0 / by_j
    off_v, off_l, off_e = zero, zero, zero
    on_v, on_l, on_e = never, never, never
    for i in range(num_layers):
        at = places + (kind * num_layers + i) * 2
        times = tl.load(layers + i * 4 + 3)
        l0, l1, l2, l3, e0, e1, e2, e3 = _layer(
            features, tl.load(at), tl.load(at + 1), tl.load(layers + i * 4), tl.load(layers + i * 4 + 1),
            tl.load(layers + i * 4 + 2), o, n, mask, GOAL, KEEP,
        )  # fmt: skip
        l00, e00 = _through(l0, l0, l0, e0, e0, e0, l1, l2, l3, e1, e2, e3, l0, e0, times, by_s, by_j, GOAL)
        l01, e01 = _through(l0, l1, l0, e0, e1, e0, l1, l3, l3, e1, e3, e3, l1, e1, times, by_s, by_j, GOAL)
        l10, e10 = _through(l2, l0, l0, e2, e0, e0, l3, l2, l3, e3, e2, e3, l2, e2, times, by_s, by_j, GOAL)
        l11, e11 = _through(l2, l1, l0, e2, e1, e0, l3, l3, l3, e3, e3, e3, l3, e3, times, by_s, by_j, GOAL)
        a_v, a_l, a_e = _shorter(
            on_v + _value(l10, e10, by_s, by_j, GOAL), on_l + l10, on_e + e10,
            off_v + _value(l00, e00, by_s, by_j, GOAL), off_l + l00, off_e + e00,
        )  # fmt: skip
        b_v, b_l, b_e = _shorter(
            on_v + _value(l11, e11, by_s, by_j, GOAL), on_l + l11, on_e + e11,
            off_v + _value(l01, e01, by_s, by_j, GOAL), off_l + l01, off_e + e01,
        )  # fmt: skip
        off_v, off_l, off_e = a_v, a_l, a_e
        on_v, on_l, on_e = b_v, b_l, b_e
    tl.store(latency_out + first + here, off_l, mask)
    tl.store(energy_out + first + here, off_e, mask)
