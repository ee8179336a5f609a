"""What engines, stores and asynchronous suggestions cost and bring; docs/scaling.md shows the numbers.

    python benchmarks/engines.py [--only PART ...] [-o FILE]

Parts: `overhead` trials per second with an evaluator that does nothing; `share` of the ideal rate with runs of
one second; `ray` both in a Ray cluster; `uneven` the same of log-normal run times, in batches and not;
`asking` seconds a suggestion; `store` appending, reading and resuming 1,000 to 100,000 trials. Sleeping takes
no core, so a small machine can have many workers; starting them is left out of all rates.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path
from random import Random as Chance
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from apollo_dse import optimizers
from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.engine import Engine
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Objective, Problem
from apollo_dse.storage import Record, Store
from apollo_dse.study import Study
from apollo_dse.testing import ACCELERATORS, accelerator_cost
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Integer, Ordinal
from search_spaces.space import Point, SearchSpace, canonical

SPACE = SearchSpace(tuple(Integer(f"p{place}", 0, 999) for place in range(8)))
SIGMA = 1.0
"""Of the logarithm of uneven run times: one in ten takes 3.6 times the median or more."""

RUNS = 30
"""Trials a worker, of the searches with uneven run times."""


class Sleeper:
    """An evaluator that sleeps: as long for each point as `pause_s` says, or log-normally about that mean."""

    metrics, fingerprint = ("loss",), "sleeper"

    def __init__(self, pause_s: float, *, uneven: bool = False, waits: bool = False) -> None:
        self.pause_s = pause_s
        self.uneven = uneven
        self.waits = waits

    def seconds(self, point: Point) -> float:
        """How long a point takes."""
        if not self.uneven:
            return self.pause_s
        return self.pause_s * exp(Chance(canonical(point)).gauss(-(SIGMA**2) / 2, SIGMA))

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        for point in points:
            if self.pause_s:
                time.sleep(self.seconds(point))
        return [Measurement({"loss": float(point["p0"])}) for point in points]


def run(engine: Engine, evaluator: Evaluator, trials: int, **options: Any) -> tuple[Study, float]:
    """A study of random points, stored, and the seconds that it took once all workers were there."""
    evaluate = engine.around(evaluator)
    if engine.workers > 1 or engine.name != "local":
        evaluate(SPACE.sample(np.random.default_rng(1), 2 * engine.workers * engine.chunk))
    problem = Problem(space=SPACE, objectives=(Objective("loss"),), evaluate=evaluate)
    with TemporaryDirectory() as folder, Store(Path(folder) / "s.sqlite") as store:
        study = Study(problem, Random(problem, seed=0), store, "s", **options)
        start = time.perf_counter()
        assert study.run(trials) == "finished"
        return study, time.perf_counter() - start


def overhead() -> list[dict[str, Any]]:
    """Trials per second with an evaluator that does nothing."""
    return [
        _rate(Engine("local"), 4000, batch=16),
        _rate(Engine("local"), 4000, batch=256),
        _rate(Engine("process", 1), 500, batch=16),
        _rate(Engine("process", 2), 500, batch=64),
        _rate(Engine("process", 2, chunk=32), 2000, batch=256),
        _rate(Engine("process", 2), 500, asynchronous=True),
    ]


def share() -> list[dict[str, Any]]:
    """Share of the ideal rate, workers per second, with runs of one second."""
    return [_share(Engine("local")), *(_share(Engine("process", workers)) for workers in (2, 8, 32))]


def ray() -> list[dict[str, Any]]:
    """Both of these in a Ray cluster on this host."""
    return [
        _share(Engine("ray", 2)),
        _rate(Engine("ray", 2), 300, batch=64),
        _rate(Engine("ray", 2, chunk=32), 2000, batch=256),
        _rate(Engine("ray", 2), 300, asynchronous=True),
    ]


def _rate(engine: Engine, trials: int, **options: Any) -> dict[str, Any]:
    _, seconds = run(engine, Sleeper(0.0), trials, **options)
    return {**_case(engine, options), "trials_per_s": trials / seconds}


def _share(engine: Engine) -> dict[str, Any]:
    trials = 4 * engine.workers
    _, seconds = run(engine, Sleeper(1.0), trials, batch=trials)
    return {**_case(engine, {"batch": trials}), "share": trials / engine.workers / seconds}


def uneven() -> list[dict[str, Any]]:
    """Share of the time that workers are busy, of log-normal run times of 0.5 s on average."""
    found = []
    for workers in (8, 32):
        for options in ({"batch": workers}, {"batch": 4 * workers}, {"asynchronous": True}):
            sleeper = Sleeper(0.5, uneven=True, waits=True)
            study, seconds = run(Engine("process", workers), sleeper, RUNS * workers, **options)
            busy_s = sum(sleeper.seconds(trial.point) for trial in study.trials)
            case = _case(Engine("process", workers), options)
            longest_s = max(sleeper.seconds(trial.point) for trial in study.trials)
            found.append(
                {**case, "busy": busy_s / seconds / workers, "seconds": seconds, "longest_s": longest_s}
            )
    return found


def asking() -> list[dict[str, Any]]:
    """Seconds that one suggestion takes, with 8 pending, after so many trials."""
    found = []
    for name in ("random", "evolution", "bayesian", "portfolio"):
        problem = Problem(
            space=ACCELERATORS,
            objectives=(Objective("latency_s"),),
            evaluate=lambda points: list(map(accelerator_cost, points)),
        )
        for told in (50, 200):
            optimizer = optimizers.get(name)(problem, 0)
            points = Random(problem, seed=1).ask(told)
            optimizer.tell(
                [Trial(*each) for each in zip(range(told), points, problem.evaluate(points), strict=True)]
            )
            pend = getattr(optimizer, "pend", None)
            if pend is not None:
                pend(Random(problem, seed=2).ask(8))
            optimizer.ask(1)
            start = time.perf_counter()
            for _ in range(5):
                optimizer.ask(1)
            found.append({"optimizer": name, "told": told, "seconds": (time.perf_counter() - start) / 5})
    return found


def store() -> list[dict[str, Any]]:
    """Trials per second into and out of a store, and seconds to resume a study."""
    problem = Problem(
        space=ACCELERATORS,
        objectives=(Objective("latency_s"),),
        evaluate=lambda points: list(map(accelerator_cost, points)),
    )
    cases = ((1000, 1), (1000, 16), (10_000, 1), (10_000, 16), (100_000, 16))
    return [_stored(problem, count, batch) for count, batch in cases]


def _stored(problem: Problem, count: int, batch: int) -> dict[str, Any]:
    """One store of `count` trials, appended in batches."""
    records = [
        Record(Trial(number, _numbered(number), measured), number // batch * batch, 0.1, "random")
        for number in range(count)
        for measured in [Measurement({"latency_s": 1.0 / (1 + number), "area_mm2": 20.0 + number})]
    ]

    def study(opened: Store) -> Study:
        return Study(problem, Evolution(problem, seed=0), opened, "s", batch=batch)

    with TemporaryDirectory() as folder, Store(Path(folder) / "s.sqlite") as opened:
        study(opened)
        append_s = _seconds(
            lambda: [opened.append("s", records[at : at + batch]) for at in range(0, count, batch)]
        )
        return {
            "trials": count,
            "batch": batch,
            "append_per_s": count / append_s,
            "read_per_s": count / _seconds(lambda: opened.records("s")),
            "newest_16_s": _seconds(lambda: opened.records("s", count - 16)),
            "resume_s": _seconds(lambda: study(opened).teach()),
            "bytes_per_trial": sum(each.stat().st_size for each in Path(folder).iterdir()) / count,
        }


def _numbered(number: int) -> Point:
    """A different point of `ACCELERATORS` for each number."""
    point = {}
    for parameter in ACCELERATORS.parameters:
        assert isinstance(parameter, Ordinal)
        number, place = divmod(number, len(parameter.values))
        point[parameter.name] = parameter.values[place]
    return point


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _case(engine: Engine, options: dict[str, Any]) -> dict[str, Any]:
    return {"engine": engine.name, "workers": engine.workers, "chunk": engine.chunk, **options}


PARTS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "overhead": overhead,
    "share": share,
    "ray": ray,
    "uneven": uneven,
    "asking": asking,
    "store": store,
}


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results" / "engines.json")
    given = parser.parse_args()
    found = json.loads(given.output.read_text()) if given.output.exists() else {}
    for part in given.only:
        rows = PARTS[part]()
        found[part] = {"load": round(os.getloadavg()[0], 1), "cores": os.cpu_count(), "rows": _rounded(rows)}
        print(part, json.dumps(found[part]["rows"]), flush=True)
        given.output.write_text(json.dumps(found, indent=1) + "\n")


def _rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: float(f"{v:.3g}") if isinstance(v, float) else v for name, v in row.items()} for row in rows]


if __name__ == "__main__":
    main()
