"""What pricing answers: totals of a batch as columns, steps as tensors, and single designs in plain numbers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from accel_models.arch import Accelerator
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
