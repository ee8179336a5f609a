"""What candidates demand of a design: words moved and held, level by level, and compute cycles.

Words are counted as `analysis.traffic` counts them, over all instances, and are equal to its counts where tiles
divide. Where they do not, loops turn as often as for full chunks, which is no less, with two exceptions on
purpose. A child that idles between two of its chunks keeps what it holds, where the exact counts have it let
go. And reuse by coincidence, as when a window wraps around, is not claimed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from math import prod

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.choices import Candidates
from accel_models.dataflows.hierarchy.designs import REDUCED, Designs
from accel_models.dataflows.hierarchy.nest import ONE, Nest, Values, nest, over, padded, times
from accel_models.dataflows.hierarchy.reuse import LEAVES_ALONE, Loops, refetches
from accel_models.dataflows.hierarchy.sliding import IMAGE_AXES, Bounds, Sliding, overlapping, windows
from accel_models.dataflows.hierarchy.structure import Structure
from accel_models.workload import OPERANDS, RELEVANT_DIMS, Dim, Layer, Operand

Words = tuple[dict[Operand, Tensor], ...]
ZERO = torch.zeros((), dtype=torch.float64)


@dataclass(frozen=True, slots=True)
class Demand:
    """Demands of candidates, every tensor broadcastable to [B, M]; tuples run over the levels.

    `read` and `written` are words by operand over all instances, drains among the reads. On chip, `busiest` are
    the words that the instance with most to do reads and writes, and `busiest_fills` those of weights that it
    has filled. Of outputs, `complete` words each way are complete sums, `busiest_complete` of both ways at that
    instance; 0 where sums never are. `held` are the words of one instance's tile, `copies` 2 where it changes
    and 1 where it does not, `wide` where outputs rest as partial sums. `first` are words by operand that must
    come from the outermost level before anything starts, and `stays` tells of an operand whether the outermost
    level on chip that keeps it holds all of it, all along.
    """

    compute_cycles: Tensor
    read: Words
    written: Words
    busiest: Words
    busiest_fills: tuple[Tensor, ...]
    complete: tuple[Tensor, ...]
    busiest_complete: tuple[Tensor, ...]
    held: Words
    copies: Words
    wide: tuple[Tensor, ...]
    first: dict[Operand, Tensor]
    stays: dict[Operand, Tensor]


def demands(layer: Layer, structure: Structure, designs: Designs, candidates: Candidates) -> Demand:
    """Count what candidates demand of designs; the two broadcast (see `Designs.rows`)."""
    at = nest(layer, structure, designs, candidates)
    count = _Count(layer, structure, at, Loops(at, candidates))
    count.read_only("weights")
    count.read_only("inputs")
    count.outputs()
    loops, levels = count.loops, range(len(structure.levels))
    around = {operand: [loops.touching_above(level, operand) for level in levels] for operand in OPERANDS}
    first_on_chip = {operand: structure.first_on_chip(operand) for operand in OPERANDS}
    return Demand(
        compute_cycles=times(turns[-1] for turns in loops.turns_above.values()),
        read=count.read,
        written=count.written,
        busiest=count.busiest,
        busiest_fills=tuple(count.busiest_fills),
        complete=tuple(count.complete),
        busiest_complete=tuple(count.busiest_complete),
        held=tuple(
            {operand: _tile_words(layer, at.tile[level], operand) for operand in structure.keeps[level]}
            for level in levels
        ),
        copies=tuple(
            {operand: 1.0 + (around[operand][level] > 1) for operand in structure.keeps[level]}
            for level in levels
        ),
        wide=tuple(count.wide),
        first={operand: _first(layer, structure, at, operand) for operand in ("weights", "inputs")},
        stays={
            operand: (around[operand][level] <= 1) & (~_spread(at, level) if operand == "outputs" else True)
            for operand, level in first_on_chip.items()
            if level is not None
        },
    )


class _Count:
    """Words level by level, operand after operand."""

    def __init__(self, layer: Layer, structure: Structure, at: Nest, loops: Loops) -> None:
        self.layer, self.structure, self.at, self.loops = layer, structure, at, loops
        levels = structure.levels
        self.instances = [
            times(copies[i] for copies in loops.copies_above.values()) for i in range(len(levels))
        ]
        self.padded = padded(at)
        self.read: Words = tuple({} for _ in levels)
        self.written: Words = tuple({} for _ in levels)
        self.busiest: Words = tuple({} for _ in levels)
        self.busiest_fills = [ZERO for _ in levels]
        self.complete = [ZERO for _ in levels]
        self.busiest_complete = [ZERO for _ in levels]
        self.wide = [torch.zeros((), dtype=torch.bool) for _ in levels]

    def boundaries(self, operand: Operand) -> list[tuple[int, int]]:
        """Levels that keep an operand, each with the next one, the units being the last."""
        keepers = self.structure.keepers(operand)
        return list(zip(keepers, (*keepers[1:], len(self.structure.levels)), strict=True))

    def read_only(self, operand: Operand) -> None:
        """Words of weights or inputs that every level reads and has filled."""
        fetched, copies = refetches(self.loops, operand), self.loops.copies_above[LEAVES_ALONE[operand]]
        axes = overlapping(self.layer) if operand == "inputs" else ()
        sliding = Sliding(self.layer, self.at, self.loops) if axes else None
        apart = [dim for dim in RELEVANT_DIMS[operand] if all(dim not in IMAGE_AXES[i] for i in axes)]

        def filled(child: int, bounds: Bounds) -> Tensor:
            positions = sliding.child(child, bounds) if sliding else ONE
            return times((fetched[child], copies[child], positions, _volume(bounds, apart)))

        def served(parent: int, child: int, bounds: Bounds) -> Tensor:
            network = self.structure.networks[parent]
            if network == "unicast":
                return filled(child, bounds)
            joined = sliding.siblings(parent, child, bounds, mesh=network == "mesh") if sliding else ONE
            return times((fetched[child], copies[parent], joined, _volume(bounds, apart)))

        self.written[0][operand] = ZERO
        for parent, child in self.boundaries(operand):
            self.read[parent][operand] = served(parent, child, self.layer.bounds)
            if parent > 0:
                reads = served(parent, child, self.padded[parent]) / self.instances[parent]
                fills = filled(parent, self.padded[parent]) / self.instances[parent]
                self.written[parent][operand] = filled(parent, self.layer.bounds)
                self.busiest[parent][operand] = reads + fills
                if operand == "weights":
                    self.busiest_fills[parent] = fills

    def outputs(self) -> None:
        """Words of outputs at every level, and where they are complete.

        Per word of the output: a level's instances hold it `stays` times in all, each stay ending in a drain.
        Of the words that children make room for, one child a stay takes over the parent's partial sum, if one
        is there, and all others start from nothing (`analysis.traffic`).
        """
        fetched, copies = refetches(self.loops, "outputs"), self.loops.copies_above[LEAVES_ALONE["outputs"]]
        words = float(self.layer.words("outputs"))
        fills, stays = ZERO, ONE
        for parent, child in self.boundaries("outputs"):
            leaving, requested = (times((copies[level], fetched[child])) for level in (parent, child))
            updates = requested if self.structure.networks[parent] == "unicast" else leaving
            arriving = fills + updates
            self.read[parent]["outputs"] = words * (arriving - stays if parent == 0 else arriving)
            self.written[parent]["outputs"] = words * arriving
            full = _volume(self.padded[parent], RELEVANT_DIMS["outputs"]) / self.instances[parent]
            self.busiest[parent]["outputs"] = 2.0 * arriving * full
            spread = _spread(self.at, parent)
            self.wide[parent] = spread | (updates > 1)
            self.complete[parent] = torch.where(spread, ZERO, words)
            self.busiest_complete[parent] = torch.where(spread, ZERO, 2.0 * full)
            fills, stays = fills + leaving - stays, requested


def _volume(bounds: Bounds, dims: Iterable[Dim]) -> Tensor:
    """Product of the bounds of these dimensions; those that do not iterate need have none."""
    found = [bounds[dim] for dim in dims if dim in bounds]
    numbers = float(prod(each for each in found if not isinstance(each, Tensor)))
    return times(
        (
            ONE if numbers == 1.0 else torch.tensor(numbers, dtype=torch.float64),
            *(each for each in found if isinstance(each, Tensor)),
        )
    )


def _spread(at: Nest, level: int) -> Tensor:
    """Whether a reduction is spread over instances of a level, so that its sums are never complete."""
    spread = [spreads[dim] for spreads in at.spreads[:level] for dim in REDUCED if dim in spreads]
    return reduce(torch.logical_or, spread, torch.zeros((), dtype=torch.bool))


def _tile_words(layer: Layer, tile: Values, operand: Operand) -> Tensor:
    """Words of an operand's tile of full chunks."""
    if operand != "inputs":
        return over(tile, RELEVANT_DIMS[operand])
    sides = [windows(layer, i, *(tile.get(dim, ONE) for dim in dims)) for i, dims in enumerate(IMAGE_AXES)]
    return times((over(tile, ("n", "g", "c")), *sides))


def _first(layer: Layer, structure: Structure, at: Nest, operand: Operand) -> Tensor:
    """Words that must come from outside before anything starts.

    Children of the outermost level wait for all that they ask for in the first step, instances further inside
    each for its own tile.
    """
    child = structure.first_on_chip(operand) or len(structure.levels)
    if child > 1:
        return _tile_words(layer, at.tile[child], operand)
    if structure.networks[0] == "unicast":
        return times((_tile_words(layer, at.tile[1], operand), *at.used[0].values()))
    return _tile_words(layer, at.step[0], operand)
