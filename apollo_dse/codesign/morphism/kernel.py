"""Larger kernels that compute the same: weights padded by zeros, images by as many pixels."""

import torch
from torch import nn
from torch.nn.modules.conv import _ConvNd

from apollo_dse.codesign.morphism.surgery import MorphismError, Network, convolution, copied


def larger_kernel(module: Network, layer: str, kernel: int) -> Network:
    """The network with a larger kernel in a convolution, computing what it did.

    Wei et al., arXiv 1603.01670, section 3.1 ("kernel size morphing"). Every side grows by the same number of
    zeros, and the padding of the images by as many pixels, times the dilation.

    Args:
        module: the network, which is left as it is.
        layer: a convolution, with any groups, strides and dilation.
        kernel: its new size in every dimension.

    Returns:
        A new network in evaluation mode.

    Raises:
        MorphismError: the layer is no convolution, or not padded by zeros; or a size would shrink, or not grow
            by the same number on both sides.
    """
    old = convolution(module, layer)
    if any(kernel < size or (kernel - size) % 2 for size in old.kernel_size):
        got = f"{layer!r} has {'x'.join(map(str, old.kernel_size))} and kernel={kernel}"
        raise MorphismError(f"a kernel must grow by an even number in every dimension, but {got}")
    if old.padding_mode != "zeros":
        raise MorphismError(
            f"images must be padded by zeros, but {layer!r} has padding_mode={old.padding_mode!r}"
        )
    new = copied(module)
    grown = convolution(new, layer)
    sides = [(kernel - size) // 2 for size in old.kernel_size]
    reversed_sides = [side for side in reversed(sides) for _ in range(2)]
    if old.padding != "same":
        grown.padding = tuple(
            pad + side * step for pad, side, step in zip(padding_of(old), sides, old.dilation, strict=True)
        )
    grown.kernel_size = (kernel,) * len(sides)
    grown._reversed_padding_repeated_twice = [
        added + side * step
        for added, side, step in zip(
            old._reversed_padding_repeated_twice,
            reversed_sides,
            [step for step in reversed(old.dilation) for _ in range(2)],
            strict=True,
        )
    ]
    with torch.no_grad():
        padded = nn.functional.pad(grown.weight, reversed_sides)
    grown.weight = nn.Parameter(padded, requires_grad=old.weight.requires_grad)
    return new


def padding_of(layer: _ConvNd) -> tuple[int, ...]:
    """Pixels that a convolution adds on each side, by dimension.

    Raises:
        MorphismError: it adds more on one side than on the other.
    """
    if layer.padding == "valid":
        return (0,) * len(layer.kernel_size)
    if layer.padding == "same":
        total = [step * (size - 1) for step, size in zip(layer.dilation, layer.kernel_size, strict=True)]
        if any(each % 2 for each in total):
            raise MorphismError(f"padding must be the same on both sides, but {layer} has an even kernel")
        return tuple(each // 2 for each in total)
    return tuple(int(each) for each in layer.padding)
