"""Beyond one machine: a simulation of one driver and many workers, held to what engines.py measured.

A driver takes `driver_s` for each trial: to suggest it, to hand it over, to store what came back. It does one
thing at a time, so that no more than 1 / driver_s trials come out a second, however many workers there are.
Workers take a time that is drawn. With batches they wait for the last run of each; asynchronously only for the
driver.

    python benchmarks/scaling.py [--measured FILE] [-o FILE]
"""

import argparse
import json
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from math import exp
from pathlib import Path
from random import Random as Chance
from typing import Any

RESULTS = Path(__file__).parent / "results"
SIGMA = 1.0
"""Of the logarithm of run times, as in engines.py."""

RUNS = 30
"""Trials a worker, as in engines.py."""


def busy(
    workers: int, run_s: Callable[[], float], driver_s: float, trials: int, batch: int | None = None
) -> float:
    """Share of the time in which workers run something, from the first suggestion to the last trial.

    Args:
        workers: their number.
        run_s: draws the time of one run.
        driver_s: the driver's own time for each trial.
        trials: all of the search.
        batch: points a round; None: asynchronous.
    """
    free = [(0.0, worker) for worker in range(workers)]
    heapify(free)
    driver = worked = last = 0.0
    for number in range(trials):
        if batch is not None and number % batch == 0:  # all wait for the slowest run
            free = [(last, worker) for worker in range(workers)]
        idle_since, worker = heappop(free)
        driver = max(driver, idle_since) + driver_s
        seconds = run_s()
        worked += seconds
        last = max(last, driver + seconds)
        heappush(free, (driver + seconds, worker))
    return worked / workers / last


def uneven(mean_s: float, chance: Chance, sigma: float = SIGMA) -> Callable[[], float]:
    """Draws log-normal times of a mean."""
    return lambda: mean_s * exp(chance.gauss(-(sigma**2) / 2, sigma))


def validation(measured: dict[str, Any]) -> list[dict[str, Any]]:
    """What is forecast for the searches that engines.py made, beside what they took: means of 200 forecasts."""
    found = []
    for row in measured["uneven"]["rows"]:
        driver_s = loop_seconds(measured, asynchronous="asynchronous" in row)
        draws = [
            busy(row["workers"], uneven(0.5, Chance(seed)), driver_s, RUNS * row["workers"], row.get("batch"))
            for seed in range(200)
        ]
        found.append(
            {
                "workers": row["workers"],
                "batch": row.get("batch"),
                "measured": row["busy"],
                "forecast": sum(draws) / len(draws),
                "least": min(draws),
                "most": max(draws),
            }
        )
    return found


def forecasts(seconds: dict[str, float]) -> list[dict[str, Any]]:
    """Share of the time in which 1,000 workers are busy, by run time and by what a suggestion costs."""
    found = []
    for run_s in (1.0, 10.0, 60.0, 600.0, 3600.0):
        for name, driver_s in seconds.items():
            for batch in (None, 1000, 4000):
                draw = uneven(run_s, Chance(0))
                share = busy(1000, draw, driver_s, 1000 * RUNS, batch)
                found.append(
                    {"run_s": run_s, "searcher": name, "driver_s": driver_s, "batch": batch, "busy": share}
                )
    return found


def loop_seconds(measured: dict[str, Any], *, asynchronous: bool) -> float:
    """Seconds of the driver for a trial that is suggested at random, handed to a process and stored."""
    [loop] = [
        row
        for row in measured["overhead"]["rows"]
        if (row["workers"], row["chunk"], "asynchronous" in row) == (2, 1, asynchronous)
    ]
    return 1.0 / float(loop["trials_per_s"])


def driver_seconds(measured: dict[str, Any]) -> dict[str, float]:
    """Seconds of the driver for a trial, by who searches: the loop, and one suggestion after 200 trials."""
    asked = {row["optimizer"]: row["seconds"] for row in measured["asking"]["rows"] if row["told"] == 200}
    loop_s = loop_seconds(measured, asynchronous=True)
    return {name: loop_s + asked[name] for name in ("random", "evolution", "bayesian")}


def main() -> None:
    """Forecast, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measured", type=Path, default=RESULTS / "engines.json")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "scaling.json")
    given = parser.parse_args()
    measured = json.loads(given.measured.read_text())
    found = {
        "loads": {part: measured[part]["load"] for part in ("overhead", "uneven", "asking")},
        "validation": _rounded(validation(measured)),
        "forecasts": _rounded(forecasts(driver_seconds(measured))),
    }
    given.output.write_text(json.dumps(found, indent=1) + "\n")
    for rows in (found["validation"], found["forecasts"]):
        for row in rows:
            print(row)


def _rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: float(f"{v:.3g}") if isinstance(v, float) else v for name, v in row.items()} for row in rows]


if __name__ == "__main__":
    main()
