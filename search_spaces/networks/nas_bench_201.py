"""The space of NAS-Bench-201: a cell with four nodes, of whose six edges each is one of five operations.

Dong and Yang, "NAS-Bench-201: Extending the scope of reproducible neural architecture search" (ICLR 2020,
arXiv 2001.00326). A network is a stem of 16 channels, three stages of five equal cells with 16, 32 and 64
channels, and a residual block that halves the image between stages. Rectifiers stand ahead of convolutions.
Networks are built from the point directly, without torch.
"""

from collections.abc import Iterator

from accel_models.workload import Layer, VectorOp, Workload
from search_spaces.networks.graph import Edge, Graph
from search_spaces.networks.space import NetworkSpace
from search_spaces.networks.steps import Step, activation, addition, convolution, mean, network
from search_spaces.parameter import Categorical
from search_spaces.space import Point, SearchSpace

WIDTHS = (16, 32, 64)
CELLS = 5
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""From node to node, in the order of the benchmark's strings."""

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
    point: Point, *, size: int = 32, classes: int = 10, name: str = "nas_bench_201"
) -> Workload:
    """The network of a cell on one image of `size` x `size`.

    Raises:
        ValueError: the point does not lie in the space.
    """
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    return network(name, _steps(point, size, classes))


def _steps(point: Point, size: int, classes: int) -> Iterator[Step]:
    yield from convolution("stem", (3, WIDTHS[0]), size, 3, active=False)
    for stage, width in enumerate(WIDTHS):
        if stage:
            yield from _reduction(f"reduction{stage}", WIDTHS[stage - 1], size // 2)
            size //= 2
        for i in range(CELLS):
            yield from _cell(f"stage{stage}.cell{i}", point, width, size)
    width = WIDTHS[-1]
    words = width * size**2
    yield VectorOp(name="norm", kind="norm", ops=2 * words, input_words=words + 4 * width, output_words=words)
    yield activation("act", words)
    yield mean("pool", width, size)
    yield Layer(name="classifier", kind="linear", k=classes, c=width)


def _cell(name: str, point: Point, width: int, size: int) -> Iterator[Step]:
    """Every node is the sum of its edges."""
    for node in range(1, 4):
        arriving = [(a, str(point[f"edge{a}{b}"])) for a, b in EDGES if b == node]
        for source, choice in arriving:
            step = f"{name}.edge{source}{node}"
            if choice in (CONV1, CONV3):
                yield activation(f"{step}.act", width * size**2)
                yield from convolution(step, (width, width), size, 1 if choice == CONV1 else 3, active=False)
            elif choice == POOL:
                words = width * size**2
                yield VectorOp(name=step, kind="pool", ops=9 * words, input_words=words, output_words=words)
        for i in range(sum(choice != NONE for _, choice in arriving) - 1):
            yield addition(f"{name}.node{node}.add{i}", width * size**2)


def _reduction(name: str, inputs: int, size: int) -> Iterator[Step]:
    """Two 3 x 3 convolutions, of which the first halves the image, beside a mean and a 1 x 1 convolution."""
    outputs = 2 * inputs
    yield activation(f"{name}.first.act", 4 * inputs * size**2)
    yield from convolution(f"{name}.first", (inputs, outputs), size, 3, stride=2, active=False)
    yield activation(f"{name}.second.act", outputs * size**2)
    yield from convolution(f"{name}.second", (outputs, outputs), size, 3, active=False)
    words = inputs * size**2
    yield VectorOp(name=f"{name}.mean", kind="pool", ops=4 * words, input_words=4 * words, output_words=words)
    yield Layer(name=f"{name}.skip", k=outputs, c=inputs, p=size, q=size)
    yield addition(f"{name}.add", outputs * size**2)


def draw_nas_bench_201(point: Point) -> Graph:
    """The cell: its four nodes, and the operations between them that do something."""
    ways = ((a, b, str(point[f"edge{a}{b}"])) for a, b in EDGES)
    edges = tuple(Edge(a, b, DRAWN[choice]) for a, b, choice in ways if choice != NONE)
    return Graph(("cell's input", "node 1", "node 2", "cell's output"), edges)


NAS_BENCH_201 = NetworkSpace(
    name="nb201",
    space=SPACE,
    build=build_nas_bench_201,
    reference="Dong and Yang, NAS-Bench-201, ICLR 2020, arXiv 2001.00326",
    presets={
        "resnet": nas_bench_201_point(
            "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"
        )
    },
    input_shape=(1, 3, 32, 32),
    graph=draw_nas_bench_201,
    notes="Ten classes.",
    label="arch_str",
    named=nas_bench_201_point,
)
