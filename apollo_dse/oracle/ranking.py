"""Which of the designs found so far are the answer, and which boxes can no longer hold any of it.

Losses and areas count to `DIGITS` significant digits: what differs by less is rounding, or no reason to choose.
Of one objective the least loss wins, of equal ones the least area, of equal ones the point that comes first in
the space's order (`SearchSpace.enumerate`); of several objectives all points win that no other dominates, and
of those with equal losses the one of least area, then the first. So the answer is unique.
"""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apollo_dse.trial import Measurement
from search_spaces.space import Point

DIGITS = 8


def rounded(value: float) -> float:
    """A value to `DIGITS` significant digits."""
    return float(f"{value:.{DIGITS - 1}e}")


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What is compared: rounded losses, rounded area, number of the point in the space's order."""

    losses: tuple[float, ...]
    area_mm2: float
    number: int

    @classmethod
    def of(cls, losses: Sequence[float], area_mm2: float, number: int) -> "Key":
        """The key of exact values."""
        return cls(tuple(map(rounded, losses)), rounded(area_mm2), number)


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A feasible design: its key, and what was measured."""

    key: Key
    point: Point = field(compare=False)
    measurement: Measurement = field(compare=False)
    losses: tuple[float, ...] = field(compare=False)


class Ranking(Protocol):
    """The best so far; `found` in rising order of keys."""

    found: list[Found]

    def add(self, design: Found) -> None:
        """Take a design in, if it belongs to the answer, and drop what then no longer does."""

    def hopeless(self, key: Key) -> bool:
        """Whether no design can belong to the answer all of whose key is at least this one, part by part."""

    def gap(self, losses: NDArray[np.float64]) -> float:
        """By what share of its loss the answer may yet be improved; infinite while it is not complete.

        Args:
            losses: bounds [n, m] of what is not explored, not rounded.
        """


class Best:
    """The `count` best designs by one objective."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.found: list[Found] = []

    def add(self, design: Found) -> None:
        """Take a design in if it is among the best."""
        insort(self.found, design)
        del self.found[self.count :]

    def hopeless(self, key: Key) -> bool:
        """Whether a design of this key, or a greater one, would come too late."""
        return len(self.found) == self.count and key > self.found[-1].key

    def gap(self, losses: NDArray[np.float64]) -> float:
        """Of the last one of the best, in its own loss."""
        if not len(losses):
            return 0.0
        if len(self.found) < self.count:
            return inf
        (loss,) = self.found[-1].losses
        return max(0.0, loss - float(losses.min())) / (abs(loss) or 1.0)


class Front:
    """All designs that no other dominates by several objectives."""

    def __init__(self) -> None:
        self.found: list[Found] = []

    def add(self, design: Found) -> None:
        """Take a design in if no other dominates it."""
        if not self.hopeless(design.key):
            self.found = [other for other in self.found if not _beats(design.key, other.key)]
            insort(self.found, design)

    def hopeless(self, key: Key) -> bool:
        """Whether a design of the front dominates this key, or has equal losses and comes before it."""
        return any(_beats(other.key, key) for other in self.found)

    def gap(self, losses: NDArray[np.float64]) -> float:
        """By what share, at most, an unexplored design may undercut the front in all losses at once."""
        if not len(losses):
            return 0.0
        if not self.found:
            return inf
        front = np.array([design.losses for design in self.found])
        excess = (front[:, None] - losses) / np.where(front == 0, 1.0, np.abs(front))[:, None]
        return max(0.0, float(excess.max(axis=2).min(axis=0).max()))


def _beats(one: Key, other: Key) -> bool:
    """Whether one dominates the other, or has the same losses and the smaller rest of the key."""
    if one.losses == other.losses:
        return one <= other
    return all(a <= b for a, b in zip(one.losses, other.losses, strict=True))
