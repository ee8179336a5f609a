"""Exact counts of one mapping: what every level reads, fills, updates and drains, without executing it.

Semantics. A step is one setting of all temporal loops. An instance of a level is named by the settings of the
spatial loops of the levels around it; at a step, its tile of an operand is the set of words that iterations
which exist touch, given the settings of all loops of the levels around it. Levels that keep an operand exchange
words with the next such level; the innermost one serves the multiply-accumulate units, which retain nothing.
At every step a child asks for what its new tile has and its old one had not, and lets go of what it no longer
needs; it remembers nothing older.

Reads serve children according to the parent's `network` (`BufferLevel`). Partial sums move: the parent's copy
of an output word goes to one of the children that make room for it, the others start from nothing; what
children let go of at the same step is added in the network (unicast: at the parent) and updates the parent's
copy.

Unlike Timeloop (Parashar et al., ISPASS 2019), tiles are true sets without the holes of strided windows, halos
are shared by children that ask at the same step, clipped chunks move only what exists, and partial sums that
leave are counted as they are read (`drains`).
"""

from dataclasses import dataclass

import numpy as np

from accel_models.analysis.partial_sums import complete_levels
from accel_models.analysis.reuse import Exchange, exchange
from accel_models.analysis.tiles import iterations
from accel_models.analysis.validity import check
from accel_models.arch import BufferLevel, Network
from accel_models.mapping import Mapping
from accel_models.workload import DIMS, OPERANDS, Layer, Operand


@dataclass(frozen=True, slots=True)
class Traffic:
    """Words of one operand that move at one level during one execution, over all instances.

    `reads` are served to children (or added to an arriving update), `fills` arrive from the parent, `updates`
    are partial sums from children, `drains` are outputs that leave for the parent.
    """

    reads: int = 0
    fills: int = 0
    updates: int = 0
    drains: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Exact counts of one execution of a layer, over all instances.

    Attributes:
        macs: multiply-accumulates.
        cycles: steps, which is how long the units alone would take.
        traffic: of every level, outermost first, and operand.
        reductions: additions in the network below every level.
        finals: of every level, how many `updates` of outputs complete a sum. As many `drains` carry complete
            sums; all other outputs on the move are partial sums.
        used: instances of every level that ever work, and last the multiply-accumulate units that do.
        first_reads: words of the read-only operands that the outermost level serves in the first step.
    """

    macs: int
    cycles: int
    traffic: tuple[dict[Operand, Traffic], ...]
    reductions: tuple[int, ...]
    finals: tuple[int, ...]
    used: tuple[int, ...]
    first_reads: dict[Operand, int]


def counts(layer: Layer, mapping: Mapping, levels: tuple[BufferLevel, ...]) -> Counts:
    """Count what a mapping moves on a chain of levels; capacities are not looked at.

    Raises:
        ValueError: the mapping cannot run on these levels (see `validity.check`).
    """
    check(layer, mapping, levels)
    traffic = tuple({operand: Traffic() for operand in OPERANDS} for _ in levels)
    reductions = [0] * len(levels)
    first_reads: dict[Operand, int] = {}
    for operand in OPERANDS:
        kept = mapping.kept_levels(operand)
        networks = [levels[level].network for level in kept]
        moves = [exchange(layer, mapping, operand, *pair) for pair in zip(kept, (*kept[1:], None), strict=True)]
        if operand == "outputs":
            rows = _outputs(moves, networks, layer.words(operand))
            for level, moved, row in zip(kept, moves, rows, strict=True):
                reductions[level] = moved.requested - row.updates
        else:
            rows = _read_only(moves, networks)
            first_reads[operand] = (
                moves[0].first_requested if networks[0] == "unicast" else moves[0].first_entering
            )
        for level, row in zip(kept, rows, strict=True):
            traffic[level][operand] = row
    complete = complete_levels(layer, mapping)
    return Counts(
        macs=layer.macs,
        cycles=mapping.cycles(layer),
        traffic=traffic,
        reductions=tuple(reductions),
        finals=tuple(layer.words("outputs") if level in complete else 0 for level in range(len(levels))),
        used=tuple(_used(layer, mapping, level) for level in range(len(levels) + 1)),
        first_reads=first_reads,
    )


def _read_only(moves: list[Exchange], networks: list[Network]) -> list[Traffic]:
    """Traffic of weights or inputs at the levels that keep them, from what crosses the boundary below each."""
    rows, fills = [], 0
    for moved, network in zip(moves, networks, strict=True):
        reads = {"unicast": moved.requested, "multicast": moved.entering, "mesh": moved.foreign}[network]
        rows.append(Traffic(reads=reads, fills=fills))
        fills = moved.requested
    return rows


def _outputs(moves: list[Exchange], networks: list[Network], words: int) -> list[Traffic]:
    """Traffic of outputs at the levels that keep them, from what crosses the boundary below each.

    `stays` counts the stays of words at a level's instances. Of the entries below, the first of each stay
    finds a partial sum iff one came down to the parent (`fills`). All later ones find one, because a word never
    enters more children twice without leaving some in between: going from 0 to their last settings, inner loops
    only ever take children away, and they give back what they took when they wrap around. So the children
    receive `fills + entering - stays`. And a level neither makes nor loses sums: what arrives (fills, updates)
    is read for children, read to be added to an update, or drained (once per stay).
    """
    rows, fills, stays = [], 0, words
    for level, (moved, network) in enumerate(zip(moves, networks, strict=True)):
        updates = moved.requested if network == "unicast" else moved.leaving
        drains = stays if level > 0 else 0
        rows.append(Traffic(reads=fills + updates - stays, fills=fills, updates=updates, drains=drains))
        fills, stays = fills + moved.entering - stays, moved.requested
    return rows


def _used(layer: Layer, mapping: Mapping, level: int) -> int:
    """Instances of a level that some iteration needs."""
    used = 1
    for dim in DIMS:
        digits = iterations(layer, mapping, (dim,)).digits
        names = [digits[i] for i in digits if mapping.loops[i].is_spatial and mapping.loops[i].level < level]
        used *= np.unique(np.stack(names), axis=1).shape[1] if names else 1
    return used
