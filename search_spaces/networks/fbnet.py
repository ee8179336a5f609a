"""The FBNet space: 22 blocks, each one of nine.

Wu et al., "FBNet: Hardware-aware efficient ConvNet design via differentiable neural architecture search" (CVPR
2019, arXiv 1812.03443), as HW-NAS-Bench has it (Li et al., ICLR 2021; `fbnet_models/model_infer.py` of
github.com/GATECH-EIC/HW-NAS-Bench), which also fixes the strides and the head for images of 32 x 32. Networks
are built from the point directly, without torch, and are what tracing would give.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accel_models.workload import Layer, VectorOp, Workload
from search_spaces.networks.graph import Graph, chain
from search_spaces.networks.space import NetworkSpace
from search_spaces.networks.steps import Step, addition, convolution, mean, network
from search_spaces.parameter import Categorical
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from torch import nn

STEM_WIDTH = 16
WIDTHS = (16, 24, 32, 64, 112, 184, 352)
DEPTHS = (1, 4, 4, 4, 4, 4, 1)
NUM_BLOCKS = sum(DEPTHS)

SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Block:
    """An inverted bottleneck: expansion of the channels, filter size, groups of its 1 x 1 convolutions."""

    expansion: int
    taps: int
    groups: int = 1


BLOCKS = {
    "k3_e1": Block(1, 3),
    "k3_e1_g2": Block(1, 3, 2),
    "k3_e3": Block(3, 3),
    "k3_e6": Block(6, 3),
    "k5_e1": Block(1, 5),
    "k5_e1_g2": Block(1, 5, 2),
    "k5_e3": Block(3, 5),
    "k5_e6": Block(6, 5),
}
CHOICES = (*BLOCKS, SKIP)
"""In the order of HW-NAS-Bench's digits."""

SPACE = SearchSpace(tuple(Categorical(f"block{i}", CHOICES) for i in range(NUM_BLOCKS)))


@dataclass(frozen=True, slots=True)
class Images:
    """A data set: size of its images and number of classes, and how the network suits them."""

    size: int
    classes: int
    stem_stride: int
    strides: tuple[int, ...]
    head_width: int


IMAGES = {
    "cifar100": Images(32, 100, 1, (1, 1, 2, 2, 1, 2, 1), 1504),
    "imagenet": Images(224, 1000, 2, (1, 2, 2, 2, 1, 2, 1), 1984),
}


def fbnet_point(digits: str) -> Point:
    """The point that HW-NAS-Bench writes as 22 digits, each an index into `CHOICES`.

    Raises:
        ValueError: these are not 22 digits from 0 to 8.
    """
    if len(digits) != NUM_BLOCKS or not set(digits) <= set("012345678"):
        raise ValueError(f"an FBNet must have {NUM_BLOCKS} digits from 0 to 8, but got {digits!r}")
    return {f"block{i}": CHOICES[int(digit)] for i, digit in enumerate(digits)}


def build_fbnet(point: Point, *, images: str = "cifar100", name: str = "fbnet") -> Workload:
    """The network of a point on one image of a data set of `IMAGES`.

    Raises:
        ValueError: the point does not lie in the space, or the data set is unknown.
    """
    return network(name, _steps(point, _checked(point, images)))


def module_fbnet(point: Point, *, images: str = "cifar100") -> "nn.Module":
    """The network of a point, to compute with: images [n, 3, size, size] to scores [n, classes].

    Raises:
        ValueError: as for `build_fbnet`.
    """
    from search_spaces.modules.fbnet import fbnet

    return fbnet(point, _checked(point, images))


def _checked(point: Point, images: str) -> Images:
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    if images not in IMAGES:
        raise ValueError(f"images must be one of {tuple(IMAGES)}, but got {images!r}")
    return IMAGES[images]


def _steps(point: Point, images: Images) -> Iterator[Step]:
    size = images.size // images.stem_stride
    yield from convolution("stem", (3, STEM_WIDTH), size, 3, stride=images.stem_stride)
    width, number = STEM_WIDTH, 0
    for outputs, depth, first_stride in zip(WIDTHS, DEPTHS, images.strides, strict=True):
        for stride in (first_stride, *(1,) * (depth - 1)):
            choice, step = str(point[f"block{number}"]), f"block{number}"
            if choice == SKIP:
                yield from _skip(step, (width, outputs), size, stride)
            else:
                yield from _block(step, BLOCKS[choice], (width, outputs), size, stride)
            size, width, number = size // stride, outputs, number + 1
    yield from convolution("head", (width, images.head_width), size, 1)
    yield mean("pool", images.head_width, size)
    yield Layer(name="classifier", kind="linear", k=images.classes, c=images.head_width)


def _block(name: str, block: Block, widths: tuple[int, int], size: int, stride: int) -> Iterator[Step]:
    inputs, outputs = widths
    inner, after = inputs * block.expansion, size // stride
    yield from convolution(f"{name}.expand", (inputs, inner), size, 1, groups=block.groups)
    if block.groups > 1:
        words = inner * size**2
        yield VectorOp(name=f"{name}.shuffle", kind="copy", ops=0, input_words=words, output_words=words)
    yield from convolution(f"{name}.filter", (inner, inner), after, block.taps, stride=stride, groups=inner)
    yield from convolution(f"{name}.project", (inner, outputs), after, 1, groups=block.groups, active=False)
    if inputs == outputs and stride == 1:
        yield addition(f"{name}.add", outputs * after**2)


def _skip(name: str, widths: tuple[int, int], size: int, stride: int) -> Iterator[Step]:
    """Nothing where shapes allow, else a 1 x 1 convolution."""
    if stride > 1 or widths[0] != widths[1]:
        yield from convolution(f"{name}.skip", widths, size // stride, 1, stride=stride)


def draw_fbnet(point: Point) -> Graph:
    """Stem, blocks and head, one after the other."""
    blocks = (f"{point[f'block{i}']}" for i in range(NUM_BLOCKS))
    return chain("stem", *blocks, "head")


FBNET = NetworkSpace(
    name="fbnet",
    space=SPACE,
    build=build_fbnet,
    module=module_fbnet,
    reference="Wu et al., FBNet, CVPR 2019, arXiv 1812.03443; strides of HW-NAS-Bench, ICLR 2021",
    presets={"all-k3-e6": {f"block{i}": "k3_e6" for i in range(NUM_BLOCKS)}},
    input_shape=(1, 3, 32, 32),
    graph=draw_fbnet,
    notes="For images of CIFAR-100, as HW-NAS-Bench has them.",
    label="arch",
    named=fbnet_point,
)
