"""How good are portfolios of a deep hierarchy? Those of Simba, against a search on the very designs.

For four layers of MobileNetV2 and 64 designs (62 drawn from the space, two presets): latency, energy and both
multiplied of the best mapping in the portfolio, over those of the best mapping that anyone found. Writes
results/hierarchy_portfolios.json.

    python benchmarks/hierarchy_portfolios.py
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import search_spaces
from accel_models import zoo
from accel_models.dataflows.hierarchy.choices import Choices
from accel_models.dataflows.hierarchy.designs import Designs, stack
from accel_models.dataflows.hierarchy.portfolio import portfolio
from accel_models.dataflows.hierarchy.price import price, volumes
from accel_models.dataflows.hierarchy.search import Search
from accel_models.dataflows.hierarchy.structure import structure
from accel_models.dataflows.hierarchy.words import demands
from accel_models.workload import canonical

NUM_DESIGNS = 64
SHAPES = (0, 1, 5, 12)
ROUNDS, GENERATIONS, CHILDREN = 8, 20, 128
RESULTS = Path(__file__).parent / "results" / "hierarchy_portfolios.json"


def least(choices: Choices, designs: Designs, index: Tensor) -> Tensor:
    """The least latency, energy and product of both on every design, [n, 3], infinite where nothing fits."""
    found = []
    for i in range(len(designs)):
        rows = designs.rows(i, i + 1)
        demand = demands(choices.layer, choices.structure, rows, choices.candidates(index))
        prices = price(choices.layer, choices.structure, rows, demand, volumes(choices.structure, rows, demand))
        latency, energy = prices.latency_s, prices.energy_j
        columns = torch.stack((latency, energy, latency * energy), dim=-1)
        found.append(torch.where((prices.worst_excess <= 1.0)[..., None], columns, torch.inf).amin(dim=1))
    return torch.cat(found)


def main() -> None:
    """Search, compare, print, write."""
    space = search_spaces.get("simba")
    points = space.space.sample(np.random.default_rng(5), NUM_DESIGNS - len(space.presets))
    accelerators = [space.build(point) for point in (*points, *space.presets.values())]
    common = structure(accelerators[0])
    designs = stack(common, accelerators)
    shapes = list(dict.fromkeys(canonical(layer) for layer in zoo.workload("mobilenet_v2").layers))
    rows = []
    for layer in (shapes[i] for i in SHAPES):
        found = portfolio(common, layer, torch.device("cpu"))
        search = Search(Choices.of(common, layer), designs)
        search.run(ROUNDS, GENERATIONS, CHILDREN)
        ours, theirs = (least(found.choices, designs, index) for index in (found.index, search.found()))
        best = torch.minimum(ours, theirs)
        ratio = (ours / best)[torch.isfinite(best)]
        rows.append({
            "layer": {dim: bound for dim, bound in layer.bounds.items() if bound > 1},
            "mappings": len(found),
            "designs_that_fit": int(torch.isfinite(best[:, 0]).sum()),
            "mean_ratio": float(ratio.mean()),
            "worst_ratio": float(ratio.max()),
        })  # fmt: skip
        print(rows[-1])
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
