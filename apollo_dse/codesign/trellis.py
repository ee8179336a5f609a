"""A trellis of layers and scales, whose paths are networks; the cheapest path, exactly, where costs add up.

The geometry is that of convolutional neural fabrics (Saxena and Verbeek, arXiv 1606.02492): a node computes
images of one size, the finest scale 0 as large as the input, every next one half as large. Edges lead from a
layer to the next, to the scale itself and to both neighbours; within the first and the last layer they lead to
coarser scales. Paths begin at scale 0 of the first layer and end at the coarsest of the last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Literal

Node = tuple[int, int]
"""Layer and scale."""

Edge = tuple[Node, Node]

Path = tuple[Node, ...]

Wiring = Literal["sparse", "dense"]


@dataclass(frozen=True, slots=True)
class Trellis:
    """A trellis of `layers` x `scales` nodes, each of `channels`.

    Attributes:
        layers: how many, at least 2.
        scales: how many; scale s is `size / 2^s` rows and columns.
        channels: of every node.
        size: rows and columns of the finest scale.
        wiring: a channel of a node sees itself and its two neighbours of another ("sparse"), or all ("dense").

    Raises:
        ValueError: a number is out of its range, or the size cannot be halved as often.
    """

    layers: int
    scales: int
    channels: int
    size: int
    wiring: Wiring = "dense"

    def __post_init__(self) -> None:
        for name, least in (("layers", 2), ("scales", 1), ("channels", 1), ("size", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"`{name} >= {least}` must hold, but got {name}={getattr(self, name)}")
        if self.size % 2 ** (self.scales - 1):
            rule = f"the size must be divisible by {2 ** (self.scales - 1)} for {self.scales} scales"
            raise ValueError(f"{rule}, but got size={self.size}")

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, none before one that leads to it."""
        return tuple((layer, scale) for layer in range(self.layers) for scale in range(self.scales))

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges, in the order of the nodes that they lead to."""
        return tuple(edge for node in self.nodes for edge in self.into(node))

    @property
    def end(self) -> Node:
        """Where paths end."""
        return self.layers - 1, self.scales - 1

    def into(self, node: Node) -> tuple[Edge, ...]:
        """The edges that lead to a node."""
        layer, scale = node
        from_before = [(layer - 1, each) for each in (scale - 1, scale, scale + 1) if 0 <= each < self.scales]
        from_finer = [(layer, scale - 1)] if layer in (0, self.layers - 1) and scale > 0 else []
        return tuple((each, node) for each in (*(from_before if layer > 0 else ()), *from_finer))

    @property
    def weights_per_edge(self) -> int:
        """Of the 3 x 3 filters of an edge; the outermost channels of a sparse one have some that see zeros."""
        return 9 * self.channels * (self.channels if self.wiring == "dense" else 3)

    @property
    def weights(self) -> int:
        """Of all edges.

        With three edges a node a fabric of L layers, S scales and C channels has 27 L S C^2 weights if dense,
        and 81 L S C if sparse, as the paper counts. There are `(L - 1) (3 S - 2) + 2 (S - 1)` edges, which is
        3 L S - S - 2 L: the finest and the coarsest scale have no neighbour on one side, no edge comes from
        before the first layer, and within the first and the last layer there are more.
        """
        return self.weights_per_edge * ((self.layers - 1) * (3 * self.scales - 2) + 2 * (self.scales - 1))

    def paths(self) -> Iterator[Path]:
        """Every path, one by one; there are exponentially many."""

        def onward(path: Path) -> Iterator[Path]:
            if path[0] == (0, 0):
                yield path
            for source, _ in self.into(path[0]):
                yield from onward((source, *path))

        return onward((self.end,))

    def check(self, path: Path) -> None:
        """Refuse what is no path.

        Raises:
            ValueError: it does not lead from the first node to the last along edges.
        """
        if not path or path[0] != (0, 0) or path[-1] != self.end:
            raise ValueError(f"a path must lead from (0, 0) to {self.end}, but got {path}")
        for edge in pairwise(path):
            if edge[1] not in self.nodes or edge not in self.into(edge[1]):
                raise ValueError(f"a path must follow edges, but {edge[0]} to {edge[1]} is none")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A path, the sum of its edges' costs, and that of their rewards."""

    path: Path
    cost: float
    reward: float = 0.0


def cheapest(trellis: Trellis, costs: Mapping[Edge, float]) -> Candidate:
    """The path of least cost, by dynamic programming over the nodes; of equals the one whose steps come first.

    Args:
        trellis: the paths.
        costs: of every edge; infinite ones are not taken.

    Raises:
        ValueError: an edge has no cost, or every path has an infinite one.
    """
    _check_all(trellis, costs, "cost")
    best: dict[Node, Candidate] = {(0, 0): Candidate(((0, 0),), 0.0)}
    for node in trellis.nodes[1:]:
        options = [
            Candidate((*best[source].path, node), best[source].cost + costs[source, node])
            for source, _ in trellis.into(node)
        ]
        best[node] = min(options, key=lambda each: each.cost)
    found = best[trellis.end]
    if found.cost == inf:
        raise ValueError("a path must have a finite cost, but none has")
    return found


def front(trellis: Trellis, costs: Mapping[Edge, float], rewards: Mapping[Edge, float]) -> list[Candidate]:
    """All trade-offs: paths that no other equals or beats in both cost and reward.

    Exact, by dynamic programming over fronts of partial paths, where a Lagrangian sees the convex hull alone.
    A limit is kept by the last of them within it.

    Args:
        trellis: the paths.
        costs: of every edge, at least 0 and added up; infinite ones are not taken.
        rewards: of every edge, added up; larger is better.

    Returns:
        In rising order of cost and reward, of equals one.

    Raises:
        ValueError: an edge has no cost or no reward.
    """
    _check_all(trellis, costs, "cost")
    _check_all(trellis, rewards, "reward")
    fronts: dict[Node, list[Candidate]] = {(0, 0): [Candidate(((0, 0),), 0.0)]}
    for node in trellis.nodes[1:]:
        options = [
            Candidate((*each.path, node), each.cost + costs[edge], each.reward + rewards[edge])
            for edge in trellis.into(node)
            for each in fronts[edge[0]]
        ]
        fronts[node] = _undominated([each for each in options if each.cost < inf])
    return fronts[trellis.end]


def _undominated(options: list[Candidate]) -> list[Candidate]:
    kept: list[Candidate] = []
    for each in sorted(options, key=lambda option: (option.cost, -option.reward)):
        if not kept or each.reward > kept[-1].reward:
            kept.append(each)
    return kept


def _check_all(trellis: Trellis, values: Mapping[Edge, float], what: str) -> None:
    missing = [edge for edge in trellis.edges if edge not in values]
    if missing:
        raise ValueError(f"every edge must have a {what}, but {len(missing)} have none, such as {missing[0]}")
