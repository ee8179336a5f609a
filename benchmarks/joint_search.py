"""Networks and accelerators searched together, beside the searches that this replaces, at equal accuracy.

    python benchmarks/joint_search.py --table accel_nasbench.csv.gz --trials 300 --seeds 5 --out FILE

Networks are those of Accel-NASBench, rated by a surrogate that is fitted to its ImageNet accuracies; designs
those of the edge space, of limited area. What is minimized is the energy-delay product, with the accuracy of
EfficientNet-B0, which is the usual network of the space, or a given one, as the limit. Every search has as many
trials; a sequence has those of its first two stages on top (`apollo_dse.ablation`). What the file has is kept.
"""

import argparse
import json
from pathlib import Path
from statistics import geometric_mean
from time import process_time

from apollo_dse.ablation import ARMS, ablate
from apollo_dse.codesign.accuracy import accuracy
from apollo_dse.codesign.networks import Networks
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from search_spaces import network_space

SPACE = "mnasnet"


def compared(rated, options, least, seed):
    """What each search ends with: the product, the accuracy, trials; None where nothing was feasible."""
    question = Question(
        space="edge",
        networks=Networks(SPACE, rated),
        objectives=(Objective("edp_js"),),
        constraints=(
            Constraint("accuracy", lower=least),
            Constraint("area_mm2", upper=options.area, known=True),
        ),
        optimizer=options.optimizer,
        seed=seed,
    )
    start = process_time()
    joint = question.search(options.trials)
    arms = ablate(question, joint, options.trials, lambda asked, name, count: asked.search(count, name=name))
    found = {"accuracy": least, "seed": seed, "trials": options.trials}
    for arm, result in arms.items():
        best = result.best
        metrics = None if best is None else best.measurement.metrics
        found[arm] = {
            "trials": result.trials,
            "edp_js": None if metrics is None else metrics["edp_js"],
            "accuracy": None if metrics is None else metrics["accuracy"],
        }
    return found | {"processor_s": process_time() - start}


def summary(rows):
    """Lines of text: by accuracy the products of all arms over those of the joint search, geometric means."""
    for least in sorted({row["accuracy"] for row in rows}):
        ours = [row for row in rows if row["accuracy"] == least]
        cells = []
        for arm in ARMS:
            pairs = [(row[arm]["edp_js"], row["joint"]["edp_js"]) for row in ours]
            ratios = [own / joint for own, joint in pairs if own is not None and joint is not None]
            told = f"{geometric_mean(ratios):.2f}" if ratios else "-"
            cells.append(f"{arm} {told} ({len(ratios)} of {len(pairs)})")
        yield f"accuracy >= {least:.4f}: product over that of the joint search: {', '.join(cells)}"


def main():
    """Search what is missing, write, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--area", type=float, default=20.0)
    parser.add_argument("--accuracy", type=float, nargs="*", default=[])
    parser.add_argument("--optimizer", default="portfolio")
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    space = network_space(SPACE)
    rated = accuracy(f"surrogate:{options.table}", space)
    usual = rated([space.usual])[0].metrics["accuracy"]
    rows = json.loads(options.out.read_text())["searches"] if options.out.exists() else []
    done = {(row["accuracy"], row["seed"], row["trials"]) for row in rows}
    for seed in range(options.seeds):
        for least in options.accuracy or [usual]:
            if (least, seed, options.trials) in done:
                continue
            rows.append(compared(rated, options, least, seed))
            print(json.dumps(rows[-1]), flush=True)
            found = {"optimizer": options.optimizer, "area_mm2": options.area, "searches": rows}
            options.out.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(summary(rows)))


if __name__ == "__main__":
    main()
