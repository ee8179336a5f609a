"""The space of NAS-Bench-201: a cell with four nodes, of whose six edges each is one of five operations.

Dong and Yang, "NAS-Bench-201: Extending the scope of reproducible neural architecture search" (ICLR 2020,
arXiv 2001.00326). A network is a stem of 16 channels, three stages of five equal cells with 16, 32 and 64
channels, and a residual block that halves the image between stages. Rectifiers stand ahead of convolutions.
Networks are built from the point directly, without torch, and are what tracing the network would give: what is
computed from zeros alone, behind a node that no edge leads to, has layers but nothing else.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from accel_models.workload import Layer, VectorOp, Workload
from search_spaces.networks.graph import Edge, Graph
from search_spaces.networks.space import NetworkSpace
from search_spaces.networks.steps import Step, activation, addition, convolution, mean, network
from search_spaces.parameter import Categorical
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from torch import nn

EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""From node to node, in the order of the benchmark's strings."""

NODES = 4

NONE, SKIP, CONV1, CONV3, POOL = CHOICES = (
    "none",
    "skip_connect",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "avg_pool_3x3",
)

DRAWN = {SKIP: "", CONV1: "1 × 1", CONV3: "3 × 3", POOL: "pool"}
"""What stands at an operation's edge."""

SPACE = SearchSpace(tuple(Categorical(f"edge{a}{b}", CHOICES) for a, b in EDGES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """What cells are put into: images of `size` x `size`, and three stages of which each is twice as wide.

    The defaults are those of the benchmark, for CIFAR-10.

    Raises:
        ValueError: the images cannot be halved twice, or a number is below 1.
    """

    size: int = 32
    channels: int = 3
    classes: int = 10
    width: int = 16
    cells: int = 5

    def __post_init__(self) -> None:
        if self.size < 4 or self.size % 4:
            raise ValueError(f"`size` must be a multiple of 4, but got size={self.size}")
        for name in ("channels", "classes", "width", "cells"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name} >= 1` must hold, but got {name}={getattr(self, name)}")

    @property
    def widths(self) -> tuple[int, int, int]:
        """Channels of the three stages."""
        return self.width, 2 * self.width, 4 * self.width

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Of one image: 1, channels, rows, columns."""
        return 1, self.channels, self.size, self.size


PUBLISHED = Skeleton()
DIGITS = Skeleton(size=8, channels=1, width=8, cells=1)
"""For images of 8 x 8: small enough to train on one thread of a processor within seconds."""

Fused = bool | None
"""Of a tensor: whether functions of it are fused with the layer before it; None: zeros."""


def nas_bench_201_point(text: str) -> Point:
    """The point of a string such as "|a~0|+|b~0|c~1|+|d~0|e~1|f~2|".

    Raises:
        ValueError: the string does not name six operations of `CHOICES` in that form.
    """
    found = [edge.partition("~")[0] for node in text.split("+") for edge in node.strip("|").split("|")]
    point = {f"edge{a}{b}": choice for (a, b), choice in zip(EDGES, found, strict=False)}
    if len(found) != len(EDGES) or SPACE.violations(point):
        raise ValueError(f"a cell must be written |a~0|+|b~0|c~1|+|d~0|e~1|f~2|, but got {text!r}")
    return point


def build_nas_bench_201(
    point: Point, *, skeleton: Skeleton = PUBLISHED, name: str = "nas_bench_201"
) -> Workload:
    """The network of a cell on one image.

    Raises:
        ValueError: the point does not lie in the space.
    """
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    return network(name, _steps(point, skeleton))


def module_nas_bench_201(point: Point, *, skeleton: Skeleton = PUBLISHED) -> "nn.Module":
    """The network of a cell, to compute with: images [n, channels, size, size] to scores [n, classes].

    Raises:
        ValueError: the point does not lie in the space.
    """
    from search_spaces.modules.nas_bench_201 import cell_network

    return cell_network(point, skeleton)


def _steps(point: Point, skeleton: Skeleton) -> Iterator[Step]:
    size, widths = skeleton.size, skeleton.widths
    yield from convolution("stem", (skeleton.channels, widths[0]), size, 3, active=False)
    state: Fused = True
    for stage, width in enumerate(widths):
        if stage:
            size //= 2
            state = yield from _reduction(f"reduction{stage}", widths[stage - 1], size, state)
        for i in range(skeleton.cells):
            state = yield from _cell(f"stage{stage}.cell{i}", point, (width, size), state)
    width = widths[-1]
    words = width * size**2
    if state is not None:
        yield VectorOp(
            name="norm",
            kind="norm",
            ops=2 * words,
            input_words=words + 4 * width,
            output_words=words,
            fused=state,
        )
        yield activation("act", words, fused=state)
        yield mean("pool", width, size)
    yield Layer(name="classifier", kind="linear", k=skeleton.classes, c=width)


def _cell(name: str, point: Point, shape: tuple[int, int], state: Fused) -> Generator[Step, None, Fused]:
    """Every node is the sum of its edges; what the last one is."""
    width, size = shape
    words = width * size**2
    states = [state]
    for node in range(1, NODES):
        arriving: list[Fused] = []
        for source, _ in (edge for edge in EDGES if edge[1] == node):
            choice, before, step = (
                str(point[f"edge{source}{node}"]),
                states[source],
                f"{name}.edge{source}{node}",
            )
            if choice in (CONV1, CONV3):
                yield from _active_convolution(step, (width, width), size, 1 if choice == CONV1 else 3, before)
                arriving.append(None if before is None else True)
            elif choice == POOL:
                if before is not None:
                    yield VectorOp(name=step, kind="pool", ops=9 * words, input_words=words, output_words=words)
                arriving.append(None if before is None else False)
            elif choice == SKIP:
                arriving.append(before)
        for i in range(1, len(arriving)):
            if any(each is not None for each in arriving[: i + 1]):
                yield addition(f"{name}.node{node}.add{i}", words)
        states.append(_summed(arriving))
    return states[-1]


def _summed(arriving: list[Fused]) -> Fused:
    """What a sum is: zeros of zeros, what a single one was, else nothing that follows a layer."""
    if len(arriving) == 1:
        return arriving[0]
    return None if all(each is None for each in arriving) else False


def _active_convolution(
    name: str, widths: tuple[int, int], size: int, taps: int, before: Fused, *, stride: int = 1
) -> Iterator[Step]:
    """A rectifier, a convolution with `size` x `size` outputs and its norm."""
    steps = convolution(name, widths, size, taps, stride=stride, active=False)
    if before is None:
        yield from (step for step in steps if isinstance(step, Layer))
        return
    yield activation(f"{name}.act", widths[0] * (size * stride) ** 2, fused=before)
    yield from steps


def _reduction(name: str, inputs: int, size: int, before: Fused) -> Generator[Step, None, Fused]:
    """Two 3 x 3 convolutions, of which the first halves the image, beside a mean and a 1 x 1 convolution."""
    outputs, behind = 2 * inputs, None if before is None else True
    yield from _active_convolution(f"{name}.first", (inputs, outputs), size, 3, before, stride=2)
    yield from _active_convolution(f"{name}.second", (outputs, outputs), size, 3, behind)
    words = inputs * size**2
    if before is not None:
        yield VectorOp(
            name=f"{name}.mean", kind="pool", ops=4 * words, input_words=4 * words, output_words=words
        )
    yield Layer(name=f"{name}.skip", k=outputs, c=inputs, p=size, q=size)
    if before is None:
        return None
    yield addition(f"{name}.add", outputs * size**2)
    return False


def draw_nas_bench_201(point: Point) -> Graph:
    """The cell: its four nodes, and the operations between them that do something."""
    ways = ((a, b, str(point[f"edge{a}{b}"])) for a, b in EDGES)
    edges = tuple(Edge(a, b, DRAWN[choice]) for a, b, choice in ways if choice != NONE)
    return Graph(("cell's input", "node 1", "node 2", "cell's output"), edges)


NAS_BENCH_201 = NetworkSpace(
    name="nb201",
    space=SPACE,
    build=build_nas_bench_201,
    module=module_nas_bench_201,
    reference="Dong and Yang, NAS-Bench-201, ICLR 2020, arXiv 2001.00326",
    presets={
        "resnet": nas_bench_201_point(
            "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
        )
    },
    input_shape=PUBLISHED.input_shape,
    graph=draw_nas_bench_201,
    notes="Ten classes.",
    label="arch_str",
    named=nas_bench_201_point,
)

NAS_BENCH_201_DIGITS = replace(
    NAS_BENCH_201,
    name="nb201-digits",
    build=partial(build_nas_bench_201, skeleton=DIGITS, name="nas_bench_201_digits"),
    module=partial(module_nas_bench_201, skeleton=DIGITS),
    input_shape=DIGITS.input_shape,
    notes="For digits of 8 x 8: three stages of one cell, 8 channels wide at first; not the benchmark's.",
)
