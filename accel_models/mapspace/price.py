"""What mappings of fronts cost on designs, and which of them is best: designs x mappings in one pass.

    latency = DRAM latency + max(busy cycles on chip, bytes off chip / bandwidth)
    energy  = sum over levels of bytes x energy a byte, multiply-accumulates, leakage x latency

Transfers are double-buffered and overlap with computation, as in Timeloop: the slowest of units, DRAM, staging
and memories sets the pace. Both are monotone in the features of a mapping and in what a design offers. What
`Residency` names does not travel off chip, and asks for mappings that hold it as a whole: an array tile with
all inputs, an array tile with all outputs, cores that hold all weights they ever need.

`best` is compiled and touches each feature once; `costs` is the same in torch, for any device, differentiable
in the designs, and what `best` is tested against.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from accel_models.mapspace import kernel
from accel_models.mapspace.designs import Columns
from accel_models.mapspace.front import Array, Index
from accel_models.pricing import GOALS, Goal, Residency, StepPrices
from accel_models.workload import Layer

BOUNDS = ("compute", "dram bandwidth", "staging bandwidth", "pe_memory bandwidth", "core_memory bandwidth")
LIMITS = (
    "PE memory bytes",
    "core memory bytes",
    "bytes of a weight tile in parameter memory",
    "bytes of an input row in activation memory",
    "tiles in instruction memory",
)
"""In the order of `designs.CAPACITIES`."""

ROUNDING = 1e-12
"""Relative differences up to this are none: bandwidth-bound mappings often take the same time."""

_OFFERS = (
    "bandwidth", "dram_latency_cycles", "clock_hz", "dram_j", "pe_read_j", "core_read_j", "register_j",
    "fixed_j", "leakage_w", "saved_bytes", "pe_bytes", "core_bytes", "weight_tile_bytes", "input_row_bytes",
    "program_tiles",
)  # fmt: skip
(
    O_BANDWIDTH, O_LATENCY, O_CLOCK, O_DRAM_J, O_PE_J, O_CORE_J, O_REGISTER_J, O_FIXED_J, O_LEAKAGE, O_SAVED,
    O_ROOM,
) = range(11)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Best:
    """The best mapping of each of n designs, as rows of a pool, and the one that fits best, [n] each."""

    chosen: Index
    fittest: Index


@dataclass(frozen=True, slots=True)
class Prices:
    """Latency and energy of designs x mappings, and need over capacity, [.., limit].

    The excess is infinite where a mapping does not hold what the residency names.
    """

    latency_s: Tensor
    energy_j: Tensor
    excess: Tensor


def offers(layer: Layer, designs: Columns, residency: Residency) -> Tensor:
    """What designs offer one execution of a layer, [n, offer] over `_OFFERS`."""
    saved = (
        residency.weights * layer.words("weights") * designs.weight_bytes
        + residency.inputs * layer.words("inputs") * designs.activation_bytes
        + residency.outputs * layer.words("outputs") * designs.activation_bytes
    )
    columns = {
        "bandwidth": torch.minimum(designs.dram_bandwidth, designs.staging_bandwidth),
        "fixed_j": float(layer.macs) * designs.mac_j,
        "saved_bytes": saved,
        "core_bytes": residency.parameter_room * designs.core_bytes,
    }
    return torch.stack(
        [columns[name] if name in columns else getattr(designs, name) for name in _OFFERS], dim=-1
    )


def costs(features: Tensor, offered: Tensor, residency: Residency) -> Prices:
    """Prices of mappings on designs: features [.., x] and offers [.., offer] broadcast."""
    f, o = features.unbind(dim=-1), offered.unbind(dim=-1)
    busy, core_j = (
        (f[kernel.F_BUSY_KEPT], f[kernel.F_CORE_KEPT_J])
        if residency.weights
        else (f[kernel.F_BUSY], f[kernel.F_CORE_J])
    )
    moved = f[kernel.F_DRAM] - o[O_SAVED]
    latency_s = (o[O_LATENCY] + torch.maximum(busy, moved / o[O_BANDWIDTH])) / o[O_CLOCK]
    energy_j = moved * o[O_DRAM_J] + f[kernel.F_PE_J] * o[O_PE_J] + core_j * o[O_CORE_J]
    energy_j = energy_j + f[kernel.F_REGISTER_J] * o[O_REGISTER_J] + o[O_FIXED_J] + latency_s * o[O_LEAKAGE]
    moves = torch.zeros_like(f[kernel.F_INPUTS])
    for asked, flag in _asked(residency):
        if asked:
            moves = moves + f[flag]
    excess = [f[need] / o[O_ROOM + i] for i, need in enumerate(kernel.NEED_FEATURES)]
    excess[0] = torch.where(moves > 0, torch.inf, excess[0])
    return Prices(latency_s, energy_j, torch.stack(excess, dim=-1))


def _asked(residency: Residency) -> tuple[tuple[bool, int], ...]:
    return (
        (residency.inputs, kernel.F_INPUTS),
        (residency.outputs, kernel.F_OUTPUTS),
        (residency.weights, kernel.F_WEIGHTS),
    )


def best(features: Array, bounds: Index, offered: Tensor, residency: Residency, minimize: Goal) -> Best:
    """The best mappings of fronts on designs.

    Where none fits it is the one that exceeds a capacity by the least factor. Of equal ones, but for rounding,
    it is that of the lower product of latency and energy.

    Args:
        features: of a pool, [m, x].
        bounds: where the front of each design begins and ends, [n, 2].
        offered: `offers`, [n, offer].
        residency: what is on chip.
        minimize: what is best.

    Raises:
        ValueError: `minimize` is none of latency, energy, edp.
    """
    if minimize not in GOALS:
        raise ValueError(f"`minimize` must be one of {GOALS}, but got {minimize!r}")
    chosen, fittest = np.empty(len(bounds), dtype=np.int64), np.empty(len(bounds), dtype=np.int64)
    flags = np.array([asked for asked, _ in _asked(residency)])
    numbers = offered.detach().cpu().numpy()
    _best(features, bounds, np.ascontiguousarray(numbers), flags, GOALS.index(minimize), chosen, fittest)
    return Best(chosen, fittest)


@njit(cache=True, nogil=True)
def _best(features: Any, bounds: Any, offered: Any, flags: Any, goal: int, chosen: Any, fittest: Any) -> None:
    kept = flags[2]
    busy_at, core_at = (kernel.F_BUSY_KEPT, kernel.F_CORE_KEPT_J) if kept else (kernel.F_BUSY, kernel.F_CORE_J)
    for b in range(len(bounds)):
        o = offered[b]
        least, least_product, least_excess = np.inf, np.inf, np.inf
        at, fit = -1, bounds[b, 0]
        for m in range(bounds[b, 0], bounds[b, 1]):
            f = features[m]
            if (
                (flags[0] and f[kernel.F_INPUTS] > 0)
                or (flags[1] and f[kernel.F_OUTPUTS] > 0)
                or (kept and f[kernel.F_WEIGHTS] > 0)
            ):
                continue
            excess = 0.0
            for i in range(5):
                excess = max(excess, f[kernel.NEED_FEATURES[i]] / o[O_ROOM + i])
            if excess < least_excess:
                least_excess, fit = excess, m
            if excess > 1.0:
                continue
            moved = f[kernel.F_DRAM] - o[O_SAVED]
            latency_s = (o[O_LATENCY] + max(f[busy_at], moved / o[O_BANDWIDTH])) / o[O_CLOCK]
            energy_j = moved * o[O_DRAM_J] + f[kernel.F_PE_J] * o[O_PE_J] + f[core_at] * o[O_CORE_J]
            energy_j += f[kernel.F_REGISTER_J] * o[O_REGISTER_J] + o[O_FIXED_J] + latency_s * o[O_LEAKAGE]
            product = latency_s * energy_j
            value = latency_s if goal == 0 else energy_j if goal == 1 else product
            if value < least * (1.0 - ROUNDING) or (
                value <= least * (1.0 + ROUNDING) and product < least_product
            ):
                least, least_product, at = min(value, least), product, m
        chosen[b] = at if at >= 0 else fit
        fittest[b] = fit


def step_prices(
    designs: Columns,
    offered: Tensor,
    residency: Residency,
    features: Tensor,
    tallies: Tensor,
    fittest: Tensor,
) -> StepPrices:
    """What mappings cost, itemized.

    Args:
        designs: [n].
        offered: `offers`, [n, offer].
        residency: what is on chip.
        features: of the mapping that each design runs, [n, x] over `kernel.FEATURES`.
        tallies: of the same, [n, x] over `kernel.TALLIES`.
        fittest: features of the mapping that fits each design best, which the excess is of.
    """
    prices, t = (
        costs(features, offered, residency),
        dict(zip(kernel.TALLIES, tallies.unbind(dim=-1), strict=True)),
    )
    filled = torch.zeros_like(t["core_filled"]) if residency.weights else t["core_filled"]
    moved = features[:, kernel.F_DRAM] - offered[:, O_SAVED]
    pe, core = t["pe_read"] + t["pe_written"], t["core_read"] + filled
    cycles = torch.stack(
        (
            t["compute_cycles"],
            moved / designs.dram_bandwidth,
            moved / designs.staging_bandwidth,
            pe / designs.pe_bandwidth,
            core / designs.core_bandwidth,
        )
    )
    pe_j = t["pe_read"] * designs.pe_read_j + t["pe_written"] * designs.pe_write_j
    core_j = t["core_read"] * designs.core_read_j + filled * designs.core_write_j
    energies = (
        moved * designs.dram_j,
        t["used_pes"] * pe_j,
        t["used_cores"] * core_j,
        t["register_bytes"] * designs.register_j,
        offered[:, O_FIXED_J],
        prices.latency_s * designs.leakage_w,
    )
    fit = costs(fittest, offered, residency).excess
    share = features[:, kernel.F_CORE] / designs.core_bytes
    if residency.weights:
        share = torch.where(features[:, kernel.F_WEIGHTS] > 0, torch.inf, share)
    return StepPrices(
        latency_s=prices.latency_s,
        energies_j=torch.stack(energies, dim=-1),
        bytes=torch.stack((moved, t["used_pes"] * pe, t["used_cores"] * core, t["register_bytes"]), dim=-1),
        compute_s=t["compute_cycles"] / designs.clock_hz,
        bound=cycles.argmax(dim=0),
        excess=fit,
        parameter_share=share,
    )
