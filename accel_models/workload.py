"""What is computed: a network as loop bounds, without tensors.

A `Layer` is seven loops and a group loop around one multiply-accumulate, in Timeloop's letters:

    for n, g, k, c, p, q, r, s:
        outputs[n, g, k, p, q] += weights[g, k, c, r, s] * inputs[n, g, c, p*stride + r*dilation, ...]

`k` and `c` are counted per group, so a depthwise convolution has `g` = channels and `k = c = 1`, and a
GEMM of M x K_red by K_red x N has `p = M`, `c = K_red`, `k = N`. Image padding counts as data: the input
is `(p - 1) * stride + (r - 1) * dilation + 1` rows high.

Everything that is not a multiply-accumulate layer is a `VectorOp` (priced by elements and words) or an
`UnpricedOp` (named, never dropped).
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import gcd, prod
from numbers import Integral
from typing import Literal

Dim = Literal["n", "g", "k", "c", "p", "q", "r", "s"]
Operand = Literal["weights", "inputs", "outputs"]

DIMS: tuple[Dim, ...] = ("n", "g", "k", "c", "p", "q", "r", "s")
OPERANDS: tuple[Operand, ...] = ("weights", "inputs", "outputs")
RELEVANT_DIMS: dict[Operand, tuple[Dim, ...]] = {
    "weights": ("g", "k", "c", "r", "s"),
    "inputs": ("n", "g", "c", "p", "q", "r", "s"),
    "outputs": ("n", "g", "k", "p", "q"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A multiply-accumulate layer as loop bounds.

    `repeats` counts how often the network executes this very shape. `weights_are_activations` marks a
    product of two activations (attention scores): its "weights" are computed at run time, so they can
    neither be cached across inferences nor quantized as parameters.

    Raises:
        ValueError: a bound, stride, dilation or repeat count is not a positive integer.
    """

    name: str
    kind: str = "conv"
    n: int = 1
    g: int = 1
    k: int = 1
    c: int = 1
    p: int = 1
    q: int = 1
    r: int = 1
    s: int = 1
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    repeats: int = 1
    weights_are_activations: bool = False

    def __post_init__(self) -> None:
        for name in (*DIMS, "repeats"):
            _check_whole(f"layer {self.name!r}", name, 1, getattr(self, name))
        _check_whole(f"layer {self.name!r}", "stride", 1, *self.stride)
        _check_whole(f"layer {self.name!r}", "dilation", 1, *self.dilation)

    def bound(self, dim: Dim) -> int:
        """Loop bound of one problem dimension."""
        return int(getattr(self, dim))

    @property
    def bounds(self) -> dict[Dim, int]:
        """Loop bounds of all problem dimensions, in `DIMS` order."""
        return {d: self.bound(d) for d in DIMS}

    @property
    def input_rows(self) -> int:
        """Height of the padded input, in words."""
        return (self.p - 1) * self.stride[0] + (self.r - 1) * self.dilation[0] + 1

    @property
    def input_columns(self) -> int:
        """Width of the padded input, in words."""
        return (self.q - 1) * self.stride[1] + (self.s - 1) * self.dilation[1] + 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one execution."""
        return prod(self.bounds.values())

    def words(self, operand: Operand) -> int:
        """Words of one operand that one execution touches (holes of strided windows left out)."""
        if operand == "inputs":
            rows = touched(self.stride[0], self.dilation[0], self.p, self.r)
            columns = touched(self.stride[1], self.dilation[1], self.q, self.s)
            return self.n * self.g * self.c * rows * columns
        return prod(self.bound(d) for d in RELEVANT_DIMS[operand])


def _check_whole(what: str, name: str, least: int, *values: object) -> None:
    """Refuse a value that is not a whole number of `least` or more."""
    for value in values:
        if not isinstance(value, Integral) or value < least:
            raise ValueError(
                f"`{name} >= {least}` must hold, in whole numbers, but {what} has {name}={value!r}"
            )


@lru_cache(maxsize=4096)
def canonical(layer: Layer) -> Layer:
    """The layer's shape alone, so that equal shapes share their mappings."""
    return replace(layer, name="", kind="", repeats=1, weights_are_activations=False)


def touched(stride: int, dilation: int, outputs: int, taps: int) -> int:
    """Number of distinct input positions `stride * p + dilation * r` for `p < outputs`, `r < taps`.

    Two pairs meet iff they differ by a multiple of (dilation, -stride) / gcd, so the distinct values are
    the pairs less the neighbours in those chains.
    """
    divisor = gcd(stride, dilation)
    step_p, step_r = dilation // divisor, stride // divisor
    return outputs * taps - max(0, outputs - step_p) * max(0, taps - step_r)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorOp:
    """An operation without multiply-accumulates: pooling, softmax, norm, element-wise, resize, gather.

    `ops` are scalar operations of one execution; `input_words` and `output_words` what it reads and
    writes. `fused` says that its input comes straight from the layer before it (an activation behind a
    convolution) and its output takes the place of that layer's, so that no words of its own travel.

    Raises:
        ValueError: operations or words are not whole numbers from 0 on, or repeats from 1 on.
    """

    name: str
    kind: str
    ops: int
    input_words: int
    output_words: int
    fused: bool = False
    repeats: int = 1

    def __post_init__(self) -> None:
        for name in ("ops", "input_words", "output_words"):
            _check_whole(f"operation {self.name!r}", name, 0, getattr(self, name))
        _check_whole(f"operation {self.name!r}", "repeats", 1, self.repeats)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedOp:
    """An operation that the tracer met and cannot price, with how often it occurs."""

    name: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A network: its layers, its vector operations, and what could not be priced.

    Raises:
        ValueError: there is nothing to price.
    """

    name: str
    layers: tuple[Layer, ...]
    vector_ops: tuple[VectorOp, ...] = ()
    unpriced: tuple[UnpricedOp, ...] = ()

    def __post_init__(self) -> None:
        if not self.layers and not self.vector_ops:
            raise ValueError(f"a workload must have at least one layer, but {self.name!r} has none")

    @property
    def steps(self) -> tuple[Layer | VectorOp, ...]:
        """All that is priced: the layers, then the vector operations."""
        return (*self.layers, *self.vector_ops)

    def batched(self, size: int) -> "Workload":
        """The network on `size` inputs at once: parameters are shared, everything else is there `size` times.

        A product of two activations becomes as many groups more, since each input has its own operands. The
        name gets `@size`.

        Raises:
            ValueError: `size` is not a positive whole number.
        """
        _check_whole(f"batch of {self.name!r}", "size", 1, size)
        layers = tuple(
            replace(layer, g=layer.g * size)
            if layer.weights_are_activations
            else replace(layer, n=layer.n * size)
            for layer in self.layers
        )
        vector_ops = tuple(
            replace(
                op,
                ops=op.ops * size,
                input_words=op.input_words * size,
                output_words=op.output_words * size,
            )
            for op in self.vector_ops
        )
        name = self.name if size == 1 else f"{self.name}@{size}"
        return replace(self, name=name, layers=layers, vector_ops=vector_ops)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(layer.repeats * layer.macs for layer in self.layers)

    def words(self, operand: Operand) -> int:
        """Words of one operand over all layers and repeats (parameters that are shared count each time)."""
        return sum(layer.repeats * layer.words(operand) for layer in self.layers)
