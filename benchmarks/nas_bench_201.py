"""How many networks must be trained to find the best of NAS-Bench-201? Queries of its table, by optimizer.

    python benchmarks/nas_bench_201.py --table nb201_core.csv.gz --runs 100 --jobs 2 --out FILE

The protocol of the benchmark (Dong and Yang, ICLR 2020): accuracies after 200 epochs are looked up, one network
a query. What counts is the best accuracy found. `REFERENCE` has what another implementation of three of its
baselines gets on the same table (300 runs each; evolution with a population of 10 and tournaments of 3). Seeds
are the numbers of runs; slow optimizers get `SLOW_RUNS`.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from apollo_dse import optimizers
from apollo_dse.codesign.accuracy import accuracy
from apollo_dse.problem import Objective, Problem
from apollo_dse.study import Study
from search_spaces import network_space

COLUMNS = {
    "CIFAR-10": "c10_test_acc_200",
    "CIFAR-100": "c100_test_acc_200",
    "ImageNet16-120": "in16_test_acc_200",
}
QUERIES = (50, 100, 300)
FAST = ("random", "evolution", "local-search")
SLOW = ("bayesian", "portfolio", "reinforce")
SLOW_RUNS = 20
REFERENCE = {
    "CIFAR-10": {
        "random": (93.69, 93.84, 94.04),
        "evolution": (93.91, 94.19, 94.35),
        "local-search": (93.55, 94.12, 94.35),
    },
    "CIFAR-100": {
        "random": (71.15, 71.56, 72.21),
        "evolution": (71.93, 72.65, 73.38),
        "local-search": (70.89, 72.45, 73.50),
    },
    "ImageNet16-120": {
        "random": (45.27, 45.67, 46.15),
        "evolution": (45.89, 46.49, 46.98),
        "local-search": (44.77, 46.11, 46.96),
    },
}


@lru_cache
def looked_up(table, data):
    """The problem: the most accurate network of a data set."""
    space = network_space("nb201")
    rows = accuracy(f"table:{table}#{COLUMNS[data]}", space)
    return Problem(space=space.space, objectives=(Objective("accuracy", "maximize"),), evaluate=rows)


def run(case):
    """Best accuracy in per cent after each of `QUERIES`."""
    table, data, name, seed = case
    import torch

    torch.set_num_threads(1)
    problem = looked_up(table, data)
    study = Study(problem, optimizers.get(name)(problem, seed), batch=1)
    study.run(max(QUERIES))
    best = -100 * study.convergence()[:, 0]
    return case, [float(best[min(queries, len(best)) - 1]) for queries in QUERIES]


def main():
    """Run all cases, and write the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--data", nargs="+", default=list(COLUMNS), choices=COLUMNS)
    parser.add_argument("--optimizers", nargs="+", default=[*FAST, *SLOW])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cases = [
        (options.table, data, name, seed)
        for data in options.data
        for name in options.optimizers
        for seed in range(options.runs if name in FAST else min(options.runs, SLOW_RUNS))
    ]
    found = {}
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        for (_, data, name, _), best in pool.map(run, cases):
            found.setdefault((data, name), []).append(best)
    rows = []
    for (data, name), runs in found.items():
        optimum = 100 * max(looked_up(options.table, data).evaluate.rows.accuracies)
        values = np.array(runs)
        rows.append(
            {
                "data": data,
                "optimizer": name,
                "runs": len(runs),
                "queries": QUERIES,
                "mean": values.mean(axis=0).round(3).tolist(),
                "std": values.std(axis=0).round(3).tolist(),
                "share_at_optimum": (values > optimum - 1e-6).mean(axis=0).round(3).tolist(),
                "optimum": round(optimum, 4),
                "reference": REFERENCE[data].get(name),
            }
        )
        told = ", ".join(f"{mean:.3f}" for mean in rows[-1]["mean"])
        print(f"{data:15} {name:13} {len(runs):4} runs, after {QUERIES} queries: {told}; optimum {optimum:.4f}")
    if options.out:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
