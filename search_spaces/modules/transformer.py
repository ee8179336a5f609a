"""Transformer encoders (arXiv 1810.04805)."""

import torch
from torch import Tensor, nn

from accel_models.zoo.networks.attention import block
from search_spaces.networks.transformer import VOCABULARY

EPSILON = 1e-12


class Encoder(nn.Module):
    """Embeddings of tokens and positions, layers, a pooler; without a task's head."""

    def __init__(self, layers: int, width: int, heads: int, ratio: int, tokens: int) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(VOCABULARY, width), nn.Embedding(tokens, width)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.layers = nn.Sequential(
            *(block(width, heads, epsilon=EPSILON, ratio=ratio, norm_first=False) for _ in range(layers))
        )
        self.pooler = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Numbers of tokens (n, t) to states of the first (n, width)."""
        x = self.norm(self.words(tokens) + self.positions.weight[: tokens.shape[1]])
        return torch.tanh(self.pooler(self.layers(x)[:, 0]))
