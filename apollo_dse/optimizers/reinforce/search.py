"""The optimizer: policy gradients on the trials told, and maximum likelihood on the best of them.

Policy gradients are for trials that the policy itself proposed, but anyone may have proposed these. So a
trial's gradient is bounded, by the clipped ratio to its probability when the controller first learns of it
(PPO, Schulman et al., 2017, arXiv 1707.06347, equation 7), and most is learned from a queue of the best
trials, whose likelihood rises whoever proposed them (Abolafia et al., 2018).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.threads import one_thread
from apollo_dse.ensemble import best_of
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.reinforce.controller import Controller
from apollo_dse.optimizers.reinforce.tokens import Tokens
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.parameter import Ordinal, Real
from search_spaces.space import Point, SearchSpace

INITIAL = 32
"""Uniform draws before the controller's first samples; it learns of them, too."""

MINIBATCH, STEPS = 8, 12
"""Trials that the controller learns of at once, and steps of Adam that it then makes."""

WINDOW = 256
"""A trial's reward is the share that it beats of so many trials before it and of its minibatch."""

BASELINE = 0.9
"""Share of itself that the moving average of rewards keeps over a minibatch."""

CLIP = 0.2
"""A trial is pushed no further in one minibatch than its probability changes by this share."""


class Reinforce(History):
    """Samples points from the controller, which every `MINIBATCH` trials told push towards the better ones.

    A reward is a rank among earlier trials, from 0 to 1, so that limits, failures, several objectives and any
    scale of the losses are in it. A trial of the queue teaches its neighbours, too: the weight of a number's
    other values falls by `decay` with each step.

    Args:
        problem: what is searched.
        seed: of the weights and of the random stream, at least 0.
        learning_rate: of Adam, above 0.
        entropy: weight of the entropy bonus, at least 0.
        queue: number of best trials whose likelihood rises, at least 1.
        decay: how much a value next to a good one counts, from 0 to below 1.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (
            Real("learning_rate", 0.002, 0.05, log=True),
            Real("entropy", 0.001, 0.1, log=True),
            Ordinal("queue", (3, 5, 8, 16, 32)),
            Real("decay", 0.0, 0.5),
        )
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        learning_rate: float = 0.01,
        entropy: float = 0.02,
        queue: int = 5,
        decay: float = 0.15,
    ) -> None:
        super().__init__(problem, seed)
        if not (learning_rate > 0 and entropy >= 0):
            got = f"learning_rate={learning_rate}, entropy={entropy}"
            raise ValueError(f"`learning_rate > 0` and `entropy >= 0` must hold, but got {got}")
        if not (queue >= 1 and 0 <= decay < 1):
            raise ValueError(
                f"`queue >= 1` and `0 <= decay < 1` must hold, but got queue={queue}, decay={decay}"
            )
        self.learning_rate = learning_rate
        self.entropy = entropy
        self.queue = queue
        self.decay = decay
        self.best: list[Trial] = []
        self._tokens = Tokens(problem.space)
        self._minibatches, self._average = 0, 0.5
        if self._tokens.counts:
            self._near = torch.from_numpy(self._tokens.nearness(decay))
            self._controller = Controller(self._tokens.counts, seed)
            self._adam = torch.optim.Adam(self._controller.parameters(), lr=learning_rate)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {name: getattr(self, name) for name in ("seed", "learning_rate", "entropy", "queue", "decay")}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if len(self.trials) < INITIAL or not self._tokens.counts:
            return fresh(self.problem, rng, n, self.known)
        waiting: list[Point] = []

        def sampled() -> Point:
            if not waiting:
                waiting.extend(self._tokens.points(self._controller.sample(4 * max(n, MINIBATCH), rng), rng))
            return waiting.pop()

        with one_thread():
            self._catch_up()
            return fresh(self.problem, rng, n, self.known, sampled)

    def _catch_up(self) -> None:
        """Learn, one whole minibatch after the other, of the trials told since the last time."""
        while (start := self._minibatches * MINIBATCH) + MINIBATCH <= len(self.trials):
            window = self.trials[max(0, start - WINDOW) : start + MINIBATCH]
            inside = [trial.point in self.problem.space for trial in window]
            batch = [
                trial for trial, keep in zip(window[-MINIBATCH:], inside[-MINIBATCH:], strict=True) if keep
            ]
            if batch:
                rewards = shares_beaten(rank(self.problem, window))[-MINIBATCH:][inside[-MINIBATCH:]]
                self.best = best_of(self.problem, [*self.best, *batch], self.queue)
                self._learn(batch, rewards - self._average)
                self._average += (1 - BASELINE) * (float(rewards.mean()) - self._average)
            self._minibatches += 1

    def _learn(self, batch: Sequence[Trial], advantages: NDArray[np.float64]) -> None:
        """Some steps up the reward of a minibatch, the likelihood of the queue, and the entropy."""
        gains = torch.from_numpy(advantages).float()  # [b]
        tokens, best = (
            torch.from_numpy(self._tokens.of([trial.point for trial in trials]))
            for trials in (batch, self.best)
        )
        near = self._near[torch.arange(best.shape[1]), best]  # [q, d, k]
        before: Tensor | None = None
        for _ in range(STEPS):
            logs = self._controller(torch.cat([tokens, best]))  # [b + q, d, k]
            chosen = logs[: len(batch)].gather(2, tokens[..., None]).sum((1, 2))  # [b]
            before = chosen.detach() if before is None else before
            ratio = (chosen - before).exp()
            reward = torch.minimum(ratio * gains, ratio.clamp(1 - CLIP, 1 + CLIP) * gains).mean()
            likelihood = (near * logs[len(batch) :]).sum((1, 2)).mean()
            entropy = -(logs.exp() * logs).sum((1, 2)).mean()
            self._adam.zero_grad()
            (-reward - likelihood - self.entropy * entropy).backward()
            self._adam.step()


def shares_beaten(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the other ranks [n] that each of them beats [n], those that tie by half."""
    wins = (ranks[:, None] < ranks).sum(axis=1) + 0.5 * (ranks[:, None] == ranks).sum(axis=1)
    shares: NDArray[np.float64] = wins / len(ranks)
    return shares
