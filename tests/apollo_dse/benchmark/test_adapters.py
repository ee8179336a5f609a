"""Adapters: the same task behind Optuna's objective and Gymnasium's environment."""

from math import inf

import numpy as np
import pytest

from apollo_dse.benchmark import TASKS, solutions

QUICK = "eyeriss-resnet18-latency-tight"
FRONT = "eyeriss-resnet18-latency_area-tight"


def test_an_environment_obeys_gymnasium_and_its_reward_is_zero_at_the_optimum():
    gymnasium = pytest.importorskip("gymnasium")
    from gymnasium.utils.env_checker import check_env

    from apollo_dse.benchmark.gym import WORST, DesignEnv

    env = DesignEnv(TASKS[QUICK], trials=3)
    check_env(env, skip_render_check=True)
    env.reset(seed=0)
    best = solutions.stored()[QUICK].designs[0].point
    action = np.array(
        [round(p.to_unit(best[p.name]) * p.cardinality - 0.5) for p in env.problem.space.parameters]
    )
    assert env.point(action) == best
    too_large = np.array(env._lengths) - 1
    observation, reward, terminated, truncated, info = env.step(too_large)
    assert (reward, terminated, truncated, info["regret"]) == (WORST, False, False, inf)
    assert observation[-3:].tolist() == [0.0, 1.0, 1.0]
    observation, reward, _, truncated, info = env.step(action)
    assert (reward, truncated) == (0.0, False)
    assert info["regret"] == pytest.approx(0.0, abs=1e-12)
    assert observation[-3:].tolist() == [1.0, 0.0, 0.0]
    _, reward, _, truncated, info = env.step(too_large)
    assert (reward, truncated) == (WORST, True)
    assert info["regret"] == pytest.approx(0.0, abs=1e-12)
    assert isinstance(env, gymnasium.Env)
    with pytest.raises(ValueError, match="one objective, but got eyeriss-resnet18-latency_area-tight"):
        DesignEnv(TASKS[FRONT])


def test_optuna_gets_losses_constraints_and_reasons():
    optuna = pytest.importorskip("optuna")
    from apollo_dse.benchmark.objective import objective
    from apollo_dse.terms import params_of, point_of

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space = TASKS[QUICK].problem().space
    answer = solutions.stored()[QUICK].designs[0]
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.enqueue_trial(params_of(space, answer.point))
    study.optimize(objective(TASKS[QUICK]), n_trials=6)
    first, *others = study.trials
    assert point_of(space, first.params) == answer.point
    assert first.value == pytest.approx(answer.measurement.metrics["latency_s"], rel=1e-12)
    assert list(first.constraints) == ["area_mm2<=1.0"]
    assert all(excess <= 0 for excess in first.constraints.values())
    assert any(excess > 0 for trial in others for excess in trial.constraints.values())
    both = optuna.create_study(directions=["minimize"] * 2)
    both.optimize(objective(TASKS[FRONT]), n_trials=1)
    assert len(both.trials[0].values) == 2
    assert both.trials[0].values[1] == both.trials[0].user_attrs["metrics"]["area_mm2"]
