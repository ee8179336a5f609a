"""ONNX operators that keep their input's shape: element-wise arithmetic, norms, softmax.

Each calls the torch function of the same cost; where only the cost matters, numbers that parametrize it
(slopes, bounds, exponents of norms) stand at some value of their range.
"""

from collections.abc import Callable
from functools import partial, reduce
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

from accel_models.onnx.step import OPERATORS, Result, Step, operator

UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "Abs": torch.abs,
    "Acos": torch.acos,
    "Acosh": torch.acosh,
    "Asin": torch.asin,
    "Asinh": torch.asinh,
    "Atan": torch.atan,
    "Atanh": torch.atanh,
    "BitwiseNot": torch.bitwise_not,
    "Ceil": torch.ceil,
    "Celu": functional.celu,
    "Clip": partial(torch.clamp, min=0, max=6),
    "Cos": torch.cos,
    "Cosh": torch.cosh,
    "Elu": functional.elu,
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Floor": torch.floor,
    "Gelu": functional.gelu,
    "HardSigmoid": functional.hardsigmoid,
    "HardSwish": functional.hardswish,
    "IsInf": torch.isinf,
    "IsNaN": torch.isnan,
    "LeakyRelu": functional.leaky_relu,
    "Log": torch.log,
    "Mish": functional.mish,
    "Neg": torch.neg,
    "Not": torch.logical_not,
    "Reciprocal": torch.reciprocal,
    "Relu": torch.relu,
    "Round": torch.round,
    "Selu": functional.selu,
    "Shrink": functional.hardshrink,
    "Sigmoid": torch.sigmoid,
    "Sign": torch.sign,
    "Sin": torch.sin,
    "Sinh": torch.sinh,
    "Softplus": functional.softplus,
    "Softsign": functional.softsign,
    "Sqrt": torch.sqrt,
    "Swish": functional.silu,
    "Tan": torch.tan,
    "Tanh": torch.tanh,
    "ThresholdedRelu": partial(functional.threshold, threshold=1.0, value=0.0),
}


def divide(a: Any, b: Any) -> Any:
    """Division; of whole numbers by whole numbers without rest."""
    whole = all(not t.is_floating_point() if isinstance(t, Tensor) else isinstance(t, int) for t in (a, b))
    return a // b if whole else a / b


def at_least(a: Any, b: Any) -> Tensor:
    """The larger of two."""
    return torch.clamp(a, min=b) if isinstance(a, Tensor) else torch.clamp(b, min=a)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "Add": lambda a, b: a + b,
    "And": lambda a, b: a & b,
    "BitwiseAnd": lambda a, b: a & b,
    "BitwiseOr": lambda a, b: a | b,
    "BitwiseXor": lambda a, b: a ^ b,
    "Div": divide,
    "Equal": lambda a, b: a == b,
    "Greater": lambda a, b: a > b,
    "GreaterOrEqual": lambda a, b: a >= b,
    "Less": lambda a, b: a < b,
    "LessOrEqual": lambda a, b: a <= b,
    "Max": at_least,
    "Min": at_least,
    "Mod": lambda a, b: a % b,
    "Mul": lambda a, b: a * b,
    "Or": lambda a, b: a | b,
    "Pow": lambda a, b: a**b,
    "Sub": lambda a, b: a - b,
    "Sum": lambda a, b: a + b,
    "Xor": lambda a, b: a ^ b,
}


def _unary(function: Callable[[Tensor], Tensor], step: Step) -> Result:
    return function(step.tensor(0))


def _binary(function: Callable[[Any, Any], Any], step: Step) -> Result:
    return cast(Tensor, reduce(function, step.operands()))


OPERATORS.update({name: partial(_unary, function) for name, function in UNARY.items()})
OPERATORS.update({name: partial(_binary, function) for name, function in BINARY.items()})


@operator("Mean")
def mean(step: Step) -> Result:
    """Mean of several tensors."""
    total: Tensor = reduce(lambda a, b: a + b, step.tensors())
    return total / len(step.values)


@operator("PRelu")
def prelu(step: Step) -> Result:
    """Leaky rectifier with a learned slope, of one channel or of each."""
    x, slope = step.tensor(0), step.tensor(1)
    if slope.numel() not in (1, x.shape[1] if x.dim() > 1 else 1):
        return torch.where(x > 0, x, x * slope)
    return functional.prelu(x, slope.reshape(-1))


@operator("Where")
def where(step: Step) -> Result:
    """A choice per element."""
    condition, *choices = step.tensors()
    return torch.where(condition, *choices)


@operator("Softmax", "LogSoftmax", "Hardmax")
def softmax(step: Step) -> Result:
    """Softmax along an axis (the last one by default; before operator set 13, the second one)."""
    return torch.softmax(step.tensor(0), step.attribute("axis", -1 if step.opset >= 13 else 1))


@operator("BatchNormalization")
def batch_norm(step: Step) -> Result:
    """Batch norm with frozen statistics."""
    x, weight, bias, average, variance = step.tensors()[:5]
    return torch.batch_norm(x, weight, bias, average, variance, False, 0.1, 1e-5, False)


@operator("LayerNormalization")
def layer_norm(step: Step) -> Result:
    """Layer norm over the axes from `axis` on."""
    x = step.tensor(0)
    shape = x.shape[step.attribute("axis", -1) % x.dim() :]
    return functional.layer_norm(x, shape, step.tensor(1).expand(shape), _expanded(step.maybe(2), shape))


def _expanded(x: Tensor | None, shape: torch.Size) -> Tensor | None:
    return None if x is None else x.expand(shape)


@operator("RMSNormalization", "SimplifiedLayerNormalization")
def rms_norm(step: Step) -> Result:
    """Root-mean-square norm over the axes from `axis` on."""
    x = step.tensor(0)
    shape = x.shape[step.attribute("axis", -1) % x.dim() :]
    return functional.rms_norm(x, list(shape), step.tensor(1).expand(shape))


@operator("GroupNormalization")
def group_norm(step: Step) -> Result:
    """Group norm."""
    x, groups = step.tensor(0), step.attribute("num_groups")
    weight, bias = (
        t if t.numel() == x.shape[1] else t.repeat_interleave(x.shape[1] // groups)
        for t in (step.tensor(1), step.tensor(2))
    )
    return functional.group_norm(x, groups, weight, bias)


@operator("InstanceNormalization")
def instance_norm(step: Step) -> Result:
    """Instance norm."""
    return functional.instance_norm(step.tensor(0), weight=step.tensor(1), bias=step.tensor(2))


@operator("MeanVarianceNormalization")
def mean_variance_norm(step: Step) -> Result:
    """Normalized over axes, without parameters."""
    x, axes = step.tensor(0), step.attribute("axes", [0, 2, 3])
    centred = x - x.mean(axes, keepdim=True)
    return centred / (centred * centred).mean(axes, keepdim=True).sqrt()


@operator("LpNormalization")
def lp_norm(step: Step) -> Result:
    """Divided by the norm along an axis."""
    x = step.tensor(0)
    norm: Tensor = torch.linalg.vector_norm(x, dim=step.attribute("axis", -1), keepdim=True)
    return x / norm


@operator("LRN")
def local_response_norm(step: Step) -> Result:
    """Divided by a power of the mean square of neighbouring channels."""
    return functional.local_response_norm(step.tensor(0), step.attribute("size"))


@operator("RotaryEmbedding")
def rotary_embedding(step: Step) -> Result:
    """Pairs of channels rotated; x: (n, heads, t, depth) or (n, t, width), cosines and sines by position."""
    x = step.tensor(0)
    if x.dim() == 3:
        x = x.reshape(*x.shape[:2], step.attribute("num_heads"), -1).transpose(1, 2)
    cosine, sine = step.tensor(1), step.tensor(2)
    if step.has(3):
        cosine, sine = (functional.embedding(step.tensor(3), table) for table in (cosine, sine))
    left, right = x.chunk(2, dim=-1)
    cosine, sine = (t.unsqueeze(-3) if t.dim() == 3 else t for t in (cosine, sine))
    y = torch.cat([left * cosine - right * sine, left * sine + right * cosine], dim=-1)
    return y.transpose(1, 2).flatten(2) if step.tensor(0).dim() == 3 else y
