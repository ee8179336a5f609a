"""How many designs of a study lie in ranges that a reader brushed: all of them count, drawn or not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollo_dse.report.document import ParameterInfo, rounded
from apollo_dse.report.ledger import Column, Ledger

Ranges = Mapping[str, tuple[float, float]]
"""Lowest and highest value by axis: `p.NAME` of a parameter (as documents have it), `m.NAME` of a metric."""

PARAMETER, METRIC = "p.", "m."
_GONE = -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Designs of a study, those inside all ranges, the feasible ones of them, their best first objective."""

    trials: int
    inside: int
    feasible: int
    best: float | None


class Points:
    """The points of a study as columns, in the order of a ledger; they grow with it.

    A parameter with a list of values has its values' places in that list here, -1 for any other.

    Args:
        parameters: of the study's document.
    """

    def __init__(self, parameters: Sequence[ParameterInfo]) -> None:
        self.parameters = tuple(parameters)
        self._places = {
            each.name: None
            if each.values is None
            else {value: float(place) for place, value in enumerate(each.values)}
            for each in parameters
        }
        self._columns: dict[str, Column] = {name: np.empty(0) for name in self._places}
        self.count = 0

    def extend(self, points: Sequence[Mapping[str, Any]]) -> None:
        """Add the points of trials that come after those that are here."""
        for name, places in self._places.items():
            values = (point[name] for point in points)
            read = map(float, values) if places is None else (places.get(value, _GONE) for value in values)
            self._columns[name] = np.append(self._columns[name], np.fromiter(read, float, len(points)))
        self.count += len(points)

    def column(self, name: str) -> Column:
        """A parameter [n].

        Raises:
            LookupError: the space has no such parameter.
        """
        if name not in self._columns:
            raise LookupError(f"there is no parameter {name!r}; there are {', '.join(self._columns)}")
        return self._columns[name]


def parse_range(text: str) -> tuple[float, float]:
    """A range written as `LOW,HIGH`.

    Raises:
        ValueError: it is none.
    """
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"a range must be two numbers `LOW,HIGH`, but got {text[:80]!r}") from None
    if isnan(low) or isnan(high):
        raise ValueError(f"the ends of a range must be numbers, but got {text[:80]!r}")
    return low, high


def tally(ledger: Ledger, points: Points, ranges: Ranges) -> Tally:
    """Count the designs inside all ranges.

    Values are compared as documents have them, rounded, so that the end of an axis is inside of itself.

    Args:
        ledger: the trials of the study.
        points: theirs, as many.
        ranges: none holds every design.

    Raises:
        LookupError: an axis is neither a parameter nor a metric that was measured.
    """
    mask = np.ones(len(ledger), dtype=np.bool_)
    for axis, (low, high) in ranges.items():
        column = _rounded(_column(ledger, points, axis))
        mask &= (column >= low) & (column <= high)
    feasible = np.zeros_like(mask)
    feasible[ledger.feasible] = True
    good = mask & feasible
    objective = ledger.problem.objectives[0]
    values = ledger.metric(objective.metric)[good]
    best = values[np.argmin(ledger.loss(objective)[good])] if len(values) else None
    return Tally(
        trials=len(ledger),
        inside=int(mask.sum()),
        feasible=int(good.sum()),
        best=None if best is None else float(best),
    )


def _column(ledger: Ledger, points: Points, axis: str) -> Column:
    if axis.startswith(PARAMETER):
        return points.column(axis.removeprefix(PARAMETER))
    name = axis.removeprefix(METRIC)
    if not axis.startswith(METRIC) or name not in ledger.metrics:
        raise LookupError(f"an axis must be `p.PARAMETER` or `m.METRIC`, but got {axis[:80]!r}")
    return ledger.metric(name)


def _rounded(column: Column) -> NDArray[np.float64]:
    return np.array([rounded(value) for value in column.tolist()], dtype=np.float64)
