"""Stores for the tests of the dashboard: small real studies, and synthetic ones as large as need be."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.storage import Record, Store
from apollo_dse.trial import Measurement, Trial
from search_spaces.space import canonical
from tests.apollo_dse.report_example import TINY

QUESTION = Question(
    space="edge",
    workloads=(TINY,),
    objectives=(Objective("latency_s"), Objective("energy_j")),
    constraints=(Constraint.parse("area<=40"),),
    optimizer="random",
)


def begin(path: Path, name: str = "demo", question: Question = QUESTION) -> None:
    """A study without trials."""
    with Store(path) as store:
        question.study(store, name)


def extend(path: Path, records: list[Record], name: str = "demo") -> None:
    with Store(path) as store:
        store.append(name, records)


def made_up(count: int, seed: int = 0) -> Iterator[Record]:
    """Different points of the edge space with made-up metrics: a trade-off, limits broken, designs refused."""
    rng = np.random.default_rng(seed)
    space, known, number = QUESTION.search_space, set(), 0
    while number < count:
        for point in space.sample(rng, min(4096, count)):
            key = canonical(point)
            if key in known or number == count:
                continue
            known.add(key)
            size = np.log2(float(point["pe_x"]) * float(point["pe_y"]) * float(point["cores"])) / 15
            luck = rng.normal(0, 0.35, 3)
            area, latency = 60 * size * np.exp(luck[0] / 2), 1e-2 * np.exp(luck[1] - 3 * size)
            energy = 2e-3 * np.exp(luck[2] + 2 * size)
            metrics = {"latency_s": latency, "energy_j": energy, "area_mm2": area, "power_w": energy / latency}
            measurement = Measurement({name: float(value) for name, value in metrics.items()})
            if rng.random() < 0.2:
                needed = int(rng.integers(10**6))
                measurement = Measurement(
                    infeasible_because=f"`needed <= capacity` must hold, but got {needed}"
                )
            yield Record(Trial(number, point, measurement), number // 16 * 16, 0.01, "random")
            number += 1
