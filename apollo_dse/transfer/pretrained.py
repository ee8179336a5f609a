"""A Gaussian process whose mean and kernel were learned on other tasks.

HyperBO (Wang et al., "Pre-trained Gaussian Processes for Bayesian Optimization", JMLR 25, 2024, arXiv
2109.08215) learns a prior, mean function and kernel, from the data of related tasks, and then does Bayesian
optimization with it. Here the mean is a combination of the tasks' own posterior means, whose coefficients are
unknown, around equal shares: a linear kernel over these means (explicit basis functions, Rasmussen and
Williams, section 2.7), beside one of distances for what they do not explain, and one that is constant, since
tasks differ by a factor. What the kernels weigh is learned by predicting each prior from all others, and then,
with that as the expectation, from the task's own trials: sources that mislead lose their weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from apollo_dse.optimizers.bayesian.surrogate import Hyperparameters, Process, matern
from apollo_dse.outcomes import Outcome, fitted_to
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.modelled import Modelled
from apollo_dse.transfer.source import Explains, Raw, SourceProcess

SHIFT = 3.0
"""Standard deviation of the shift between tasks: factors of twenty are nothing unusual."""

ITERATIONS = 40
"""Of L-BFGS at most, for one fit."""

EXPECTED = (0.5, 0.3, 0.05, 1.0)
"""What a kernel is expected to weigh before anything is learned, in the order of `Kernel.vector`."""

FIRST = 6
"""The kernel is learned from the task's own trials once so many are there."""

SPREAD = 0.7
"""Standard deviation of the logarithms of what a kernel weighs, from task to task."""

BOUNDS = ((-6.0, 2.0), (-5.0, 2.0), (-7.0, 0.0), (-2.0, 1.0))
"""Of those logarithms, in the order of `Kernel.vector`."""


Number = float | Tensor
"""A number, or one that is differentiated by."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a process weighs, in raw units.

    Attributes:
        trust: standard deviation of a source's coefficient, over its expectation.
        size: that of what the sources do not explain.
        noise: that of what is not explained at all.
        stretch: of the length scales.
        lengths: [d] length scales, the geometric mean of the sources'.
    """

    trust: Number
    size: Number
    noise: Number
    stretch: Number
    lengths: Tensor

    def covariance(self, a: Tensor, b: Tensor, means_a: Tensor, means_b: Tensor) -> Tensor:
        """Covariance [n, m] of values at features [n, d], [m, d] with sources' means [n, k], [m, k]."""
        linear = self.trust**2 / means_a.shape[1] * (means_a @ means_b.T)
        return SHIFT**2 + linear + self.size**2 * matern(a, b, self.lengths * self.stretch)

    def variance(self, means: Tensor) -> Tensor:
        """Variance [m] of values where sources' means are [m, k]."""
        return SHIFT**2 + self.trust**2 / means.shape[1] * means.square().sum(1) + self.size**2

    @property
    def vector(self) -> NDArray[np.float64]:
        """Logarithms of the four numbers."""
        return np.log(np.array([self.trust, self.size, self.noise, self.stretch], dtype=np.float64))

    def at(self, vector: NDArray[np.float64]) -> "Kernel":
        """This kernel with the four numbers of the logarithms `vector`."""
        trust, size, noise, stretch = np.exp(vector).tolist()
        return Kernel(trust, size, noise, stretch, self.lengths)


class Explained:
    """A process around a combination of sources' means, conditioned on the trials.

    Args:
        sources: what other tasks say of the same outcome, at least one.
        kernel: what weighs how much.
        x: [n, d] features of the trials.
        y: [n] their raw values.
    """

    def __init__(self, sources: Sequence[Explains], kernel: Kernel, x: Tensor, y: Tensor) -> None:
        self.sources = sources
        self.kernel = kernel
        self.x = x
        self.y = y
        self._means = basis(sources, x)
        covariance = kernel.covariance(x, x, self._means, self._means)
        covariance.diagonal().add_(kernel.noise**2)
        self._root = torch.linalg.cholesky(covariance)
        self._solved = torch.cholesky_solve((y - self._means.mean(1))[:, None], self._root)

    @property
    def shares(self) -> Sequence[float]:
        """Share of each source in what varies from trial to trial; the kernel of distances has the rest.

        What a source says turned over, by a coefficient below 0, is no share of it.
        """
        parts = (
            self.coefficients * self._means.std(dim=0, correction=0) if len(self.y) > 1 else self.coefficients
        )
        rest = self.kernel.size if len(self.y) > 1 else 0.0
        found: list[float] = (parts.clamp_min(0.0) / (parts.abs().sum() + rest)).tolist()
        return found

    @property
    def coefficients(self) -> Tensor:
        """Of each source [k], as expected after the trials."""
        k = len(self.sources)
        return (1.0 + self.kernel.trust**2 * (self._means.T @ self._solved)[:, 0]) / k

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the raw values at features [m, d].

        How unsure the sources are of their own means is part of what these do not explain.
        """
        means = basis(self.sources, x)
        covariance = self.kernel.covariance(x, self.x, means, self._means)
        mean = means.mean(1) + (covariance @ self._solved)[:, 0]
        explained = torch.linalg.solve_triangular(self._root, covariance.T, upper=False)
        variance = self.kernel.variance(means) - explained.square().sum(0)
        return mean, variance.clamp_min(1e-12)

    def believing(self, x: Tensor) -> "Explained":
        """This process once the values at features [m, d] had come out as its own mean says."""
        values = torch.cat([self.y, self.posterior(x)[0]])
        return Explained(self.sources, self.kernel, torch.cat([self.x, x]), values)


def basis(sources: Sequence[Explains], x: Tensor) -> Tensor:
    """Means [m, k] of `k` sources at features [m, d], in raw units, around 0."""
    return torch.stack([source.scale * source.posterior(x)[0] for source in sources], dim=1)


@dataclass(frozen=True, slots=True)
class Data:
    """Features [n, d] and raw values [n] of a task's trials, and the means [n, k] of `k` other tasks there."""

    x: Tensor
    y: Tensor
    means: Tensor


def learn(expected: Kernel, tasks: Sequence[Data], spread: float) -> Kernel:
    """The most probable kernel given the data of tasks.

    Args:
        expected: where the logarithms of its numbers are expected,
        spread: and with which standard deviation.
        tasks: the data; together they are as probable as their product.
    """
    centre = torch.from_numpy(expected.vector)

    def objective(vector: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        with torch.enable_grad():
            parameters = torch.tensor(vector, requires_grad=True)
            value = ((parameters - centre) / spread).square().sum() / 2
            for task in tasks:
                value = value + _negative_log_likelihood(expected, parameters.exp(), task)
            value.backward()  # type: ignore[no-untyped-call]
        assert parameters.grad is not None
        return float(value), parameters.grad.numpy()

    found: Any = minimize(
        objective,
        expected.vector.clip(*np.array(BOUNDS).T),
        jac=True,
        method="L-BFGS-B",
        bounds=BOUNDS,
        options={"maxiter": ITERATIONS},
    )
    return expected.at(found.x)


def _negative_log_likelihood(kernel: Kernel, parameters: Tensor, task: Data) -> Tensor:
    trust, size, noise, stretch = parameters
    candidate = Kernel(trust, size, noise, stretch, kernel.lengths)
    covariance = candidate.covariance(task.x, task.x, task.means, task.means)
    covariance = covariance + noise**2 * torch.eye(len(task.x), dtype=task.x.dtype)
    root = torch.linalg.cholesky(covariance)
    rest = (task.y - task.means.mean(1))[:, None]
    misfit: Tensor = 0.5 * (rest * torch.cholesky_solve(rest, root)).sum()
    misfit += root.diagonal().log().sum()
    return misfit


class PretrainedPrior(Modelled):
    """A process with mean and kernel learned on the priors, corrected by the task's own trials.

    Arguments and errors are those of `Modelled`.
    """

    def __init__(self, problem: Problem, seed: int, experience: Experience, *, seeds: int = 8) -> None:
        super().__init__(problem, seed, experience, seeds=seeds)
        self._pretrained: dict[str, Kernel] = {}
        self._renewed: dict[str, tuple[int, Kernel]] = {}

    def process(self, name: str, outcome: Outcome | None, x: Tensor) -> Process:
        """What is believed of an outcome, in its raw unit."""
        return self._explained(name, outcome, x)

    def shares(self, name: str, outcome: Outcome | None, x: Tensor) -> Sequence[float]:
        """Coefficients of the sources, as shares of what they and the rest explain together."""
        explained = self._explained(name, outcome, x).process
        assert isinstance(explained, Explained)
        return explained.shares

    def explaining(self, name: str) -> Sequence[Explains]:
        """Whose means explain an outcome: of each prior that has it, in the order of `sources`."""
        return self.taught(name)

    def pretrained(self, name: str) -> Kernel:
        """The kernel of an outcome that the priors have, learned by predicting each from all others."""
        if name not in self._pretrained:
            sources, d = self.taught(name), len(self.encoding.owners)
            kernel = Kernel(*EXPECTED, _lengths(sources, d))
            if len(sources) > 1:
                having = [source for source in self.sources if name in source.outcomes]
                tasks = [
                    Data(
                        x,
                        y * source.outcomes[name].scale,
                        torch.cat([means[:, :row], means[:, row + 1 :]], dim=1),
                    )
                    for row, source in enumerate(having)
                    for x, y in (source.data(name),)
                    for means in (basis(sources, x),)
                ]
                kernel = learn(kernel, tasks, 1.0)
            self._pretrained[name] = kernel
        return self._pretrained[name]

    def _explained(self, name: str, outcome: Outcome | None, x: Tensor) -> Raw:
        sources = self.explaining(name)
        if outcome is None:
            shift = sum(source.centre for source in sources) / len(sources)
            return Raw(Explained(sources, self.pretrained(name), x, x.new_zeros(0)), 1.0, shift)
        if not sources:
            return Raw(self.own(outcome, x), outcome.scale, outcome.centre)
        y = torch.from_numpy(outcome.raw - outcome.centre)
        return Raw(Explained(sources, self._kernel(name), x, y), 1.0, outcome.centre)

    def _kernel(self, name: str) -> Kernel:
        """The kernel that the first trials, as many as the schedule says, make of the pretrained one."""
        expected, count = self.pretrained(name), fitted_to(len(self.inside), FIRST)
        if self._renewed.get(name, (0, None))[0] != count:
            first, x = self.told(count).get(name, self._nothing)
            if first is not None:
                data = Data(x, torch.from_numpy(first.raw - first.centre), basis(self.explaining(name), x))
                self._renewed[name] = count, learn(expected, [data], SPREAD)
        return self._renewed.get(name, (0, expected))[1]


def _lengths(sources: Sequence[SourceProcess], d: int) -> Tensor:
    """Geometric mean [d] of the sources' length scales; of a feature that one does not see, a likely one."""
    logarithms = torch.log(torch.tensor(Hyperparameters.likely(d).lengths, dtype=torch.float64)).repeat(
        len(sources), 1
    )
    for row, source in zip(logarithms, sources, strict=True):
        row[source.columns] = torch.log(torch.tensor(source.hyperparameters.lengths, dtype=torch.float64))
    return logarithms.mean(dim=0).exp()
