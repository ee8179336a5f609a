"""Rows and features of points: there and back, distances by kind, mutants within their bounds."""

import numpy as np
import pytest

from apollo_dse.encoding import Encoding
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import SearchSpace

MIXED = SearchSpace(
    (
        Ordinal("lanes", (4, 8, 64, 256)),
        Ordinal("only", (7,)),
        Integer("banks", 3, 8),
        Integer("depth", 1, 1024, log=True),
        Real("clock", 1.0, 5.0),
        Categorical("node", ("7nm", "16nm", "45nm")),
    )
)
ENCODING = Encoding(MIXED)


def test_points_survive_their_rows() -> None:
    points = MIXED.sample(np.random.default_rng(0), 300)
    rows = ENCODING.rows(points)
    assert rows.shape == (300, 5)
    for point, again in zip(points, ENCODING.points(rows), strict=True):
        assert list(again) == list(MIXED.names)
        assert {**again, "clock": pytest.approx(again["clock"])} == point
    assert np.array_equal(ENCODING.rows(ENCODING.points(rows)), rows)


def test_a_space_without_choice_has_empty_rows() -> None:
    encoding = Encoding(SearchSpace((Ordinal("a", (3,)), Categorical("b", ("x",)))))
    assert encoding.rows([{"a": 3, "b": "x"}]).shape == (1, 0)
    assert encoding.points(np.zeros((1, 0))) == [{"a": 3, "b": "x"}]


def test_features_by_hand() -> None:
    """Ordinals by rank, integers by value or its logarithm, reals by place, categories one-hot."""
    point = {"lanes": 64, "only": 7, "banks": 4, "depth": 32, "clock": 2.0, "node": "16nm"}
    features = ENCODING.features(ENCODING.rows([point]))[0]
    assert features.tolist() == pytest.approx([2 / 3, 1 / 5, 1 / 2, 1 / 4, 0, 1, 0])


def test_rows_survive_their_features() -> None:
    for encoding in (ENCODING, Encoding(MIXED, [("lanes", "depth"), ("banks", "clock")])):
        rows = encoding.draws(np.random.default_rng(1), 2000)
        assert encoding.rows_of(encoding.features(rows)) == pytest.approx(rows, abs=1e-12)
    none = Encoding(SearchSpace((Ordinal("a", (3,)),)))
    assert none.rows_of(np.zeros((2, 0))).shape == (2, 0)


def test_features_fill_the_unit_cube() -> None:
    features = ENCODING.features(ENCODING.draws(np.random.default_rng(0), 5000))
    assert features.min(axis=0).tolist() == pytest.approx([0] * 7, abs=0.01)
    assert features.max(axis=0).tolist() == pytest.approx([1] * 7, abs=0.01)


def test_what_numbers_give_together_is_a_feature_more() -> None:
    """64 lanes x 32 deep, of 4 x 1 to 256 x 1024: 9 of 16 doublings; categories and lone numbers give none."""
    together = [("lanes", "depth"), ("depth", "node", "lanes"), ("banks", "only", "node"), ("banks", "clock")]
    encoding = Encoding(MIXED, together)
    point = {"lanes": 64, "only": 7, "banks": 4, "depth": 32, "clock": 2.0, "node": "16nm"}
    features = encoding.features(encoding.rows([point]))[0]
    assert features[:7].tolist() == ENCODING.features(ENCODING.rows([point]))[0].tolist()
    clocked = np.log(4 * 2.0 / 3) / np.log(8 * 5.0 / 3)
    assert features[7:].tolist() == pytest.approx([9 / 16, clocked])


def test_draws_are_uniform() -> None:
    """Each of 4 lanes of 8,000 draws 2,000 times, within five standard deviations."""
    lanes = ENCODING.draws(np.random.default_rng(0), 8000)[:, 0]
    assert np.abs(np.bincount(lanes.astype(int), minlength=4) - 2000).max() < 5 * 39


@pytest.mark.parametrize("mutations", [1.0, 2.5])
def test_mutants_lie_in_the_space_and_change_as_many_coordinates_as_asked(mutations: float) -> None:
    space = SearchSpace(tuple(Integer(f"p{i}", 0, 10**6) for i in range(6)))
    encoding, rng = Encoding(space), np.random.default_rng(0)
    parents = encoding.draws(rng, 4000)
    children = encoding.mutants(parents, rng, mutations)
    changed = (children != parents).sum(axis=1)
    assert changed.min() >= 1
    assert changed.mean() == pytest.approx(mutations, abs=0.1)
    assert all(point in space for point in encoding.points(children[:50]))


def test_a_step_is_at_least_one_value_and_a_category_never_steps() -> None:
    """One mutation of a middle value: 0.7 of them are steps, all to a neighbour, as the list is short."""
    space = SearchSpace((Ordinal("a", (1, 2, 4)), Categorical("b", ("x", "y", "z"))))
    encoding, rng = Encoding(space), np.random.default_rng(0)
    children = encoding.mutants(np.ones((6000, 2)), rng, 1.0)
    of_a, of_b = children[children[:, 1] == 1, 0], children[children[:, 0] == 1, 1]
    assert set(np.unique(children)) <= {0.0, 1.0, 2.0}
    assert (of_a != 1).sum() / 3000 == pytest.approx(0.7 + 0.3 * 2 / 3, abs=0.05)
    assert (of_b != 1).sum() / 3000 == pytest.approx(2 / 3, abs=0.05)


def test_a_box_holds_its_mutants() -> None:
    row = np.array([3.0, 2.0, 500.0, 0.9, 1.0])
    lowest, highest = ENCODING.around(row, 0.4)
    assert lowest.tolist() == pytest.approx([2, 1, 500 - 204, 0.7, 0])
    assert highest.tolist() == pytest.approx([3, 3, 500 + 204, 1, 2])
    children = ENCODING.mutants(np.tile(row, (2000, 1)), np.random.default_rng(0), 4.0, (lowest, highest))
    assert (children >= lowest).all()
    assert (children <= highest).all()
    assert children.min(axis=0).tolist() == pytest.approx(lowest.tolist(), rel=0.02)
    assert children.max(axis=0).tolist() == pytest.approx(highest.tolist(), rel=0.02)
