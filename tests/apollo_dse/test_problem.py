import math
from collections.abc import Sequence
from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo_dse.problem import METRICS, Constraint, Objective, Problem, resolve_metric
from apollo_dse.trial import Measurement, Trial
from search_spaces import Point, Real, SearchSpace

SPACE = SearchSpace((Real("x", 0, 1),))


def never(points: Sequence[Point]) -> Sequence[Measurement]:
    raise AssertionError("a problem measures nothing by itself")


def trial(number: int = 0, /, infeasible_because: str | None = None, **metrics: float) -> Trial:
    return Trial(number, {"x": 0.5}, Measurement(metrics, infeasible_because))


def problem(*objectives: str, limits: Sequence[str] = ()) -> Problem:
    return Problem(
        space=SPACE,
        objectives=tuple(map(Objective.parse, objectives)),
        evaluate=never,
        constraints=tuple(map(Constraint.parse, limits)),
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("latency", "latency_s"),
        (" edp ", "edp_js"),
        ("area_mm2", "area_mm2"),
        ("latency:resnet50", "latency_s:resnet50"),
        ("power_w: a:b", "power_w:a:b"),
    ],
)
def test_metrics_go_by_alias_too(text: str, name: str) -> None:
    assert resolve_metric(text) == name


def test_unknown_metrics_are_refused_with_the_nearest() -> None:
    with pytest.raises(
        ValueError, match=r"must be one of latency_s, .*, but got 'latncy'; did you mean 'latency'\?"
    ):
        resolve_metric("latncy")
    with pytest.raises(
        ValueError, match=r"must be one of latency_s, cycles, but got 'cycle'; did you mean 'cycles'"
    ):
        resolve_metric("cycle", ["latency_s", "cycles"])
    with pytest.raises(ValueError, match="but got 'energy'"):
        resolve_metric("energy", ["latency_s"])
    with pytest.raises(ValueError, match="but got 'latency:'"):
        resolve_metric("latency:")


def test_metrics_of_another_evaluator_are_resolved_among_its_own() -> None:
    assert resolve_metric("cycles", ["cycles"]) == "cycles"
    assert resolve_metric("latency:net", ["latency_s", "latency_s:net"]) == "latency_s:net"
    assert Objective.parse("maximize:hits", ["hits"]) == Objective("hits", "maximize")
    assert Constraint.parse("cycles<=1e6", ["cycles"]) == Constraint("cycles", upper=1e6)
    with pytest.raises(ValueError, match="but got 'latency:other'"):
        resolve_metric("latency:other", ["latency_s", "latency_s:net"])


def test_metric_names_end_in_their_unit() -> None:
    for metric in METRICS.values():
        suffix = {"": "", "Js": "_js"}.get(metric.unit, f"_{metric.unit.lower()}")
        assert metric.name == metric.alias + suffix
        assert metric.scales[metric.unit] == 1.0


@pytest.mark.parametrize(
    ("text", "objective"),
    [
        ("latency", Objective("latency_s", "minimize")),
        ("utilization", Objective("utilization", "maximize")),
        ("minimize:utilization", Objective("utilization", "minimize")),
        ("maximize: power", Objective("power_w", "maximize")),
        ("edp:net", Objective("edp_js:net", "minimize")),
    ],
)
def test_objectives_are_read(text: str, objective: Objective) -> None:
    assert Objective.parse(text) == objective
    assert Objective.parse(str(objective)) == objective


def test_a_loss_is_better_when_smaller() -> None:
    good, bad = trial(utilization=0.9, latency_s=1.0), trial(utilization=0.1, latency_s=2.0)
    for text in ("latency", "utilization"):
        objective = Objective.parse(text)
        assert objective.loss(good) < objective.loss(bad)
    assert Objective("latency_s").loss(bad) == 2.0


def test_a_loss_needs_its_metric() -> None:
    with pytest.raises(ValueError, match="it is infeasible: too big"):
        Objective("latency_s").loss(trial(infeasible_because="too big"))
    with pytest.raises(ValueError, match="did you mean 'latency_s'"):
        Objective("latency").loss(trial(latency_s=1.0))
    with pytest.raises(ValueError, match="but got 'min'"):
        Objective("latency_s", "min")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("area_mm2<=20", Constraint("area_mm2", upper=20.0, known=True)),
        ("area <= 20mm2", Constraint("area_mm2", upper=20.0, known=True)),
        ("area<=0.5cm²", Constraint("area_mm2", upper=50.0, known=True)),
        (" latency <= 5 ms ", Constraint("latency_s", upper=0.005)),
        ("latency<250us", Constraint("latency_s", upper=0.00025)),
        ("latency:net<=5e-3", Constraint("latency_s:net", upper=0.005)),
        ("power<=2W", Constraint("power_w", upper=2.0)),
        ("power>=500mW", Constraint("power_w", lower=0.5)),
        ("utilization > 50 %", Constraint("utilization", lower=0.5)),
        ("energy<=.5mJ", Constraint("energy_j", upper=0.0005)),
        ("edp<=1", Constraint("edp_js", upper=1.0)),
    ],
)
def test_constraints_are_read_in_people_s_units(text: str, constraint: Constraint) -> None:
    parsed = Constraint.parse(text)
    assert (parsed.metric, parsed.known, parsed.upper is None) == (
        constraint.metric,
        constraint.known,
        constraint.upper is None,
    )
    assert parsed.limit == pytest.approx(constraint.limit, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("area", "must read METRIC <= NUMBER"),
        ("area=20", "must read"),
        ("area==20", "must read"),
        ("10<=area<=20", "must read"),
        ("area<=", "must read"),
        ("area<=nan", "must read"),
        ("area<=1e999", "one finite limit"),
        ("arae<=20", "did you mean 'area'"),
        ("area<=20 W", "must be limited in mm2, .* but got 'W'"),
        ("latency<=5 sm", "but got 'sm'"),
        ("power<=2w", "did you mean|but got 'w'"),
    ],
)
def test_other_texts_are_refused(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        Constraint.parse(text)


METRIC_TEXTS = st.sampled_from(["area", "latency_s", "power:net", "utilization", "x", ""])
SIGNS = st.sampled_from(["<=", ">=", "<", ">", "=", "=<", ""])
NUMBER_TEXTS = st.floats().map(repr) | st.text(max_size=4)
UNIT_TEXTS = st.sampled_from(["", "mm2", "ms", " mW", "%", "furlong"])
CONSTRAINT_TEXTS = st.tuples(METRIC_TEXTS, SIGNS, NUMBER_TEXTS, UNIT_TEXTS).map("".join)


@given(CONSTRAINT_TEXTS | st.text())
def test_any_text_is_a_constraint_or_a_value_error(text: str) -> None:
    try:
        constraint = Constraint.parse(text)
    except ValueError:
        return
    assert math.isfinite(constraint.limit)
    assert Constraint.parse(str(constraint)) == constraint


@given(st.text())
def test_any_text_is_an_objective_or_a_value_error(text: str) -> None:
    try:
        objective = Objective.parse(text)
    except ValueError:
        return
    assert Objective.parse(str(objective)) == objective


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.booleans())
def test_slack_is_feasible_from_zero_on(limit: float, value: float, is_upper: bool) -> None:
    constraint = Constraint("power_w", upper=limit) if is_upper else Constraint("power_w", lower=limit)
    measurement = Measurement({"power_w": value})
    kept = value <= limit if is_upper else value >= limit
    assert (constraint.slack(measurement) >= 0) == kept
    assert (constraint.violation(measurement) == 0) == kept


def test_a_constraint_has_one_limit() -> None:
    for limits in ({}, {"upper": 1.0, "lower": 0.0}, {"upper": math.inf}):
        with pytest.raises(ValueError, match="one finite limit"):
            Constraint("power_w", **limits)


def test_violations_are_shares_of_their_limits() -> None:
    both = problem("latency", limits=["area<=20", "power<=2"])
    assert both.violation(trial(latency_s=1, area_mm2=30, power_w=3)) == pytest.approx(1.0)
    assert both.violation(trial(latency_s=1, area_mm2=20, power_w=3)) == pytest.approx(0.5)
    assert both.violation(trial(latency_s=1, area_mm2=20, power_w=2)) == 0
    assert both.violation(trial(infeasible_because="no")) == math.inf
    assert both.feasible(trial(latency_s=1, area_mm2=20, power_w=2))
    assert not both.feasible(trial(latency_s=1, area_mm2=20.1, power_w=2))
    assert not both.feasible(trial(infeasible_because="no"))


def test_the_incumbent_is_the_first_of_the_best_feasible_ones() -> None:
    limited = problem("latency", limits=["area<=20"])
    trials = [
        trial(0, infeasible_because="no"),
        trial(1, latency_s=2.0, area_mm2=1.0),
        trial(2, latency_s=1.0, area_mm2=21.0),
        trial(3, latency_s=1.5, area_mm2=1.0),
        trial(4, latency_s=1.5, area_mm2=2.0),
    ]
    assert limited.incumbent(trials) == trials[3]
    assert limited.incumbent(trials[:1]) is None
    with pytest.raises(ValueError, match="single objective, but got minimize:latency_s, minimize:area_mm2"):
        problem("latency", "area").incumbent(trials)


@pytest.mark.parametrize("rows_at_once", [3, 256])
@given(
    rows=st.integers(1, 4).flatmap(
        lambda m: st.lists(st.tuples(*[st.integers(0, 4)] * m), min_size=1, max_size=20)
    )
)
def test_the_front_is_what_no_other_trial_dominates(rows_at_once: int, rows: list[tuple[int, ...]]) -> None:
    names = ["latency", "area", "utilization", "energy"][: len(rows[0])]
    asked = problem(*names)
    trials = [
        trial(number, **{o.metric: float(value) for o, value in zip(asked.objectives, row, strict=True)})
        for number, row in enumerate(rows)
    ]
    losses = [asked.losses(each) for each in trials]

    def is_kept(number: int) -> bool:
        mine = losses[number]
        beaten = any(
            all(a <= b for a, b in zip(other, mine, strict=True)) and other != mine for other in losses
        )
        return not beaten and losses.index(mine) == number

    with patch("apollo_dse.problem._ROWS", rows_at_once):
        found = [each.number for each in asked.pareto_front(trials)]
    assert found == [number for number in range(len(trials)) if is_kept(number)]


def test_the_front_has_feasible_trials_only() -> None:
    limited = problem("latency", "power", limits=["area<=20"])
    trials = [
        trial(0, infeasible_because="no"),
        trial(1, latency_s=1.0, power_w=1.0, area_mm2=21.0),
        trial(2, latency_s=2.0, power_w=2.0, area_mm2=20.0),
    ]
    assert limited.pareto_front(trials) == trials[2:]
    assert limited.pareto_front(trials[:2]) == []


def test_reasons_are_counted_by_rule() -> None:
    limited = problem("latency", limits=["area<=20", "power<=2"])
    trials = [
        trial(infeasible_because="the program must fit, but got 9 words"),
        trial(
            infeasible_because="the program must fit: it has 12 words; the die must fit; the program must fit"
        ),
        trial(latency_s=1, area_mm2=30, power_w=3),
        trial(latency_s=1, area_mm2=30, power_w=1),
        trial(latency_s=1, area_mm2=31, power_w=1),
        trial(latency_s=1, area_mm2=1, power_w=1),
    ]
    counts = limited.reasons(trials)
    assert counts == {"area_mm2<=20.0": 3, "the program must fit": 2, "the die must fit": 1, "power_w<=2.0": 1}
    assert list(counts) == ["area_mm2<=20.0", "the program must fit", "the die must fit", "power_w<=2.0"]


def test_wrong_problems_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one objective"):
        problem()
    with pytest.raises(ValueError, match="distinct metrics, but got latency_s, latency_s"):
        problem("latency", "maximize:latency")
    with pytest.raises(ValueError, match="no parameter 'y' among x"):
        replace(problem("latency"), remedies={"compute": ("x", "y")})


def test_what_is_known_before_a_trial() -> None:
    """Of a known limit the relative violation, of an unbuildable point infinity, of other limits nothing."""
    asked = problem("latency", limits=["area<=20", "latency<=1"])
    assert asked.known_violations([{"x": 0.5}] * 2) == [0.0, 0.0]
    answers = [Measurement({"area_mm2": area}) for area in (20.0, 25.0)]
    answers.append(Measurement(infeasible_because="no"))
    previewed = replace(asked, preview=lambda points: answers)
    assert previewed.known_violations([{"x": 0.5}] * 3) == [0.0, 0.25, math.inf]
    blind = replace(asked, preview=lambda points: [Measurement({"power_w": 1.0})])
    with pytest.raises(ValueError, match="'area_mm2' must be measured, but got power_w"):
        blind.known_violations([{"x": 0.5}])
