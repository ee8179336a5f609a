"""The built-in model as the prior of a slower evaluator: how many trials it spares, what it costs if it errs.

Simulators are made of the built-in model itself, so that their best designs are known: with another technology,
clock and goal of the mapping, with a part of the bandwidth, with an overhead that grows with the array, with an
error of each design that nothing explains, and turned over, so that the prior lies. Counted are trials until
the best so far is within 5 % of the best known. Searches are cold (`portfolio`, `bayesian`), or with the model
as a prior (`predicted`, and `pretrained-prior`, which knows its trials only).

    python benchmarks/analytical_prior.py OUT.json [--seeds 5] [--trials 96]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import exp, inf
from pathlib import Path
from statistics import NormalDist, median
from tempfile import TemporaryDirectory

from accel_models import zoo
from apollo_dse import optimizers, transfer
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.question import MODEL, Question
from apollo_dse.study import Study
from apollo_dse.transfer import Experience
from apollo_dse.trial import Measurement
from search_spaces import DesignSpace, Point, canonical, get

BATCH = 4
NEAR = 1.05
BANDWIDTHS = (5, 10, 16, 20, 25, 30)
THOROUGH = 2000
"""Trials of the search that finds the best known."""


@dataclass(frozen=True, slots=True)
class Error:
    """How a simulator differs from the model: `overhead` is of 256 PEs, `spread` of a logarithm.

    `elsewhere` it is of another technology and clock, `turned` the inverse of a latency.
    """

    elsewhere: bool = False
    bandwidth: float = 1.0
    overhead: float = 0.0
    spread: float = 0.0
    turned: bool = False


SIMULATORS = {
    "other technology": Error(elsewhere=True),
    "half the bandwidth": Error(bandwidth=0.5),
    "overhead of the array": Error(overhead=1.0),
    "all of these": Error(elsewhere=True, bandwidth=0.5, overhead=1.0),
    "unexplained 20 %": Error(overhead=1.0, spread=0.2),
    "turned over": Error(turned=True),
}


ELSEWHERE: Point = {"technology": "7nm", "clock_mhz": 500}


def there(error: Error) -> DesignSpace:
    """The space of the designs that are simulated."""
    text = f"base: edge\nvalues: {{io_bandwidth_gb_per_s: {[each * error.bandwidth for each in BANDWIDTHS]}}}\n"
    if error.elsewhere:
        text += f"pin: {{{', '.join(f'{name}: {value}' for name, value in ELSEWHERE.items())}}}\n"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "there.yaml"
        path.write_text(text)
        return get(str(path))


class Simulator:
    """The built-in model with an error, for designs mapped for the energy-delay product."""

    metrics = ("latency_s", "area_mm2")

    def __init__(self, workload: str, error: Error) -> None:
        self.model = AnalyticalEvaluator(there(error), (zoo.workload(workload),), minimize="edp")
        self.error = error
        self.fingerprint = f"{self.model.fingerprint} {error}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        found = self.model([self._meant(point) for point in points])
        return [self._seen(point, each) for point, each in zip(points, found, strict=True)]

    def _meant(self, point: Point) -> Point:
        bandwidth = float(point["io_bandwidth_gb_per_s"]) * self.error.bandwidth
        return {**point, "io_bandwidth_gb_per_s": bandwidth, **(ELSEWHERE if self.error.elsewhere else {})}

    def _seen(self, point: Point, found: Measurement) -> Measurement:
        if not found.is_feasible:
            return found
        pes = float(point["pe_x"]) * float(point["pe_y"])
        latency_s = found.metrics["latency_s"] * (1 + self.error.overhead * pes / 256)
        if self.error.spread:
            chance = (int(sha256(canonical(point).encode()).hexdigest()[:12], 16) + 0.5) / 16**12
            latency_s *= exp(self.error.spread * NormalDist().inv_cdf(chance))
        if self.error.turned:
            latency_s = 1e-6 / latency_s
        return Measurement({"latency_s": latency_s, "area_mm2": found.metrics["area_mm2"]})


def searched(problem: Problem, method: str, seed: int, experience: Experience | None, trials: int) -> Study:
    """A study of a method, with the experience where it takes one."""
    if experience is not None and method in transfer.names():
        study = Study(problem, transfer.get(method)(problem, seed, experience), batch=BATCH)
    else:
        study = Study(problem, optimizers.get(method)(problem, seed), batch=BATCH)
    study.run(trials)
    return study


def near_at(study: Study, best: float, near: float = NEAR) -> float:
    """After how many trials the best so far is that near to the best known; infinite: never."""
    reached = (study.convergence()[:, 0] <= near * best).nonzero()[0]
    return float(reached[0]) + 1 if len(reached) else inf


def compare(
    workload: str, limit: str, methods: Sequence[str], seeds: int, trials: int
) -> list[dict[str, object]]:
    """A row for each simulator: by method, when each seed was near, and the losses in the end over the best."""
    question = Question(
        space="edge",
        workloads=(zoo.workload(workload),),
        objectives=(Objective("latency_s"),),
        constraints=(Constraint.parse(limit),),
        method="predicted",
        sources=(MODEL,),
    )
    experience, model = question.experience(), question.problem()
    rows = []
    for name, error in SIMULATORS.items():
        problem = replace(model, evaluate=Simulator(workload, error), slopes=None)
        thorough = Study(problem, optimizers.get("evolution")(problem, 0), batch=32)
        thorough.run(THOROUGH)
        studies = {
            method: [searched(problem, method, seed, experience, trials) for seed in range(seeds)]
            for method in methods
        }
        ends = {method: [min(study.convergence()[:, 0]) for study in each] for method, each in studies.items()}
        best = min(min(thorough.convergence()[:, 0]), *(min(each) for each in ends.values()))
        near = {method: [near_at(study, best) for study in each] for method, each in studies.items()}
        row = {"workload": workload, "limit": limit, "simulator": name, "best_s": best}
        row["near_at"] = {m: [None if n == inf else n for n in each] for m, each in near.items()}
        row["end_over_best"] = {m: [end / best for end in each] for m, each in ends.items()}
        rows.append(row)
        texts = [f"{m} {median(near[m]):.0f} ({median(row['end_over_best'][m]):.3f})" for m in methods]
        print(f"{workload}, {name}: trials to within 5 % (end over best): {', '.join(texts)}", flush=True)
    return rows


def main() -> None:
    """Run all simulators and write the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=96)
    parser.add_argument("--workloads", default="mobilenet_v2,resnet18")
    parser.add_argument("--limit", default="area<=10mm2")
    parser.add_argument("--methods", default="portfolio,bayesian,pretrained-prior,predicted")
    given = parser.parse_args()
    rows = []
    for workload in given.workloads.split(","):
        rows += compare(workload, given.limit, given.methods.split(","), given.seeds, given.trials)
    given.out.write_text(json.dumps({"command": sys.argv[1:], "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
