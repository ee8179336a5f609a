"""The built-in model as the prior of SCALE-Sim: how many simulations it spares, in one run.

    python benchmarks/scalesim_prior.py OUT.json --python /opt/scalesim/bin/python [--seeds 3] [--trials 60]

SCALE-Sim 3.0.0 steps through every cycle of the last layers of ResNet-8, MLPerf Tiny's network for CIFAR-10
(Banbury et al., arXiv 2106.07597), on systolic arrays of all shapes within an area. Its latency is minimized; a
design is simulated once for all searches. Cold searches are told nothing; to `predicted` the mean is what the
built-in model predicts. Which design is best nobody knows: it is the best that any search found. Each learns
after every simulation; a search with the model first asks that for 512 designs (`PREDICTED_TRIALS`).
"""

import argparse
import json
import sys
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from analytical_prior import near_at

from accel_models import Layer, Workload
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import MODEL, Question
from search_spaces import DesignSpace, get

SPACE = """\
base: systolic
name: systolic-tiny
values:
  rows: [16, 24, 32, 48, 64, 96, 128]
  columns: [16, 24, 32, 48, 64, 96, 128]
  buffer_bytes: [16KiB, 32KiB, 64KiB, 128KiB, 256KiB]
  accumulator_bytes: [16KiB, 32KiB, 64KiB]
pin: {arrays: 1, fill: exposed, dram: LPDDR4, dram_bandwidth_gb_per_s: 32}
"""
LIMIT = "area<=0.25mm2"
NEAR = (1.0, 1.01, 1.05)
"""A search has arrived within these of the best known."""

COLD = ("portfolio", "bayesian")


def space() -> DesignSpace:
    """Arrays of SCALE-Sim's kind."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "space.yaml"
        path.write_text(SPACE)
        return get(str(path))


def network() -> Workload:
    """The last stage and the classifier: on smaller arrays the stages before take minutes a design."""
    shape = {"k": 64, "p": 8, "q": 8}
    layers = (
        Layer(name="first", c=32, r=3, s=3, stride=(2, 2), **shape),
        Layer(name="second", c=64, r=3, s=3, **shape),
        Layer(name="shortcut", c=32, stride=(2, 2), **shape),
        Layer(name="classifier", kind="gemm", k=10, c=64),
    )
    return Workload(name="resnet8-end", layers=layers)


def main() -> None:
    """Run all searches and write their curves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--python", required=True, help="interpreter that has SCALE-Sim")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=60)
    given = parser.parse_args()
    question = Question(
        space=space(),
        workloads=(network(),),
        objectives=(Objective("latency_s"),),
        constraints=(Constraint.parse(LIMIT),),
        evaluator=f"scalesim:{given.python}",
        batch=1,
    )
    curves: dict[str, list[list[float]]] = {}
    studies = {}
    for seed in range(given.seeds):
        for name in (*COLD, "predicted"):
            how = {"method": name, "sources": (MODEL,)} if name == "predicted" else {"optimizer": name}
            study = replace(question, seed=seed, **how).search(given.trials)
            studies[name, seed] = study
            curves.setdefault(name, []).append(study.convergence()[:, 0].tolist())
            print(f"{name}, seed {seed}: {curves[name][-1][-1]:.6g} s", flush=True)
    best = min(min(curve) for each in curves.values() for curve in each)
    rows = {}
    for name, each in curves.items():
        near = {
            str(within): [near_at(studies[name, seed], best, within) for seed in range(given.seeds)]
            for within in NEAR
        }
        rows[name] = {
            "trials_to": {key: [None if n == inf else n for n in counts] for key, counts in near.items()},
            "over_best": [
                [None if loss == inf else float(f"{loss / best:.5g}") for loss in curve] for curve in each
            ],
        }
        print(
            f"{name}: median trials to { ({key: median(counts) for key, counts in near.items()}) }", flush=True
        )
    command = f"benchmarks/scalesim_prior.py --seeds {given.seeds} --trials {given.trials}"
    found = {"command": command, "network": network().name, "limit": LIMIT, "best_s": best, "searches": rows}
    given.out.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    sys.exit(main())
