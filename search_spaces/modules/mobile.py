"""Mobile networks: inverted bottlenecks on the skeleton of MobileNetV3-Large (arXiv 1905.02244, 1908.09791)."""

from torch import nn

from accel_models.zoo.networks.mobile import BottleneckShape, ConvNorm, InvertedBottleneck, SqueezeExcite
from search_spaces.networks.mobile import CLASSES, Plan

RECTIFIED_STAGES = 2
"""The first stages have rectifiers, the others hard swish."""


def mobile(plan: Plan) -> nn.Module:
    """The network of a plan: images [n, 3, size, size] to scores [n, 1000]."""
    steps: list[nn.Module] = [ConvNorm(3, plan.stem, 3, stride=2, activation=nn.Hardswish)]
    for each in plan.bottlenecks:
        gates = None
        if each.squeezed is not None:
            gates = SqueezeExcite(each.expanded, each.squeezed, nn.ReLU, nn.Hardsigmoid)
        shape = BottleneckShape(each.inputs, each.outputs, each.expanded, each.taps, each.stride)
        activation = nn.ReLU if each.stage < RECTIFIED_STAGES else nn.Hardswish
        steps.append(InvertedBottleneck(shape, activation, gates=gates))
    inputs, (widening, last) = plan.bottlenecks[-1].outputs, plan.head
    steps += [ConvNorm(inputs, widening, activation=nn.Hardswish), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*steps, nn.Linear(widening, last), nn.Hardswish(), nn.Linear(last, CLASSES))
