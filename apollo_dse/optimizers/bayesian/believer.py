"""Optimizers that hold a belief about all points: they suggest the most promising ones.

Batches are filled one point after the other, each with those before it pending (`surrogate`, believed as
expected), and those that are being measured. What is believed is up to subclasses; how points are found is the
same for all.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.quasirandom import SobolEngine

from accel_models.threads import one_thread
from apollo_dse.admission import Admission
from apollo_dse.encoding import Encoding
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.bayesian import trust
from apollo_dse.optimizers.bayesian.acquisition import Belief
from apollo_dse.optimizers.bayesian.candidates import search
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.space import Point, canonical

ELITE = 10
"""Best trials from which the search for a point begins."""

MANY = 20
"""Spaces of more parameters are searched in a trust region."""


class Believer(History):
    """Base of optimizers that suggest what their belief finds most promising.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.

    Attributes:
        encoding: of the problem's points.
        inside: the trials told so far that lie in the space; others, as presets may be, teach nothing.

    Raises:
        ValueError: the seed is negative.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self.encoding = Encoding(problem.space, problem.remedies.values())
        self.inside: list[Trial] = []

    @property
    @abstractmethod
    def informed(self) -> bool:
        """Whether enough is known for a belief; until then points of the Sobol sequence are suggested."""

    @abstractmethod
    def belief(self, order: NDArray[np.int64]) -> Belief:
        """What the trials `inside` teach, those of the best rank first in `order`."""

    def starts(self, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """Rows [k, p] of points around which to search, the best first."""
        return self.encoding.rows([self.inside[row].point for row in order[:ELITE]])

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials."""
        super().tell(trials)
        self.inside.extend(trial for trial in trials if trial.point in self.problem.space)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if n < 1:
            raise ValueError(f"`n >= 1` must hold, but got n={n}")
        rng = self.rng()
        if not self.informed or not self.encoding.parameters:
            return fresh(self.problem, rng, n, self.known, self._spread())
        with one_thread(), torch.no_grad():
            points = self._suggested(n, rng)
        if len(points) == n:
            return points
        known = self.known | set(map(canonical, points))
        return [*points, *fresh(self.problem, rng, n - len(points), known)]

    def _spread(self) -> Callable[[], Point]:
        """Gives the points of the scrambled Sobol sequence, one a call."""
        axes = len(self.problem.space.parameters)
        engine = SobolEngine(axes, scramble=True, seed=self.seed)  # type: ignore[no-untyped-call]
        return lambda: self.problem.space.from_unit(engine.draw(1, dtype=torch.float64).numpy())[0]

    def _suggested(self, n: int, rng: np.random.Generator) -> list[Point]:
        """Up to `n` points, one after the other, each with those before it pending."""
        encoding = self.encoding
        order = ranking(self.problem, self.inside)
        belief = self.belief(order)
        admission = Admission(self.problem, encoding, self.known)
        best = self.starts(order)
        box = None
        if len(encoding.parameters) > MANY and len(best):
            box = encoding.around(best[0], trust.length(improvements(order), len(encoding.parameters)))
        pending = [point for point in self.pending.values() if point in self.problem.space]
        for row in encoding.rows(pending):
            belief = belief.believing(torch.from_numpy(encoding.features(row[None])))
        chosen: list[NDArray[np.float64]] = []
        for _ in range(n):

            def scores(candidates: NDArray[np.float64], belief: Belief = belief) -> NDArray[np.float64]:
                features = torch.from_numpy(encoding.features(candidates))
                scored: NDArray[np.float64] = belief.scores(features).numpy()
                return scored

            row = search(encoding, scores, best, admission, rng, box)
            if row is None:
                break
            chosen.append(row)
            admission.take(row)
            belief = belief.believing(torch.from_numpy(encoding.features(row[None])))
        return encoding.points(np.array(chosen).reshape(len(chosen), len(encoding.parameters)))


def ranking(problem: Problem, trials: Sequence[Trial]) -> NDArray[np.int64]:
    """Numbers of the trials, the best first: feasible ones by loss, then the others by violation.

    Of several objectives the Pareto front comes first, then the other feasible ones by their mean rank.
    """
    violations = np.array([problem.violation(trial) for trial in trials])
    feasible: list[int] = np.flatnonzero(violations == 0).tolist()
    keys = violations.copy()
    if feasible:
        losses = np.array([problem.losses(trials[row]) for row in feasible])
        keys[feasible] = losses.argsort(axis=0, kind="stable").argsort(axis=0).mean(axis=1)
        front = {id(trial) for trial in problem.pareto_front(trials)}
        keys[[row for row in feasible if id(trials[row]) in front]] -= len(trials)
    order: NDArray[np.int64] = np.lexsort((keys, violations > 0))
    return order


def improvements(order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each trial [n] ranked before all trials before it, given the ranking `order` [n]."""
    ranks = order.argsort()
    improved: NDArray[np.bool_] = np.minimum.accumulate(ranks) == ranks
    return improved
