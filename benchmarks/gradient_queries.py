"""Gradients against evolution and REINFORCE over one trained supernet: what it takes to come near the best.

    python benchmarks/gradient_queries.py --out benchmarks/results/gradient_queries.json

A supernet of cells is trained on the digits once, and its weights stay. Wanted are the cell and one of eight
designs of NVDLA with the most validation images right within limits on latency and area; every cell that keeps
them on some design is scored, so that the best is known. Evolution, REINFORCE and random draws spend a query a
cell: one that keeps no limit costs none. DARTS and NASP move their choices by gradients, a batch of validation
images a step, and what they would choose is looked up after every epoch. Told is what it took to come within
0.2 points of the best: queries or steps, and seconds, of a query the mean, of steps as they were.
"""

import argparse
import json
from pathlib import Path
from statistics import median
from time import process_time

import torch
from gradient_search import DESIGNS, loss_of, table

from apollo_dse import optimizers
from apollo_dse.codesign.accuracy.supernet import Supernet
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.supernet.costs import CELLS
from apollo_dse.codesign.supernet.darts import Darts
from apollo_dse.codesign.supernet.nasp import START, Nasp
from apollo_dse.codesign.supernet.relaxed import Relaxed, cell_of, number_of
from apollo_dse.codesign.training import Schedule, train
from apollo_dse.problem import Objective, Problem
from apollo_dse.study import Study
from apollo_dse.trial import Measurement
from search_spaces.networks.nas_bench_201 import NAS_BENCH_201_DIGITS

NEAR = 0.002
QUERIES = 300
EPOCHS = 20
SEARCHERS = ("random", "evolution", "local-search", "reinforce")


class Truth:
    """Scores of all cells that keep the limits, 0 of the others, and the seconds of one."""

    def __init__(self, evaluator, allowed, out):
        self.cells = torch.nonzero(allowed.any(0))[:, 0].tolist()
        kept = json.loads(out.read_text()) if out.exists() else {"scores": {}, "seconds": 0.0}
        self.scores = {int(number): score for number, score in kept["scores"].items()}
        missing = [number for number in self.cells if number not in self.scores]
        start = process_time()
        for done, number in enumerate(missing, start=1):
            (found,) = evaluator([cell_of(CELLS[number].tolist())])
            self.scores[number] = found.metrics["accuracy"]
            if done % 500 == 0 or done == len(missing):
                kept["seconds"] += process_time() - start
                start = process_time()
                out.write_text(json.dumps({"scores": self.scores, "seconds": kept["seconds"]}))
                print(f"{done} of {len(missing)} cells, best {max(self.scores.values()):.4f}", flush=True)
        self.seconds = kept["seconds"] / len(self.scores)
        self.best = max(self.scores.values())

    def __call__(self, points):
        """Measurements, as a problem has them."""
        found = (self.scores.get(number_of(point)) for point in points)
        return [
            Measurement(infeasible_because="limits must be kept")
            if each is None
            else Measurement({"accuracy": each})
            for each in found
        ]


def queried(truth, name, seed):
    """Queries until a cell is near the best, and the processor seconds of the optimizer; None: too many."""
    problem = Problem(
        space=NAS_BENCH_201_DIGITS.space, objectives=(Objective("accuracy", "maximize"),), evaluate=truth
    )
    study = Study(problem, optimizers.get(name)(problem, seed), batch=1)
    start, queries = process_time(), 0
    while queries < QUERIES:
        study.run(len(study.trials) + 1)
        last = study.trials[-1].measurement
        queries += last.is_feasible
        if last.is_feasible and last.metrics["accuracy"] >= truth.best - NEAR:
            return {"queries": queries, "seconds": process_time() - start + queries * truth.seconds}
    return {"queries": None, "seconds": None}


def descended(truth, network, search, start_at, loss, dataset, seed):
    """Steps and seconds until what the choices stand for is near the best; None: not within `EPOCHS`."""
    module = Relaxed(network, designs=len(loss.table.designs), start=start_at)
    begun, found, curve, steps = process_time(), {}, [], 0

    def step(module, now):
        nonlocal steps
        steps += 1
        search.choose(module, now)
        return torch.zeros(())

    def look(progress):
        score = truth.scores[number_of(module.chosen(loss).point)]
        curve.append(score)
        if score >= truth.best - NEAR and not found:
            found.update(steps=steps, seconds=process_time() - begun)

    train(module, dataset, Schedule(epochs=EPOCHS, seed=seed), backward=step, report=look)
    return {"steps": None, "seconds": None, **found, "scores": curve}


def main():
    """Train, enumerate, search, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--scores", type=Path, required=True, help="where scores of cells are kept")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    dataset, loss = load(options.dataset), loss_of(table())
    evaluator = Supernet(dataset)
    start = process_time()
    network = evaluator.network
    trained = process_time() - start
    truth = Truth(evaluator, loss.allowed(), options.scores)
    runs = {name: [queried(truth, name, seed) for seed in range(options.seeds)] for name in SEARCHERS}
    for name, search, begin in (("darts", Darts(dataset, loss), 0.0), ("nasp", Nasp(dataset, loss), START)):
        runs[name] = [
            descended(truth, network, search, begin, loss, dataset, seed) for seed in range(options.seeds)
        ]
    near = sum(score >= truth.best - NEAR for score in truth.scores.values())
    print(f"{len(truth.scores)} cells, best {truth.best:.4f}, {near} near it, {truth.seconds:.3f} s a query")
    for name, found in runs.items():
        arrived = [each["seconds"] for each in found if each["seconds"] is not None]
        count = [each.get("queries", each.get("steps")) for each in found if each["seconds"] is not None]
        told = f"median {median(count):g}, {median(arrived):.2f} s" if arrived else "-"
        print(f"{name:14} {len(arrived)} of {len(found)} arrive: {told}", flush=True)
    if options.out:
        found = {
            "dataset": options.dataset,
            "designs": DESIGNS.name,
            "cells": len(truth.scores),
            "best": truth.best,
            "near": near,
            "seconds_a_query": truth.seconds,
            "seconds_to_train": trained,
            "runs": runs,
        }
        options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
