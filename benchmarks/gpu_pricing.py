"""How fast a GPU prices the published edge space, and what bounds it.

    python benchmarks/gpu_pricing.py --workload resnet50              # rates, and all 452,760,000 designs
    python benchmarks/gpu_pricing.py --workload resnet50 --structures 64

Writes results/gpu_pricing.json. A pair is a mapping of a front on a design, priced in all four states of its
activations. Rates of the kernel are of CUDA events around launches on designs that are on the card
already; the whole space counts all from numbers on the host to the best design, the search for fronts apart.
"""

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

from accel_models import Workload, dataflows, zoo
from accel_models.cost import CostModel
from accel_models.mapspace import cuda
from accel_models.mapspace.designs import Columns, Designs, offers
from accel_models.mapspace.pool import fill, pool
from accel_models.mapspace.price import costs
from accel_models.pricing import Residency
from accel_models.ranges import DesignColumns, design_columns
from accel_models.workload import canonical
from search_spaces.hardware.edge import EDGE

RESULTS = Path(__file__).parent / "results" / "gpu_pricing.json"
AXES = ("pe_x", "pe_y", "cores", "lanes")
VALUES = {each.name: each.values for each in EDGE.space.parameters}  # type: ignore[union-attr]
AREA_MM2 = 20.0
DOUBLES_PER_PAIR = 100
"""Instructions on float64 of a pair in four states, counted in `fused._layer`: products, sums, comparisons."""

DOUBLES_PER_CYCLE = 64
"""Of a multiprocessor of the data-center cards of compute capability 8.0 and 9.0."""


def structures() -> Iterator[dict[str, float]]:
    """All combinations of the axes."""
    for values in product(*(VALUES[name] for name in AXES)):
        yield dict(zip(AXES, map(float, values), strict=True))


def designs_of(structure: dict[str, float]) -> DesignColumns:
    """All designs of a structure."""
    rest = [name for name in VALUES if name not in AXES]
    grid = np.meshgrid(*(np.array(VALUES[name], dtype=np.float64) for name in rest), indexing="ij")
    columns = {name: axis.ravel() for name, axis in zip(rest, grid, strict=True)}
    size = len(columns[rest[0]])
    assert EDGE.monotone is not None
    return design_columns(EDGE.monotone, {}, columns | {k: np.full(size, v) for k, v in structure.items()})


def search_fronts(workload: Workload, found: list[dict[str, float]]) -> dict[str, float]:
    """Find the fronts of all layers on all structures, with all threads; seconds and sizes."""
    pricer = dataflows.pricer([EDGE.build(next(iter(EDGE.presets.values())))])
    reach = pricer.reach(EDGE.span())
    one = [{**{name: values[0] for name, values in VALUES.items()}, **axes} for axes in found]
    columns = EDGE.columns(one).columns
    designs = Designs(Columns(**{name: torch.from_numpy(each) for name, each in columns.items()}), reach)
    started = perf_counter()
    fill([(pool(canonical(layer)), designs.kinds) for layer in workload.layers])
    seconds = perf_counter() - started
    rows = sum(
        int(np.diff(pool(canonical(layer)).bounds(np.unique(designs.kinds))).sum()) for layer in workload.layers
    )
    fronts = len(np.unique(designs.kinds)) * len(workload.layers)
    return {
        "seconds": seconds,
        "fronts": fronts,
        "mappings_per_front": rows / fronts,
        "threads": os.cpu_count(),
    }


def batch_of(workload: Workload, found: list[dict[str, float]]) -> tuple[cuda.Batch, int]:
    """All designs of some structures on the card, and how many pairs that is."""
    parts = [designs_of(structure).columns for structure in found]
    reach = dataflows.pricer([EDGE.build(next(iter(EDGE.presets.values())))]).reach(EDGE.span())
    columns = Columns(**{n: torch.from_numpy(np.concatenate([each[n] for each in parts])) for n in parts[0]})
    designs = Designs(columns, reach, torch.device("cuda"))
    pools = [pool(canonical(layer)) for layer in workload.layers]
    fronts = {
        int(number): [each.features[slice(*each.bounds(number).tolist())] for each in pools]
        for number in np.unique(designs.kinds)
    }
    sizes = {number: sum(map(len, each)) for number, each in fronts.items()}
    pairs = sum(sizes[number] for number in designs.kinds.tolist())
    return cuda.batch(offers(designs.columns), designs.kinds, fronts), pairs


def kernel_rates(workload: Workload, found: list[dict[str, float]]) -> dict[str, Any]:
    """Pairs a second of the kernel, and of plain torch on the same card."""
    batch, pairs = batch_of(workload, found)
    rates: dict[str, Any] = {"designs": batch.offered.shape[1], "pairs": pairs}
    for goal in ("latency", "energy", "edp"):
        times = []
        for _ in range(5):
            start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            cuda.network_totals(workload.layers, batch, goal, keep_activations=True)
            stop.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(stop) / 1e3)
        rates[goal] = pairs / float(np.median(times[1:]))
    rates["torch"] = torch_rate(workload, batch)
    card = torch.cuda.get_device_properties(0)
    clock_hz = torch.cuda.clock_rate() * 1e6
    bound = card.multi_processor_count * DOUBLES_PER_CYCLE * clock_hz / DOUBLES_PER_PAIR
    return rates | {"card": card.name, "clock_hz": clock_hz, "bound": bound, "share": rates["latency"] / bound}


def torch_rate(workload: Workload, batch: cuda.Batch, count: int = 8192) -> float:
    """Pairs a second of `price.costs`, a state at a time, on designs of the first kind."""
    offered = batch.offered.T[:count].contiguous()
    states = [Residency(inputs, outputs) for inputs in (False, True) for outputs in (False, True)]
    times, pairs = [], 0
    for _ in range(3):
        pairs = 0
        torch.cuda.synchronize()
        started = perf_counter()
        for i, layer in enumerate(workload.layers):
            start, stop = batch.places[0, i].tolist()
            features = batch.features[start:stop]
            for state in states:
                prices = costs(layer, features[None], offered[:, None], state)
                fits = (prices.excess <= 1.0).all(dim=-1)
                torch.where(fits, prices.latency_s, torch.inf).min(dim=1)
            pairs += count * (stop - start)
        torch.cuda.synchronize()
        times.append(perf_counter() - started)
    return pairs / min(times)


def whole_space(workload: Workload, found: list[dict[str, float]]) -> dict[str, Any]:
    """The fastest design of at most `AREA_MM2` among all designs of the structures, one by one."""
    model = CostModel(span=EDGE.span(), device="cuda")
    pricer = dataflows.column_pricer([EDGE.build(next(iter(EDGE.presets.values())))])
    assert pricer is not None

    def least(structure: dict[str, float]) -> tuple[float, int, int, float]:
        """The least latency of a structure, how many designs it has and how many are feasible, and the area."""
        numbers = designs_of(structure)
        totals = model.totals(pricer, numbers, workload)
        allowed = totals.feasible & (totals.area_mm2 <= AREA_MM2)
        latency_s, row = torch.where(allowed, totals.latency_s, torch.inf).min(dim=0)
        return float(latency_s), len(numbers), int(totals.feasible.sum()), float(totals.area_mm2[row])

    least(found[0])
    started = perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        rows = list(threads.map(least, found))
    best, points, feasible = min(rows), sum(row[1] for row in rows), sum(row[2] for row in rows)
    structure = found[rows.index(best)]
    seconds = perf_counter() - started
    return {
        "points": points, "feasible": feasible, "seconds": seconds, "designs_per_s": points / seconds,
        "latency_s": best[0], "area_mm2": best[3], "structure": structure,
    }  # fmt: skip


def main() -> None:
    """Run all and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", default="resnet50")
    parser.add_argument("--structures", type=int, default=0, help="a random sample of so many; all, if 0")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    workload, found = zoo.workload(chosen.workload), list(structures())
    if chosen.structures:
        index = np.random.default_rng(0).permutation(len(found))[: chosen.structures]
        found = [found[i] for i in index]
    result: dict[str, Any] = {"fronts": search_fronts(workload, found)}
    print(json.dumps(result), flush=True)
    result["kernel"] = kernel_rates(workload, found[:: max(1, len(found) // 16)][:16])
    print(json.dumps(result["kernel"]), flush=True)
    result["space"] = whole_space(workload, found)
    print(json.dumps(result["space"]), flush=True)
    known = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    chosen.out.write_text(json.dumps(known | {chosen.workload: result}, indent=2) + "\n")


if __name__ == "__main__":
    main()
