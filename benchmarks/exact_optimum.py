"""How long the published edge space takes to be solved exactly, and whether brute force agrees.

    python benchmarks/exact_optimum.py                 # whole space, every question of QUESTIONS
    python benchmarks/exact_optimum.py --brute-force   # 1,131,900 points measured one by one, and solved

Both write their part of results/exact_optimum.json: seconds, designs priced, bounds, and the certificate.
The fronts of boxes and designs are searched while the clock runs, in a folder of their own where nothing is
known yet; compiling is over before. The brute force is on one small layer, with `AnalyticalEvaluator` and a
comparison of its own. That of the whole space, for latency, is in results/gpu_pricing.json.
"""

import argparse
import json
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from accel_models import Layer, Workload, zoo
from accel_models.mapspace.pool import pool
from accel_models.threads import threads
from apollo_dse import oracle
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.question import Question

RESULTS = Path(__file__).parent / "results" / "exact_optimum.json"
QUESTIONS = (
    ("mobilenet_v2", "latency", ("area<=20mm2",)),
    ("resnet50", "latency", ("area<=20mm2",)),
    ("mobilenet_v2", "energy", ("area<=20mm2",)),
    ("resnet50", "energy", ("area<=20mm2",)),
    ("mobilenet_v2", "edp", ("area<=20mm2",)),
)
GEMM = Workload(name="gemm", layers=(Layer(name="gemm", k=96, c=64, p=20),))
HELD = {"pe_y": 4, "cores": 2, "instruction_memory_entries": 16384}
ASKED = ("latency", ("area<=4mm2",)), ("energy", ("area<=4mm2", "latency<=20us"))
CHUNK = 4096


def question(workload: Workload, objective: str, limits: tuple[str, ...]) -> Problem:
    """The problem of one question on the edge space."""
    return Question(
        space="edge",
        workloads=(workload,),
        objectives=(Objective.parse(objective),),
        constraints=tuple(map(Constraint.parse, limits)),
    ).problem()


def certificate(found: oracle.Optimum) -> dict[str, Any]:
    """What is written of an answer."""
    best = found.best
    return {
        "seconds": round(found.seconds, 1),
        "points": found.points,
        "evaluated": found.evaluated,
        "bounded": found.bounded,
        "pruned": dict(found.pruned),
        "open": found.open,
        "gap": found.gap,
        "point": None if best is None else dict(best.point),
        "metrics": None if best is None else dict(best.measurement.metrics),
    }


def solve_whole(limit_s: float) -> Iterator[dict[str, Any]]:
    """Every question on all points."""
    compiled = question(GEMM, "latency", ("area<=20mm2",))
    oracle.solve(compiled, seconds=limit_s)
    for name, objective, limits in QUESTIONS:
        with TemporaryDirectory() as folder:
            os.environ["APOLLO_DSE_CACHE"] = folder
            pool.cache_clear()
            found = oracle.solve(question(zoo.workload(name), objective, limits), seconds=limit_s)
            del os.environ["APOLLO_DSE_CACHE"]
        yield {
            "workload": name, "objective": objective, "limits": limits, "threads": threads(),
            **certificate(found),
        }  # fmt: skip


def solve_and_measure_all() -> Iterator[dict[str, Any]]:
    """A subspace solved, and every point of it measured."""
    for objective, limits in ASKED:
        asked = question(GEMM, objective, limits)
        space = asked.space.subspace(**HELD)
        found = oracle.solve(Problem(
            space=space, objectives=asked.objectives, constraints=asked.constraints, evaluate=asked.evaluate
        ))  # fmt: skip
        start, least = perf_counter(), None
        points = enumerate(space.enumerate())
        while chunk := list(islice(points, CHUNK)):
            for (number, point), measured in zip(chunk, asked.evaluate([p for _, p in chunk]), strict=True):
                if measured.is_feasible and all(limit.slack(measured) >= 0 for limit in asked.constraints):
                    loss = measured.metrics[asked.objectives[0].metric]
                    key = (float(f"{loss:.7e}"), float(f"{measured.metrics['area_mm2']:.7e}"), number)
                    if least is None or key < least[0]:
                        least = (key, dict(point), dict(measured.metrics))
        assert least is not None
        answer = certificate(found)
        agrees = (answer["point"], answer["metrics"]) == least[1:]
        yield {
            "workload": "gemm 96 x 64 x 20", "objective": objective, "limits": limits, "held": HELD, **answer,
            "brute_force_seconds": round(perf_counter() - start, 1), "brute_force_agrees": agrees,
        }  # fmt: skip


def main() -> None:
    """Solve, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brute-force", action="store_true")
    parser.add_argument("--time-limit", type=float, default=1800.0, help="seconds a question")
    options = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    part = "brute_force" if options.brute_force else "whole_space"
    results[part] = []
    for row in solve_and_measure_all() if options.brute_force else solve_whole(options.time_limit):
        print(json.dumps(row), flush=True)
        results[part].append(row)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
