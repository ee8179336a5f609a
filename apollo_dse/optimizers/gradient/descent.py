"""Two relaxations of discrete choices: a memory of coordinates, and logits over choices.

Both keep what they are in numbers that gradients move, and take every gradient at a legal point.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizers.gradient.lines import Lines, Vector
from search_spaces.parameter import Parameter

SPREAD = (-1.0, 1.5)
"""Steps are so many powers of two times as long as the rate."""

WIDENING = 16
"""After so many points that cannot be suggested, steps are twice as long."""

CHOICES = 16
"""Logits of a parameter at most; of more values, some share one."""

LEAP = 4.0
"""Logits move by the slope of the expected loss times this."""

PRICE_RATE, DEAREST = 1.0, 10.0
"""A multiplier rises by the excess over its limit times the first, up to the second."""


def downhill(lines: Lines, *, is_feasible: bool, weights: Vector) -> Vector:
    """The gradient to descend along, [d]: of broken limits, else of the losses with their weights [m]."""
    broken = lines.excesses > 0
    if not is_feasible and broken.any():
        slope: Vector = lines.limits[broken].sum(axis=0)
        return slope
    return weights[: len(lines.losses)] @ lines.losses


def stepped(memory: Vector, slope: Vector, length: float) -> Vector:
    """The memory [d] after a step whose largest part is of that length; the same one on a plateau."""
    largest = np.abs(slope).max(initial=0.0)
    return memory - length * slope / largest if largest > 0 else memory


class Proximal:
    """NASP's lazy proximal step (Yao et al., AAAI 2020, arXiv 1905.13577): a memory beside the legal point.

    The memory [d] lies in the unit cube, the legal point is the one whose cell it lies in. A gradient, taken at
    the point, moves the memory; small ones add up until it leaves the cell.

    Args:
        cells: half the width of each coordinate's cell, [d].
        rate: length of a step, as a share of a parameter's range.
    """

    def __init__(self, cells: Vector, rate: float) -> None:
        self.cells, self.rate = cells, rate
        self.memory = np.full(len(cells), 0.5)

    def begin(self, units: Vector) -> None:
        """Forget all but a point at these coordinates [d]."""
        self.memory = units

    def move(self, slope: Vector, units: Vector) -> None:
        """Step along a slope [d], as far as the cell of the point at coordinates [d] allows."""
        away = stepped(self.memory, slope, self.rate)
        self.memory = np.clip(away, units - self.cells, units + self.cells)

    def proposed(
        self, slope: Vector, lines: Lines, units: Vector, attempt: int, rng: np.random.Generator
    ) -> Vector:
        """Coordinates [d] a step away from the memory, at first along the whole slope, then along parts of it.

        Where a limit that only trials tell about would be broken, the step ends on its plane.
        """
        length = self.rate
        if attempt:
            length *= (1 + attempt / WIDENING) * 2.0 ** rng.uniform(*SPREAD)
            slope = slope * (rng.random(len(slope)) < 0.5)
        found = stepped(self.memory, slope, length)
        for row, excess in zip(lines.limits[~lines.known], lines.excesses[~lines.known], strict=True):
            beyond = excess + row @ (found - units)
            if excess <= 0 < beyond:
                found = found - beyond * row / (row @ row)
        return np.clip(found, 0.0, 1.0)


class Logits:
    """Distributions over choices, moved by straight-through gradients at points drawn from them.

    As DARTS (Liu et al., ICLR 2019, arXiv 1806.09055) with hard samples of the Gumbel-softmax (Jang et al.,
    ICLR 2017, arXiv 1611.01144). A parameter's relaxed value is the mean coordinate of its choices; the loss is
    taken to change with it as it does at the legal point. Limits enter with multipliers, by their excess at
    the relaxed values.

    Args:
        numbers: the parameters.
    """

    def __init__(self, numbers: Sequence[Parameter]) -> None:
        counts = [min(each.cardinality or CHOICES, CHOICES) for each in numbers]
        self.choices = [(np.arange(count) + 0.5) / count for count in counts]
        self.logits = [np.zeros(count) for count in counts]
        self.prices = np.zeros(0)

    @property
    def shares(self) -> list[Vector]:
        """Probability of each choice, by parameter."""
        powers = [np.exp(each - each.max()) for each in self.logits]
        return [each / each.sum() for each in powers]

    @property
    def relaxed(self) -> Vector:
        """Mean coordinates, [d]."""
        return np.array([share @ units for share, units in zip(self.shares, self.choices, strict=True)])

    @property
    def likeliest(self) -> Vector:
        """Coordinates of the likeliest choices, [d]."""
        return np.array([units[each.argmax()] for each, units in zip(self.logits, self.choices, strict=True)])

    def move(self, slope: Vector, lines: Lines, units: Vector) -> None:
        """Follow the slope of the loss [d] and the limits at a point of coordinates [d]."""
        relaxed = self.relaxed
        if len(self.prices) != len(lines.excesses):
            self.prices = np.zeros(len(lines.excesses))
        beyond = lines.excesses + lines.limits @ (relaxed - units)
        self.prices = np.clip(self.prices + PRICE_RATE * beyond, 0.0, DEAREST)
        total = slope + self.prices @ lines.limits
        total = total / max(1.0, np.abs(total).max(initial=0.0))
        for logits, share, at, mean, one in zip(
            self.logits, self.shares, self.choices, relaxed, total, strict=True
        ):
            logits -= LEAP * one * share * (at - mean)

    def warm(self) -> None:
        """Half the logits: what has settled opens again."""
        self.logits = [each / 2 for each in self.logits]

    def proposed(self, rng: np.random.Generator) -> Vector:
        """Coordinates [d] of a draw: the largest of logits with Gumbel noise, anywhere in its bin."""
        drawn = [int((each + rng.gumbel(size=len(each))).argmax()) for each in self.logits]
        return np.array(
            [(place + rng.random()) / len(each) for place, each in zip(drawn, self.logits, strict=True)]
        )


def cells_of(numbers: Sequence[Parameter]) -> NDArray[np.float64]:
    """Half the width of each parameter's cells in the unit cube, a little less; 0 of a continuous one."""
    return np.array([0.499 / each.cardinality if each.cardinality else 0.0 for each in numbers])
