"""Priors as the task at hand sees them: coordinates by name, stand-ins, seeds that fit."""

from dataclasses import replace

import numpy as np
import pytest

from apollo_dse.encoding import Encoding
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.testing import ACCELERATORS, accelerators, bowl
from apollo_dse.transfer import Description, Prior
from apollo_dse.transfer.files import past
from apollo_dse.transfer.seeds import before, seeds
from apollo_dse.transfer.source import Source, match
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Ordinal
from search_spaces.space import SearchSpace
from tests.apollo_dse.transfer.experience import prior_of

HERE = SearchSpace(
    (Ordinal("pes", (1, 2, 4, 8)), Ordinal("bytes", (10, 20)), Categorical("node", ("7nm", "16nm")))
)
THERE = SearchSpace(
    (Ordinal("pes", (4, 8, 16)), Categorical("node", ("7nm", "45nm")), Ordinal("clock", (1, 2)))
)


def prior(*measured, objective="latency_s", space=THERE):
    """A prior of points and latencies, or reasons."""
    trials = tuple(
        Trial(
            number,
            point,
            Measurement(infeasible_because=value)
            if isinstance(value, str)
            else Measurement({objective: value}),
        )
        for number, (point, value) in enumerate(measured)
    )
    return Prior("there", Description("", (), {}), past(space, (Objective(objective),)), trials)


def here(constraints=(), preview=None):
    return Problem(
        space=HERE,
        objectives=(Objective("latency_s"),),
        evaluate=lambda points: [],
        constraints=constraints,
        preview=preview,
    )


def area(points):
    return [Measurement({"area_mm2": float(point["pes"])}) for point in points]


def test_parameters_are_matched_by_name_and_the_rest_is_said():
    matching = match(prior(({"pes": 16, "node": "7nm", "clock": 1}, 1.0)), here())
    assert (matching.shared, matching.missing, matching.ignored) == (("pes", "node"), ("bytes",), ("clock",))
    assert matching.sentences() == ["it knows nothing about bytes", "its clock are averaged over"]


def test_foreign_values_lie_between_and_beyond():
    """6 PEs lie between 4 and 8 by their logarithm, 16 a step beyond 8; 45 nm is no category here."""
    encoding = Encoding(HERE)
    rows = encoding.foreign_rows([{"pes": 6, "node": "45nm"}, {"pes": 16, "node": "16nm"}, {"pes": 0.5}])
    assert rows[:, 0] == pytest.approx([2 + np.log2(1.5), 4.0, -1.0])
    assert np.isnan(rows[:, 1]).all()
    assert rows[0, 2] == -1.0
    assert rows[1, 2] == 1.0
    assert np.isnan(rows[2, 2])
    features = encoding.features(rows)
    assert features[:2, 0] == pytest.approx([(2 + np.log2(1.5)) / 3, 4 / 3])
    assert features[0, 2:].tolist() == [0.0, 0.0]
    points = ACCELERATORS.sample(np.random.default_rng(0), 50)
    assert np.allclose(Encoding(ACCELERATORS).foreign_rows(points), Encoding(ACCELERATORS).rows(points))


def test_another_objective_stands_in_if_it_is_the_only_one():
    energies = prior(({"pes": 4}, 1.0), objective="energy_j")
    assert match(energies, here()).stand_ins == {"minimize:latency_s": "minimize:energy_j"}
    source = Source(energies, here(), Encoding(HERE))
    assert list(source.outcomes) == ["minimize:latency_s"]
    two = replace(here(), objectives=(Objective("latency_s"), Objective("area_mm2")))
    with pytest.raises(ValueError, match=r"must have a metric of an objective \(latency_s, area_mm2\), but"):
        match(energies, two)


def test_strangers_without_a_common_parameter_are_refused():
    stranger = prior(({"lanes": 4}, 1.0), space=SearchSpace((Ordinal("lanes", (4,)),)))
    with pytest.raises(ValueError, match="must share a parameter with the space, but 'there' has lanes"):
        match(stranger, here())


def test_limits_of_this_task_rank_the_trials_of_another():
    """The fastest of a loose budget is no use under a tight one."""
    problem = accelerators(area_mm2=20.0)
    source = Source(prior_of(accelerators(area_mm2=1e6)), problem, Encoding(ACCELERATORS))
    best = source.prior.trials[source.order[0]]
    fits = [trial for trial in source.prior.trials if problem.feasible(trial)]
    assert best == min(fits, key=problem.losses)


def test_seeds_are_the_best_of_each_source_in_turn_moved_into_the_space():
    slow = prior(({"pes": 16, "node": "16nm"}, 2.0), ({"pes": 4, "node": "7nm"}, 1.0), ({"pes": 8}, "no room"))
    fast = prior(({"pes": 2, "node": "16nm"}, 0.1))
    encoding = Encoding(HERE)
    found = seeds(here(), encoding, [Source(each, here(), encoding) for each in (slow, fast)], 8)
    assert [(point["pes"], point["node"]) for point in found] == [(4, "7nm"), (2, "16nm")]
    assert all(point in HERE for point in found)
    alone = seeds(here(), encoding, [Source(slow, here(), encoding)], 8)
    assert [(point["pes"], point["node"]) for point in alone] == [(4, "7nm"), (8, "16nm")]


def test_seeds_that_break_a_known_limit_are_shrunk():
    problem = here((Constraint("area_mm2", upper=2.0, known=True),), area)
    encoding = Encoding(HERE)
    (seed,) = seeds(problem, encoding, [Source(prior(({"pes": 16, "node": "7nm"}, 1.0)), problem, encoding)], 8)
    assert seed["pes"] == 2
    hopeless = here((Constraint("area_mm2", upper=0.5, known=True),), area)
    assert seeds(hopeless, encoding, [Source(prior(({"pes": 4}, 1.0)), hopeless, encoding)], 8) == []


def test_seeds_differ_in_more_than_one_parameter():
    alike = prior(*(({"pes": pes, "bytes": 10, "node": "7nm"}, float(pes)) for pes in (1, 2, 4, 8)), space=HERE)
    encoding = Encoding(HERE)
    assert len(seeds(here(), encoding, [Source(alike, here(), encoding)], 8)) == 1


def test_before_asks_for_what_seeds_do_not_fill():
    first, second = ({"a": value} for value in (1, 2))
    asked = []

    def ask(n):
        asked.append(n)
        return [{"a": value} for value in range(2, 2 + n)]

    assert before([first, second], set(), 2, ask) == [first, second]
    assert asked == []
    assert before([first, second], {'{"a":1}'}, 3, ask) == [{"a": 2}, {"a": 3}, {"a": 4}]
    assert asked == [3]


def test_a_source_learns_what_it_was_told():
    """On a bowl the process of a source orders points as the bowl does."""
    problem = bowl(*(Ordinal(f"p{i}", (1, 2, 4, 8, 16)) for i in range(3)))
    encoding = Encoding(problem.space)
    source = Source(prior_of(problem, count=80), problem, encoding)
    points = problem.space.sample(np.random.default_rng(1), 60)
    losses = [measurement.metrics["loss"] for measurement in problem.evaluate(points)]
    import torch

    process = source.process("minimize:loss")
    with torch.no_grad():
        mean, _ = process.posterior(torch.from_numpy(encoding.features(encoding.rows(points))))
    assert np.corrcoef(np.argsort(np.argsort(losses)), np.argsort(np.argsort(mean.numpy())))[0, 1] > 0.8


def test_what_is_known_of_a_point_here_replaces_what_it_was_elsewhere():
    """Elsewhere areas were twenty times as large: the faster design, which fits here, is the first seed."""
    points = ({"pes": 8, "bytes": 20, "node": "7nm"}, {"pes": 1, "bytes": 10, "node": "7nm"})
    foreign = {"pes": 16, "bytes": 10, "node": "45nm"}
    trials = tuple(
        Trial(number, point, Measurement({"latency_s": latency_s, "area_mm2": 20.0 * float(point["pes"])}))
        for number, (point, latency_s) in enumerate([(points[0], 1.0), (points[1], 2.0), (foreign, 0.5)])
    )
    there = Prior("there", Description("", (), {}), past(HERE, (Objective("latency_s"),)), trials)
    problem, encoding = here((Constraint("area_mm2", upper=8.0, known=True),), area), Encoding(HERE)
    source = Source(there, problem, encoding)
    assert [trial.measurement.metrics["area_mm2"] for trial in source.trials] == [8.0, 1.0, 320.0]
    assert source.order.tolist() == [0, 1, 2]
    assert seeds(problem, encoding, [source], 1) == [points[0]]
    assert Source(there, replace(problem, preview=None), encoding).trials == trials
