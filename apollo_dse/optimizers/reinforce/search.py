"""The optimizer: samples points from a controller that learns of the trials told (`Policy`)."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from accel_models.threads import one_thread
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.reinforce.policy import MINIBATCH, Policy
from apollo_dse.problem import Problem
from search_spaces.parameter import Ordinal, Real
from search_spaces.space import Point, SearchSpace

INITIAL = 32
"""Uniform draws before the controller's first samples; it learns of them, too."""


class Reinforce(History):
    """Samples points from the controller, which every `MINIBATCH` trials told push towards the better ones.

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
        self._knobs: dict[str, Any] = {
            "learning_rate": learning_rate,
            "entropy": entropy,
            "queue": queue,
            "decay": decay,
        }
        choices = any(each.cardinality != 1 for each in problem.space.parameters)
        self.policy = Policy(problem, seed, **self._knobs) if choices else None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, **self._knobs}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if len(self.trials) < INITIAL or self.policy is None:
            return fresh(self.problem, self.rng(), n, self.known)
        return sampled(self, self.policy, n)


def sampled(history: History, policy: Policy, n: int) -> list[Point]:
    """`n` new points of a policy that learned of all trials of a history first; fewer when no more are left.

    Raises:
        ValueError: `n < 1`.
    """
    rng, waiting = history.rng(), list[Point]()

    def drawn() -> Point:
        if not waiting:
            waiting.extend(policy.points(4 * max(n, MINIBATCH), rng))
        return waiting.pop()

    with one_thread():
        policy.catch_up(history.trials)
        return fresh(history.problem, rng, n, history.known, drawn)
