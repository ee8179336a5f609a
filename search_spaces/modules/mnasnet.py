"""MnasNet-like networks with the activations of EfficientNet (arXiv 1807.11626, 1905.11946)."""

from torch import nn

from accel_models.zoo.networks.mobile import BottleneckShape, ConvNorm, InvertedBottleneck, SqueezeExcite
from search_spaces.networks.mnasnet import (
    CLASSES,
    GATES,
    HEAD_WIDTH,
    SQUEEZE,
    STAGES,
    STEM_WIDTH,
    STRIDES,
    WIDTHS,
)
from search_spaces.space import Point


def mnasnet(point: Point) -> nn.Module:
    """The network of a point of the space: images [n, 3, 224, 224] to scores [n, 1000]."""
    steps: list[nn.Module] = [ConvNorm(3, STEM_WIDTH, 3, stride=2, activation=nn.SiLU)]
    inputs = STEM_WIDTH
    for i in range(STAGES):
        expansion, taps, depth = (int(point[f"block{i}_{name}"]) for name in "ekl")
        for j in range(depth):
            expanded = expansion * inputs
            shape = BottleneckShape(inputs, WIDTHS[i], expanded, taps, 1 if j else STRIDES[i])
            gated = point[f"block{i}_se"] == GATES
            gates = SqueezeExcite(expanded, inputs // SQUEEZE, nn.SiLU, nn.Sigmoid) if gated else None
            steps.append(InvertedBottleneck(shape, nn.SiLU, gates=gates))
            inputs = WIDTHS[i]
    steps += [ConvNorm(inputs, HEAD_WIDTH, activation=nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*steps, nn.Linear(HEAD_WIDTH, CLASSES))
