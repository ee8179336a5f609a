"""ResNet-18 and ResNet-50."""

from torch import Tensor, nn

from accel_models.zoo.networks import Definition
from accel_models.zoo.networks.mobile import ConvNorm, image


class Residual(nn.Module):
    """`relu(steps(x) + shortcut(x))`."""

    def __init__(self, steps: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.steps, self.shortcut, self.act = steps, shortcut, nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y: Tensor = self.act(self.steps(x) + self.shortcut(x))
        return y


def basic(inputs: int, width: int, stride: int) -> nn.Module:
    """Two 3 x 3 convolutions."""
    return nn.Sequential(
        ConvNorm(inputs, width, 3, stride=stride, activation=nn.ReLU), ConvNorm(width, width, 3)
    )


def bottleneck(inputs: int, width: int, stride: int) -> nn.Module:
    """1 x 1, 3 x 3, 1 x 1; the stride is in the 3 x 3, as all frameworks have it ("v1.5")."""
    return nn.Sequential(
        ConvNorm(inputs, width, activation=nn.ReLU),
        ConvNorm(width, width, 3, stride=stride, activation=nn.ReLU),
        ConvNorm(width, 4 * width),
    )


def resnet(blocks: tuple[int, ...], *, deep: bool) -> Definition:
    """Stem, four stages of 64, 128, 256 and 512, classifier; `deep` takes bottlenecks."""
    layers: list[nn.Module] = [ConvNorm(3, 64, 7, stride=2, activation=nn.ReLU), nn.MaxPool2d(3, 2, 1)]
    inputs = 64
    for stage, count in enumerate(blocks):
        width = 64 * 2**stage
        outputs = 4 * width if deep else width
        for i in range(count):
            stride = 2 if stage > 0 and i == 0 else 1
            steps = bottleneck(inputs, width, stride) if deep else basic(inputs, width, stride)
            same = stride == 1 and inputs == outputs
            layers.append(Residual(steps, nn.Identity() if same else ConvNorm(inputs, outputs, stride=stride)))
            inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 1000)), (image(),)


def resnet18() -> Definition:
    """He et al., "Deep residual learning for image recognition", arXiv 1512.03385; 224 x 224."""
    return resnet((2, 2, 2, 2), deep=False)


def resnet50() -> Definition:
    """He et al., "Deep residual learning for image recognition", arXiv 1512.03385; 224 x 224."""
    return resnet((3, 4, 6, 3), deep=True)
