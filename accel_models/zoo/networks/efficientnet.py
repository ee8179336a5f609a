"""EfficientNet-B0."""

from torch import nn

from accel_models.zoo.networks import Definition
from accel_models.zoo.networks.mobile import BottleneckShape, ConvNorm, InvertedBottleneck, SqueezeExcite, image

# expansion, kernel, stride of the first block, outputs, blocks: table 1 of arXiv 1905.11946
B0_STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def efficientnet_b0() -> Definition:
    """Tan and Le, "EfficientNet: Rethinking model scaling", arXiv 1905.11946; 224 x 224.

    The squeeze is a quarter of the block's input channels, as in the authors' code.
    """
    layers: list[nn.Module] = [ConvNorm(3, 32, 3, stride=2, activation=nn.SiLU)]
    width = 32
    for expansion, kernel, first_stride, outputs, blocks in B0_STAGES:
        for i in range(blocks):
            expanded = expansion * width
            shape = BottleneckShape(width, outputs, expanded, kernel, 1 if i else first_stride)
            gates = SqueezeExcite(expanded, width // 4, nn.SiLU, nn.Sigmoid)
            layers.append(InvertedBottleneck(shape, nn.SiLU, gates=gates))
            width = outputs
    layers += [ConvNorm(width, 1280, activation=nn.SiLU), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(1280, 1000)), (image(),)
