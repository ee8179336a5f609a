"""What a controller learns: policy gradients on the trials told, and maximum likelihood on the best of them.

Policy gradients are for trials that the policy itself proposed, but anyone may have proposed these. So a
trial's gradient is bounded, by the clipped ratio to its probability when the controller first learns of it
(PPO, Schulman et al., 2017, arXiv 1707.06347, equation 7), and most is learned from a queue of the best
trials, whose likelihood rises whoever proposed them (Abolafia et al., 2018).
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollo_dse.ensemble import best_of
from apollo_dse.optimizers.reinforce.controller import Controller
from apollo_dse.optimizers.reinforce.tokens import Tokens
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.space import Point

MINIBATCH, STEPS = 8, 12
"""Trials that the controller learns of at once, and steps of Adam that it then makes."""

WINDOW = 256
"""A trial's reward is the share that it beats of so many trials before it and of its minibatch."""

BASELINE = 0.9
"""Share of itself that the moving average of rewards keeps over a minibatch."""

CLIP = 0.2
"""A trial is pushed no further in one minibatch than its probability changes by this share."""


class Policy:
    """A controller of a problem's points, and what it learned of its trials so far.

    A reward is a rank among earlier trials, from 0 to 1, so that limits, failures, several objectives and any
    scale of the losses are in it. A trial of the queue teaches its neighbours, too: the weight of a number's
    other values falls by `decay` with each step.

    Args:
        problem: what is searched; a parameter of its space must have a choice.
        seed: of the weights.
        learning_rate: of Adam.
        entropy: weight of the entropy bonus.
        queue: number of best trials whose likelihood rises.
        decay: how much a value next to a good one counts.
        tasks: that share the controller (`Controller`); the problem is the last one.

    Attributes:
        best: the queue.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        learning_rate: float,
        entropy: float,
        queue: int,
        decay: float,
        tasks: int = 0,
    ) -> None:
        self.problem = problem
        self.tokens = Tokens(problem.space)
        self.controller = Controller(self.tokens.counts, seed, tasks)
        self.adam = torch.optim.Adam(self.controller.parameters(), lr=learning_rate)
        self.near = torch.from_numpy(self.tokens.nearness(decay))
        self.task = tasks - 1
        self.best: list[Trial] = []
        self._entropy, self._queue = entropy, queue
        self._minibatches, self._average = 0, 0.5

    def points(self, n: int, rng: np.random.Generator) -> list[Point]:
        """Points drawn from the controller; some may be known, or against the rules."""
        return self.tokens.points(self.controller.sample(n, rng, self.task), rng)

    def around(self, tokens: Tensor) -> Tensor:
        """Distribution [n, d, k] over tokens that each sequence [n, d] teaches: itself and its neighbours."""
        return self.near[torch.arange(tokens.shape[1]), tokens]

    def catch_up(self, trials: Sequence[Trial]) -> None:
        """Learn, one whole minibatch after the other, of the trials told since the last time."""
        while (start := self._minibatches * MINIBATCH) + MINIBATCH <= len(trials):
            window = trials[max(0, start - WINDOW) : start + MINIBATCH]
            inside = [trial.point in self.problem.space for trial in window]
            batch = [
                trial for trial, keep in zip(window[-MINIBATCH:], inside[-MINIBATCH:], strict=True) if keep
            ]
            if batch:
                rewards = shares_beaten(rank(self.problem, window))[-MINIBATCH:][inside[-MINIBATCH:]]
                self.best = best_of(self.problem, [*self.best, *batch], self._queue)
                self._learn(batch, rewards - self._average)
                self._average += (1 - BASELINE) * (float(rewards.mean()) - self._average)
            self._minibatches += 1

    def _learn(self, batch: Sequence[Trial], advantages: NDArray[np.float64]) -> None:
        """Some steps up the reward of a minibatch, the likelihood of the queue, and the entropy."""
        gains = torch.from_numpy(advantages).float()  # [b]
        tokens, best = (
            torch.from_numpy(self.tokens.of([trial.point for trial in trials])) for trials in (batch, self.best)
        )
        near = self.around(best)  # [q, d, k]
        before: Tensor | None = None
        for _ in range(STEPS):
            logs = self.controller(torch.cat([tokens, best]), self.task)  # [b + q, d, k]
            chosen = logs[: len(batch)].gather(2, tokens[..., None]).sum((1, 2))  # [b]
            before = chosen.detach() if before is None else before
            ratio = (chosen - before).exp()
            reward = torch.minimum(ratio * gains, ratio.clamp(1 - CLIP, 1 + CLIP) * gains).mean()
            likelihood = (near * logs[len(batch) :]).sum((1, 2)).mean()
            entropy = -(logs.exp() * logs).sum((1, 2)).mean()
            self.adam.zero_grad()
            (-reward - likelihood - self._entropy * entropy).backward()
            self.adam.step()


def shares_beaten(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the other ranks [n] that each of them beats [n], those that tie by half."""
    wins = (ranks[:, None] < ranks).sum(axis=1) + 0.5 * (ranks[:, None] == ranks).sum(axis=1)
    shares: NDArray[np.float64] = wins / len(ranks)
    return shares
