"""Points as rows of numbers: what mutations count in, and what the surrogates see.

A row has one coordinate for each parameter that has a choice: the index of a discrete parameter's value, the
place of a `Real`'s value in [0, 1]. Features are what kernels measure distances in: ordinals by their rank,
numbers by their place in the range (`log=True` parameters by that of their logarithm), categories one-hot.
All lie in [0, 1]. `benchmarks/bayesian_encoding.py` has why ordinals go by rank, not by their logarithm. What
several numbers give together, as PEs, cores and lanes give units, is one feature more: the logarithm of their
product.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import inf, log, nan

import numpy as np
from numpy.typing import NDArray

from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace

STEP_SPREAD = 0.15
"""Standard deviation of a mutation's step, as a share of a parameter's range; never under one value."""

STEPS = 0.7
"""Probability that a mutation of a number is a step; else it is a draw of any value."""


class Encoding:
    """Rows and features of the points of a space.

    Args:
        space: where the points lie.
        together: names of parameters that give something together, each a feature of its own; those that are
            no positive numbers, or have no choice, are left out.
    """

    def __init__(self, space: SearchSpace, together: Iterable[Sequence[str]] = ()) -> None:
        self.space = space
        self.parameters = tuple(each for each in space.parameters if each.cardinality != 1)
        self.counts = np.array([each.cardinality or inf for each in self.parameters], dtype=np.float64)
        self._is_real = np.isinf(self.counts)
        self.is_categorical = np.array([isinstance(each, Categorical) for each in self.parameters], dtype=bool)
        factors = {each.name: row for row, each in enumerate(self.parameters) if _is_positive(each)}
        groups = {tuple(sorted(factors[name] for name in names if name in factors)) for names in together}
        self.products = sorted(group for group in groups if len(group) > 1)
        self._pinned = {each.name: each.from_unit(0.5) for each in space.parameters if each.cardinality == 1}
        ordinals = {row: each for row, each in enumerate(self.parameters) if isinstance(each, Ordinal)}
        self._ranks = _Tables({row: ordinal_features(each.values) for row, each in ordinals.items()})
        self._factors = sorted({row for group in self.products for row in group})
        self._logs = _Tables({row: np.log(ordinals[row].values) for row in self._factors if row in ordinals})
        self._log_ends = self._logarithms(np.stack([np.zeros(len(self.counts)), self.ends]))

    @property
    def ends(self) -> NDArray[np.float64]:
        """Largest coordinate [p] of each of the `p` parameters that have a choice; the smallest is 0."""
        return np.where(self._is_real, 1.0, self.counts - 1)

    def rows(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Rows [n, p] of `n` points of the space."""
        rows = [[_coordinate(each, point[each.name]) for each in self.parameters] for point in points]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(self.parameters))

    def foreign_rows(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Rows [n, p] of `n` points of any other space, their parameters known by name.

        A number between or beyond the values of this space has a coordinate between or beyond theirs, which
        `features` understands. An unknown category is -1, a parameter that a point lacks is nan.
        """
        rows = [
            [_foreign_coordinate(each, point.get(each.name)) for each in self.parameters] for point in points
        ]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(self.parameters))

    def points(self, rows: NDArray[np.float64]) -> list[Point]:
        """The points of `n` rows [n, p]; rules are not asked."""
        columns = {name: [value] * len(rows) for name, value in self._pinned.items()}
        for each, column in zip(self.parameters, rows.T.tolist(), strict=True):
            columns[each.name] = _values(each, column)
        names = self.space.names
        chosen = zip(*(columns[name] for name in names), strict=True)
        return [dict(zip(names, values, strict=True)) for values in chosen]

    def features(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Features [n, d] of `n` rows [n, p]; a category has one for each value, and then come the products."""
        ranks = self._ranks(rows)
        columns = [
            ranks[row][:, None] if isinstance(each, Ordinal) else _features(each, rows[:, row])
            for row, each in enumerate(self.parameters)
        ]
        if self.products:
            logarithms = self._logarithms(rows)
            columns += [self._product(group, logarithms)[:, None] for group in self.products]
        return np.concatenate(columns, axis=1) if columns else np.zeros((len(rows), 0))

    def rows_of(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rows [n, p] whose features are [n, d]."""
        columns, place = [], 0
        for each in self.parameters:
            width = len(each.values) if isinstance(each, Categorical) else 1
            columns.append(_row_of(each, features[:, place : place + width]))
            place += width
        return np.stack(columns, axis=1) if columns else np.zeros((len(features), 0))

    @property
    def owners(self) -> list[tuple[int, ...]]:
        """Of each of the `d` features, which of the `p` coordinates it follows from."""
        singles = [
            (place,)
            for place, each in enumerate(self.parameters)
            for _ in range(len(each.values) if isinstance(each, Categorical) else 1)
        ]
        return [*singles, *self.products]

    def _logarithms(self, rows: NDArray[np.float64]) -> dict[int, NDArray[np.float64]]:
        """Logarithms [n] of the values of the rows [n, p], of each parameter that is part of a product."""
        found = self._logs(rows)
        for row in self._factors:
            if row not in found:
                found[row] = np.log(
                    np.array(_values(self.parameters[row], rows[:, row].tolist()), dtype=np.float64)
                )
        return found

    def _product(
        self, group: Sequence[int], logarithms: Mapping[int, NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """Place [n] of the logarithm of a product between its extremes, from those of its factors [n]."""
        lows, spans, total = 0.0, 0.0, np.zeros(len(logarithms[group[0]]))
        for row in group:
            low, high = self._log_ends[row]
            lows, spans = lows + low, spans + high - low
            total += logarithms[row]
        return (total - lows) / spans

    def mutants(
        self,
        rows: NDArray[np.float64],
        rng: np.random.Generator,
        mutations: float,
        box: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
    ) -> NDArray[np.float64]:
        """One child [n, p] of each of the rows [n, p], changed in about `mutations` coordinates, at least one.

        Args:
            rows: the parents.
            rng: source of chance.
            mutations: mean number of changed coordinates; a change may come to nothing at an end.
            box: lowest and highest coordinates [p] that a child may have, both included.
        """
        n, p = rows.shape
        lowest, highest = (np.zeros(p), self.ends) if box is None else box
        chosen = rng.random((n, p)) < (mutations - 1.0) / max(1, p - 1)
        chosen[np.arange(n), rng.integers(p, size=n)] = True
        step = np.abs(rng.normal(0.0, STEP_SPREAD, (n, p)))
        step = np.where(self._is_real, step, np.maximum(1.0, np.round(step * self.counts)))
        stepped = rows + step * rng.choice((-1.0, 1.0), (n, p))
        widths = highest - lowest
        drawn = lowest + np.where(
            self._is_real, rng.random((n, p)) * widths, np.floor(rng.random((n, p)) * (widths + 1.0))
        )
        by_step = (rng.random((n, p)) < STEPS) & ~self.is_categorical
        return np.clip(np.where(chosen, np.where(by_step, stepped, drawn), rows), lowest, highest)

    def around(
        self, row: NDArray[np.float64], length: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest coordinates [p] around `row` [p], half of `length` times the range away.

        Of a discrete parameter the two neighbours are within reach always, of a category all values.
        """
        reach = np.where(self._is_real, length / 2, np.maximum(1.0, np.floor(length / 2 * self.ends)))
        reach = np.where(self.is_categorical, np.inf, reach)
        return np.maximum(row - reach, 0.0), np.minimum(row + reach, self.ends)

    def draws(self, rng: np.random.Generator, n: int) -> NDArray[np.float64]:
        """`n` rows [n, p] of points drawn uniformly, rules not asked."""
        units = rng.random((n, len(self.parameters)))
        return np.where(self._is_real, units, np.minimum(np.floor(units * self.counts), self.ends))


def ordinal_features(values: Sequence[float]) -> NDArray[np.float64]:
    """Feature [k] of each of the `k` values of an ordinal parameter: its rank."""
    return np.linspace(0.0, 1.0, len(values))


def _is_positive(parameter: Parameter) -> bool:
    """Whether all values are numbers above 0."""
    if isinstance(parameter, Categorical):
        return False
    return min(parameter.values) > 0 if isinstance(parameter, Ordinal) else parameter.low > 0


class _Tables:
    """Numbers that belong to the values of some of the parameters.

    Args:
        numbers: [k] of each parameter, at coordinates 0 to k - 1, by its place; at least two.
    """

    def __init__(self, numbers: Mapping[int, NDArray[np.float64]]) -> None:
        width = max(map(len, numbers.values()), default=0)
        self._places = list(numbers)
        self._last = np.array([len(each) - 2 for each in numbers.values()], dtype=np.float64)
        self._numbers = np.array([np.pad(each, (0, width - len(each))) for each in numbers.values()])

    def __call__(self, rows: NDArray[np.float64]) -> dict[int, NDArray[np.float64]]:
        """The numbers [n] of each of these parameters at rows [n, p]; linear between and beyond values."""
        if not self._places:
            return {}
        columns, tables = rows[:, self._places], np.arange(len(self._places))
        lower = np.clip(np.nan_to_num(np.floor(columns)), 0, self._last).astype(np.int64)
        low, high = self._numbers[tables, lower], self._numbers[tables, lower + 1]
        return dict(zip(self._places, (low + (columns - lower) * (high - low)).T, strict=True))


def _coordinate(parameter: Parameter, value: Value) -> float:
    if isinstance(parameter, Real):
        return parameter.to_unit(value)
    if isinstance(parameter, Integer):
        return float(value) - parameter.low
    return float(parameter.values.index(value))


def _foreign_coordinate(parameter: Parameter, value: Value | None) -> float:
    """As `_coordinate`, of any value: nan of none or of a word for a number, -1 of an unknown category."""
    if value is None:
        return nan
    if isinstance(parameter, Categorical):
        return float(parameter.values.index(value)) if value in parameter.values else -1.0
    if isinstance(value, str):
        return nan
    if isinstance(parameter, Integer):
        return float(value) - parameter.low
    if isinstance(parameter, Ordinal):
        return _place_among(np.array(parameter.values, dtype=np.float64), float(value))
    return _place_among(
        np.array([parameter.low, parameter.high], dtype=np.float64), float(value), parameter.log
    )


def _place_among(values: NDArray[np.float64], value: float, by_ratio: bool = True) -> float:
    """Coordinate of a number among rising `values` [k], by ratios where all are positive."""
    if by_ratio and values[0] > 0 and value > 0:
        values, value = np.log(values), log(value)
    lower = int(np.clip(np.searchsorted(values, value, side="right") - 1, 0, len(values) - 2))
    return float(lower + (value - values[lower]) / (values[lower + 1] - values[lower]))


def _values(parameter: Parameter, coordinates: Sequence[float]) -> list[Value]:
    if isinstance(parameter, Real):
        return [parameter.from_unit(each) for each in coordinates]
    if isinstance(parameter, Integer):
        return [parameter.low + int(each) for each in coordinates]
    return [parameter.values[int(each)] for each in coordinates]


def _row_of(parameter: Parameter, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Coordinates [n] of features [n, 1], of a category [n, k]: what `_features` made them of."""
    column = features.argmax(axis=1) if isinstance(parameter, Categorical) else features[:, 0]
    if isinstance(parameter, Real):
        return column
    if isinstance(parameter, Ordinal):
        column = column * (len(parameter.values) - 1)
    elif isinstance(parameter, Integer):
        if parameter.log:
            column = parameter.low * (np.power(parameter.high / parameter.low, column) - 1.0)
        else:
            column = column * (parameter.high - parameter.low)
    return np.round(column).astype(np.float64)


def _features(parameter: Integer | Real | Categorical, column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features [n, 1], of a category [n, k], of a column of coordinates [n] of no ordinal."""
    if isinstance(parameter, Real):
        return column[:, None]
    if isinstance(parameter, Categorical):
        return np.asarray(column[:, None] == np.arange(len(parameter.values)), dtype=np.float64)
    if parameter.log:
        return (np.log(parameter.low + column) - log(parameter.low))[:, None] / log(
            parameter.high / parameter.low
        )
    return column[:, None] / (parameter.high - parameter.low)
