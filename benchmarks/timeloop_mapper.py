"""Our mapper beside Timeloop's own and an annealer, on the rows of a reference file; many designs on one front.

The file has architectures, problems and, by row, the best mapping that a tool found with its effort, in the
tabular form of `accel_models.interop.timeloop`; it is not part of the project. Both sides are counted by the
rules of release 3.0.3, with which the rows were made. Our seconds are those of one processor. Writes
results/timeloop_mapper.json, which has no row of theirs: how often and how far ours are better, and ours.

    python benchmarks/timeloop_mapper.py --data FOLDER --jobs 2
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from math import exp, log
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import numpy as np

from accel_models.interop import timeloop
from accel_models.interop.timeloop.load import load_unmapped
from accel_models.interop.timeloop.mapper import keep_choices
from accel_models.mapper.front import mapping_front

RESULTS = Path(__file__).parent / "results" / "timeloop_mapper.json"
VERSION = "v303"
LIMIT = 40_000
SLACK = 1.05
FRONTS = ("resnet18_l4_3x3", "bert_ffn1_384", "mbv2_last_1x1", "bert_qk_384")
DESIGNS = 2000


def main() -> None:
    """Solve all, compare with all rows, price many designs, write as results come in."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of golden_mapper.json")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    data = json.loads((chosen.data / "golden_mapper.json").read_text(encoding="utf-8"))
    keys = dict.fromkeys((row["arch"], row["problem"], row["metric"]) for row in data["rows"])
    solved, fronts = {}, []
    with ProcessPoolExecutor(chosen.jobs, mp_context=get_context("spawn")) as processes:
        jobs = {processes.submit(solve, data, *key): key for key in keys}
        jobs |= {processes.submit(priced, data, a, p): None for a in data["architectures"] for p in FRONTS}
        for job in as_completed(jobs):
            if (key := jobs[job]) is None:
                fronts.append(job.result())
            else:
                solved[key] = job.result()
            print(job.result(), flush=True)
            write(data, solved, fronts, chosen.out)


def write(data: dict, solved: dict[tuple[str, ...], dict], fronts: list[dict], out: Path) -> None:
    """Compare the rows of what is solved so far, and write."""
    rows = [
        compared(data, row, solved[key])
        for row in data["rows"]
        if (key := (row["arch"], row["problem"], row["metric"])) in solved
    ]
    kinds = ("style", "free", "annealed")
    by_kind = {kind: [row for row in rows if row["kind"] == kind] for kind in kinds}
    found = {
        "version": VERSION,
        "rows_of_the_file": len(data["rows"]),
        "summary": {kind: summary(some) for kind, some in by_kind.items() if some},
        "solved": list(solved.values()),
        "fronts": fronts,
    }
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def solve(data: dict, arch: str, problem: str, metric: str) -> dict:
    """Our mapping, from the quick pass and from the whole search, with the seconds of each."""
    found = {"arch": arch, "problem": problem, "metric": metric}
    for name, exact in (("quick", False), ("exact", True)):
        start = process_time()
        best = timeloop.best_mapping(
            data["architectures"][arch],
            data["problems"][problem],
            metric,
            version=VERSION,
            exact=exact,
            limit=LIMIT,
        )
        seconds = process_time() - start
        found[name] = {
            "seconds": round(seconds, 3),
            "score": best.score,
            "cycles": best.result.cycles,
            "energy_pj": best.result.energy_pj,
            "complete": best.complete,
            "visited": best.visited,
        }
    return found


def compared(data: dict, row: dict, ours: dict) -> dict:
    """A row beside ours; its mapping is counted again, since its energy is printed with few digits."""
    case = timeloop.load(
        {"architecture": data["architectures"][row["arch"]], "problem": data["problems"][row["problem"]]},
        None,
        {"mapping": row["mapping"]},
    )
    result = case.counts("timeloop", VERSION)
    scores = {"edp": result.energy_pj * result.cycles, "delay": result.cycles, "energy": result.energy_pj}
    theirs = scores[row["metric"]]
    return {
        **{key: row[key] for key in ("arch", "problem", "metric")},
        "kind": row.get("mapspace_kind") or "annealed",
        "theirs": theirs,
        "their_seconds": row["seconds"],
        "quick_ratio": ours["quick"]["score"] / theirs,
        "exact_ratio": ours["exact"]["score"] / theirs,
        "quick_seconds": ours["quick"]["seconds"],
        "exact_seconds": ours["exact"]["seconds"],
        "complete": ours["exact"]["complete"],
    }


def summary(rows: list[dict]) -> dict:
    """Share of rows on which we are never worse, mean ratios, and how much sooner we are done."""
    found: dict[str, object] = {"rows": len(rows), "complete": sum(row["complete"] for row in rows)}
    for name in ("quick", "exact"):
        ratios = [row[f"{name}_ratio"] for row in rows]
        times = [row["their_seconds"] / row[f"{name}_seconds"] for row in rows]
        found[name] = {
            "never_worse": sum(ratio <= 1 + 1e-9 for ratio in ratios),
            "worst_ratio": max(ratios),
            "mean_ratio": mean(ratios),
            "mean_ratio_by_metric": {
                metric: mean([row[f"{name}_ratio"] for row in rows if row["metric"] == metric])
                for metric in sorted({row["metric"] for row in rows})
            },
            "times_faster": mean(times),
            "times_faster_least": min(times),
        }
    return found


def mean(numbers: list[float]) -> float:
    """The geometric mean."""
    return exp(sum(map(log, numbers)) / len(numbers))


def priced(data: dict, arch: str, problem: str) -> dict:
    """The mapping front of one problem, and the time of pricing drawn designs on it."""
    machine, layer, choices = load_unmapped(data["architectures"][arch], data["problems"][problem])
    start = process_time()
    front = mapping_front(machine, layer, "edp", keep_choices(machine, layer, choices), VERSION, slack=SLACK)
    built = process_time() - start
    rng = np.random.default_rng(0)
    energies = SLACK ** rng.random((DESIGNS, front.energy_pj.shape[1]))
    start = process_time()
    prices = front.price(energies)
    each = (process_time() - start) / DESIGNS
    return {
        "arch": arch,
        "problem": problem,
        "slack": SLACK,
        "mappings": len(front.nests),
        "visited": front.visited,
        "front_seconds": round(built, 2),
        "seconds_per_design": each,
        "seconds_per_design_with_front": built / DESIGNS + each,
        "designs": DESIGNS,
        "proven": int(prices.proven.sum()),
        "different_mappings_chosen": int(np.unique(prices.which).size),
    }


if __name__ == "__main__":
    main()
