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

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

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
    Columns,
    Designs,
)
from accel_models.mapspace.front import Array, Index
from accel_models.mapspace.selection import select
from accel_models.pricing import GOALS, Goal, Residency, StepPrices
from accel_models.threads import spread
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


AT_ONCE = 32
"""Blocks that one thread prices before another may."""


class Fronts(Protocol):
    """Fronts of kinds of designs, one after the other, each in the order of `kernel.F_BUSY`: a `pool.Pool`."""

    @property
    def features(self) -> Array:
        """Of all mappings, [m, x] over `kernel.FEATURES`."""

    @property
    def bound(self) -> Index:
        """What takes longest on chip, [m], as an index into `BOUNDS`."""

    def bounds(self, kinds: Index) -> Index:
        """Where the fronts of kinds [n] begin and end, [n, 2]."""

    def held(self, kinds: Index) -> Array:
        """`selection.least_held` of the fronts of kinds [n], [n, state]."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best mapping of each of n designs in each of s residencies, as rows of a pool, and what it costs.

    Attributes:
        chosen: [n, s]; -1 where none can be.
        latency_s: [n, s]; infinite where none can be.
        energy_j: [n, s], likewise.
        bound: [n, s] what takes longest, as an index into `BOUNDS`; meaningless where none can be.
        fittest: [n] the chosen one of the first residency; where none can be, the mapping that exceeds
            capacities by the least factor.
    """

    chosen: Index
    latency_s: Array
    energy_j: Array
    bound: Index
    fittest: Index


@dataclass(frozen=True, slots=True)
class Prices:
    """Latency and energy of designs x mappings, and need over capacity, [.., limit].

    The excess is infinite where a mapping does not hold what the residency names.
    """

    latency_s: Tensor
    energy_j: Tensor
    excess: Tensor


def saved_bytes(layer: Layer, offered: Tensor, residency: Residency) -> Tensor:
    """Bytes of a layer that do not travel off chip, on designs [.., offer]."""
    return (
        residency.weights * layer.words("weights") * offered[..., O_WEIGHT]
        + (residency.inputs * layer.words("inputs") + residency.outputs * layer.words("outputs"))
        * (offered[..., O_ACTIVATION])
    )


def costs(layer: Layer, features: Tensor, offered: Tensor, residency: Residency) -> Prices:
    """Prices of mappings of a layer on designs: features [.., x] and offers [.., offer] broadcast."""
    f, o = features.unbind(dim=-1), offered.unbind(dim=-1)
    busy, core_j = (
        (f[kernel.F_BUSY_KEPT], f[kernel.F_CORE_KEPT_J])
        if residency.weights
        else (f[kernel.F_BUSY], f[kernel.F_CORE_J])
    )
    moved = f[kernel.F_DRAM] - saved_bytes(layer, offered, residency)
    latency_s = (o[O_LATENCY] + torch.maximum(busy, moved / o[O_BANDWIDTH])) / o[O_CLOCK]
    energy_j = moved * o[O_DRAM_J] + f[kernel.F_PE_J] * o[O_PE_J] + core_j * o[O_CORE_J]
    energy_j = energy_j + f[kernel.F_REGISTER_J] * o[O_REGISTER_J] + layer.macs * o[O_MAC_J]
    energy_j = energy_j + latency_s * o[O_LEAKAGE]
    moves = torch.zeros_like(f[kernel.F_INPUTS])
    for asked, flag in zip(
        _asked(residency), (kernel.F_INPUTS, kernel.F_OUTPUTS, kernel.F_WEIGHTS), strict=True
    ):
        if asked:
            moves = moves + f[flag]
    excess = [f[need] / o[O_ROOM + i] for i, need in enumerate(kernel.NEED_FEATURES)]
    excess[1] = excess[1] / residency.parameter_room
    excess[0] = torch.where(moves > 0, torch.inf, excess[0])
    return Prices(latency_s, energy_j, torch.stack(excess, dim=-1))


def _asked(residency: Residency) -> tuple[bool, bool, bool]:
    return residency.inputs, residency.outputs, residency.weights


def best(
    layer: Layer, fronts: Fronts, designs: Designs, residencies: Sequence[Residency], minimize: Goal
) -> Best:
    """The best mappings of fronts on designs, in one pass for all residencies.

    Of equal ones, but for rounding, it is that of the lower product of latency and energy.

    Args:
        layer: its words and multiply-accumulates.
        fronts: those of the designs, and others.
        designs: n.
        residencies: what is on chip; all alike but for activations.
        minimize: what is best.

    Raises:
        ValueError: `minimize` is none of latency, energy, edp.
    """
    if minimize not in GOALS:
        raise ValueError(f"`minimize` must be one of {GOALS}, but got {minimize!r}")
    n, s, blocks = len(designs), len(residencies), designs.blocks
    chosen, fittest = np.empty((s, n), dtype=np.int64), np.empty(n, dtype=np.int64)
    latency_s, energy_j, bound = np.empty((s, n)), np.empty((s, n)), np.empty((s, n), dtype=np.int64)
    states = np.array([2 * each.inputs + each.outputs for each in residencies], dtype=np.int64)
    kept, room, goal = residencies[0].weights, residencies[0].parameter_room, GOALS.index(minimize)
    bounds, held = fronts.bounds(blocks.kinds), fronts.held(blocks.kinds)

    def run(part: slice) -> None:
        select(
            fronts.features, fronts.bound, blocks.places[part], bounds[part], held[part],
            blocks.order, designs.offered, _words(layer), states, kept, room, goal,
            chosen, latency_s, energy_j, bound, fittest,
        )  # fmt: skip

    list(spread(run, [slice(i, i + AT_ONCE) for i in range(0, len(bounds), AT_ONCE)]))
    return Best(chosen.T, latency_s.T, energy_j.T, bound.T, fittest)


@lru_cache(maxsize=1024)
def _words(layer: Layer) -> Array:
    """Multiply-accumulates, then words of weights, inputs and outputs."""
    return np.array([layer.macs, *(layer.words(each) for each in ("weights", "inputs", "outputs"))], np.float64)


def step_prices(
    layer: Layer,
    designs: Columns,
    offered: Tensor,
    residency: Residency,
    features: Tensor,
    tallies: Tensor,
) -> StepPrices:
    """What mappings of a layer cost, itemized.

    Args:
        layer: its words and multiply-accumulates.
        designs: [n].
        offered: `offers`, [n, offer].
        residency: what is on chip.
        features: of the mapping that each design runs or, where it can run none, that fits it best, [n, x]
            over `kernel.FEATURES`.
        tallies: of the same, [n, x] over `kernel.TALLIES`.
    """
    prices, t = (
        costs(layer, features, offered, residency),
        dict(zip(kernel.TALLIES, tallies.unbind(dim=-1), strict=True)),
    )
    filled = torch.zeros_like(t["core_filled"]) if residency.weights else t["core_filled"]
    moved = features[:, kernel.F_DRAM] - saved_bytes(layer, offered, residency)
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
        layer.macs * designs.mac_j,
        prices.latency_s * designs.leakage_w,
    )
    share = features[:, kernel.F_CORE] / designs.core_bytes
    if residency.weights:
        share = torch.where(features[:, kernel.F_WEIGHTS] > 0, torch.inf, share)
    return StepPrices(
        latency_s=prices.latency_s,
        energies_j=torch.stack(energies, dim=-1),
        bytes=torch.stack((moved, t["used_pes"] * pe, t["used_cores"] * core, t["register_bytes"]), dim=-1),
        compute_s=t["compute_cycles"] / designs.clock_hz,
        bound=cycles.argmax(dim=0),
        excess=prices.excess,
        parameter_share=share,
    )
