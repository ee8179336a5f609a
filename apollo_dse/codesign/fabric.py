"""Convolutional neural fabrics (Saxena and Verbeek, arXiv 1606.02492): all paths of a trellis in one network.

An edge is a 3 x 3 convolution, of stride 2 to a coarser scale, behind a doubling of rows and columns to a finer
one. A node adds up what its edges bring, normalizes and rectifies it. The whole fabric is trained at once, or
one path at a time; paths share the weights of common edges. A path by itself is an ordinary network, whose cost
on an accelerator is that of its edges, one after the other: the best is found exactly (`trellis.cheapest`).

A sparse edge is a convolution of as many groups as channels. That it reads three neighbours of each channel
moves no words in the cost model, as no view does.
"""

from collections.abc import Iterator
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from accel_models import Accelerator, Layer, VectorOp, Workload
from accel_models.cost import CostModel
from accel_models.pricing import Goal
from apollo_dse.codesign.trellis import Edge, Node, Path, Trellis
from search_spaces.networks.steps import Step, convolution, mean

METRICS = ("latency_s", "energy_j")
"""What adds up over the edges of a path."""


class Neighbours(nn.Module):
    """Every channel behind its neighbours, zeros beyond the outermost: (n, c, h, w) to (n, 3 c, h, w)."""

    def forward(self, x: Tensor) -> Tensor:
        """Channels c - 1, c and c + 1 for every c, in this order."""
        none = torch.zeros_like(x[:, :1])
        before, after = torch.cat((none, x[:, :-1]), 1), torch.cat((x[:, 1:], none), 1)
        return torch.stack((before, x, after), 2).flatten(1, 2)


def _edge(trellis: Trellis, edge: Edge) -> nn.Sequential:
    (_, source), (_, target) = edge
    channels = trellis.channels
    steps: list[nn.Module] = [nn.Upsample(scale_factor=2.0)] if target < source else []
    stride = 2 if target > source else 1
    if trellis.wiring == "dense":
        return nn.Sequential(*steps, nn.Conv2d(channels, channels, 3, stride, 1, bias=False))
    grouped = nn.Conv2d(3 * channels, channels, 3, stride, 1, groups=channels, bias=False)
    return nn.Sequential(*steps, Neighbours(), grouped)


def _name(*numbers: int) -> str:
    return "_".join(map(str, numbers))


class Fabric(nn.Module):
    """The fabric of a trellis: images (n, inputs, size, size) to scores (n, classes).

    A stem of 3 x 3 makes the channels of the first node, a classifier reads the mean of the last.

    Args:
        trellis: its layers, scales and channels.
        inputs: channels of the images.
        classes: scores.
        seed: of the first weights.
    """

    def __init__(self, trellis: Trellis, inputs: int, classes: int, *, seed: int = 0) -> None:
        super().__init__()
        self.trellis, self.inputs, self.classes = trellis, inputs, classes
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.stem = nn.Conv2d(inputs, trellis.channels, 3, padding=1, bias=False)
            self.edges = nn.ModuleDict(
                {_name(*source, *target): _edge(trellis, (source, target)) for source, target in trellis.edges}
            )
            self.nodes = nn.ModuleDict({_name(*node): self._node() for node in trellis.nodes})
            self.head = nn.Linear(trellis.channels, classes)

    def _node(self) -> nn.Module:
        return nn.Sequential(nn.BatchNorm2d(self.trellis.channels), nn.ReLU())

    def forward(self, x: Tensor, path: Path | None = None) -> Tensor:
        """Scores (n, classes) of the whole fabric, or of one path.

        Raises:
            ValueError: the path is none of the trellis.
        """
        if path is not None:
            self.trellis.check(path)
        taken = set(self.trellis.edges if path is None else pairwise(path))
        values: dict[Node, Tensor] = {(0, 0): self.nodes["0_0"](self.stem(x))}
        for node in self.trellis.nodes[1:]:
            brought = [
                self.edges[_name(*source, *node)](values[source])
                for source, _ in self.trellis.into(node)
                if (source, node) in taken and source in values
            ]
            if brought:
                values[node] = self.nodes[_name(*node)](torch.stack(brought).sum(0))
        scores: Tensor = self.head(values[self.trellis.end].mean((2, 3)))
        return scores

    def network(self, path: Path) -> nn.Sequential:
        """A path as a network of its own, with a copy of its weights.

        Raises:
            ValueError: the path is none of the trellis.
        """
        self.trellis.check(path)
        steps: list[nn.Module] = [self.stem, self.nodes["0_0"]]
        for source, target in pairwise(path):
            steps += [self.edges[_name(*source, *target)], self.nodes[_name(*target)]]
        return deepcopy(nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), self.head))


def edge_steps(trellis: Trellis, edge: Edge) -> Iterator[Step]:
    """What an edge and the node behind it compute, as the tracer would yield it."""
    (layer, source), (_, target) = edge
    name = f"{layer}.{source}-{target}"
    size, channels = trellis.size >> target, trellis.channels
    if target < source:
        words = channels * size**2
        yield VectorOp(name=f"{name}.up", kind="resize", ops=words, input_words=words // 4, output_words=words)
    dense = trellis.wiring == "dense"
    inputs, groups = (channels, 1) if dense else (3 * channels, channels)
    stride = 2 if target > source else 1
    yield from convolution(name, (inputs, channels), size, 3, stride=stride, groups=groups)


def path_workload(trellis: Trellis, path: Path, inputs: int, classes: int) -> Workload:
    """A path as a workload: stem, edges, classifier.

    Raises:
        ValueError: the path is none of the trellis.
    """
    trellis.check(path)
    steps = [*convolution("stem", (inputs, trellis.channels), trellis.size, 3)]
    for edge in pairwise(path):
        steps += edge_steps(trellis, edge)
    steps.append(mean("mean", trellis.channels, trellis.size >> (trellis.scales - 1)))
    steps.append(Layer(name="head", kind="gemm", k=classes, c=trellis.channels))
    return _workload("path", steps)


def edge_costs(
    trellis: Trellis, accelerator: Accelerator, metric: str = "latency_s", *, minimize: Goal = "latency"
) -> dict[Edge, float]:
    """What every edge, with the node behind it, costs on an accelerator; infinite where it cannot run.

    Activations go through DRAM between edges, so that costs of paths are sums.

    Args:
        trellis: the edges.
        accelerator: what they run on.
        metric: "latency_s" or "energy_j".
        minimize: what mappings are chosen for.

    Raises:
        ValueError: the metric is another.
    """
    if metric not in METRICS:
        raise ValueError(f"a metric must add up, as {' and '.join(METRICS)} do, but got {metric!r}")
    model = CostModel(minimize=minimize, keep_activations=False)
    priced: dict[tuple[int, int], float] = {}
    for (_, source), (_, target) in trellis.edges:
        if (source, target) not in priced:
            steps = list(edge_steps(trellis, ((0, source), (0, target))))
            costs = model.evaluate([accelerator], _workload("edge", steps))
            priced[source, target] = float(getattr(costs, metric)[0])
    return {edge: priced[edge[0][1], edge[1][1]] for edge in trellis.edges}


def _workload(name: str, steps: list[Step]) -> Workload:
    layers = tuple(step for step in steps if isinstance(step, Layer))
    vector_ops = tuple(step for step in steps if isinstance(step, VectorOp))
    return Workload(name=name, layers=layers, vector_ops=vector_ops)
