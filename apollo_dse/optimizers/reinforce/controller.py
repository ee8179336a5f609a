"""The controller: an LSTM that chooses each token given those before it (Zoph and Le, 2017, section 3)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

HIDDEN = 48
"""Units of the LSTM, and numbers that a token is embedded in."""

WEIGHT_RANGE = 0.08
"""Weights begin uniform between plus and minus this (Zoph and Le, 2017, section 4.1)."""


class Controller(nn.Module):
    """Distribution over sequences of `d` tokens: p(a) = prod_i p(a_i | a_1 ... a_(i-1)).

    Args:
        counts: number of tokens to choose from in each of the `d` places; `k` is the largest.
        seed: of the initial weights.
    """

    def __init__(self, counts: Sequence[int], seed: int) -> None:
        super().__init__()
        d, k = len(counts), max(counts)
        self.start = nn.Parameter(torch.empty(HIDDEN))
        self.embeddings = nn.Parameter(torch.empty(d, k, HIDDEN))
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, batch_first=True)
        self.weights = nn.Parameter(torch.empty(d, HIDDEN, k))
        self.biases = nn.Parameter(torch.empty(d, k))
        self._closed = torch.arange(k) >= torch.tensor(counts)[:, None]
        stream = torch.Generator().manual_seed(seed)
        for weights in self.parameters():
            nn.init.uniform_(weights, -WEIGHT_RANGE, WEIGHT_RANGE, generator=stream)

    def forward(self, tokens: Tensor) -> Tensor:
        """Log-probability [n, d, k] of each token in each place, given the tokens [n, d] before it."""
        places = torch.arange(len(self.biases) - 1)
        seen = self.embeddings[places, tokens[:, :-1]]  # [n, d - 1, h]
        hidden, _ = self.lstm(torch.cat([self.start.expand(len(tokens), 1, -1), seen], dim=1))  # [n, d, h]
        return self._choices(hidden, slice(None))

    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Tokens [n, d] drawn from the distribution."""
        uniform = torch.from_numpy(rng.random((n, len(self.biases)))).float()
        chosen: list[Tensor] = []
        seen, state = self.start.expand(n, 1, -1), None
        for place in range(len(self.biases)):
            hidden, state = self.lstm(seen, state)
            reached = self._choices(hidden, slice(place, place + 1)).exp().cumsum(dim=-1)[:, 0]  # [n, k]
            last = (~self._closed[place]).sum() - 1
            chosen.append((uniform[:, place, None] >= reached).sum(dim=-1).clamp_max(last))
            seen = self.embeddings[place, chosen[-1]][:, None]
        return torch.stack(chosen, dim=1).numpy()

    def _choices(self, hidden: Tensor, places: slice) -> Tensor:
        """Log-probabilities [n, p, k] in the `p` places given, from what the LSTM has there [n, p, h]."""
        logits = torch.einsum("nph,phk->npk", hidden, self.weights[places]) + self.biases[places]
        return torch.log_softmax(
            logits.masked_fill(self._closed[places], torch.finfo(logits.dtype).min), dim=-1
        )
