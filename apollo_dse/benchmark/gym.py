"""A task as a Gymnasium environment (Towers et al., arXiv 2407.17032): an action is a design.

env = DesignEnv(TASKS["edge-resnet18-latency-tight"], trials=200)
observation, info = env.reset(seed=0)
observation, reward, terminated, truncated, info = env.step(env.action_space.sample())
"""

from math import inf, log10
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from apollo_dse.benchmark.memory import remembered
from apollo_dse.benchmark.solutions import solution
from apollo_dse.benchmark.tasks import GOALS, Task
from apollo_dse.trial import Trial
from search_spaces.space import Point

WORST = -4.0
"""The reward of a design that is not feasible; no feasible one has less."""

Observation = NDArray[np.float32]


class DesignEnv(gymnasium.Env[Observation, NDArray[np.int64]]):  # type: ignore[misc]
    """An episode is a number of trials of one task.

    An action is a design, the place of each parameter's value in its list. Its reward is 0 for the exact
    optimum, -1 for a loss ten times that, and so on, at least `WORST`. What is observed is the design of the
    last action in the unit cube, whether it was feasible, its reward and the best reward of the episode, the
    last two as shares of `WORST`. `info` has the metrics or why there are none, and the regret so far.

    Args:
        task: with one objective.
        trials: steps of an episode, at least 1.

    Raises:
        ValueError: the task has several objectives, or `trials < 1`.
        StaleError: the task's solution is not of this cost model.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own field

    def __init__(self, task: Task, trials: int = 200) -> None:
        if len(GOALS[task.goal]) > 1:
            raise ValueError(f"an environment takes a task with one objective, but got {task.name}")
        if trials < 1:
            raise ValueError(f"`trials >= 1` must hold, but got trials={trials}")
        self.trials = trials
        self.problem = remembered(task.problem())
        [best] = solution(task, self.problem).designs
        self._optimum = self.problem.losses(best)[0]
        self._lengths = [parameter.cardinality or 1 for parameter in self.problem.space.parameters]
        self.action_space = gymnasium.spaces.MultiDiscrete(self._lengths)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (len(self._lengths) + 3,), np.float32)
        self._count, self._least = 0, inf

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode; nothing in it is random."""
        super().reset(seed=seed, options=options)
        self._count, self._least = 0, inf
        centre = self.problem.space.from_unit(np.full((1, len(self._lengths)), 0.5))[0]
        return self._observed(centre, False, WORST), {"regret": inf}

    def step(self, action: NDArray[np.int64]) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Evaluate a design."""
        point = self.point(action)
        [measurement] = self.problem.evaluate([point])
        trial = Trial(self._count, point, measurement)
        feasible = self.problem.feasible(trial)
        ratio = self.problem.losses(trial)[0] / self._optimum if feasible else inf
        reward = self._reward(ratio)
        self._count, self._least = self._count + 1, min(self._least, ratio)
        info = {
            "metrics": dict(measurement.metrics),
            "infeasible_because": measurement.infeasible_because,
            "regret": self._least - 1.0,
        }
        return self._observed(point, feasible, reward), reward, False, self._count >= self.trials, info

    def point(self, action: NDArray[np.int64]) -> Point:
        """The design of an action."""
        units = (np.asarray(action, dtype=np.float64) + 0.5) / self._lengths
        return self.problem.space.from_unit(units[None])[0]

    @staticmethod
    def _reward(ratio: float) -> float:
        """That of a loss by its ratio to the optimum; what is smaller by rounding counts as the optimum."""
        return max(WORST, -log10(max(1.0, ratio)))

    def _observed(self, point: Point, feasible: bool, reward: float) -> Observation:
        units = self.problem.space.to_unit([point])[0]
        told = float(feasible), reward / WORST, self._reward(self._least) / WORST
        return np.array([*units, *told], dtype=np.float32)
