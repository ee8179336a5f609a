"""GPT-2 (small): reading a prompt, and writing one token."""

import torch
from torch import Tensor, nn

from accel_models.zoo.networks import Definition
from accel_models.zoo.networks.attention import block

VOCABULARY, POSITIONS, WIDTH, HEADS, BLOCKS = 50257, 1024, 768, 12, 12


class GPT2(nn.Module):
    """Embeddings, decoder, and scores by the word embedding itself (tied weights)."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(POSITIONS, WIDTH)
        self.blocks = nn.ModuleList(block(WIDTH, HEADS, epsilon=1e-5, causal=True) for _ in range(BLOCKS))
        self.norm = nn.LayerNorm(WIDTH)
        self.scores = nn.Linear(WIDTH, VOCABULARY, bias=False)
        self.scores.weight = self.words.weight

    def forward(self, tokens: Tensor, caches: Tensor | None = None) -> Tensor:
        """Tokens (n, t) to scores (n, t, 50257); `caches` (12, 2, n, 12, positions, 64) end with them."""
        t = tokens.shape[1]
        end = t if caches is None else caches.shape[4]
        x = self.words(tokens) + self.positions.weight[end - t : end]
        for i, layer in enumerate(self.blocks):
            x = layer(x, None if caches is None else caches[i])
        scores: Tensor = self.scores(self.norm(x))
        return scores


def gpt2_prefill() -> Definition:
    """Radford et al., "Language models are unsupervised multitask learners", 2019; a prompt of 1024 tokens.

    All 1024 tokens are scored, and attention is counted as dense (without the saving of the causal mask).
    """
    return GPT2(), (torch.zeros(1, 1024, dtype=torch.long),)


def gpt2_decode() -> Definition:
    """Radford et al., 2019; one token that attends to 1024 positions, itself included."""
    return GPT2(), (
        torch.zeros(1, 1, dtype=torch.long),
        torch.zeros(BLOCKS, 2, 1, HEADS, POSITIONS, WIDTH // HEADS),
    )
