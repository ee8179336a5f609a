"""What accelerators cost on a workload: latency, energy, area, power, in batches, on any torch device.

`CostModel.evaluate` asks the dataflow of the designs (`accel_models.dataflows`) for the best mapping of every
layer and adds the layers up. Layers run one after the other; what stays on chip between two of them is decided
for the network as a whole (`chain`).

`latency_s` is that of an inference by itself, with every parameter read from DRAM. In a stream of inferences
parameters can stay on chip, as far as there is room (`caching`): that is the steady state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from accel_models import dataflows
from accel_models.arch import Accelerator
from accel_models.caching import Steady, steady_state
from accel_models.chain import STATES, executions, mix, price_states
from accel_models.mapping import Mapping
from accel_models.pricing import Goal, Residency, shortage
from accel_models.threads import one_thread
from accel_models.workload import Layer, Workload


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer on one design; per execution (on average, where they differ), `repeats` times in the network.

    `bound_by` is the resource that takes longest ("compute", "dram bandwidth", ...); `bytes_by_level` and
    `energy_by_level_j` are itemized over buffer levels (energies also over "mac" and "leakage").
    `repeats_cached` executions keep their parameters on chip in the steady state.
    """

    name: str
    kind: str
    repeats: int
    macs: int
    latency_s: float
    energy_j: float
    utilization: float
    bound_by: str
    energy_by_level_j: dict[str, float]
    bytes_by_level: dict[str, float]
    compute_s: float
    repeats_cached: int = 0


@dataclass(frozen=True, slots=True)
class DesignCost:
    """One design on a workload, in plain numbers; `reasons` is empty where it is feasible.

    An infeasible design has no latency or energy: those fields are infinite and `layers` is empty.
    """

    latency_s: float
    energy_j: float
    area_mm2: float
    power_w: float
    utilization: float
    steady_latency_s: float
    steady_energy_j: float
    feasible: bool
    reasons: tuple[str, ...]
    area_by_block: dict[str, float]
    layers: tuple[LayerCost, ...]


@dataclass(frozen=True, slots=True)
class Costs:
    """A batch of n designs on one workload; tensors [n], per-layer tensors [n, l] or [n, l, x].

    Where `feasible` is false, `reasons` says why and latency, energy and power are infinite, utilization 0;
    `shortages` has need over supply of each limit that a layer exceeds.
    `layer_bound` [n, l] indexes `bounds`; `layer_energies_j` [n, l, part] runs over `levels`, "mac" and
    "leakage", `layer_bytes` [n, l, level] over `levels`; all per execution of a layer. `layer_cached` [n, l]
    counts the executions whose parameters stay on chip in the steady state.
    """

    workload: Workload
    accelerators: tuple[Accelerator, ...]
    levels: tuple[str, ...]
    bounds: tuple[str, ...]
    latency_s: Tensor
    energy_j: Tensor
    area_mm2: Tensor
    power_w: Tensor
    utilization: Tensor
    steady_latency_s: Tensor
    steady_energy_j: Tensor
    feasible: Tensor
    reasons: tuple[tuple[str, ...], ...]
    shortages: tuple[dict[str, float], ...]
    layer_latency_s: Tensor
    layer_energies_j: Tensor
    layer_bytes: Tensor
    layer_compute_s: Tensor
    layer_bound: Tensor
    layer_cached: Tensor

    def __len__(self) -> int:
        return len(self.accelerators)

    def bound_shares(self, i: int) -> dict[str, float]:
        """Share of the i-th design's latency by what bounds it, zeros left out; meaningless if infeasible."""
        seconds = self.layer_latency_s[i] * torch.tensor(
            [step.repeats for step in self.workload.steps],
            dtype=torch.float64,
            device=self.layer_latency_s.device,
        )
        by_bound = torch.zeros(len(self.bounds), dtype=torch.float64, device=seconds.device)
        shares = (by_bound.index_add_(0, self.layer_bound[i], seconds) / seconds.sum()).tolist()
        return {bound: share for bound, share in zip(self.bounds, shares, strict=True) if share > 0}

    def design(self, i: int) -> DesignCost:
        """The i-th design in plain numbers."""
        accelerator, feasible = self.accelerators[i], bool(self.feasible[i])
        return DesignCost(
            latency_s=float(self.latency_s[i]),
            energy_j=float(self.energy_j[i]),
            area_mm2=float(self.area_mm2[i]),
            power_w=float(self.power_w[i]),
            utilization=float(self.utilization[i]),
            steady_latency_s=float(self.steady_latency_s[i]),
            steady_energy_j=float(self.steady_energy_j[i]),
            feasible=feasible,
            reasons=self.reasons[i],
            area_by_block=dict(accelerator.area_mm2),
            layers=tuple(self._layer(i, j) for j in range(self.layer_latency_s.shape[1])) if feasible else (),
        )

    def _layer(self, i: int, j: int) -> LayerCost:
        step = self.workload.steps[j]
        macs = step.macs if isinstance(step, Layer) else 0
        latency_s = float(self.layer_latency_s[i, j])
        peak_macs = self.accelerators[i].peak_ops_per_s / 2 * latency_s
        energies = self.layer_energies_j[i, j].tolist()
        return LayerCost(
            name=step.name,
            kind=step.kind,
            repeats=step.repeats,
            macs=macs,
            latency_s=latency_s,
            energy_j=sum(energies),
            utilization=macs / peak_macs if peak_macs else 0.0,
            bound_by=self.bounds[int(self.layer_bound[i, j])],
            energy_by_level_j=dict(zip((*self.levels, "mac", "leakage"), energies, strict=True)),
            bytes_by_level=dict(zip(self.levels, self.layer_bytes[i, j].tolist(), strict=True)),
            compute_s=float(self.layer_compute_s[i, j]),
            repeats_cached=int(self.layer_cached[i, j]),
        )


class CostModel:
    """Prices designs with the best mapping of every layer.

    Args:
        minimize: what the mapper minimizes layer by layer: "latency", "energy" or "edp".
        keep_activations: whether activations may stay on chip from layer to layer.
        keep_parameters: whether the steady state is priced, with parameters that stay on chip from inference
            to inference; without, it is that of an inference by itself.
        span: designs that have, all together, every size that is going to be priced: mappings are then
            searched for all of them at once, which pays where many designs are priced.
        device: torch device of the batch arithmetic; default: cpu.
    """

    def __init__(
        self,
        *,
        minimize: Goal = "latency",
        keep_activations: bool = True,
        keep_parameters: bool = False,
        span: Sequence[Accelerator] = (),
        device: str | torch.device | None = None,
    ) -> None:
        self.minimize = minimize
        self.keep_activations = keep_activations
        self.keep_parameters = keep_parameters
        self.span = tuple(span)
        self.device = torch.device(device or "cpu")

    @one_thread()
    def evaluate(self, accelerators: Sequence[Accelerator], workload: Workload) -> Costs:
        """Costs of a batch of designs on a workload.

        Raises:
            ValueError: the accelerators are not of one dataflow, or not of the structure that it knows.
        """
        pricer = dataflows.pricer(accelerators)
        designs = pricer.stack(accelerators, self.device, self.span)
        states = price_states(
            pricer, designs, workload.layers, self.minimize, keep_activations=self.keep_activations
        )
        runs = executions(workload.layers, states, self.minimize)
        steps = [mix(prices, runs[:, i]) for i, prices in enumerate(states)]
        excess = [prices[0].excess.tolist() for prices in states]
        steps += [
            pricer.vector(op, designs, keep_activations=self.keep_activations) for op in workload.vector_ops
        ]
        repeats = self._column([step.repeats for step in workload.steps])
        latency, energies, moved, compute, bound = (
            torch.stack([getattr(step, name) for step in steps], dim=1)
            for name in ("latency_s", "energies_j", "bytes", "compute_s", "bound")
        )
        exceeded = [_exceeded(workload, pricer.limits, excess, i) for i in range(len(accelerators))]
        reasons = tuple(
            (*a.violations, *(shortage(limit, *most) for limit, most in limits.items()))
            for a, limits in zip(accelerators, exceeded, strict=True)
        )
        feasible = torch.tensor([not some for some in reasons], device=self.device)
        latency_s = torch.where(feasible, (latency * repeats).sum(dim=1), torch.inf)
        energy_j = torch.where(feasible, (energies.sum(dim=-1) * repeats).sum(dim=1), torch.inf)
        steady = Steady(latency_s, energy_j, torch.zeros_like(latency))
        if self.keep_parameters:
            steady = steady_state(pricer, designs, workload.layers, runs, steps, steady, self.minimize)
        peak = self._column([a.peak_ops_per_s / 2 for a in accelerators])
        return Costs(
            workload=workload,
            accelerators=tuple(accelerators),
            levels=pricer.levels,
            bounds=pricer.bounds,
            latency_s=latency_s,
            energy_j=energy_j,
            area_mm2=self._column([a.total_area_mm2 for a in accelerators]),
            power_w=torch.where(feasible, energy_j / latency_s, torch.inf),
            utilization=workload.macs / (peak * latency_s),
            steady_latency_s=steady.latency_s,
            steady_energy_j=steady.energy_j,
            feasible=feasible,
            reasons=reasons,
            shortages=tuple({limit: ratio for limit, (ratio, _) in limits.items()} for limits in exceeded),
            layer_latency_s=latency,
            layer_energies_j=energies,
            layer_bytes=moved,
            layer_compute_s=compute,
            layer_bound=bound,
            layer_cached=steady.cached,
        )

    @one_thread()
    def mappings(self, accelerator: Accelerator, workload: Workload) -> tuple[Mapping, ...]:
        """The winning mapping of every layer of a workload on one design, as most executions of it run.

        Raises:
            ValueError: a layer has no mapping that fits the design.
        """
        pricer = dataflows.pricer([accelerator])
        designs = pricer.stack([accelerator], self.device, self.span)
        states = price_states(
            pricer, designs, workload.layers, self.minimize, keep_activations=self.keep_activations
        )
        runs = executions(workload.layers, states, self.minimize)
        found = []
        for i, layer in enumerate(workload.layers):
            inputs, outputs = STATES[int(runs[0, i].argmax())]
            residency = Residency(inputs=inputs, outputs=outputs)
            found.append(pricer.mapping(layer, residency, accelerator, self.minimize))
        return tuple(found)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.device)


def _exceeded(
    workload: Workload, limits: tuple[str, ...], excess: list[list[list[float]]], i: int
) -> dict[str, tuple[float, str]]:
    """Why design i cannot run the workload: need over supply of every limit, and the layer of the largest."""
    worst: dict[int, tuple[float, str]] = {}
    for layer, values in zip(workload.layers, excess, strict=True):
        ratio = max(values[i])
        limit = values[i].index(ratio)
        if ratio > 1.0 and ratio > worst.get(limit, (1.0, ""))[0]:
            worst[limit] = (ratio, layer.name)
    return {limits[limit]: most for limit, most in sorted(worst.items())}
