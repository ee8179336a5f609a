"""A problem in other libraries' terms: ordinals by rank and back, limits by how far they are exceeded."""

import numpy as np
import pytest

from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.terms import excesses, params_of, point_of
from apollo_dse.testing import evaluator
from apollo_dse.trial import Measurement
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    (
        Ordinal("lanes", (4, 8, 256)),
        Integer("banks", 1, 64),
        Real("clock", 1.0, 2.0),
        Categorical("node", ("a", "b")),
    )
)


def test_an_ordinal_is_told_by_its_rank_and_comes_back_as_its_value():
    params = params_of(SPACE, {"node": "b", "lanes": 256, "banks": 3, "clock": 1.5})
    assert params == {"lanes": 2, "banks": 3, "clock": 1.5, "node": "b"}
    for point in SPACE.sample(np.random.default_rng(0), 20):
        assert point_of(SPACE, params_of(SPACE, point)) == point


@pytest.mark.parametrize(
    ("limit", "measured", "excess"), [("upper", 3.0, 0.5), ("upper", 1.0, -0.5), ("lower", 1.0, 0.5)]
)
def test_a_limit_is_told_by_the_share_of_it_that_is_exceeded(limit, measured, excess):
    constraint = Constraint("power_w", **{limit: 2.0})
    measurement = Measurement({"power_w": measured})
    world = evaluator(lambda point: measurement)
    problem = Problem(
        space=SPACE, objectives=(Objective("power_w"),), evaluate=world, constraints=(constraint,)
    )
    assert excesses(problem, measurement) == {str(constraint): pytest.approx(excess)}
