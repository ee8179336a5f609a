"""The joint search beside those that it replaces, on eight networks of one layer."""

from dataclasses import replace

import pytest

from accel_models import Layer, Workload
from apollo_dse.ablation import ARMS, Result, ablate, shares
from apollo_dse.codesign.networks import Networks, network_of
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.study import Study
from apollo_dse.trial import Measurement, Trial
from search_spaces import Point
from tests.apollo_dse.codesign.small import SMALL, Rated

QUESTION = Question(
    space="edge",
    networks=Networks(SMALL, Rated()),
    objectives=(Objective.parse("accuracy"), Objective.parse("edp")),
    constraints=(Constraint.parse("area<=20"),),
    optimizer="random",
)
TRIALS = 24


@pytest.fixture(scope="module")
def made() -> tuple[dict, dict[str, Study]]:
    studies: dict[str, Study] = {}

    def search(question: Question, name: str, trials: int) -> Study:
        studies[name] = question.search(trials, name=name)
        return studies[name]

    joint = search(QUESTION, "s", TRIALS)
    return ablate(QUESTION, joint, TRIALS, search), studies


def test_every_search_has_as_many_trials(made) -> None:
    """As far as there are networks: eight."""
    results, studies = made
    assert tuple(results) == ARMS
    trials = {"hardware_only": TRIALS, "network_only": 8, "sequential": 8 + TRIALS // 2, "joint": TRIALS}
    assert {arm: result.trials for arm, result in results.items()} == trials
    assert set(studies) == {"s", "s-hardware", "s-network", "s-sequential-network", "s-sequential-hardware"}


def chosen(studies: dict[str, Study], name: str) -> list[Point]:
    return [trial.point for trial in studies[name].trials]


def test_what_is_fixed_is_what_the_stage_before_chose(made) -> None:
    results, studies = made
    assert all(network_of(point, SMALL) == SMALL.usual for point in chosen(studies, "s-hardware"))
    design = {
        name: value for name, value in results["hardware_only"].best.point.items() if name not in SMALL.usual
    }
    for name in ("s-network", "s-sequential-network"):
        assert all(design.items() <= point.items() for point in chosen(studies, name))
        assert len({network_of(point, SMALL)["width"] for point in chosen(studies, name)}) > 1
    last = chosen(studies, "s-sequential-hardware")
    assert len({tuple(network_of(point, SMALL).items()) for point in last}) == 1
    assert network_of(last[0], SMALL) in [network_of(p, SMALL) for p in chosen(studies, "s-sequential-network")]


def test_shares_of_a_front_are_between_0_and_1_and_the_union_has_all(made) -> None:
    results, _ = made
    found = shares(QUESTION, results)
    assert all(share is not None and 0 < share <= 1 for share in found.values())
    everything = [trial for result in results.values() for trial in result.front]
    together = Result("joint", 0, everything, everything[0])
    assert shares(QUESTION, results | {"joint": together})["joint"] == pytest.approx(1.0)


def trial(number: int, edp_js: float, accuracy: float = 0.5) -> Trial:
    return Trial(number, {}, Measurement({"edp_js": edp_js, "accuracy": accuracy}))


def test_of_one_objective_a_share_is_the_ratio_to_the_best() -> None:
    question = replace(QUESTION, objectives=(Objective.parse("edp"),))
    results = {
        "hardware_only": Result("hardware_only", 2, [trial(0, 4e-6), trial(1, 3e-6)], trial(1, 3e-6)),
        "network_only": Result("network_only", 1, [], None),
        "joint": Result("joint", 1, [trial(0, 1.5e-6)], trial(0, 1.5e-6)),
    }
    found = shares(question, results)
    assert found == {"hardware_only": pytest.approx(0.5), "network_only": None, "joint": 1.0}


def test_nothing_feasible_is_no_share() -> None:
    assert shares(QUESTION, {"joint": Result("joint", 3, [], None)}) == {"joint": None}


def test_workloads_cannot_be_ablated() -> None:
    net = Workload(name="n", layers=(Layer(name="c", k=8, c=8),))
    question = replace(QUESTION, networks=None, workloads=(net,), objectives=(Objective.parse("edp"),))
    with pytest.raises(ValueError, match="an ablation needs networks to choose from"):
        ablate(question, question.search(1), 1, lambda *_: pytest.fail("nothing to search"))
