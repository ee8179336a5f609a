"""The portfolio: the mappings of a layer that are good on some design, found once and priced on every design.

It depends on the layer and on the structure of the designs alone, so the minimum over it inherits the laws of
`choices`: more hardware never costs latency. It is found by search over drawn designs, not proven: tests hold
it within 5 % of exhaustive search on layers small enough to enumerate, and a mapping that only just fits a
memory of a few words may be missed.
"""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from heapq import heapify, heappop, heapreplace
from pathlib import Path

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.choices import Candidates, Choices
from accel_models.dataflows.hierarchy.probes import probes
from accel_models.dataflows.hierarchy.search import NEVER, Search, evaluate
from accel_models.dataflows.hierarchy.structure import Structure
from accel_models.mapspace.cache import fetch
from accel_models.workload import Layer

NUM_DESIGNS, JUDGED = 192, 256
"""Designs that the search runs on, and on which what it found is judged."""

ROUNDS, GENERATIONS, CHILDREN = 4, 14, 96
MOST_JUDGED, MOST_KEPT = 2048, 768
"""Candidates, of those on most islands, that are judged; candidates that a portfolio keeps."""

WORTH = 1e-3
"""Least sum, over all judged designs and aims, of relative gains that a further mapping must bring."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """The mappings of one layer worth pricing: `index` [M, choice] into `choices`, and their columns [M]."""

    choices: Choices
    index: Tensor
    candidates: Candidates

    def __len__(self) -> int:
        return len(self.index)


@lru_cache(maxsize=4096)
def portfolio(structure: Structure, layer: Layer, device: torch.device) -> Portfolio:
    """Portfolio of a layer (name and repeats do not matter; see `workload.canonical`)."""
    choices = Choices.of(structure, layer)
    index = torch.from_numpy(fetch((structure, layer, _source()), lambda: _search(choices).numpy()))
    return Portfolio(choices, index, choices.to(device).candidates(index.to(device)))


@lru_cache(maxsize=1)
def _source() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _search(choices: Choices) -> Tensor:
    """Good candidates [m, choice] for designs of all sizes, and the one that asks for least."""
    drawn = probes(choices.structure, choices.layer, JUDGED)
    search = Search(choices, drawn.part(0, NUM_DESIGNS))
    search.run(ROUNDS, GENERATIONS, CHILDREN)
    pool = search.found()[:MOST_JUDGED]
    value = evaluate(search.choices, drawn.rows(0, JUDGED).single(), pool).flatten(0, 1)
    least = torch.tensor([[size - 1 for size in choices.sizes]])
    found: Tensor = torch.unique(torch.cat((pool[_chosen(value)].long(), least)), dim=0)
    return found


def _chosen(value: Tensor) -> Tensor:
    """Of candidates with logarithmic losses [row, m] those that gain most, one after the other.

    What one gains is by how much its loss undercuts that of all chosen before, over all rows, where being e
    times above the best or not fitting at all counts as 1. Gains only fall as others are chosen, so a gain
    computed earlier is an upper bound (lazy greedy, Minoux 1978).
    """
    best = value.amin(dim=1, keepdim=True)
    possible = best[:, 0] < NEVER / 2
    regret = torch.clamp(value - best, max=1.0)[possible].T.contiguous()
    left = torch.ones(regret.shape[1])

    def gain(candidate: int) -> float:
        return float(torch.clamp(left - regret[candidate], min=0.0).sum())

    queue = [(-gain(candidate), candidate) for candidate in range(len(regret))]
    heapify(queue)
    kept: list[int] = []
    while queue and len(kept) < MOST_KEPT:
        _, candidate = queue[0]
        now = gain(candidate)
        if now < WORTH:
            heappop(queue)
        elif len(queue) > 1 and now < -min(queue[1:3])[0]:
            heapreplace(queue, (-now, candidate))
        else:
            heappop(queue)
            kept.append(candidate)
            left = torch.minimum(left, regret[candidate])
    return torch.tensor(kept)
