"""BERT-base."""

import torch
from torch import Tensor, nn

from accel_models.zoo.networks import Definition
from accel_models.zoo.networks.attention import block

VOCABULARY, POSITIONS, SEGMENTS, WIDTH, HEADS, BLOCKS = 30522, 512, 2, 768, 12, 12


class Bert(nn.Module):
    """Embeddings, encoder and pooler, without a task's head."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(POSITIONS, WIDTH)
        self.segments, self.norm = nn.Embedding(SEGMENTS, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        self.blocks = nn.Sequential(
            *(block(WIDTH, HEADS, epsilon=1e-12, norm_first=False) for _ in range(BLOCKS))
        )
        self.pooler = nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor, segments: Tensor) -> Tensor:
        """Token and segment numbers (n, t) to the pooled state (n, 768)."""
        positions = self.positions.weight[: tokens.shape[1]]
        x = self.norm(self.words(tokens) + self.segments(segments) + positions)
        return torch.tanh(self.pooler(self.blocks(x)[:, 0]))


def bert_base() -> Definition:
    """Devlin et al., "BERT: Pre-training of deep bidirectional transformers", arXiv 1810.04805; 384 tokens.

    384 is the sequence length of the question-answering task (SQuAD) in MLPerf Inference.
    """
    tokens = torch.zeros(1, 384, dtype=torch.long)
    return Bert(), (tokens, tokens)
