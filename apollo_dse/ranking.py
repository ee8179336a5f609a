"""Which trials are better: one order for one objective or several, feasible or not.

A feasible trial beats every infeasible one, a smaller violation of the limits beats a larger one, and whatever
has metrics beats what could not be built or run (the rules of Deb, 2000, doi 10.1016/S0045-7825(99)00389-8).
Among feasible trials of several objectives a better non-dominated front wins, then the larger crowding
distance (NSGA-II, Deb et al., 2002, doi 10.1109/4235.996017).
"""

from collections.abc import Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from apollo_dse.problem import Problem
from apollo_dse.trial import Trial


def rank(problem: Problem, trials: Sequence[Trial]) -> NDArray[np.int64]:
    """Rank of each of the `n` trials [n], 0 for the best; trials that cannot be told apart share one.

    Feasible ones come first, by their losses (several: front, then crowding distance); then measured ones by
    violation; then those without metrics.
    """
    violations = np.array([problem.violation(trial) for trial in trials], dtype=np.float64)
    feasible = violations == 0
    first, second = violations.copy(), np.zeros(len(trials))
    losses = np.array([problem.losses(trial) for trial, keep in zip(trials, feasible, strict=True) if keep])
    if len(problem.objectives) == 1 and len(losses):
        first[feasible] = losses[:, 0]
    elif len(losses):
        first[feasible] = fronts(losses)
        second[feasible] = -crowding(losses, first[feasible])
    keys = np.stack([~feasible, first, second], axis=1)
    ranks: NDArray[np.int64] = np.unique(keys, axis=0, return_inverse=True)[1]
    return ranks.reshape(len(trials))


def fronts(losses: NDArray[np.float64]) -> NDArray[np.int64]:
    """Front of each row of `losses` [n, m]: 0 for rows that none dominates, 1 once those are gone, ..."""
    worse = (losses[:, None] >= losses[None]).all(-1) & (losses[:, None] > losses[None]).any(-1)
    number = np.full(len(losses), -1)
    while (left := number < 0).any():
        number[left & ~(worse & left[None]).any(1)] = number.max() + 1
    return number


def crowding(losses: NDArray[np.float64], front: NDArray[np.float64]) -> NDArray[np.float64]:
    """Crowding distance [n] of each row of `losses` [n, m] within its own front; infinite at the ends.

    The distance between a row's two neighbours, summed over the losses, each in units of its front's range
    (Deb et al., 2002, section III.B).
    """
    distance = np.zeros(len(losses))
    for number in np.unique(front):
        rows = np.flatnonzero(front == number)
        for column in losses[rows].T:
            order = rows[np.argsort(column, kind="stable")]
            ranked = np.sort(column)
            distance[order[[0, -1]]] = inf
            distance[order[1:-1]] += (ranked[2:] - ranked[:-2]) / ((ranked[-1] - ranked[0]) or 1.0)
    return distance
