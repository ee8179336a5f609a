"""Improvements against BoTorch's and against Monte Carlo; weights of feasibility in closed form."""

import math

import pytest
import torch
from botorch.acquisition.analytic import LogExpectedImprovement
from botorch.utils.multi_objective.hypervolume import Hypervolume, infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from botorch.utils.testing import MockModel, MockPosterior

from apollo_dse.optimizers.bayesian.acquisition import Belief, Limit, log_improvement
from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess, Hyperparameters


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def process(x: list[float], y: list[float], noise: float = 1e-4) -> GaussianProcess:
    return GaussianProcess(column(*x), column(*y)[:, 0], Hyperparameters((0.2,), noise, 0.0))


@pytest.mark.parametrize("mean", [-30.0, -1.0, 0.0, 2.0])
def test_of_one_objective_it_is_botorchs_log_expected_improvement(mean: float) -> None:
    posterior = MockPosterior(mean=column(mean)[None], variance=column(0.49)[None])
    expected = LogExpectedImprovement(MockModel(posterior), best_f=0.5)(torch.zeros(1, 1, 1).double())
    got = log_improvement(column(mean), column(0.7), column(-1.0, 0.5, 0.2))
    assert got.tolist() == pytest.approx(expected.tolist(), rel=1e-9)


@pytest.mark.parametrize("objectives", [2, 3])
def test_of_several_objectives_it_is_the_mean_gain_in_hypervolume(objectives: int) -> None:
    generator = torch.Generator().manual_seed(objectives)
    known = torch.rand(5, objectives, dtype=torch.float64, generator=generator)
    mean, deviation = torch.full((1, objectives), 0.6).double(), torch.full((1, objectives), 0.3).double()
    (got,) = log_improvement(mean, deviation, known).exp().tolist()
    volume = Hypervolume(infer_reference_point(known[is_non_dominated(known)]))
    before = volume.compute(known[is_non_dominated(known)])
    gains = []
    for _ in range(500):
        drawn = mean + deviation * torch.randn(1, objectives, dtype=torch.float64, generator=generator)
        every = torch.cat([known, drawn])
        gains.append(volume.compute(every[is_non_dominated(every)]) - before)
    sample = torch.tensor(gains)
    assert abs(got - float(sample.mean())) < 5 * float(sample.std()) / math.sqrt(len(gains))


def test_far_below_the_front_points_can_still_be_told_apart() -> None:
    known = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    means = torch.tensor([[-40.0, -40.0], [-60.0, -60.0]], dtype=torch.float64)
    near, far = log_improvement(means, torch.ones(2, 2).double(), known).tolist()
    assert -math.inf < far < near < -1000


def test_a_weight_is_the_normal_probability_of_keeping_the_limit() -> None:
    """One value 1 at 0 with noise 1: mean k / 2 and variance 1 - k^2 / 2 at kernel value k."""
    limit = Limit(process([0.0], [1.0], noise=1.0), 0.25)
    distance = math.sqrt(5) * 0.1 / 0.2
    k = (1 + distance + distance**2 / 3) * math.exp(-distance)
    place = (0.25 - k / 2) / math.sqrt(1 - k**2 / 2)
    expected = math.log(0.5 * math.erfc(-place / math.sqrt(2)))
    assert limit.log_feasibility(column(0.1)).tolist() == pytest.approx([expected], rel=1e-9)


def test_scores_add_up_and_without_feasible_trials_the_limits_alone_count() -> None:
    goal, limits = process([0.0, 1.0], [0.5, -0.5]), (Limit(process([0.3], [1.0]), 0.0),) * 2
    x = column(0.1, 0.8)
    weight = 2 * limits[0].log_feasibility(x)
    nothing = Belief((goal,), limits, torch.zeros(0, 1).double())
    assert nothing.scores(x).tolist() == pytest.approx(weight.tolist())
    mean, variance = goal.posterior(x)
    gain = log_improvement(-mean[:, None], variance.sqrt()[:, None], column(0.5))
    something = Belief((goal,), limits, column(-0.5))
    assert something.scores(x).tolist() == pytest.approx((weight + gain).tolist())


def test_a_pending_point_counts_as_what_is_expected_of_it() -> None:
    """Near it nothing is gained any more; a loss is believed only where the limits are thought to be kept."""
    goal = process([0.0, 1.0], [0.5, -0.5])
    x = column(0.5)
    free = Belief((goal,), (), column(-0.5)).believing(x)
    assert free.losses.shape == (2, 1)
    assert float(free.losses[1]) == pytest.approx(float(goal.posterior(x)[0]))
    assert float(free.scores(x)) < float(Belief((goal,), (), column(-0.5)).scores(x)) - 1
    barred = Belief((goal,), (Limit(process([0.5], [1.0]), 0.0),), column(-0.5)).believing(x)
    assert barred.losses.shape == (1, 1)
