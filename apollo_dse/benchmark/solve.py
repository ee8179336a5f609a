"""Solve tasks exactly and write `solutions.json`: ``python -m apollo_dse.benchmark.solve [TASK ...]``.

Without names: every task whose solution is missing or stale. A task takes a minute of processor time or
several; the file is written after each, so that the work may be interrupted and gone on with.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apollo_dse import oracle
from apollo_dse.benchmark.memory import remembered
from apollo_dse.benchmark.solutions import FILE, Solution, StaleError, asked, read, solution
from apollo_dse.benchmark.tasks import QUESTIONS, Task
from apollo_dse.problem import Problem
from apollo_dse.trial import Measurement, Trial

DRAWS = 20_000
"""Uniform draws by which the share of designs that fit is estimated; its standard error is below 0.0036."""

KEPT = ("latency_s", "energy_j", "edp_js", "area_mm2")
"""Metrics of a design that are written."""


def solve(task: Task) -> Solution:
    """The exact solution of a task, found now.

    Raises:
        ValueError: nothing in the space is feasible.
    """
    problem = task.problem()
    if task.question().design_space.monotone is None:  # every point is measured, once for all budgets
        problem = remembered(problem)
    found = oracle.solve(problem)
    if not found.designs:
        raise ValueError(f"some design of task {task.name} must be feasible, but none is")
    return Solution(
        designs=tuple(
            Trial(number, each.point, Measurement({name: each.measurement.metrics[name] for name in KEPT}))
            for number, each in enumerate(found.designs)
        ),
        asked=asked(task, problem),
        points=found.points,
        evaluated=found.evaluated,
        bounded=found.bounded,
        fitting=fitting(problem),
    )


def fitting(problem: Problem) -> float:
    """Share of uniform draws of which nothing speaks against a trial: they can be built and fit the area."""
    draws = problem.space.sample(np.random.default_rng(0), DRAWS)
    return sum(violation == 0.0 for violation in problem.known_violations(draws)) / DRAWS


def write(found: Solution, name: str, file: Path = FILE) -> None:
    """Put a solution into the file, in the order of the tasks; those of no task are dropped."""
    solutions = {**read(file), name: found}
    content = {name: solutions[name].to_json() for name in QUESTIONS if name in solutions}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main(names: Sequence[str]) -> None:
    """Solve these tasks, or all that need it.

    Raises:
        KeyError: there is no task of that name.
    """
    for name in names or QUESTIONS:
        task = QUESTIONS[name]
        try:
            if not names:
                solution(task, task.problem())
                continue
        except StaleError as error:
            sys.stderr.write(f"{error}\n")
        found = solve(task)
        write(found, task.name)
        sys.stderr.write(f"{task.name}: {len(found.designs)} designs, {found.evaluated} measured\n")


if __name__ == "__main__":
    main(sys.argv[1:])
