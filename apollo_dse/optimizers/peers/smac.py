"""SMAC3 (Lindauer et al., JMLR 2022): expected improvement of random forests, as for hyper-parameters.

Every `ask` makes a facade and tells it all trials. SMAC knows no limits: a trial that broke one, or has no
metrics, is told as crashed, with the worst loss of those that did not. Its initial design is left out: the
first trials are there already.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from apollo_dse.optimizers.peers.peer import Peer
from apollo_dse.terms import params_of, point_of
from apollo_dse.trial import Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.space import Point

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace
    from smac import HyperparameterOptimizationFacade

MOST_TRIALS = 1_000_000
"""SMAC wants to know when it will end; without an initial design nothing follows from it."""


class SMAC(Peer):
    """Random forests, ordinals by rank (`HyperparameterOptimizationFacade`); arguments are those of `Peer`."""

    distributions = ("smac", "ConfigSpace")

    def _suggester(self, rng: np.random.Generator) -> Callable[[], Point]:
        from ConfigSpace import Configuration
        from smac.runhistory import StatusType, TrialInfo, TrialValue

        logging.getLogger("smac").setLevel(logging.ERROR)
        space = self._configurations()
        facade = self._facade(space, int(rng.integers(2**31)))
        known = [losses for _, losses in self.told if losses is not None]
        worst = tuple(map(max, zip(*known, strict=True))) or (1.0,) * len(self.problem.objectives)
        for params, losses in self.told:
            status = StatusType.CRASHED if losses is None else StatusType.SUCCESS
            cost = list(worst if losses is None else losses)
            value = TrialValue(cost=cost if len(cost) > 1 else cost[0], status=status)
            facade.tell(TrialInfo(Configuration(space, values=params), seed=0), value, save=False)

        def suggest() -> Point:
            params = dict(facade.ask().config)
            return point_of(self.problem.space, {name: _plain(value) for name, value in params.items()})

        return suggest

    def _translated(self, trial: Trial) -> Any:
        feasible = self.problem.feasible(trial)
        losses = self.problem.losses(trial) if feasible else None
        return params_of(self.problem.space, trial.point), losses

    def _facade(self, space: "ConfigurationSpace", seed: int) -> "HyperparameterOptimizationFacade":
        """The facade, which was told nothing yet; nothing of it is kept on disk."""
        from smac import HyperparameterOptimizationFacade, Scenario

        names = [objective.metric for objective in self.problem.objectives]
        with TemporaryDirectory() as folder:
            scenario = Scenario(
                space,
                objectives=names if len(names) > 1 else names[0],
                deterministic=True,
                n_trials=MOST_TRIALS,
                output_directory=Path(folder),
                seed=seed,
            )
            none = HyperparameterOptimizationFacade.get_initial_design(scenario, n_configs=0)
            return HyperparameterOptimizationFacade(
                scenario, None, initial_design=none, logging_level=False, overwrite=True
            )

    def _configurations(self) -> "ConfigurationSpace":
        from ConfigSpace import ConfigurationSpace

        space = ConfigurationSpace()
        space.add([_hyperparameter(parameter) for parameter in self.problem.space.parameters])
        return space


def _hyperparameter(parameter: Parameter) -> Any:
    from ConfigSpace import (
        CategoricalHyperparameter,
        Constant,
        OrdinalHyperparameter,
        UniformFloatHyperparameter,
        UniformIntegerHyperparameter,
    )

    match parameter:
        case Real():
            return UniformFloatHyperparameter(parameter.name, parameter.low, parameter.high, log=parameter.log)
        case Integer() if parameter.low == parameter.high:
            return Constant(parameter.name, parameter.low)
        case Integer():
            return UniformIntegerHyperparameter(
                parameter.name, parameter.low, parameter.high, log=parameter.log
            )
        case Ordinal():
            return OrdinalHyperparameter(parameter.name, list(range(len(parameter.values))))
        case Categorical():
            return CategoricalHyperparameter(parameter.name, list(parameter.values))


def _plain(value: Any) -> Any:
    """A built-in scalar of a numpy one."""
    return value.item() if isinstance(value, np.generic) else value
