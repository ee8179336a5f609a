"""How points beget points."""

import numpy as np
import pytest

from apollo_dse.variation import Variation
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import SearchSpace

SPACE = SearchSpace(
    (
        Ordinal("a", (1, 2, 4, 8, 16)),
        Integer("b", 0, 799),
        Real("c", 0.0, 1.0),
        Categorical("d", ("x", "y", "z")),
        Ordinal("only", (7,)),
    )
)
POINT = {"a": 4, "b": 400, "c": 0.5, "d": "y", "only": 7}


def changed(child):
    return {name for name in POINT if child[name] != POINT[name]}


def test_a_crossed_point_has_each_value_from_either_parent():
    other = {"a": 16, "b": 1, "c": 0.1, "d": "z", "only": 7}
    rng = np.random.default_rng(0)
    children = [Variation(SPACE).crossed(POINT, other, rng) for _ in range(1000)]
    for name in ("a", "b", "c", "d"):
        assert {child[name] for child in children} == {POINT[name], other[name]}
        assert 400 < sum(child[name] == POINT[name] for child in children) < 600


@pytest.mark.parametrize("mutations", [1.0, 2.5])
def test_about_as_many_values_are_mutated_as_asked_and_all_lie_in_the_space(mutations):
    rng = np.random.default_rng(0)
    children = [Variation(SPACE, mutations, neighbour=1.0).mutated(POINT, rng) for _ in range(2000)]
    assert all(child in SPACE for child in children)
    counts = [len(changed(child)) for child in children]
    assert mutations - 0.35 < np.mean(counts) <= mutations  # a category may be drawn as it was
    assert set().union(*map(changed, children)) == {"a", "b", "c", "d"}


def test_a_step_is_short_and_a_draw_is_not():
    rng = np.random.default_rng(0)
    for neighbour, reach in ((1.0, 0.15), (0.0, 0.35)):
        steps = [
            abs(float(child["c"]) - 0.5)
            for child in (Variation(SPACE, 1.0, neighbour).mutated(POINT, rng) for _ in range(2000))
            if changed(child) == {"c"}
        ]
        assert reach - 0.1 < np.mean(steps) < reach


def test_neighbours_are_the_next_values_and_those_an_eighth_away():
    found = list(Variation(SPACE).neighbours(POINT))
    assert all(len(changed(child)) == 1 for child in found)
    values = {name: sorted(child[name] for child in found if changed(child) == {name}) for name in "abcd"}
    assert values["a"] == [2, 8]
    assert values["b"] == [300, 387, 412, 500] or values["b"] == [300, 388, 413, 500]
    assert values["c"] == pytest.approx([0.375, 0.484375, 0.515625, 0.625])
    assert values["d"] == ["x", "z"]


def test_at_the_end_of_a_range_there_are_fewer():
    found = list(Variation(SPACE).neighbours({**POINT, "a": 1}))
    assert [child["a"] for child in found if child["b"] == 400 and child["c"] == 0.5 and child["d"] == "y"] == [
        2
    ]


def test_without_a_choice_a_point_stays():
    point = {"only": 7}
    assert Variation(SearchSpace((Ordinal("only", (7,)),))).mutated(point, np.random.default_rng(0)) == point
