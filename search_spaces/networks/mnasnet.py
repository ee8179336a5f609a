"""MnasNet-like networks: seven stages of inverted bottlenecks with expansion, filter, depth and gates.

The space of Accel-NASBench (Ahmad et al., "Accel-NASBench: Sustainable benchmarking for accelerator-aware
NAS", arXiv 2404.08005), after MnasNet (Tan et al., arXiv 1807.11626). Widths and strides are those of
EfficientNet-B0, which is a point of it. Workloads are built from the point directly, without torch, and are
what tracing the network would give.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

from accel_models.workload import Layer, Workload
from search_spaces.networks.graph import Graph, chain
from search_spaces.networks.space import NetworkSpace
from search_spaces.networks.steps import Step, bottleneck, convolution, mean, network
from search_spaces.parameter import Categorical, Ordinal
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from torch import nn

STAGES = 7
STEM_WIDTH = 32
WIDTHS = (16, 24, 40, 80, 112, 192, 320)
STRIDES = (1, 2, 2, 2, 1, 2, 1)
SIZES = tuple(accumulate(STRIDES, lambda size, stride: size // stride, initial=112))
"""Rows and columns of the images before every stage, and behind the last."""

HEAD_WIDTH = 1280
CLASSES = 1000
SQUEEZE = 4
"""Channels of a bottleneck's input over those of the squeeze of its gates."""

NO_GATES, GATES = "no", "yes"

SPACE = SearchSpace(
    tuple(
        parameter
        for i in range(STAGES)
        for parameter in (
            Ordinal(f"block{i}_e", (1, 4, 6)),
            Ordinal(f"block{i}_k", (3, 5)),
            Ordinal(f"block{i}_l", (1, 2, 3, 4) if i == 5 else (1, 2, 3)),
            Categorical(f"block{i}_se", (NO_GATES, GATES)),
        )
    )
)
"""Of every stage: expansion of the channels, filter size, number of bottlenecks, squeeze-and-excite gates."""


def build_mnasnet(point: Point, *, name: str = "mnasnet") -> Workload:
    """The network of a point on one image of 224 x 224.

    Raises:
        ValueError: the point does not lie in the space.
    """
    return network(name, (step for piece in parts(point) for step in piece.steps))


def module_mnasnet(point: Point) -> "nn.Module":
    """The network of a point, to compute with: images [n, 3, 224, 224] to scores [n, 1000].

    Raises:
        ValueError: the point does not lie in the space.
    """
    from search_spaces.modules.mnasnet import mnasnet

    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    return mnasnet(point)


def parts(point: Point) -> Iterator[Workload]:
    """The network in nine pieces: stem, seven stages, head. Networks that agree on a stage share the piece.

    Raises:
        ValueError: the point does not lie in the space.
    """
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    yield _ends()[0]
    for i in range(STAGES):
        expansion, taps, depth = (int(point[f"block{i}_{name}"]) for name in "ekl")
        yield _stage(i, expansion, taps, depth, point[f"block{i}_se"] == GATES)
    yield _ends()[1]


@lru_cache
def _ends() -> tuple[Workload, Workload]:
    """The stem and the head."""
    size, width = SIZES[-1], WIDTHS[-1]
    head = [*convolution("head", (width, HEAD_WIDTH), size, 1), mean("pool", HEAD_WIDTH, size)]
    head.append(Layer(name="classifier", kind="linear", k=CLASSES, c=HEAD_WIDTH))
    return network("stem", convolution("stem", (3, STEM_WIDTH), SIZES[0], 3, stride=2)), network("head", head)


@lru_cache(maxsize=1024)
def _stage(i: int, expansion: int, taps: int, depth: int, gated: bool) -> Workload:
    """`depth` bottlenecks, of which the first changes width and size."""
    inputs, size, stride = (WIDTHS[i - 1] if i else STEM_WIDTH), SIZES[i], STRIDES[i]
    steps: list[Step] = []
    for j in range(depth):
        widths = (inputs, expansion * inputs, WIDTHS[i])
        squeezed = inputs // SQUEEZE if gated else None
        steps += bottleneck(f"block{i}.{j}", widths, size, taps, stride=stride, squeezed=squeezed)
        inputs, size, stride = WIDTHS[i], SIZES[i + 1], 1
    return network(f"block{i}", steps)


def draw_mnasnet(point: Point) -> Graph:
    """Stem, stages and head, one after the other."""
    stages = []
    for i, width in enumerate(WIDTHS):
        expansion, taps, depth = (int(point[f"block{i}_{name}"]) for name in "ekl")
        gates = ", gates" if point[f"block{i}_se"] == GATES else ""
        stages.append(f"{depth} × expand {expansion}, {taps} × {taps}, {width} channels{gates}")
    return chain(f"stem, {STEM_WIDTH} channels", *stages, f"head, {HEAD_WIDTH} channels")


def _point(expansions: str, taps: str, depths: str) -> Point:
    """A digit a stage of each, and gates everywhere."""
    stages = zip(expansions, taps, depths, strict=True)
    numbers = {
        f"block{i}_{name}": int(n)
        for i, stage in enumerate(stages)
        for name, n in zip("ekl", stage, strict=True)
    }
    return numbers | {f"block{i}_se": GATES for i in range(STAGES)}


MNASNET = NetworkSpace(
    name="mnasnet",
    space=SPACE,
    build=build_mnasnet,
    module=module_mnasnet,
    reference="Ahmad et al., Accel-NASBench, arXiv 2404.08005, after MnasNet, arXiv 1807.11626",
    presets={"efficientnet-b0": _point("1666666", "3353553", "1223341")},
    input_shape=(1, 3, 224, 224),
    graph=draw_mnasnet,
)
