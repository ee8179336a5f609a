"""Squirrel: a schedule of an initial design, a model, and differential evolution.

Awad et al., "Squirrel: A Switching Hyperparameter Optimizer", 2020, arXiv 2012.08180: winner of the
warm-start-friendly leaderboard of the NeurIPS 2020 black-box challenge. Its budget was 128 trials; of a space
that it had not met before it drew 8, evolved 16, had models propose 64 and evolved the last 40. The models here
are another registered optimizer's, not SMAC's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from apollo_dse import optimizers
from apollo_dse.ensemble import Ensemble, Member
from apollo_dse.problem import Problem
from search_spaces.space import Point

DESIGN, EVOLUTION, MODEL = range(3)


class Squirrel(Ensemble):
    """Switches by the number of trials: a design, evolution, then the model and evolution in turn.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        model: name of the registered optimizer that learns a model, or a pair of name and knobs.
        first: trials of the initial design and of the evolution after it, each at least 0.
        cycle: trials of the model and of the evolution after it, in turn, each at least 0, together at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range, or the model is not registered.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        model: str | Sequence[Any] = "bayesian",
        first: Sequence[int] = (8, 16),
        cycle: Sequence[int] = (64, 40),
    ) -> None:
        super().__init__(problem, seed)
        for name, pair, least in (("first", first, 0), ("cycle", cycle, 1)):
            if len(pair) != 2 or min(pair) < 0 or sum(pair) < least:
                rule = f"`{name}` must be two numbers of trials, at least {least} together"
                raise ValueError(f"{rule}, but got {name}={pair}")
        self.model = Member.of(model)
        self.first = tuple(first)
        self.cycle = tuple(cycle)
        members = (Member("quasi-random", {}), Member("differential-evolution", {}), self.model)
        self.optimizers = [
            member.made(optimizers.get(member.name), problem, seed, place)
            for place, member in enumerate(members)
        ]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        knobs = {"seed": self.seed, "first": list(self.first), "cycle": list(self.cycle)}
        return {**knobs, "model": self.model.plain}

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        return self.proposed([self.phase(number) for number in range(self.begun, self.begun + n)])

    def phase(self, number: int) -> int:
        """Who proposes trial `number`: `DESIGN`, `EVOLUTION` or `MODEL`."""
        if number < sum(self.first):
            return DESIGN if number < self.first[0] else EVOLUTION
        return MODEL if (number - sum(self.first)) % sum(self.cycle) < self.cycle[0] else EVOLUTION
