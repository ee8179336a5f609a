"""How promising a point is: log expected improvement, weighted by the probability of keeping every limit.

Of one objective it is BoTorch's log expected improvement (Ament et al., "Unexpected Improvements to Expected
Improvement for Bayesian Optimization", NeurIPS 2023, arXiv 2310.20708). Of several it is the logarithm of the
expected hypervolume improvement: BoTorch's partition of what the front does not dominate into boxes, and in
each box a product of one-dimensional improvements, as independent processes allow (Yang et al., "Efficient
Computation of Expected Hypervolume Improvement Using Box Decomposition Algorithms", 2019, doi
10.1007/s10898-019-00798-7). To it are added the logarithms of the probabilities that the point keeps each limit
and that its design runs (Gelbart et al., "Bayesian Optimization with Unknown Constraints", UAI 2014, arXiv
1403.5607); as long as nothing feasible is known they alone count.

BoTorch's own forms for several points or objectives draw from a joint posterior for every candidate. Evaluators
here are deterministic, and pending points are believed (`Process.believing`), so nothing is left to
draw: the closed form answers for a thousand candidates at once.
"""

from dataclasses import dataclass

import torch
from botorch.acquisition.analytic import _log_ei_helper
from botorch.utils.multi_objective.box_decompositions.non_dominated import FastNondominatedPartitioning
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from botorch.utils.multi_objective.pareto import is_non_dominated
from botorch.utils.safe_math import logdiffexp
from torch import Tensor

from apollo_dse.optimizers.bayesian.surrogate import Process


@dataclass(frozen=True, slots=True)
class Limit:
    """A process whose values up to `threshold` are feasible."""

    process: Process
    threshold: float

    def log_feasibility(self, x: Tensor) -> Tensor:
        """Log probability [n] that the value at each of the features [n, d] is feasible."""
        mean, variance = self.process.posterior(x)
        log_probability: Tensor = torch.special.log_ndtr((self.threshold - mean) / variance.sqrt())
        return log_probability


@dataclass(frozen=True, slots=True)
class Belief:
    """What is thought of all points, after the trials and with pending points taken as they are expected.

    `losses` [k, m] are the standardized losses of the feasible trials, of points believed feasible too.
    """

    objectives: tuple[Process, ...]
    limits: tuple[Limit, ...]
    losses: Tensor

    def scores(self, x: Tensor) -> Tensor:
        """Acquisition [n] at features [n, d]: larger is better."""
        score = torch.zeros(len(x), dtype=x.dtype)
        for limit in self.limits:
            score += limit.log_feasibility(x)
        if not len(self.losses):
            return score
        posteriors = [each.posterior(x) for each in self.objectives]
        means, variances = (torch.stack(columns, dim=1) for columns in zip(*posteriors, strict=True))
        return score + log_improvement(-means, variances.sqrt(), -self.losses)

    def believing(self, x: Tensor) -> "Belief":
        """This belief with a point of features [1, d] pending."""
        losses = self.losses
        likely = all(limit.process.posterior(x)[0] <= limit.threshold for limit in self.limits)
        if likely and self.objectives:
            losses = torch.cat([losses, torch.stack([each.posterior(x)[0] for each in self.objectives], dim=1)])
        return Belief(
            tuple(each.believing(x) for each in self.objectives),
            tuple(Limit(limit.process.believing(x), limit.threshold) for limit in self.limits),
            losses,
        )


def log_improvement(means: Tensor, deviations: Tensor, known: Tensor) -> Tensor:
    """Log of the hypervolume [n] that `n` independent normal outcomes are expected to add; maximizing.

    Of one objective it is the expected improvement; of more the reference point lies a tenth of the front's
    range beyond its worst values (Ishibuchi et al., 2011, as BoTorch infers it).

    Args:
        means: [n, m] of the `m` objectives.
        deviations: [n, m].
        known: [k, m] values that are there already.
    """
    lowest, highest = _boxes(known)
    shares = _log_excess(means[:, None], deviations[:, None], lowest)
    beyond = _log_excess(means[:, None], deviations[:, None], highest)
    return torch.logsumexp(logdiffexp(log_a=beyond, log_b=shares).sum(-1), dim=-1)


def _boxes(known: Tensor) -> tuple[Tensor, Tensor]:
    """Lowest and highest corners [b, m] of boxes that make up what no `known` value [k, m] dominates."""
    if known.shape[1] == 1:
        best = known.max(dim=0, keepdim=True).values
        return best, torch.full_like(best, torch.inf)
    front = known[is_non_dominated(known)]
    reference = infer_reference_point(front)
    lowest, highest = FastNondominatedPartitioning(ref_point=reference, Y=front).get_hypercell_bounds()
    return lowest, highest


def _log_excess(mean: Tensor, deviation: Tensor, level: Tensor) -> Tensor:
    """Log of the expected excess of a normal variable over a level; minus infinity over an infinite one."""
    place = (mean - level.clamp_max(1e10)) / deviation
    excess: Tensor = _log_ei_helper(place) + deviation.log()
    return torch.where(torch.isinf(level), -torch.inf, excess)
