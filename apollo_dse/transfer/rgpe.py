"""An ensemble of Gaussian processes, one of each task, weighted by how well they rank this task's trials.

Feurer, Letham, Hutter, Bakshy, "Practical Transfer Learning for Bayesian Optimization", 2018, arXiv 1802.02219:
a process' weight is the share of draws from the posteriors in which it misranks fewest pairs of trials; that of
the task itself is judged by leave-one-out. A process that is clearly worse than the task's own is dropped,
which guards against priors that mislead. Tasks differ by a factor in latency or energy, a shift of the
logarithm, so that each source is shifted by what it is off on average.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess
from apollo_dse.outcomes import Outcome
from apollo_dse.transfer.mixture import Mixture
from apollo_dse.transfer.modelled import Modelled
from apollo_dse.transfer.source import Raw, SourceProcess

DRAWS = 256
"""Draws from the posteriors, by which weights are made."""

JUDGED = 48
"""Trials at most by which processes are judged: the best ones."""

FEW = 3
"""With fewer trials nothing is judged: all sources weigh alike."""

DROPPED = 0.95
"""A source goes whose median misranking is beyond this quantile of the task's own."""


class RGPE(Modelled):
    """Ranking-weighted ensemble of the priors' processes and the task's own.

    Arguments and errors are those of `Modelled`.
    """

    def process(self, name: str, outcome: Outcome | None, x: Tensor) -> Mixture:
        """The mixture of all processes of an outcome, in its raw unit."""
        theirs = self.taught(name)
        if outcome is None:
            return Mixture.even(theirs)
        own, values = self.own(outcome, x), torch.from_numpy(outcome.raw)
        shifts = [float((values - each.scale * each.posterior(x)[0]).median()) for each in theirs]
        parts = (Raw(each, each.scale, shift) for each, shift in zip(theirs, shifts, strict=True))
        weights = self._weights(theirs, own, x, torch.from_numpy(outcome.values))
        return Mixture((*parts, Raw(own, outcome.scale, outcome.centre)), weights)

    def shares(self, name: str, outcome: Outcome | None, x: Tensor) -> Sequence[float]:
        """Weight of each process of the priors."""
        return self.process(name, outcome, x).weights[: len(self.taught(name))]

    def _weights(
        self, processes: Sequence[SourceProcess], own: GaussianProcess, x: Tensor, y: Tensor
    ) -> tuple[float, ...]:
        """Weight of each source, then of the task's own process; they sum to 1."""
        if len(y) < FEW:
            return (*((1 / len(processes),) * len(processes)), 0.0) if processes else (1.0,)
        judged = torch.argsort(y, stable=True)[:JUDGED]
        stream = np.random.default_rng([self.seed, len(y), 2])
        normal = torch.from_numpy(stream.standard_normal((len(processes) + 1, DRAWS, len(judged))))
        posteriors = [each.posterior(x[judged]) for each in processes]
        left_out = own.left_out()
        posteriors.append((left_out[0][judged], left_out[1][judged]))
        misranked = torch.stack(
            [
                _misranked(mean + variance.sqrt() * draws, y[judged])
                for (mean, variance), draws in zip(posteriors, normal, strict=True)
            ]
        )
        limit = misranked[-1].quantile(DROPPED)
        kept = misranked.median(dim=1).values <= limit
        kept[-1] = True
        misranked = torch.where(kept[:, None], misranked, torch.inf)
        best = misranked == misranked.min(dim=0).values
        return tuple((best / best.sum(dim=0)).mean(dim=1).tolist())


def _misranked(values: Tensor, y: Tensor) -> Tensor:
    """How many pairs of trials [n] each of the draws [s, n] puts in another order than `y` [n]."""
    wrong = (values[:, :, None] < values[:, None, :]) != (y[:, None] < y[None, :])
    return wrong.sum(dim=(1, 2)).to(y.dtype)
