"""The optimizer as a whole, beside its contracts: what it learns from, when it fits, and that it pays."""

import numpy as np
import pytest
import torch
from botorch.utils.multi_objective.hypervolume import Hypervolume

from apollo_dse.optimizers.bayesian import believer, search
from apollo_dse.optimizers.bayesian.believer import improvements, ranking
from apollo_dse.optimizers.bayesian.search import Bayesian
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Integer, Ordinal
from search_spaces.space import SearchSpace


def trials_of(problem, points, start=0):
    pairs = zip(points, problem.evaluate(points), strict=True)
    return [Trial(number, *pair) for number, pair in enumerate(pairs, start)]


def run(optimizer, trials, batch=8):
    told = []
    while len(told) < trials:
        told += (new := trials_of(optimizer.problem, optimizer.ask(batch), len(told)))
        optimizer.tell(new)
    return told


def best(problem, trials):
    return min((problem.losses(trial)[0] for trial in trials if problem.feasible(trial)), default=np.inf)


def volume(problem, trials):
    """Hypervolume of the front in logarithms, up to 0.1 s and 30 mm2."""
    front = problem.pareto_front(trials)
    losses = torch.tensor([problem.losses(trial) for trial in front], dtype=torch.float64).reshape(-1, 2)
    return Hypervolume(-torch.tensor([0.1, 30.0], dtype=torch.float64).log()).compute(-losses.log())


def wins(ours, theirs):
    return sum(a < b for a, b in zip(ours, theirs, strict=True))


def test_it_begins_with_an_even_spread():
    """Of 16 points in 4 bins an axis, a scrambled Sobol sequence puts 4 into each."""
    problem = bowl(*(Ordinal(f"p{i}", (1, 2, 4, 8)) for i in range(3)))
    points = Bayesian(problem, seed=3, initial=16).ask(16)
    for name in problem.space.names:
        assert np.unique([point[name] for point in points], return_counts=True)[1].tolist() == [4] * 4


def test_with_fewer_trials_than_random_it_is_better():
    """7 of 7 wins come up with a probability of 1 / 128 when both are equally good."""
    problem = accelerators(area_mm2=20.0, known=True)
    ours = [best(problem, run(Bayesian(problem, seed), 32)) for seed in range(7)]
    theirs = [best(problem, run(Random(problem, 100 + seed), 64)) for seed in range(7)]
    assert wins(ours, theirs) == 7


def test_its_front_is_better_than_that_of_random():
    """7 of 7, as above."""
    problem = accelerators("latency_s", "area_mm2", known=True)
    ours = [volume(problem, run(Bayesian(problem, seed), 32)) for seed in range(7)]
    theirs = [volume(problem, run(Random(problem, 100 + seed), 32)) for seed in range(7)]
    assert wins(theirs, ours) == 7


def test_a_limit_that_is_learned_is_kept():
    """Of uniform draws 1 in 30 is feasible; of 32 suggestions after 48 such draws at least a quarter are."""
    problem = accelerators(area_mm2=20.0)
    optimizer = Bayesian(problem, seed=0)
    told = trials_of(problem, Random(problem, seed=1).ask(48))
    optimizer.tell(told)
    for _ in range(4):
        told += (new := trials_of(problem, optimizer.ask(8), len(told)))
        optimizer.tell(new)
    assert sum(map(problem.feasible, told[:48])) <= 5
    assert sum(map(problem.feasible, told[48:])) >= 8


def test_what_it_learns_from_is_bounded():
    """A thousand trials are told; no process has more than `LEARNED` of them, the best half among them."""
    problem = accelerators(area_mm2=20.0)
    optimizer = Bayesian(problem, seed=0)
    told = trials_of(problem, Random(problem, seed=1).ask(1000))
    optimizer.tell(told)
    order = ranking(problem, told)
    encoding = optimizer.encoding
    features = torch.from_numpy(encoding.features(encoding.rows([trial.point for trial in told])))
    belief = optimizer.belief(order)
    for process in (*belief.objectives, *(limit.process for limit in belief.limits)):
        assert len(process.y) == search.LEARNED
    learned = {tuple(row) for row in belief.objectives[0].x.tolist()}
    assert {tuple(row) for row in features[order[:100]].tolist()} <= learned


def test_hyper_parameters_are_fitted_on_a_schedule_and_not_in_between(monkeypatch):
    fitted = []
    plain = search.fit
    problem = bowl(Integer("a", 0, 99), Integer("b", 0, 99))
    optimizer = Bayesian(problem, seed=0, initial=4)
    monkeypatch.setattr(
        search, "fit", lambda x, y: fitted.append((len(optimizer.trials), len(y))) or plain(x, y)
    )
    run(optimizer, 12, batch=1)
    assert fitted == [(n, n) for n in (4, 5, 6, 8, 10)]  # each 1.2 times the one before, rounded up


def test_a_batch_is_spread_out():
    """Were pending points forgotten, a batch would be the best point and its neighbours."""
    problem = bowl(Integer("a", 0, 999), Integer("b", 0, 999))
    optimizer = Bayesian(problem, seed=0, initial=8)
    run(optimizer, 8)
    batch = np.array([[point["a"], point["b"]] for point in optimizer.ask(6)])
    apart = np.abs(batch[:, None] - batch[None]).max(axis=-1)[np.triu_indices(6, 1)]
    assert np.median(apart) >= 20


def test_ranks_of_trials():
    problem = Problem(
        space=SearchSpace((Integer("x", 0, 9),)),
        objectives=(Objective("loss"),),
        evaluate=lambda points: [],
        constraints=(Constraint("area", upper=1.0),),
    )
    measurements = [
        Measurement(infeasible_because="no"),
        Measurement({"loss": 0.0, "area": 3.0}),
        Measurement({"loss": 2.0, "area": 1.0}),
        Measurement({"loss": 1.0, "area": 0.0}),
        Measurement({"loss": 1.0, "area": 0.0}),
        Measurement({"area": 2.0}),
    ]
    order = ranking(problem, [Trial(i, {"x": i}, each) for i, each in enumerate(measurements)])
    assert order.tolist() == [3, 4, 2, 5, 1, 0]
    assert improvements(order).tolist() == [True, True, True, True, False, False]


def test_the_front_ranks_first():
    problem = bowl(Integer("x", 0, 9))
    problem = Problem(space=problem.space, objectives=(Objective("a"), Objective("b")), evaluate=lambda _: [])
    losses = [(5.0, 5.0), (0.0, 9.0), (4.0, 4.0), (9.0, 0.0), (3.0, 9.5)]
    told = [Trial(i, {"x": i}, Measurement({"a": a, "b": b})) for i, (a, b) in enumerate(losses)]
    assert set(ranking(problem, told)[:3].tolist()) == {1, 2, 3}


def test_many_parameters_are_searched_in_a_trust_region(monkeypatch):
    boxes = []
    plain = believer.search
    monkeypatch.setattr(believer, "search", lambda *given: boxes.append(given[-1]) or plain(*given))
    for parameters, bounded in ((believer.MANY, False), (believer.MANY + 1, True)):
        problem = bowl(*(Integer(f"p{i}", 0, 100) for i in range(parameters)))
        told = run(Bayesian(problem, seed=0), 24)
        centre = min(told[:16], key=lambda trial: problem.losses(trial)).point
        assert [box is not None for box in boxes] == [bounded] * 8
        if bounded:
            reach = [abs(trial.point[name] - centre[name]) for trial in told[16:] for name in centre]
            assert max(reach) <= 80
        boxes.clear()


def test_an_initial_design_of_one_trial_is_refused():
    with pytest.raises(ValueError, match="`initial >= 2` must hold, but got initial=1"):
        Bayesian(accelerators(), seed=0, initial=1)
