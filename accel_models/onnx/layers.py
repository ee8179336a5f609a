"""ONNX operators with multiply-accumulates: convolutions, products, recurrent networks, attention.

Quantized operators are their plain namesakes with one operation per output element for the rescaling; zero
points cost nothing (they fold into biases). `DequantizeLinear` is free: integer machines compute on the
quantized words, and the scale is part of the rescaling that `QuantizeLinear` is charged for.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from accel_models.onnx.step import OnnxError, Result, Step, operator


def spatial(step: Step, name: str, rank: int, default: int = 1) -> list[int]:
    """An attribute with one number per spatial axis."""
    return list(step.attribute(name) or [default] * rank)


def pads(step: Step, extents: Sequence[int], kernel: Sequence[int]) -> tuple[list[int], list[int]]:
    """Padding before and behind each spatial axis, as given or as `auto_pad` asks."""
    rank = len(kernel)
    auto = step.attribute("auto_pad", "NOTSET")
    if auto == "VALID":
        return [0] * rank, [0] * rank
    if auto.startswith("SAME"):
        strides, dilations = spatial(step, "strides", rank), spatial(step, "dilations", rank)
        totals = [
            max(0, (-(-extent // stride) - 1) * stride + (taps - 1) * dilation + 1 - extent)
            for extent, taps, stride, dilation in zip(extents, kernel, strides, dilations, strict=True)
        ]
        small, large = [total // 2 for total in totals], [total - total // 2 for total in totals]
        return (small, large) if auto == "SAME_UPPER" else (large, small)
    given = spatial(step, "pads", 2 * rank, 0)
    return given[:rank], given[rank:]


def convolve(step: Step, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A convolution of any rank; unequal padding is data, so a larger view stands for the padded input."""
    kernel = weight.shape[2:]
    before, behind = pads(step, x.shape[2:], kernel)
    padding = before
    if before != behind:
        extents = [a + b + c for a, b, c in zip(x.shape[2:], before, behind, strict=True)]
        for axis in range(2, x.dim()):
            x = x.narrow(axis, 0, 1)
        x, padding = x.expand(*x.shape[:2], *extents), [0] * len(kernel)
    rank = len(kernel)
    strides, dilations = spatial(step, "strides", rank), spatial(step, "dilations", rank)
    group = step.attribute("group", 1)
    return torch.convolution(x, weight, bias, strides, padding, dilations, False, [0] * rank, group)


@operator("Conv")
def conv(step: Step) -> Result:
    """Convolution."""
    return convolve(step, step.tensor(0), step.tensor(1), step.maybe(2))


@operator("ConvTranspose")
def conv_transpose(step: Step) -> Result:
    """Transposed convolution; padding, or a wanted output shape, crops the borders."""
    x, weight = step.tensor(0), step.tensor(1)
    rank = weight.dim() - 2
    strides, dilations = spatial(step, "strides", rank), spatial(step, "dilations", rank)
    extra = spatial(step, "output_padding", rank, 0)
    group = step.attribute("group", 1)
    y = torch.convolution(x, weight, step.maybe(2), strides, [0] * rank, dilations, True, extra, group)
    wanted, auto = step.attribute("output_shape"), step.attribute("auto_pad", "NOTSET")
    if wanted is None and auto.startswith("SAME"):
        wanted = [extent * stride for extent, stride in zip(x.shape[2:], strides, strict=True)]
    before, behind = pads(step, x.shape[2:], weight.shape[2:]) if wanted is None else ([0] * rank, [0] * rank)
    for axis in range(rank):
        length = y.shape[axis + 2]
        start = before[axis]
        size = length - start - behind[axis] if wanted is None else wanted[-rank:][axis]
        y = y.narrow(axis + 2, start, min(size, length - start))
    return y


@operator("Gemm")
def gemm(step: Step) -> Result:
    """Matrix product with addend."""
    a, b = step.tensor(0), step.tensor(1)
    a = a.t() if step.attribute("transA", 0) else a
    b = b.t() if step.attribute("transB", 0) else b
    addend = step.maybe(2)
    return a @ b if addend is None else torch.addmm(addend, a, b)


@operator("MatMul")
def matmul(step: Step) -> Result:
    """Product of (batches of) matrices; a third input is the bias of an `Add` merged into it."""
    left, right = step.tensor(0), step.tensor(1)
    bias = step.maybe(2)
    return torch.matmul(left, right) if bias is None else functional.linear(left, right.t(), bias)


@operator("Einsum")
def einsum(step: Step) -> Result:
    """Products and sums by index notation."""
    return torch.einsum(step.attribute("equation"), *step.tensors())


def rescale(x: Tensor) -> Tensor:
    """From accumulators, or floats, to quantized words: one operation per element."""
    return x * 0.5


@operator("ConvInteger")
def conv_integer(step: Step) -> Result:
    """Convolution of quantized words to accumulators."""
    return convolve(step, step.tensor(0), step.tensor(1))


@operator("MatMulInteger")
def matmul_integer(step: Step) -> Result:
    """Product of quantized words to accumulators."""
    return torch.matmul(step.tensor(0), step.tensor(1))


@operator("QLinearConv")
def qlinear_conv(step: Step) -> Result:
    """Convolution of quantized words (inputs 0 and 3, bias 8) to quantized words."""
    return rescale(convolve(step, step.tensor(0), step.tensor(3), step.maybe(8)))


@operator("QLinearMatMul")
def qlinear_matmul(step: Step) -> Result:
    """Product of quantized words (inputs 0 and 3) to quantized words."""
    return rescale(torch.matmul(step.tensor(0), step.tensor(3)))


@operator("QuantizeLinear")
def quantize(step: Step) -> Result:
    """Floats to quantized words."""
    return rescale(step.tensor(0))


@operator("DequantizeLinear")
def dequantize(step: Step) -> Result:
    """Quantized words taken as numbers: free."""
    return step.tensor(0).view_as(step.tensor(0))


@operator("DynamicQuantizeLinear")
def dynamic_quantize(step: Step) -> Result:
    """Quantize by the extremes of the data itself."""
    x = step.tensor(0)
    scale = x.amax() - x.amin()
    return rescale(x), scale, scale.view(())


def recurrent_parameters(step: Step, direction: int) -> list[Tensor]:
    """Input weights, state weights and, if given, their biases of one direction."""
    weights = [step.tensor(1)[direction], step.tensor(2)[direction]]
    bias = step.maybe(3)
    return weights if bias is None else [*weights, *bias[direction].chunk(2)]


def recurrent(step: Step, function: Any, states: int) -> Result:
    """LSTM (two states), GRU or plain network (one) over x: (steps, batch, width), or batch first.

    Sequences count with their full length; peepholes are left out.
    """
    batch_first = bool(step.attribute("layout", 0))
    x, weight = step.tensor(0), step.tensor(2)
    num_directions, _, hidden = weight.shape
    batch = x.shape[0 if batch_first else 1]
    started = [step.maybe(5 + i) for i in range(states)]
    zeros = [torch.zeros(num_directions, batch, hidden) if s is None else s for s in started]
    start = [
        s.transpose(0, 1) if batch_first and g is not None else s for s, g in zip(zeros, started, strict=True)
    ]
    parameters = [p for d in range(num_directions) for p in recurrent_parameters(step, d)]
    state = start if states == 2 else start[0]
    y, *ends = function(x, state, parameters, step.has(3), 1, 0.0, False, num_directions == 2, batch_first)
    y = y.reshape(*y.shape[:2], num_directions, hidden)  # (steps, batch) or (batch, steps), directions, hidden
    if batch_first:
        return y, *(end.transpose(0, 1) for end in ends)
    return y.transpose(1, 2), *ends


@operator("LSTM")
def lstm(step: Step) -> Result:
    """Long short-term memory."""
    return recurrent(step, torch.lstm, 2)


@operator("GRU")
def gru(step: Step) -> Result:
    """Gated recurrent unit."""
    return recurrent(step, torch.gru, 1)


@operator("RNN")
def rnn(step: Step) -> Result:
    """Plain recurrent network."""
    return recurrent(step, torch.rnn_tanh, 1)


@operator("Attention")
def attention(step: Step) -> Result:
    """Scaled dot-product attention, heads as an axis (n, heads, t, depth) or folded (n, t, heads * depth)."""
    folded = step.tensor(0).dim() == 3
    heads = (step.attribute("q_num_heads"), step.attribute("kv_num_heads"), step.attribute("kv_num_heads"))
    if folded and None in heads:
        raise OnnxError("inputs of three axes need the attributes q_num_heads and kv_num_heads")
    query, key, value = (
        step.tensor(i).reshape(*step.tensor(i).shape[:2], heads[i], -1).transpose(1, 2)
        if folded
        else step.tensor(i)
        for i in range(3)
    )
    if step.has(4) and step.has(5):
        key, value = torch.cat([step.tensor(4), key], dim=2), torch.cat([step.tensor(5), value], dim=2)
    mask = step.maybe(3)
    causal = bool(step.attribute("is_causal", 0)) and mask is None
    grouped = query.shape[1] != key.shape[1]
    y = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, is_causal=causal, enable_gqa=grouped
    )
    return y.transpose(1, 2).flatten(2) if folded else y, key, value
