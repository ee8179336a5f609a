"""The built-in model as a prior: asked itself, believed as far as the trials bear it out."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from apollo_dse import transfer
from apollo_dse.optimizers.random import Random
from apollo_dse.study import Study
from apollo_dse.testing import accelerators
from apollo_dse.transfer import Prior
from apollo_dse.transfer.predicted import RAN, Predicted
from apollo_dse.trial import Measurement
from tests.apollo_dse.transfer.experience import TASK, experience, prior_of, trials_of


def asked_prior(problem, name="model", count=48):
    """A prior that can be asked, with a count of what it was asked; only few of its trials are known."""
    asked = []

    def evaluate(points):
        asked.extend(points)
        return problem.evaluate(points)

    trials = trials_of(problem, Random(problem, seed=2).ask(count))
    return Prior(name, TASK, replace(problem, evaluate=evaluate), trials), asked


def simulator(problem, factor=3.0, power=1.2):
    """The problem measured by a simulator that is a factor and a power off."""

    def evaluate(points):
        return [
            Measurement({**each.metrics, "latency_s": factor * each.metrics["latency_s"] ** power})
            if each.is_feasible
            else each
            for each in problem.evaluate(points)
        ]

    return replace(problem, evaluate=evaluate)


def predictions(method, name, points):
    [explains] = method.explaining(name)
    x = torch.from_numpy(method.encoding.features(method.encoding.rows(points)))
    mean, variance = explains.posterior(x)
    assert (variance == 0).all()
    assert explains.believing(x) is explains
    return (explains.centre + explains.scale * mean).numpy()


def test_what_is_explained_is_what_the_model_says_and_each_design_is_asked_for_once():
    problem = accelerators(area_mm2=20.0)
    prior, asked = asked_prior(problem)
    method = Predicted(problem, 0, experience(prior))
    points = Random(problem, seed=7).ask(100)
    measured = problem.evaluate(points)
    ran = np.array([each.is_feasible for each in measured])
    assert 0 < ran.sum() < 100
    found = predictions(method, "minimize:latency_s", points)
    assert found[ran] == pytest.approx(np.log([each.metrics["latency_s"] for each in measured if each.metrics]))
    worst = max(np.log(t.measurement.metrics["latency_s"]) for t in prior.trials if t.measurement.is_feasible)
    assert found[~ran] == pytest.approx(worst)
    assert predictions(method, RAN, points) == pytest.approx(np.where(ran, -1.0, 1.0))
    excess = predictions(method, "area_mm2<=20.0", points)
    areas = np.array([each.metrics["area_mm2"] for each in measured if each.metrics])
    assert excess[ran] == pytest.approx(np.log(areas / 20.0))
    assert len(asked) == 100
    assert predictions(method, RAN, [point for point, runs in zip(points, ran, strict=True) if runs]) == (
        pytest.approx(-1.0)
    )


def test_priors_that_cannot_be_asked_are_learned_from():
    problem = accelerators(area_mm2=20.0)
    prior, asked = asked_prior(problem)
    other = prior_of(accelerators(area_mm2=50.0), "other")
    method = Predicted(problem, 0, experience(other, prior))
    kinds = {type(each).__name__ for each in method.explaining("minimize:latency_s")}
    assert kinds == {"Prediction", "SourceProcess"}
    assert asked == []


def test_a_metric_of_another_name_is_stood_for():
    problem = accelerators(area_mm2=20.0)
    prior, _ = asked_prior(problem)
    cycles = replace(problem, objectives=(replace(problem.objectives[0], metric="cycles"),), constraints=())
    method = Predicted(cycles, 0, experience(prior))
    points = [trial.point for trial in prior.trials if trial.measurement.is_feasible]
    wanted = [np.log(t.measurement.metrics["latency_s"]) for t in prior.trials if t.measurement.is_feasible]
    assert predictions(method, "minimize:cycles", points) == pytest.approx(wanted)


def best_after(problem, method, trials):
    study = Study(problem, method, batch=2)
    study.run(trials)
    return study.convergence()[-1, 0]


def test_a_model_that_is_off_by_a_law_is_as_good_as_the_simulator():
    """It knows a factor and a power; its trials alone know the same of 48 designs only."""
    model = accelerators(area_mm2=20.0, known=True)
    problem = simulator(model)
    prior, _ = asked_prior(model)
    silent = prior_of(model, "model", count=48)
    won = 0
    for seed in range(4):
        ours = best_after(problem, Predicted(problem, seed, experience(prior)), 10)
        theirs = best_after(problem, transfer.get("pretrained-prior")(problem, seed, experience(silent)), 10)
        won += ours <= theirs
    assert won >= 3


def test_what_is_suggested_follows_from_what_was_told():
    model = accelerators(area_mm2=20.0, known=True)
    problem, (prior, _) = simulator(model), asked_prior(model)
    first = Predicted(problem, 1, experience(prior))
    Study(problem, first, batch=4).run(12)
    second = Predicted(problem, 1, experience(prior))
    second.tell(first.trials)
    assert second.ask(4) == first.ask(4)
