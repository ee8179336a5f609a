"""A network as people draw it: what data passes through, and what is done between."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """From one node to a later one, by their places; `label` is what is done on the way, perhaps nothing."""

    source: int
    target: int
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in an order in which they can be computed, each with its words, and edges between them.

    Raises:
        ValueError: an edge does not lead from a node to a later one.
    """

    nodes: tuple[str, ...]
    edges: tuple[Edge, ...]

    def __post_init__(self) -> None:
        for edge in self.edges:
            if not 0 <= edge.source < edge.target < len(self.nodes):
                raise ValueError(f"an edge must lead from a node to a later one, but got {edge}")


def chain(*nodes: str) -> Graph:
    """Nodes one after the other."""
    return Graph(nodes, tuple(Edge(place, place + 1) for place in range(len(nodes) - 1)))
