"""What all designs of a box have in common: the least and the most of every number, box by box.

A *box* of designs is all points between a lower and an upper one, parameter by parameter. A template that
knows how its numbers follow from its parameters can say, without building any of the points, between which
two values each number lies. Bounds of costs are made of that (`accel_models.relaxation`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
"""One number a box, [n]."""

Settled = Mapping[str, float | int | str]
"""Values of those parameters that are the same all over a box."""


@dataclass(frozen=True, slots=True)
class Most:
    """The most that a template can build of something, and what is said of more: `{}` is the amount."""

    amount: float
    sentence: str

    def violations(self, amount: float) -> tuple[str, ...]:
        """Why so much cannot be built; nothing if it can."""
        return (self.sentence.format(amount),) if amount > self.amount else ()


@dataclass(frozen=True, slots=True)
class Floor:
    """What every design has whose parameters are all at least those of a corner, n corners.

    `area_mm2` and `leakage_w` are least values, [n]: those of the corner. So are `amounts`, [n] each: of what
    the template can build only so much of, by that limit.
    """

    area_mm2: Column
    leakage_w: Column
    amounts: Mapping[Most, Column]

    @property
    def buildable(self) -> NDArray[np.bool_]:
        """Which corners [n] the template can build; of the others no design from there up can be."""
        kept = [column <= most.amount for most, column in self.amounts.items()]
        return np.asarray(np.all(kept, axis=0))

    def violations(self, row: int) -> tuple[str, ...]:
        """Why the template cannot build one of the corners; nothing if it can."""
        told = (most.violations(float(column[row])) for most, column in self.amounts.items())
        return tuple(chain.from_iterable(told))


@dataclass(frozen=True, slots=True)
class Ranges:
    """Between which values the numbers of the designs of n boxes lie.

    `least` and `most` have a column [n] a name; names are those of the dataflow's columns of designs.
    `peak_macs_per_s` is least and most.
    """

    least: Mapping[str, Column]
    most: Mapping[str, Column]
    peak_macs_per_s: tuple[Column, Column]

    def __len__(self) -> int:
        return len(self.peak_macs_per_s[0])


@dataclass(frozen=True, slots=True)
class DesignColumns:
    """n designs by their numbers: `columns` as the dataflow takes them, [n] each; `floor` is of each alone."""

    columns: Mapping[str, Column]
    floor: Floor
    peak_macs_per_s: Column

    def __len__(self) -> int:
        return len(self.peak_macs_per_s)


class Monotone(Protocol):
    """What a template offers beside its function from a point to an accelerator: its numbers over boxes.

    `parameters` are those that a box may range over; all others must be settled.
    """

    @property
    def parameters(self) -> tuple[str, ...]: ...  # noqa: D102 - see above

    def floor(self, settled: Settled, lower: Mapping[str, Column]) -> Floor:
        """What no design from a corner up is without.

        Args:
            settled: values of the other parameters.
            lower: the corners, a column a parameter.
        """

    def ranges(self, settled: Settled, lower: Mapping[str, Column], upper: Mapping[str, Column]) -> Ranges:
        """Ranges of n boxes.

        Args:
            settled: values of the other parameters.
            lower: least values, a column a parameter.
            upper: most values, likewise.
        """


def design_columns(monotone: Monotone, settled: Settled, points: Mapping[str, Column]) -> DesignColumns:
    """The numbers of n designs: boxes of one point each.

    Args:
        monotone: of their template.
        settled: values of the parameters that all share and no box may range over.
        points: values of the others, a column a parameter.
    """
    floor, found = monotone.floor(settled, points), monotone.ranges(settled, points, points)
    return DesignColumns(found.least, floor, found.peak_macs_per_s[0])
