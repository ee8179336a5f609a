"""What losses and limits do around a legal point, in the unit cube: straight lines through it.

They follow from the problem's slopes. Where it has none, or none of a metric that is asked for, they are those
of quadratic functions fitted to the trials, one an outcome (`apollo_dse.outcomes`): ridge regression with
the kernel `(1 + x y)^2`, whose gradient is closed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray

from apollo_dse.outcomes import Outcome, excess, limits, objectives
from apollo_dse.problem import Elasticities, Problem
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Ordinal, Parameter
from search_spaces.space import Point, canonical

Vector = NDArray[np.float64]

RIDGE = 1e-2
"""Of the surrogate: variance of what it cannot explain, in standardized units."""

LEARNED = 256
"""The surrogate is fitted to so many latest trials at most."""

GROWTH = 1.2
"""And anew whenever there are so many times more of them."""

REACH = 1 / 64
"""Where a parameter has no next value, this share of its range each way is what it is differentiated over."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Around a point, in d coordinates: slopes of m losses [m, d], slopes [c, d] and excesses [c] of c limits.

    An excess of at most 0 keeps its limit; `known` [c] tells which limits are known beforehand. Losses and
    excesses are in logarithms or standardized.
    """

    losses: Vector
    excesses: Vector
    limits: Vector
    known: NDArray[np.bool_]


class Field:
    """Lines around the trials of a problem.

    Args:
        problem: which may have slopes.
        numbers: the parameters with coordinates, d.
    """

    def __init__(self, problem: Problem, numbers: Sequence[Parameter]) -> None:
        self.problem = problem
        self.numbers = tuple(numbers)
        self._slopes: dict[str, Elasticities] = {}
        self._surrogates: tuple[int, list[_Quadratic], list[_Quadratic]] = (0, [], [])

    def units(self, point: Point) -> Vector:
        """Coordinates of a point, [d]."""
        return np.array([each.to_unit(point[each.name]) for each in self.numbers])

    def ask(self, points: Sequence[Point]) -> None:
        """Have the problem's slopes at some points, each asked for once."""
        lacking = {canonical(point): point for point in points if canonical(point) not in self._slopes}
        if self.problem.slopes is not None and lacking:
            found = self.problem.slopes(list(lacking.values()))
            self._slopes |= dict(zip(lacking, found, strict=True))

    def around(self, trial: Trial, told: Sequence[Trial]) -> Lines:
        """The lines around a trial; those of a surrogate follow from the trials told."""
        self.ask([trial.point])
        slopes = self._slopes.get(canonical(trial.point), {})
        wanted = {each.metric for each in self.problem.objectives}
        wanted |= {each.metric for each in self.problem.constraints}
        if wanted <= set(slopes):
            return self._known(trial, slopes)
        return self._learned(trial, told)

    def _known(self, trial: Trial, slopes: Elasticities) -> Lines:
        stretch = np.array([_stretch(each, trial.point[each.name]) for each in self.numbers])

        def along(metric: str, sign: float) -> Vector:
            own: Vector = sign * stretch * [slopes[metric].get(each.name, 0.0) for each in self.numbers]
            return own

        losses = [
            along(each.metric, 1.0 if each.goal == "minimize" else -1.0) for each in self.problem.objectives
        ]
        kept = self.problem.constraints if trial.measurement.is_feasible else ()
        rows = [along(each.metric, -1.0 if each.upper is None else 1.0) for each in kept]
        excesses = [float(excess(each, [trial])[0]) for each in kept]
        known = np.array([each.known for each in kept], dtype=np.bool_)
        return Lines(
            np.array(losses), np.array(excesses), np.array(rows).reshape(len(rows), len(stretch)), known
        )

    def _learned(self, trial: Trial, told: Sequence[Trial]) -> Lines:
        count = _scheduled(len(told))
        if self._surrogates[0] != count:
            trials = [each for each in told[:count] if each.point in self.problem.space][-LEARNED:]
            rows = self._features([each.point for each in trials])
            losses, kept = (
                [_Quadratic.of(rows, outcome) for outcome in found(self.problem, trials)]
                for found in (objectives, limits)
            )
            self._surrogates = count, losses, kept
        _, losses, kept = self._surrogates
        at, d = self._features([trial.point])[0], len(self.numbers)
        slopes = [
            np.array([each.slope(at)[:d] for each in some]).reshape(len(some), d) for some in (losses, kept)
        ]
        excesses = np.array([each.value(at) - each.threshold for each in kept])
        if self.problem.feasible(trial):
            excesses = np.minimum(excesses, 0.0)
        names = {str(each) for each in self.problem.constraints if each.known}
        return Lines(slopes[0], excesses, slopes[1], np.array([each.name in names for each in kept], np.bool_))

    def _features(self, points: Sequence[Point]) -> Vector:
        """Coordinates from -1 to 1, then categories as indicators, [n, f]."""
        rows = [
            [
                *(2.0 * self.units(point) - 1.0),
                *(float(point[name] == value) for name, value in self._indicators),
            ]
            for point in points
        ]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(self.numbers) + len(self._indicators))

    @cached_property
    def _indicators(self) -> list[tuple[str, str]]:
        categories = (each for each in self.problem.space.parameters if isinstance(each, Categorical))
        return [(each.name, value) for each in categories for value in each.values]


@dataclass(frozen=True, slots=True)
class _Quadratic:
    """A quadratic function of features [f]: `sum of weights (1 + x y)^2` over rows y [n, f]."""

    name: str
    rows: Vector
    weights: Vector
    threshold: float

    @classmethod
    def of(cls, rows: Vector, outcome: Outcome) -> "_Quadratic":
        """Ridge regression of an outcome on the products of two features."""
        own = rows[outcome.numbers]
        covariance = ((1.0 + own @ own.T) / (1.0 + own.shape[1])) ** 2
        weights = np.linalg.solve(covariance + RIDGE * np.eye(len(own)), outcome.values)
        return cls(outcome.name, own, weights / (1.0 + own.shape[1]) ** 2, outcome.threshold)

    def value(self, at: Vector) -> float:
        """Of features [f]."""
        return float((1.0 + self.rows @ at) ** 2 @ self.weights)

    def slope(self, at: Vector) -> Vector:
        """With respect to coordinates of the unit cube, of which features are twice as long, [f]."""
        slope: Vector = 4.0 * (self.weights * (1.0 + self.rows @ at)) @ self.rows
        return slope


def _scheduled(count: int) -> int:
    """From how many trials the surrogate is fitted when there are so many: the last of a rising series."""
    found = 1
    while (following := max(found + 1, int(found * GROWTH))) <= count:
        found = following
    return found


def _stretch(parameter: Parameter, value: float | int | str) -> float:
    """Slope of a parameter's logarithm in its coordinate, between a value's neighbours; 0 if not positive."""
    u = parameter.to_unit(value)
    reach = 1.0 / parameter.cardinality if parameter.cardinality else REACH
    below, above = max(u - reach, 0.0), min(u + reach, 1.0)
    first, last = (float(parameter.from_unit(each)) for each in (below, above))
    if not 0 < first < last:
        return 0.0
    if isinstance(parameter, Ordinal):  # whose values stand in the middle of their bins
        below, above = (
            parameter.to_unit(parameter.from_unit(below)),
            parameter.to_unit(parameter.from_unit(above)),
        )
    return log(last / first) / (above - below)
