"""A report of some trials says what one of all says: of drawn studies, with ties, limits and refusals."""

from dataclasses import dataclass, replace
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.report import About, build_report, thinning
from apollo_dse.report.ledger import Ledger
from apollo_dse.report.thinning import goals, kept, plane_front, thinned
from apollo_dse.storage import Outcome
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Integer
from search_spaces.space import SearchSpace

SPACE = SearchSpace((Integer("x", 0, 10_000),))
REFUSED = (
    "`need <= have` must hold, but got 9",
    "`need <= have` must hold, but got 8",
    "it has 3 axes",
    "it has 4 axes",
)
NAMES = ("latency_s", "energy_j", "area_mm2")
LIMITS = ((), ("area<=2",), ("area<=3", "area<=2", "latency<=3"), ("utilization>=1",))


def problem(objectives: int, limits: tuple[str, ...]) -> Problem:
    return Problem(
        space=SPACE,
        objectives=tuple(map(Objective, NAMES[:objectives])),
        constraints=tuple(map(Constraint.parse, limits)),
        evaluate=lambda points: [],
    )


measurements = st.one_of(
    st.sampled_from(REFUSED).map(lambda because: Measurement(infeasible_because=because)),
    st.tuples(*[st.integers(1, 4)] * 4).map(
        lambda values: Measurement(dict(zip((*NAMES, "utilization"), map(float, values), strict=True)))
    ),
)


@dataclass
class Study:
    """Drawn trials, and what there is of them."""

    problem: Problem
    trials: tuple[Trial, ...]

    @property
    def ledger(self) -> Ledger:
        """In two pages, as a store gives them."""
        found = Ledger(self.problem)
        for part in (self.trials[:7], self.trials[7:]):
            found.extend(
                [Outcome(t.number, t.measurement.metrics, t.measurement.infeasible_because, 0.5) for t in part]
            )
        return found


studies = st.builds(
    lambda objectives, limits, drawn: Study(
        problem(objectives, limits), tuple(Trial(i, {"x": i}, each) for i, each in enumerate(drawn))
    ),
    st.integers(1, 3),
    st.sampled_from(LIMITS),
    st.lists(measurements, min_size=1, max_size=40),
)


def about() -> About:
    return About(name="drawn", space="none", optimizer="random")


@settings(deadline=None)  # a loaded machine is slow, not wrong
@given(studies)
def test_a_ledger_has_what_the_problem_says_of_each_trial(study: Study) -> None:
    ledger, asked, trials = study.ledger, study.problem, study.trials
    assert len(ledger) == ledger.end == len(trials)
    assert ledger.seconds == 0.5 * len(trials)
    assert ledger.violation().tolist() == [asked.violation(trial) for trial in trials]
    assert ledger.feasible.tolist() == [t.number for t in trials if asked.feasible(t)]
    assert ledger.front().tolist() == [trial.number for trial in asked.pareto_front(trials)]
    for row in ledger.measured.tolist():
        assert ledger.trial(row).measurement == trials[row].measurement


@settings(deadline=None)  # a loaded machine is slow, not wrong
@given(studies)
def test_what_is_said_of_all_trials_is_said_of_those_kept(study: Study) -> None:
    compare(study)


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("limits", LIMITS)
def test_of_long_studies_much_is_left_out_and_nothing_that_is_said(
    objectives: int, limits: tuple[str, ...]
) -> None:
    rng = np.random.default_rng(objectives)
    values = np.exp(rng.normal(1.0, 0.7, (400, 4))).round(2).tolist()
    found = [Measurement(dict(zip((*NAMES, "utilization"), row, strict=True))) for row in values]
    found[::5] = [Measurement(infeasible_because=REFUSED[i % 4]) for i in range(80)]
    trials = tuple(Trial(number, {"x": number}, each) for number, each in enumerate(found))
    assert compare(Study(problem(objectives, limits), trials)) < 200


def compare(study: Study) -> int:
    """Hold a thinned report to the whole one; how many trials it shows."""
    with (
        patch.object(thinning, "MOST_ALIKE", 2),
        patch.object(thinning, "TOP_DESIGNS", 4),
        patch("apollo_dse.report.data.TOP_DESIGNS", 4),
    ):
        ledger = study.ledger
        rows = kept(ledger)
        whole = build_report(study.problem, study.trials, about(), importance=())
        shown = [study.trials[row] for row in rows.tolist()]
        thin = build_report(study.problem, shown, about(), census=ledger.census(rows), importance=())
    numbers = thin.trials.number
    assert (thin.study, thin.summary, thin.reasons, thin.metrics) == (
        whole.study,
        whole.summary,
        whole.reasons,
        whole.metrics,
    )
    assert [numbers[row] for row in thin.top] == list(whole.top)
    for fewer, curve in zip(thin.convergence, whole.convergence, strict=True):
        assert replace(fewer, rows=tuple(numbers[row] for row in fewer.rows)) == curve
    assert ledger.curves() == whole.convergence
    if whole.front is not None:
        assert thin.front is not None
        assert [numbers[row] for row in thin.front.rows] == list(whole.front.rows)
        assert goals(ledger) == (whole.front.x, whole.front.y)
        assert plane_front(ledger, whole.front.x, whole.front.y).tolist() == list(whole.front.rows)
    for fewer, front in zip(thin.other_fronts, whole.other_fronts, strict=True):
        assert replace(fewer, rows=tuple(numbers[row] for row in fewer.rows)) == front
    if whole.recommendation is not None:
        assert thin.recommendation is not None
        assert replace(thin.recommendation, row=numbers[thin.recommendation.row]) == whole.recommendation
    assert thin.trials.reason == tuple(whole.trials.reason[row] for row in numbers)
    return len(numbers)


def test_small_studies_are_kept_whole() -> None:
    study = Study(problem(1, ()), tuple(Trial(i, {"x": i}, Measurement({"latency_s": 1.0})) for i in range(50)))
    assert kept(study.ledger).tolist() == list(range(50))


def test_a_study_that_grows_keeps_its_sample_but_for_halvings() -> None:
    for count in (8, 9, 100, 4097):
        rows = np.arange(count)
        few = thinned(rows, 8)
        assert 4 < len(few) <= 8
        assert set(few) >= set(thinned(rows[: count // 2 + 1], 8)) & set(few)
        assert np.ptp(np.diff(few)) == 0
        assert set(thinned(np.arange(2 * count), 8)) <= set(few) | set(range(count, 2 * count))


@pytest.mark.parametrize("count", [0, 1])
def test_ledgers_of_nothing(count: int) -> None:
    study = Study(
        problem(2, ("area<=2",)),
        tuple(Trial(i, {"x": i}, Measurement(infeasible_because="no")) for i in range(count)),
    )
    ledger = study.ledger
    assert kept(ledger).tolist() == list(range(count))
    assert goals(ledger) is not None, "two objectives are two axes"
    assert [curve.rows for curve in ledger.curves()] == [(), ()]
    assert ledger.census(np.arange(count)).feasible == 0
