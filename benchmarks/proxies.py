"""How do scores of untrained networks rank the cells of NAS-Bench-201? Spearman's correlation with its table.

    python benchmarks/proxies.py --table nb201_core.csv.gz --out benchmarks/results/proxies.json

The table has a column `arch_str` and one of test accuracies on CIFAR-10. `CELLS` random cells are scored as
networks of three stages of one cell, 16 channels wide at first, on `BATCH` images of Gaussian noise, 16 x 16,
with random labels: the table's images are not needed, and not there. A network that a proxy cannot score ranks
last.
"""

import argparse
import csv
import gzip
import json
from math import inf, isfinite
from pathlib import Path
from time import process_time

import numpy as np
import torch
from scipy.stats import kendalltau, spearmanr

from apollo_dse.codesign.accuracy.proxies import PROXIES
from apollo_dse.codesign.training import Compute
from search_spaces.networks.nas_bench_201 import (
    Skeleton,
    module_nas_bench_201,
    nas_bench_201_point,
)

CELLS = 300
BATCH = 16
SKELETON = Skeleton(size=16, cells=1)


def drawn(path, column):
    """Points and accuracies of random rows of the table."""
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    picked = np.random.default_rng(0).choice(len(rows), CELLS, replace=False)
    return [(nas_bench_201_point(rows[i]["arch_str"]), float(rows[i][column])) for i in picked]


def scores(point, seconds):
    """Of one cell by every proxy; adds what each took."""
    torch.manual_seed(0)
    module = module_nas_bench_201(point, skeleton=SKELETON)
    images = torch.randn(BATCH, *SKELETON.input_shape[1:])
    labels = torch.randint(SKELETON.classes, (BATCH,))
    found = {}
    for name, proxy in PROXIES.items():
        start = process_time()
        score = proxy(module, images, labels)
        found[name] = score if isfinite(score) else -inf
        seconds[name] += process_time() - start
    return found


def main():
    """Score, correlate, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--column", default="c10_test_acc_200")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    cells = drawn(options.table, options.column)
    seconds = dict.fromkeys(PROXIES, 0.0)
    with Compute().limited():
        found = [scores(point, seconds) for point, _ in cells]
    published = [accuracy for _, accuracy in cells]
    rows = {
        name: {
            "spearman": float(spearmanr(values := [each[name] for each in found], published).statistic),
            "kendall": float(kendalltau(values, published).statistic),
            "unscored": sum(not isfinite(value) for value in values),
            "processor_s_per_cell": seconds[name] / CELLS,
        }
        for name in PROXIES
    }
    for name, row in rows.items():
        print(f"{name:10} Spearman {row['spearman']:.3f}  Kendall {row['kendall']:.3f}")
    if options.out:
        about = {"cells": CELLS, "batch": BATCH, "column": options.column, "proxies": rows}
        options.out.write_text(json.dumps(about, indent=1) + "\n")


if __name__ == "__main__":
    main()
