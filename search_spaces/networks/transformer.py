"""Transformer encoders: how many layers, how wide, with how many heads, for how many tokens.

Devlin et al., "BERT: Pre-training of deep bidirectional transformers for language understanding" (arXiv
1810.04805), whose base is a point; the sizes are those of the smaller ones by Turc et al., "Well-read students
learn better" (arXiv 1908.08962), and more. Embeddings of tokens and positions, layers with norms behind, and a
pooler of the first token. Workloads are built from the point directly, without torch, and are what tracing the
network gives.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from accel_models.workload import Layer, VectorOp, Workload
from search_spaces.networks.graph import Graph, chain
from search_spaces.networks.space import NetworkSpace
from search_spaces.networks.steps import Step, activation, addition, network
from search_spaces.parameter import Ordinal
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from torch import nn

VOCABULARY = 30522


def heads_share_the_width(point: Point) -> str | None:
    """Heads are equally wide."""
    width, heads = int(point["width"]), int(point["heads"])
    return f"`heads` must divide `width`, but {heads} do not divide {width}" if width % heads else None


SPACE = SearchSpace(
    (
        Ordinal("layers", (2, 3, 4, 6, 8, 10, 12, 16, 24)),
        Ordinal("width", (128, 192, 256, 384, 512, 768, 1024)),
        Ordinal("heads", (2, 3, 4, 6, 8, 12, 16)),
        Ordinal("feed_forward_ratio", (1, 2, 3, 4)),
        Ordinal("tokens", (64, 128, 256, 384, 512)),
    ),
    (heads_share_the_width,),
)
"""Layers, channels of a token, heads, channels between the two products behind attention over those of a token,
and the length of the sequence."""


def build_transformer(point: Point, *, name: str = "transformer") -> Workload:
    """The encoder of a point on one sequence.

    Raises:
        ValueError: the point does not lie in the space.
    """
    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    layers, width, heads, ratio, tokens = (int(point[each]) for each in SPACE.names)
    return network(name, _steps(layers, width, heads, ratio * width, tokens))


def module_transformer(point: Point) -> "nn.Module":
    """The encoder of a point, to compute with: tokens [n, length] to states of the first [n, width].

    Raises:
        ValueError: the point does not lie in the space.
    """
    from search_spaces.modules.transformer import Encoder

    if reasons := SPACE.violations(point):
        raise ValueError("; ".join(reasons))
    return Encoder(*(int(point[each]) for each in SPACE.names))


def _steps(layers: int, width: int, heads: int, inner: int, tokens: int) -> Iterator[Step]:
    words = tokens * width
    yield VectorOp(name="embedding", kind="gather", ops=0, input_words=words + tokens, output_words=words)
    yield addition("positions", words)
    yield _norm("norm", width, tokens)
    for i in range(layers):
        yield from _attention(f"layer{i}.attention", width, heads, tokens)
        yield addition(f"layer{i}.attention.add", words)
        yield _norm(f"layer{i}.attention.norm", width, tokens)
        yield Layer(name=f"layer{i}.widen", kind="linear", p=tokens, c=width, k=inner)
        yield activation(f"layer{i}.act", tokens * inner)
        yield Layer(name=f"layer{i}.narrow", kind="linear", p=tokens, c=inner, k=width)
        yield addition(f"layer{i}.add", words)
        yield _norm(f"layer{i}.norm", width, tokens)
    yield Layer(name="pooler", kind="linear", c=width, k=width)
    yield activation("pooler.act", width)


def _attention(name: str, width: int, heads: int, tokens: int) -> Iterator[Step]:
    """Queries, keys and values in one product; scores, their softmax with its scale, sums of values."""
    depth, scores = width // heads, heads * tokens**2
    product = partial(Layer, kind="attention", g=heads, p=tokens, weights_are_activations=True)
    yield Layer(name=f"{name}.project_in", kind="linear", p=tokens, c=width, k=3 * width)
    yield product(name=f"{name}.scores", c=depth, k=tokens)
    yield VectorOp(
        name=f"{name}.softmax", kind="softmax", ops=6 * scores, input_words=scores, output_words=scores
    )
    yield product(name=f"{name}.context", c=tokens, k=depth)
    yield Layer(name=f"{name}.project_out", kind="linear", p=tokens, c=width, k=width)


def _norm(name: str, width: int, tokens: int) -> VectorOp:
    """Mean and variance of every token, scale and shift."""
    words = tokens * width
    return VectorOp(name=name, kind="norm", ops=7 * words, input_words=words + 2 * width, output_words=words)


def draw_transformer(point: Point) -> Graph:
    """Embedding, layers and pooler, one after the other."""
    layers, width, heads, ratio, tokens = (int(point[each]) for each in SPACE.names)
    blocks = (f"{layers} × attention, {heads} heads", f"{layers} × {width} to {ratio * width} to {width}")
    return chain(f"{tokens} tokens, {width} channels", *blocks, "pooler")


def _shape(point: Point) -> tuple[int, ...]:
    return 1, int(point["tokens"])


def _point(layers: int, width: int, heads: int, tokens: int) -> Point:
    return dict(zip(SPACE.names, (layers, width, heads, 4, tokens), strict=True))


TRANSFORMER = NetworkSpace(
    name="transformer",
    space=SPACE,
    build=build_transformer,
    module=module_transformer,
    reference="Devlin et al., BERT, arXiv 1810.04805; Turc et al., arXiv 1908.08962",
    presets={
        "bert-base": _point(12, 768, 12, 384),
        "bert-tiny": _point(2, 128, 2, 128),
        "bert-large": _point(24, 1024, 16, 384),
    },
    input_shape=(1, 384),
    shaped=_shape,
    graph=draw_transformer,
    vocabulary=VOCABULARY,
    notes="No embeddings of segments and no head of a task.",
)
