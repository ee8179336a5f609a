"""What operations do to channels, by name: those that treat every channel alike, and by itself."""

from collections.abc import Callable
from typing import Any

import torch
from torch import fx, nn

IDEMPOTENT_MODULES = (nn.ReLU, nn.ReLU6, nn.Hardtanh, nn.Identity)
"""Applied twice they give what they give once."""

IDEMPOTENT = ("relu", "relu_", "relu6", "hardtanh")
"""The same, as functions."""

ACTIVATION_MODULES = (
    *IDEMPOTENT_MODULES,
    nn.CELU,
    nn.ELU,
    nn.GELU,
    nn.Hardsigmoid,
    nn.Hardswish,
    nn.LeakyReLU,
    nn.LogSigmoid,
    nn.Mish,
    nn.SELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Softplus,
    nn.Tanh,
)

CARRYING_MODULES = (
    *ACTIVATION_MODULES,
    nn.PReLU,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AdaptiveAvgPool1d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveAvgPool3d,
    nn.AdaptiveMaxPool2d,
    nn.AvgPool1d,
    nn.AvgPool2d,
    nn.AvgPool3d,
    nn.MaxPool1d,
    nn.MaxPool2d,
    nn.MaxPool3d,
    nn.Upsample,
    nn.ZeroPad2d,
)
"""Modules of one input that change no channel by another."""

ACTIVATIONS = (
    *IDEMPOTENT,
    "celu",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "leaky_relu",
    "mish",
    "selu",
    "silu",
    "sigmoid",
    "softplus",
    "tanh",
)

CARRYING = frozenset(
    {
        *ACTIVATIONS,
        "abs",
        "adaptive_avg_pool2d",
        "adaptive_max_pool2d",
        "avg_pool2d",
        "clamp",
        "contiguous",
        "dropout",
        "exp",
        "interpolate",
        "max_pool2d",
        "neg",
        "pow",
        "sqrt",
        "square",
    }
)
"""Functions and methods of one tensor that change no channel by another."""

JOINING = frozenset(
    {"add", "add_", "iadd", "mul", "mul_", "imul", "sub", "truediv", "div", "maximum", "minimum"}
)
"""Operations that take tensors element by element."""

_REDUCING = frozenset({"mean", "sum", "amax", "amin"})

ShapeOf = Callable[[object], torch.Size | None]


def keeps_channels(node: fx.Node, target: str, shape_of: ShapeOf) -> bool:
    """Whether a reduction leaves the channels where they are: all its dimensions are behind them."""
    if target not in _REDUCING or not node.args:
        return False
    shape = shape_of(node.args[0])
    given: Any = node.kwargs.get("dim", node.args[1] if len(node.args) > 1 else None)
    dims = (given,) if isinstance(given, int) else given
    if shape is None or not isinstance(dims, (tuple, list)):
        return False
    return all(isinstance(dim, int) and dim % len(shape) >= 2 for dim in dims)


def flattens(before: torch.Size, after: torch.Size | None) -> bool:
    """Whether [n, channels, ...] became [n, features]."""
    return after is not None and len(after) == 2 and len(before) >= 2 and after[0] == before[0]


def name_of(node: fx.Node, module: nn.Module) -> str:
    """What a node computes, in words for messages."""
    if node.op == "call_module":
        return f"{node.target} ({type(module.get_submodule(str(node.target))).__name__})"
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def activation_of(node: fx.Node, module: nn.Module) -> nn.Module | str | None:
    """The activation that a node computes: a module, or the name of a function; None if it is none."""
    if node.op == "call_module":
        found = module.get_submodule(str(node.target))
        return found if isinstance(found, ACTIVATION_MODULES) else None
    name = name_of(node, module)
    return name if name in ACTIVATIONS else None
