"""Which activations stay on chip between layers: the cheapest consistent choice along the chain of layers.

Between two neighbouring layers lies an edge: the activations that the first writes and the second reads. They
either stay on chip as a whole, which both layers must have room for, or go out to DRAM and come back. Each
layer is priced in up to four states (inputs on chip or not, outputs on chip or not), and a shortest path over
the edges picks the state of every layer, so that a word is never read from where nobody wrote it. The
network's own inputs and outputs are off chip. A layer with repeats stands for that many executions one after
the other, with an edge between each two, all of these in the same state. What a branch holds on to meanwhile is
not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from accel_models.chain_path import shortest_path
from accel_models.pricing import Goal, Pricer, Residency, StepPrices
from accel_models.workload import Layer, VectorOp

STATES = ((False, False), (False, True), (True, False), (True, True))
"""Inputs on chip, outputs on chip."""

States = dict[int, StepPrices]
"""Prices of one layer on n designs, by index into `STATES`."""


@dataclass(frozen=True, slots=True)
class StateCosts:
    """What an execution of each of l layers costs in each state, on n designs.

    Attributes:
        latency_s: [n, l, state], infinite where a layer cannot be in a state.
        energy_j: [n, l, state], likewise.
        bound: [n, l, state] what takes longest, as an index into the pricer's `bounds`.
        excess: [n, l, limit] of the pricer's `limits`, with all activations off chip; where a layer fits it
            may be any value up to 1.
    """

    latency_s: Tensor
    energy_j: Tensor
    bound: Tensor
    excess: Tensor

    @property
    def fits(self) -> Tensor:
        """Whether all layers fit, [n]."""
        return torch.isfinite(self.latency_s[..., 0]).all(dim=1)


@runtime_checkable
class NetworkPricer(Pricer, Protocol):
    """A pricer that is quicker with all layers and states at once than one by one."""

    def costs(
        self, layers: Sequence[Layer], allowed: Sequence[Sequence[int]], designs: Any, minimize: Goal
    ) -> StateCosts:
        """Costs of layers, each in the states that it is allowed."""


@runtime_checkable
class FusedPricer(Pricer, Protocol):
    """A pricer that has totals of networks from one kernel of a GPU."""

    def fused(
        self, layers: Sequence[Layer], designs: Any, minimize: Goal, *, keep_activations: bool
    ) -> tuple[Tensor, Tensor]:
        """Latency and energy of all layers, [n] each, infinite where one has no mapping."""


def allowed_states(layers: Sequence[Layer], *, keep_activations: bool) -> list[list[int]]:
    """The states, as indices into `STATES`, that each layer may be in."""
    last, found = len(layers) - 1, []
    for i, layer in enumerate(layers):
        into = keep_activations and (i > 0 or layer.repeats > 1)
        out = keep_activations and (i < last or layer.repeats > 1)
        found.append([s for s, (inputs, outputs) in enumerate(STATES) if inputs <= into and outputs <= out])
    return found


def price_states(
    pricer: Pricer, designs: Any, layers: Sequence[Layer], minimize: Goal, *, keep_activations: bool
) -> StateCosts:
    """Costs of every layer in every state that it can be in."""
    allowed = allowed_states(layers, keep_activations=keep_activations)
    if isinstance(pricer, NetworkPricer):
        return pricer.costs(layers, allowed, designs, minimize)
    if not layers:
        return _no_costs(pricer, designs)
    steps = [
        {state: pricer.layer(layer, Residency(*STATES[state]), designs, minimize) for state in states}
        for layer, states in zip(layers, allowed, strict=True)
    ]
    never = torch.full_like(steps[0][0].latency_s, torch.inf)
    nothing = torch.zeros_like(steps[0][0].bound)
    columns: dict[str, list[list[Tensor]]] = {"latency_s": [], "energy_j": [], "bound": []}
    for states in steps:
        fits = {s: step.fits for s, step in states.items()}
        for name, column in columns.items():
            none = nothing if name == "bound" else never
            column.append(
                [
                    torch.where(fits[s], getattr(states[s], name), none) if s in states else none
                    for s in range(len(STATES))
                ]
            )
    found = {
        name: torch.stack([torch.stack(row, dim=1) for row in column], dim=1)
        for name, column in columns.items()
    }
    return StateCosts(**found, excess=torch.stack([states[0].excess for states in steps], dim=1))


def _no_costs(pricer: Pricer, designs: Any) -> StateCosts:
    """Costs of no layers."""
    nothing = pricer.vector((), designs, keep_activations=False).latency_s.T[..., None]  # [n, 0, 1]
    none = nothing.expand(-1, -1, len(STATES))
    return StateCosts(none, none, none.long(), nothing.expand(-1, -1, len(pricer.limits)))


def executions(layers: Sequence[Layer], costs: StateCosts, minimize: Goal) -> Tensor:
    """How many executions of every layer run in every state, [n, layer, state], at the least total.

    Latencies and energies add up along the chain; an energy-delay product does not, so there relative savings
    of the two are added. Where the network cannot run all executions are counted in the first state.
    """
    if minimize == "edp":
        times = torch.tensor([layer.repeats for layer in layers]).to(costs.latency_s)
        latency_s, energy_j = (
            each / (each[..., 0] * times).sum(dim=1)[:, None, None]
            for each in (costs.latency_s, costs.energy_j)
        )
        return _paths(layers, latency_s + energy_j)[0]
    return _paths(layers, costs.latency_s if minimize == "latency" else costs.energy_j)[0]


def least_path(layers: Sequence[Layer], values: Tensor) -> Tensor:
    """Least total along the chain, [n], of what an execution in each state adds: [n, layer, state]."""
    return _paths(layers, values)[1]


def _paths(layers: Sequence[Layer], values: Tensor) -> tuple[Tensor, Tensor]:
    """Executions by state of the least total, [n, layer, state], and that total, [n]."""
    numbers = values.detach().cpu().numpy()
    repeats = np.array([layer.repeats for layer in layers], dtype=np.float64)
    counts, least = np.zeros(numbers.shape), np.empty(len(numbers))
    shortest_path(numbers, repeats, counts, least)
    return torch.from_numpy(counts).to(values.device), torch.from_numpy(least).to(values.device)


def network_totals(costs: StateCosts, runs: Tensor) -> tuple[Tensor, Tensor]:
    """Latency and energy of all layers, [n] each, executed `runs` [n, layer, state] times."""
    latency_s, energy_j = (
        torch.where(runs > 0, runs * each, 0.0).sum(dim=(1, 2)) for each in (costs.latency_s, costs.energy_j)
    )
    return latency_s, energy_j


def bound_seconds(costs: StateCosts, runs: Tensor, num_bounds: int) -> Tensor:
    """Seconds of all layers by what takes longest, [n, bound]; of designs that can run the network."""
    seconds = torch.where(runs > 0, runs * costs.latency_s, 0.0).flatten(1)
    found = torch.zeros((len(seconds), num_bounds), dtype=seconds.dtype, device=seconds.device)
    return found.scatter_add_(1, costs.bound.flatten(1), seconds)


def vector_totals(ops: Sequence[VectorOp], prices: StepPrices) -> tuple[Tensor, Tensor]:
    """Latency and energy of all vector operations, [n] each, from the prices of each, [operation, n]."""
    repeats = torch.tensor([op.repeats for op in ops], dtype=torch.float64).to(prices.latency_s.device)[:, None]
    return (repeats * prices.latency_s).sum(dim=0), (repeats * prices.energy_j).sum(dim=0)


def mix(states: States, counts: Tensor) -> StepPrices:
    """One execution of a layer on average over its states, executed `counts` [n, state] times.

    What it is bound by is that of the most frequent state; excess and share of the parameter memory are the
    largest of those in use.
    """
    if len(states) == 1:
        return next(iter(states.values()))
    used = {state: counts[:, state] for state in states}
    total = counts.sum(dim=1)
    often = torch.stack([used[state] for state in states]).argmax(dim=0)
    parts: dict[str, Tensor] = {}
    for name in (f.name for f in fields(StepPrices)):
        columns = torch.stack([getattr(step, name) for step in states.values()])
        shape = (len(states), -1, *(1,) * (columns.ndim - 2))
        times = torch.stack(list(used.values())).reshape(shape)
        if name == "bound":
            parts[name] = columns[often, torch.arange(columns.shape[1], device=columns.device)]
        elif name in ("excess", "parameter_share"):
            parts[name] = torch.where(times > 0, columns, 0.0).amax(dim=0)
        else:
            share = times / total.reshape(shape[1:])
            parts[name] = torch.where(times > 0, share * columns, 0.0).sum(dim=0)
    return StepPrices(**parts)
