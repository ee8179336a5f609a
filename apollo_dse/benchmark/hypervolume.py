"""How much of a Pareto front was found: hypervolume of the logarithms of the losses.

Losses of a front span decades, and in their logarithms a factor counts the same wherever it lies. The volume is
bounded by the worst of each loss along the exact front, and a little more, so that the ends of the front count.
"""

from collections.abc import Sequence
from math import log

import numpy as np

from apollo_dse.benchmark.statistics import ROUNDING, BetterThanOptimalError, Curve

MARGIN = 1.1
"""The bounds are the worst losses of the exact front times this."""


def missing_volume(losses: Sequence[Sequence[float]], front: Sequence[Sequence[float]]) -> Curve:
    """Share of the exact front's hypervolume that is missing after each of n trials [n].

    Args:
        losses: positive, of each trial in order [n][m]; infinite for one that is not feasible.
        front: losses of the exact front [k][m].

    Raises:
        BetterThanOptimalError: the trials have a larger hypervolume than the front.
    """
    import torch
    from botorch.utils.multi_objective.hypervolume import Hypervolume
    from botorch.utils.multi_objective.pareto import is_non_dominated

    exact = -torch.log(torch.tensor(front, dtype=torch.float64))
    measure = Hypervolume(exact.amin(dim=0) - log(MARGIN))
    whole = measure.compute(exact)
    found = torch.empty(0, exact.shape[1], dtype=torch.float64)
    volume, curve = 0.0, np.ones(len(losses))
    for row, loss in enumerate(losses):
        gain = -torch.log(torch.tensor([loss], dtype=torch.float64))
        if gain.isfinite().all() and not (found >= gain).all(dim=1).any():
            found = torch.cat((found, gain))
            found = found[is_non_dominated(found)]
            volume = measure.compute(found)
        curve[row] = 1.0 - volume / whole
    if len(curve) and curve[-1] < -ROUNDING:
        rule = "no trials can have more hypervolume than the front"
        raise BetterThanOptimalError(f"{rule}, but they have {-curve[-1]:.3g} of it more")
    return np.where(curve < ROUNDING, 0.0, curve)
