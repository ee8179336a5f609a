"""Runs of `apollo-dse compare` kept in a few bytes each, and what they say, in tables.

    apollo-dse compare --optimizers ... --trials 200 --results RUNS.jsonl
    python benchmarks/compare_tables.py RUNS.jsonl --out benchmarks/results/compare.json
    python benchmarks/compare_tables.py

A run's regret is kept where it falls, as pairs of trial and regret; runs that the file has already stay there,
so that seeds can be added another day. Tables are of the tasks and seeds that all optimizers have: the
optimizers over all runs; what each has after a quarter of the trials against the best of the other libraries
after all of them; the best two against each other one; and what each gains over the Gaussian process of
`bayesian` at equal trials as the budget tightens, which is how the seed paper counts (Apollo, arXiv 2102.01723:
by how much a design is better).
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

from falls import curve, falls

from apollo_dse.benchmark.statistics import (
    SIGNIFICANT,
    mean_ranks,
    quantile,
    standing,
    trials_to,
    win_matrix,
)

KEPT = Path(__file__).parent / "results" / "compare.json"
ENDS = (25, 50, 100, 200)
PEERS = ("optuna-", "nevergrad-", "smac")
BASELINE = "bayesian"

Case = tuple[str, int]
"""A task and a seed."""


def kept(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of a run: where its regret falls, and milliseconds a trial without those of measuring."""
    return {"falls": falls(outcome["regret"]), "ms": float(f"{1e3 * outcome['overhead_s']:.3g}")}


class Comparison:
    """Runs of several optimizers on the same tasks from the same seeds.

    Args:
        found: content of a file of runs that were kept.

    Attributes:
        curves: [trials] of each optimizer, by task and seed.
        ms: milliseconds a trial, likewise.
    """

    def __init__(self, found: Mapping[str, Any]) -> None:
        self.trials = int(found["trials"])
        runs: dict[str, dict[Case, Mapping[str, Any]]] = {}
        for task, by_name in found["runs"].items():
            for name, by_seed in by_name.items():
                runs.setdefault(name, {}).update({(task, int(seed)): run for seed, run in by_seed.items()})
        self.cases = [case for case in next(iter(runs.values())) if all(case in each for each in runs.values())]
        self.curves = {
            name: {case: curve(each[case]["falls"], self.trials) for case in self.cases}
            for name, each in runs.items()
        }
        self.ms = {name: [each[case]["ms"] for case in self.cases] for name, each in runs.items()}
        standings = {name: [standing(each[case]) for case in self.cases] for name, each in self.curves.items()}
        self.ranks = mean_ranks(standings)
        self.duels = win_matrix(standings)

    @property
    def names(self) -> list[str]:
        """The optimizers, by mean rank."""
        return sorted(self.ranks, key=self.ranks.__getitem__)

    def regrets(self, name: str, end: int, share: float = 0.5) -> float:
        """Quantile over the runs of an optimizer of the regret after so many trials."""
        return quantile([each[end - 1] for each in self.curves[name].values()], share)

    def to(self, name: str, target: float) -> list[float]:
        """Trials of each run of an optimizer to a regret."""
        return [trials_to(each, target) for each in self.curves[name].values()]

    def reached(self, name: str, target: float) -> float:
        """Share of an optimizer's runs that got to a regret."""
        counts = self.to(name, target)
        return sum(map(isfinite, counts)) / len(counts)

    @property
    def tasks(self) -> list[str]:
        """Names of the tasks."""
        return list(dict.fromkeys(task for task, _ in self.cases))


def percent(value: float) -> str:
    """A share in per cent."""
    return f"{100 * value:.1f} %" if isfinite(value) else "-"


def overall(found: Comparison) -> Iterator[list[str]]:
    """All optimizers, by mean rank."""
    ends = [end for end in ENDS if end <= found.trials]
    yield [
        "optimizer",
        "mean rank",
        *(f"regret at {end}" for end in ends),
        "quartiles at the end",
        "trials to 1 %",
        "within 5 %",
        "within 1 %",
        "ms",
    ]
    for name in found.names:
        quartiles = ", ".join(percent(found.regrets(name, found.trials, share)) for share in (0.25, 0.75))
        middle = quantile(found.to(name, 0.01), 0.5)
        yield [
            f"`{name}`",
            f"{found.ranks[name]:.2f}",
            *(percent(found.regrets(name, end)) for end in ends),
            quartiles,
            f"{middle:g}" if isfinite(middle) else "-",
            *(f"{found.reached(name, target):.0%}" for target in (0.05, 0.01)),
            f"{median(found.ms[name]):.0f}",
        ]


def quarter(found: Comparison) -> Iterator[list[str]]:
    """Of how many runs each optimizer of ours is, by a quarter of the trials, where the best peer ends."""
    peers = [name for name in found.names if name.startswith(PEERS)]
    end = found.trials // 4
    yield ["optimizer", f"runs whose regret at {end} is at most the best peer's at {found.trials}"]
    for name in found.names if peers else ():
        if name not in peers:
            as_good = sum(
                found.curves[name][case][end - 1] <= min(found.curves[peer][case][-1] for peer in peers)
                for case in found.cases
            )
            yield [f"`{name}`", f"{as_good} of {len(found.cases)}"]


def duels(found: Comparison) -> Iterator[list[str]]:
    """The best two against each: wins, losses, and the p-value, with a star where chance is ruled out."""
    first = found.names[:2]
    yield ["optimizer", *(f"`{name}`: wins, losses, p" for name in first)]
    for other in found.names:
        pairs = [None if other == name else found.duels[name][other] for name in first]
        cells = [
            ""
            if pair is None
            else f"{pair.wins}, {pair.losses}, {pair.p_value:.2g}{'' if pair.p_value > SIGNIFICANT else ' *'}"
            for pair in pairs
        ]
        yield [f"`{other}`", *cells]


def gains(found: Comparison, end: int) -> Iterator[list[str]]:
    """By how much the loss of the baseline is above that of each optimizer, by budget, quartiles over runs."""
    budgets = list(dict.fromkeys(task.rsplit("-", 1)[1] for task in found.tasks))
    yield [f"optimizer, at {end}", *(f"{budget}: quartiles" for budget in budgets)]
    for name in found.names:
        cells = []
        for budget in budgets:
            cases = [case for case in found.cases if case[0].endswith(f"-{budget}")]
            pairs = [
                (found.curves[BASELINE][case][end - 1], found.curves[name][case][end - 1]) for case in cases
            ]
            ratios = [(1 + base) / (1 + own) - 1 for base, own in pairs if isfinite(base) and isfinite(own)]
            cells.append(", ".join(percent(quantile(ratios, share)) for share in (0.25, 0.5, 0.75)))
        yield [f"`{name}`", *cells]


def main() -> None:
    """Add runs to the file, print what they say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--out", type=Path, default=KEPT)
    given = parser.parse_args()
    found = json.loads(given.out.read_text(encoding="utf-8")) if given.out.exists() else {"runs": {}}
    for path in given.runs:
        for line in path.read_text(encoding="utf-8").splitlines():
            run, outcome = (json.loads(line)[part] for part in ("run", "outcome"))
            found |= {
                "command": f"apollo-dse compare --trials {run['trials']} --results RUNS.jsonl",
                "trials": run["trials"],
            }
            seeds = found["runs"].setdefault(run["task"], {}).setdefault(run["optimizer"], {})
            seeds[str(run["seed"])] = kept(outcome)
    if given.runs:
        given.out.write_text(
            json.dumps(found, separators=(",", ":")).replace('},"', '},\n"') + "\n", encoding="utf-8"
        )
    comparison = Comparison(found)
    tables = [overall(comparison), quarter(comparison), duels(comparison)]
    tables += [
        gains(comparison, end) for end in ENDS[1:] if BASELINE in comparison.names and end <= comparison.trials
    ]
    print(f"{len(comparison.cases)} runs of each, on {len(comparison.tasks)} tasks\n")
    for head, *body in map(list, tables):
        print("| " + " | ".join(head) + " |", "|" + "---|" * len(head), sep="\n")
        print("\n".join("| " + " | ".join(row) + " |" for row in body), end="\n\n")


if __name__ == "__main__":
    main()
