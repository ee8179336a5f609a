"""Optimizers of Nevergrad (Bennet et al., SIGEVOlution 14(1), 2021), told whatever was tried ("not asked").

Ordinals become ordered choices by their rank. A trial that broke a limit is told with by how much
(`constraint_violation`), one without metrics not at all, since it has no loss. One optimizer is told the trials
as they come; each `ask` questions a copy of it, whose stream is seeded by their number.
"""

import warnings
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, ClassVar

import numpy as np

from apollo_dse.optimizers.peers.peer import Peer
from apollo_dse.optuna_terms import excesses, params_of, point_of
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.space import Point

BUDGET = 200
"""What Nevergrad, some of whose optimizers plan ahead, is told about the number of trials."""


class _Nevergrad(Peer):
    """An optimizer of Nevergrad's registry; arguments are those of `Peer`."""

    distributions = ("nevergrad",)
    registered: ClassVar[str]

    def __init__(self, problem: Problem, seed: int, *, startup: int = 10, misses: int = 20) -> None:
        super().__init__(problem, seed, startup=startup, misses=misses)
        import nevergrad as ng

        parts = {parameter.name: _parametrized(parameter) for parameter in problem.space.parameters}
        self._optimizer = ng.optimizers.registry[self.registered](ng.p.Dict(**parts), budget=BUDGET)
        self._optimizer.parametrization.random_state = np.random.RandomState(seed)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials."""
        super().tell(trials)
        for trial in trials:
            if trial.measurement.is_feasible and trial.point in self.problem.space:
                self._tell(trial)

    def _tell(self, trial: Trial) -> None:
        params = params_of(self.problem.space, trial.point)
        candidate = self._optimizer.parametrization.spawn_child(new_value=params)
        losses = self.problem.losses(trial)
        violations = [max(0.0, excess) for excess in excesses(self.problem, trial.measurement).values()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            told = losses[0] if len(losses) == 1 else list(losses)
            self._optimizer.tell(candidate, told, constraint_violation=violations or None)

    def _suggester(self, rng: np.random.Generator) -> Callable[[], Point]:
        optimizer = deepcopy(self._optimizer)
        optimizer.parametrization.random_state = np.random.RandomState(int(rng.integers(2**31)))

        def suggest() -> Point:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return point_of(self.problem.space, optimizer.ask().value)

        return suggest


class DiscreteOnePlusOne(_Nevergrad):
    """The (1 + 1) evolution strategy with a portfolio of mutation rates (Dang and Lehre, PPSN 2016)."""

    registered = "PortfolioDiscreteOnePlusOne"


class DifferentialEvolution(_Nevergrad):
    """Differential evolution with two-point crossover (Storn and Price, J. Global Optimization 11, 1997)."""

    registered = "TwoPointsDE"


def _parametrized(parameter: Parameter) -> Any:
    import nevergrad as ng

    match parameter:
        case Real() if parameter.log:
            return ng.p.Log(lower=parameter.low, upper=parameter.high)
        case Real():
            return ng.p.Scalar(lower=parameter.low, upper=parameter.high)
        case Integer():
            return ng.p.TransitionChoice(range(parameter.low, parameter.high + 1))
        case Ordinal():
            return ng.p.TransitionChoice(range(len(parameter.values)))
        case Categorical():
            return ng.p.Choice(parameter.values)
