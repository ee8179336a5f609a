"""Points as sequences of tokens, one for each parameter that has a choice."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from search_spaces.parameter import Categorical, Parameter
from search_spaces.space import Point, SearchSpace

BINS = 32
"""Tokens of a parameter at most; of one with more values each token stands for an equal share of the range."""


class Tokens:
    """Translates points to tokens [d] of `d` parameters and back; rules are not asked.

    Args:
        space: where the points lie.
    """

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.parameters = tuple(each for each in space.parameters if each.cardinality != 1)
        self.counts = tuple(min(each.cardinality or BINS, BINS) for each in self.parameters)

    def of(self, points: Sequence[Point]) -> NDArray[np.int64]:
        """Tokens [n, d] of `n` points of the space."""
        rows = [
            [
                min(int(each.to_unit(point[each.name]) * count), count - 1)
                for each, count in zip(self.parameters, self.counts, strict=True)
            ]
            for point in points
        ]
        return np.array(rows, dtype=np.int64).reshape(len(points), len(self.parameters))

    def points(self, tokens: NDArray[np.int64], rng: np.random.Generator) -> list[Point]:
        """Points that tokens [n, d] stand for; where one stands for a range, a draw from it."""
        units = np.full((len(tokens), len(self.space.parameters)), 0.5)
        places = [self.space.names.index(each.name) for each in self.parameters]
        within = np.where([_is_exact(each) for each in self.parameters], 0.5, rng.random(tokens.shape))
        units[:, places] = (tokens + within) / np.array(self.counts, dtype=np.float64)
        return self.space.from_unit(units)

    def nearness(self, decay: float) -> NDArray[np.float32]:
        """Distribution [d, k, k] over the tokens of each place around each token, `k` the largest count.

        Of numbers it falls by `decay` with each step between two tokens; a category has itself alone.
        """
        near = np.zeros((len(self.counts), max(self.counts), max(self.counts)), dtype=np.float32)
        for place, (parameter, count) in enumerate(zip(self.parameters, self.counts, strict=True)):
            steps = np.abs(np.arange(count)[:, None] - np.arange(count))
            weights = steps == 0 if isinstance(parameter, Categorical) else decay**steps
            near[place, :count, :count] = weights / weights.sum(axis=1, keepdims=True)
        return near


def _is_exact(parameter: Parameter) -> bool:
    """Whether each value has a token of its own, with bins of equal width."""
    return (parameter.cardinality or BINS + 1) <= BINS and not getattr(parameter, "log", False)
