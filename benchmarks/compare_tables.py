"""What a comparison says, in tables: shrinks the document of `apollo-dse compare --json` to what they need.

    apollo-dse compare --optimizers ... --trials 200 --json > FULL.json
    python benchmarks/compare_tables.py FULL.json --out benchmarks/results/compare.json
    python benchmarks/compare_tables.py benchmarks/results/compare.json

Prints the optimizers over all tasks; what each has after a quarter of the trials against the best of the other
libraries after all of them; and what each gains over the Gaussian process of `bayesian` at equal trials as the
budget tightens, which is how the seed paper counts (Apollo, arXiv 2102.01723: by how much a design is better).
"""

import argparse
import json
from math import inf, isfinite
from pathlib import Path
from statistics import median
from typing import Any

ENDS = ("25", "50", "100", "200")
PEERS = ("optuna-", "nevergrad-", "smac")
BASELINE = "bayesian"


def shrunk(full: dict[str, Any]) -> dict[str, Any]:
    """The medians at `ENDS`, the ranks, the wins, the overhead."""
    names = full["optimizers"]
    asked = f"--optimizers {','.join(names)} --tasks {','.join(full['tasks'])}"
    return {
        "command": f"apollo-dse compare {asked} --trials {full['trials']} --seeds {full['seeds']} --json",
        "trials": full["trials"],
        "seeds": full["seeds"],
        "median_regret": {
            task: {
                name: {end: told["regret"]["0.5"][int(end) - 1] for end in ENDS if int(end) <= full["trials"]}
                for name, told in content["results"].items()
            }
            for task, content in full["tasks"].items()
        },
        "overall": full["overall"],
        "wins": full["wins"],
        "overhead_s": full["overhead_s"],
    }


def known(value: float | None) -> float:
    """An infinite number is null in JSON."""
    return inf if value is None else value


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.1f} %" if isfinite(value) else "-"


def overall(found: dict[str, Any], ends: list[str]) -> list[list[str]]:
    """All optimizers, by mean rank."""
    rows = [["optimizer", "mean rank", *(f"regret at {end}" for end in ends), "within 5 %", "within 1 %", "ms"]]
    for name, told in sorted(found["overall"].items(), key=lambda pair: pair[1]["mean_rank"]):
        curves = [task[name] for task in found["median_regret"].values()]
        regrets = [percent(median(known(curve[end]) for curve in curves)) for end in ends]
        near = [f"{told['trials_to'][target]['reached']:.0%}" for target in ("0.05", "0.01")]
        cost = f"{1e3 * found['overhead_s'][name]['median']:.0f}"
        rows.append([f"`{name}`", f"{told['mean_rank']:.2f}", *regrets, *near, cost])
    return rows


def quarter(found: dict[str, Any], ends: list[str]) -> list[list[str]]:
    """On how many tasks each optimizer of ours is, by a quarter of the trials, where the best peer ends."""
    tasks = found["median_regret"].values()
    peers = [name for name in found["overall"] if name.startswith(PEERS)]
    rows = [["optimizer", f"tasks where its regret at {ends[-3]} is at most the best peer's at {ends[-1]}"]]
    for name in found["overall"]:
        if peers and name not in peers:
            as_good = sum(
                known(task[name][ends[-3]]) <= min(known(task[peer][ends[-1]]) for peer in peers)
                for task in tasks
            )
            rows.append([f"`{name}`", f"{as_good} of {len(tasks)}"])
    return rows


def gains(found: dict[str, Any], end: str) -> list[list[str]]:
    """By how much the loss of the baseline is above that of each optimizer, by budget, medians over tasks."""
    budgets = list(dict.fromkeys(task.rsplit("-", 1)[1] for task in found["median_regret"]))
    rows = [["optimizer", *(f"{budget}: median, least, most" for budget in budgets)]]
    for name in found["overall"]:
        cells = []
        for budget in budgets:
            tasks = [each for task, each in found["median_regret"].items() if task.endswith(f"-{budget}")]
            pairs = [(known(each[BASELINE][end]), known(each[name][end])) for each in tasks]
            ratios = [(1 + base) / (1 + own) - 1 for base, own in pairs if isfinite(base) and isfinite(own)]
            cells.append(", ".join(percent(each) for each in (median(ratios), min(ratios), max(ratios))))
        rows.append([f"`{name}`", *cells])
    return rows


def main() -> None:
    """Read a document of either kind, print its tables, write the small one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("document", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    found = json.loads(given.document.read_text(encoding="utf-8"))
    found = shrunk(found) if "tasks" in found else found
    if given.out:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    ends = [end for end in ENDS if int(end) <= found["trials"]]
    tables = [overall(found, ends), quarter(found, ends)]
    tables += [gains(found, end) for end in ends[1:] if BASELINE in found["overall"]]
    for head, *body in tables:
        print("| " + " | ".join(head) + " |", "|" + "---|" * len(head), sep="\n")
        print("\n".join("| " + " | ".join(row) + " |" for row in body), end="\n\n")


if __name__ == "__main__":
    main()
