"""Samplers of Optuna (Akiba et al., KDD 2019): the tree-structured Parzen estimator and Gaussian processes.

Every `ask` builds a study of the trials told and a sampler seeded by their number, so that both are stateless.
Ordinals and whole numbers become integers, ordinals by their rank. A trial that broke a limit is told with by
how much (Optuna's `constraints`), one without metrics as failed, which samplers leave out.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from apollo_dse.optimizer import History, fresh
from apollo_dse.optuna_terms import distributions, excesses, params_of, point_of
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from search_spaces.space import Point

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial


class _Optuna(History):
    """A sampler of Optuna.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        startup: trials before the sampler learns; until then draws are uniform among points not known to fail.
        misses: suggestions of the sampler, at most, for each point of an `ask`; then draws are uniform.

    Raises:
        ValueError: the seed is negative, or a knob is below 1.
    """

    distributions: ClassVar[tuple[str, ...]] = ("optuna",)

    def __init__(self, problem: Problem, seed: int, *, startup: int = 10, misses: int = 20) -> None:
        super().__init__(problem, seed)
        for knob, value in (("startup", startup), ("misses", misses)):
            if value < 1:
                raise ValueError(f"`{knob} >= 1` must hold, but got {knob}={value}")
        self.startup = startup
        self.misses = misses
        self._told: list[FrozenTrial] = []

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {"seed": self.seed, "startup": self.startup, "misses": self.misses}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials."""
        super().tell(trials)
        self._told += [self._frozen(trial) for trial in trials if trial.point in self.problem.space]

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if len(self._told) < self.startup:
            return fresh(self.problem, rng, n, self.known)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(
            sampler=self._sampler(int(rng.integers(2**31))),
            directions=["minimize"] * len(self.problem.objectives),
        )
        study.add_trials(self._told)
        suggested = 0

        def propose() -> Point:
            nonlocal suggested
            suggested += 1
            if suggested > self.misses * n:
                return self.problem.space.sample(rng, 1)[0]
            return point_of(self.problem.space, study.ask(distributions(self.problem.space)).params)

        return fresh(self.problem, rng, n, self.known, propose)

    def _sampler(self, seed: int) -> "BaseSampler":
        raise NotImplementedError

    def _frozen(self, trial: Trial) -> "FrozenTrial":
        from optuna.trial import TrialState, create_trial

        space = self.problem.space
        asked = {"params": params_of(space, trial.point), "distributions": distributions(space)}
        if not trial.measurement.is_feasible:
            return create_trial(state=TrialState.FAIL, **asked)
        limits = excesses(self.problem, trial.measurement)
        return create_trial(values=self.problem.losses(trial), constraints=limits, **asked)


class TPE(_Optuna):
    """Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), with Optuna's defaults."""

    def _sampler(self, seed: int) -> "BaseSampler":
        from optuna.samplers import TPESampler

        return TPESampler(n_startup_trials=self.startup, seed=seed)


class GP(_Optuna):
    """Gaussian processes with a Matern kernel over mixed spaces, with Optuna's defaults."""

    def _sampler(self, seed: int) -> "BaseSampler":
        from optuna.samplers import GPSampler

        return GPSampler(n_startup_trials=self.startup, seed=seed, deterministic_objective=True)
