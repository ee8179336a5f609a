"""Designs and networks in one space: costs are those of the network that a point chooses, ratings its own."""

from dataclasses import replace

import numpy as np
import pytest

from accel_models.chain import price_states
from accel_models.cost import network
from apollo_dse.codesign.joint import JointEvaluator
from apollo_dse.codesign.networks import STARTS, Networks, design_of, joint_space, network_of
from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.problem import ACCURACY, Constraint, Objective
from apollo_dse.question import Question
from search_spaces import Ordinal, SearchSpace, canonical, get
from tests.apollo_dse.codesign.small import SMALL, Rated, accuracy_of

EDGE = get("edge")


def points(count: int) -> list:
    return joint_space(EDGE, SMALL).sample(np.random.default_rng(0), count)


def test_a_point_is_a_design_and_a_network() -> None:
    space = joint_space(EDGE, SMALL)
    assert space.size == EDGE.space.size * SMALL.space.size
    [point] = points(1)
    design, network = design_of(point, SMALL), network_of(point, SMALL)
    assert design in EDGE.space
    assert network in SMALL.space
    assert {**design, **network} == point


def test_rules_of_both_hold() -> None:
    narrow = replace(
        SMALL, space=replace(SMALL.space, rules=(lambda point: "wide" if point["width"] > 16 else None,))
    )
    found = joint_space(EDGE, narrow).sample(np.random.default_rng(0), 50)
    assert {point["width"] for point in found} == {8, 16}


def test_names_that_both_have_are_refused() -> None:
    shared = replace(SMALL, space=SearchSpace((Ordinal("pe_x", (1, 2)),)), presets={"x": {"pe_x": 1}})
    with pytest.raises(
        ValueError, match=r"parameters of different names, but 'edge' and 'small' share \['pe_x'\]"
    ):
        joint_space(EDGE, shared)


def test_costs_are_those_of_the_network_alone_and_ratings_its_own() -> None:
    evaluator = JointEvaluator(EDGE, SMALL, Rated(), minimize="edp")
    assert isinstance(evaluator, Evaluator)
    asked = points(60)
    found = evaluator(asked)
    assert sum(each.is_feasible for each in found) > 5
    for point, measurement in zip(asked, found, strict=True):
        network = network_of(point, SMALL)
        alone = AnalyticalEvaluator(EDGE, [SMALL.build(network)], minimize="edp")([design_of(point, SMALL)])[0]
        if not alone.is_feasible:
            assert measurement == alone
        elif network["width"] == 8:
            assert measurement.infeasible_because == "width 8 was never trained"
        else:
            assert measurement.metrics == alone.metrics | {ACCURACY: accuracy_of(network)}
            assert tuple(measurement.metrics) == evaluator.metrics


def test_a_network_is_rated_once_a_batch_and_only_if_a_design_runs_it() -> None:
    rated = Rated()
    evaluator = JointEvaluator(EDGE, SMALL, rated)
    designs = [design_of(point, SMALL) for point in points(40)]
    runs = [each.is_feasible for each in evaluator([{**design, **SMALL.usual} for design in designs])]
    assert rated.asked == 1
    assert True in runs
    assert False in runs
    evaluator([{**designs[runs.index(False)], **SMALL.usual}])
    assert rated.asked == 1


def test_no_pair_is_priced_twice(monkeypatch) -> None:
    """Those that cannot be built or run included: their reasons are read off what was priced."""
    priced: list[int] = []

    def counted(*words, **keys):
        found = price_states(*words, **keys)
        priced.append(len(found.fits))
        return found

    monkeypatch.setattr(network, "price_states", counted)
    asked = points(60)
    found = JointEvaluator(EDGE, SMALL, Rated())(asked)
    assert {each.is_feasible for each in found} == {True, False}
    assert sum(priced) == len(asked)


def test_what_is_known_before_a_trial_is_the_design_s() -> None:
    evaluator = JointEvaluator(EDGE, SMALL, Rated())
    asked = points(20)
    alone = AnalyticalEvaluator(EDGE, [SMALL.build(SMALL.usual)])
    assert evaluator.preview(asked) == alone.preview([design_of(point, SMALL) for point in asked])


def test_what_identifies_it_has_both_spaces_and_who_rates() -> None:
    texts = {
        JointEvaluator(EDGE, SMALL, Rated(), minimize=goal).fingerprint for goal in ("latency", "energy")
    } | {JointEvaluator(EDGE, SMALL, Rated(fingerprint="other")).fingerprint}
    assert len(texts) == 3


def test_ratings_that_are_named_as_costs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must not be named as costs, but got \['latency_s'\]"):
        JointEvaluator(EDGE, SMALL, Rated(metrics=("latency_s",)))


def test_networks_of_names_can_be_made_again_and_others_cannot() -> None:
    assert Networks("nb201", "table:x.csv").about() == {"space": "nb201", "accuracy": "table:x.csv"}
    assert Networks(SMALL, Rated()).about() == {"space": None, "accuracy": None}


def test_a_file_is_remembered_by_its_whole_path(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("")
    assert Networks("nb201", "table:t.csv#top").about()["accuracy"] == f"table:{tmp_path / 't.csv'}#top"


def asked(**fixed) -> Question:
    return Question(
        space="edge",
        networks=Networks(SMALL, Rated()),
        objectives=(Objective("edp_js"),),
        constraints=(Constraint("area_mm2", upper=20.0, known=True),),
        fixed=fixed,
    )


def test_a_search_for_both_begins_with_the_usual_network_on_designs_within_what_is_known() -> None:
    problem = asked().problem()
    assert len(problem.starts) == STARTS
    assert {canonical(network_of(point, SMALL)) for point in problem.starts} == {canonical(SMALL.usual)}
    assert len({canonical(point) for point in problem.starts}) == STARTS
    assert problem.known_violations(problem.starts) == [0.0] * STARTS
    assert asked().problem().starts == problem.starts
    assert replace(asked(), seed=1).problem().starts != problem.starts


def test_where_the_design_or_the_network_is_given_there_is_less_to_begin_with() -> None:
    (design,) = EDGE.space.sample(np.random.default_rng(0), 1)
    (only,) = asked(**design).problem().starts
    assert only == {**design, **SMALL.usual}
    assert asked(**SMALL.usual).problem().starts == ()
    other = next(width for width in SMALL.space.parameter("width").values if width != SMALL.usual["width"])
    assert asked(width=other).problem().starts == ()
