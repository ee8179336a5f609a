"""The supernet: a network of NAS-Bench-201 whose every edge has every operation, each with weights of its own.

Which operations run, and how much each counts, is said with every call: `Paths`. So one module is each of the
15,625 networks (`path_of`), a mixture of all of them (`mixture_of`, with weights that may have gradients, as
DARTS has it), or anything between. Operations that are not named do not run.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from search_spaces.modules.nas_bench_201 import Cell, CellNetwork, cell_network, operation, wired
from search_spaces.networks.nas_bench_201 import CHOICES, NONE, SPACE, Skeleton
from search_spaces.space import Point

Weight = float | Tensor

Paths = Mapping[str, Mapping[str, Weight]]
"""Of each edge the operations that run, and what each is multiplied by."""

EDGES = SPACE.names
OPERATIONS = tuple(choice for choice in CHOICES if choice != NONE)
"""What an edge can do, unless there is none."""


def path_of(point: Point) -> Paths:
    """The network of a point: of each edge one operation."""
    return {edge: {str(point[edge]): 1.0} for edge in EDGES}


def mixture_of(weights: Tensor) -> Paths:
    """All operations at once, weighted.

    Args:
        weights: of each edge and choice, [6, 5], in the order of `SPACE.names` and `CHOICES`.

    Raises:
        ValueError: the shape is another.
    """
    if weights.shape != (len(EDGES), len(CHOICES)):
        expected = [len(EDGES), len(CHOICES)]
        raise ValueError(f"weights must have shape {expected}, but got {list(weights.shape)}")
    rows = zip(EDGES, weights.unbind(), strict=True)
    return {edge: dict(zip(CHOICES, row.unbind(), strict=True)) for edge, row in rows}


class MixedCell(nn.Module):
    """A cell whose every edge has every operation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {edge: nn.ModuleDict({name: operation(name, width) for name in OPERATIONS}) for edge in EDGES}
        )

    def forward(self, x: Tensor, paths: Paths) -> Tensor:
        """Images (n, width, h, w) to the same, on the paths that are named."""

        def edge(name: str, node: Tensor) -> Tensor | None:
            total: Tensor | None = None
            for choice, weight in paths[name].items():
                if choice != NONE:
                    y: Tensor = self.operation(name, choice)(node)
                    y = y if isinstance(weight, float) and weight == 1.0 else weight * y
                    total = y if total is None else total + y
            return total

        return wired(x, edge)

    def operation(self, edge: str, choice: str) -> nn.Module:
        """One operation of one edge."""
        operations = self.edges[edge]
        assert isinstance(operations, nn.ModuleDict)
        return operations[choice]


class SuperNetwork(CellNetwork):
    """The supernet in a skeleton; stem, reductions and classifier are shared by all.

    Weights follow from the seed.
    """

    def __init__(self, skeleton: Skeleton, *, seed: int = 0) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            super().__init__(skeleton, MixedCell)
        self.skeleton = skeleton

    def subnet(self, point: Point) -> CellNetwork:
        """The network of a point by itself, with copies of the supernet's weights and statistics.

        Raises:
            ValueError: the point does not lie in the space.
        """
        with torch.random.fork_rng(devices=[]):
            found = cell_network(point, self.skeleton)
        for name in ("stem", "reductions", "head", "classifier"):
            getattr(found, name).load_state_dict(getattr(self, name).state_dict())
        for mixed, cell in zip(self.cells(), found.cells(), strict=True):
            assert isinstance(mixed, MixedCell)
            assert isinstance(cell, Cell)
            for edge, kept in cell.edges.items():
                kept.load_state_dict(mixed.operation(edge, str(point[edge])).state_dict())
        return found.to(self.classifier.weight.device).train(self.training)
