"""Uniform draws of the published edge space: how many are feasible, how far their latencies spread.

Prints one row a network of the zoo beside what PRIME's data set shows (Kumar et al., ICLR 2022, arXiv
2110.11346): 10 to 30 % of the designs feasible an application, 22 % over all; feasible latencies spread 17 to
205 times. Writes results/edge_space.json.

    python benchmarks/edge_space.py [--draws 10000] [--seed 0] [NETWORK ...]
"""

import argparse
import json
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import torch

import search_spaces
from accel_models import zoo
from accel_models.cost import CostModel

RESULTS = Path(__file__).parent / "results" / "edge_space.json"


def main() -> None:
    """Draw, price, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=list(zoo.names()))
    parser.add_argument("--draws", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)  # thousands of small operations a second: threads would only wait for each other
    edge = search_spaces.get("edge")
    points = edge.space.sample(np.random.default_rng(options.seed), options.draws)
    accelerators = [edge.build(point) for point in points]
    buildable = float(np.mean([not accelerator.violations for accelerator in accelerators]))
    print(f"{options.draws} draws, {buildable:.1%} can be built")
    print(f"{'network':20} {'feasible':>8} {'min ms':>9} {'max ms':>9} {'spread':>7} {'designs/s':>9}")
    rows = []
    for name in options.networks:
        workload = zoo.workload(name)
        CostModel().evaluate(accelerators[:1], workload)
        start = perf_counter()
        costs = CostModel().evaluate(accelerators, workload)
        seconds = perf_counter() - start
        latency_s = costs.latency_s[costs.feasible]
        row: dict[str, Any] = {
            "network": name,
            "feasible": float(costs.feasible.to(torch.float64).mean()),
            "min_latency_s": float(latency_s.min()),
            "max_latency_s": float(latency_s.max()),
            "spread": float(latency_s.max() / latency_s.min()),
            "designs_per_s": options.draws / seconds,
        }
        rows.append(row)
        least_ms, most_ms = row["min_latency_s"] * 1e3, row["max_latency_s"] * 1e3
        print(
            f"{name:20} {row['feasible']:8.1%} {least_ms:9.3f} {most_ms:9.3f} {row['spread']:7.1f}"
            f" {row['designs_per_s']:9.0f}",
            flush=True,
        )
    document = {"draws": options.draws, "seed": options.seed, "buildable": buildable, "networks": rows}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
