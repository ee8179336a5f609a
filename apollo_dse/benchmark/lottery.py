"""The hyper-parameter lottery: what an optimizer is worth depends on how lucky its knobs were chosen.

Every optimizer gets the same number of settings, its defaults and draws around them, and each setting the same
tasks, seeds and trials. What counts is the spread: optimizers whose best settings are alike may differ widely
at their median ones (Krishnan et al., ArchGym, ISCA 2023).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import exp, log
from typing import Any

import numpy as np

from apollo_dse import optimizers
from apollo_dse.benchmark.results import Results
from apollo_dse.benchmark.run import Run
from apollo_dse.benchmark.statistics import quantile
from apollo_dse.problem import Problem

Knobs = Mapping[str, Any]

SPREAD = 4.0
"""Numbers are drawn between a default divided by this and a default times this, evenly in logarithms."""

DRAWS = 1000
"""A setting that an optimizer refuses is drawn again, at most so often."""

LEAST, MOST = 1e-4, 10.0
"""Between these a regret counts as it is, beyond them as the nearest."""


def tickets(optimizer: str, problem: Problem, count: int) -> tuple[Knobs, ...]:
    """Different settings of an optimizer, its defaults first; fewer where it has not so many.

    Numbers are drawn around their defaults, switches are flipped; words are left alone.

    Args:
        optimizer: its name.
        problem: any that it can be made for.
        count: how many, at least 1.

    Raises:
        ValueError: `count < 1`, or there is no such optimizer.
    """
    if count < 1:
        raise ValueError(f"`count >= 1` must hold, but got count={count}")
    make, rng = optimizers.get(optimizer), np.random.default_rng(0)
    defaults = {name: value for name, value in make(problem, 0).settings.items() if name != "seed"}
    found: list[Knobs] = [{}]
    for _ in range(DRAWS):
        drawn = {name: _drawn(value, rng) for name, value in defaults.items()}
        if len(found) == count:
            break
        if drawn == defaults or drawn in found:
            continue
        try:
            make(problem, 0, **drawn)
        except ValueError:
            continue
        found.append(drawn)
    return tuple(found)


def _drawn(value: Any, rng: np.random.Generator) -> Any:
    factor = SPREAD ** rng.uniform(-1.0, 1.0)
    if isinstance(value, bool):
        return bool(rng.random() < 0.5)
    if isinstance(value, int):
        return round(value * factor)
    return value * factor if isinstance(value, float) else value


def with_tickets(runs: Sequence[Run], tickets: Mapping[str, Sequence[Knobs]]) -> tuple[Run, ...]:
    """The runs of a grid, each once for every setting of its optimizer."""
    return tuple(replace(run, knobs=knobs) for run in runs for knobs in tickets[run.optimizer])


def lottery(runs: Sequence[Run], tickets: Mapping[str, Sequence[Knobs]], results: Results) -> dict[str, Any]:
    """What each setting of each optimizer reached, as plain values.

    A setting's score is the geometric mean over tasks of the median over seeds of the final regret.

    Args:
        runs: the grid, with default settings.
        tickets: settings of each optimizer.
        results: all of `with_tickets` among them.
    """
    told = {}
    for name, settings in tickets.items():
        own = [run for run in runs if run.optimizer == name]
        scores = [_score([replace(run, knobs=knobs) for run in own], results) for knobs in settings]
        told[name] = {
            "settings": [dict(knobs) for knobs in settings],
            "scores": scores,
            "default": scores[0],
            "best": min(scores),
            "median": quantile(scores, 0.5),
            "worst": max(scores),
        }
    return told


def _score(runs: Sequence[Run], results: Results) -> float:
    ends: dict[str, list[float]] = {}
    for run in runs:
        ends.setdefault(run.task, []).append(results[run].regret[-1])
    medians = [min(max(quantile(values, 0.5), LEAST), MOST) for values in ends.values()]
    return exp(sum(map(log, medians)) / len(medians))
