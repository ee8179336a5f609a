"""One Gaussian process over all tasks: what one task's trials say of another is learned from both.

Bonilla, Chai, Williams, "Multi-task Gaussian Process Prediction", NeurIPS 2007 (intrinsic coregionalization:
the covariance of two trials is that of their points times that of their tasks); Swersky, Snoek, Adams,
"Multi-Task Bayesian Optimization", NeurIPS 2013. The model and its priors are BoTorch's `MultiTaskGP`, which
takes tasks to agree more or less, never to contradict; BoTorch fits it, too. The posterior of the fitted model
is written out, as `surrogate` has its own, for a search asks for it at thousands of points.

The task's own values are put on the scale of the sources, shifted by what these are off on average: with a
handful of trials, most of them good, neither could be told from these alone.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from botorch.exceptions.errors import ModelFittingError
from botorch.exceptions.warnings import InputDataWarning
from botorch.fit import fit_gpytorch_mll
from botorch.models import MultiTaskGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from botorch.utils.sampling import manual_seed
from gpytorch.means import ConstantMean
from gpytorch.mlls import ExactMarginalLogLikelihood
from torch import Tensor

from apollo_dse.optimizers.bayesian.surrogate import Hyperparameters, Process, matern
from apollo_dse.outcomes import Outcome, fitted_to
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.mixture import Mixture
from apollo_dse.transfer.modelled import Modelled
from apollo_dse.transfer.source import Raw, SourceProcess

SOURCES, MOST = 5, 32
"""So many of the most related sources are learned from at most, and so many trials of each."""

FITTED = 60
"""First trials of the task at most that hyper-parameters are fitted to, beside those of the sources."""

FIRST = 3
"""They are fitted once so many trials are there; until then sources agree as much as is likely."""

RANK = 2
"""Of the covariance of tasks, beside what each has of its own."""

LIKELY = 0.8
"""Correlation of two tasks before anything is learned."""

DOUBT = 4
"""It counts as much as so many trials where fits begin."""

SMALL = 0.05
"""What tasks have of their own where fits begin, as a variance."""


@dataclass(frozen=True, slots=True)
class Tasks:
    """What is known of several tasks: features [n, d], numbers of tasks [n], values [n]; task 0 is this one."""

    x: Tensor
    numbers: Tensor
    y: Tensor


@dataclass(frozen=True, slots=True)
class Agreement:
    """Hyper-parameters of a process over `t` tasks.

    Attributes:
        lengths: [d] length scales, of all tasks.
        covariance: [t, t] of the tasks; this task's variance is 1.
        noise: [t] variance of the noise of each task.
        mean: of all tasks.
    """

    lengths: Tensor
    covariance: Tensor
    noise: Tensor
    mean: float

    @classmethod
    def likely(cls, d: int, t: int) -> "Agreement":
        """What is likely before anything is learned."""
        one = Hyperparameters.likely(d)
        lengths = torch.tensor(one.lengths, dtype=torch.float64)
        covariance = torch.full((t, t), LIKELY, dtype=torch.float64).fill_diagonal_(1.0)
        return cls(lengths, covariance, torch.full((t,), one.noise, dtype=torch.float64), one.mean)

    @property
    def correlations(self) -> Tensor:
        """Of this task with each of the others [t - 1]."""
        sizes = self.covariance.diagonal().sqrt()
        return (self.covariance[0] / (sizes[0] * sizes))[1:]


class Coregionalized:
    """The process of task 0, given the trials of all tasks.

    Args:
        tasks: the trials, at least one.
        agreement: hyper-parameters.
    """

    def __init__(self, tasks: Tasks, agreement: Agreement) -> None:
        self.tasks = tasks
        self.agreement = agreement
        numbers = tasks.numbers
        covariance = matern(tasks.x, tasks.x, agreement.lengths) * agreement.covariance[numbers][:, numbers]
        covariance.diagonal().add_(agreement.noise[numbers])
        self._root = torch.linalg.cholesky(covariance)
        self._solved = torch.cholesky_solve((tasks.y - agreement.mean)[:, None], self._root)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the noiseless values at features [m, d]."""
        agreement = self.agreement
        covariance = matern(x, self.tasks.x, agreement.lengths) * agreement.covariance[0, self.tasks.numbers]
        mean = agreement.mean + (covariance @ self._solved)[:, 0]
        explained = torch.linalg.solve_triangular(self._root, covariance.T, upper=False)
        return mean, (agreement.covariance[0, 0] - explained.square().sum(0)).clamp_min(1e-12)

    def believing(self, x: Tensor) -> "Coregionalized":
        """This process once the values at features [m, d] had come out as its own mean says."""
        tasks = Tasks(
            torch.cat([self.tasks.x, x]),
            torch.cat([self.tasks.numbers, self.tasks.numbers.new_zeros(len(x))]),
            torch.cat([self.tasks.y, self.posterior(x)[0]]),
        )
        return Coregionalized(tasks, self.agreement)


def model_of(tasks: Tasks, correlations: Tensor) -> MultiTaskGP:
    """BoTorch's model, not fitted, of tasks that have a trial each; the kernel is that of `surrogate`.

    Args:
        tasks: the trials.
        correlations: [t - 1] of this task with each of the others, to begin with.
    """
    features, count = tasks.x.shape[1], int(tasks.numbers.max()) + 1
    rank = min(RANK, count)
    with warnings.catch_warnings():
        # a source is standardized over all its trials, of which some are here; this task by the sources
        warnings.simplefilter("ignore", InputDataWarning)
        model = MultiTaskGP(
            torch.cat([tasks.x, tasks.numbers[:, None].to(tasks.x.dtype)], dim=1),
            tasks.y[:, None],
            task_feature=-1,
            mean_module=ConstantMean(),
            covar_module=get_covar_module_with_dim_scaled_prior(ard_num_dims=features, use_rbf_kernel=False),
            rank=rank,
            outcome_transform=None,
        )
    # BoTorch begins at random, and few iterations hardly leave where they begin
    factor = tasks.x.new_full((count, rank), SMALL)
    factor[1:, 0], factor[0, 0] = correlations, 1.0
    if rank > 1:
        factor[1:, 1] = (1.0 - correlations.square()).sqrt()
    model.covar_module.kernels[1].initialize(var=tasks.x.new_full((count,), SMALL), covar_factor=factor)
    return model


def agreement_of(model: MultiTaskGP) -> Agreement:
    """The hyper-parameters of a model."""
    within, between = model.covar_module.kernels
    return Agreement(
        within.lengthscale.detach()[0].clone(),
        between.covar_matrix.detach().clone(),
        model.likelihood.noise.detach().reshape(-1).clone(),
        float(model.mean_module.constant.detach()),
    )


def fitted(tasks: Tasks, correlations: Tensor, iterations: int, seed: int) -> Agreement:
    """The most probable hyper-parameters of tasks that have a trial each; likely ones where a fit fails.

    Args:
        tasks: the trials.
        correlations: [t - 1] of this task with each of the others, where the fit begins.
        iterations: of L-BFGS at most.
        seed: where BoTorch begins at random, should a first attempt fail.
    """
    with torch.enable_grad(), manual_seed(seed), warnings.catch_warnings():
        # torch remarks once on sparse matrices, by which tasks are looked up; a fit that warns is done again
        warnings.filterwarnings("ignore", "Sparse invariant checks")
        model = model_of(tasks, correlations)
        likelihood = ExactMarginalLogLikelihood(model.likelihood, model)
        try:
            fit_gpytorch_mll(likelihood, optimizer_kwargs={"options": {"maxiter": iterations}})
        except ModelFittingError:
            return Agreement.likely(tasks.x.shape[1], int(tasks.numbers.max()) + 1)
    return agreement_of(model)


class MultiTask(Modelled):
    """One process over this task and the most related priors.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        experience: the priors.
        seeds: designs of the priors that are tried first, at least 0.
        iterations: of L-BFGS at most, for one fit, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range, or a prior cannot be matched.
    """

    def __init__(
        self, problem: Problem, seed: int, experience: Experience, *, seeds: int = 8, iterations: int = 15
    ) -> None:
        super().__init__(problem, seed, experience, seeds=seeds)
        if iterations < 1:
            raise ValueError(f"`iterations >= 1` must hold, but got iterations={iterations}")
        self.iterations = iterations
        self._agreements: dict[str, tuple[int, Agreement]] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {**super().settings, "iterations": self.iterations}

    def process(self, name: str, outcome: Outcome | None, x: Tensor) -> Process:
        """What is believed of an outcome, in its raw unit; of one that has no trial, what the priors say."""
        if outcome is None:
            return Mixture.even(self.taught(name))
        if not self.taught(name):
            return Raw(self.own(outcome, x), outcome.scale, outcome.centre)
        tasks, scale, shift = self._tasks(outcome, x)
        return Raw(Coregionalized(tasks, self._agreement(name)), scale, shift)

    def shares(self, name: str, outcome: Outcome | None, x: Tensor) -> Sequence[float]:
        """Share of this task's variance that each source explains, its squared correlation, of 1 at most."""
        count = len(self.taught(name))
        if outcome is None:
            return (1 / count,) * count
        explained = self._agreement(name).correlations.square()
        shares: list[float] = (explained / explained.sum().clamp_min(1.0)).tolist()
        return [*shares, *([0.0] * (count - len(shares)))]

    def _tasks(self, outcome: Outcome, x: Tensor) -> tuple[Tasks, float, float]:
        """The trials of all tasks on the sources' scale, and what makes them raw: that scale, and a shift."""
        sources = [source for source in self.sources if outcome.name in source.outcomes][:SOURCES]
        theirs = self.taught(outcome.name)[:SOURCES]
        scale = sum(each.scale for each in theirs) / len(theirs)
        expected = torch.stack([each.posterior(x)[0] for each in theirs]).mean(dim=0)
        values = torch.from_numpy(outcome.raw) / scale
        shift = float((values - expected).median())
        parts = [(x, values - shift), *(source.data(outcome.name, MOST) for source in sources)]
        numbers = [torch.full((len(y),), task) for task, (_, y) in enumerate(parts)]
        features, standardized = (torch.cat(columns) for columns in zip(*parts, strict=True))
        return Tasks(features, torch.cat(numbers), standardized), scale, scale * shift

    def _agreement(self, name: str) -> Agreement:
        """Hyper-parameters, fitted to the first trials of this task, up to the last step of the schedule."""
        count = fitted_to(min(len(self.inside), FITTED), FIRST)
        if self._agreements.get(name, (-1, None))[0] != count:
            outcome, x = self.told(count).get(name, self._nothing)
            if outcome is None:
                tasks = 1 + min(SOURCES, len(self.taught(name)))
                found = Agreement.likely(x.shape[1], tasks)
            else:
                seen = _seen(self.taught(name)[:SOURCES], torch.from_numpy(outcome.values), x)
                found = fitted(self._tasks(outcome, x)[0], seen, self.iterations, self.seed)
            self._agreements[name] = count, found
        return self._agreements[name][1]


def _seen(sources: Sequence[SourceProcess], values: Tensor, x: Tensor) -> Tensor:
    """Correlations [k] of sources' means with values [n] at features [n, d], drawn to what is likely."""
    rows = torch.stack([values, *(source.posterior(x)[0] for source in sources)])
    rows = rows - rows.mean(dim=1, keepdim=True)
    rows = rows / rows.norm(dim=1, keepdim=True).clamp_min(1e-9)
    n = len(values)
    drawn: Tensor = (n * (rows[1:] @ rows[0]) + DOUBT * LIKELY) / (n + DOUBT)
    return drawn.clamp(0.1, 0.95)
