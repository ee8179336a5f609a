"""Networks of NAS-Bench-201's cells (arXiv 2001.00326), and the skeleton that any cells may be put into."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from accel_models.zoo.networks.mobile import ConvNorm
from search_spaces.networks.nas_bench_201 import (
    CONV1,
    CONV3,
    EDGES,
    NODES,
    NONE,
    POOL,
    SKIP,
    SPACE,
    Skeleton,
)
from search_spaces.space import Point


def cell_network(point: Point, skeleton: Skeleton) -> "CellNetwork":
    """The network of a cell: images [n, channels, size, size] to scores [n, classes].

    Raises:
        ValueError: the point does not lie in the space.
    """
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    return CellNetwork(skeleton, lambda width: Cell(point, width))


def operation(choice: str, width: int) -> nn.Module:
    """What an edge of `width` channels does, unless it is "none"."""
    if choice in (CONV1, CONV3):
        return active_convolution(width, width, 1 if choice == CONV1 else 3)
    made: dict[str, Callable[[], nn.Module]] = {
        SKIP: nn.Identity,
        POOL: lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
    }
    return made[choice]()


def active_convolution(inputs: int, outputs: int, taps: int, stride: int = 1) -> nn.Module:
    """A rectifier, a convolution without bias, a batch norm."""
    return nn.Sequential(nn.ReLU(), ConvNorm(inputs, outputs, taps, stride=stride))


def wired(x: Tensor, edge: Callable[[str, Tensor], Tensor | None]) -> Tensor:
    """The last node of a cell whose first is `x` [n, width, rows, columns].

    Every node is the sum of its edges, of which `edge` makes each from the edge's name and the node that it
    leaves; None leaves it out, and a node that no edge leads to is zeros.
    """
    nodes = [x]
    for node in range(1, NODES):
        found = [edge(f"edge{a}{b}", nodes[a]) for a, b in EDGES if b == node]
        arriving = [each for each in found if each is not None]
        total = arriving[0] if arriving else torch.zeros_like(x)
        for each in arriving[1:]:
            total = total + each
        nodes.append(total)
    return nodes[-1]


class Cell(nn.Module):
    """A cell with the operations of a point."""

    def __init__(self, point: Point, width: int) -> None:
        super().__init__()
        choices = {name: str(choice) for name, choice in point.items() if choice != NONE}
        self.edges = nn.ModuleDict({name: operation(choice, width) for name, choice in choices.items()})

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, width, h, w) to the same."""
        return wired(x, lambda name, node: self.edges[name](node) if name in self.edges else None)


class Reduction(nn.Module):
    """A residual block that halves the image and doubles the channels."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        first, second = (
            active_convolution(inputs, 2 * inputs, 3, 2),
            active_convolution(2 * inputs, 2 * inputs, 3),
        )
        self.block = nn.Sequential(first, second)
        self.skip = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(inputs, 2 * inputs, 1, bias=False))

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, inputs, h, w) to (n, 2 inputs, h / 2, w / 2)."""
        y: Tensor = self.skip(x) + self.block(x)
        return y


class CellNetwork(nn.Module):
    """Stem, three stages of cells with reductions between, classifier.

    Args:
        skeleton: numbers of all of these.
        cell: makes the cells of a stage from its width.
    """

    def __init__(self, skeleton: Skeleton, cell: Callable[[int], nn.Module]) -> None:
        super().__init__()
        widths = skeleton.widths
        self.stem = ConvNorm(skeleton.channels, widths[0], 3)
        self.stages = nn.ModuleList(
            nn.ModuleList(cell(width) for _ in range(skeleton.cells)) for width in widths
        )
        self.reductions = nn.ModuleList(Reduction(width) for width in widths[:-1])
        norm = nn.BatchNorm2d(widths[-1])
        self.head = nn.Sequential(norm, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(widths[-1], skeleton.classes)

    def cells(self) -> Iterator[nn.Module]:
        """All cells, in order."""
        for stage in self.stages:
            yield from stage.children()

    def forward(self, x: Tensor, *how: Any) -> Tensor:
        """Images (n, channels, h, w) to scores (n, classes); cells that ask for more are given `how`."""
        x = self.stem(x)
        for number, stage in enumerate(self.stages):
            if number:
                x = self.reductions[number - 1](x)
            for cell in stage.children():
                x = cell(x, *how)
        scores: Tensor = self.classifier(self.head(x))
        return scores
