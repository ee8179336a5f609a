"""A problem in the terms of other libraries: ordinals as whole numbers, limits by how far they are exceeded.

An ordinal is told by its rank, since libraries know no other order of values than that of numbers.
"""

from collections.abc import Mapping
from typing import Any

from apollo_dse.problem import Problem
from apollo_dse.trial import Measurement
from search_spaces.parameter import Ordinal
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace


def params_of(space: SearchSpace, point: Point) -> dict[str, Value]:
    """The parameters of a point of the space as other libraries have them."""
    values = {p.name: point[p.name] for p in space.parameters}
    ranked = {p.name: p.values.index(point[p.name]) for p in space.parameters if isinstance(p, Ordinal)}
    return values | ranked


def point_of(space: SearchSpace, params: Mapping[str, Any]) -> Point:
    """The point of what another library suggested."""
    return {
        p.name: p.values[int(params[p.name])] if isinstance(p, Ordinal) else params[p.name]
        for p in space.parameters
    }


def excesses(problem: Problem, measurement: Measurement) -> dict[str, float]:
    """By what share of it each limit is exceeded, 0 or less where it is kept.

    Raises:
        ValueError: the measurement has no metrics.
    """
    return {str(limit): -limit.slack(measurement) / (abs(limit.limit) or 1.0) for limit in problem.constraints}
