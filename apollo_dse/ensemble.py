"""Optimizers that share their trials among others: who proposes which trial, and what it earned.

Trial number t of a search belongs to one member, by a rule that knows nothing but the seed and the trials told.
Nobody has to remember who proposed what, and a search that is told its trials again knows it all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollo_dse.optimizer import History, Optimizer, Optimizers, pend
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.space import Point, canonical

GOLDEN = (sqrt(5) - 1) / 2
"""Multiples of it, modulo 1, are spread evenly: shares of trials come out right after few of them."""

ELITE = 64
"""Rewards compare with so many best trials."""


@dataclass(frozen=True, slots=True)
class Member:
    """A registered optimizer's name and knobs."""

    name: str
    knobs: Mapping[str, Any]

    @classmethod
    def of(cls, given: "str | Sequence[Any] | Member") -> "Member":
        """The member that a name, or a pair of name and knobs, stands for.

        Raises:
            ValueError: it is neither.
        """
        if isinstance(given, Member):
            return given
        pair: Any = (given, {}) if isinstance(given, str) else given
        is_pair = isinstance(pair, list | tuple) and len(pair) == 2
        if not is_pair or not isinstance(pair[0], str) or not isinstance(pair[1], Mapping):
            raise ValueError(f"a member must be a name, or a pair of name and knobs, but got {given!r}")
        return cls(pair[0], dict(pair[1]))

    @property
    def plain(self) -> list[Any]:
        """Name and knobs as JSON values, which `of` reads back."""
        return [self.name, dict(self.knobs)]

    def made(self, kind: Optimizers, problem: Problem, seed: int, place: int) -> Optimizer:
        """The optimizer, with a random stream for its `place` among the members."""
        stream = int(np.random.SeedSequence([seed, place]).generate_state(1)[0])
        return kind(problem, stream, **self.knobs)


def members_of(given: Sequence[str | Sequence[Any] | Member]) -> tuple[Member, ...]:
    """The members of an ensemble, from names or pairs of name and knobs.

    Raises:
        ValueError: there is none, or `Member.of` refuses one.
    """
    if not given:
        raise ValueError("there must be at least one member, but got none")
    return tuple(map(Member.of, given))


class Ensemble(History):
    """Base of optimizers that have others propose their points; all members are told all trials.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.

    Raises:
        ValueError: the seed is negative.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        super().__init__(problem, seed)
        self.optimizers: list[Optimizer] = []

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials, and tell them to all members."""
        super().tell(trials)
        for optimizer in self.optimizers:
            optimizer.tell(trials)

    def pend(self, points: Sequence[Point]) -> None:
        """Take `points` for those that are being measured; so do all members."""
        super().pend(points)
        for optimizer in self.optimizers:
            pend(optimizer, points)

    def proposed(self, owners: Sequence[int]) -> list[Point]:
        """A different point from each of the owners, rows of `optimizers`, in order; fewer when none is left.

        Raises:
            ValueError: there is no owner.
        """
        if not owners:
            raise ValueError("`n >= 1` must hold, but got n=0")
        taken = set(self.pending)
        queues: dict[int, list[Point]] = {}
        for row in dict.fromkeys(owners):
            wanted = owners.count(row)
            new = _untaken(self.optimizers[row].ask(wanted), taken)
            if len(new) < wanted and taken:
                new = _untaken(self.optimizers[row].ask(wanted + len(taken)), taken)[:wanted]
            taken.update(map(canonical, new))
            queues[row] = new[::-1]
        return [queues[row].pop() for row in owners if queues[row]]

    def drawn(self, shares: NDArray[np.float64], number: int) -> int:
        """Owner of trial `number` where members have the given shares [m], which sum to 1.

        Over consecutive trials the owners come up in proportion to the shares, in an order that only the seed
        decides. When shares change a little, few trials change their owner.
        """
        start = np.random.default_rng(self.seed).random()
        place = start + number * GOLDEN
        return int(np.searchsorted(np.cumsum(shares[:-1]), place - floor(place), side="right"))


def _untaken(points: Sequence[Point], taken: set[str]) -> list[Point]:
    return [point for point in points if canonical(point) not in taken]


def rewards(
    problem: Problem, elite: Sequence[Trial], batch: Sequence[Trial], owners: Sequence[int], members: int
) -> NDArray[np.float64]:
    """What each of the `members` earned by a round of trials [m], from -1 to 1; 0 without a trial of its own.

    1 for a trial better than all before, else minus the share of the elite that is better than its best one.
    Ranks take the place of relative improvements, which P3BO (Angermueller et al., 2020) uses, since losses
    have any sign and scale here, trials may be infeasible, and there may be several objectives.

    Args:
        problem: says what is better.
        elite: the best trials before the round; without any, nobody earns anything.
        batch: the round's trials.
        owners: of each trial of the batch.
        members: their number.
    """
    earned = np.zeros(members)
    if not elite:
        return earned
    ranks = rank(problem, [*elite, *batch])
    before, now = ranks[: len(elite)], ranks[len(elite) :]
    for row in set(owners):
        best = min(each for each, owner in zip(now, owners, strict=True) if owner == row)
        earned[row] = 1.0 if best < before.min() else -(before < best).mean()
    return earned


def best_of(problem: Problem, trials: Sequence[Trial], count: int = ELITE) -> list[Trial]:
    """The `count` best trials, the best first, of equals the first."""
    if not trials:
        return []
    order = np.argsort(rank(problem, trials), kind="stable")[:count]
    return [trials[row] for row in order]
