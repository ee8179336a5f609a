"""Gaussian processes with a Matern-5/2 kernel and BoTorch's priors, fitted by gradients in closed form.

Posterior and marginal likelihood are algorithm 2.1 of Rasmussen and Williams, "Gaussian Processes for Machine
Learning", 2006; the priors are those of `botorch.models.SingleTaskGP`, whose length scales grow with the
dimension (Hvarfner et al., "Vanilla Bayesian Optimization Performs Great in High Dimensions", ICML 2024, arXiv
2402.02229). It is that very model (`tests/apollo_dse/optimizers/test_bayesian_surrogate.py` compares the two),
written out because a search fits some hundred of them.
"""

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Any, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from apollo_dse.outcomes import Outcome

ITERATIONS = 50
"""Of L-BFGS at most, for one fit."""

SHORTEST, LOWEST_NOISE = 0.025, 1e-4
"""Bounds of length scales and noise variance, BoTorch's."""

_NOISE_LOCATION, _LENGTH_LOCATION, _LENGTH_SPREAD = -4.0, sqrt(2.0), sqrt(3.0)


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """Of a process over `d` features and standardized values: length scales [d], noise variance, mean."""

    lengths: tuple[float, ...]
    noise: float
    mean: float

    @classmethod
    def likely(cls, d: int) -> "Hyperparameters":
        """The modes of the priors."""
        return cls((exp(_length_location(d) - _LENGTH_SPREAD**2),) * d, exp(_NOISE_LOCATION - 1.0), 0.0)


class Process(Protocol):
    """What is believed of one outcome: a normal variable at every point."""

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the noiseless values at features [m, d]."""

    def believing(self, x: Tensor) -> Self:
        """This process once the values at features [m, d] had come out as its own mean says."""


class GaussianProcess:
    """A process conditioned on values `y` [n] at features `x` [n, d].

    Args:
        x: features, double precision.
        y: standardized values, double precision.
        hyperparameters: of the kernel and the noise.
    """

    def __init__(self, x: Tensor, y: Tensor, hyperparameters: Hyperparameters) -> None:
        self.x = x
        self.y = y
        self.hyperparameters = hyperparameters
        self._lengths = torch.tensor(hyperparameters.lengths, dtype=x.dtype)
        covariance = self._kernel(x, x)
        covariance.diagonal().add_(hyperparameters.noise)
        self._root = torch.linalg.cholesky(covariance)
        centred = (y - hyperparameters.mean)[:, None]
        self._weights = torch.cholesky_solve(centred, self._root)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the noiseless values at features [m, d]."""
        covariance = self._kernel(x, self.x)
        mean = self.hyperparameters.mean + (covariance @ self._weights)[:, 0]
        explained = torch.linalg.solve_triangular(self._root, covariance.T, upper=False)
        return mean, (1.0 - explained.square().sum(0)).clamp_min(1e-12)

    def left_out(self) -> tuple[Tensor, Tensor]:
        """Mean [n] and variance [n] of each value, given all others (Rasmussen and Williams, eq. 5.12)."""
        precision = torch.cholesky_inverse(self._root).diagonal()
        return self.y - self._weights[:, 0] / precision, 1.0 / precision

    def believing(self, x: Tensor) -> "GaussianProcess":
        """This process once the values at features [m, d] had come out as its own mean says.

        What is pending is known in this way (the Kriging believer of Ginsbourger et al., "Kriging is
        well-suited to parallelize optimization", 2010, doi 10.1007/978-3-642-10701-6_6): the mean stays as it
        is, the variance near by shrinks.
        """
        return GaussianProcess(
            torch.cat([self.x, x]), torch.cat([self.y, self.posterior(x)[0]]), self.hyperparameters
        )

    def _kernel(self, a: Tensor, b: Tensor) -> Tensor:
        return matern(a, b, self._lengths)


def matern(a: Tensor, b: Tensor, lengths: Tensor) -> Tensor:
    """The Matern-5/2 kernel [n, m] of features [n, d] and [m, d] with length scales [d]; 1 at distance 0."""
    distance = sqrt(5.0) * torch.cdist(a / lengths, b / lengths, compute_mode="donot_use_mm_for_euclid_dist")
    return (1.0 + distance + distance.square() / 3.0) * torch.exp(-distance)


def fit(x: Tensor, y: Tensor) -> Hyperparameters:
    """The most probable hyper-parameters given values `y` [n] at features `x` [n, d]."""
    d = x.shape[1]
    squares = (x[:, None] - x[None]).square().reshape(-1, d)
    start = Hyperparameters.likely(d)

    def objective(vector: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return negative_log_posterior(vector, squares, y)

    bounds: list[tuple[float | None, float | None]] = [(log(SHORTEST), 7.0)] * d
    bounds += [(log(LOWEST_NOISE), 2.0), (None, None)]
    first = np.array([*map(log, start.lengths), log(start.noise), start.mean])
    found: Any = minimize(
        objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ITERATIONS}
    )
    return Hyperparameters(tuple(np.exp(found.x[:d]).tolist()), exp(found.x[d]), float(found.x[d + 1]))


def learned(
    outcome: Outcome, order: NDArray[np.int64], most: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Places [k] of an outcome's trials that are learned from: if more than `most`, the best half and a draw.

    Args:
        outcome: what is learned.
        order: numbers of all trials, the best first.
        most: of the places.
        rng: draws those that are not the best.
    """
    places = np.arange(len(outcome.numbers))
    if len(places) <= most:
        return places
    ranks = order.argsort()[outcome.numbers].argsort().argsort()
    rest = rng.choice(places[ranks >= most // 2], size=most - most // 2, replace=False)
    return np.sort(np.concatenate([places[ranks < most // 2], rest]))


def negative_log_posterior(
    vector: NDArray[np.float64], squares: Tensor, y: Tensor
) -> tuple[float, NDArray[np.float64]]:
    """Minus the log density of `y` [n] and of the hyper-parameters, up to a constant, over `n`; its gradient.

    Args:
        vector: [d + 2] logarithms of the length scales and of the noise variance, and the mean.
        squares: [n * n, d] squared differences of the features of each pair.
        y: standardized values.
    """
    n, d = len(y), squares.shape[1]
    weights = torch.from_numpy(np.exp(-2.0 * vector[:d]))
    noise, mean = exp(vector[d]), float(vector[d + 1])
    distance = sqrt(5.0) * (squares @ weights).sqrt()
    decay = torch.exp(-distance)
    covariance = ((1.0 + distance + distance.square() / 3.0) * decay).reshape(n, n)
    covariance.diagonal().add_(noise)
    root = torch.linalg.cholesky(covariance)
    inverse = torch.cholesky_inverse(root)
    solved = inverse @ (y - mean)
    value = 0.5 * float((y - mean) @ solved) + float(root.diagonal().log().sum())
    # d value / d covariance, then d covariance / d (squared scaled distance) = -5/6 (1 + distance) decay
    slope = 0.5 * (inverse - torch.outer(solved, solved))
    inner = (slope.reshape(-1) * (-5.0 / 6.0) * (1.0 + distance) * decay) @ squares
    gradient = torch.cat(
        [-2.0 * weights * inner, (slope.trace() * noise).reshape(1), -solved.sum().reshape(1)]
    ).numpy()
    lengths, location = vector[:d], _length_location(d)
    value += float(((lengths - location) ** 2).sum()) / (2 * _LENGTH_SPREAD**2) + float(lengths.sum())
    value += (vector[d] - _NOISE_LOCATION) ** 2 / 2 + float(vector[d])
    gradient[:d] += (lengths - location) / _LENGTH_SPREAD**2 + 1.0
    gradient[d] += vector[d] - _NOISE_LOCATION + 1.0
    return value / n, gradient / n


def _length_location(d: int) -> float:
    """Location of the log-normal prior of length scales in `d` dimensions."""
    return _LENGTH_LOCATION + log(d) / 2
