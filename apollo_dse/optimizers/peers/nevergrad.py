"""Optimizers of Nevergrad (Rapin and Teytaud, 2018) for discrete parameters: its choice, and its advice.

Every `ask` makes an optimizer and tells it the trials as candidates that it did not ask for. A trial that broke
a limit is told with by how much (Nevergrad's `constraint_violation`); one without metrics, which has no loss,
is left out. Both optimizers mutate the best candidate told, and remember nothing else from ask to ask.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from apollo_dse.optimizers.peers.peer import Peer
from apollo_dse.problem import Problem
from apollo_dse.terms import excesses, params_of, point_of
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.space import Point

if TYPE_CHECKING:
    from nevergrad.parametrization.core import Parameter as Parametrization


class _Nevergrad(Peer):
    """An optimizer of Nevergrad; ordinals are whole numbers within bounds.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        startup: as in `Peer`.
        misses: as in `Peer`.
        budget: trials after half of which Nevergrad punishes broken limits harder, at least 1.

    Raises:
        ValueError: the seed is negative, or a knob is below 1.
    """

    distributions = ("nevergrad",)
    algorithm: ClassVar[str]

    def __init__(
        self, problem: Problem, seed: int, *, startup: int = 10, misses: int = 20, budget: int = 100
    ) -> None:
        super().__init__(problem, seed, startup=startup, misses=misses)
        if budget < 1:
            raise ValueError(f"`budget >= 1` must hold, but got budget={budget}")
        self.budget = budget
        self._chance = np.random.RandomState(0)
        self._made: Parametrization | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {**super().settings, "budget": self.budget}

    def _suggester(self, rng: np.random.Generator) -> Callable[[], Point]:
        from nevergrad.optimization.optimizerlib import registry

        self._chance.seed(int(rng.integers(2**31)))
        optimizer = registry[self.algorithm](self._parametrization(), budget=self.budget)
        optimizer.num_objectives = len(self.problem.objectives)
        for candidate, losses, limits in self.told:
            optimizer.tell(candidate, losses, constraint_violation=limits)
        return lambda: point_of(self.problem.space, optimizer.ask().value)

    def _translated(self, trial: Trial) -> Any:
        if not trial.measurement.is_feasible:
            return None
        self._chance.seed(0)
        params = params_of(self.problem.space, trial.point)
        candidate = self._parametrization().spawn_child(new_value=params)
        limits = excesses(self.problem, trial.measurement)
        return candidate, list(self.problem.losses(trial)), list(limits.values()) or None

    def _parametrization(self) -> "Parametrization":
        """What is searched, the parent of all candidates, which draw from the same source of chance.

        A parameter of one value is a constant.
        """
        import nevergrad

        if self._made is None:
            parameters = self.problem.space.parameters
            self._made = nevergrad.p.Dict(**{each.name: self._parameter(each) for each in parameters})
            self._made.random_state = self._chance
        return self._made

    def _parameter(self, parameter: Parameter) -> Any:
        from nevergrad import p

        if parameter.cardinality == 1:
            return 0 if isinstance(parameter, Ordinal) else parameter.from_unit(0.5)
        match parameter:
            case Categorical():
                return p.Choice(list(parameter.values))
            case Ordinal():
                return self._ranks(len(parameter.values))
            case Real() | Integer():
                kind = p.Log if parameter.log else p.Scalar
                scalar = kind(lower=parameter.low, upper=parameter.high)
                return scalar.set_integer_casting() if isinstance(parameter, Integer) else scalar

    def _ranks(self, count: int) -> Any:
        """The ranks of an ordinal of so many values, at least 2."""
        from nevergrad import p

        return p.Scalar(lower=0, upper=count - 1).set_integer_casting()


class FastGA(_Nevergrad):
    """(1 + 1) evolution whose number of mutations has a heavy tail: what NGOpt chooses for whole numbers."""

    algorithm = "DoubleFastGADiscreteOnePlusOne"


class Portfolio(_Nevergrad):
    """(1 + 1) evolution with mutations of many strengths, ordinals as transitions: what its manual advises."""

    algorithm = "PortfolioDiscreteOnePlusOne"

    def _ranks(self, count: int) -> Any:
        from nevergrad import p

        return p.TransitionChoice(range(count))
