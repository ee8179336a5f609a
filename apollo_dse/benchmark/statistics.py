"""How runs are compared: regret curves, trials to a target, ranks, and wins with their significance.

A *curve* [n] is the regret after each of n trials; it never rises, and is infinite while nothing feasible was
found. Regret is relative: the share by which the best loss so far lies above the exact optimum, or, with
several objectives, the share of the exact hypervolume that is still missing. Quantiles are those of order
statistics (the smallest run that at least that share of runs reaches), since between a number and infinity
there is nothing to interpolate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
TARGETS = (0.05, 0.01)
"""Regrets to which trials are counted."""

SIGNIFICANT = 0.05
"""Family-wise error rate of the win matrix."""


class BetterThanOptimalError(ValueError):
    """Trials that are better than what is said to be the exact answer."""


def regret_curve(losses: Sequence[float], optimum: float) -> Curve:
    """Relative regret of the best so far after each trial [n].

    Args:
        losses: of each trial in order, infinite for one that is not feasible.
        optimum: the exact optimum, not 0.

    Raises:
        ValueError: the optimum is 0.
        BetterThanOptimalError: a loss is below it by more than rounding.
    """
    if optimum == 0.0:
        raise ValueError("regret is relative to the optimum, which must not be 0")
    best = np.minimum.accumulate(np.asarray(losses, dtype=np.float64))
    regret: Curve = (best - optimum) / abs(optimum)
    if len(regret) and regret[-1] < -ROUNDING:
        raise BetterThanOptimalError(
            f"no loss can be below the optimum {optimum!r}, but one is {float(best[-1])!r}"
        )
    return np.where(regret < ROUNDING, 0.0, regret)


ROUNDING = 1e-7
"""Regrets below this are zero: optima count to eight significant digits."""


def trials_to(curve: Curve, target: float) -> float:
    """Number of trials after which the regret is at most `target`; infinite when it never is."""
    reached = np.flatnonzero(curve <= target)
    return float(reached[0] + 1) if len(reached) else inf


def quantile(values: Sequence[float] | Curve, share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    return float(quantiles(np.asarray(values, dtype=np.float64)[:, None], (share,))[0, 0])


def quantiles(curves: Curve, shares: Sequence[float] = QUANTILES) -> Curve:
    """Order-statistic quantiles [q, n] over curves [runs, n], at each of n trials.

    Raises:
        ValueError: there is no run.
    """
    if not len(curves):
        raise ValueError("quantiles need at least one run, but there is none")
    ordered = np.sort(curves, axis=0)
    # A share such as 0.1 of 20 runs must be 2 whole runs, whatever the product rounds to.
    places = np.ceil(np.round(np.array(shares) * len(curves), 9)).astype(int) - 1
    found: Curve = ordered[np.maximum(places, 0)]
    return found


def standing(curve: Curve) -> tuple[float, float]:
    """By what runs are ranked, smaller is better: final regret, then the trials that it took to get there."""
    return float(curve[-1]), trials_to(curve, float(curve[-1]))


def mean_ranks(standings: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, float]:
    """Mean rank of each optimizer over paired runs, 1 is best; ties share the mean of their ranks.

    Args:
        standings: of each optimizer's runs [blocks], where those at one place are paired.
    """
    names = list(standings)
    blocks = list(zip(*standings.values(), strict=True))
    totals = np.zeros(len(names))
    for block in blocks:
        totals += [
            sum(other < own for other in block) + (sum(other == own for other in block) + 1) / 2
            for own in block
        ]
    return dict(zip(names, (totals / len(blocks)).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Duel:
    """One optimizer against another over paired runs.

    `p_value` is that of the two-sided sign test, ties left out, adjusted by Holm for all pairs of optimizers
    compared.
    """

    wins: int
    losses: int
    ties: int
    p_value: float

    @property
    def significant(self) -> bool:
        """Whether chance is ruled out at the family-wise error rate `SIGNIFICANT`."""
        return self.p_value <= SIGNIFICANT


def win_matrix(standings: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, dict[str, Duel]]:
    """Each optimizer against each other: the row's wins over the column.

    The tasks are given and runs on them are independent, so under the hypothesis that two optimizers are alike
    each pair of runs is a fair coin, whatever the tasks have in common. A sign test needs no more, and takes
    infinite regrets as they are (Demsar, JMLR 7, 2006, section 3.1.4; Holm, Scand. J. Statist. 6, 1979).

    Args:
        standings: as in `mean_ranks`.
    """
    pairs = [(one, other) for i, one in enumerate(standings) for other in list(standings)[i + 1 :]]
    counts = {pair: _count(standings[pair[0]], standings[pair[1]]) for pair in pairs}
    p_values = dict(zip(pairs, holm([sign_test(w, x) for w, x, _ in counts.values()]), strict=True))
    matrix: dict[str, dict[str, Duel]] = {name: {} for name in standings}
    for one, other in pairs:
        wins, losses, ties = counts[one, other]
        matrix[one][other] = Duel(wins, losses, ties, p_values[one, other])
        matrix[other][one] = Duel(losses, wins, ties, p_values[one, other])
    return matrix


def sign_test(wins: int, losses: int) -> float:
    """Two-sided probability of so unequal a count, or a more unequal one, of fair coins; 1 without coins."""
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number so that the family-wise error rate holds (Holm 1979)."""
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def _count(ours: Sequence[tuple[float, float]], theirs: Sequence[tuple[float, float]]) -> tuple[int, int, int]:
    pairs = list(zip(ours, theirs, strict=True))
    wins, losses = sum(a < b for a, b in pairs), sum(a > b for a, b in pairs)
    return wins, losses, len(pairs) - wins - losses
