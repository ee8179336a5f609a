"""P3BO and Adaptive-P3BO: population-based black-box optimization.

Angermueller et al., "Population-Based Black-Box Optimization for Biological Sequence Design", ICML 2020, arXiv
2006.03227; Apollo's best optimizer (arXiv 2102.01723). Members share the trials by what theirs earned before;
the adaptive variant also evolves the members' knobs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollo_dse import optimizers
from apollo_dse.ensemble import Ensemble, Member, best_of, members_of, rewards
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from apollo_dse.variation import Variation
from search_spaces.space import Point, SearchSpace

MEMBERS = (
    "local-search",
    "evolution",
    ("mbo", {"families": ["trees"]}),
    ("mbo", {"families": ["ridge", "process"]}),
)
"""Members by default, of the paper's kinds: a walker by single mutations, evolution, and models that differ."""


class P3BO(Ensemble):
    """Shares rounds of trials among members by a softmax of their credits; every member learns from all.

    After a round each member's credit is decayed and its reward added (`ensemble.rewards`). Which trial a
    member is credited with follows from the trial's number and the shares of its round, not from a record;
    where a batch reaches into the next round, whose shares are not known yet, the few trials of those members
    whose shares then change may be credited to another. Strangers' trials are credited in the same way, which
    is noise that decays.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        members: names of registered optimizers, or pairs of name and knobs; at least one.
        round_size: trials of a round, at least 1; best a multiple of the batch.
        decay: share of its credit that a member keeps over a round, from 0 to below 1.
        temperature: of the softmax, above 0; the larger, the more equal the shares.

    Raises:
        ValueError: the seed or a knob is out of its range, or a member is not registered.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        members: Sequence[str | Sequence[Any]] = MEMBERS,
        round_size: int = 16,
        decay: float = 0.5,
        temperature: float = 0.5,
    ) -> None:
        super().__init__(problem, seed)
        if round_size < 1:
            raise ValueError(f"`round_size >= 1` must hold, but got round_size={round_size}")
        if not (0 <= decay < 1 and temperature > 0):
            got = f"decay={decay}, temperature={temperature}"
            raise ValueError(f"`0 <= decay < 1` and `temperature > 0` must hold, but got {got}")
        self.given = members_of(members)
        self.round_size = round_size
        self.decay = decay
        self.temperature = temperature
        self.members = list(self.given)
        self.credits = np.zeros(len(self.members))
        self.elite: list[Trial] = []
        self.rounds = 0
        self.optimizers = [self._made(row) for row in range(len(self.members))]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = {name: getattr(self, name) for name in ("seed", "round_size", "decay", "temperature")}
        return {**knobs, "members": [member.plain for member in self.given]}

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each member's share [m] of the present round's trials."""
        weights = np.exp((self.credits - self.credits.max()) / self.temperature)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials, tell them to all members, and give credit for the rounds that are complete."""
        super().tell(trials)
        while (self.rounds + 1) * self.round_size <= len(self.trials):
            self._give_credit()

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        shares = self.shares
        return self.proposed([self.drawn(shares, number) for number in self._numbers(n)])

    def _numbers(self, n: int) -> range:
        """Numbers of the next `n` trials."""
        return range(self.begun, self.begun + n)

    def _give_credit(self) -> None:
        """Close the round that is complete: reward its trials' owners, renew the elite."""
        start, shares = self.rounds * self.round_size, self.shares
        batch = self.trials[start : start + self.round_size]
        owners = [self.drawn(shares, number) for number in range(start, start + len(batch))]
        earned = rewards(self.problem, self.elite, batch, owners, len(self.members))
        self.credits = earned + self.decay * self.credits
        self.elite = best_of(self.problem, [*self.elite, *batch])
        self.rounds += 1

    def _made(self, row: int) -> Any:
        member = self.members[row]
        return member.made(optimizers.get(member.name), self.problem, self.seed, self.rounds * 1000 + row)


class AdaptiveP3BO(P3BO):
    """P3BO whose members are replaced by better ones: their knobs are crossed and mutated.

    Every `generation` rounds the half of the members with less credit gives way to children of the others.
    A child's parents win binary tournaments by credit; two of one kind are crossed, then the child's knobs
    are mutated within `TUNABLE`, if its class has any; it inherits the parents' mean credit and is told
    all trials.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        members: as for `P3BO`; repeated ones begin alike and part by and by.
        generation: rounds between two replacements, at least 1.
        round_size: as for `P3BO`.
        decay: as for `P3BO`.
        temperature: as for `P3BO`.

    Raises:
        ValueError: the seed or a knob is out of its range, or a member is not registered.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        members: Sequence[str | Sequence[Any]] = (*MEMBERS, *MEMBERS),
        generation: int = 2,
        round_size: int = 16,
        decay: float = 0.5,
        temperature: float = 0.5,
    ) -> None:
        if generation < 1:
            raise ValueError(f"`generation >= 1` must hold, but got generation={generation}")
        self.generation = generation
        shared = {"round_size": round_size, "decay": decay, "temperature": temperature}
        super().__init__(problem, seed, members=members, **shared)  # type: ignore[arg-type]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {**super().settings, "generation": self.generation}

    def _give_credit(self) -> None:
        super()._give_credit()
        if self.rounds % self.generation == 0:
            self._replace(np.random.default_rng([self.seed, self.rounds]))

    def _replace(self, rng: np.random.Generator) -> None:
        """Put children of the better half in the places of the other."""
        order = np.argsort(-self.credits, kind="stable")
        kept, lost = np.split(order, [(len(order) + 1) // 2])
        for row in lost:
            first, second = (int(kept[rng.integers(len(kept), size=2).min()]) for _ in range(2))
            self.members[row] = self._child(first, second, rng)
            self.credits[row] = (self.credits[first] + self.credits[second]) / 2
            self.optimizers[row] = self._made(int(row))
            self.optimizers[row].tell(self.trials)

    def _child(self, first: int, second: int, rng: np.random.Generator) -> Member:
        """The first parent's kind, with knobs of both when they are of one kind, mutated."""
        parent, other = self.members[first], self.members[second]
        tunable: SearchSpace | None = getattr(optimizers.get(parent.name), "TUNABLE", None)
        if tunable is None:
            return parent
        variation = Variation(tunable)
        knobs = self.optimizers[first].settings
        if other.name == parent.name:
            knobs = variation.crossed(knobs, self.optimizers[second].settings, rng)
        tuned = {name: knobs[name] for name in tunable.names}
        return Member(parent.name, {**parent.knobs, **variation.mutated(tuned, rng)})
