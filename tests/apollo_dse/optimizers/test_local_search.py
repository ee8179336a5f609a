"""Local search: all neighbours of the best, then a start elsewhere."""

import pytest

from apollo_dse.optimizers.local_search import LocalSearch
from apollo_dse.testing import bowl
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Integer, Ordinal
from search_spaces.space import canonical


def searched(problem, optimizer, points):
    start = len(optimizer.trials)
    pairs = zip(points, problem.evaluate(points), strict=True)
    optimizer.tell([Trial(number, *pair) for number, pair in enumerate(pairs, start)])


def test_all_neighbours_of_the_best_are_tried_before_anything_else():
    problem = bowl(Ordinal("a", (1, 2, 4, 8, 16)), Categorical("b", ("x", "y", "z")))
    optimizer = LocalSearch(problem, seed=0, starts=1)
    searched(problem, optimizer, [{"a": 4, "b": "y"}])
    near = [{"a": 2, "b": "y"}, {"a": 8, "b": "y"}, {"a": 4, "b": "x"}, {"a": 4, "b": "z"}]
    assert {canonical(point) for point in optimizer.ask(4)} == set(map(canonical, near))


def test_it_descends_to_the_optimum():
    problem = bowl(Integer("a", 0, 20), Integer("b", 0, 20))
    optimizer = LocalSearch(problem, seed=1, starts=4)
    for _ in range(12):
        searched(problem, optimizer, optimizer.ask(4))
    assert problem.incumbent(optimizer.trials).point == {"a": 10, "b": 10}


def test_at_a_local_optimum_it_starts_again_from_the_best():
    """Once all neighbours of the optimum are told, what is asked differs from it in `kick` parameters or so."""
    problem = bowl(*(Integer(f"p{i}", 0, 100) for i in range(6)))
    optimizer = LocalSearch(problem, seed=0, starts=1, kick=1.0)
    best = dict.fromkeys(problem.space.names, 50)
    searched(problem, optimizer, [best])
    searched(problem, optimizer, list(optimizer._variation.neighbours(best)))
    assert optimizer.centre is None
    changed = [sum(point[name] != 50 for name in best) for point in optimizer.ask(20)]
    assert max(changed) == 1


@pytest.mark.parametrize(("knobs", "said"), [({"starts": 0}, "`starts >= 1`"), ({"kick": 0.5}, "`kick >= 1`")])
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        LocalSearch(bowl(Integer("a", 0, 9)), seed=0, **knobs)
