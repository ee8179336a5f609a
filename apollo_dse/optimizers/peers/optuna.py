"""Samplers of Optuna (Akiba et al., KDD 2019): the tree-structured Parzen estimator and Gaussian processes.

Every `ask` makes a study of the trials told and a sampler seeded by their number, so that both are stateless. A
trial that broke a limit is told with by how much (Optuna's `constraints`), one without metrics as failed, which
samplers leave out.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from apollo_dse.optimizers.peers.peer import Peer
from apollo_dse.optuna_terms import distributions
from apollo_dse.terms import excesses, params_of, point_of
from apollo_dse.trial import Trial
from search_spaces.space import Point

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial


class _Optuna(Peer):
    """A sampler of Optuna; arguments are those of `Peer`."""

    distributions = ("optuna",)

    def _suggester(self, rng: np.random.Generator) -> Callable[[], Point]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            sampler=self._sampler(int(rng.integers(2**31))),
            directions=["minimize"] * len(self.problem.objectives),
        )
        study.add_trials(self.told)
        space = self.problem.space
        return lambda: point_of(space, study.ask(distributions(space)).params)

    @abstractmethod
    def _sampler(self, seed: int) -> "BaseSampler":
        """The sampler, which was asked nothing yet."""

    def _translated(self, trial: Trial) -> "FrozenTrial":
        from optuna.trial import TrialState, create_trial

        space = self.problem.space
        params, asked = params_of(space, trial.point), distributions(space)
        if not trial.measurement.is_feasible:
            return create_trial(state=TrialState.FAIL, params=params, distributions=asked)
        limits = excesses(self.problem, trial.measurement)
        values = self.problem.losses(trial)
        return create_trial(values=values, constraints=limits, params=params, distributions=asked)


class TPE(_Optuna):
    """Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), with Optuna's defaults."""

    def _sampler(self, seed: int) -> "BaseSampler":
        from optuna.samplers import TPESampler

        return TPESampler(n_startup_trials=self.startup, seed=seed)


class GP(_Optuna):
    """Gaussian processes with a Matern kernel over mixed spaces, with Optuna's defaults."""

    def _sampler(self, seed: int) -> "BaseSampler":
        from optuna.samplers import GPSampler

        return GPSampler(n_startup_trials=self.startup, seed=seed)
