"""Does DARTS collapse to skips when it is trained for long? What it would choose, epoch by epoch.

    python benchmarks/darts_collapse.py --out benchmarks/results/darts_collapse.json

First-order DARTS without hardware, on the cells of NAS-Bench-201 in a small net for digits. After each of
`EPOCHS` is told: the likeliest operation of each edge, the mean share that skips have of the softmax, and the
loss. At the end each cell is trained by itself, and so is one of skips alone.
"""

import argparse
import json
import os
import tempfile
from collections import Counter
from pathlib import Path

import torch

from apollo_dse.codesign.accuracy.training import Training
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.supernet.darts import Darts
from apollo_dse.codesign.supernet.network import SuperNetwork
from apollo_dse.codesign.supernet.relaxed import Relaxed, cell_of
from apollo_dse.codesign.training import Schedule, train
from search_spaces.networks.nas_bench_201 import CHOICES, DIGITS, NAS_BENCH_201_DIGITS

EPOCHS = (5, 10, 20, 40, 60, 80, 100)
SKIP = "skip_connect"


def followed(dataset, seed):
    """What the choices are after each of `EPOCHS`."""
    module = Relaxed(SuperNetwork(DIGITS, seed=seed), designs=1, start=0.0)
    rows = []

    def report(progress):
        if progress.epoch not in EPOCHS:
            return
        shares = torch.softmax(module.choices, 1)
        cell = cell_of(shares.argmax(1).tolist())
        rows.append(
            {
                "epoch": progress.epoch,
                "loss": progress.loss,
                "cell": cell,
                "operations": dict(Counter(cell.values())),
                "skips_share": float(shares[:, CHOICES.index(SKIP)].mean()),
            }
        )
        print(json.dumps(rows[-1]), flush=True)

    train(module, dataset, Schedule(epochs=max(EPOCHS), seed=seed), backward=Darts(dataset), report=report)
    return rows


def main():
    """Search, train what was found, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", nargs="+", default=["digits", "digits-noisy"])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = {}
    for name in options.datasets:
        dataset = load(name)
        with tempfile.TemporaryDirectory() as cache:
            os.environ["APOLLO_DSE_CACHE"] = cache
            alone = Training(NAS_BENCH_201_DIGITS, dataset)
            runs = [followed(dataset, seed) for seed in range(options.seeds)]
            for row in (row for run in runs for row in run):
                row["test"] = alone.test_accuracy(row["cell"])
            skips = alone.test_accuracy(dict.fromkeys(NAS_BENCH_201_DIGITS.space.names, SKIP))
        found[name] = {"runs": runs, "skips_alone": skips}
        print(name, [[row["test"] for row in run] for run in runs], "skips alone", skips, flush=True)
        if options.out:
            options.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
