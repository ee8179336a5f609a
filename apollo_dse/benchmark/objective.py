"""A task as an Optuna objective: ``study.optimize(objective(task), n_trials=200)``."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from apollo_dse.benchmark.memory import remembered
from apollo_dse.benchmark.tasks import Task
from apollo_dse.optuna_terms import distributions
from apollo_dse.terms import excesses, point_of
from apollo_dse.trial import Trial as Measured
from search_spaces.quantity import Value

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.distributions import BaseDistribution


def objective(task: Task) -> "Callable[[Trial], tuple[float, ...]]":
    """The function that Optuna is to minimize, in as many directions as the task has objectives.

    It suggests all parameters, sets a constraint for the budget, and prunes designs that cannot be built or
    cannot run the network, with the reason in the user attribute `infeasible_because`. What is measured is
    kept in the user attribute `metrics`.

    Raises:
        ModuleNotFoundError: Optuna is not installed.
    """
    import optuna

    problem = remembered(task.problem())
    asked = distributions(problem.space)

    def evaluate(trial: "Trial") -> tuple[float, ...]:
        params = {name: _suggested(trial, name, each) for name, each in asked.items()}
        point = point_of(problem.space, params)
        [measurement] = problem.evaluate([point])
        if not measurement.is_feasible:
            trial.set_user_attr("infeasible_because", measurement.infeasible_because)
            raise optuna.TrialPruned(measurement.infeasible_because)
        trial.set_user_attr("metrics", dict(measurement.metrics))
        for name, excess in excesses(problem, measurement).items():
            trial.set_constraint(name, excess)
        return problem.losses(Measured(trial.number, point, measurement))

    return evaluate


def _suggested(trial: "Trial", name: str, asked: "BaseDistribution") -> Value:
    from optuna.distributions import FloatDistribution, IntDistribution

    value: Value
    match asked:
        case IntDistribution():
            value = trial.suggest_int(name, asked.low, asked.high, log=asked.log)
        case FloatDistribution():
            value = trial.suggest_float(name, asked.low, asked.high, log=asked.log)
        case _:
            value = trial.suggest_categorical(name, asked.choices)
    return value
