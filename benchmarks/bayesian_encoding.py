"""Ordinals by rank or by logarithm, and what a suggestion costs: `Bayesian` on `roofline_space`.

    python benchmarks/bayesian_encoding.py --out benchmarks/results/bayesian_encoding.json

Quality: the best feasible latency over the best that any run here found, as a geometric mean over seeds; a
run without a feasible trial counts as 100. Both encodings of a seed begin with the same points, so they are
paired. Cost: CPU time of one `ask` over the number of points asked for, after so many trials of random search
were told; with and without a fit of the hyper-parameters, which is made once for 1.2 times more trials.
"""

import argparse
import json
from itertools import product
from pathlib import Path
from time import process_time

import numpy as np
import roofline_space

from apollo_dse import encoding
from apollo_dse.optimizers.bayesian.search import Bayesian
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.optimizers.random import Random
from apollo_dse.trial import Trial

BATCH, CHECKPOINTS = 8, (24, 48, 80)
NOTHING_FEASIBLE = 100.0
TOLD, ASKED = (50, 200, 1000), (1, 16)


def by_logarithm(values):
    """Feature of each value of an ordinal parameter: the place of its logarithm."""
    places = np.log(np.array(values, dtype=float) / values[0])
    return places / (places[-1] or 1.0)


LINES = {
    "random": (Random, encoding.ordinal_features),
    "evolution": (Evolution, encoding.ordinal_features),
    "bayesian, by rank": (Bayesian, encoding.ordinal_features),
    "bayesian, by logarithm": (Bayesian, by_logarithm),
}


def best_so_far(problem, optimizer):
    """Least feasible latency after each checkpoint."""
    losses = []
    while len(losses) < max(CHECKPOINTS):
        points = optimizer.ask(BATCH)
        pairs = zip(points, problem.evaluate(points), strict=True)
        batch = [Trial(number, *pair) for number, pair in enumerate(pairs, len(losses))]
        optimizer.tell(batch)
        losses += [problem.losses(trial)[0] if problem.feasible(trial) else np.inf for trial in batch]
    return [min(losses[:checkpoint]) for checkpoint in CHECKPOINTS]


def quality(seeds):
    """Scores by problem, line and checkpoint; a row of all runs' latencies for each beside them."""
    scores, runs = {}, {}
    for known in (True, False):
        problem = roofline_space.problem(known=known)
        latencies = []
        for (make, features), seed in product(LINES.values(), range(seeds)):
            encoding.ordinal_features = features
            latencies.append(best_so_far(problem, make(problem, seed)))
        encoding.ordinal_features = LINES["random"][1]
        found = np.array(latencies).reshape(len(LINES), seeds, len(CHECKPOINTS))
        name = "area known beforehand" if known else "area learned"
        runs[name] = found
        ratios = np.where(np.isfinite(found), found / found.min(), NOTHING_FEASIBLE)
        means = np.exp(np.log(ratios).mean(axis=1)).round(3).tolist()
        scores[name] = {
            line: dict(zip(CHECKPOINTS, row, strict=True)) for line, row in zip(LINES, means, strict=True)
        }
        for line, row in scores[name].items():
            print(f"{name:22s} {line:24s}", *(f"{score:8.3f}" for score in row.values()), flush=True)
    rank, logarithm = (list(LINES).index(line) for line in ("bayesian, by rank", "bayesian, by logarithm"))
    wins = {
        name: [int((found[rank, :, k] < found[logarithm, :, k]).sum()) for k in range(len(CHECKPOINTS))]
        for name, found in runs.items()
    }
    return scores, wins


def cost():
    """CPU milliseconds a suggestion, by number of trials told and points asked for."""
    problem = roofline_space.problem(known=False)
    points = Random(problem, 0).ask(max(TOLD))
    trials = [
        Trial(number, *pair) for number, pair in enumerate(zip(points, problem.evaluate(points), strict=True))
    ]
    table = {}
    for told, asked in product(TOLD, ASKED):
        optimizer = Bayesian(problem, 0)
        optimizer.tell(trials[:told])
        start = process_time()
        optimizer.ask(asked)
        first = process_time() - start
        start = process_time()
        optimizer.ask(asked)
        again = process_time() - start
        row = {"with fit": round(1e3 * first / asked), "without": round(1e3 * again / asked)}
        table[f"{told} told, {asked} asked"] = row
        print(f"{told:5d} told, {asked:2d} asked", row, flush=True)
    return table


def main():
    """Measure, print the tables, write them if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    milliseconds = cost()
    scores, wins = quality(arguments.seeds)
    print("seeds that the rank wins, by checkpoint:", wins)
    if arguments.out:
        result = {
            "seeds": arguments.seeds,
            "batch": BATCH,
            "score": scores,
            "rank_wins": wins,
            "cpu_ms": milliseconds,
        }
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
