"""The parts that optimizers are made of: new points, ranks, fronts; each against a plain definition."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo_dse.optimizer import fresh
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.ranking import crowding, fronts, rank
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import SearchSpace, canonical


def trials_of(*measurements):
    return [
        Trial(i, {"x": i}, m if isinstance(m, Measurement) else Measurement(m))
        for i, m in enumerate(measurements)
    ]


def problem_of(*metrics, **limits):
    return Problem(
        space=SearchSpace((Integer("x", 0, 9),)),
        objectives=tuple(map(Objective, metrics)),
        evaluate=lambda points: [],
        constraints=tuple(Constraint(metric, upper=limit) for metric, limit in limits.items()),
    )


def within(space):
    return Problem(space=space, objectives=(Objective("loss"),), evaluate=lambda points: [])


class TestFresh:
    def test_draws_are_uniform_over_what_the_rules_leave(self):
        """Chi-square with 7 degrees of freedom exceeds 29.9 once in 10,000 uniform samples."""
        space = SearchSpace(
            (Ordinal("a", (1, 2, 4, 8)), Categorical("b", ("x", "y", "z"))),
            (lambda point: "`a != 8` or x must hold" if point["a"] == 8 and point["b"] != "x" else None,),
        )
        space = SearchSpace(
            space.parameters, (*space.rules, lambda p: "no" if p["a"] == 1 and p["b"] != "z" else None)
        )
        counts = dict.fromkeys(map(canonical, space.enumerate()), 0)
        assert len(counts) == 8
        for seed in range(4000):
            (point,) = fresh(within(space), np.random.default_rng(seed), 1, set())
            counts[canonical(point)] += 1
        assert sum((count - 500) ** 2 / 500 for count in counts.values()) < 29.9

    def test_the_last_point_of_a_large_space_is_found(self):
        space = SearchSpace((Integer("a", 0, 49_999),))
        known = {canonical({"a": a}) for a in range(50_000) if a != 31_415}
        assert fresh(within(space), np.random.default_rng(0), 4, known) == [{"a": 31_415}]
        assert len(known) == 49_999

    def test_what_an_enumeration_finds_is_drawn_uniformly_too(self, monkeypatch):
        monkeypatch.setattr("apollo_dse.optimizer.MISSES_PER_POINT", 0)
        problem = within(SearchSpace((Integer("a", 0, 1),)))
        firsts = [fresh(problem, np.random.default_rng(seed), 2, set())[0]["a"] for seed in range(400)]
        assert 150 < sum(firsts) < 250  # five standard deviations: once in 1.7 million samples

    def test_a_real_space_never_runs_dry(self):
        problem = within(SearchSpace((Real("a", 0.0, 1.0),)))
        assert len(fresh(problem, np.random.default_rng(0), 50, set())) == 50

    def test_proposals_that_are_known_or_outside_give_way_to_draws(self):
        space = SearchSpace((Integer("a", 0, 9),))
        for bad in ({"a": 3}, {"a": 99}, {"b": 1}):
            known = {canonical({"a": 3})}
            points = fresh(within(space), np.random.default_rng(0), 5, known, lambda bad=bad: bad)
            assert len({point["a"] for point in points} - {3}) == 5

    def test_draws_end_once_nothing_new_turns_up(self):
        asked = []
        space = SearchSpace((Integer("a", 0, 3),), (asked.append,))
        assert len(fresh(within(space), np.random.default_rng(0), 8, set())) == 4
        assert len(asked) < 400  # eight hundred draws, each asked about twice, would be 1600

    def test_proposals_come_first(self):
        space = SearchSpace((Integer("a", 0, 999),))
        numbers = iter(range(100))
        points = fresh(within(space), np.random.default_rng(0), 4, set(), lambda: {"a": next(numbers)})
        assert [point["a"] for point in points] == [0, 1, 2, 3]

    @pytest.mark.parametrize("share", [0.5, 0.0])
    def test_points_known_to_fail_come_last_those_nearest_to_the_limit_first(self, share):
        """Of 10 points one is unbuildable and some are too large; proposals and draws are held to it alike."""

        def preview(points):
            return [
                Measurement(infeasible_because="no") if p["a"] == 0 else Measurement({"a": float(p["a"])})
                for p in points
            ]

        space = SearchSpace((Integer("a", 0, 9),))
        limit = Constraint("a", upper=9 * share, known=True)
        problem = replace(within(space), constraints=(limit,), preview=preview)
        for propose in (None, lambda: {"a": 9}):
            points = fresh(problem, np.random.default_rng(0), 10, set(), propose)
            values = [point["a"] for point in points]
            kept = 4 if share else 0
            assert set(values[:kept]) == set(range(1, 1 + kept))
            assert values[kept:] == [*range(1 + kept, 10), 0]

    def test_a_limit_that_nothing_keeps_does_not_enumerate_a_huge_space(self):
        space = SearchSpace(tuple(Integer(f"p{i}", 0, 10**6) for i in range(5)))
        refused = lambda points: [Measurement(infeasible_because="no")] * len(points)  # noqa: E731
        problem = replace(within(space), preview=refused)
        assert len(fresh(problem, np.random.default_rng(0), 4, set())) == 4

    @pytest.mark.parametrize("n", [0, -3])
    def test_nothing_is_no_number_of_points(self, n):
        with pytest.raises(ValueError, match=f"`n >= 1` must hold, but got n={n}"):
            fresh(within(SearchSpace((Integer("a", 0, 9),))), np.random.default_rng(0), n, set())


class TestRank:
    def test_feasible_then_by_violation_then_unmappable(self):
        problem = problem_of("loss", area=10.0)
        trials = trials_of(
            Measurement(infeasible_because="no"),
            {"loss": 0.0, "area": 30.0},
            {"loss": 2.5, "area": 10.0},
            {"loss": 0.1, "area": 11.0},
            {"loss": 2.0, "area": 1.0},
            Measurement(infeasible_because="other"),
        )
        assert rank(problem, trials).tolist() == [4, 3, 1, 2, 0, 4]

    def test_losses_count_to_the_last_digit_without_limits(self):
        trials = trials_of({"loss": 0.4}, {"loss": 0.3}, {"loss": 0.2}, {"loss": 0.3})
        assert rank(problem_of("loss"), trials).tolist() == [2, 1, 0, 1]

    def test_goals_are_heeded(self):
        problem = Problem(
            space=SearchSpace((Integer("x", 0, 9),)),
            objectives=(Objective("utilization", "maximize"),),
            evaluate=lambda points: [],
        )
        assert rank(problem, trials_of({"utilization": 0.2}, {"utilization": 0.9})).tolist() == [1, 0]

    def test_two_objectives_by_front_then_by_crowding(self):
        losses = [(0, 4), (1, 2), (2, 1.9), (4, 0), (5, 5), (1, 4)]
        trials = trials_of(*({"a": float(a), "b": float(b)} for a, b in losses))
        # first front: both ends alike, then (2, 1.9), whose neighbours lie further apart, then (1, 2)
        assert rank(problem_of("a", "b"), trials).tolist() == [0, 2, 1, 0, 4, 3]

    def test_no_feasible_trial(self):
        problem = problem_of("loss", area=1.0)
        assert rank(
            problem, trials_of(Measurement(infeasible_because="no"), {"loss": 0.0, "area": 3.0})
        ).tolist() == [1, 0]


@given(rows=st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=12))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_fronts_are_what_peeling_gives(rows):
    def dominates(a, b):
        return all(x <= y for x, y in zip(a, b, strict=True)) and a != b

    left, expected, number = set(range(len(rows))), [0] * len(rows), 0
    while left:
        front = {i for i in left if not any(dominates(rows[j], rows[i]) for j in left)}
        for i in front:
            expected[i] = number
        left, number = left - front, number + 1
    assert fronts(np.array(rows, dtype=float)).tolist() == expected


def test_crowding_distance_by_hand():
    losses = np.array([[0.0, 10.0], [1.0, 6.0], [4.0, 5.0], [10.0, 0.0], [20.0, 20.0]])
    front = np.array([0, 0, 0, 0, 1])
    expected = [inf, 4 / 10 + 5 / 10, 9 / 10 + 6 / 10, inf, inf]
    assert crowding(losses, front).tolist() == pytest.approx(expected)


class TestEvolution:
    def test_it_begins_with_the_draws_of_random_search(self):
        problem = accelerators()
        assert Evolution(problem, seed=4).ask(32) == Random(problem, seed=4).ask(32)

    def test_only_the_youngest_are_parents(self):
        """Old trials of another corner leave no trace in the children, however good they are."""
        space = SearchSpace(tuple(Integer(f"p{i}", 0, 99) for i in range(6)))
        cost = {"old": 0.0, "young": 1.0}
        problem = Problem(space=space, objectives=(Objective("loss"),), evaluate=lambda points: [])
        evolution = Evolution(problem, seed=0, population=8, tournament=4, neighbour=1.0, mutations=1.0)
        corner = {"old": 90, "young": 10}
        for i in range(16):
            age = "old" if i < 8 else "young"
            point = {name: corner[age] + i % 8 for name in space.names}
            evolution.tell([Trial(i, point, Measurement({"loss": cost[age]}))])
        children = evolution.ask(50)
        near = [sum(int(child[name]) < 50 for name in space.names) for child in children]
        assert min(near) >= 5

    def test_a_step_is_to_a_neighbour(self):
        problem = bowl(Ordinal("a", (1, 2, 4, 8)), Ordinal("b", (1, 2, 4, 8)))
        evolution = Evolution(
            problem, seed=0, population=2, tournament=1, neighbour=1.0, crossover=0.0, mutations=1.0
        )
        for number in range(2):
            evolution.tell([Trial(number, {"a": 2, "b": 2}, Measurement({"loss": 0.0}))])
        texts = {canonical(point) for point in evolution.ask(4)}
        assert texts == {canonical({"a": a, "b": b}) for a, b in ((1, 2), (4, 2), (2, 1), (2, 4))}

    @pytest.mark.parametrize(
        ("knobs", "said"),
        [
            ({"tournament": 0}, "`1 <= tournament <= population`"),
            ({"tournament": 33}, "got tournament=33, population=32"),
            ({"population": 1, "tournament": 1}, "`population >= 2`"),
            ({"crossover": 1.5}, "`crossover` must be a probability"),
            ({"neighbour": float("nan")}, "`neighbour` must be a probability"),
            ({"mutations": 0.5}, "`mutations >= 1` must hold, but got mutations=0.5"),
        ],
    )
    def test_knobs_out_of_range(self, knobs, said):
        with pytest.raises(ValueError, match=said):
            Evolution(accelerators(), seed=0, **knobs)
