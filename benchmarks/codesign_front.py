"""The exact front of networks and accelerators, and how near a search of both comes to it.

    python benchmarks/codesign_front.py --table nb201_core.csv.gz --area 20 --trials 200 --seeds 3 --out FILE

Networks are the 15,625 cells of NAS-Bench-201, rated by the table on CIFAR-10; designs the 452,760,000 of the
edge space, of limited area; goals accuracy and the energy-delay product. Cells that run the same layers are one
workload. From the most accurate to the least, each is solved for the least product that is
below that of all more accurate ones (docs/optimum.md): what is found is the front of all pairs, certified.

Beside it stand the exact answers of what a joint search replaces, at each accuracy of the front: the network
that is best on the design that is best for the usual network; the design that is best for that network; and the
design that is best for the network of the fewest multiply-accumulates.

A search is judged by its energy-delay product over the exact one at each accuracy of the exact front that it
reaches, and by the share of the hypervolume (logarithm of the product, accuracy) that it has.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

from apollo_dse.ablation import Result, ablate, shares
from apollo_dse.codesign.accuracy import accuracy
from apollo_dse.codesign.networks import Networks
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.oracle import solve
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.trial import Measurement, Trial
from search_spaces import canonical, get, network_space

BELOW = 1.0 - 1e-9
"""A product must be below this times the best of more accurate networks to be on the front."""


def content(workload):
    """What workloads of equal cost share: layers in order and all vector operations, without names."""
    layers = tuple(hash(replace(layer, name="")) for layer in workload.layers)
    return layers, tuple(sorted(hash(replace(op, name="")) for op in workload.vector_ops))


def workloads(space, table):
    """The networks in groups of equal workload: of each the most accurate, by falling accuracy."""
    groups = {}
    points = list(space.space.enumerate())
    for point, rating in zip(points, table(points), strict=True):
        key = content(space.build(point))
        best = groups.get(key)
        if best is None or rating.metrics["accuracy"] > best[0]:
            groups[key] = (rating.metrics["accuracy"], point)
    return sorted(groups.values(), key=lambda each: -each[0])


def exact_front(space, table, area):
    """Accuracy, network, design and product of every pair on the front, the most accurate first."""
    start, front, best = perf_counter(), [], float("inf")
    ordered = workloads(space, table)
    print(f"{len(ordered)} workloads, {perf_counter() - start:.0f} s", flush=True)
    for solved, (rating, network) in enumerate(ordered, start=1):
        limits = (Constraint("area_mm2", upper=area, known=True),)
        if front:
            limits = (*limits, Constraint("edp_js", upper=best * BELOW))
        question = Question(
            space="edge",
            workloads=(space.build(network),),
            objectives=(Objective("edp_js"),),
            constraints=limits,
        )
        found = solve(question.problem())
        assert found.gap == 0.0 or found.best is None
        assert found.open == 0
        if found.best is not None:
            best = found.best.losses[0]
            front.append({"accuracy": rating, "edp_js": best, "network": network, "design": found.best.point})
            told = f"{solved} solved, accuracy {rating:.4f}, {best:.4g} Js"
            print(f"{told}, {perf_counter() - start:.0f} s", flush=True)
    return {"area_mm2": area, "workloads": len(ordered), "seconds": perf_counter() - start, "front": front}


def solved_for(network, space, area):
    """The exact best design of a network, and its product."""
    question = Question(
        space="edge",
        workloads=(space.build(network),),
        objectives=(Objective("edp_js"),),
        constraints=(Constraint("area_mm2", upper=area, known=True),),
    )
    found = solve(question.problem())
    assert found.gap == 0.0
    assert found.best is not None
    return found.best.point, found.best.losses[0]


def exact_sequence(space, table, area, front):
    """Products of one after the other, exact, beside those of both together, at each accuracy of the front."""
    start = perf_counter()
    design, product = solved_for(space.usual, space, area)
    (usual,) = table([space.usual])
    ordered = workloads(space, table)
    edge = AnalyticalEvaluator(get("edge"), [space.build(space.usual)], minimize="edp")
    rated = []
    for accuracy_of, network in ordered:
        workload = space.build(network)
        (measured,) = edge.on([workload])([design])
        rated.append((accuracy_of, measured.metrics["edp_js"], workload.macs, network))
    known = {}

    def best_for(network):
        key = canonical(network)
        if key not in known:
            known[key] = solved_for(network, space, area)[1]
        return known[key]

    rows = []
    for each in front:
        allowed = [row for row in rated if row[0] >= each["accuracy"]]
        on_design = min(allowed, key=lambda row: row[1])
        fewest = min(allowed, key=lambda row: row[2])
        rows.append(
            {
                "accuracy": each["accuracy"],
                "joint": each["edp_js"],
                "network_only": on_design[1],
                "sequential": best_for(on_design[3]),
                "fewest_macs": best_for(fewest[3]),
            }
        )
        print(rows[-1], flush=True)
    return {
        "usual": {"accuracy": usual.metrics["accuracy"], "edp_js": product, "design": dict(design)},
        "rows": rows,
        "seconds": perf_counter() - start,
    }


def overheads(front, trials):
    """Product over the exact one at each accuracy of the front that the trials reach."""
    found = []
    for each in front:
        reached = [
            t.measurement.metrics["edp_js"]
            for t in trials
            if t.measurement.metrics["accuracy"] >= each["accuracy"]
        ]
        if reached:
            found.append(min(reached) / each["edp_js"])
    return found


def searched(options, exact):
    """How near searches come, the joint one and those that it replaces."""
    question = Question(
        space="edge",
        networks=Networks("nb201", f"table:{options.table}"),
        objectives=(Objective("accuracy", "maximize"), Objective("edp_js")),
        constraints=(Constraint("area_mm2", upper=options.area, known=True),),
        optimizer=options.optimizer,
    )
    optimal = [
        Trial(number, {}, Measurement({"accuracy": each["accuracy"], "edp_js": each["edp_js"]}))
        for number, each in enumerate(exact["front"])
    ]
    rows = []
    for seed in range(options.seeds):
        asked = replace(question, seed=seed)
        start = perf_counter()
        joint = asked.search(options.trials)
        arms = ablate(asked, joint, options.trials, lambda q, name, count: q.search(count, name=name))
        for arm, result in arms.items():
            ratios = overheads(exact["front"], result.front)
            volume = shares(asked, {"joint": result, "sequential": Result("sequential", 0, optimal, None)})[
                "joint"
            ]
            rows.append(
                {
                    "arm": arm,
                    "optimizer": options.optimizer,
                    "seed": seed,
                    "trials": result.trials,
                    "hypervolume": volume,
                    "reached": len(ratios) / len(exact["front"]),
                    "median_overhead": median(ratios) if ratios else None,
                    "seconds": perf_counter() - start,
                }
            )
            print(rows[-1], flush=True)
    return rows


def main():
    """Solve, search, and write both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--area", type=float, default=20.0)
    parser.add_argument("--optimizer", default="portfolio")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    known = json.loads(options.out.read_text()) if options.out.exists() else {}
    if "exact" not in known:
        space = network_space("nb201")
        known["exact"] = exact_front(space, accuracy(f"table:{options.table}", space), options.area)
        options.out.write_text(json.dumps(known, indent=1) + "\n")
    if "sequence" not in known:
        space = network_space("nb201")
        rated = accuracy(f"table:{options.table}", space)
        known["sequence"] = exact_sequence(space, rated, options.area, known["exact"]["front"])
        options.out.write_text(json.dumps(known, indent=1) + "\n")
    known.setdefault("searches", []).extend(searched(options, known["exact"]))
    options.out.write_text(json.dumps(known, indent=1) + "\n")
    for arm in ("network_only", "sequential", "fewest_macs"):
        ratios = [row[arm] / row["joint"] for row in known["sequence"]["rows"]]
        told = f"median {median(ratios):.3f}, most {max(ratios):.3f}"
        print(f"{arm:14} exact product over that of the joint optimum: {told}")
    for arm in ("hardware_only", "network_only", "sequential", "joint") if options.seeds else ():
        volumes = [row["hypervolume"] for row in known["searches"] if row["arm"] == arm]
        print(f"{arm:14} share of the exact hypervolume {np.mean(volumes):.3f} (mean of {len(volumes)})")


if __name__ == "__main__":
    main()
