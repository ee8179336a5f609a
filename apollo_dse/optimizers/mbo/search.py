"""The optimizer: forecasts of every outcome, and the points that are likeliest to be feasible and better.

Losses, limits and whether a design runs are forecast each on its own. One score of all of them, such as a
trial's rank, turns at every limit, just where the best designs are, and hardly a regressor explains it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr
from sklearn import config_context

from apollo_dse.admission import Admission
from apollo_dse.encoding import Encoding
from apollo_dse.ensemble import best_of
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.mbo.evolution import SURVIVORS, Promise, evolved
from apollo_dse.optimizers.mbo.regressors import FAMILIES, Expert, Forecast, tuned
from apollo_dse.outcomes import fitted_to, limits, objectives
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.parameter import Real
from search_spaces.space import Point, SearchSpace, canonical

INITIAL = 16
"""Uniform draws before the first regressors."""

GROWTH = 2.0
"""Regressors are tuned anew whenever there are so many times more trials."""

LEARNED = 256
"""Trials at most that regressors learn from: half of them the best, half the youngest."""


class MBO(History):
    """Tunes regressors of every objective and limit, and of whether a design runs; trusts those that predict.

    A suggestion is the point that is likeliest to reach a target and to keep all limits; while nothing
    feasible is known, to keep the limits. Each suggestion has a target of its own, somewhere beyond a trial of
    the Pareto front, so that a batch holds safe ones and bold ones (enhanced method 4 of Jones, "A Taxonomy of
    Global Optimization Methods Based on Response Surfaces", 2001, doi 10.1023/A:1012771025575).

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        families: names in `regressors.FAMILIES`; at least one.
        draws: sets of hyper-parameters that are tried for each family, at least 1.
        threshold: least share of the variance that a regressor must explain in cross-validation (R2), below 1.
        ambition: how far beyond the front targets may lie, in standard deviations of the tamed losses of all
            trials, at least 0.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace((Real("threshold", 0.0, 0.8), Real("ambition", 0.0, 2.0)))
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        families: Sequence[str] = tuple(FAMILIES),
        draws: int = 2,
        threshold: float = 0.2,
        ambition: float = 1.0,
    ) -> None:
        super().__init__(problem, seed)
        if not families or not set(families) <= set(FAMILIES):
            got = ", ".join(families) or "none"
            raise ValueError(f"`families` must be some of {', '.join(FAMILIES)}, but got {got}")
        if draws < 1 or not (threshold < 1 and ambition >= 0):
            got = f"draws={draws}, threshold={threshold}, ambition={ambition}"
            raise ValueError(f"`draws >= 1`, `threshold < 1` and `ambition >= 0` must hold, but got {got}")
        self.families = tuple(families)
        self.draws = draws
        self.threshold = threshold
        self.ambition = ambition
        self._encoding = Encoding(problem.space, problem.remedies.values())
        self._inside: list[Trial] = []
        self._tuned: tuple[int, Mapping[str, list[Expert]]] = (0, {})

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = {name: getattr(self, name) for name in ("seed", "draws", "threshold", "ambition")}
        return {**knobs, "families": list(self.families)}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials; those outside the space, as presets may be, are known but not learned from."""
        super().tell(trials)
        self._inside.extend(trial for trial in trials if trial.point in self.problem.space)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if n < 1:
            raise ValueError(f"`n >= 1` must hold, but got n={n}")
        rng = self.rng()
        if len(self._inside) < INITIAL or not self._encoding.parameters:
            return fresh(self.problem, rng, n, self.known)
        with config_context(skip_parameter_validation=True, assume_finite=True):
            points = self._suggested(n, rng)
        known = self.known | set(map(canonical, points))
        return points if len(points) == n else [*points, *fresh(self.problem, rng, n - len(points), known)]

    def _suggested(self, n: int, rng: np.random.Generator) -> list[Point]:
        """Up to `n` points that are likeliest to be feasible and better."""
        trials = self._learned(len(self._inside))
        parents = self._encoding.rows([trial.point for trial in best_of(self.problem, trials, SURVIVORS)])
        admission = Admission(self.problem, self._encoding, self.known)
        rows = evolved(self._encoding, self._promise(trials, n, rng), parents, admission, n, rng)
        return self._encoding.points(rows)

    def _promise(self, trials: Sequence[Trial], n: int, rng: np.random.Generator) -> Promise:
        """Log probability that a point reaches the target of each of `n` suggestions and keeps all limits."""
        goals, bounds = objectives(self.problem, trials), limits(self.problem, trials)
        asked = [(each, np.full(n, each.threshold)) for each in bounds]
        best = {id(trial) for trial in self.problem.pareto_front(trials)}
        front = [row for row, trial in enumerate(trials) if id(trial) in best]
        if front:
            beaten, beyond = rng.choice(front, size=n), self.ambition * rng.random(n)
            asked += [(goal, goal.values[np.searchsorted(goal.numbers, beaten)] - beyond) for goal in goals]
        features, experts = self._features(trials), self._experts()
        forecasts = [
            (Forecast.of(experts.get(each.name, []), features[each.numbers], each.values), targets)
            for each, targets in asked
        ]

        def promise(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            x, total = self._encoding.features(rows), np.zeros((len(rows), n))
            for forecast, targets in forecasts:
                mean, deviation = forecast.predict(x)
                total += log_ndtr((targets - mean[:, None]) / deviation[:, None])
            return total

        return promise

    def _experts(self) -> Mapping[str, list[Expert]]:
        """On each outcome, by name: tuned on the first trials, up to the last step of a fixed schedule."""
        count = fitted_to(len(self._inside), INITIAL, GROWTH)
        if self._tuned[0] != count:
            trials = self._learned(count)
            features = self._features(trials)
            seed = int(np.random.SeedSequence([self.seed, count]).generate_state(1)[0])
            knobs = (self.families, self.draws, self.threshold, seed)
            outcomes = [*objectives(self.problem, trials), *limits(self.problem, trials)]
            found = {each.name: tuned(features[each.numbers], each.values, *knobs) for each in outcomes}
            self._tuned = count, found
        return self._tuned[1]

    def _learned(self, count: int) -> list[Trial]:
        """What is learned from the first `count` trials: all, or half the best and half the youngest."""
        trials = self._inside[:count]
        if len(trials) <= LEARNED:
            return trials
        half = LEARNED // 2
        return best_of(self.problem, trials[:-half], half) + trials[-half:]

    def _features(self, trials: Sequence[Trial]) -> NDArray[np.float64]:
        """Features [n, d] of the points of `n` trials."""
        return self._encoding.features(self._encoding.rows([trial.point for trial in trials]))
