"""Which parameters stay on chip from one inference to the next, and what the steady state then costs.

The memory that holds parameters is split: a share keeps the parameters of some layers for good, the rest serves
all other layers, which read theirs from DRAM every time. For each split layers are kept greedily, those first
that save most for the room they take; the best split wins, which may be none. Coral's compiler for the Edge TPU
does the like ("parameter data caching": as much as fits stays, the rest is streamed).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from accel_models.chain import STATES, States, mix
from accel_models.pricing import Goal, Pricer, Residency, StepPrices
from accel_models.workload import Layer

SPLITS = (0.25, 0.5, 0.75, 0.875, 1.0)
"""Shares of the parameter memory that are tried for keeping."""


@dataclass(frozen=True, slots=True)
class Steady:
    """n designs in the steady state: latency and energy of an inference [n], executions kept [n, layer]."""

    latency_s: Tensor
    energy_j: Tensor
    cached: Tensor


def steady_state(
    pricer: Pricer,
    designs: Any,
    layers: Sequence[Layer],
    runs: Tensor,
    alone: Steady,
    beside: tuple[Tensor, Tensor],
    minimize: Goal,
) -> Steady:
    """The steady state of n designs.

    Args:
        pricer: of the designs.
        designs: what it stacked.
        layers: of the network.
        runs: executions of every layer in every state of its activations, [n, layer, state].
        alone: the inference by itself, without anything kept.
        beside: latency and energy of all but the layers, [n] each, infinite where infeasible.
        minimize: what mappings are chosen for, and what is saved.
    """
    best = alone
    for split in SPLITS:
        found = _split(pricer, designs, layers, runs, split, minimize)
        latency_s, energy_j = beside[0] + found.latency_s, beside[1] + found.energy_j
        better = _value(latency_s, energy_j, minimize) < _value(best.latency_s, best.energy_j, minimize)
        best = Steady(
            latency_s=torch.where(better, latency_s, best.latency_s),
            energy_j=torch.where(better, energy_j, best.energy_j),
            cached=torch.where(better[:, None], found.cached, best.cached),
        )
    return best


def _split(
    pricer: Pricer,
    designs: Any,
    layers: Sequence[Layer],
    runs: Tensor,
    split: float,
    minimize: Goal,
) -> Steady:
    """All layers with a share of the parameter memory set aside; infinite where one cannot run."""
    kept, streamed = (
        [
            mix(_states(pricer, designs, layer, runs[:, i], parameters, minimize), runs[:, i])
            for i, layer in enumerate(layers)
        ]
        for parameters in (
            Residency(weights=True, parameter_room=split),
            Residency(parameter_room=max(1.0 - split, 2.0**-40)),
        )
    )
    stay_s, stay_j, stay_ok = _columns(kept)
    go_s, go_j, go_ok = _columns(streamed)
    stay_ok &= torch.tensor([not layer.weights_are_activations for layer in layers], device=stay_ok.device)
    share = torch.stack([step.parameter_share for step in kept], dim=1)
    repeats = torch.tensor([layer.repeats for layer in layers], dtype=stay_s.dtype, device=stay_s.device)
    saved = _value(go_s, go_j, minimize) - _value(stay_s, stay_j, minimize)
    worth = torch.where(stay_ok & (saved > 0), saved / share, 0.0)
    worth = torch.where(stay_ok & ~go_ok, torch.inf, worth)
    cached, room = torch.zeros_like(worth), torch.full_like(worth[:, 0], split)
    rows = torch.arange(len(worth), device=worth.device)
    for column in worth.argsort(dim=1, descending=True, stable=True).unbind(dim=1):
        taken = share[rows, column]
        fits = torch.where(worth[rows, column] > 0, torch.floor(room / taken + 1e-9), 0.0)
        count = torch.minimum(fits, repeats[column])
        cached[rows, column] = count
        room = room - torch.where(count > 0, count * taken, 0.0)
    runs = (go_ok | (cached >= repeats)).all(dim=1)
    latency = _sum(cached, stay_s, repeats, go_s)
    energy = _sum(cached, stay_j, repeats, go_j)
    return Steady(
        latency_s=torch.where(runs, latency, torch.inf),
        energy_j=torch.where(runs, energy, torch.inf),
        cached=cached,
    )


def _states(
    pricer: Pricer, designs: Any, layer: Layer, runs: Tensor, parameters: Residency, minimize: Goal
) -> States:
    """Prices of a layer in those states of its activations that some design runs it in."""
    return {
        state: pricer.layer(layer, replace(parameters, inputs=inputs, outputs=outputs), designs, minimize)
        for state, (inputs, outputs) in enumerate(STATES)
        if bool((runs[:, state] > 0).any())
    }


def _columns(steps: Sequence[StepPrices]) -> tuple[Tensor, Tensor, Tensor]:
    """Latency, energy and whether it fits, [n, layer] each."""
    latency_s = torch.stack([step.latency_s for step in steps], dim=1)
    energy_j = torch.stack([step.energy_j for step in steps], dim=1)
    return latency_s, energy_j, torch.stack([step.fits for step in steps], dim=1)


def _sum(cached: Tensor, stay: Tensor, repeats: Tensor, go: Tensor) -> Tensor:
    """Sum over layers of kept and streamed executions, [n]; what is not executed so does not count."""
    streamed = repeats - cached
    kept = torch.where(cached > 0, cached * stay, 0.0)
    return (kept + torch.where(streamed > 0, streamed * go, 0.0)).sum(dim=1)


def _value(latency_s: Tensor, energy_j: Tensor, minimize: Goal) -> Tensor:
    return {"latency": latency_s, "energy": energy_j, "edp": latency_s * energy_j}[minimize]
