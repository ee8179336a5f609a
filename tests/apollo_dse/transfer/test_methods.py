"""Every transfer method keeps the contracts of optimizers, learns from priors, and survives misleading ones."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
import torch

from apollo_dse import optimizers, transfer
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint
from apollo_dse.study import Study, asked
from apollo_dse.testing import accelerators
from apollo_dse.testing.optimizers import CONTRACTS
from apollo_dse.transfer import Experience, Prior, Transfer, auto
from apollo_dse.transfer.modelled import Modelled
from apollo_dse.transfer.prior import unavailable
from apollo_dse.trial import Measurement, Trial
from tests.apollo_dse.transfer.experience import TASK, experience, prior_of, scaled, trials_of

QUICK = {
    "warm-start": {"optimizer": "evolution"},
    "offline": {"steps": 4},
    "multitask-gp": {"iterations": 1},
    "controller": {"steps": 2},
    "auto": {"seeds": 2, "members": [["rgpe", {"seeds": 0}], "evolution"]},
}
"""Knobs that make contracts of methods quick."""

QUICK_CONTRACTS = {
    "spends_no_trial_on_what_is_known",
    "suggests_nothing_twice",
    "takes_strangers_trials",
    "refuses_to_suggest_nothing",
}
"""What all methods are held to every time; their other contracts are for the slow ring."""

ALWAYS = {"warm-start"}

TWINS = {"copula"}
"""Methods that differ from another one in what they see of priors alone; contracts are for the slow ring."""

UNJUDGED = {"warm-start", "controller"}
"""Methods that do not weigh priors by how well they rank this task's trials."""


def marked(name, contract):
    """Method and contract, marked as slow where they are."""
    quick = name in ALWAYS or (contract in QUICK_CONTRACTS and name not in TWINS)
    return pytest.param(name, contract, marks=() if quick else pytest.mark.slow)


def made_up(problem):
    """Experience for any problem, even one in which nothing can be measured."""
    points = Random(problem, seed=9).ask(12)
    metrics = [each.metric for each in (*problem.objectives, *problem.constraints)]
    units = problem.space.to_unit(points).sum(axis=1)
    trials = tuple(
        Trial(number, point, Measurement(dict.fromkeys(metrics, 1.0 + float(unit))))
        for number, (point, unit) in enumerate(zip(points, units, strict=True))
    )
    return Experience(TASK, (Prior("made-up", TASK, replace(problem, evaluate=unavailable), trials),))


def informed(name):
    """A method that takes what optimizers take, its experience made up."""

    def make(problem, seed, **knobs):
        return transfer.get(name)(problem, seed, made_up(problem), **{**QUICK.get(name, {}), **knobs})

    return make


@pytest.mark.parametrize(
    ("name", "contract"), [marked(name, contract) for name in transfer.names() for contract in CONTRACTS]
)
def test_contract(name, contract):
    CONTRACTS[contract](informed(name))


def best(problem, trials):
    return min((problem.losses(trial)[0] for trial in trials if problem.feasible(trial)), default=inf)


def searched(problem, optimizer, trials, batch=4):
    study = Study(problem, optimizer, batch=batch)
    study.run(trials)
    return study.trials


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in {"offline", *TWINS} else name
        for name in transfer.names()
    ],
)
def test_a_related_task_is_of_use(name):
    """Eight trials with 1,500 of a looser budget are better than eight without any, most of the time."""
    problem = accelerators(area_mm2=20.0, known=True)
    prior = prior_of(accelerators(area_mm2=60.0), count=1500)
    won = 0
    for seed in range(6):
        ours = searched(problem, transfer.get(name)(problem, seed, experience(prior)), 8)
        theirs = searched(problem, optimizers.get("portfolio")(problem, seed), 8)
        won += best(problem, ours) < best(problem, theirs)
    assert won >= 5


@pytest.mark.parametrize("name", [name for name in transfer.names() if name not in UNJUDGED])
def test_what_ranks_well_weighs_most(name):
    """Of a prior of this very task and one of its inverse, the first counts, and the second hardly."""
    problem = accelerators(area_mm2=50.0)
    good = prior_of(problem, "good", count=96)
    method = transfer.get(name)(problem, 0, experience(good, scaled(good, "bad", power=-1.0)))
    method.tell(trials_of(problem, Random(problem, seed=3).ask(40)))
    weights = method.weights
    assert weights["good"] > 2 * weights["bad"]
    assert 0 <= weights["bad"] <= weights["good"] <= 1


@pytest.mark.parametrize("name", transfer.names())
def test_a_shift_of_the_scale_changes_nothing(name):
    """A prior of the same task, measured in other units, is worth the same."""
    problem = accelerators(area_mm2=20.0, known=True)
    prior = prior_of(accelerators(area_mm2=60.0), count=64)
    first, second = (
        [
            trial.point
            for trial in searched(problem, transfer.get(name)(problem, 0, experience(each)), 6, batch=2)
        ]
        for each in (prior, scaled(prior, "other", factor=1e3))
    )
    assert first == second


@pytest.mark.parametrize(("name", "changes"), [("copula", False), ("pretrained-prior", True)])
def test_only_ranks_of_priors_count_for_the_copula(name, changes):
    """Latencies of a prior go through a rising function that no logarithm straightens."""
    problem = accelerators(area_mm2=20.0, known=True)
    prior = prior_of(accelerators(area_mm2=60.0), count=64)

    def bent(trial):
        metrics = trial.measurement.metrics
        if not metrics:
            return trial
        latency_s = 1.0 + 1e-3 * np.exp(-1.0 / (1e3 * metrics["latency_s"]))
        return replace(trial, measurement=Measurement({**metrics, "latency_s": latency_s}))

    other = replace(prior, trials=tuple(map(bent, prior.trials)))
    first, second = (
        transfer.get(name)(problem, 0, experience(each), seeds=0).ask(4) for each in (prior, other)
    )
    assert (first != second) == changes


@pytest.mark.parametrize("name", transfer.names())
def test_priors_are_a_part_of_what_is_asked(name):
    problem = accelerators()
    method = transfer.get(name)(problem, 0, experience())
    assert isinstance(method, Transfer)
    entries = asked(problem, method, 4)
    assert entries["optimizer"]["name"] == name
    other = transfer.get(name)(problem, 0, experience(prior_of(accelerators(area_mm2=50.0), seed=6)))
    assert asked(problem, other, 4)["priors"] != entries["priors"]
    assert "priors" not in asked(problem, Random(problem, 0), 4)


@pytest.mark.parametrize("name", transfer.names())
def test_remarks_say_what_a_prior_does_not_know(name):
    problem = accelerators()
    prior = prior_of(problem, count=20)
    poor = replace(
        prior,
        trials=tuple(
            replace(trial, point={key: value for key, value in trial.point.items() if key != "lanes"})
            for trial in prior.trials
        ),
    )
    method = transfer.get(name)(problem, 0, experience(poor))
    assert method.remarks == {"other": ["it knows nothing about lanes"]}
    assert len(searched(problem, method, 8)) == 8


@pytest.mark.parametrize("name", transfer.names())
def test_misuse_is_refused(name):
    problem = accelerators()
    with pytest.raises(ValueError, match=r"`seeds >= [01]` must hold, but got seeds=-1"):
        transfer.get(name)(problem, 0, experience(), seeds=-1)


@pytest.mark.parametrize(
    ("name", "knob"), [("offline", "steps"), ("multitask-gp", "iterations"), ("controller", "steps")]
)
def test_knobs_of_training_are_at_least_one(name, knob):
    with pytest.raises(ValueError, match=f"`{knob} >= 1` must hold, but got {knob}=0"):
        transfer.get(name)(accelerators(), 0, experience(), **{knob: 0})


def test_a_learned_limit_is_learned_from_priors():
    """Under a limit that only trials tell, a prior's limit is worth something: more suggestions keep it."""
    problem = accelerators(area_mm2=20.0)
    method = transfer.get("pretrained-prior")(problem, 0, experience(prior_of(problem, count=200)), seeds=0)
    kept = sum(map(problem.feasible, trials_of(problem, method.ask(8))))
    uniform = sum(map(problem.feasible, trials_of(problem, Random(problem, seed=1).ask(200)))) / 200
    assert kept / 8 > 4 * uniform


def believed(method):
    """What a method that models expects of the latency of some points."""
    name = str(method.problem.objectives[0])
    points = method.problem.space.sample(np.random.default_rng(0), 20)
    with torch.no_grad():
        features = method.encoding.features(method.encoding.rows(points))
        mean, _ = method.process(name, *method.told()[name]).posterior(torch.from_numpy(features))
        return mean.tolist()


@pytest.mark.parametrize("name", ["warm-start", "pretrained-prior", "rgpe", "controller"])
def test_replay_restores_a_search_that_learned_after_every_trial(name):
    """Hyper-parameters are fitted now and then; what came between two fits must not change the first."""
    problem = accelerators(area_mm2=50.0, known=True)
    method = transfer.get(name)(problem, 0, experience(), **{"seeds": 2, **QUICK.get(name, {})})
    told = []
    for _ in range(14):
        (point,) = method.ask(1)
        told += [replace(trial, number=len(told)) for trial in trials_of(problem, [point])]
        method.tell(told[-1:])
        twin = transfer.get(name)(problem, experience=experience(), **method.settings)
        twin.tell(told)
        assert twin.ask(1) == method.ask(1), f"after {len(told)} trials"
        if isinstance(method, Modelled):
            assert believed(twin) == pytest.approx(believed(method), rel=1e-9), f"after {len(told)} trials"


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match=r"no transfer method 'rpge' among .*; did you mean 'rgpe'\?"):
        transfer.get("rpge")
    assert transfer.name_of(object()) == "builtins:object"
    assert transfer.name_of(Random(accelerators(), 0)) == "random"


def test_constraints_that_no_prior_measured_are_learned_from_trials():
    problem = accelerators(area_mm2=20.0)
    prior = prior_of(problem, count=30)
    no_area = tuple(
        replace(trial, measurement=Measurement({"latency_s": trial.measurement.metrics["latency_s"]}))
        for trial in prior.trials
        if trial.measurement.is_feasible
    )
    for name in ("rgpe", "pretrained-prior", "offline", "multitask-gp"):
        method = transfer.get(name)(problem, 0, experience(replace(prior, trials=no_area)), seeds=0)
        assert len(searched(problem, method, 16)) == 16
        assert str(Constraint("area_mm2", upper=20.0)) in method.told()


@pytest.mark.parametrize("name", ["rgpe", "pretrained-prior", "copula", "offline", "multitask-gp"])
def test_with_no_trial_the_model_itself_finds_a_good_design(name):
    """Zero-shot: one suggestion without any trial of the task is better than the median of uniform draws."""
    problem = accelerators(area_mm2=50.0, known=True)
    prior = prior_of(accelerators(area_mm2=1e6), count=128)
    (point,) = transfer.get(name)(problem, 0, experience(prior), seeds=0).ask(1)
    (first,) = trials_of(problem, [point])
    uniform = trials_of(problem, Random(problem, seed=1).ask(40))
    assert problem.feasible(first)
    losses = [problem.losses(trial)[0] for trial in uniform if problem.feasible(trial)]
    assert problem.losses(first)[0] < np.quantile(losses, 0.25)


@pytest.mark.parametrize(("power", "trusted"), [(1.0, True), (-1.0, False)])
def test_a_model_that_explains_nothing_proposes_nothing(power, trusted):
    """With a prior of this very task the model leads; with its inverse it does until it is judged."""
    problem = accelerators(area_mm2=50.0)
    prior = scaled(prior_of(problem, count=96), "prior", power=power)
    method = transfer.get("auto")(problem, 0, experience(prior))
    trials = trials_of(problem, Random(problem, seed=3).ask(12))
    method.tell(trials[: auto.JUDGED - 1])
    assert method.shares[0] == method.lead
    method.tell(trials[auto.JUDGED - 1 :])
    assert method.shares.sum() == pytest.approx(1.0)
    assert method.shares[0] == (method.lead if trusted else 0.0)
    assert (method.shares[1] > method.lead) != trusted
