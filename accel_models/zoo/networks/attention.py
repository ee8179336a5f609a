"""Building blocks of the transformers: attention with optional cache, and the residual block around it."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class Attention(nn.Module):
    """Multi-head attention (arXiv 1706.03762); query, key and value projections are one matrix product.

    Fewer key-value heads than query heads: grouped queries (arXiv 2305.13245). `rotary`: positions are
    rotations of query and key (arXiv 2104.09864); else positions are someone else's business.
    """

    rotary: Tensor | None

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        bias: bool = True,
        causal: bool = False,
        rotary: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.depth = heads, kv_heads or heads, width // heads
        self.causal = causal
        self.register_buffer("rotary", rotary, persistent=False)
        self.project_in = nn.Linear(width, (heads + 2 * self.kv_heads) * self.depth, bias=bias)
        self.project_out = nn.Linear(width, width, bias=bias)

    def forward(self, x: Tensor, cache: Tensor | None = None) -> Tensor:
        """Tokens (n, t, width) to the same; `cache` (2, n, kv_heads, positions, depth) ends with them."""
        n, t, width = x.shape
        split = (self.heads, self.kv_heads, self.kv_heads)
        qkv = self.project_in(x).view(n, t, sum(split), self.depth).transpose(1, 2)  # n heads t depth
        q, k, v = qkv.split(split, dim=1)
        if self.rotary is not None:
            q, k = rotate(q, self.rotary), rotate(k, self.rotary)
        if cache is not None:
            cache[0, :, :, -t:], cache[1, :, :, -t:] = k, v
            k, v = cache.unbind(0)
        y = scaled_dot_product_attention(
            q, k, v, is_causal=self.causal and cache is None, enable_gqa=self.kv_heads < self.heads
        )
        out: Tensor = self.project_out(y.transpose(1, 2).reshape(n, t, width))
        return out


def rotate(x: Tensor, rotary: Tensor) -> Tensor:
    """Rotate pairs of channels: `x` (n, heads, t, depth), `rotary` (2, t, depth) holds cosines and sines."""
    left, right = x.chunk(2, dim=-1)
    cosine, sine = rotary.unbind(0)
    return x * cosine + torch.cat([-right, left], dim=-1) * sine


class Block(nn.Module):
    """Attention and feed-forward, each with residual and norm; the norm first (GPT) or last (BERT)."""

    def __init__(
        self, attention: Attention, feed_forward: nn.Module, norms: nn.ModuleList, *, norm_first: bool
    ) -> None:
        super().__init__()
        self.attention, self.feed_forward, self.norms = attention, feed_forward, norms
        self.norm_first = norm_first

    def forward(self, x: Tensor, cache: Tensor | None = None) -> Tensor:
        """Tokens (n, t, width) to the same; `cache` as in `Attention`."""
        before, after = self.norms
        if self.norm_first:
            x = x + self.attention(before(x), cache)
            x = x + self.feed_forward(after(x))
        else:
            x = before(x + self.attention(x, cache))
            x = after(x + self.feed_forward(x))
        return x


def block(
    width: int, heads: int, *, epsilon: float, ratio: int = 4, causal: bool = False, norm_first: bool = True
) -> Block:
    """The classic block: layer norm, biases, a GELU between width and `ratio` times the width."""
    inner = ratio * width
    feed_forward = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
    norms = nn.ModuleList(nn.LayerNorm(width, eps=epsilon) for _ in range(2))
    return Block(Attention(width, heads, causal=causal), feed_forward, norms, norm_first=norm_first)
