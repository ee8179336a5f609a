"""The search for a point: as good as enumeration on small spaces, and only admissible points."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from apollo_dse.admission import Admission
from apollo_dse.encoding import Encoding
from apollo_dse.optimizers.bayesian import trust
from apollo_dse.optimizers.bayesian.candidates import search
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.trial import Measurement
from search_spaces.parameter import Integer
from search_spaces.space import Point, SearchSpace, canonical

GRID = SearchSpace(tuple(Integer(f"p{i}", 0, 9) for i in range(6)))
NONE = np.zeros((0, 6))


def problem(largest: float) -> Problem:
    """Points whose sum is at most `largest`, which is known beforehand."""

    def preview(points: Sequence[Point]) -> list[Measurement]:
        return [Measurement({"sum": float(sum(map(float, point.values())))}) for point in points]

    return Problem(
        space=GRID,
        objectives=(Objective("loss"),),
        evaluate=lambda points: [],
        constraints=(Constraint("sum", upper=largest, known=True),),
        preview=preview,
    )


def rugged(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """A score with its maximum of 0 at (7, 2, 7, 2, 7, 2), each pair of coordinates bound together."""
    low, high = rows[:, 1::2], rows[:, ::2]
    return -(np.abs(high - 7) + 3 * np.abs(high - low - 5)).sum(axis=1)


def admission(asked: Problem, *taken: Point) -> Admission:
    return Admission(asked, Encoding(GRID), set(map(canonical, taken)))


def found(asked: Admission, best: NDArray[np.float64] = NONE, seed: int = 0, box=None):
    return search(asked.encoding, rugged, best, asked, np.random.default_rng(seed), box)


def test_the_best_of_a_million_points_is_found_more_often_than_not() -> None:
    hits = [found(admission(problem(54.0)), seed=seed).tolist() == [7, 2, 7, 2, 7, 2] for seed in range(10)]
    assert sum(hits) >= 5


def test_what_is_taken_or_known_to_fail_is_never_found() -> None:
    optimum = dict(zip(GRID.names, (7, 2, 7, 2, 7, 2), strict=True))
    row = found(admission(problem(54.0), optimum))
    assert row.tolist() != [7, 2, 7, 2, 7, 2]
    assert rugged(row[None])[0] >= -6
    tight = found(admission(problem(20.0)))
    assert tight.sum() <= 20
    assert rugged(tight[None])[0] >= -10  # the best is -7: one of the sevens is a zero, or three are lower
    assert found(admission(problem(-1.0))) is None


def test_a_row_taken_in_the_meantime_is_not_found_again() -> None:
    asked = admission(problem(54.0))
    first = found(asked)
    asked.take(first)
    assert found(asked).tolist() != first.tolist()


def test_admissibility_is_asked_once_a_point() -> None:
    seen: list[str] = []
    plain = problem(54.0)

    def preview(points: Sequence[Point]) -> Sequence[Measurement]:
        seen.extend(map(canonical, points))
        assert plain.preview is not None
        return plain.preview(points)

    watched = Problem(
        space=GRID,
        objectives=plain.objectives,
        evaluate=plain.evaluate,
        constraints=plain.constraints,
        preview=preview,
    )
    asked = admission(watched)
    for _ in range(3):
        asked.take(found(asked))
    assert len(seen) == len(set(seen)) > 30


def test_a_box_bounds_the_search() -> None:
    asked = admission(problem(54.0))
    centre = np.array([[4.0, 4.0, 4.0, 4.0, 4.0, 4.0]])
    row = found(asked, centre, box=asked.encoding.around(centre[0], 0.5))
    assert np.abs(row - 4).max() <= 2
    assert rugged(row[None])[0] == -3 * (1 + 3 * 1)  # (6, 2): one short of seven, one short of five apart


@pytest.mark.parametrize(
    ("improved", "expected"),
    [
        ([], 0.8),
        ([True] * 3, 1.6),
        ([True] * 9, 1.6),
        ([True, False, True, False, True], 1.6),
        ([False] * 4, 0.4),
        ([False] * 3 + [True] + [False] * 3, 0.8),
        ([False] * 24, 0.0125),
        ([False] * 28, 0.8),
    ],
)
def test_the_length_of_a_trust_region_follows_from_its_trials(improved: list[bool], expected: float) -> None:
    """Three improvements double it, four failures in a row halve it, and too short it begins anew."""
    assert trust.length(improved, failures=4) == pytest.approx(expected)
