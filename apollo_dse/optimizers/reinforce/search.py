"""The optimizer: REINFORCE on the trials told."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.reinforce.tokens import Tokens
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.parameter import Real
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from apollo_dse.optimizers.reinforce.controller import Controller

WINDOW = 256
"""A trial's reward is the share of so many trials before it that it beats."""


class Reinforce(History):
    """Samples points from the controller, which every `minibatch` trials told push towards the better ones.

    Loss of a minibatch: the mean of -(reward - baseline) log p(point) - entropy * H, with an exponential moving
    average of rewards as baseline. Trials of strangers count as if the controller had proposed them. A
    reward is a rank among earlier trials, from 0 to 1, so that limits, failures and any scale of the
    losses are in it.

    Args:
        problem: what is searched.
        seed: of the weights and of the random stream, at least 0.
        minibatch: trials of an update, at least 1.
        learning_rate: of Adam, above 0.
        entropy: weight of the entropy bonus, at least 0.
        baseline: share of itself that the moving average keeps over a minibatch, from 0 to below 1.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (Real("learning_rate", 0.001, 0.1, log=True), Real("entropy", 0.0001, 0.1, log=True))
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        minibatch: int = 8,
        learning_rate: float = 0.02,
        entropy: float = 0.01,
        baseline: float = 0.8,
        epochs: int = 1,
        clip: float = 0.0,
    ) -> None:
        super().__init__(problem, seed)
        if minibatch < 1 or not (learning_rate > 0 and entropy >= 0 and 0 <= baseline < 1):
            rule = "`minibatch >= 1`, `learning_rate > 0`, `entropy >= 0` and `0 <= baseline < 1` must hold"
            got = f"{minibatch=}, {learning_rate=}, {entropy=}, {baseline=}"
            raise ValueError(f"{rule}, but got {got}")
        self.minibatch = minibatch
        self.learning_rate = learning_rate
        self.entropy = entropy
        self.baseline = baseline
        self.epochs, self.clip = epochs, clip
        self._tokens = Tokens(problem.space)
        self._updates = 0
        self._controller: Controller | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = ("seed", "minibatch", "learning_rate", "entropy", "baseline", "epochs", "clip")
        return {name: getattr(self, name) for name in knobs}

    @property
    def controller(self) -> "Controller":
        """The controller, after all whole minibatches of trials told."""
        import torch

        from apollo_dse.optimizers.reinforce.controller import Controller

        if self._controller is None:
            self._controller = Controller(self._tokens.counts, self.seed)
            self._adam = torch.optim.Adam(self._controller.parameters(), lr=self.learning_rate)
            self._average = 0.5
        while (self._updates + 1) * self.minibatch <= len(self.trials):
            self._update(self._controller)
            self._updates += 1
        return self._controller

    def _update(self, controller):
        import torch
        from accel_models.threads import one_thread
        start = self._updates * self.minibatch
        batch = [t for t in self.trials[start:start+self.minibatch] if t.point in self.problem.space]
        if not batch: return
        before = self.trials[max(0, start - WINDOW):start]
        ranks = rank(self.problem, [*before, *batch])
        r = np.array([(ranks > x).mean() + 0.5*(ranks==x).mean() for x in ranks[len(before):]])
        adv = torch.tensor(r - self._average, dtype=torch.float32)
        self._average = self.baseline*self._average + (1-self.baseline)*float(r.mean())
        tokens = torch.from_numpy(self._tokens.of([t.point for t in batch]))
        with one_thread():
            old = None
            for _ in range(self.epochs):
                logp, H = controller.log_probabilities(tokens)
                if old is None: old = logp.detach()
                if self.clip:
                    ratio = (logp - old).exp()
                    gain = torch.minimum(ratio*adv, ratio.clamp(1-self.clip,1+self.clip)*adv)
                else:
                    gain = adv*logp
                loss = -(gain + self.entropy*H).mean()
                self._adam.zero_grad(); loss.backward(); self._adam.step()

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if not self._tokens.counts:
            return fresh(self.problem, rng, n, self.known)
        controller = self.controller
        waiting: list[Point] = []

        def sampled() -> Point:
            if not waiting:
                waiting.extend(self._tokens.points(controller.sample(4 * max(n, 8), rng), rng))
            return waiting.pop()

        return fresh(self.problem, rng, n, self.known, sampled)
