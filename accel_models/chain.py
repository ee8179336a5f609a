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
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from accel_models.pricing import Goal, Pricer, Residency, StepPrices
from accel_models.workload import Layer

STATES = ((False, False), (False, True), (True, False), (True, True))
"""Inputs on chip, outputs on chip."""

States = dict[int, StepPrices]
"""Prices of one layer on n designs, by index into `STATES`."""


def price_states(
    pricer: Pricer,
    designs: Any,
    layers: Sequence[Layer],
    minimize: Goal,
    *,
    keep_activations: bool,
) -> list[States]:
    """Prices of every layer in every state that it can be in."""
    last = len(layers) - 1
    found = []
    for i, layer in enumerate(layers):
        first_in = keep_activations and (i > 0 or layer.repeats > 1)
        last_out = keep_activations and (i < last or layer.repeats > 1)
        found.append(
            {
                state: pricer.layer(layer, Residency(inputs, outputs), designs, minimize)
                for state, (inputs, outputs) in enumerate(STATES)
                if inputs <= first_in and outputs <= last_out
            }
        )
    return found


def executions(layers: Sequence[Layer], prices: Sequence[States], minimize: Goal) -> Tensor:
    """How many executions of every layer run in every state, [n, layer, state], at the least total.

    Latencies and energies add up along the chain; an energy-delay product does not, so there relative savings
    of the two are added. Where a layer fits in no state its executions are counted in the first.
    """
    if not layers:
        return torch.zeros(0)
    _, choices = _shortest(layers, _values(prices, layers, minimize))
    return _trace_back(layers, choices)


def least_path(layers: Sequence[Layer], values: Sequence[Tensor]) -> Tensor:
    """Least total along the chain, [n], of what an execution in each state adds: [n, state] a layer."""
    return _shortest(layers, values)[0]


def _shortest(layers: Sequence[Layer], values: Sequence[Tensor]) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Least total, [n], and what each edge chooses given the next."""
    unreachable = torch.full_like(values[0][:, 0], torch.inf)
    least = [torch.zeros_like(unreachable), unreachable]  # by the state of the edge before the next layer
    choices = []
    for value, layer in zip(values, layers, strict=True):
        inner = torch.stack([_block(value, layer.repeats, state) for state in range(len(STATES))], dim=1)
        cost, through = inner.min(dim=-1)  # over the edges inside, [n, state]
        total = torch.stack([least[inputs] + cost[:, state] for state, (inputs, _) in enumerate(STATES)], dim=1)
        into = torch.stack((total[:, [0, 2]].argmin(dim=1), total[:, [1, 3]].argmin(dim=1)), dim=1)
        least = list(torch.stack((total[:, [0, 2]].amin(dim=1), total[:, [1, 3]].amin(dim=1))).unbind())
        choices.append((into, through))
    return least[0], choices


def _values(prices: Sequence[States], layers: Sequence[Layer], minimize: Goal) -> list[Tensor]:
    """What an execution in each state adds to the total, [n, state] a layer; infinite where it cannot be."""
    weights = {"latency": (1.0, 0.0), "energy": (0.0, 1.0)}.get(minimize)
    if weights is None:
        weights = tuple(
            1.0
            / sum(
                layer.repeats * getattr(states[0], name) for layer, states in zip(layers, prices, strict=True)
            )
            for name in ("latency_s", "energy_j")
        )
    found = []
    for states in prices:
        never = torch.full_like(states[0].latency_s, torch.inf)
        columns = [
            torch.where(
                states[state].fits | (state == 0),
                weights[0] * states[state].latency_s + weights[1] * states[state].energy_j,
                never,
            )
            if state in states
            else never
            for state in range(len(STATES))
        ]
        found.append(torch.stack(columns, dim=1))
    return found


def _block(value: Tensor, repeats: int, state: int) -> Tensor:
    """Total of all executions of a layer that begins and ends in a state, [n, state of the edges inside]."""
    inputs, outputs = STATES[state]
    if repeats == 1:
        return torch.stack((value[:, state], torch.full_like(value[:, state], torch.inf)), dim=1)
    return torch.stack(
        [
            value[:, STATES.index((inputs, inside))]
            + value[:, STATES.index((inside, outputs))]
            + (repeats - 2) * (value[:, STATES.index((inside, inside))] if repeats > 2 else 0.0)
            for inside in (False, True)
        ],
        dim=1,
    )


def _trace_back(layers: Sequence[Layer], choices: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Executions by state, [n, layer, state], from the choice of every edge given the next."""
    outputs = torch.zeros_like(choices[0][0][:, 0])
    rows = torch.arange(len(outputs), device=outputs.device)
    counts = torch.zeros((len(outputs), len(layers), len(STATES)), dtype=torch.float64, device=outputs.device)
    for i in reversed(range(len(layers))):
        into, through = choices[i]
        inputs = into[rows, outputs]
        inside = through[rows, 2 * inputs + outputs]
        if layers[i].repeats == 1:
            counts[rows, i, 2 * inputs + outputs] += 1
        else:
            counts[rows, i, 2 * inputs + inside] += 1
            counts[rows, i, 3 * inside] += layers[i].repeats - 2
            counts[rows, i, 2 * inside + outputs] += 1
        outputs = inputs
    return counts


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
