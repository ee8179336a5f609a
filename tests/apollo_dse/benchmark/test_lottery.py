"""The hyper-parameter lottery: equal budgets of settings, scores worked out by hand."""

from math import inf

import pytest

from apollo_dse import optimizers
from apollo_dse.benchmark import Outcome, Results, grid, select
from apollo_dse.benchmark.lottery import LEAST, MOST, SPREAD, lottery, tickets, with_tickets
from apollo_dse.testing import accelerators

TASKS = ["eyeriss-resnet18-latency-tight", "eyeriss-resnet18-latency-medium"]


def test_tickets_are_different_valid_settings_around_the_defaults():
    problem = accelerators()
    found = tickets("evolution", problem, 8)
    assert found == tickets("evolution", problem, 8)
    assert found[0] == {}
    assert len({str(knobs) for knobs in found}) == 8
    defaults = optimizers.get("evolution")(problem, 0).settings
    for knobs in found[1:]:
        made = optimizers.get("evolution")(problem, 0, **knobs).settings
        assert {name: made[name] for name in knobs} == knobs
        for name, value in knobs.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert defaults[name] / SPREAD - 0.5 <= value <= defaults[name] * SPREAD + 0.5


def test_an_optimizer_without_knobs_has_one_ticket():
    assert tickets("random", accelerators(), 5) == ({},)
    with pytest.raises(ValueError, match="count >= 1"):
        tickets("random", accelerators(), 0)


def test_scores_by_hand(tmp_path):
    """Settings a, b, c; two tasks, three seeds: medians over seeds, geometric means over tasks."""
    settings = {"evolution": ({}, {"population": 8}, {"population": 16}), "random": ({},)}
    runs = grid(["evolution", "random"], select(TASKS), trials=1, seeds=3)
    wanted = with_tickets(runs, settings)
    assert len(wanted) == 2 * 3 * (3 + 1)
    ends = {0: ([0.1, 0.4, 9.0], [0.9, 0.1, 0.0]), 8: ([inf] * 3, [0.0] * 3), 16: ([1.0] * 3, [1.0] * 3)}
    results = Results(tmp_path / "results.jsonl")
    for run in wanted:
        regret = ends[run.knobs.get("population", 0)][TASKS[::-1].index(run.task)][run.seed]
        results.add(run, Outcome((regret,), 1.0, 0.0))
    told = lottery(runs, settings, results)["evolution"]
    assert told["scores"] == pytest.approx([(0.4 * 0.1) ** 0.5, (MOST * LEAST) ** 0.5, 1.0])
    assert (told["default"], told["worst"]) == (pytest.approx(0.2), pytest.approx(1.0))
    assert told["best"] == pytest.approx((MOST * LEAST) ** 0.5)
    assert told["median"] == pytest.approx(0.2)
