"""What accelerators cost on a workload: latency, energy, area, power, in batches, on any torch device.

`CostModel.evaluate` asks the dataflow of the designs (`accel_models.dataflows`) for the best mapping of every
layer and adds the layers up. Layers run one after the other; what stays on chip between two of them is decided
for the network as a whole (`chain`).

`latency_s` is that of an inference by itself, with every parameter read from DRAM. In a stream of inferences
parameters can stay on chip, as far as there is room (`caching`): that is the steady state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from accel_models import dataflows
from accel_models.arch import Accelerator
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
from accel_models.mapping import Mapping
from accel_models.pricing import ColumnPricer, Goal, Pricer, Residency, StepPrices, reasons
from accel_models.ranges import DesignColumns
from accel_models.slopes import Sloped, Softness, SoftTotals, Tangent, Terms, slopes
from accel_models.threads import one_thread
from accel_models.workload import Layer, Workload


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer on one design; per execution (on average, where they differ), `repeats` times in the network.

    `bound_by` is the resource that takes longest ("compute", "dram bandwidth", ...); `bytes_by_level` and
    `energy_by_level_j` are itemized over buffer levels (energies also over "mac" and "leakage").
    `repeats_cached` executions keep their parameters on chip in the steady state. `complete` tells whether the
    mapping is the best of the whole mapspace, or of those parts of a large one that were searched.
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
    complete: bool = True


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
class Itemized:
    """n designs, step by step: tensors [n, step] or [n, step, x], all per execution of a step.

    `bound` indexes `Pricer.bounds`; `energies_j` [n, step, part] runs over the levels, "mac" and "leakage",
    `bytes` [n, step, level] over the levels. `cached` counts the executions whose parameters stay on chip in
    the steady state. `complete` [step] is `Pricer.complete` of each layer, true for vector operations.
    """

    latency_s: Tensor
    energies_j: Tensor
    bytes: Tensor
    compute_s: Tensor
    bound: Tensor
    cached: Tensor
    complete: tuple[bool, ...]


@dataclass(frozen=True)
class Totals:
    """n designs on one workload, as columns [n] each.

    Where `feasible` is false latency, energy and power are infinite, utilization 0.
    """

    latency_s: Tensor
    energy_j: Tensor
    area_mm2: Tensor
    power_w: Tensor
    utilization: Tensor
    steady_latency_s: Tensor
    steady_energy_j: Tensor
    feasible: Tensor
    _bound_shares: Callable[[], Tensor] = field(repr=False, compare=False)
    _exceeded: Callable[[], list[dict[str, tuple[float, str]]]] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.latency_s)

    @cached_property
    def bound_shares(self) -> Tensor:
        """Share of the latency by what takes longest, [n, bound] over `Pricer.bounds`; where feasible."""
        return self._bound_shares()

    @cached_property
    def exceeded(self) -> list[dict[str, tuple[float, str]]]:
        """Why each design cannot run the workload: need over supply by limit, and the layer of the largest."""
        return self._exceeded()


@dataclass(frozen=True)
class Costs(Totals):
    """A batch of n accelerators on one workload.

    Where one is not feasible, `reasons` says why. `itemized` has the steps of the workload; it is computed when
    it is first asked for.
    """

    workload: Workload
    accelerators: tuple[Accelerator, ...]
    levels: tuple[str, ...]
    bounds: tuple[str, ...]
    reasons: tuple[tuple[str, ...], ...]
    _itemize: Callable[[], Itemized] = field(repr=False, compare=False)

    @cached_property
    def itemized(self) -> Itemized:
        """The same, step by step."""
        return self._itemize()

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
            layers=tuple(self._layer(i, j) for j in range(len(self.workload.steps))) if feasible else (),
        )

    def _layer(self, i: int, j: int) -> LayerCost:
        step, found = self.workload.steps[j], self.itemized
        macs = step.macs if isinstance(step, Layer) else 0
        latency_s = float(found.latency_s[i, j])
        peak_macs = self.accelerators[i].peak_ops_per_s / 2 * latency_s
        energies = found.energies_j[i, j].tolist()
        return LayerCost(
            name=step.name,
            kind=step.kind,
            repeats=step.repeats,
            macs=macs,
            latency_s=latency_s,
            energy_j=sum(energies),
            utilization=macs / peak_macs if peak_macs else 0.0,
            bound_by=self.bounds[int(found.bound[i, j])],
            energy_by_level_j=dict(zip((*self.levels, "mac", "leakage"), energies, strict=True)),
            bytes_by_level=dict(zip(self.levels, found.bytes[i, j].tolist(), strict=True)),
            compute_s=float(found.compute_s[i, j]),
            repeats_cached=int(found.cached[i, j]),
            complete=found.complete[j],
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
        self._reaches: dict[type, Any] = {}

    @one_thread()
    def evaluate(self, accelerators: Sequence[Accelerator], workload: Workload) -> Costs:
        """Costs of a batch of designs on a workload.

        Raises:
            ValueError: the accelerators are not of one dataflow, or not of the structure that it knows.
        """
        pricer = dataflows.pricer(accelerators)
        buildable = torch.tensor([not each.violations for each in accelerators], device=self.device)
        network = _Network(self, pricer, self._stack(pricer, accelerators), workload, buildable)
        totals = network.totals(
            self._column([each.total_area_mm2 for each in accelerators]),
            self._column([each.peak_ops_per_s / 2 for each in accelerators]),
        )
        because = tuple(
            reasons(accelerator.violations, limits)
            for accelerator, limits in zip(accelerators, totals.exceeded, strict=True)
        )
        return Costs(
            **{each.name: getattr(totals, each.name) for each in fields(Totals)},
            workload=workload,
            accelerators=tuple(accelerators),
            levels=pricer.levels,
            bounds=pricer.bounds,
            reasons=because,
            _itemize=network.itemize,
        )

    @one_thread()
    def totals(self, pricer: ColumnPricer, designs: DesignColumns, workload: Workload) -> Totals:
        """Totals of n designs that are given by their numbers, which spares building them."""
        columns = pricer.designs(designs.columns, self.device, self._reach(pricer))
        buildable, area_mm2, peak_macs_per_s = (
            torch.from_numpy(each).to(self.device)
            for each in (designs.floor.buildable, designs.floor.area_mm2, designs.peak_macs_per_s)
        )
        return _Network(self, pricer, columns, workload, buildable).totals(area_mm2, peak_macs_per_s)

    @one_thread()
    def slopes(
        self, pricer: Sloped, tangent: Tangent, workload: Workload, softness: Softness | None = None
    ) -> SoftTotals:
        """How costs of n designs on a workload answer to their parameters; without the steady state."""
        reach = self._reach(pricer)
        terms = Terms(self.minimize, softness or Softness(), self.keep_activations, reach)
        return slopes(pricer, tangent, workload, terms)

    @one_thread()
    def mappings(self, accelerator: Accelerator, workload: Workload) -> tuple[Mapping, ...]:
        """The winning mapping of every layer of a workload on one design, as most executions of it run.

        Raises:
            ValueError: a layer has no mapping that fits the design.
        """
        pricer = dataflows.pricer([accelerator])
        buildable = torch.ones(1, dtype=torch.bool, device=self.device)
        runs = _Network(self, pricer, self._stack(pricer, [accelerator]), workload, buildable).runs
        found = []
        for i, layer in enumerate(workload.layers):
            residency = Residency(*STATES[int(runs[0, i].argmax())])
            found.append(pricer.mapping(layer, residency, accelerator, self.minimize))
        return tuple(found)

    def _stack(self, pricer: Pricer, accelerators: Sequence[Accelerator]) -> Any:
        return pricer.stack(accelerators, self.device, self._reach(pricer))

    def _reach(self, pricer: Pricer) -> Any:
        if type(pricer) not in self._reaches:
            self._reaches[type(pricer)] = pricer.reach(self.span)
        return self._reaches[type(pricer)]

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.device)


class _Network:
    """A workload on a stack of n designs: the cheapest path through the states of its layers.

    `buildable` [n] tells which designs can be built; others are infeasible.
    """

    def __init__(
        self, model: CostModel, pricer: Pricer, designs: Any, workload: Workload, buildable: Tensor
    ) -> None:
        self._model, self._pricer, self._designs, self._workload = model, pricer, designs, workload
        self._buildable = buildable

    @cached_property
    def _costs(self) -> StateCosts:
        return price_states(
            self._pricer,
            self._designs,
            self._workload.layers,
            self._model.minimize,
            keep_activations=self._model.keep_activations,
        )

    @cached_property
    def runs(self) -> Tensor:
        """Executions of every layer in every state of its activations, [n, layer, state]."""
        return executions(self._workload.layers, self._costs, self._model.minimize)

    @cached_property
    def _layers(self) -> tuple[Tensor, Tensor]:
        """Latency and energy of the layers, infinite where one has no mapping."""
        if self._model.device.type != "cuda" or not isinstance(self._pricer, FusedPricer):
            return network_totals(self._costs, self.runs)
        return self._pricer.fused(
            self._workload.layers,
            self._designs,
            self._model.minimize,
            keep_activations=self._model.keep_activations,
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
            self._workload.vector_ops, self._designs, keep_activations=self._model.keep_activations
        )

    @cached_property
    def _alone(self) -> Steady:
        """An inference by itself."""
        layers, beside = self._layers, self._beside
        cached = torch.zeros(
            (len(layers[0]), len(self._workload.layers)), dtype=torch.float64, device=self._model.device
        )
        return Steady(layers[0] + beside[0], layers[1] + beside[1], cached)

    @cached_property
    def _steady(self) -> Steady:
        if not self._model.keep_parameters:
            return self._alone
        return steady_state(
            self._pricer,
            self._designs,
            self._workload.layers,
            self.runs,
            self._alone,
            self._beside,
            self._model.minimize,
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
        model = self._model
        steps = [
            mix(
                {
                    state: self._pricer.layer(layer, Residency(*STATES[state]), self._designs, model.minimize)
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
