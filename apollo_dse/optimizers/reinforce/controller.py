"""The controller: an LSTM that chooses each token given those before it (Zoph and Le, 2017, section 3).

Of several tasks it sees an embedding of the task beside each token (Wong, Houlsby, Lu, Gesmundo, "Transfer
Learning with Neural AutoML", NeurIPS 2018, arXiv 1803.02780).
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

HIDDEN = 48
"""Units of the LSTM, and numbers that a token is embedded in."""

TASK = 16
"""Numbers that a task is embedded in."""

WEIGHT_RANGE = 0.08
"""Weights begin uniform between plus and minus this (Zoph and Le, 2017, section 4.1)."""


class Controller(nn.Module):
    """Distribution over sequences of `d` tokens: p(a) = prod_i p(a_i | a_1 ... a_(i-1)).

    Args:
        counts: number of tokens to choose from in each of the `d` places; `k` is the largest.
        seed: of the initial weights.
        tasks: number of tasks that share the controller, each with an embedding; 0: there is nothing to tell
            apart, and `task` is not looked at.
    """

    def __init__(self, counts: Sequence[int], seed: int, tasks: int = 0) -> None:
        super().__init__()
        d, k = len(counts), max(counts)
        self.start = nn.Parameter(torch.empty(HIDDEN))
        self.embeddings = nn.Parameter(torch.empty(d, k, HIDDEN))
        self.lstm = nn.LSTM(HIDDEN + TASK * (tasks > 0), HIDDEN, batch_first=True)
        self.weights = nn.Parameter(torch.empty(d, HIDDEN, k))
        self.biases = nn.Parameter(torch.empty(d, k))
        self.tasks = nn.Parameter(torch.empty(tasks, TASK)) if tasks else None
        self._closed = torch.arange(k) >= torch.tensor(counts)[:, None]
        stream = torch.Generator().manual_seed(seed)
        for weights in self.parameters():
            nn.init.uniform_(weights, -WEIGHT_RANGE, WEIGHT_RANGE, generator=stream)
        if self.tasks is not None:
            nn.init.uniform_(self.tasks, -1.0, 1.0, generator=stream)  # far enough apart to matter at once

    def forward(self, tokens: Tensor, task: int | Tensor = 0) -> Tensor:
        """Log-probability [n, d, k] of each token in each place, given the tokens [n, d] before it.

        Args:
            tokens: [n, d].
            task: whose distribution; or one for each sequence [n].
        """
        places = torch.arange(len(self.biases) - 1)
        seen = self.embeddings[places, tokens[:, :-1]]  # [n, d - 1, h]
        begun = torch.cat([self.start.expand(len(tokens), 1, -1), seen], dim=1)
        hidden, _ = self.lstm(self._of_task(begun, task))  # [n, d, h]
        return self._choices(hidden, slice(None))

    @torch.no_grad()
    def sample(self, n: int, rng: np.random.Generator, task: int = 0) -> NDArray[np.int64]:
        """Tokens [n, d] drawn from the distribution of a task."""
        uniform = torch.from_numpy(rng.random((n, len(self.biases)))).float()
        chosen: list[Tensor] = []
        seen, state = self.start.expand(n, 1, -1), None
        for place in range(len(self.biases)):
            hidden, state = self.lstm(self._of_task(seen, task), state)
            reached = self._choices(hidden, slice(place, place + 1)).exp().cumsum(dim=-1)[:, 0]  # [n, k]
            last = (~self._closed[place]).sum() - 1
            chosen.append((uniform[:, place, None] >= reached).sum(dim=-1).clamp_max(last))
            seen = self.embeddings[place, chosen[-1]][:, None]
        return torch.stack(chosen, dim=1).numpy()

    def _of_task(self, seen: Tensor, task: int | Tensor) -> Tensor:
        """What the LSTM sees [n, p, h] of a task: beside it the embedding, where tasks have one."""
        if self.tasks is None:
            return seen
        embedded = self.tasks[task].reshape(-1, 1, TASK)
        return torch.cat([seen, embedded.expand(*seen.shape[:2], -1)], dim=-1)

    def _choices(self, hidden: Tensor, places: slice) -> Tensor:
        """Log-probabilities [n, p, k] in the `p` places given, from what the LSTM has there [n, p, h]."""
        logits = torch.einsum("nph,phk->npk", hidden, self.weights[places]) + self.biases[places]
        return torch.log_softmax(
            logits.masked_fill(self._closed[places], torch.finfo(logits.dtype).min), dim=-1
        )
