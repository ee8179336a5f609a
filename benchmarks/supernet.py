"""What does weight sharing give? A supernet on digits: its best subnet, and how it ranks networks.

    python benchmarks/supernet.py --out benchmarks/results/supernet.json

For each seed a supernet is trained, `SCORED` random cells are scored on the validation images, and the best
of them is reported on the test images, with the seconds of all of it on one thread. Then `RANKED` cells train
by themselves, `TRAININGS` times each, and the accuracies are compared with those of the supernets, on
validation images of the digits and of digits behind noise. Seconds are both of the clock and of the processor;
where other processes ran, neither is that of an idle machine.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from scipy.stats import kendalltau, spearmanr

from apollo_dse.codesign.accuracy.supernet import Supernet
from apollo_dse.codesign.accuracy.training import Training
from apollo_dse.codesign.datasets import load
from search_spaces.networks.nas_bench_201 import NAS_BENCH_201, SPACE

SEEDS = (0, 1)
SCORED = 100
RANKED = 24
TRAININGS = 1
DATASETS = ("digits", "digits-noisy")


def one_shot(dataset, seed):
    """Train a supernet, choose a cell by validation images, report it on test images."""
    clock, processor = perf_counter(), process_time()
    evaluator = Supernet(dataset, seed=seed)
    _ = evaluator.network
    trained = process_time() - processor
    cells = SPACE.sample(np.random.default_rng(seed), SCORED)
    scores = accuracies(evaluator, cells)
    best = cells[int(np.argmax(scores))]
    test = evaluator.test_accuracy(best)
    return {
        "seed": seed,
        "cell": best,
        "validation": max(scores),
        "test": test,
        "mean_validation": float(np.mean(scores)),
        "clock_s": perf_counter() - clock,
        "processor_s": process_time() - processor,
        "training_processor_s": trained,
    }


def accuracies(evaluator, cells):
    """Of each cell."""
    return [measured.metrics["accuracy"] for measured in evaluator(cells)]


def ranked_cells():
    """The cells whose ranks are compared."""
    return SPACE.sample(np.random.default_rng(100), RANKED)


def ranking(dataset, shared):
    """Rank correlations of supernets' accuracies with those of trainings from scratch."""
    alone = accuracies(Training(NAS_BENCH_201, dataset, seeds=TRAININGS), ranked_cells())
    return {
        "cells": RANKED,
        "trainings": TRAININGS,
        "alone": alone,
        "shared": shared,
        "spearman": [float(spearmanr(each, alone).statistic) for each in shared],
        "kendall": [float(kendalltau(each, alone).statistic) for each in shared],
    }


def main():
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--datasets", nargs="+", default=DATASETS)
    parser.add_argument("--trained", type=Path, help="folder that keeps accuracies of networks trained alone")
    options = parser.parse_args()
    found = {}
    for name in options.datasets:
        dataset = load(name)
        with tempfile.TemporaryDirectory() as cache:
            os.environ["APOLLO_DSE_CACHE"] = cache
            shots = [one_shot(dataset, seed) for seed in SEEDS]
            for shot in shots:
                took = f"{shot['processor_s']:.0f} s of processor, {shot['clock_s']:.0f} s by the clock"
                print(f"{name} seed {shot['seed']}: test {shot['test']:.4f}, {took}", flush=True)
            shared = [accuracies(Supernet(dataset, seed=seed), ranked_cells()) for seed in SEEDS]
            if options.trained:
                os.environ["APOLLO_DSE_CACHE"] = str(options.trained)
            ranked = ranking(dataset, shared)
        print(f"{name}: Spearman {ranked['spearman']}, Kendall {ranked['kendall']}", flush=True)
        found[name] = {"load": os.getloadavg()[2], "one_shot": shots, "ranking": ranked}
        if options.out:
            options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
