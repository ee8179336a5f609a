"""What a controller of several tasks learns from trials that others proposed: to write those that were good.

Policy gradients ask for trials of one's own. Of given ones advantages weigh how often each is learned by
maximum likelihood, `exp(advantage / TEMPERATURE)` (Peng, Kumar, Zhang, Levine, "Advantage-Weighted Regression",
2019, arXiv 1910.00177); they are normalized within each task (Wong et al., 2018). Some trials are held out, to
stop in time.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import inf
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollo_dse.optimizers.reinforce.policy import Policy

TEMPERATURE = 0.2
"""Standard deviations of reward by which a trial is e times as likely to be learned."""

MINIBATCH = 16
"""Trials of each task that a step learns of."""

HELD_OUT, CHECKED = 0.25, 10
"""Share of the trials by which is judged what was learned, and after how many steps each time."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """Trials of one task.

    Attributes:
        tokens: [n, d].
        known: [d] whether the task has the parameter of a place.
        odds: [n] of learning each trial; 0 of those that are held out.
        held_out: [n] weights of those that are, 0 of the others; both sum to 1.
    """

    tokens: Tensor
    known: Tensor
    odds: NDArray[np.float64]
    held_out: Tensor

    @classmethod
    def of(
        cls,
        tokens: NDArray[np.int64],
        rewards: NDArray[np.float64],
        known: Sequence[bool],
        rng: np.random.Generator,
    ) -> Self:
        """The lesson of trials [n, d] with rewards [n]."""
        spread = max(float(rewards.std()), 1e-9)
        odds = np.exp((rewards - rewards.mean()) / spread / TEMPERATURE)
        kept = rng.permutation(len(odds)) >= HELD_OUT * len(odds)
        learned, held_out = odds * kept, odds * ~kept
        return cls(
            torch.from_numpy(tokens),
            torch.tensor(known),
            learned / learned.sum(),
            torch.from_numpy(held_out / max(held_out.sum(), 1e-9)).float(),
        )


def taught(policy: Policy, lessons: Sequence[Lesson], steps: int, rng: np.random.Generator) -> None:
    """Pre-train a policy's controller, one task a lesson, all of them in each step.

    It ends up with the weights under which trials that were held out were likeliest.
    """
    controller, rows = policy.controller, [np.arange(len(lesson.odds)) for lesson in lessons]
    held_out = torch.cat([lesson.held_out for lesson in lessons])
    best, kept = -inf, controller.state_dict()
    for step in range(steps + 1):
        if step % CHECKED == 0:
            with torch.no_grad():
                reached = float(held_out @ _likelihoods(policy, lessons, rows))
            if reached > best:
                best, kept = reached, deepcopy(controller.state_dict())
        drawn = [rng.choice(len(lesson.odds), MINIBATCH, p=lesson.odds) for lesson in lessons]
        policy.adam.zero_grad()
        (-_likelihoods(policy, lessons, drawn).mean()).backward()  # type: ignore[no-untyped-call]
        policy.adam.step()
    controller.load_state_dict(kept)


def _likelihoods(policy: Policy, lessons: Sequence[Lesson], rows: Sequence[NDArray[np.int64]]) -> Tensor:
    """Log-likelihoods [b] of some trials of each lesson and their neighbours, in the places that it knows."""
    tasks = torch.arange(len(lessons)).repeat_interleave(torch.tensor(list(map(len, rows))))
    tokens = torch.cat([lesson.tokens[row] for lesson, row in zip(lessons, rows, strict=True)])
    known = torch.stack([lesson.known for lesson in lessons])[tasks]
    likelihoods: Tensor = ((policy.around(tokens) * policy.controller(tokens, tasks)).sum(2) * known).sum(1)
    return likelihoods
