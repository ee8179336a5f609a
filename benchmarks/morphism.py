"""What does it save to grow a network instead of training the larger one from scratch? Digits, several seeds.

    OMP_NUM_THREADS=1 python benchmarks/morphism.py growth --out benchmarks/results/morphism.json
    OMP_NUM_THREADS=1 python benchmarks/morphism.py search --seeds 2 --out benchmarks/results/morphism.json

Two questions. First: a network is trained (the parent), then made wider, deeper and larger in its kernels.
How many epochs, and seconds of processor time, until the child is better than its parent by a margin on the
validation images: with the parent's knowledge, and from scratch? Each is given the rate that suits it, the
best of `RATES` by the median of seconds, and at most `EPOCHS` epochs. Second: what does a whole co-search
cost, whose children inherit weights, against the same search that trains every network from scratch, as long
as the first or as short as the children?

On the plain digits networks end within a per cent of each other, so that margins are half a point;
`digits-noisy` leaves more room, and the margin is two points. With 448 validation images a point is 4.5 images.
"""

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np
import torch
from torch import nn

from accel_models.zoo.networks.mobile import ConvNorm
from apollo_dse.codesign.datasets import load
from apollo_dse.codesign.inheritance import Plan, cosearch, unlearned
from apollo_dse.codesign.morphism import deeper, larger_kernel, wider
from apollo_dse.codesign.training import Schedule, accuracy, train
from apollo_dse.problem import Constraint
from search_spaces import get

MARGINS = {"digits": 0.005, "digits-noisy": 0.02}
PARENT_EPOCHS, EPOCHS = 15, 30
RATES = {"morphism": (0.01, 0.03, 0.1), "scratch": (0.03, 0.1, 0.3)}
TIE_BREAKING = 0.05
LIMITS = (Constraint("latency_s", upper=1.5e-6), Constraint("area_mm2", upper=1.5))
CHILDREN = 12
SHORT = Schedule(epochs=Plan().child.epochs)
WAYS = {
    "inherit": Plan(),
    "scratch": Plan(inherit=False),
    "scratch, as short": Plan(inherit=False, first=SHORT),
}


class ReachedError(Exception):
    """A network is as good as was asked."""


def parent(seed):
    """Three convolutions and a classifier, 1,698 weights."""
    torch.manual_seed(seed)
    return nn.Sequential(
        ConvNorm(1, 8, 3, activation=nn.ReLU),
        ConvNorm(8, 8, 3, stride=2, activation=nn.ReLU),
        ConvNorm(8, 12, 3, activation=nn.ReLU),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 10),
    )


def child(network, images, seed):
    """The parent, twice as wide, one layer deeper, with one kernel of 5 x 5."""
    for layer, width in (("0.0", 16), ("1.0", 16), ("2.0", 24)):
        network = wider(network, images, layer, width, noise=TIE_BREAKING, seed=seed)
    return larger_kernel(deeper(network, images, "1.0"), "2.0", 5)


def until(network, dataset, target, rate, seed):
    """Epochs and seconds until the validation accuracy is `target`; None where it never is. And the best."""
    best, scoring_s, epochs = 0.0, 0.0, 0

    def report(progress):
        nonlocal best, scoring_s, epochs
        began = process_time()
        best, epochs = max(best, accuracy(network.eval(), dataset.validation)), progress.epoch
        scoring_s += process_time() - began
        if best >= target:
            raise ReachedError

    began = process_time()
    try:
        train(network, dataset, Schedule(epochs=EPOCHS, learning_rate=rate, seed=seed), report=report)
    except ReachedError:
        return {"epochs": epochs, "seconds": process_time() - began - scoring_s, "best": best}
    return {"epochs": None, "seconds": None, "best": best}


def growth(name, seeds):
    """Of every seed: the parent, and what the child took to be better by the margin, by way and rate."""
    dataset = load(name)
    images = torch.from_numpy(dataset.train.images[:256])
    runs = []
    for seed in seeds:
        began = process_time()
        trained = train(parent(seed), dataset, Schedule(epochs=PARENT_EPOCHS, seed=seed))
        parent_s = process_time() - began
        scored = accuracy(trained, dataset.validation)
        run = {"seed": seed, "parent": scored, "parent_seconds": parent_s}
        began = process_time()
        larger = child(trained, images, seed)
        run["morphism_itself_seconds"] = process_time() - began
        run["child_at_birth"] = accuracy(larger, dataset.validation)
        target = scored + MARGINS[name]
        for way, rates in RATES.items():
            for rate in rates:
                begun = child(trained, images, seed) if way == "morphism" else unlearned(larger, seed + 1000)
                run[f"{way} {rate}"] = until(begun, dataset, target, rate, seed)
        runs.append(run)
        print(name, json.dumps(run), flush=True)
    ways = {way: [f"{way} {rate}" for rate in rates] for way, rates in RATES.items()}
    medians = {line: median(runs, line) for lines in ways.values() for line in lines}
    chosen = {
        way: min(lines, key=lambda line: medians[line]["seconds"] or np.inf) for way, lines in ways.items()
    }
    return {"margin": MARGINS[name], "runs": runs, "medians": medians, "chosen": chosen}


def median(runs, line):
    """Median epochs and seconds over seeds, None where most never got there; and how many did."""
    got = [run[line] for run in runs if run[line]["epochs"] is not None]
    missing = [float("inf")] * (len(runs) - len(got))
    return {
        "epochs": _finite(statistics.median([each["epochs"] for each in got] + missing)),
        "seconds": _finite(statistics.median([each["seconds"] for each in got] + missing)),
        "reached": f"{len(got)} of {len(runs)}",
    }


def _finite(value):
    return None if value == float("inf") else value


def searches(name, seeds):
    """Whole co-searches on the edge space: accuracy, seconds and epochs, with inheritance and without."""
    dataset, edge = load(name), get("edge")
    points = edge.space.sample(np.random.default_rng(0), 200)
    point = min(points, key=lambda each: edge.build(each).total_area_mm2)
    runs = {way: [] for way in WAYS}
    for seed in seeds:
        for way, plan in WAYS.items():
            plan = replace(plan, children=CHILDREN, seed=seed)
            found = cosearch(parent(seed), point, dataset, edge, LIMITS, plan)
            best = found.best
            run = {
                "seed": seed,
                "training_seconds": found.training_s,
                "epochs": found.epochs,
                "refused": found.refused,
                "validation": best.accuracy,
                "test": accuracy(best.network, dataset.test),
                "first_validation": found.members[0].accuracy,
                "weights": sum(each.numel() for each in best.network.parameters()),
                **{key: best.measurement.metrics[key] for key in ("latency_s", "energy_j", "area_mm2")},
            }
            runs[way].append(run)
            print(name, way, json.dumps(run), flush=True)
    keys = ("training_seconds", "epochs", "validation", "test", "weights")
    means = {way: {key: statistics.fmean(run[key] for run in runs[way]) for key in keys} for way in WAYS}
    return {"children": CHILDREN, "limits": list(map(str, LIMITS)), "runs": runs, "means": means}


def main():
    """Answer one of the questions, print it, and put it into the file of results if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("question", choices=("growth", "search"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(arguments.seeds)
    if arguments.question == "growth":
        found = {name: growth(name, seeds) for name in MARGINS}
        print(json.dumps({name: each["medians"] for name, each in found.items()}, indent=1))
    else:
        found = {"digits-noisy": searches("digits-noisy", seeds)}
        print(json.dumps(found["digits-noisy"]["means"], indent=1))
    if arguments.out:
        kept = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
        arguments.out.write_text(json.dumps(kept | {arguments.question: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
