"""A space in Optuna's terms, beyond those of `apollo_dse.terms`: distributions."""

from typing import TYPE_CHECKING

from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.space import SearchSpace

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def distributions(space: SearchSpace) -> "dict[str, BaseDistribution]":
    """The distribution of each parameter; whole numbers and ordinals, by their rank, are integers."""
    return {parameter.name: _distribution(parameter) for parameter in space.parameters}


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
