"""A trust region around the incumbent, for spaces of many parameters (TuRBO, SCBO).

Eriksson et al., "Scalable Global Optimization via Local Bayesian Optimization", NeurIPS 2019, arXiv 1910.01739;
with limits Eriksson and Poloczek, AISTATS 2021, arXiv 2002.08526. An optimizer's state is its trials, so the
length of the region is read off them: it is replayed from the first trial on, with successes and failures
counted since the last change of length, and not in a row, because of a batch only one trial can be the best.
A region that has shrunk to nothing starts again at full length around the incumbent, which is never forgotten.
"""

from collections.abc import Iterable

LONGEST, FIRST, SHORTEST = 1.6, 0.8, 0.5**7
"""Lengths of the region as shares of a parameter's range, TuRBO's."""

SUCCESSES = 3
"""So many improvements double the length."""


def length(improved: Iterable[bool], failures: int) -> float:
    """Length of the region after trials of which each improved upon all before it, or did not.

    Args:
        improved: of each trial in order, whether it did.
        failures: so many trials without improvement halve the length.
    """
    size, won, lost = FIRST, 0, 0
    for better in improved:
        won, lost = (won + 1, 0) if better else (won, lost + 1)
        if won == SUCCESSES:
            size, won = min(2.0 * size, LONGEST), 0
        elif lost == failures:
            size, won, lost = size / 2.0, 0, 0
        if size < SHORTEST:
            size = FIRST
    return size
