"""Who leads, for how long, and who is next."""

import numpy as np
import pytest

from apollo_dse.optimizers.portfolio import Portfolio
from apollo_dse.problem import Objective, Problem
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Integer
from search_spaces.space import SearchSpace

LINE = bowl(Integer("a", 0, 1000))
MEMBERS = ["evolution", "local-search", "random"]


def told(optimizer, *values):
    points = [{"a": a} for a in values]
    pairs = zip(points, LINE.evaluate(points), strict=True)
    optimizer.tell([Trial(number, *pair) for number, pair in enumerate(pairs, len(optimizer.trials))])


def test_the_leader_has_most_trials_and_the_others_share_the_rest():
    optimizer = Portfolio(LINE, seed=0, members=MEMBERS, lead=0.8)
    assert optimizer.shares == pytest.approx([0.8, 0.1, 0.1])
    assert Portfolio(LINE, seed=0, members=["random"]).shares.tolist() == [1.0]
    owners = [optimizer.drawn(optimizer.shares, number) for number in range(100)]
    assert np.abs(np.bincount(owners) - [80, 10, 10]).max() <= 2


def test_a_stall_passes_on_the_lead_and_an_improvement_keeps_it():
    optimizer = Portfolio(LINE, seed=0, members=MEMBERS, patience=3)
    told(optimizer, 0, 1, 2, 800, 801, 802)
    assert optimizer.leader == 0  # four that are better than all before, then two that are not
    told(optimizer, 400)
    assert optimizer.leader == 0
    told(optimizer, 399, 398, 601)
    assert optimizer.leader == 1
    told(optimizer, 397, 396, 395, 394, 393, 392)
    assert optimizer.leader == 0  # after the last member the first


def test_of_several_objectives_a_new_point_of_the_front_is_an_improvement():
    space = SearchSpace((Integer("a", 0, 1000),))
    problem = Problem(space=space, objectives=(Objective("x"), Objective("y")), evaluate=lambda points: [])
    optimizer = Portfolio(problem, seed=0, members=MEMBERS, patience=2)

    def measured(number, x, y):
        return Trial(number, {"a": number}, Measurement({"x": float(x), "y": float(y)}))

    optimizer.tell([measured(0, 5, 5), measured(1, 0, 9), measured(2, 9, 0), measured(3, 4, 6)])
    assert optimizer.leader == 0
    optimizer.tell([measured(4, 6, 6), measured(5, 9, 9)])
    assert optimizer.leader == 1


def test_the_lead_is_restored_by_replay():
    optimizer = Portfolio(LINE, seed=3, members=MEMBERS, patience=2)
    told(optimizer, 500, 1, 2, 3, 4, 5)
    twin = Portfolio(LINE, **optimizer.settings)
    twin.tell(optimizer.trials)
    assert (twin.leader, optimizer.leader) == (2, 2)


def test_the_default_finds_what_is_known_to_be_best():
    """Within 48 trials a design no more than 5 % above the best of 2,000 draws of the made-up accelerators."""
    problem = accelerators(area_mm2=30.0, known=True)
    drawn = problem.evaluate(problem.space.sample(np.random.default_rng(0), 2000))
    best = min(
        trial.measurement.metrics["latency_s"]
        for trial in (Trial(0, {}, each) for each in drawn)
        if problem.feasible(trial)
    )
    optimizer = Portfolio(problem, seed=0)
    for _ in range(6):
        points = optimizer.ask(8)
        start = len(optimizer.trials)
        pairs = zip(points, problem.evaluate(points), strict=True)
        optimizer.tell([Trial(number, *pair) for number, pair in enumerate(pairs, start)])
    assert problem.losses(problem.incumbent(optimizer.trials))[0] < 1.05 * best


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"members": []}, "at least one member"),
        ({"members": ["bayes"]}, "did you mean 'bayesian'"),
        ({"lead": 0.0}, "`0 < lead <= 1` and `patience >= 1`"),
        ({"patience": 0}, "`0 < lead <= 1` and `patience >= 1`"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        Portfolio(LINE, seed=0, **knobs)
