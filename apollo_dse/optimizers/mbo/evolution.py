"""The points of which most is promised: an evolution whose generations cost predictions, not trials.

Every suggestion has a promise of its own, and all are bred together: a child lives by the suggestion that it
suits best, so that predictions are made once, however many suggestions there are.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from apollo_dse.admission import Admission
from apollo_dse.encoding import Encoding

SURVIVORS, CHILDREN, GENERATIONS = 32, 256, 5
"""Of the evolution; for many suggestions two survivors each."""

CROSSOVER, MUTATIONS = 0.5, 1.5
"""Probability that a child has two parents, and mean number of coordinates that are mutated."""

Promise = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""What is promised of rows [m, p] to each of `n` suggestions [m, n]: larger is better."""


def evolved(
    encoding: Encoding,
    promise: Promise,
    parents: NDArray[np.float64],
    admission: Admission,
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Different admissible rows [n, p], for each suggestion the one that promises it most; perhaps fewer.

    Args:
        encoding: of the rows.
        promise: what is sought, of `n` suggestions.
        parents: rows [k, p] of the best trials, at least one.
        admission: which rows may be suggested.
        n: number of suggestions.
        rng: source of chance.
    """
    living, values = np.zeros((0, parents.shape[1])), np.zeros((0, n))
    children = np.concatenate([encoding.draws(rng, CHILDREN), _children(encoding, parents, rng)])
    for _ in range(GENERATIONS):
        rows, firsts = np.unique(np.concatenate([living, children]), axis=0, return_index=True)
        values = np.concatenate([values, promise(children)])[firsts]
        kept = _survivors(rows, values, admission, max(SURVIVORS, 2 * n))
        living, values = rows[kept], values[kept]
        if not len(living):
            break
        children = _children(encoding, living, rng)
    return living[_chosen(values)]


def _children(
    encoding: Encoding, parents: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Mutants [c, p] of parents [k, p] or of uniform crosses of two of them."""
    one, other = parents[rng.integers(len(parents), size=(2, CHILDREN))]
    crossed = (rng.random((CHILDREN, 1)) < CROSSOVER) & (rng.random(one.shape) < 0.5)
    return encoding.mutants(np.where(crossed, other, one), rng, MUTATIONS)


def _survivors(
    rows: NDArray[np.float64], values: NDArray[np.float64], admission: Admission, most: int
) -> list[int]:
    """Numbers of up to about `most` admissible rows [m, p]: those that stand best with any of the suggestions.

    Rules and templates cost more than predictions: they are asked of the best only, in blocks.
    """
    standing = (-values).argsort(axis=0, kind="stable").argsort(axis=0).min(axis=1)
    order = np.argsort(standing, kind="stable")
    kept: list[int] = []
    for block in np.split(order, range(SURVIVORS, len(order), SURVIVORS)):
        kept += block[admission.admitted(rows[block])].tolist()
        if len(kept) >= most:
            break
    return kept[:most]


def _chosen(values: NDArray[np.float64]) -> list[int]:
    """Of values [m, n], for one suggestion after the other, the number of the best that none before it took."""
    left = values.copy()
    chosen: list[int] = []
    for column in left.T[: len(left)]:
        chosen.append(int(np.argmax(column)))
        left[chosen[-1]] = -np.inf
    return chosen
