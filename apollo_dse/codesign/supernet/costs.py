"""What networks cost on designs, as a sum over operations: a table with slopes, for searches by gradients.

A network costs what a reference does, whose every edge is a skip, plus what each edge adds that is not. Each is
priced by the cost model on the whole network, one edge at a time, so that what is left out are effects between
edges, such as activations that stay on chip. `benchmarks/gradient_search.py` says how much that is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import torch
from torch import Tensor

from apollo_dse.codesign.supernet.network import EDGES
from apollo_dse.codesign.supernet.sampling import ARRIVING
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from search_spaces import DesignSpace, NetworkSpace, Point
from search_spaces.networks.nas_bench_201 import CHOICES, NONE, SKIP

SUMMED = ("latency_s", "energy_j")
AREA = "area_mm2"
EDP = "edp_js"
METRICS = (*SUMMED, EDP, AREA)

REFERENCE: Point = dict.fromkeys(EDGES, SKIP)


@dataclass(frozen=True, slots=True, eq=False)
class CostTable:
    """Costs of all cells on d designs.

    Attributes:
        designs: the designs.
        base: of each metric of `SUMMED` that of the reference, [d].
        steps: of each what an edge with a choice adds, [d, 6, 5].
        area_mm2: [d].
    """

    designs: tuple[Point, ...]
    base: Mapping[str, Tensor] = field(repr=False)
    steps: Mapping[str, Tensor] = field(repr=False)
    area_mm2: Tensor = field(repr=False)

    @classmethod
    def of(
        cls, design_space: DesignSpace, designs: Sequence[Point], network_space: NetworkSpace
    ) -> "CostTable":
        """Price the networks that differ from the reference in one edge.

        Args:
            design_space: what designs are.
            designs: those to choose from.
            network_space: cells of NAS-Bench-201 in some skeleton.

        Raises:
            ValueError: there is no design, or one cannot be built, or run one of the networks.
        """
        if not designs:
            raise ValueError("a table of costs needs at least one design, but got none")

        def priced(point: Point) -> list[Mapping[str, float]]:
            measured = AnalyticalEvaluator(design_space, [network_space.build(point)])(designs)
            for design, each in zip(designs, measured, strict=True):
                if each.infeasible_because is not None:
                    raise ValueError(f"designs must run every cell, but {design}: {each.infeasible_because}")
            return [each.metrics for each in measured]

        reference = priced(REFERENCE)
        shape = (len(designs), len(EDGES), len(CHOICES))
        steps = {metric: torch.zeros(shape, dtype=torch.double) for metric in SUMMED}
        for (i, edge), (j, choice) in product(enumerate(EDGES), enumerate(CHOICES)):
            if choice != SKIP:
                changed = priced({**REFERENCE, edge: choice})
                for metric in SUMMED:
                    for row, (with_, without) in enumerate(zip(changed, reference, strict=True)):
                        steps[metric][row, i, j] = with_[metric] - without[metric]

        def column(metric: str) -> Tensor:
            return torch.tensor([each[metric] for each in reference], dtype=torch.double)

        return cls(tuple(designs), {metric: column(metric) for metric in SUMMED}, steps, column(AREA))

    def expected(self, weights: Tensor, shares: Tensor) -> dict[str, Tensor]:
        """Expected metrics, scalars with gradients, of a draw of operations and design.

        Args:
            weights: probability of each choice of each edge, [6, 5].
            shares: probability of each design, [d].

        Returns:
            Each of `METRICS`; the product of energy and latency is that of the two expectations on each design.
        """
        weights, shares = (each.to("cpu", torch.double) for each in (weights, shares))
        rows = {
            metric: self.base[metric] + (self.steps[metric] * weights).sum((1, 2)) for metric in SUMMED
        }  # [d] each
        rows |= {EDP: rows["energy_j"] * rows["latency_s"], AREA: self.area_mm2}
        return {metric: shares @ row for metric, row in rows.items()}

    def enumerated(self) -> dict[str, Tensor]:
        """Metrics of all cells on all designs, [d, 15625] each; cells in the order of `CELLS`."""
        edges = torch.arange(len(EDGES))
        rows = {
            metric: self.base[metric][:, None] + self.steps[metric][:, edges, CELLS].sum(2) for metric in SUMMED
        }
        area = self.area_mm2[:, None].expand(-1, len(CELLS))
        return rows | {EDP: rows["energy_j"] * rows["latency_s"], AREA: area}


def _live() -> Tensor:
    """Whether something of the input reaches the last node, of each cell [15625]."""
    there = CELLS.ne(CHOICES.index(NONE))  # 15625 edges
    reached = {"0": torch.ones(len(CELLS), dtype=torch.bool)}
    for node, edges in ARRIVING.items():
        arrives = [reached[edge[-2]] & there[:, EDGES.index(edge)] for edge in edges]
        reached[node] = torch.stack(arrives).any(0)
    return reached[max(reached)]


CELLS = torch.cartesian_prod(*(torch.arange(len(CHOICES)) for _ in EDGES))
"""Index of the choice of each edge, of all cells [15625, 6]."""

LIVE = _live()
"""Which of them hear their input, [15625]."""


@dataclass(frozen=True, slots=True)
class HardwareLoss:
    """What costs add to a loss: the logarithm of one of them, and how far limits are exceeded.

        weight * log(objective) + strength * sum over limits of max(0, value / limit - 1)

    Raises:
        ValueError: a metric is none of `METRICS`, or a number is out of its range.
    """

    table: CostTable
    objective: str = EDP
    weight: float = 0.0
    limits: Mapping[str, float] = field(default_factory=dict)
    strength: float = 1.0

    def __post_init__(self) -> None:
        for metric in (self.objective, *self.limits):
            if metric not in METRICS:
                raise ValueError(f"a cost must be one of {', '.join(METRICS)}, but got {metric!r}")
        for metric, limit in self.limits.items():
            if not limit > 0:
                raise ValueError(f"limits must be above 0, but that of {metric} is {limit}")
        if self.weight < 0 or self.strength < 0:
            got = f"weight={self.weight}, strength={self.strength}"
            raise ValueError(f"`weight >= 0` and `strength >= 0` must hold, but got {got}")

    def __call__(self, weights: Tensor, shares: Tensor) -> Tensor:
        """The terms, a scalar, at probabilities of choices [6, 5] and of designs [d]."""
        metrics = self.table.expected(weights, shares)
        excess = [torch.relu(metrics[metric] / limit - 1) for metric, limit in self.limits.items()]
        return self.weight * metrics[self.objective].log() + self.strength * sum(excess, torch.zeros(()))

    def allowed(self) -> Tensor:
        """Whether each cell is live and keeps all limits on each design, [d, 15625]."""
        metrics = self.table.enumerated()
        kept = LIVE.expand(metrics[AREA].shape).clone()
        for metric, limit in self.limits.items():
            kept &= metrics[metric] <= limit
        return kept
