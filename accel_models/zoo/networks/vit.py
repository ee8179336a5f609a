"""ViT-B/16."""

import torch
from torch import Tensor, nn

from accel_models.zoo.networks import Definition
from accel_models.zoo.networks.attention import block
from accel_models.zoo.networks.mobile import image

PATCH, WIDTH, HEADS, BLOCKS, TOKENS = 16, 768, 12, 12, (224 // 16) ** 2 + 1


class VisionTransformer(nn.Module):
    """Patches as tokens, a class token before them, an encoder, a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.class_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.zeros(1, TOKENS, WIDTH))
        self.blocks = nn.Sequential(*(block(WIDTH, HEADS, epsilon=1e-6) for _ in range(BLOCKS)))
        self.norm, self.head = nn.LayerNorm(WIDTH, eps=1e-6), nn.Linear(WIDTH, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Images (n, 3, 224, 224) to class scores (n, 1000)."""
        patches = self.patches(x).flatten(2).transpose(1, 2)  # n tokens width
        tokens = torch.cat([self.class_token.expand(len(x), -1, -1), patches], dim=1) + self.positions
        scores: Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return scores


def vit_b16() -> Definition:
    """Dosovitskiy et al., "An image is worth 16x16 words", arXiv 2010.11929; 224 x 224, 197 tokens."""
    return VisionTransformer(), (image(),)
