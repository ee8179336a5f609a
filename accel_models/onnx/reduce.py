"""ONNX operators that make tensors smaller or larger: pools, reductions, sorting, resizing."""

from itertools import product
from math import floor
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from accel_models.onnx.layers import pads, spatial
from accel_models.onnx.step import OnnxError, Result, Step, operator

MAX_POOLS: dict[int, Any] = {1: torch.max_pool1d, 2: torch.max_pool2d, 3: torch.max_pool3d}
AVERAGE_POOLS: dict[int, Any] = {1: torch.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
GLOBAL_POOLS: dict[tuple[str, int], Any] = {
    ("GlobalAveragePool", 1): functional.adaptive_avg_pool1d,
    ("GlobalAveragePool", 2): functional.adaptive_avg_pool2d,
    ("GlobalAveragePool", 3): functional.adaptive_avg_pool3d,
    ("GlobalMaxPool", 1): functional.adaptive_max_pool1d,
    ("GlobalMaxPool", 2): functional.adaptive_max_pool2d,
    ("GlobalMaxPool", 3): functional.adaptive_max_pool3d,
}


@operator("MaxPool", "AveragePool", "LpPool")
def pool(step: Step) -> Result:
    """Windows; unequal padding is met by rounding up where that gives the same windows, or else copied."""
    x, kernel = step.tensor(0), list(step.attribute("kernel_shape"))
    is_max = step.node.op_type == "MaxPool"
    rank = len(kernel)
    strides, dilations = spatial(step, "strides", rank), spatial(step, "dilations", rank)
    before, behind = pads(step, x.shape[2:], kernel)
    spans = [(taps - 1) * dilation + 1 for taps, dilation in zip(kernel, dilations, strict=True)]
    extents = [a + b + c for a, b, c in zip(x.shape[2:], before, behind, strict=True)]
    ceil = bool(step.attribute("ceil_mode", 0))
    wanted = _windows(extents, spans, strides, [0] * rank, ceil=ceil)
    for padding, rounded in product((before, behind), (False, True)):
        fits = all(2 * pad <= taps for pad, taps in zip(padding, kernel, strict=True))
        if fits and _windows(x.shape[2:], spans, strides, padding, ceil=rounded) == wanted:
            break
    else:
        around = [pad for pair in zip(reversed(before), reversed(behind), strict=True) for pad in pair]
        x, padding, rounded = functional.pad(x, around), [0] * rank, ceil
    if is_max:
        y = MAX_POOLS[rank](x, kernel, strides, padding, dilations, rounded)
        return y, torch.empty(y.shape, dtype=torch.int64)
    result: Tensor = AVERAGE_POOLS[rank](x, kernel, strides, padding, rounded)
    return result


def _windows(
    extents: Any, spans: list[int], strides: list[int], padding: list[int], *, ceil: bool
) -> list[int]:
    """Windows along each axis; rounded up, one that would start behind the input is left out."""
    counts = []
    for extent, span, stride, pad in zip(extents, spans, strides, padding, strict=True):
        count = (extent + 2 * pad - span + (stride - 1 if ceil else 0)) // stride + 1
        counts.append(count - 1 if ceil and (count - 1) * stride >= extent + pad else count)
    return counts


@operator("GlobalAveragePool", "GlobalMaxPool")
def global_pool(step: Step) -> Result:
    """One window over the image."""
    x = step.tensor(0)
    result: Tensor = GLOBAL_POOLS[step.node.op_type, x.dim() - 2](x, 1)
    return result


@operator(
    "ReduceMean",
    "ReduceSum",
    "ReduceMax",
    "ReduceMin",
    "ReduceProd",
    "ReduceL1",
    "ReduceL2",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "ReduceSumSquare",
)
def reduction(step: Step) -> Result:
    """Along axes, all of them if none is named."""
    x, axes = step.tensor(0), step.axes(1)
    if not axes:
        if step.attribute("noop_with_empty_axes", 0):
            return x
        axes = list(range(x.dim()))
    keep = bool(step.attribute("keepdims", 1))
    kind = step.node.op_type.removeprefix("Reduce")
    if kind in ("Max", "Min"):
        return x.amax(axes, keep)
    if kind == "Mean":
        return x.mean(axes, keep) if x.is_floating_point() else x.sum(axes, keep)
    if kind in ("L1", "L2"):
        norm: Tensor = torch.linalg.vector_norm(x, dim=axes, keepdim=keep)
        return norm
    if kind == "LogSumExp":
        return torch.logsumexp(x, axes, keep)
    total = (x * x if kind == "SumSquare" else x).sum(axes, keep)
    return total.log() if kind == "LogSum" else total


@operator("ArgMax", "ArgMin")
def arg_extreme(step: Step) -> Result:
    """Where the extreme is."""
    return torch.argmax(step.tensor(0), step.attribute("axis", 0), bool(step.attribute("keepdims", 1)))


@operator("TopK")
def top_k(step: Step) -> Result:
    """The k largest, and where they are."""
    (k,) = step.integers(1) if step.has(1) else [step.attribute("k")]
    return tuple(torch.topk(step.tensor(0), k, dim=step.attribute("axis", -1)))


@operator("CumSum", "CumProd")
def scan(step: Step) -> Result:
    """Running sum or product."""
    (axis,) = step.integers(1)
    return torch.cumsum(step.tensor(0), axis)


@operator("Resize", "Upsample")
def resize(step: Step) -> Result:
    """Interpolation of the spatial axes to a size, or by scales."""
    x = step.tensor(0)
    extents = _resized(step, list(x.shape))
    spatial_extents = extents[2:]
    if extents[:2] != list(x.shape[:2]) or not 1 <= len(spatial_extents) <= 3:
        raise OnnxError(f"only spatial axes can be resized, but {list(x.shape)} becomes {extents}")
    modes = {
        "linear": ("linear", "bilinear", "trilinear")[len(spatial_extents) - 1],
        "cubic": "bicubic",
        "nearest": "nearest",
    }
    mode = modes[step.attribute("mode", "nearest")]
    return functional.interpolate(x, size=spatial_extents, mode=mode)


def _resized(step: Step, shape: list[int]) -> list[int]:
    """Extents after resizing; `axes` names those that the numbers are for."""
    axes = step.attribute("axes") or list(range(len(shape)))
    if step.has(3):
        new = step.integers(3)
    else:
        at = 1 if step.node.op_type == "Upsample" or step.opset < 11 else 2
        scales = step.attribute("scales") or step.floats(at)
        new = [floor(shape[axis] * scale) for axis, scale in zip(axes, scales, strict=True)]
    sizes = dict(zip([axis % len(shape) for axis in axes], new, strict=True))
    return [sizes.get(axis, extent) for axis, extent in enumerate(shape)]


@operator("GridSample")
def grid_sample(step: Step) -> Result:
    """Interpolation at given places."""
    return functional.grid_sample(step.tensor(0), step.tensor(1), align_corners=False)
