"""How fast designs are priced on the CPU, from cold and with known fronts, and how that grows.

    python benchmarks/pricing.py --workload resnet50

Writes results/pricing.json and, of how time grows, docs/images/pricing-growth-NETWORK.svg. A pair is a
mapping of a front on a design, priced in all four states of its activations. Everything runs in one process:
fronts are searched on all threads (APOLLO_DSE_THREADS), as large batches are priced. The naive path is
`price.costs`, plain torch, on one thread as the rest of the pricing has it and on two, a state at a time.
"""

import argparse
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from growth import by_layers, by_mappings, drawn

from accel_models import Workload, dataflows, zoo
from accel_models.chain import STATES
from accel_models.cost import CostModel
from accel_models.mapspace import cache
from accel_models.mapspace.designs import Columns, Designs
from accel_models.mapspace.pool import fill, pool
from accel_models.mapspace.price import best, costs
from accel_models.pricing import Residency
from accel_models.threads import threads
from accel_models.workload import canonical
from search_spaces.hardware.edge import EDGE
from search_spaces.space import Point

RESULTS = Path(__file__).parent / "results" / "pricing.json"
IMAGES = Path(__file__).parent.parent / "docs" / "images"
AXES = ("pe_x", "pe_y", "cores", "lanes")
STRUCTURES = 16
SIZES = (1, 16, 256, 4096, 65536)
RESIDENCIES = [Residency(*state) for state in STATES]
NAIVE_DESIGNS = 512
GROWTH_DESIGNS = 4096
"""Designs of the batches by which growth with mappings and with layers is measured."""


def points_of(count: int, structures: int, rng: np.random.Generator) -> list[Point]:
    """Random points of the edge space that share so many structures."""
    points = EDGE.space.sample(rng, count)
    shared = EDGE.space.sample(np.random.default_rng(1), structures)
    return [
        {**point, **{axis: shared[i % structures][axis] for axis in AXES}} for i, point in enumerate(points)
    ]


def stacked(points: list[Point]) -> Designs:
    """The designs of points."""
    columns = EDGE.columns(points).columns
    reach = dataflows.pricer([EDGE.build(points[0])]).reach(EDGE.span())
    return Designs(Columns(**{name: torch.from_numpy(each) for name, each in columns.items()}), reach)


def seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """The least time of some runs."""
    times = []
    for _ in range(repeats):
        started = perf_counter()
        run()
        times.append(perf_counter() - started)
    return min(times)


def cold(workload: Workload, structures: int) -> dict[str, Any]:
    """The search for the fronts of all layers, nothing being known; compiled before."""
    with TemporaryDirectory() as folder:
        os.environ["APOLLO_DSE_CACHE"] = folder
        designs = stacked(points_of(structures, structures, np.random.default_rng(0)))
        pools = [pool(canonical(layer)) for layer in workload.layers]
        each = []
        for kind in np.unique(designs.kinds):
            started = perf_counter()
            fill([(one, np.array([kind])) for one in pools])
            each.append(perf_counter() - started)
        size = cache.contents().file_bytes
        del os.environ["APOLLO_DSE_CACHE"]
    rows = sum(int(np.diff(one.bounds(np.unique(designs.kinds))).sum()) for one in pools)
    candidates = [len(one.space.tilings) for one in pools]
    return {
        "layers": len(pools), "structures": len(each), "threads": threads(),
        "median_s": float(np.median(each)), "max_s": max(each), "first_s": each[0],
        "mappings_per_front": rows / len(pools) / len(each), "tilings_per_layer": float(np.mean(candidates)),
        "file_bytes": size,
    }  # fmt: skip


def designs_per_s(workload: Workload) -> list[dict[str, Any]]:
    """Whole networks on batches of designs whose fronts are known: from points to totals."""
    found = []
    for goal in ("latency", "energy", "edp"):
        model = CostModel(span=EDGE.span(), minimize=goal)
        for size in SIZES:
            points = points_of(size, STRUCTURES, np.random.default_rng(2))
            pricer = dataflows.column_pricer([EDGE.build(points[0])])
            assert pricer is not None
            numbers = EDGE.columns(points)
            taken = seconds(lambda: model.totals(pricer, numbers, workload))  # noqa: B023 - run at once
            with_points = seconds(lambda: model.totals(pricer, EDGE.columns(points), workload), 3)  # noqa: B023
            found.append(
                {
                    "goal": goal,
                    "designs": size,
                    "designs_per_s": size / taken,
                    "from_points": size / with_points,
                }
            )
            print(json.dumps(found[-1]), flush=True)
    return found


def pairs_per_s(workload: Workload) -> dict[str, Any]:
    """The compiled loop and plain torch on the same pairs."""
    designs = stacked(points_of(16384, STRUCTURES, np.random.default_rng(3)))
    found: dict[str, Any] = {}
    for goal in ("latency", "energy"):
        pairs, taken = 0, 0.0
        for layer in workload.layers:
            one = pool(canonical(layer))
            pairs += int(np.diff(one.bounds(designs.kinds)).sum())
            taken += seconds(partial(best, layer, one, designs, RESIDENCIES, goal), 3)
        found[goal] = pairs / taken
    for count in (1, 2):
        torch.set_num_threads(count)
        found[f"naive_{count}_threads"] = naive(workload, designs)
    torch.set_num_threads(1)
    return found


def naive(workload: Workload, designs: Designs) -> float:
    """Pairs a second of plain torch, on designs of one kind at a time."""
    pairs, taken = 0, 0.0
    rows = np.flatnonzero(designs.kinds == designs.kinds[0])[:NAIVE_DESIGNS]
    offered = torch.from_numpy(designs.offered[rows])[:, None]
    for layer in workload.layers:
        one = pool(canonical(layer))
        start, stop = one.bounds(designs.kinds[:1])[0]
        features = torch.from_numpy(one.features[start:stop])[None]

        def run() -> None:
            for residency in RESIDENCIES:
                prices = costs(layer, features, offered, residency)  # noqa: B023
                fits = (prices.excess <= 1.0).all(dim=-1)
                torch.where(fits, prices.latency_s, torch.inf).min(dim=1)

        pairs += len(rows) * int(stop - start)
        taken += seconds(run, 3)
    return pairs / taken


def growth(workload: Workload) -> dict[str, Any]:
    """Seconds of a batch against how many there are: latency of designs and layers, energy of mappings."""
    model = CostModel(span=EDGE.span(), minimize="latency")
    points = points_of(max(SIZES), STRUCTURES, np.random.default_rng(2))
    pricer = dataflows.column_pricer([EDGE.build(points[0])])
    assert pricer is not None
    batches = [EDGE.columns(points[:size]) for size in SIZES]
    alike = stacked(points_of(GROWTH_DESIGNS, 1, np.random.default_rng(4)))
    fill([(pool(canonical(layer)), np.unique(alike.kinds)) for layer in workload.layers])
    batch = EDGE.columns(points[:GROWTH_DESIGNS])
    return {
        "designs": [
            (size, seconds(partial(model.totals, pricer, numbers, workload)))
            for size, numbers in zip(SIZES, batches, strict=True)
        ],
        f"mappings of a front ({GROWTH_DESIGNS} designs, one layer)": by_mappings(
            workload, alike, RESIDENCIES, seconds
        ),
        f"layers ({GROWTH_DESIGNS} designs)": by_layers(
            workload, partial(model.totals, pricer, batch), seconds
        ),
    }


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default="resnet50")
    chosen = parser.parse_args()
    workload = zoo.workload(chosen.workload)
    warm = stacked(points_of(1, 1, np.random.default_rng(9)))
    fill([(pool(canonical(layer)), warm.kinds) for layer in workload.layers[:2]])
    result: dict[str, Any] = {"cores": os.cpu_count(), "cold": cold(workload, STRUCTURES)}
    print(json.dumps(result["cold"]), flush=True)
    result["pairs_per_s"] = pairs_per_s(workload)
    print(json.dumps(result["pairs_per_s"]), flush=True)
    result["designs_per_s"] = designs_per_s(workload)
    result["growth"] = growth(workload)
    picture = drawn(f"Time of pricing {chosen.workload}", result["growth"])
    (IMAGES / f"pricing-growth-{chosen.workload}.svg").write_text(picture, encoding="utf-8")
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(known | {chosen.workload: result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
