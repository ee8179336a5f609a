"""The controller: an LSTM that chooses each token given those before, and its training."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from accel_models.threads import one_thread

HIDDEN = 48
"""Units of the LSTM."""

WEIGHT_RANGE = 0.08
"""Weights begin uniform between plus and minus this (Zoph and Le, 2017, section 4.1)."""


class Controller(nn.Module):
    """Distribution over sequences of tokens: p(a) = prod_i p(a_i | a_1 ... a_(i-1)).

    Args:
        counts: number of tokens to choose from in each of the `d` places.
        seed: of the initial weights.
    """

    def __init__(self, counts: Sequence[int], seed: int) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(HIDDEN, HIDDEN)
        self.start = nn.Parameter(torch.zeros(HIDDEN))
        self.embeddings = nn.ModuleList(nn.Embedding(count, HIDDEN) for count in counts)
        self.heads = nn.ModuleList(nn.Linear(HIDDEN, count) for count in counts)
        stream = torch.Generator().manual_seed(seed)
        for weights in self.parameters():
            nn.init.uniform_(weights, -WEIGHT_RANGE, WEIGHT_RANGE, generator=stream)

    @one_thread()
    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Tokens [n, d] drawn from the distribution."""
        uniform = torch.from_numpy(rng.random((n, len(self.heads), 1))).float()
        chosen: list[Tensor] = []
        state, seen = None, self.start.expand(n, -1)
        for place, head in enumerate(self.heads):
            state = self.cell(seen, state)
            reached = torch.softmax(head(state[0]), dim=-1).cumsum(dim=-1)
            chosen.append((uniform[:, place] > reached[:, :-1]).sum(dim=-1))
            seen = self.embeddings[place](chosen[-1])
        return torch.stack(chosen, dim=1).numpy()

    def log_probabilities(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Of sequences [n, d]: log p(a) [n], and the entropy [n] of the choices, summed over places."""
        state, seen = None, self.start.expand(len(tokens), -1)
        chosen, entropies = [], []
        for place, head in enumerate(self.heads):
            state = self.cell(seen, state)
            logs = torch.log_softmax(head(state[0]), dim=-1)
            chosen.append(logs.gather(1, tokens[:, place : place + 1])[:, 0])
            entropies.append(-(logs.exp() * logs).sum(dim=-1))
            seen = self.embeddings[place](tokens[:, place])
        return torch.stack(chosen).sum(dim=0), torch.stack(entropies).sum(dim=0)
