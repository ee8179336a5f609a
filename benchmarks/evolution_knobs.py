"""Which knobs of `Evolution` should be the default? Best feasible loss on the published edge space.

    python benchmarks/evolution_knobs.py --objective edp --area 10 --out benchmarks/results/evolution_knobs.json

Each line changes one knob of the defaults; `random` is the yardstick. A score is the best feasible loss
over the best that any run here found, as a geometric mean over seeds; a run without a feasible trial counts
as 100. All runs of a seed begin with draws of one random stream, so lines are paired.
"""

import argparse
import json
from itertools import product
from pathlib import Path

import numpy as np

from accel_models import zoo
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.trial import Trial
from search_spaces import get

BATCH = 16
CHECKPOINTS = (48, 96, 208)
NOTHING_FEASIBLE = 100.0
LINES = {
    "random": None,
    "defaults": {},
    **{
        f"{knob}={value}": {knob: value}
        for knob, values in {
            "tournament": (4, 8, 24),
            "crossover": (0.0, 1.0),
            "mutations": (1.0, 2.0, 3.0),
            "neighbour": (0.0, 0.5, 1.0),
        }.items()
        for value in values
    },
    "population=16": {"population": 16, "tournament": 8},
    "population=64": {"population": 64, "tournament": 32},
}


def run(problem, seeds, trials):
    """Best feasible loss so far, [line, seed, trial]; all runs advance together so that batches are large."""
    runs = [
        Random(problem, seed) if LINES[line] is None else Evolution(problem, seed, **LINES[line])
        for line, seed in product(LINES, seeds)
    ]
    losses = np.full((len(runs), trials), np.inf)
    for start in range(0, trials, BATCH):
        asked = [optimizer.ask(BATCH) for optimizer in runs]
        measurements = iter(problem.evaluate([point for points in asked for point in points]))
        for row, (optimizer, points) in enumerate(zip(runs, asked, strict=True)):
            batch = [Trial(number, point, next(measurements)) for number, point in enumerate(points, start)]
            optimizer.tell(batch)
            for trial in filter(problem.feasible, batch):
                losses[row, trial.number] = problem.losses(trial)[0]
    return np.minimum.accumulate(losses, axis=1).reshape(len(LINES), len(seeds), trials)


def main():
    """Measure every line, print the table, write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workload", default="mobilenet_v2")
    parser.add_argument("--objective", choices=("latency", "energy", "edp"), default="edp")
    parser.add_argument("--area", type=float, default=10.0, help="mm2")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    space = get("edge")
    problem = Problem(
        space=space.space,
        objectives=(Objective.parse(arguments.objective),),
        evaluate=AnalyticalEvaluator(space, (zoo.workload(arguments.workload),), minimize=arguments.objective),
        constraints=(Constraint("area_mm2", upper=arguments.area),),
    )
    best = run(problem, range(arguments.seeds), max(CHECKPOINTS))
    ratios = np.where(np.isfinite(best), best / best.min(), NOTHING_FEASIBLE)
    scores = np.exp(np.log(ratios).mean(axis=1))[:, [checkpoint - 1 for checkpoint in CHECKPOINTS]]
    table = {
        line: dict(zip(CHECKPOINTS, row.round(4).tolist(), strict=True))
        for line, row in zip(LINES, scores, strict=True)
    }
    for line, row in table.items():
        print(f"{line:16s}", *(f"{score:8.3f}" for score in row.values()))
    if arguments.out:
        asked = {
            "workload": arguments.workload,
            "objective": arguments.objective,
            "area_mm2": arguments.area,
            "seeds": arguments.seeds,
        }
        arguments.out.write_text(
            json.dumps({**asked, "best_loss": best.min(), "score": table}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
