"""FBNets (arXiv 1812.03443)."""

from torch import Tensor, nn

from accel_models.zoo.networks.mobile import ConvNorm
from search_spaces.networks.fbnet import BLOCKS, DEPTHS, SKIP, STEM_WIDTH, WIDTHS, Block, Images
from search_spaces.space import Point


class Bottleneck(nn.Module):
    """An inverted bottleneck whose 1 x 1 convolutions may be grouped, the channels shuffled between."""

    def __init__(self, block: Block, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        inner, groups = inputs * block.expansion, block.groups
        self.expand = ConvNorm(inputs, inner, groups=groups, activation=nn.ReLU)
        self.shuffle = nn.ChannelShuffle(groups) if groups > 1 else nn.Identity()
        self.filter = ConvNorm(inner, inner, block.taps, stride=stride, groups=inner, activation=nn.ReLU)
        self.project = ConvNorm(inner, outputs, groups=groups)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, inputs, h, w) to (n, outputs, h / stride, w / stride)."""
        y: Tensor = self.project(self.filter(self.shuffle(self.expand(x))))
        return x + y if self.residual else y


def fbnet(point: Point, images: Images) -> nn.Module:
    """The network of a point of the space: images [n, 3, size, size] to scores [n, classes]."""
    steps: list[nn.Module] = [ConvNorm(3, STEM_WIDTH, 3, stride=images.stem_stride, activation=nn.ReLU)]
    width, number = STEM_WIDTH, 0
    for outputs, depth, first_stride in zip(WIDTHS, DEPTHS, images.strides, strict=True):
        for stride in (first_stride, *(1,) * (depth - 1)):
            choice = str(point[f"block{number}"])
            if choice != SKIP:
                steps.append(Bottleneck(BLOCKS[choice], width, outputs, stride))
            elif stride > 1 or width != outputs:
                steps.append(ConvNorm(width, outputs, stride=stride, activation=nn.ReLU))
            width, number = outputs, number + 1
    steps += [ConvNorm(width, images.head_width, activation=nn.ReLU), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*steps, nn.Linear(images.head_width, images.classes))
