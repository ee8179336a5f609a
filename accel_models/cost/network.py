"""A workload on a batch of designs: which states its layers run in, and what all its steps cost together."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from accel_models.caching import Steady, steady_state
from accel_models.chain import (
    STATES,
    FusedPricer,
    StateCosts,
    bound_seconds,
    executions,
    mix,
    network_totals,
    price_states,
    vector_totals,
)
from accel_models.cost.records import Itemized, Totals
from accel_models.pricing import Goal, Pricer, Residency, StepPrices
from accel_models.threads import one_thread
from accel_models.workload import Workload


@dataclass(frozen=True, slots=True)
class Conditions:
    """Under which conditions a network is priced: the arguments of `CostModel` of these names."""

    minimize: Goal
    keep_activations: bool
    keep_parameters: bool
    device: torch.device


class Network:
    """A workload on a stack of n designs: the cheapest path through the states of its layers.

    `designs` are what the pricer stacked; `buildable` [n] tells which can be built; others are infeasible.
    """

    def __init__(
        self, conditions: Conditions, pricer: Pricer, designs: Any, workload: Workload, buildable: Tensor
    ) -> None:
        self._conditions, self._pricer, self._designs, self._workload = conditions, pricer, designs, workload
        self._buildable = buildable

    @cached_property
    def _costs(self) -> StateCosts:
        return price_states(
            self._pricer,
            self._designs,
            self._workload.layers,
            self._conditions.minimize,
            keep_activations=self._conditions.keep_activations,
        )

    @cached_property
    def runs(self) -> Tensor:
        """Executions of every layer in every state of its activations, [n, layer, state]."""
        return executions(self._workload.layers, self._costs, self._conditions.minimize)

    @cached_property
    def _layers(self) -> tuple[Tensor, Tensor]:
        """Latency and energy of the layers, infinite where one has no mapping."""
        if self._conditions.device.type != "cuda" or not isinstance(self._pricer, FusedPricer):
            return network_totals(self._costs, self.runs)
        return self._pricer.fused(
            self._workload.layers,
            self._designs,
            self._conditions.minimize,
            keep_activations=self._conditions.keep_activations,
        )

    @cached_property
    def _feasible(self) -> Tensor:
        return self._buildable & torch.isfinite(self._layers[0])

    def totals(self, area_mm2: Tensor, peak_macs_per_s: Tensor) -> Totals:
        """Totals of the designs, of which areas and peaks are known, [n] each."""
        steady = self._steady
        return Totals(
            latency_s=self._alone.latency_s,
            energy_j=self._alone.energy_j,
            area_mm2=area_mm2,
            power_w=torch.where(self._feasible, self._alone.energy_j / self._alone.latency_s, torch.inf),
            utilization=self._workload.macs / (peak_macs_per_s * self._alone.latency_s),
            steady_latency_s=steady.latency_s,
            steady_energy_j=steady.energy_j,
            feasible=self._feasible,
            _bound_shares=self.bound_shares,
            _exceeded=self.exceeded,
        )

    @cached_property
    def _beside(self) -> tuple[Tensor, Tensor]:
        """Latency and energy of the vector operations, infinite where a design is infeasible."""
        latency_s, energy_j = (
            torch.where(self._feasible, each, torch.inf)
            for each in vector_totals(self._workload.vector_ops, self._vector)
        )
        return latency_s, energy_j

    @cached_property
    def _vector(self) -> StepPrices:
        """All vector operations, [operation, n, ..]."""
        return self._pricer.vector(
            self._workload.vector_ops, self._designs, keep_activations=self._conditions.keep_activations
        )

    @cached_property
    def _alone(self) -> Steady:
        """An inference by itself."""
        layers, beside = self._layers, self._beside
        cached = torch.zeros(
            (len(layers[0]), len(self._workload.layers)), dtype=torch.float64, device=self._conditions.device
        )
        return Steady(layers[0] + beside[0], layers[1] + beside[1], cached)

    @cached_property
    def _steady(self) -> Steady:
        if not self._conditions.keep_parameters:
            return self._alone
        return steady_state(
            self._pricer,
            self._designs,
            self._workload.layers,
            self.runs,
            self._alone,
            self._beside,
            self._conditions.minimize,
        )

    @one_thread()
    def exceeded(self) -> list[dict[str, tuple[float, str]]]:
        """As `Totals.exceeded`."""
        found: list[dict[str, tuple[float, str]]] = [{}] * len(self._buildable)
        if bool(torch.isfinite(self._layers[0]).all()):
            return found
        for i in torch.nonzero(~self._costs.fits)[:, 0].tolist():
            worst: dict[int, tuple[float, str]] = {}
            for layer, values in zip(self._workload.layers, self._costs.excess[i].tolist(), strict=True):
                ratio = max(values)
                limit = values.index(ratio)
                if ratio > 1.0 and ratio > worst.get(limit, (1.0, ""))[0]:
                    worst[limit] = (ratio, layer.name)
            found[i] = {self._pricer.limits[limit]: most for limit, most in sorted(worst.items())}
        return found

    @one_thread()
    def bound_shares(self) -> Tensor:
        """Share of the latency by what takes longest, [n, bound]."""
        seconds = bound_seconds(self._costs, self.runs, len(self._pricer.bounds))
        for i, op in enumerate(self._workload.vector_ops):
            seconds.scatter_add_(
                1, self._vector.bound[i][:, None], op.repeats * self._vector.latency_s[i][:, None]
            )
        return seconds / seconds.sum(dim=1, keepdim=True)

    @one_thread()
    def itemize(self) -> Itemized:
        """The steps of every design, layers as they run on average over their executions."""
        steps = [
            mix(
                {
                    state: self._pricer.layer(
                        layer, Residency(*STATES[state]), self._designs, self._conditions.minimize
                    )
                    for state in torch.nonzero(self.runs[:, i].sum(dim=0))[:, 0].tolist()
                },
                self.runs[:, i],
            )
            for i, layer in enumerate(self._workload.layers)
        ]
        vector = self._vector
        latency_s, energies_j, moved, compute_s, bound = (
            torch.cat(
                (
                    *(getattr(step, name)[:, None] for step in steps),
                    getattr(vector, name).transpose(0, 1),
                ),
                dim=1,
            )
            for name in ("latency_s", "energies_j", "bytes", "compute_s", "bound")
        )
        none = torch.zeros_like(vector.latency_s.transpose(0, 1))
        cached = torch.cat((self._steady.cached, none), dim=1)
        complete = [self._pricer.complete(layer) for layer in self._workload.layers]
        complete += [True] * len(self._workload.vector_ops)
        return Itemized(latency_s, energies_j, moved, compute_s, bound, cached, tuple(complete))
