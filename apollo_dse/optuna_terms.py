"""A problem in Optuna's terms: distributions, parameters, constraints.

Ordinals and whole numbers become integers, ordinals by their rank, since Optuna knows no other order of values.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from apollo_dse.problem import Problem
from apollo_dse.trial import Measurement
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def distributions(space: SearchSpace) -> "dict[str, BaseDistribution]":
    """The distribution of each parameter."""
    return {parameter.name: _distribution(parameter) for parameter in space.parameters}


def params_of(space: SearchSpace, point: Point) -> dict[str, Value]:
    """The parameters of a point of the space as Optuna has them."""
    values = {p.name: point[p.name] for p in space.parameters}
    ranked = {p.name: p.values.index(point[p.name]) for p in space.parameters if isinstance(p, Ordinal)}
    return values | ranked


def point_of(space: SearchSpace, params: Mapping[str, Any]) -> Point:
    """The point of what Optuna suggested."""
    return {
        p.name: p.values[int(params[p.name])] if isinstance(p, Ordinal) else params[p.name]
        for p in space.parameters
    }


def excesses(problem: Problem, measurement: Measurement) -> dict[str, float]:
    """By what share of it each limit is exceeded, 0 or less where it is kept: Optuna's constraints.

    Raises:
        ValueError: the measurement has no metrics.
    """
    return {str(limit): -limit.slack(measurement) / (abs(limit.limit) or 1.0) for limit in problem.constraints}


def _distribution(parameter: Parameter) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match parameter:
        case Real():
            return FloatDistribution(parameter.low, parameter.high, log=parameter.log)
        case Integer():
            return IntDistribution(parameter.low, parameter.high, log=parameter.log)
        case Ordinal():
            return IntDistribution(0, len(parameter.values) - 1)
        case Categorical():
            return CategoricalDistribution(parameter.values)
