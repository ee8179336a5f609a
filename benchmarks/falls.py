"""A run's regret kept in a few bytes: where it falls, as pairs of trial and regret."""

from collections.abc import Iterable, Sequence
from math import inf

import numpy as np

from apollo_dse.benchmark.statistics import Curve


def falls(regrets: Iterable[float | None]) -> list[list[float]]:
    """Where a curve of regrets falls, as pairs of trial and regret to four digits; none is infinite."""
    found: list[list[float]] = []
    for trial, value in enumerate(regrets, start=1):
        rounded = inf if value is None else float(f"{value:.4g}")
        if rounded < (found[-1][1] if found else inf):
            found.append([trial, rounded])
    return found


def curve(falls: Iterable[Sequence[float]], trials: int) -> Curve:
    """The regret [trials] after each trial of a run, from where it falls."""
    found = np.full(trials, inf)
    for trial, value in falls:
        found[int(trial) - 1 :] = value
    return found
