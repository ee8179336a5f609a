"""Which mappings are worth having: a search over candidates on designs that cover all sizes.

On every drawn design there is one island for each aim, that is, for each goal and residency, with the best
candidate so far. Generation by generation, children of the islands' candidates are priced, once for all aims,
and each island keeps the best. Children change a few choices, or take those of one level, of one dimension or
of all axes from another island, be it of the same design or of another.
"""

from dataclasses import replace
from functools import reduce

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.choices import Choices
from accel_models.dataflows.hierarchy.designs import Designs
from accel_models.dataflows.hierarchy.price import price, volumes
from accel_models.dataflows.hierarchy.words import demands
from accel_models.pricing import GOALS, Goal, Residency

STATES = (
    Residency(),
    Residency(inputs=True),
    Residency(outputs=True),
    Residency(inputs=True, outputs=True),
    Residency(weights=True),
    Residency(inputs=True, outputs=True, weights=True),
)
"""Where the operands of a layer may lie; a portfolio has good mappings for each."""

AIMS = len(STATES) * len(GOALS)
NEVER = 1e6
"""Logarithmic value of a mapping that cannot be, whatever the capacities."""

MOST_PAIRS = 1 << 14
SETTLED = 1e-5
"""Mean relative gain of a round, below which a search has settled."""

BEGIN = 128
"""Random candidates a design at the beginning."""

MIGRANTS = 512
"""Candidates that all islands are offered at the end of a round."""

CROSSED, CHANGED = 0.4, 3
"""Share of children with two parents; choices of a child that may change, of which about three quarters do."""


def values(choices: Choices, designs: Designs, index: Tensor) -> Tensor:
    """Logarithmic loss of candidates `index` [choice, ...] for every aim, [aim, B, M].

    What does not fit ranks behind, by how much it exceeds.
    """
    demand = demands(choices.layer, choices.structure, designs, choices.chosen(index))
    moved = volumes(choices.structure, designs, demand)
    found = []
    for residency in STATES:
        prices = price(choices.layer, choices.structure, designs, demand, moved, residency)
        beyond = reduce(torch.mul, (torch.clamp(each, min=1.0) for each in prices.excess))
        penalty = torch.clamp(1e3 * torch.log(beyond), max=NEVER)
        latency, energy = torch.log(prices.latency_s), torch.log(prices.energy_j)
        by_goal: dict[Goal, Tensor] = {"latency": latency, "energy": energy, "edp": latency + energy}
        found += [by_goal[goal] + penalty for goal in GOALS]
    shape = sum(found).shape  # type: ignore[union-attr]
    return torch.stack([each.expand(shape) for each in found])


def evaluate(choices: Choices, designs: Designs, pool: Tensor) -> Tensor:
    """Values of all candidates `pool` [m, choice] on designs as columns [n, 1], [aim, n, m]."""
    index, step = pool.T[:, None, :].contiguous(), max(1, MOST_PAIRS // len(pool))
    parts = [values(choices, designs.part(i, i + step), index) for i in range(0, len(designs), step)]
    return torch.cat(parts, dim=1)


class Search:
    """An evolution of islands on drawn designs; the same seed finds the same.

    `index` [design, aim, choice] are the best candidates so far, `value` [design, aim] their values.
    """

    def __init__(self, choices: Choices, designs: Designs, seed: int = 0) -> None:
        single = tuple(each.float() if each.is_floating_point() else each for each in choices.options)
        self.choices = replace(choices, options=single)
        self.designs = designs.rows(0, len(designs)).single()
        self.random = torch.Generator().manual_seed(seed)
        self.most = torch.tensor(choices.sizes, dtype=torch.int32) - 1
        self.groups = self._groups()
        self.index = torch.zeros((len(designs), AIMS, len(self.most)), dtype=torch.int32)
        self.value = torch.full((len(designs), AIMS), torch.inf)
        self._improve(self._anything(len(designs), BEGIN))

    def run(self, rounds: int, generations: int, children: int) -> None:
        """Rounds of so many generations of so many children a design, each round ending in a migration.

        A round that changes next to nothing is the last.
        """
        for _ in range(rounds):
            before = self.value
            for _ in range(generations):
                self._improve(self._breed(children))
            self.migrate()
            if float((before - self.value).clamp(max=1.0).mean()) < SETTLED:
                return

    def migrate(self) -> None:
        """Every island takes the best of some candidates of all of them."""
        pool = self.found()
        pool = pool[torch.randperm(len(pool), generator=self.random)[:MIGRANTS]]
        self._take(evaluate(self.choices, self.designs, pool), pool.expand(len(self.value), *pool.shape))

    def found(self) -> Tensor:
        """The candidates on all islands, [m, choice], each once, those on most islands first."""
        pool, islands = torch.unique(self.index.flatten(0, 1), dim=0, return_counts=True)
        order = torch.argsort(islands, descending=True, stable=True)
        return torch.as_tensor(pool[order])

    def _improve(self, children: Tensor) -> None:
        """Price children [design, child, choice] and let islands have those that are better."""
        self._take(values(self.choices, self.designs, children.movedim(-1, 0).contiguous()), children)

    def _take(self, found: Tensor, children: Tensor) -> None:
        """Let islands have the best children [design, child, choice], given values [aim, design, child]."""
        best, which = found.permute(1, 0, 2).min(dim=-1)
        better = best < self.value
        taken = children.gather(1, which[..., None].expand(*which.shape, len(self.most)))
        self.index = torch.where(better[..., None], taken, self.index)
        self.value = torch.where(better, best, self.value)

    def _groups(self) -> Tensor:
        """Sets of choices that are inherited together, [group, choice]: axes, levels, dimensions."""
        names = self.choices.names
        levels = range(len(self.choices.structure.levels) - 1)
        sets = [[name.kind == "axis" for name in names]]
        sets += [[name.kind != "axis" and name.place == level for name in names] for level in levels]
        sets += [[name.kind != "axis" and name.place <= level for name in names] for level in levels[:-1]]
        sets += [[name.dim == dim for name in names] for dim in self.choices.dims]
        return torch.tensor(sets)

    def _anything(self, count: int, children: int) -> Tensor:
        """Random children, the first with all chunks whole, the second with the least ones."""
        drawn = torch.rand((count, children, len(self.most)), generator=self.random)
        found = (drawn * (self.most + 1)).to(torch.int32)
        chunks = torch.tensor([name.kind == "chunk" for name in self.choices.names])
        found[:, 0] = torch.where(chunks, 0, found[:, 0])
        found[:, 1] = torch.where(chunks, self.most, found[:, 1])
        return found

    def _parents(self, children: int, strangers: float) -> Tensor:
        count, random = len(self.value), self.random
        here = torch.arange(count)[:, None].expand(count, children)
        there = torch.randint(count, (count, children), generator=random)
        away = torch.rand((count, children), generator=random) < strangers
        aim = torch.randint(AIMS, (count, children), generator=random)
        return self.index[torch.where(away, there, here), aim]

    def _breed(self, children: int) -> Tensor:
        """Children [design, child, choice]."""
        random, shape = self.random, (len(self.value), children)
        child, other = self._parents(children, 0.1), self._parents(children, 0.5)
        crossed = torch.rand(shape, generator=random) < CROSSED
        group = self.groups[torch.randint(len(self.groups), shape, generator=random)] & crossed[..., None]
        child = torch.where(group, other, child)
        where = torch.randint(len(self.most), (*shape, CHANGED), generator=random)
        draw = torch.rand((*shape, CHANGED), generator=random)
        before, most = child.gather(-1, where), self.most[where]
        anew = (torch.rand((*shape, CHANGED), generator=random) * (most + 1)).to(torch.int32)
        nearby = torch.clamp(before + torch.where(draw < 0.25, -1, 1).to(torch.int32), min=0).minimum(most)
        changed = torch.where(draw < 0.5, nearby, torch.where(draw < 0.75, anew, before))
        return child.scatter(-1, where, changed)
