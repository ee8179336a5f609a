"""The exact answers of the tasks, as numbers in `solutions.json`, and whether they still hold.

`python -m apollo_dse.benchmark.solve` writes the file. An answer is stale when its task asks something else
than it did (another space, network or limit), or when a design of it no longer has the metrics that it had.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from math import isclose
from pathlib import Path
from typing import Any

import numpy as np

from accel_models.bounded import read_text
from apollo_dse.benchmark.tasks import Task
from apollo_dse.problem import Problem
from apollo_dse.trial import Measurement, Trial
from search_spaces.space import Point

FILE = Path(__file__).parent / "solutions.json"
MOST_BYTES = 64 << 20
RENEW = "python -m apollo_dse.benchmark.solve"
CHECKED = 5
"""Designs of a solution that are measured again before it is believed."""

AGREES = 1e-7
"""Relative difference of metrics up to which they are the same: rounding."""


class StaleError(ValueError):
    """A solution that is not one of this cost model; the message says which command renews it."""


@dataclass(frozen=True, slots=True)
class Solution:
    """The exact answer of a task, and how it is known.

    Attributes:
        designs: the best one by one objective, the whole Pareto front by rising first loss of two; as trials,
            so that a problem can rank them.
        asked: digest of the question.
        points: points of the space; `evaluated` of them were measured, the rest excluded by `bounded` bounds.
        fitting: share of uniform draws that can be built and fit the budget of area.
    """

    designs: tuple[Trial, ...]
    asked: str
    points: int
    evaluated: int
    bounded: int
    fitting: float

    def to_json(self) -> dict[str, Any]:
        """Plain values from which `of_json` makes it again."""
        designs = [{"point": each.point, "metrics": each.measurement.metrics} for each in self.designs]
        counts = {name: getattr(self, name) for name in ("points", "evaluated", "bounded", "fitting")}
        return {"asked": self.asked, **counts, "designs": designs}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> "Solution":
        """The solution that `to_json` wrote."""
        designs = tuple(
            Trial(number, design["point"], Measurement(design["metrics"]))
            for number, design in enumerate(content["designs"])
        )
        return cls(designs, **{name: value for name, value in content.items() if name != "designs"})


def read(file: Path = FILE) -> dict[str, Solution]:
    """All solutions of a file by the name of their task; none if there is no file.

    Raises:
        ValueError: it has more than `MOST_BYTES`, or is no JSON.
        OSError: it cannot be read.
    """
    content = json.loads(read_text(file, MOST_BYTES, "a file of solutions")) if file.is_file() else {}
    return {name: Solution.of_json(each) for name, each in content.items()}


@cache
def stored() -> Mapping[str, Solution]:
    """The solutions that this package comes with."""
    return read()


def solution(task: Task, problem: Problem) -> Solution:
    """The exact answer of a task, some of its designs measured again by `problem`.

    Raises:
        StaleError: there is none, it answers another question, or a design of it has other metrics now.
    """
    found = stored().get(task.name)
    renew = f"renew it: {RENEW} {task.name}"
    if found is None:
        raise StaleError(f"task {task.name} has no solution; {renew}")
    if found.asked != asked(task, problem):
        raise StaleError(f"the solution of {task.name} answers another question than is asked now; {renew}")
    places = np.unique(np.linspace(0, len(found.designs) - 1, CHECKED).astype(int)).tolist()
    points: list[Point] = [found.designs[place].point for place in places]
    for place, now in zip(places, problem.evaluate(points), strict=True):
        for metric, before in found.designs[place].measurement.metrics.items():
            value = now.metrics.get(metric)
            if value is None or not isclose(value, before, rel_tol=AGREES):
                evidence = f"{metric} of design {place} was {before!r} and is now {value!r}"
                raise StaleError(f"the solution of {task.name} is of another cost model: {evidence}; {renew}")
    return found


def asked(task: Task, problem: Problem) -> str:
    """Digest of what a task asks: its space and the part of it, network, objectives and limits."""
    question = task.question()
    limits = [*map(str, problem.objectives), *map(str, problem.constraints)]
    parts = (task.family.space, problem.space.parameters, question.workloads, question.mapped_for, limits)
    return sha256(repr(parts).encode()).hexdigest()[:16]
