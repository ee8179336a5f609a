"""The processes against BoTorch's `SingleTaskGP` of the same kernel and priors, and their gradients."""

import math

import numpy as np
import pytest
import torch
from botorch.models import SingleTaskGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from gpytorch.mlls import ExactMarginalLogLikelihood

from apollo_dse.optimizers.bayesian.surrogate import (
    GaussianProcess,
    Hyperparameters,
    fit,
    negative_log_posterior,
)

X = torch.rand(25, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
Y = torch.sin(6 * X[:, 0]) + X[:, 1] ** 2
Y = (Y - Y.mean()) / Y.std()
ASKED = torch.rand(7, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
GIVEN = Hyperparameters((0.4, 0.9, 3.0), 0.01, 0.2)


def botorch_model(hyperparameters: Hyperparameters) -> SingleTaskGP:
    kernel = get_covar_module_with_dim_scaled_prior(3, use_rbf_kernel=False)
    model = SingleTaskGP(X, Y[:, None], covar_module=kernel, outcome_transform=None)
    model.covar_module.lengthscale = torch.tensor(hyperparameters.lengths, dtype=torch.float64)
    model.likelihood.noise = hyperparameters.noise
    model.mean_module.initialize(constant=hyperparameters.mean)
    return model


def squares() -> torch.Tensor:
    return (X[:, None] - X[None]).square().reshape(-1, 3)


def vector(hyperparameters: Hyperparameters) -> np.ndarray:
    logs = [*map(math.log, hyperparameters.lengths), math.log(hyperparameters.noise)]
    return np.array([*logs, hyperparameters.mean])


def test_the_posterior_is_that_of_botorch() -> None:
    mean, variance = GaussianProcess(X, Y, GIVEN).posterior(ASKED)
    model = botorch_model(GIVEN).eval()
    with torch.no_grad():
        expected = model.posterior(ASKED)
        assert mean.tolist() == pytest.approx(expected.mean[:, 0].tolist(), abs=1e-7)
        assert variance.tolist() == pytest.approx(expected.variance[:, 0].tolist(), abs=1e-7)


def test_the_density_is_that_of_botorch_up_to_a_constant() -> None:
    """Differences between hyper-parameters, so that the constants of the densities cancel."""
    other = Hyperparameters((1.0, 0.3, 0.7), 0.1, -0.5)
    ours, theirs = [], []
    for hyperparameters in (GIVEN, other):
        ours.append(negative_log_posterior(vector(hyperparameters), squares(), Y)[0])
        model = botorch_model(hyperparameters).train()
        with torch.no_grad():
            theirs.append(-float(ExactMarginalLogLikelihood(model.likelihood, model)(model(X), Y)))
    assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1], abs=1e-8)


def test_the_gradient_is_that_of_differences() -> None:
    at = vector(GIVEN)
    gradient = negative_log_posterior(at, squares(), Y)[1]
    for column in range(len(at)):
        step = np.zeros_like(at)
        step[column] = 1e-5
        rise = (
            negative_log_posterior(at + step, squares(), Y)[0]
            - negative_log_posterior(at - step, squares(), Y)[0]
        )
        assert gradient[column] == pytest.approx(rise / 2e-5, rel=1e-5, abs=1e-8)


def test_a_fit_finds_what_matters() -> None:
    """Values follow the first feature closely, the second loosely, the third not at all; there is no noise."""
    found = fit(X, Y)
    first, second, third = found.lengths
    assert first < second < third
    assert found.noise < 0.01
    start = negative_log_posterior(vector(Hyperparameters.likely(3)), squares(), Y)[0]
    assert negative_log_posterior(vector(found), squares(), Y)[0] < start


def test_alike_values_and_a_single_one_can_be_fitted() -> None:
    for n in (1, 5):
        found = fit(X[:n], torch.zeros(n, dtype=torch.float64))
        mean, variance = GaussianProcess(X[:n], torch.zeros(n, dtype=torch.float64), found).posterior(ASKED)
        assert torch.isfinite(mean).all()
        assert (variance > 0).all()


def test_believing_keeps_the_mean_and_narrows_the_variance() -> None:
    before = GaussianProcess(X, Y, GIVEN)
    after = before.believing(ASKED[:1])
    (mean_before, wide), (mean_after, narrow) = before.posterior(ASKED), after.posterior(ASKED)
    assert mean_after.tolist() == pytest.approx(mean_before.tolist(), abs=1e-7)
    assert (narrow <= wide + 1e-12).all()
    assert narrow[0] < wide[0] / 2
