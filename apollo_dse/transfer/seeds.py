"""Which designs of other tasks to try first: the best of each, as this task ranks them, that fit its limits."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from apollo_dse.encoding import Encoding
from apollo_dse.problem import Problem
from apollo_dse.transfer.source import Source, nearest
from apollo_dse.variation import Variation
from search_spaces.space import Point, canonical

SCANNED = 64
"""Best trials of a prior among which seeds are looked for."""

DIFFERENCES = 2
"""Seeds differ in so many parameters at least, where there are as many."""

REPAIRS = 24
"""Steps at most that make a design keep the known limits."""


def seeds(problem: Problem, encoding: Encoding, sources: Sequence[Source], count: int) -> list[Point]:
    """Up to `count` different designs to try first, none of which is known to fail.

    Each source in turn gives its best design that is left, as `Source.view` ranks them: by this problem's
    objectives and limits. Values that this space lacks become the nearest ones it has, parameters that the
    source lacks take their middle value, and a design that is known to break a limit is shrunk until it keeps
    it. Designs that hardly differ from one that was chosen are passed over.

    Args:
        problem: what is searched now.
        encoding: of its points.
        sources: the priors, the most related first.
        count: of seeds.
    """
    chosen: list[NDArray[np.float64]] = []
    queues = [_candidates(problem, encoding, source) for source in sources]
    apart = min(DIFFERENCES, len(encoding.parameters))
    while queues and len(chosen) < count:
        left = []
        for queue in queues:
            row = next((row for row in queue if all((row != one).sum() >= apart for one in chosen)), None)
            if row is not None and len(chosen) < count:
                chosen.append(row)
                left.append(queue)
        queues = left
    return encoding.points(np.array(chosen).reshape(len(chosen), len(encoding.parameters)))


def before(
    seeds: Sequence[Point], known: set[str], n: int, ask: Callable[[int], Sequence[Point]]
) -> Sequence[Point]:
    """`n` points: the seeds that are not `known` yet, then what `ask` suggests."""
    waiting = [seed for seed in seeds if canonical(seed) not in known][:n]
    if not waiting:
        return ask(n)
    if len(waiting) == n:
        return waiting
    points = {canonical(point): point for point in (*waiting, *ask(n))}
    return list(islice(points.values(), n))


def _candidates(problem: Problem, encoding: Encoding, source: Source) -> Iterator[NDArray[np.float64]]:
    """Rows [p] of designs that a source's best trials stand for, one after the other."""
    variation = Variation(problem.space)
    ran = [row for row in source.order if source.trials[row].measurement.is_feasible]
    for row in source.rows[ran[:SCANNED]]:
        (point,) = encoding.points(nearest(encoding, row[None]))
        fitted = _repaired(problem, variation, point)
        if fitted is not None:
            yield encoding.rows([fitted])[0]


def _repaired(problem: Problem, variation: Variation, point: Point) -> Point | None:
    """The point, or one near by that keeps the rules and the known limits; None: none was found.

    Of the neighbours the one that is least known to fail follows, step by step.
    """
    for _ in range(REPAIRS):
        if point not in problem.space:
            return None
        (violation,) = problem.known_violations([point])
        if violation == 0:
            return point
        others = [other for other in variation.neighbours(point) if other in problem.space]
        violations = problem.known_violations(others)
        if not others or min(violations) >= violation:
            return None
        point = others[int(np.argmin(violations))]
    return None
