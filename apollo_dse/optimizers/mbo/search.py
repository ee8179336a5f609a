"""The optimizer: from the trials told to the points that an ensemble of regressors promises most of.

What is predicted is the normal score of a trial's rank (`ranking`): limits, failures and several objectives are
in it, its scale is the same for every problem, and the best trials lie far apart, where it matters.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from apollo_dse.ensemble import best_of
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.mbo.regressors import FAMILIES, FOLDS, features, tuned
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from apollo_dse.variation import Variation
from search_spaces.parameter import Categorical, Real
from search_spaces.space import Point, SearchSpace, canonical

Acquisition = Literal["mean", "ucb", "ei"]

Promise = Callable[[Sequence[Point]], NDArray[np.float64]]
"""How much is promised of `n` points [n]; the more the better."""

PARENTS, CHILDREN, GENERATIONS = 32, 128, 5
"""Of the evolution that searches for what the regressors promise."""

LEARNED = 400
"""Trials at most that regressors learn from: half of them the best, half the youngest."""

INITIAL = 24
"""Uniform draws before the first regressors."""


class MBO(History):
    """Fits regressors to the trials told and suggests what they agree, or may be right, to be good.

    Hyper-parameters are chosen anew every `tune_every` trials; in between the chosen regressors are fitted
    anew. While none explains enough, points are children of the best trials.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        acquisition: `mean` of the regressors' predictions, `ucb` (mean and one standard deviation between the
            regressors), or `ei` (expected improvement on the best trial).
        families: names in `regressors.FAMILIES`; at least one.
        draws: sets of hyper-parameters tried for each family, at least 1.
        threshold: least share of the variance that a regressor must explain in cross-validation (R2).
        tune_every: trials between two choices of hyper-parameters, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (Categorical("acquisition", get_args(Acquisition)), Real("threshold", 0.0, 0.8))
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        acquisition: Acquisition = "ucb",
        families: Sequence[str] = tuple(FAMILIES),
        draws: int = 2,
        threshold: float = 0.4,
        tune_every: int = 32,
    ) -> None:
        super().__init__(problem, seed)
        if acquisition not in get_args(Acquisition):
            known = ", ".join(get_args(Acquisition))
            raise ValueError(f"`acquisition` must be one of {known}, but got {acquisition!r}")
        if not families or (unknown := sorted(set(families) - set(FAMILIES))):
            got = ", ".join(families and unknown) or "none"
            raise ValueError(f"`families` must be some of {', '.join(FAMILIES)}, but got {got}")
        if draws < 1 or tune_every < 1:
            got = f"draws={draws}, tune_every={tune_every}"
            raise ValueError(f"`draws >= 1` and `tune_every >= 1` must hold, but got {got}")
        self.acquisition = acquisition
        self.families = tuple(families)
        self.draws = draws
        self.threshold = threshold
        self.tune_every = tune_every
        self._variation = Variation(problem.space)
        self._chosen: tuple[int, list[Any]] = (0, [])

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = ("seed", "acquisition", "draws", "threshold", "tune_every")
        return {**{name: getattr(self, name) for name in knobs}, "families": list(self.families)}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        learned = self._learned(len(self.trials))
        if len(self.trials) < INITIAL or len(learned) < FOLDS or not self._variation.open:
            return fresh(self.problem, rng, n, self.known)
        best = [trial.point for trial in best_of(self.problem, learned, PARENTS)]
        waiting = self._promising(learned, best, n, rng)[::-1]
        return fresh(
            self.problem,
            rng,
            n,
            self.known,
            lambda: waiting.pop() if waiting else self._variation.mutated(best[rng.integers(len(best))], rng),
        )

    def _learned(self, count: int) -> list[Trial]:
        """What is learned from the first `count` trials: all, or half the best and half the youngest."""
        trials = [trial for trial in self.trials[:count] if trial.point in self.problem.space]
        if len(trials) <= LEARNED:
            return trials
        half = LEARNED // 2
        return best_of(self.problem, trials[:-half], half) + trials[-half:]

    def _regressors(self) -> list[Any]:
        """Those chosen when the number of trials last was a multiple of `tune_every`, not fitted."""
        count = max(INITIAL, len(self.trials) // self.tune_every * self.tune_every)
        if self._chosen[0] != count:
            learned = self._learned(count)
            rows = features(self.problem.space, [trial.point for trial in learned])
            seed = int(np.random.SeedSequence([self.seed, count]).generate_state(1)[0])
            targets = scores(self.problem, learned)
            self._chosen = count, tuned(rows, targets, self.families, self.draws, self.threshold, seed)
        return self._chosen[1]

    def _promising(
        self, learned: Sequence[Trial], best: Sequence[Point], n: int, rng: np.random.Generator
    ) -> list[Point]:
        """New points that evolution finds, the most promising first; none without regressors."""
        from sklearn.base import clone

        rows = features(self.problem.space, [trial.point for trial in learned])
        targets = scores(self.problem, learned)
        fitted = [clone(regressor).fit(rows, targets) for regressor in self._regressors()]
        if not fitted:
            return []

        def promise(points: Sequence[Point]) -> NDArray[np.float64]:
            seen = features(self.problem.space, points)
            predicted = np.stack([regressor.predict(seen) for regressor in fitted])
            return promised(predicted, float(targets.min()), self.acquisition)

        return self._evolved(best, promise, n, rng)

    def _evolved(
        self, parents: Sequence[Point], promise: Promise, n: int, rng: np.random.Generator
    ) -> list[Point]:
        """The most promising new points among some generations of children, `PARENTS` or `n` of them."""
        found: dict[str, Point] = {}
        values: dict[str, float] = {}
        for _ in range(GENERATIONS):
            children = self._admissible([self._child(parents, rng) for _ in range(CHILDREN)], found)
            if not children:
                break
            found |= children
            values |= dict(zip(children, promise(list(children.values())).tolist(), strict=True))
            kept = sorted(values, key=lambda text: -values[text])[: max(n, PARENTS)]
            parents = [found[text] for text in kept]
        return list(parents) if found else []

    def _child(self, parents: Sequence[Point], rng: np.random.Generator) -> Point:
        first, second = rng.integers(len(parents), size=2)
        child = self._variation.crossed(parents[first], parents[second], rng) if rng.random() < 0.5 else None
        return self._variation.mutated(child or parents[first], rng)

    def _admissible(self, points: Sequence[Point], found: Mapping[str, Point]) -> dict[str, Point]:
        """Those points, by their text, that are new, keep the rules and are not known to fail."""
        texts = {canonical(point): point for point in points}
        new = {
            text: point
            for text, point in texts.items()
            if text not in self.known and text not in found and point in self.problem.space
        }
        violations = self.problem.known_violations(list(new.values()))
        return {text: new[text] for text, violation in zip(new, violations, strict=True) if violation == 0}


def scores(problem: Problem, trials: Sequence[Trial]) -> NDArray[np.float64]:
    """Normal scores [n] of the ranks of `n` trials, small for the best; trials of one rank share theirs."""
    from scipy.special import ndtri
    from scipy.stats import rankdata

    quantiles: NDArray[np.float64] = ndtri((rankdata(rank(problem, trials)) - 0.5) / len(trials))
    return quantiles


def promised(predicted: NDArray[np.float64], best: float, acquisition: Acquisition) -> NDArray[np.float64]:
    """How much the predictions [m, n] of `m` regressors promise of `n` points [n]; the more the better."""
    from scipy.special import ndtr

    mean: NDArray[np.float64] = predicted.mean(axis=0)
    spread: NDArray[np.float64] = predicted.std(axis=0)
    if acquisition == "mean":
        return -mean
    if acquisition == "ucb":
        return spread - mean
    spread = np.maximum(spread, 1e-3)
    z = (best - mean) / spread
    improvement: NDArray[np.float64] = spread * (z * ndtr(z) + np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi))
    return improvement
