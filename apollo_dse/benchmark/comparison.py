"""What a comparison says: per task and over all tasks, as one plain document."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import numpy as np

from apollo_dse.benchmark.results import Results
from apollo_dse.benchmark.run import Outcome, Run
from apollo_dse.benchmark.solutions import stored
from apollo_dse.benchmark.statistics import (
    QUANTILES,
    TARGETS,
    Duel,
    mean_ranks,
    quantile,
    quantiles,
    standing,
    trials_to,
    win_matrix,
)
from apollo_dse.benchmark.suite import TASKS
from apollo_dse.benchmark.tasks import GOALS, Task
from apollo_dse.problem import Objective

Document = dict[str, Any]


def grid(
    optimizers: Sequence[str], tasks: Sequence[Task], trials: int, seeds: int, batch: int = 1
) -> tuple[Run, ...]:
    """Every optimizer on every task from every seed, in the order of tasks, seeds, optimizers.

    Raises:
        ValueError: an optimizer is named twice, there is none or no task, or a number is below 1.
    """
    for what, number in (("trials", trials), ("seeds", seeds), ("batch", batch)):
        if number < 1:
            raise ValueError(f"`{what} >= 1` must hold, but got {what}={number}")
    if not optimizers or not tasks or len(set(optimizers)) < len(optimizers):
        got = f"{', '.join(optimizers) or 'no optimizer'} on {len(tasks)} tasks"
        raise ValueError(f"a comparison takes different optimizers and at least one task, but got {got}")
    return tuple(
        Run(task=task.name, optimizer=name, seed=seed, trials=trials, batch=batch)
        for task in tasks
        for seed in range(seeds)
        for name in optimizers
    )


def document(runs: Sequence[Run], results: Results) -> Document:
    """The comparison of runs that were made, as plain JSON values but for infinite numbers.

    Nothing in it depends on the clock, except for what stands under `overhead_s`.

    Raises:
        KeyError: a run was not made.
    """
    names, tasks = _distinct(run.optimizer for run in runs), _distinct(run.task for run in runs)
    made = {(run.task, run.optimizer, run.seed): results[run] for run in runs}
    seeds = _distinct(run.seed for run in runs)
    standings = {
        name: [standing(np.array(made[task, name, seed].regret)) for task in tasks for seed in seeds]
        for name in names
    }
    ranks = mean_ranks(standings)
    return {
        "optimizers": names,
        "trials": runs[0].trials,
        "seeds": len(seeds),
        "batch": runs[0].batch,
        "tasks": {
            task: {
                **about(task),
                "results": {name: _told([made[task, name, seed] for seed in seeds]) for name in names},
            }
            for task in tasks
        },
        "overall": {
            name: {
                "mean_rank": ranks[name],
                "trials_to": _targets([made[task, name, seed] for task in tasks for seed in seeds]),
            }
            for name in names
        },
        "wins": {
            one: {other: _duel(duel) for other, duel in row.items()}
            for one, row in win_matrix(standings).items()
        },
        "overhead_s": {
            name: _overhead([each for (_, by, _), each in made.items() if by == name]) for name in names
        },
    }


def _distinct(values: Any) -> list[Any]:
    return list(dict.fromkeys(values))


def about(name: str) -> Document:
    """What a task is and its exact answer: `best` are the metrics of the optimum, or of the front's first end.

    Raises:
        KeyError: there is no task of that name.
    """
    task, answer = TASKS[name], stored()[name]
    objectives = [Objective.parse(goal).metric for goal in GOALS[task.goal]]
    return {
        "space": task.family.space,
        "workload": task.workload,
        "objectives": objectives,
        "area_mm2": task.area_mm2,
        "points": answer.points,
        "fitting": answer.fitting,
        "best": dict(answer.designs[0].measurement.metrics),
        "front": len(answer.designs) if len(objectives) > 1 else None,
    }


def _told(outcomes: Sequence[Outcome]) -> Document:
    """One optimizer on one task, over seeds."""
    curves = np.array([outcome.regret for outcome in outcomes])
    return {
        "regret": {
            str(share): curve.tolist() for share, curve in zip(QUANTILES, quantiles(curves), strict=True)
        },
        "trials_to": _targets(outcomes),
        "feasible": float(np.mean([outcome.feasible for outcome in outcomes])),
    }


def _targets(outcomes: Sequence[Outcome]) -> Document:
    """For each target the median number of trials to it, and the share of runs that got there."""
    found = {}
    for target in TARGETS:
        counts = [trials_to(np.array(outcome.regret), target) for outcome in outcomes]
        found[str(target)] = {
            "median": quantile(counts, 0.5),
            "reached": sum(map(isfinite, counts)) / len(counts),
        }
    return found


def _duel(duel: Duel) -> Document:
    return {
        "wins": duel.wins,
        "losses": duel.losses,
        "ties": duel.ties,
        "p_value": duel.p_value,
        "significant": duel.significant,
    }


def _overhead(outcomes: Sequence[Outcome]) -> Document:
    seconds = [outcome.overhead_s for outcome in outcomes]
    return {"median": quantile(seconds, 0.5), "largest": max(seconds)}
