"""Networks to transform, with batch norms that do something, and the law that they are held to."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from accel_models.zoo.networks.densenet import densenet121
from accel_models.zoo.networks.mobile import BottleneckShape, ConvNorm, InvertedBottleneck, SqueezeExcite
from accel_models.zoo.networks.mobilenet import mobilenet_v2, mobilenet_v3_large
from accel_models.zoo.networks.resnet import Preactivated, Residual, basic, bottleneck, resnet50

Change = Callable[[nn.Module, Tensor], nn.Module]


def unsettled(module: nn.Module, seed: int = 0) -> nn.Module:
    """The module with norms whose statistics and affine parameters are not those that they begin with."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in module.modules():
            if isinstance(each, _BatchNorm):
                each.running_mean.normal_(0, 0.2, generator=random)
                each.running_var.uniform_(0.5, 1.5, generator=random)
                each.weight.uniform_(0.5, 1.5, generator=random)
                each.bias.normal_(0, 0.2, generator=random)
    return module.eval()


class Mixed(nn.Module):
    """Grouped and depthwise convolutions, a multiplier, a concatenation, a flattening, shared activations."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.grouped = nn.Conv2d(8, 12, 3, padding=1, groups=4)
        self.multiplied = nn.Conv2d(12, 24, 3, padding=1, groups=12)
        self.slopes = nn.PReLU(24)
        self.side = nn.Conv2d(8, 6, 1)
        self.after = nn.Conv2d(30, 5, 3, stride=2, padding=1)
        self.silent = nn.Conv2d(5, 5, 3, padding=1, bias=False)
        self.act = nn.SiLU()
        self.hidden = nn.Linear(5 * 16, 20)
        self.head = nn.Linear(20, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.stem(x)))
        y = self.slopes(self.multiplied(torch.relu(self.grouped(x))))
        z = self.after(torch.cat([y, self.relu(self.side(x))], 1))
        z = self.act(z + self.silent(z))
        return self.head(torch.tanh(self.hidden(z.view(z.size(0), -1))))


def _resnet() -> list[nn.Module]:
    shortcut = ConvNorm(8, 16, stride=2)
    return [Residual(basic(8, 8, 1), nn.Identity()), Residual(basic(8, 16, 2), shortcut)]


def _bottlenecks() -> list[nn.Module]:
    return [Residual(bottleneck(8, 4, 1), ConvNorm(8, 16)), Residual(bottleneck(16, 4, 1), nn.Identity())]


def _inverted(activation: type[nn.Module], squeezed: int) -> list[nn.Module]:
    shapes = (BottleneckShape(8, 12, 24, 3, 2), BottleneckShape(12, 12, 36, 5), BottleneckShape(12, 16, 36))
    return [
        InvertedBottleneck(
            shape,
            activation,
            gates=SqueezeExcite(shape.expanded, squeezed, nn.ReLU, nn.Hardsigmoid) if squeezed else None,
        )
        for shape in shapes
    ]


BODIES: dict[str, Callable[[], list[nn.Module]]] = {
    "resnet": _resnet,
    "bottlenecks": _bottlenecks,
    "preactivated": lambda: [Preactivated(8, 2, 1), Preactivated(8, 4, 2)],
    "mobilenet_v2": lambda: _inverted(nn.ReLU6, 0),
    "mobilenet_v3": lambda: _inverted(nn.Hardswish, 6),
}
"""The middle of networks, 8 channels in, 16 out: the zoo's blocks, few and narrow."""


def build(name: str) -> tuple[nn.Module, Tensor]:
    """A network and inputs."""
    torch.manual_seed(0)
    if name == "mixed":
        return unsettled(Mixed()), torch.randn(3, 3, 8, 8)
    activation = nn.Hardswish if name == "mobilenet_v3" else nn.ReLU
    stem = [ConvNorm(3, 8, 5, stride=2, activation=activation), nn.MaxPool2d(3, 1, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10)]
    return unsettled(nn.Sequential(*stem, *BODIES[name](), *head)), torch.randn(2, 3, 16, 16)


def build_whole(name: str) -> tuple[nn.Module, Tensor]:
    """A network of the zoo as it is, and small images."""
    torch.manual_seed(0)
    whole = {
        "resnet50": resnet50,
        "mobilenet_v2": mobilenet_v2,
        "mobilenet_v3": mobilenet_v3_large,
        "densenet": densenet121,
    }
    return unsettled(whole[name]()[0]), torch.randn(2, 3, 64, 64)


def kept(old: nn.Module, example: Tensor, change: Change) -> nn.Module:
    """The changed network, which computes the same, to 1e-5 in single and to 1e-10 in double precision."""
    for dtype, most in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        typed, inputs = deepcopy(old).to(dtype), example.to(dtype)
        new = change(typed, inputs)
        assert difference(typed, new, inputs) <= most
    assert not new.training
    return new


def difference(old: nn.Module, new: nn.Module, example: Tensor) -> float:
    """The largest difference of outputs, in units of the largest output where that is above 1."""
    random = torch.Generator().manual_seed(1)
    inputs = torch.randn(example.shape, generator=random).to(example)
    with torch.no_grad():
        before, after = old(inputs), new(inputs)
    assert before.std() > 1e-3
    return float((before - after).abs().max() / before.abs().max().clamp_min(1.0))
