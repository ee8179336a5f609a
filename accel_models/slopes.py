"""How a design's cost on a workload answers to its parameters: elasticities, d log cost / d log parameter.

The cost is a staircase: a minimum over mappings, with capacities that cut and axes of whole numbers. Three
things give it slopes, each exact in the limit:

    numbers     what a template makes of its parameters (bandwidths, capacities, energies, area) is a formula of
                real numbers; its exponents are central differences over `STEP`
    mappings    the minimum over the mappings of a front is a soft one (`Softness.temperature`), and a capacity
                that a mapping exceeds makes it dearer instead of cutting it (`Softness.width`)
    structure   what a mapping takes where an axis is twice or half as long is counted by the same loops as
                ever, and its exponent is that between the two: cycles shrink in proportion while there are
                chunks left to unroll, and no further

So a mapping's features and a design's numbers are powers of the parameters around a legal design, and the cost
there is a smooth function of their logarithms, which torch differentiates. What mappings of other structures
would gain is not seen. Which activations stay on chip is the cheapest path at the design itself; vector
operations are priced as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.chain import executions, price_states, vector_totals
from accel_models.pricing import ColumnPricer, Goal
from accel_models.ranges import Column, DesignColumns, Monotone, Settled, design_columns
from accel_models.workload import Layer, Workload

STEP = 1e-4
"""Central differences of a template's formulas reach so far, in logarithms of a parameter."""


@dataclass(frozen=True, slots=True)
class Softness:
    """How far the soft minimum over mappings is from the hard one; smaller is nearer.

    Of m mappings with costs c, the least cost is `(sum of c^(-1 / temperature))^(-temperature)`: at most the
    hard minimum, and at least `m^(-temperature)` times it. A mapping that needs r > 1 times a capacity costs
    `r^(1 / width)` times as much: one e-fold of cost for `width` e-folds of need.

    Raises:
        ValueError: one of the two is not above 0.
    """

    temperature: float = 0.02
    width: float = 0.5

    def __post_init__(self) -> None:
        if not (self.temperature > 0 and self.width > 0):
            got = f"temperature={self.temperature}, width={self.width}"
            raise ValueError(f"`temperature > 0` and `width > 0` must hold, but got {got}")


@dataclass(frozen=True, slots=True)
class Tangent:
    """n designs, and how their numbers follow from d parameters.

    Attributes:
        names: of the parameters, in the order of all axes [d] here.
        designs: the designs.
        exponents: of each column [n, d]: d log column / d log parameter; 0 where the column is 0.
        area: the same of the area, [n, d].
        peak: the same of the peak rate of multiply-accumulates, [n, d].
        half: columns of the designs with one parameter half as large, whole numbers from 1 on, [d * n].
        double: the same with one twice as large.
        spans: logarithm of the parameter in `double` over that in `half`, [n, d].
    """

    names: tuple[str, ...]
    designs: DesignColumns
    exponents: Mapping[str, NDArray[np.float64]]
    area: NDArray[np.float64]
    peak: NDArray[np.float64]
    half: Mapping[str, Column]
    double: Mapping[str, Column]
    spans: NDArray[np.float64]

    @classmethod
    def of(cls, monotone: Monotone, settled: Settled, points: Mapping[str, Column]) -> "Tangent":
        """The tangent of n designs.

        Args:
            monotone: of their template; its parameters are those that slopes are for.
            settled: values of the parameters that all share and have no slopes.
            points: values of the others, a column a parameter.
        """
        halves = {name: np.maximum(1.0, np.floor(values / 2)) for name, values in points.items()}
        doubles = {name: 2 * values for name, values in points.items()}
        below, above = (
            _each_moved(
                monotone, settled, points, {name: values * np.exp(by) for name, values in points.items()}
            )
            for by in (-STEP, STEP)
        )
        half, double = (_each_moved(monotone, settled, points, moved).columns for moved in (halves, doubles))
        count = len(points)
        spans = np.stack([np.log(doubles[name] / halves[name]) for name in points], axis=1)
        return cls(
            names=tuple(points),
            designs=design_columns(monotone, settled, points),
            exponents={
                name: _exponents(below.columns[name], above.columns[name], count) for name in below.columns
            },
            area=_exponents(below.floor.area_mm2, above.floor.area_mm2, count),
            peak=_exponents(below.peak_macs_per_s, above.peak_macs_per_s, count),
            half=half,
            double=double,
            spans=spans,
        )


def _each_moved(
    monotone: Monotone, settled: Settled, points: Mapping[str, Column], moved: Mapping[str, Column]
) -> DesignColumns:
    """Designs of n points with each of d parameters moved in turn, [d * n]."""
    columns = {
        name: np.concatenate([moved[name] if name == other else values for other in points])
        for name, values in points.items()
    }
    return design_columns(monotone, settled, columns)


def _exponents(below: Column, above: Column, count: int) -> NDArray[np.float64]:
    there = (below > 0) & (above > 0)
    ratio = np.where(there, above, 1.0) / np.where(there, below, 1.0)
    return (np.log(ratio) / (2 * STEP)).reshape(count, -1).T


@runtime_checkable
class Sloped(ColumnPricer, Protocol):
    """A pricer whose prices can be made smooth in the parameters of its designs."""

    def soften(self, tangent: Tangent, logs: Tensor, reach: Any = None) -> Any:
        """Designs of which each parameter is `exp(logs)` times that of the tangent, `logs` [n, d] near 0.

        `vector` takes them, too; `reach` as for `stack`.
        """

    def soft_totals(
        self, layers: Sequence[Layer], runs: Tensor, designs: Any, minimize: Goal, softness: Softness
    ) -> tuple[Tensor, Tensor]:
        """Soft latency and energy of layers, [n] each, executed `runs` [n, layer, state] times."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a workload is priced: goal and `keep_activations` as for `CostModel`, `reach` as for `Pricer`."""

    goal: Goal = "latency"
    softness: Softness = Softness()
    keep_activations: bool = True
    reach: Any = None


@dataclass(frozen=True, slots=True)
class SoftTotals:
    """n designs on one workload: soft latency and energy, and what metrics answer to d parameters.

    Attributes:
        latency_s: [n].
        energy_j: [n].
        slopes: d log metric / d log parameter, [n, d] a metric, over the parameters of the tangent: of latency,
            energy, their product, area, power and utilization.
    """

    latency_s: Tensor
    energy_j: Tensor
    slopes: Mapping[str, NDArray[np.float64]]


def soft_totals(
    pricer: Sloped, tangent: Tangent, logs: Tensor, workload: Workload, terms: Terms
) -> tuple[Tensor, Tensor]:
    """Soft latency and energy [n] of a workload on n designs, differentiable in `logs`.

    Parameters are `exp(logs)` times the tangent's, `logs` [n, d]. A design on which no mapping of a layer fits
    costs what the one costs that lacks least, and more the more it lacks.
    """
    designs, keep = pricer.soften(tangent, logs, terms.reach), terms.keep_activations
    vector = pricer.vector(workload.vector_ops, designs, keep_activations=keep)
    latency_s, energy_j = vector_totals(workload.vector_ops, vector)
    if workload.layers:
        exact = pricer.designs(tangent.designs.columns, logs.device, terms.reach)
        costs = price_states(pricer, exact, workload.layers, terms.goal, keep_activations=keep)
        runs = executions(workload.layers, costs, terms.goal)
        layers_s, layers_j = pricer.soft_totals(workload.layers, runs, designs, terms.goal, terms.softness)
        latency_s, energy_j = latency_s + layers_s, energy_j + layers_j
    return latency_s, energy_j


def slopes(pricer: Sloped, tangent: Tangent, workload: Workload, terms: Terms) -> SoftTotals:
    """Soft totals of n designs on a workload, and their slopes at the designs themselves."""
    logs = torch.zeros(tangent.area.shape, dtype=torch.float64, requires_grad=True)
    latency_s, energy_j = soft_totals(pricer, tangent, logs, workload, terms)
    of_latency, of_energy = (
        torch.autograd.grad(total.log().sum(), logs, retain_graph=True)[0].numpy()
        for total in (latency_s, energy_j)
    )
    found = {
        "latency_s": of_latency,
        "energy_j": of_energy,
        "edp_js": of_latency + of_energy,
        "area_mm2": tangent.area,
        "power_w": of_energy - of_latency,
        "utilization": -of_latency - tangent.peak,
    }
    return SoftTotals(latency_s.detach(), energy_j.detach(), found)
