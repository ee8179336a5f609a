"""What an optimizer is: two verbs, and no memory but the trials that it was told."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.parameter import Real
from search_spaces.space import Point, canonical

MISSES_PER_POINT = 100
"""`fresh` turns to enumeration after so many draws for each missing point were no new points, or points
known to fail."""

IDLE_DRAWS = 10
"""So many draws for each point without one that was not seen yet end them: next to nothing is left."""


@runtime_checkable
class Optimizer(Protocol):
    """Suggests points of a problem's space and learns from trials; built as `Name(problem, seed, **knobs)`.

    What `ask` answers depends on the problem, the settings and the trials told so far, and on nothing else:
    not on earlier calls of `ask`, nor on who proposed the trials. A study is therefore resumed by building
    the optimizer again and telling it all trials; nothing is pickled. `Pending` ones hear of points that are
    being measured, too.

    Example:
        One round, as a study does it: the points are evaluated, then told.

            points = optimizer.ask(16)
            measurements = problem.evaluate(points)
            optimizer.tell([Trial(number, *pair) for number, pair in enumerate(zip(points, measurements))])
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """Seed and knobs as plain JSON values: `type(optimizer)(problem, **optimizer.settings)` is its twin."""

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points of the space that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn from more trials of this problem, feasible or not, whoever proposed them; none is changed."""


@runtime_checkable
class Pending(Protocol):
    """An optimizer that can be asked while points are being measured.

    What `ask` answers depends on those points, too, and on none that were pending before; nor does what is
    learned from trials. None of them is suggested again. `History` keeps this for all that are derived from it.
    """

    def pend(self, points: Sequence[Point]) -> None:
        """Take `points` for those that are being measured, until the next `pend` or `tell`."""


def pend(optimizer: Optimizer, points: Sequence[Point]) -> None:
    """Say which points are being measured, to an optimizer that can hear it."""
    if isinstance(optimizer, Pending):
        optimizer.pend(points)


class Optimizers(Protocol):
    """A class of optimizers, or anything that is called like one: what the registry holds."""

    def __call__(self, problem: Problem, seed: int, **knobs: Any) -> Optimizer:
        """An optimizer of `problem` that was told nothing yet."""


class History:
    """The trials told so far: the base of optimizers that keep to the law by construction.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.

    Attributes:
        trials: those told so far.
        pending: points that are being measured, by `canonical` text.
        known: texts of both, which `ask` must not suggest.

    Raises:
        ValueError: the seed is negative.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise ValueError(f"`seed >= 0` must hold, in whole numbers, but got seed={seed!r}")
        self.problem = problem
        self.seed = seed
        self.trials: list[Trial] = []
        self.pending: dict[str, Point] = {}
        self.known: set[str] = set()

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials."""
        self.pend(())  # so that what is learned does not depend on what was pending
        self.trials.extend(trials)
        self.known.update(canonical(trial.point) for trial in trials)

    def pend(self, points: Sequence[Point]) -> None:
        """Take `points` for those that are being measured, until the next `pend` or `tell`."""
        self.known -= self.pending.keys()
        texts = {canonical(point): point for point in points}
        self.pending = {text: point for text, point in texts.items() if text not in self.known}
        self.known |= self.pending.keys()

    @property
    def begun(self) -> int:
        """Number of trials that were told or are pending."""
        return len(self.trials) + len(self.pending)

    def rng(self) -> np.random.Generator:
        """The random stream of the next `ask`: given by the seed, and how many trials are told and pending."""
        return np.random.default_rng([self.seed, len(self.trials), *[len(self.pending)] * bool(self.pending)])


def fresh(
    problem: Problem,
    rng: np.random.Generator,
    n: int,
    known: set[str],
    propose: Callable[[], Point] | None = None,
) -> list[Point]:
    """`n` different points of the problem's space that are not `known`; fewer only when no more are left.

    Points that are known to fail before a trial is spent (`Problem.known_violations`) are drawn again. Only
    when too few others turn up do they fill the list, at its end, those nearest to the limits first.

    Args:
        problem: in whose space the points lie, and what is known of them.
        rng: source of chance.
        n: number of points, at least 1.
        known: `canonical` texts of the points that are not wanted; not changed.
        propose: makes one candidate, perhaps known or against the rules. When its candidates fail too often,
            and without it, candidates are uniform draws, and in the end whatever an enumeration finds.

    Raises:
        ValueError: `n < 1`, or the rules refuse nearly every draw (`SearchSpace.sample`).
    """
    if n < 1:
        raise ValueError(f"`n >= 1` must hold, but got n={n}")
    space = problem.space
    taken = set(known)
    points: list[Point] = []
    refused: list[tuple[float, Point]] = []

    def take(candidates: Iterable[Point]) -> None:
        new = {
            text: point for point in candidates if (text := canonical(point)) not in taken and point in space
        }
        taken.update(new)
        different = list(new.values())
        for point, violation in zip(different, problem.known_violations(different), strict=True):
            if violation:
                refused.append((violation, point))
            else:
                points.append(point)

    for wanted in _doubling(n, MISSES_PER_POINT * n if propose is not None else 0):
        if propose is None or len(points) >= n:
            break
        take(propose() for _ in range(wanted))
    idle = 0
    for wanted in _doubling(n, MISSES_PER_POINT * n):
        if len(points) >= n or idle >= IDLE_DRAWS * n:
            break
        seen = len(taken)
        take(space.sample(rng, wanted))
        idle = 0 if len(taken) > seen else idle + wanted
    if len(points) + len(refused) < n and not any(isinstance(each, Real) for each in space.parameters):
        rest = [point for point in space.enumerate() if canonical(point) not in taken]
        take(rest[row] for row in rng.permutation(len(rest)))
    refused.sort(key=lambda pair: pair[0])
    return [*points, *(point for _, point in refused)][:n]


def _doubling(first: int, total: int) -> Iterator[int]:
    """Numbers that double from `first`, `total` together: many points cost little more to ask for than one."""
    while total > 0:
        yield min(first, total)
        first, total = 2 * first, total - first
