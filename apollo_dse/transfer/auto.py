"""The transfer method that we recommend: the priors' best designs, then a portfolio led by a pretrained prior.

A model of other tasks finds the region; what it takes for settled there it does not look at again. The members
of the cold portfolio (`optimizers/portfolio.py`), which know nothing of priors, have a share of the trials from
the start, and lead when the model stalls. A model whose priors explain hardly anything of this task's trials
proposes nothing: they mislead.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apollo_dse import transfer
from apollo_dse.optimizer import Optimizers
from apollo_dse.optimizers.portfolio import Portfolio
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.modelled import Modelled
from apollo_dse.transfer.seeds import before, seeds
from search_spaces.space import Point

MODEL = "pretrained-prior"
MEMBERS = (
    (MODEL, {"seeds": 0}),
    ("bayesian", {"initial": 8}),
    "bottleneck",
    ("local-search", {"starts": 1}),
)
"""Members by default; the first is a transfer method that models outcomes."""

JUDGED, TRUSTED = 8, 0.3
"""Once so many trials are there, the model must explain so much of what varies among them by its priors."""


class Auto(Portfolio):
    """Seeds, then members led by a model of the priors.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        experience: the priors.
        seeds: designs of the priors that are tried first, at least 0.
        members: as a portfolio's; names of transfer methods, too.
        lead: share of the trials that the leader proposes, above 0, at most 1.
        patience: trials of a stall, at least 1.

    Raises:
        ValueError: the seed or a knob is out of its range, a member is not registered, or a prior cannot be
            matched.
    """

    def __init__(
        self,
        problem: Problem,
        seed: int,
        experience: Experience,
        *,
        seeds: int = 3,
        members: Sequence[str | Sequence[Any]] = MEMBERS,
        lead: float = 0.7,
        patience: int = 16,
    ) -> None:
        if seeds < 0:
            raise ValueError(f"`seeds >= 0` must hold, but got seeds={seeds}")
        self.experience = experience
        self.seeds = seeds
        super().__init__(problem, seed, members=members, lead=lead, patience=patience)
        self._first: Sequence[Point] | None = None
        models = [each for each in self.optimizers if isinstance(each, Modelled)]
        if not models:
            raise ValueError(f"a member must model the priors, but got {[each.name for each in self.members]}")
        self._model = models[0]

    def kind(self, name: str) -> Optimizers:
        """The optimizers, or the transfer methods with this experience, that a member's name stands for."""
        if name in transfer.names():
            return partial(transfer.get(name), experience=self.experience)
        return super().kind(name)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {**super().settings, "seeds": self.seeds}

    @property
    def weights(self) -> Mapping[str, float]:
        """Those of the model."""
        return self._model.weights

    @property
    def remarks(self) -> Mapping[str, Sequence[str]]:
        """How each prior was matched."""
        return self._model.remarks

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each member's share [m] of the next trials; that of a model that is not trusted goes to the next."""
        shares = super().shares
        if len(shares) > 1 and len(self.trials) >= JUDGED and sum(self.weights.values()) < TRUSTED:
            place = self.optimizers.index(self._model)
            shares[(place + 1) % len(shares)] += shares[place]
            shares[place] = 0.0
        return shares

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        if self._first is None:
            model = self._model
            self._first = seeds(self.problem, model.encoding, model.sources, self.seeds)
        return before(self._first, self.known, n, super().ask)
