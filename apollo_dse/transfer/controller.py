"""One recurrent controller for all tasks, each with an embedding of its own, taught by the priors first.

Wong, Houlsby, Lu, Gesmundo, "Transfer Learning with Neural AutoML", NeurIPS 2018, arXiv 1803.02780: one is
trained on several tasks in parallel, its tokens conditioned on a learned embedding of the task, advantages
normalized within each task; a new task gets a new embedding, and reinforcement learning goes on.

Their controller proposed its own trials on all tasks; priors are trials that others proposed (`lessons`). A
new embedding begins at the mean of the priors', the nearer ones counting more, and not at random: without a
trial of the task the controller is to suggest what its relatives would.
"""

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from accel_models.threads import one_thread
from apollo_dse.encoding import Encoding
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.reinforce.policy import Policy, shares_beaten
from apollo_dse.optimizers.reinforce.search import sampled
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.transfer.lessons import Lesson, taught
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.seeds import before, seeds
from apollo_dse.transfer.source import Source, nearest
from search_spaces.space import Point

LEARNED = 1024
"""Trials at most that are learned from a prior: the best half and a draw of the others."""

LEARNING_RATE, ENTROPY, QUEUE, DECAY = 0.01, 0.02, 5, 0.15
"""Of the policy, as `reinforce` has them."""


class SharedController(History):
    """The priors' best designs, then samples of a controller that all tasks share.

    Args:
        problem: what is searched.
        seed: of the weights and of the random stream, at least 0.
        experience: the priors.
        seeds: designs of the priors that are tried first, at least 0.
        steps: of pre-training, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range, or a prior cannot be matched.
    """

    def __init__(
        self, problem: Problem, seed: int, experience: Experience, *, seeds: int = 8, steps: int = 300
    ) -> None:
        super().__init__(problem, seed)
        if seeds < 0:
            raise ValueError(f"`seeds >= 0` must hold, but got seeds={seeds}")
        if steps < 1:
            raise ValueError(f"`steps >= 1` must hold, but got steps={steps}")
        self.experience = experience
        self.seeds = seeds
        self.steps = steps
        self._encoding = Encoding(problem.space)
        self._sources = [Source(prior, problem, self._encoding, seed) for prior in experience.related]
        self._first: Sequence[Point] | None = None
        self._policy: Policy | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, "seeds": self.seeds, "steps": self.steps}

    @property
    def weights(self) -> Mapping[str, float]:
        """How near the embedding of the task is to that of each prior, as shares that sum to 1.

        At first they are what the distances of the tasks say; then the task's own trials move its embedding.
        """
        names = [source.prior.name for source in self._sources]
        shares = self._closeness()
        if self._policy is not None and (embeddings := self._policy.controller.tasks) is not None:
            with torch.no_grad():
                apart = (embeddings[:-1] - embeddings[-1]).square().mean(dim=1)
                shares = torch.softmax(-apart, dim=0).double().numpy()
        return dict(zip(names, shares.tolist(), strict=True))

    @property
    def remarks(self) -> Mapping[str, Sequence[str]]:
        """How each prior was matched."""
        return {source.prior.name: source.matching.sentences() for source in self._sources}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if self._first is None:
            self._first = seeds(self.problem, self._encoding, self._sources, self.seeds)
        return before(self._first, self.known, n, self._sampled)

    def _sampled(self, n: int) -> Sequence[Point]:
        if not self._encoding.parameters:
            return fresh(self.problem, self.rng(), n, self.known)
        if self._policy is None:
            self._policy = self._taught()
        return sampled(self, self._policy, n)

    def _taught(self) -> Policy:
        """A policy that the priors have taught, with an embedding for the task."""
        policy = Policy(
            self.problem,
            self.seed,
            learning_rate=LEARNING_RATE,
            entropy=ENTROPY,
            queue=QUEUE,
            decay=DECAY,
            tasks=len(self._sources) + 1,
        )
        rng = np.random.default_rng([self.seed, len(self._sources), 2])
        embeddings = policy.controller.tasks
        assert embeddings is not None
        with one_thread():
            taught(policy, [self._lesson(policy, source, rng) for source in self._sources], self.steps, rng)
            with torch.no_grad():
                embeddings[-1] = torch.from_numpy(self._closeness()).float() @ embeddings[:-1]
        return policy

    def _lesson(self, policy: Policy, source: Source, rng: np.random.Generator) -> Lesson:
        """What a prior teaches: some of its trials, by how they rank as answers to this task."""
        half = LEARNED // 2
        order = np.concatenate([source.order[:half], rng.permutation(source.order[half:])[:half]])
        points = self._encoding.points(nearest(self._encoding, source.rows[order]))
        rewards = shares_beaten(rank(source.view, [source.trials[row] for row in order]))
        known = [each.name in source.matching.shared for each in policy.tokens.parameters]
        return Lesson.of(policy.tokens.of(points), rewards, known, rng)

    def _closeness(self) -> NDArray[np.float64]:
        """Share of each prior [s] by its distance alone; they sum to 1."""
        task = self.experience.task
        near = np.array([exp(-task.distance(source.prior.task)) for source in self._sources])
        shares: NDArray[np.float64] = near / near.sum()
        return shares
