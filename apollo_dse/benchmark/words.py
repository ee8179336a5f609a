"""A comparison in words and tables, the same for the terminal and the page."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

Row = list[str]

OVERALL = ("optimizer", "mean rank", "trials to 5 %", "reached", "trials to 1 %", "reached", "overhead")
"""Headings of `overall`."""

REGRETS = "Median regret at the end; of two objectives the share of hypervolume that is missing:"
WINS = "Runs won by the row against the column, * where chance is ruled out (p <= 0.05):"
LOTTERY = "Regret at the end (geometric mean over tasks of the median) by how lucky the knobs were chosen:"
SETTINGS = ("optimizer", "settings", "default", "best", "median", "worst")
"""Headings of `lottery`."""


def headline(told: Mapping[str, Any]) -> str:
    """What was compared."""
    names, tasks = len(told["optimizers"]), len(told["tasks"])
    runs = f"{told['seeds']} runs of {told['trials']} trials each"
    return f"{names} optimizer{'s' * (names > 1)} on {tasks} task{'s' * (tasks > 1)}, {runs}"


def overall(told: Mapping[str, Any]) -> list[Row]:
    """A row an optimizer, the best mean rank first."""
    by_name = told["overall"]
    return [
        [
            name,
            f"{by_name[name]['mean_rank']:.2f}",
            *_reached(by_name[name]["trials_to"]["0.05"]),
            *_reached(by_name[name]["trials_to"]["0.01"]),
            f"{1e3 * told['overhead_s'][name]['median']:.1f} ms",
        ]
        for name in sorted(told["optimizers"], key=lambda each: by_name[each]["mean_rank"])
    ]


def regrets(told: Mapping[str, Any]) -> list[Row]:
    """A row a task: the median regret of each optimizer after the last trial."""
    return [
        [name, *(_share(task["results"][by]["regret"]["0.5"][-1]) for by in told["optimizers"])]
        for name, task in told["tasks"].items()
    ]


def wins(told: Mapping[str, Any]) -> list[Row]:
    """A row an optimizer: the share of runs that it won against each of the others."""
    names = told["optimizers"]
    return [[one, *(_won(told["wins"][one].get(other)) for other in names)] for one in names]


def lottery(told: Mapping[str, Any]) -> list[Row]:
    """A row an optimizer: regret at its default settings, and at the best, the median and the worst tried."""
    return [
        [name, str(len(found["scores"])), *(_share(found[which]) for which in SETTINGS[2:])]
        for name, found in told["lottery"].items()
    ]


def _reached(target: Mapping[str, Any]) -> tuple[str, str]:
    median = target["median"]
    return f"{median:.0f}" if isfinite(median) else "-", f"{100 * target['reached']:.0f} %"


def _share(regret: float) -> str:
    return f"{100 * regret:.3g} %" if isfinite(regret) else "-"


def _won(duel: Mapping[str, Any] | None) -> str:
    if duel is None:
        return "-"
    share = 100 * duel["wins"] / (duel["wins"] + duel["losses"] + duel["ties"])
    return f"{share:.0f} %{'*' * duel['significant']}"
