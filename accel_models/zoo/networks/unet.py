"""The original U-Net."""

import torch
from torch import Tensor, nn

from accel_models.zoo.networks import Definition


def double_conv(inputs: int, outputs: int) -> nn.Module:
    """Two unpadded 3 x 3 convolutions: four rows and columns are lost."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3), nn.ReLU(), nn.Conv2d(outputs, outputs, 3), nn.ReLU())


class UNet(nn.Module):
    """Four halvings, four doublings, each joined by the cropped features of the same scale (figure 1)."""

    def __init__(self, channels: int = 1, classes: int = 2, width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**i for i in range(5)]
        self.down = nn.ModuleList(double_conv(a, b) for a, b in zip([channels, *widths], widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        self.grow = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in reversed(widths[:-1]))
        self.up = nn.ModuleList(double_conv(2 * w, w) for w in reversed(widths[:-1]))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, channels, 572, 572) to class scores (n, classes, 388, 388)."""
        kept: list[Tensor] = []
        for i, down in enumerate(self.down):
            x = down(self.pool(x) if i else x)
            kept.append(x)
        for grow, up, left in zip(self.grow, self.up, reversed(kept[:-1]), strict=True):
            x = grow(x)
            rows, columns = x.shape[2:]
            top, start = (left.shape[2] - rows) // 2, (left.shape[3] - columns) // 2
            x = up(torch.cat([left[:, :, top : top + rows, start : start + columns], x], dim=1))
        scores: Tensor = self.head(x)
        return scores


def unet() -> Definition:
    """Ronneberger et al., "U-Net: Convolutional networks for biomedical image segmentation", arXiv 1505.04597.

    The original: one channel of 572 x 572 in, unpadded convolutions, two classes of 388 x 388 out.
    """
    return UNet(), (torch.zeros(1, 1, 572, 572),)
