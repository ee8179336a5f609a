"""A Llama-style language model of 1.1 billion parameters: reading a prompt, and writing one token."""

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from accel_models.zoo.networks import Definition
from accel_models.zoo.networks.attention import Attention, Block

VOCABULARY, WIDTH, HEADS, KV_HEADS, BLOCKS, HIDDEN = 32000, 2048, 32, 4, 22, 5632
DEPTH = WIDTH // HEADS


class SwiGLU(nn.Module):
    """Gated feed-forward (Shazeer, "GLU variants improve transformer", arXiv 2002.05202)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate, self.up = (nn.Linear(WIDTH, HIDDEN, bias=False) for _ in range(2))
        self.down = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Tokens (n, t, width) to the same."""
        y: Tensor = self.down(silu(self.gate(x)) * self.up(x))
        return y


class Llama(nn.Module):
    """Embedding, decoder with rotary positions (the tokens' `positions`), root-mean-square norms, scores."""

    def __init__(self, positions: range) -> None:
        super().__init__()
        rotary = cosines_and_sines(positions)
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.blocks = nn.ModuleList(llama_block(rotary) for _ in range(BLOCKS))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-5)
        self.scores = nn.Linear(WIDTH, VOCABULARY, bias=False)

    def forward(self, tokens: Tensor, caches: Tensor | None = None) -> Tensor:
        """Tokens (n, t) to scores (n, t, 32000); `caches` (22, 2, n, 4, positions, 64) end with them."""
        x = self.words(tokens)
        for i, layer in enumerate(self.blocks):
            x = layer(x, None if caches is None else caches[i])
        scores: Tensor = self.scores(self.norm(x))
        return scores


def llama_block(rotary: Tensor) -> Block:
    """Grouped-query attention and gated feed-forward, norm first, no biases."""
    attention = Attention(WIDTH, HEADS, kv_heads=KV_HEADS, bias=False, causal=True, rotary=rotary)
    norms = nn.ModuleList(nn.RMSNorm(WIDTH, eps=1e-5) for _ in range(2))
    return Block(attention, SwiGLU(), norms, norm_first=True)


def cosines_and_sines(positions: range) -> Tensor:
    """Rotary table (2, t, depth), arXiv 2104.09864: a constant, computed once."""
    frequencies = 10000.0 ** (-torch.arange(0, DEPTH, 2) / DEPTH)
    angles = torch.outer(torch.arange(positions.start, positions.stop), frequencies).repeat(1, 2)
    return torch.stack([angles.cos(), angles.sin()])


def llama_1b_prefill() -> Definition:
    """Zhang et al., "TinyLlama: An open-source small language model", arXiv 2401.02385; a prompt of 512 tokens.

    The architecture is that of Llama 2 (Touvron et al., arXiv 2307.09288) with grouped queries. All 512
    tokens are scored, and attention is counted as dense (without the saving of the causal mask).
    """
    return Llama(range(512)), (torch.zeros(1, 512, dtype=torch.long),)


def llama_1b_decode() -> Definition:
    """Zhang et al., arXiv 2401.02385; one token that attends to 1024 positions, itself included."""
    return Llama(range(1023, 1024)), (
        torch.zeros(1, 1, dtype=torch.long),
        torch.zeros(BLOCKS, 2, 1, KV_HEADS, 1024, DEPTH),
    )
