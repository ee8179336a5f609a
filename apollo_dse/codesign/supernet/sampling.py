"""Which paths of a supernet run in a step of its training.

SinglePath    one network, drawn uniformly (Guo et al., "Single path one-shot neural architecture search with
              uniform sampling", ECCV 2020, arXiv 1904.00420)
PathDropout   all operations but those that drop out (Bender et al., "Understanding and simplifying one-shot
              architecture search", ICML 2018)
Sandwich      the largest and the smallest network and some between (Yu and Huang, "Universally slimmable
              networks", ICCV 2019, arXiv 1903.05134; Wang et al., "AttentiveNAS", CVPR 2021, arXiv 2011.09011)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from apollo_dse.codesign.supernet.network import EDGES, OPERATIONS, Paths, path_of
from search_spaces.networks.nas_bench_201 import CONV3, SKIP, SPACE
from search_spaces.space import Point

LARGEST: Point = dict.fromkeys(EDGES, CONV3)
SMALLEST: Point = dict.fromkeys(EDGES, SKIP)
"""Of the networks that hear their input on every edge the one with the fewest weights."""

ARRIVING: Mapping[str, Sequence[str]] = {
    node: [edge for edge in EDGES if edge.endswith(node)] for node in dict.fromkeys(edge[-1] for edge in EDGES)
}
"""Edges that lead to each node."""


class Sampler(Protocol):
    """Draws what runs in a step; each of the answers gets gradients of its own."""

    def __call__(self, rng: np.random.Generator, done: float) -> Sequence[Paths]:
        """Paths of a step, before which a share `done` of all steps was made."""
        ...


@dataclass(frozen=True, slots=True)
class SinglePath:
    """One network, uniformly drawn."""

    def __call__(self, rng: np.random.Generator, done: float) -> list[Paths]:
        """The path of one network."""
        return [path_of(SPACE.sample(rng, 1)[0])]


@dataclass(frozen=True, slots=True)
class PathDropout:
    """All operations of all edges, less those that drop out.

    Of the k operations that lead to a node each drops out with probability `rate ** (1 / k)`, by itself, so
    that a node loses all of its inputs with probability `rate`. That is so at the training's end: the
    probability of an operation rises from 0 in proportion to the steps.

    Raises:
        ValueError: the rate is no probability below 1.
    """

    rate: float = 0.1

    def __post_init__(self) -> None:
        if not 0.0 <= self.rate < 1.0:
            raise ValueError(f"`0 <= rate < 1` must hold, but got rate={self.rate}")

    def __call__(self, rng: np.random.Generator, done: float) -> list[Paths]:
        """One set of paths."""
        paths: dict[str, dict[str, float]] = {}
        for edges in ARRIVING.values():
            chance = done * self.rate ** (1 / (len(edges) * len(OPERATIONS)))
            for edge in edges:
                kept = rng.random(len(OPERATIONS)) >= chance
                paths[edge] = {choice: 1.0 for choice, keep in zip(OPERATIONS, kept, strict=True) if keep}
        return [paths]


@dataclass(frozen=True, slots=True)
class Sandwich:
    """The largest network, the smallest, and `between` drawn uniformly.

    Raises:
        ValueError: there are less than none between.
    """

    between: int = 2

    def __post_init__(self) -> None:
        if self.between < 0:
            raise ValueError(f"`between >= 0` must hold, but got between={self.between}")

    def __call__(self, rng: np.random.Generator, done: float) -> list[Paths]:
        """The paths of the networks, the largest first."""
        return [path_of(point) for point in (LARGEST, SMALLEST, *SPACE.sample(rng, self.between))]
