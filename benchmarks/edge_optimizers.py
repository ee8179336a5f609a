"""How near do optimizers come to the best designs of the published edge space, after how many trials?

    python benchmarks/edge_optimizers.py portfolio evolution --out benchmarks/results/edge_optimizers.json

Each task is a network, a goal and a limit. Shown is by how many per cent the best feasible design is worse than
the task's best known one: the proven optimum where there is one here, else the best of all runs in the file.
Runs that the file has already are kept; with `--tables` it is only read.
"""

import argparse
import json
from math import inf
from pathlib import Path

import numpy as np

from accel_models import zoo
from apollo_dse import optimizers
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.trial import Trial

BATCH = 8
CHECKPOINTS = (25, 50, 100)
TASKS = {
    "mobilenet_v2 latency 20 mm2": ("mobilenet_v2", "latency", "area<=20mm2"),
    "mobilenet_v2 energy 8 mm2": ("mobilenet_v2", "energy", "area<=8mm2"),
    "resnet50 latency 30 mm2": ("resnet50", "latency", "area<=30mm2"),
    "resnet18 latency 15 mm2": ("resnet18", "latency", "area<=15mm2"),
    "squeezenet latency 6 mm2": ("squeezenet", "latency", "area<=6mm2"),
}
"""Nothing was chosen by what came of the last two."""

PROVEN = {"mobilenet_v2 latency 20 mm2": 1.3194702890625e-4}
"""Optima that `apollo-dse optimum` proves."""


def problem(task):
    """The problem of a task."""
    network, goal, limit = TASKS[task]
    return Question(
        space="edge",
        workloads=(zoo.workload(network),),
        objectives=(Objective.parse(goal),),
        constraints=(Constraint.parse(limit),),
    ).problem()


def run(asked, name, seed):
    """Best feasible loss at the checkpoints."""
    optimizer = optimizers.get(name)(asked, seed)
    best = [inf]
    while len(best) <= CHECKPOINTS[-1]:
        points = optimizer.ask(min(BATCH, CHECKPOINTS[-1] + 1 - len(best)))
        pairs = zip(points, asked.evaluate(points), strict=True)
        trials = [Trial(number, *pair) for number, pair in enumerate(pairs, len(best) - 1)]
        optimizer.tell(trials)
        for trial in trials:
            best.append(min(best[-1], asked.losses(trial)[0] if asked.feasible(trial) else inf))
    return [best[end] for end in CHECKPOINTS]


def table(runs):
    """Lines of text: of each task and optimizer the excess at the checkpoints, a median over seeds."""
    for task, found in runs.items():
        known = PROVEN.get(task, min(best[-1] for seeds in found.values() for best in seeds.values()))
        for name, seeds in found.items():
            excess = 100 * (np.array([*seeds.values()]) / known - 1)
            cells = [f"{value:.1f}" for value in np.median(excess, axis=0)]
            yield f"| {task} | {name} | {len(seeds)} | {' | '.join(cells)} |"


def main():
    """Run what is missing, write it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("optimizers", nargs="*")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tables", action="store_true")
    arguments = parser.parse_args()
    runs = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for task in [] if arguments.tables else arguments.tasks:
        asked = problem(task)
        for name in arguments.optimizers:
            seeds = runs.setdefault(task, {}).setdefault(name, {})
            for seed in range(arguments.seeds):
                if str(seed) not in seeds:
                    seeds[str(seed)] = run(asked, name, seed)
                    arguments.out.write_text(json.dumps(runs, indent=1) + "\n")
    print(*table(runs), sep="\n")


if __name__ == "__main__":
    main()
