"""What do DARTS, NASP and ENAS find on digits, for designs of NVDLA and within limits? And does DARTS collapse?

    python benchmarks/gradient_search.py --out benchmarks/results/gradient_search.json

All search cells and one of eight designs at once, for the logarithm of the energy-delay product at weight
`WEIGHT`, within limits on latency and area, each of which half of all pairs keep. What each settles on is
priced by the cost model (not by the sum over edges that it was searched with), and trained by itself; `drawn`
are random cells that keep the limits, trained alike. DARTS is run without hardware, too: its operations tell
whether it collapsed to skips and pools.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from itertools import product
from pathlib import Path
from time import process_time

import numpy as np
import torch

from apollo_dse.codesign.accuracy.training import Training
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.supernet.costs import CELLS, CostTable, HardwareLoss
from apollo_dse.codesign.supernet.darts import Darts
from apollo_dse.codesign.supernet.enas import Controlled, Enas
from apollo_dse.codesign.supernet.nasp import START, Nasp
from apollo_dse.codesign.supernet.network import SuperNetwork
from apollo_dse.codesign.supernet.relaxed import Found, Relaxed, cell_of, one_hot
from apollo_dse.codesign.training import Schedule, train
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from search_spaces import registered
from search_spaces.networks.nas_bench_201 import DIGITS, NAS_BENCH_201_DIGITS

WEIGHT = 0.01
QUANTILE = 0.5
DRAWN = 4
DESIGNS = registered("nvdla")
BOTH = {"latency_s": "latency", "area_mm2": "area"}


def table():
    """Costs of all cells on eight designs."""
    usual = next(iter(DESIGNS.presets.values()))
    designs = [
        {**usual, "atomic_c": c, "atomic_k": k, "io_bandwidth_gb_per_s": io}
        for c, k, io in product((8, 16), (8, 16), (4.0, 8.0))
    ]
    return CostTable.of(DESIGNS, designs, NAS_BENCH_201_DIGITS)


def loss_of(costs):
    """The costs' part of the loss, with limits at a quantile of all pairs."""
    rows = costs.enumerated()
    limits = {metric: float(rows[metric].flatten().quantile(QUANTILE)) for metric in BOTH}
    return HardwareLoss(costs, "edp_js", weight=WEIGHT, limits=limits)


def relaxed(start, designs=1, seed=0):
    """A supernet whose choices are numbers."""
    return Relaxed(SuperNetwork(DIGITS, seed=seed), designs=designs, start=start)


def searches(dataset, loss):
    """By name: the module, the step, the epochs, and how to read what was found."""
    count = len(loss.table.designs)
    enas = Enas(dataset, loss)
    rng = np.random.default_rng(0)

    def chosen(module):
        return module.chosen(loss)

    return {
        "darts without hardware": (relaxed(0.0), Darts(dataset), 30, Relaxed.chosen),
        "darts": (relaxed(0.0, count), Darts(dataset, loss), 20, chosen),
        "darts, second order": (relaxed(0.0, count), Darts(dataset, loss, second=True), 5, chosen),
        "nasp": (relaxed(START, count), Nasp(dataset, loss), 20, chosen),
        "enas": (
            Controlled(SuperNetwork(DIGITS), designs=count),
            enas,
            25,
            lambda module: enas.best(module, 20, rng),
        ),
    }


def priced(found, loss, training):
    """Exact costs of a cell on its design, how far sums over edges are off, limits, and accuracies."""
    workload = NAS_BENCH_201_DIGITS.build(found.point)
    (measured,) = AnalyticalEvaluator(DESIGNS, [workload])([loss.table.designs[found.design]])
    summed = loss.table.expected(*one_hot(found, len(loss.table.designs)))
    (accuracy,) = training([found.point])
    return {
        "cell": dict(found.point),
        "design": dict(loss.table.designs[found.design]),
        "operations": dict(Counter(found.point.values())),
        "costs": {metric: measured.metrics[metric] for metric in summed},
        "summed_over_exact": {
            metric: float(value) / measured.metrics[metric] for metric, value in summed.items()
        },
        "within_limits": all(measured.metrics[metric] <= limit for metric, limit in loss.limits.items()),
        "validation": accuracy.metrics["accuracy"],
        "test": training.test_accuracy(found.point),
    }


def main():
    """Search, price, train, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    dataset, loss = load("digits"), loss_of(table())
    results = {"limits": dict(loss.limits), "weight": WEIGHT, "searches": {}}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["APOLLO_DSE_CACHE"] = cache
        training = Training(NAS_BENCH_201_DIGITS, dataset)
        for name, (module, step, epochs, read) in searches(dataset, loss).items():
            start = process_time()
            train(module, dataset, Schedule(epochs=epochs), backward=step)
            found = read(module)
            seconds = process_time() - start
            results["searches"][name] = priced(found, loss, training) | {
                "epochs": epochs,
                "processor_s": seconds,
            }
            print(name, json.dumps(results["searches"][name]), flush=True)
        allowed = torch.nonzero(loss.allowed()).tolist()
        rng = np.random.default_rng(1)
        drawn = [allowed[i] for i in rng.choice(len(allowed), DRAWN, replace=False)]
        results["drawn"] = [
            priced(Found(cell_of(CELLS[cell].tolist()), design), loss, training) for design, cell in drawn
        ]
        results["share_allowed"] = len(allowed) / loss.allowed().numel()
        print("drawn", [each["test"] for each in results["drawn"]])
    if out:
        out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
