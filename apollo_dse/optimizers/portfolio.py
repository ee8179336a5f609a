"""A portfolio of optimizers with a leader, who gives way to the next one when the search stalls.

No optimizer is best on every problem nor at every stage of a search (Wolpert and Macready, 1997, doi
10.1109/4235.585893; ArchGym, arXiv 2306.08888), and what one of them proposes all others learn from. A model
that begins after few trials finds the way, gray-box search takes the steps that a designer would take, and
neighbours of the best are what a model may overlook. Unlike P3BO no credit is given: whoever leads is judged by
whether the search improves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollo_dse import optimizers
from apollo_dse.ensemble import Ensemble, best_of, members_of
from apollo_dse.optimizer import Optimizers
from apollo_dse.problem import Problem
from apollo_dse.ranking import rank
from apollo_dse.trial import Trial
from search_spaces.space import Point

MEMBERS = (("bayesian", {"initial": 8}), "bottleneck", ("local-search", {"starts": 8}))
"""Members by default, the most trusted first."""


class Portfolio(Ensemble):
    """The leader proposes most trials, the others share the rest; after a stall the next member leads.

    A stall is `patience` trials, whoever proposed them, none of which is better than all before, or, of several
    objectives, on the Pareto front of the best.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        members: names of registered optimizers, or pairs of name and knobs, the most trusted first; at least
            one.
        lead: share of the trials that the leader proposes, above 0, at most 1.
        patience: trials of a stall, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range, or a member is not registered.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        members: Sequence[str | Sequence[Any]] = MEMBERS,
        lead: float = 0.75,
        patience: int = 48,
    ) -> None:
        super().__init__(problem, seed)
        if not (0 < lead <= 1 and patience >= 1):
            got = f"lead={lead}, patience={patience}"
            raise ValueError(f"`0 < lead <= 1` and `patience >= 1` must hold, but got {got}")
        self.members = members_of(members)
        self.lead = lead
        self.patience = patience
        self.leader = 0
        self._idle = 0
        self._elite: list[Trial] = []
        self.optimizers = [
            member.made(self.kind(member.name), problem, seed, place)
            for place, member in enumerate(self.members)
        ]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = {"seed": self.seed, "lead": self.lead, "patience": self.patience}
        return {**knobs, "members": [member.plain for member in self.members]}

    def kind(self, name: str) -> Optimizers:
        """The optimizers that a member's name stands for.

        Raises:
            ValueError: there are none.
        """
        return optimizers.get(name)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each member's share [m] of the next trials."""
        others = len(self.members) - 1
        shares = np.full(len(self.members), (1 - self.lead) / max(1, others))
        shares[self.leader] = self.lead if others else 1.0
        return shares

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials, tell them to all members, and pass on the lead after a stall."""
        super().tell(trials)
        for trial in trials:
            self._idle = 0 if self._improves(trial) else self._idle + 1
            if self._idle == self.patience:
                self.leader, self._idle = (self.leader + 1) % len(self.members), 0

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        shares, begun = self.shares, self.begun
        return self.proposed([self.drawn(shares, number) for number in range(begun, begun + n)])

    def _improves(self, trial: Trial) -> bool:
        """Whether a trial is better than all before it; it joins those that the next ones are held against."""
        before = self._elite
        self._elite = best_of(self.problem, [*before, trial])
        if not before:
            return True
        if len(self.problem.objectives) > 1:
            return trial in self.problem.pareto_front(self._elite)
        ranks = rank(self.problem, [*before, trial])
        return bool(ranks[-1] < ranks[:-1].min())
