"""The best point by a score, searched among the points themselves: no relaxation, nothing to round.

A pool of mutants of the best trials and of uniform draws is scored in one batch; then, in rounds, so are
mutants of the best of the pool, until none is better. Whether a point is admissible (new, within the rules,
not known to fail) is asked of the best only, in the order of their scores, because rules and templates cost
more than scores.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from apollo_dse.admission import Admission
from apollo_dse.encoding import Encoding

POOL, DRAWS = 800, 200
"""Mutants of the best trials, and uniform draws, that a search begins with."""

PATIENCE, PARENTS, CHILDREN = 2, 30, 300
"""Local search ends after so many rounds without a better point; so many of the best beget so many children."""

MUTATIONS = (1.5, 3.0)
"""Mean number of mutated coordinates in the rounds, and in the pool."""

CHECKED = 256
"""Of so many points a round asks whether they may be suggested, `PARENTS` first and then twice as many each
time, for asking of a block costs little more than asking of one; of more if none may."""

PERTURBED = 20
"""Mean number of mutated coordinates in a trust region, TuRBO's."""

Scores = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Score [n] of rows [n, p]: larger is better."""


Box = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Lowest and highest coordinates [p] of a part of the space, both included."""


def search(
    encoding: Encoding,
    scores: Scores,
    best: NDArray[np.float64],
    admission: Admission,
    rng: np.random.Generator,
    box: Box | None = None,
) -> NDArray[np.float64] | None:
    """The admissible row [p] of the best score that a search from the rows `best` [k, p] finds; None: none is.

    Args:
        encoding: of the rows.
        scores: what is sought.
        best: rows of the best trials; none are all right.
        admission: which rows may be suggested.
        rng: source of chance.
        box: where to search, around the first of the best; None is everywhere.
    """
    if box is not None:
        centres = np.repeat(best[:1], POOL + DRAWS, axis=0)
        rows = encoding.mutants(centres, rng, PERTURBED, box)
    else:
        rows = encoding.draws(rng, DRAWS if len(best) else POOL + DRAWS)
        if len(best):
            rows = np.concatenate([rows, encoding.mutants(_repeated(best, POOL), rng, MUTATIONS[1])])
    found, values = _admissible(rows, scores, admission)
    idle = 0
    while len(found) and idle < PATIENCE:
        children = encoding.mutants(_repeated(found, CHILDREN), rng, MUTATIONS[0], box)
        better, others = _admissible(children, scores, admission)
        found, values = np.concatenate([found, better]), np.concatenate([values, others])
        order = np.argsort(-values, kind="stable")[:PARENTS]
        idle = 0 if order[0] else idle + 1
        found, values = found[order], values[order]
    return found[0] if len(found) else None


def _repeated(rows: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """`n` rows, all equally often."""
    return rows[np.arange(n) % len(rows)]


def _admissible(
    rows: NDArray[np.float64], scores: Scores, admission: Admission
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The best admissible of the rows, `PARENTS` of them at most, with their scores, the best first."""
    rows = np.unique(rows, axis=0)
    values = scores(rows)
    order = np.argsort(-values, kind="stable")
    kept: list[int] = []
    start, end = 0, PARENTS
    while start < len(order) and len(kept) < PARENTS and not (kept and start >= CHECKED):
        block = order[start:end]
        kept += block[admission.admitted(rows[block])].tolist()
        start, end = end, 3 * end - 2 * start
    return rows[kept[:PARENTS]], values[kept[:PARENTS]]
