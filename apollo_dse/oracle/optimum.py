"""Solve a problem exactly: by branch and bound where its family of designs has bounds, else point by point."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from math import inf
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from apollo_dse.interrupts import interrupts
from apollo_dse.oracle.bounds import Bounds
from apollo_dse.oracle.lattice import Lattice
from apollo_dse.oracle.ranking import Best, Found, Front, Ranking
from apollo_dse.oracle.search import BATCH, RULES, End, Ledger, Search
from apollo_dse.problem import Problem

MOST_ENUMERATED = 1_000_000
"""The largest space that is solved point by point."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: points measured, relaxations priced, points open, best so far, and the gap."""

    evaluated: int
    bounded: int
    open: int
    best: Found | None
    gap: float


@dataclass(frozen=True, slots=True)
class Optimum:
    """The answer and its certificate.

    Attributes:
        designs: the best designs in rising order: the `top` best by one objective, the Pareto front of several.
        points: points of the space; `evaluated`, the values of `pruned` and `open` add up to it.
        evaluated: points measured.
        bounded: relaxations priced, each on one network for one goal.
        pruned: points excluded unmeasured, by reason: "area" (limit), "cannot be built", "cannot run", other
            limits by their text, "rules" of the space, "objective" (what is found is better).
        open: points neither measured nor excluded; 0 when solved.
        gap: the share by which the answer may yet be improved (`ranking.Ranking.gap`); 0 when solved, infinite
            while there is no answer.
        end: why the search ended.
        seconds: wall time.
    """

    designs: tuple[Found, ...]
    points: int
    evaluated: int
    bounded: int
    pruned: Mapping[str, int]
    open: int
    gap: float
    end: End
    seconds: float

    @property
    def best(self) -> Found | None:
        """The best design; None where none is feasible, or none was found in time."""
        return self.designs[0] if self.designs else None


class _Way(Protocol):
    """How a problem is solved."""

    @property
    def bounded(self) -> int: ...
    def open(self) -> tuple[int, NDArray[np.float64]]: ...
    def run(self, seconds: float, progress: Callable[[], None]) -> End: ...


def solve(
    problem: Problem,
    *,
    top: int = 1,
    seconds: float = inf,
    progress: Callable[[Callable[[], Progress]], None] | None = None,
) -> Optimum:
    """Solve a problem exactly; `ranking` says which of equal designs is the answer.

    Args:
        problem: what is asked; its space must be discrete.
        top: how many of the best designs to find, at least 1; with several objectives the whole Pareto front is
            found, whatever `top` is.
        seconds: ends the search early, with an honest gap.
        progress: called after every round, with what tells how far the search is.

    Raises:
        ValueError: `top < 1`, a parameter is a `Real`, or the problem has no bounds and the space is too large
            to be solved point by point, or the ranges of the space are not those of its designs.
    """
    if top < 1:
        raise ValueError(f"`top >= 1` must hold, but got top={top}")
    start = perf_counter()
    lattice = Lattice(problem.space)
    ranking: Ranking = Best(top) if len(problem.objectives) == 1 else Front()
    ledger = Ledger(problem, lattice, ranking)
    way = _way(problem, lattice, ledger)

    def now() -> Progress:
        left, losses = way.open()
        best = ranking.found[0] if ranking.found else None
        return Progress(ledger.evaluated, way.bounded, left, best, ranking.gap(losses))

    end = way.run(seconds, lambda: progress(now) if progress is not None else None)
    last = now()
    return Optimum(
        designs=tuple(ranking.found),
        points=lattice.size,
        evaluated=last.evaluated,
        bounded=last.bounded,
        pruned={reason: count for reason, count in ledger.pruned.items() if count},
        open=last.open,
        gap=last.gap,
        end=end,
        seconds=perf_counter() - start,
    )


def _way(problem: Problem, lattice: Lattice, ledger: Ledger) -> _Way:
    bounds = Bounds.of(problem, lattice)
    if isinstance(bounds, Bounds):
        return Search(ledger, bounds)
    if lattice.size > MOST_ENUMERATED:
        rule = f"a problem without bounds can be solved for at most {MOST_ENUMERATED:,} points"
        raise ValueError(f"{rule}, but {bounds}, and the space has {lattice.size:,}")
    return _Enumeration(ledger)


class _Enumeration:
    """Every point measured, in the space's order."""

    bounded = 0

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._left = ledger.lattice.size

    def open(self) -> tuple[int, NDArray[np.float64]]:
        """Points left, about which nothing is known."""
        rows = min(self._left, 1)
        return self._left, np.full((rows, len(self.ledger.problem.objectives)), -inf)

    def run(self, seconds: float, progress: Callable[[], None]) -> End:
        """Go on until no point is left, the time is up, or Ctrl-C is pressed."""
        start, numbers = perf_counter(), iter(range(self._left))
        lengths = [len(axis) for axis in self.ledger.lattice.axes]
        with interrupts() as pressed:
            while chunk := list(islice(numbers, BATCH)):
                if pressed():
                    return "interrupted"
                if perf_counter() - start >= seconds:
                    return "time is up"
                places = np.stack(np.unravel_index(chunk, lengths), axis=1)
                out = self.ledger.ruled_out(places)
                self.ledger.pruned[RULES] += int(out.sum())
                self.ledger.measure(places[~out])
                self._left -= len(chunk)
                progress()
        return "solved"
