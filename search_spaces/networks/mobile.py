"""Mobile networks: five stages of inverted bottlenecks, their width and their image.

The elastic space of once-for-all networks (Cai et al., "Once-for-all: Train one network and specialize it for
efficient deployment", ICLR 2020, arXiv 1908.09791) on the skeleton of MobileNetV3-Large (Howard et al.,
"Searching for MobileNetV3", arXiv 1905.02244): stem, a first bottleneck, five stages, head. There filter and
expansion are chosen bottleneck by bottleneck and gates are fixed; here a stage's bottlenecks are alike, as in
MnasNet (arXiv 1807.11626), and its gates are chosen, too. Workloads are built from the point directly, without
torch, and are what tracing the network gives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accel_models.workload import Layer, Workload
from search_spaces.networks.graph import Graph, chain
from search_spaces.networks.space import NetworkSpace
from search_spaces.networks.steps import Step, activation, bottleneck, convolution, eights, mean, network
from search_spaces.parameter import Categorical, Ordinal
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from torch import nn

STEM_WIDTH = 16
WIDTHS = (24, 40, 80, 112, 160)
STRIDES = (2, 2, 2, 1, 2)
STAGES = len(WIDTHS)
HEAD_WIDTHS = (960, 1280)
CLASSES = 1000
SQUEEZE = 4
"""Channels of a bottleneck between expansion and projection over those of the squeeze of its gates."""

NO_GATES, GATES = "no", "yes"

SPACE = SearchSpace(
    (
        Ordinal("width_multiplier", (0.5, 0.75, 1.0, 1.25)),
        Ordinal("resolution", (128, 160, 192, 224)),
        *(
            parameter
            for i in range(STAGES)
            for parameter in (
                Ordinal(f"stage{i}_kernel", (3, 5, 7)),
                Ordinal(f"stage{i}_expansion", (3, 4, 6)),
                Ordinal(f"stage{i}_depth", (2, 3, 4)),
                Categorical(f"stage{i}_gates", (NO_GATES, GATES)),
            )
        ),
    )
)
"""Of all channels a factor; rows and columns of the image; and of every stage filter size, expansion of the
channels, number of bottlenecks, squeeze-and-excite gates."""


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """An inverted bottleneck: its stage (-1: the first bottleneck), channels, filter, gates."""

    stage: int
    inputs: int
    expanded: int
    outputs: int
    taps: int
    stride: int
    squeezed: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """All numbers of a network: channels of stem and head, and the bottlenecks between."""

    size: int
    stem: int
    bottlenecks: tuple[Bottleneck, ...]
    head: tuple[int, int]


def plan(point: Point) -> Plan:
    """The numbers of the network of a point.

    Raises:
        ValueError: the point does not lie in the space.
    """
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    factor = float(point["width_multiplier"])
    stem = eights(STEM_WIDTH * factor)
    found = [Bottleneck(-1, stem, stem, stem, 3, 1, None)]
    inputs = stem
    for i, (width, first_stride) in enumerate(zip(WIDTHS, STRIDES, strict=True)):
        kernel, expansion, depth = (int(point[f"stage{i}_{name}"]) for name in ("kernel", "expansion", "depth"))
        outputs = eights(width * factor)
        for j in range(depth):
            expanded = expansion * inputs
            squeezed = eights(expanded / SQUEEZE) if point[f"stage{i}_gates"] == GATES else None
            found.append(Bottleneck(i, inputs, expanded, outputs, kernel, 1 if j else first_stride, squeezed))
            inputs = outputs
    widening, last = (eights(width * factor) for width in HEAD_WIDTHS)
    return Plan(int(point["resolution"]), stem, tuple(found), (widening, last))


def build_mobile(point: Point, *, name: str = "mobile") -> Workload:
    """The network of a point on one image.

    Raises:
        ValueError: the point does not lie in the space.
    """
    return network(name, _steps(plan(point)))


def module_mobile(point: Point) -> "nn.Module":
    """The network of a point, to compute with: images [n, 3, resolution, resolution] to scores [n, 1000].

    Raises:
        ValueError: the point does not lie in the space.
    """
    from search_spaces.modules.mobile import mobile

    return mobile(plan(point))


def _steps(made: Plan) -> Iterator[Step]:
    size = made.size // 2
    yield from convolution("stem", (3, made.stem), size, 3, stride=2)
    for number, each in enumerate(made.bottlenecks):
        widths = (each.inputs, each.expanded, each.outputs)
        yield from bottleneck(
            f"block{number}", widths, size, each.taps, stride=each.stride, squeezed=each.squeezed
        )
        size //= each.stride
    inputs, (widening, last) = made.bottlenecks[-1].outputs, made.head
    yield from convolution("head", (inputs, widening), size, 1)
    yield mean("pool", widening, size)
    yield Layer(name="features", kind="linear", k=last, c=widening)
    yield activation("features.act", last)
    yield Layer(name="classifier", kind="linear", k=CLASSES, c=last)


def draw_mobile(point: Point) -> Graph:
    """Stem, stages and head, one after the other."""
    made = plan(point)
    stages = []
    for i in range(len(WIDTHS)):
        kernel, expansion, depth = (point[f"stage{i}_{name}"] for name in ("kernel", "expansion", "depth"))
        channels = next(each.outputs for each in made.bottlenecks if each.stage == i)
        gates = ", gates" if point[f"stage{i}_gates"] == GATES else ""
        stages.append(f"{depth} × expand {expansion}, {kernel} × {kernel}, {channels} channels{gates}")
    return chain(
        f"{made.size} × {made.size}, stem, {made.stem} channels", *stages, f"head, {made.head[1]} channels"
    )


def _shape(point: Point) -> tuple[int, ...]:
    return 1, 3, int(point["resolution"]), int(point["resolution"])


def _point(kernels: str, expansions: str, depths: str, gates: str) -> Point:
    """A digit a stage of each, gates as y and n; at full width, 224 x 224."""
    point: dict[str, float | int | str] = {"width_multiplier": 1.0, "resolution": 224}
    for i, (kernel, expansion, depth, gated) in enumerate(zip(kernels, expansions, depths, gates, strict=True)):
        point |= {f"stage{i}_kernel": int(kernel), f"stage{i}_expansion": int(expansion)}
        point |= {f"stage{i}_depth": int(depth), f"stage{i}_gates": GATES if gated == "y" else NO_GATES}
    return point


MOBILE = NetworkSpace(
    name="mobile",
    space=SPACE,
    build=build_mobile,
    module=module_mobile,
    reference="Cai et al., Once-for-all, ICLR 2020, arXiv 1908.09791, after MobileNetV3, arXiv 1905.02244",
    presets={
        "mobilenet-v3-large-like": _point("35335", "43366", "23423", "nynyy"),
        "largest": _point("77777", "66666", "44444", "nynyy"),
        "smallest": _point("33333", "33333", "22222", "nynyy"),
    },
    input_shape=(1, 3, 224, 224),
    shaped=_shape,
    graph=draw_mobile,
    notes=(
        "MobileNetV3-Large itself is no point: its expansions differ within stages, from 2.3 to 6; the preset "
        "has the nearest of the space."
    ),
)
