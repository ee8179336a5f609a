"""What accelerators cost on a workload: latency, energy, area, power, in batches, on any torch device.

`CostModel.evaluate` picks, for every design and layer, the best mapping of the layer's portfolio and adds
the layers up. Layers run one after the other. A layer that fits the PE memories whole, with its inputs and its
outputs, takes the former from and leaves the latter in them, except for what the network as a whole reads and
writes: the first layer's inputs and the last one's outputs. All others go through DRAM. What a branch must hold
on to meanwhile (the other side of a residual connection) is not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.mapping import Mapping
from accel_models.mapspace.designs import LEVELS, Designs, stack
from accel_models.mapspace.portfolio import Goal, Portfolio, best, canonical, portfolio
from accel_models.mapspace.price import BOUNDS, ENERGIES, LIMITS, Price, Residency, price
from accel_models.mapspace.record import mapping_record
from accel_models.threads import one_thread
from accel_models.vector import price_vector_op
from accel_models.workload import Layer, VectorOp, Workload

MOST_PAIRS = 1 << 16
"""Design-mapping pairs priced at once, about 500 bytes each."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """One layer on one design; per execution, `repeats` times in the network.

    `bound_by` is the resource that takes longest ("compute", "dram bandwidth", ...); `bytes_by_level` and
    `energy_by_level_j` are itemized over buffer levels (energies also over "mac" and "leakage").
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
    feasible: bool
    reasons: tuple[str, ...]
    area_by_block: dict[str, float]
    layers: tuple[LayerCost, ...]


@dataclass(frozen=True, slots=True)
class Costs:
    """A batch of n designs on one workload; tensors [n], per-layer tensors [n, l] or [n, l, x].

    Where `feasible` is false, `reasons` says why and latency, energy and power are infinite, utilization 0.
    `layer_bound` [n, l] indexes `BOUNDS`; `layer_energies_j` [n, l, part] runs over `ENERGIES`,
    `layer_bytes` [n, l, level] over the buffer levels; all per execution of a layer.
    """

    workload: Workload
    accelerators: tuple[Accelerator, ...]
    latency_s: Tensor
    energy_j: Tensor
    area_mm2: Tensor
    power_w: Tensor
    utilization: Tensor
    feasible: Tensor
    reasons: tuple[tuple[str, ...], ...]
    layer_latency_s: Tensor
    layer_energies_j: Tensor
    layer_bytes: Tensor
    layer_compute_s: Tensor
    layer_bound: Tensor

    def __len__(self) -> int:
        return len(self.accelerators)

    def design(self, i: int) -> DesignCost:
        """The i-th design in plain numbers."""
        accelerator, feasible = self.accelerators[i], bool(self.feasible[i])
        return DesignCost(
            latency_s=float(self.latency_s[i]),
            energy_j=float(self.energy_j[i]),
            area_mm2=float(self.area_mm2[i]),
            power_w=float(self.power_w[i]),
            utilization=float(self.utilization[i]),
            feasible=feasible,
            reasons=self.reasons[i],
            area_by_block=dict(accelerator.area_mm2),
            layers=tuple(self._layer(i, j) for j in range(self.layer_latency_s.shape[1])) if feasible else (),
        )

    def _layer(self, i: int, j: int) -> LayerCost:
        layers = self.workload.layers
        step = layers[j] if j < len(layers) else self.workload.vector_ops[j - len(layers)]
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
            bound_by=BOUNDS[int(self.layer_bound[i, j])],
            energy_by_level_j=dict(zip(ENERGIES, energies, strict=True)),
            bytes_by_level=dict(zip(LEVELS, self.layer_bytes[i, j].tolist(), strict=True)),
            compute_s=float(self.layer_compute_s[i, j]),
        )


@dataclass(frozen=True, slots=True)
class _LayerPrices:
    """The chosen mapping's price on n designs: tensors [n] and [n, x]."""

    latency_s: Tensor
    energies_j: Tensor
    bytes: Tensor
    compute_s: Tensor
    bound: Tensor
    excess: Tensor


class CostModel:
    """Prices designs of the PE-array hierarchy with the best mapping of every layer.

    Args:
        minimize: what the mapper minimizes layer by layer: "latency", "energy" or "edp".
        keep_activations: whether activations may stay on chip from layer to layer.
        device: torch device of the batch arithmetic; default: cpu.
    """

    def __init__(
        self,
        *,
        minimize: Goal = "latency",
        keep_activations: bool = True,
        device: str | torch.device | None = None,
    ) -> None:
        self.minimize = minimize
        self.keep_activations = keep_activations
        self.device = torch.device(device or "cpu")

    @one_thread()
    def evaluate(self, accelerators: Sequence[Accelerator], workload: Workload) -> Costs:
        """Costs of a batch of designs on a workload.

        Raises:
            ValueError: an accelerator is not of the PE-array hierarchy.
        """
        designs = stack(accelerators, self.device)
        op_energy_j = self._column([a.vector_op_energy_j for a in accelerators])
        residencies = self._residencies(workload)
        layers = [self._layer(*pair, designs) for pair in zip(workload.layers, residencies, strict=True)]
        layers += [self._vector(op, designs, op_energy_j) for op in workload.vector_ops]
        repeats = [layer.repeats for layer in workload.layers] + [op.repeats for op in workload.vector_ops]
        weight = self._column(repeats)
        latency, energies, moved, compute, bound = (
            torch.stack([getattr(layer, name) for layer in layers], dim=1)
            for name in ("latency_s", "energies_j", "bytes", "compute_s", "bound")
        )
        excess = [layer.excess.tolist() for layer in layers[: len(workload.layers)]]
        reasons = tuple((*a.violations, *_reasons(workload, excess, i)) for i, a in enumerate(accelerators))
        feasible = torch.tensor([not some for some in reasons], device=self.device)
        latency_s = torch.where(feasible, latency @ weight, torch.inf)
        energy_j = torch.where(feasible, energies.sum(dim=-1) @ weight, torch.inf)
        peak = self._column([a.peak_ops_per_s / 2 for a in accelerators])
        return Costs(
            workload=workload,
            accelerators=tuple(accelerators),
            latency_s=latency_s,
            energy_j=energy_j,
            area_mm2=self._column([a.total_area_mm2 for a in accelerators]),
            power_w=torch.where(feasible, energy_j / latency_s, torch.inf),
            utilization=workload.macs / (peak * latency_s),
            feasible=feasible,
            reasons=reasons,
            layer_latency_s=latency,
            layer_energies_j=energies,
            layer_bytes=moved,
            layer_compute_s=compute,
            layer_bound=bound,
        )

    @one_thread()
    def mappings(self, accelerator: Accelerator, workload: Workload) -> tuple[Mapping, ...]:
        """The winning mapping of every layer of a workload on one design.

        Raises:
            ValueError: a layer has no mapping that fits the design.
        """
        designs = stack([accelerator], self.device)
        records = []
        for layer, residency in zip(workload.layers, self._residencies(workload), strict=True):
            found = _on(canonical(layer), self.device)
            prices = price(found.table.layer, designs.rows(0, 1), found.candidates, residency)
            chosen = best(prices, self.minimize)
            if not bool(prices.feasible[0, chosen[0]]):
                excess = _chosen(prices, chosen, designs.clock_hz).excess[0]
                raise ValueError(_shortage(int(excess.argmax()), float(excess.max()), layer.name))
            records.append(mapping_record(found, int(chosen[0]), accelerator))
        return tuple(records)

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.device)

    def _residencies(self, workload: Workload) -> list[Residency]:
        last = len(workload.layers) - 1
        keep = self.keep_activations
        return [Residency(inputs=keep and i > 0, outputs=keep and i < last) for i in range(last + 1)]

    def _layer(self, layer: Layer, residency: Residency, designs: Designs) -> _LayerPrices:
        found = _on(canonical(layer), self.device)
        step = max(1, MOST_PAIRS // len(found))
        parts = []
        for start in range(0, len(designs), step):
            prices = price(found.table.layer, designs.rows(start, start + step), found.candidates, residency)
            parts.append(_chosen(prices, best(prices, self.minimize), designs.clock_hz[start : start + step]))
        return _LayerPrices(
            *(torch.cat([getattr(part, name) for part in parts]) for name in _LayerPrices.__slots__)
        )

    def _vector(self, op: VectorOp, designs: Designs, op_energy_j: Tensor) -> _LayerPrices:
        found = price_vector_op(op, designs, op_energy_j, keep_activations=self.keep_activations)
        none = torch.zeros_like(found.latency_s)
        slowest = torch.stack((found.compute_cycles, found.dram_cycles, found.pe_cycles)).argmax(dim=0)
        bounds = [BOUNDS.index(name) for name in ("compute", "dram bandwidth", "pe_memory bandwidth")]
        return _LayerPrices(
            latency_s=found.latency_s,
            energies_j=torch.stack((found.dram_j, found.pe_j, none, none, found.op_j, found.leakage_j), dim=-1),
            bytes=torch.stack((found.dram_bytes, found.pe_bytes, none, none), dim=-1),
            compute_s=found.compute_cycles / designs.clock_hz,
            bound=torch.tensor(bounds, device=self.device)[slowest],
            excess=torch.zeros((len(none), len(LIMITS)), dtype=torch.float64, device=self.device),
        )


def _chosen(prices: Price, chosen: Tensor, clock_hz: Tensor) -> _LayerPrices:
    """The prices of the chosen candidates [n]; excess of the least demanding ones."""
    rows = torch.arange(len(chosen), device=chosen.device)
    least = prices.worst_excess.argmin(dim=-1)
    shape = prices.latency_s.shape

    def pick(parts: tuple[Tensor, ...], index: Tensor) -> Tensor:
        return torch.stack([part.expand(shape)[rows, index] for part in parts], dim=-1)

    cycles = pick(prices.cycles, chosen)
    return _LayerPrices(
        latency_s=prices.latency_s[rows, chosen],
        energies_j=pick(prices.energies_j, chosen),
        bytes=pick(prices.bytes, chosen),
        compute_s=cycles[:, 0] / clock_hz,
        bound=cycles.argmax(dim=-1),
        excess=pick(prices.excess, least),
    )


@lru_cache(maxsize=4096)
def _on(layer: Layer, device: torch.device) -> Portfolio:
    """The portfolio of a layer on a device."""
    found = portfolio(layer)
    return found if device.type == "cpu" else found.to(device)


def _reasons(workload: Workload, excess: list[list[list[float]]], i: int) -> tuple[str, ...]:
    """Why design i cannot run the workload: for every limit, the layer that exceeds it most."""
    worst: dict[int, tuple[float, str]] = {}
    for layer, values in zip(workload.layers, excess, strict=True):
        ratio = max(values[i])
        limit = values[i].index(ratio)
        if ratio > 1.0 and ratio > worst.get(limit, (1.0, ""))[0]:
            worst[limit] = (ratio, layer.name)
    return tuple(_shortage(limit, ratio, name) for limit, (ratio, name) in sorted(worst.items()))


def _shortage(limit: int, ratio: float, layer: str) -> str:
    return (
        f"{LIMITS[limit]}: the least demanding mapping of layer {layer!r} needs {ratio:.3g} times what there is"
    )
