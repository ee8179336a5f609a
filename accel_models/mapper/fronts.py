"""Partial mappings as columns, and the steps that take them one level outwards.

What is inside a tile is counted for the whole problem: a tile of a given size occurs equally often, over time
and space, whatever the loops around it are. So costs of what is settled never change again. A dataspace whose
tile has not moved yet, since the level that it is made for, waits: its cost is divided by every loop that
leaves the tile in place, until one moves it.
"""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from accel_models.analysis.timeloop.nest import Flags, Ints
from accel_models.mapper import arrays
from accel_models.mapper.chain import Chain
from accel_models.mapper.lattice import Floats, Lattice
from accel_models.mapper.orders import STANDS, OrderClass, order_classes


@dataclass(frozen=True, slots=True)
class Front:
    """Partial mappings, a row each.

    Attributes:
        size: position of the tile in the lattice, [rows].
        waits: mask of dataspaces whose tile has not moved since some boundary, [rows].
        flows: mask of those for which that is the boundary to their parent, [rows].
        spread: children in use so far, [rows].
        cost: what is settled, [rows, channels].
        flow: words on their way to the parent, [rows, dataspaces]; 0 where they have arrived.
        pending: cost of what waits, [rows, slots, channels].
        credit: what is not paid of owned words, [rows, dataspaces, channels]; to be multiplied by every
            spatial reduction further out.
        made: size of the tile that a slot waits for, [rows, slots].
        stood: whether a slot's tile has stood still for a loop, [rows, slots].
    """

    size: Ints
    waits: Ints
    flows: Ints
    spread: Ints
    cost: Floats
    flow: Floats
    pending: Floats
    credit: Floats
    made: Ints
    stood: Flags

    def take(self, rows: Any) -> "Front":
        """Some of the rows."""
        return Front(*(getattr(self, each.name)[rows] for each in fields(self)))

    @staticmethod
    def joined(fronts: list["Front"]) -> "Front":
        """The rows of all."""
        return Front(*(np.concatenate([getattr(each, f.name) for each in fronts]) for f in fields(Front)))


@dataclass(frozen=True)
class Steps:
    """The steps of one chain on one lattice."""

    lattice: Lattice
    chain: Chain
    vectors: list[Ints]

    @cached_property
    def slots(self) -> dict[tuple[int, int], int]:
        """Place of what waits, by dataspace and level of its tile.

        A tile that can slide over itself has a place for every level, since they slide by different parts.
        """
        found: dict[tuple[int, int], int] = {}
        number = 0
        for k, sliding in enumerate(self.lattice.sliding):
            start = number
            for level in range(len(self.chain.keeps)):
                keeps = level in self.chain.kept(k)
                hops = level + 1 < len(self.chain.keeps) and self._travels(level + 1, k)
                if keeps or hops:
                    found[k, level] = number
                    number += bool(sliding)
            number = max(number, start + 1)
        return found

    @cached_property
    def slot_space(self) -> Ints:
        """Dataspace of every slot, [slots]."""
        found = [0] * (1 + max(self.slots.values(), default=0))
        for (k, _), slot in self.slots.items():
            found[slot] = k
        return np.array(found)

    def _travels(self, level: int, dataspace: int) -> bool:
        return self.vectors[level].size > 1 and self.chain.hop_pj(level, dataspace) > 0

    def start(self) -> Front:
        """The one mapping of nothing: units ask for every word."""
        spaces, channels = len(self.lattice.words), self.chain.channels
        one = np.ones(1, dtype=np.int64)
        return Front(
            0 * one,
            0 * one,
            0 * one,
            one,
            np.zeros((1, channels)),
            np.full((1, spaces), float(self.lattice.rest[0])),
            np.zeros((1, self.slot_space.size, channels)),
            np.zeros((1, spaces, channels)),
            np.zeros((1, self.slot_space.size), dtype=np.int64),
            np.zeros((1, self.slot_space.size), dtype=np.bool_),
        )

    # spatial loops

    def spread_pairs(self, front: Front, level: int) -> tuple[Ints, Ints]:
        """All ways to multiply rows by sizes that can be spread below a level: rows, and sizes."""
        vectors = self.vectors[level]
        sizes, which = np.unique(front.size, return_inverse=True)
        valid = self.lattice.multiply(sizes, vectors)
        rows, columns = np.nonzero(valid[which.ravel()])
        return rows, vectors[columns]

    def spread(
        self, front: Front, level: int, rows: Ints, vectors: Ints
    ) -> tuple[Front, Ints, list[arrays.Spread]]:
        """Rows with spatial loops: the front, the row that each came from, and the loops."""
        options, which = self._options(front.size[rows], vectors, level)
        numbers = np.array([len(each) for each in options])
        first = np.cumsum(numbers) - numbers
        flat = [each for group in options for each in group]
        again = np.repeat(np.arange(rows.size), numbers[which])
        offset = np.arange(again.size) - np.repeat(np.cumsum(numbers[which]) - numbers[which], numbers[which])
        chosen = first[which[again]] + offset
        shared = np.array([each.shared for each in flat])[chosen]
        hops = np.array([each.hops for each in flat])[chosen]
        rows, vectors = rows[again], vectors[again]
        found = self._spread_columns(front.take(rows), level, vectors, shared, hops)
        return found, rows, [flat[each] for each in chosen]

    def _options(self, sizes: Ints, vectors: Ints, level: int) -> tuple[list[tuple[arrays.Spread, ...]], Ints]:
        """The ways to place each pair's loops, and which of them a pair has."""
        kinds = arrays.coincidences(self.lattice, vectors, sizes)
        _, first, which = np.unique(kinds, return_index=True, return_inverse=True)
        travelling = tuple(k for k in range(len(self.lattice.words)) if self._travels(level, k))
        return [
            arrays.spreads(
                self.lattice,
                self.chain.machine.meshes[level],
                int(vectors[row]),
                self.lattice.extents[sizes[row]],
                travelling=travelling,
                both_axes=self.chain.both_axes,
            )
            for row in first
        ], which.ravel()

    def _spread_columns(self, front: Front, level: int, vectors: Ints, shared: Floats, hops: Floats) -> Front:
        lattice, chain = self.lattice, self.chain
        fanout = lattice.extents[vectors].prod(axis=1)
        network = chain.column(len(chain.keeps))
        flow, pending, made = front.flow / shared, front.pending.copy(), front.made.copy()
        waits, cost, stood = front.waits.copy(), front.cost.copy(), front.stood.copy()
        for k in range(len(lattice.words)):
            if not self._travels(level, k):
                continue
            energy = chain.hop_pj(level, k) * hops[:, k]
            if level == 0:
                cost[:, network] += energy * lattice.rest[0]
                continue
            slot = self.slots[k, level - 1]
            pending[:, slot, network] += energy * lattice.rest[front.size] * lattice.words[k][front.size]
            if lattice.sliding[k]:
                made[:, slot] = front.size
            fresh = chain.current(level - 1, k) != level - 1
            if fresh and lattice.sliding[k]:
                stood[:, slot] = False
            waits |= 1 << k
        inner = [
            chain.energies + number for number, (where, _, _) in enumerate(chain.resources) if where < level
        ]
        credit = front.credit * self.reductions(vectors)[:, :, None]
        for channel in inner:
            cost[:, channel] /= fanout
            pending[:, :, channel] /= fanout[:, None]
            credit[:, :, channel] /= fanout[:, None]
        return replace(
            front,
            size=front.size + vectors,
            waits=waits,
            spread=front.spread * fanout,
            cost=cost,
            flow=flow,
            pending=pending,
            credit=credit,
            made=made,
            stood=stood,
        )

    def reductions(self, vectors: Ints) -> Floats:
        """Children that add to one word, [rows, dataspaces]."""
        rest = self.lattice.irrelevant_rest
        return np.asarray((rest[:, :1] / rest[:, vectors]).T)

    def arrive(self, front: Front, level: int) -> Front:
        """Words arrive at a level that keeps their dataspace: it serves its children."""
        cost, pending, flow, credit = (
            each.copy() for each in (front.cost, front.pending, front.flow, front.credit)
        )
        for k in sorted(self.chain.keeps[level]):
            served = flow[:, k, None] * self.chain.serve[level, k]
            waiting = (front.flows >> k & 1).astype(np.bool_)
            made = self.chain.current(level - 1, k)
            if made >= 0:
                pending[:, self.slots[k, made]] += np.where(waiting[:, None], served, 0.0)
            cost += np.where(waiting[:, None], 0.0, served)
            flow[:, k] = 0.0
            if self.chain.read_write(k):
                credit[:, k] -= self.chain.credit[level, k] * self.lattice.words[k, -1]
        if all(each.size == 1 for each in self.vectors[level + 1 :]):
            cost, credit = cost + credit.sum(axis=1), np.zeros_like(credit)
        return replace(front, cost=cost, pending=pending, flow=flow, credit=credit)

    # temporal loops

    def classes(self, trips: Ints, waits: Ints) -> tuple[Ints, Ints, list[OrderClass]]:
        """The orders to consider of every row's loops: rows, positions, and the orders."""
        code = waits.copy()
        for dim in range(trips.shape[1]):
            code |= (trips[:, dim] > 1).astype(np.int64) << (8 + dim)
        codes, which = np.unique(code, return_inverse=True)
        relevant, sliding = self._masks
        groups = [
            order_classes(int(each) >> 8, int(each) & 255, relevant, sliding, self.chain.version)
            for each in codes
        ]
        numbers = np.array([len(each) for each in groups])
        first = np.cumsum(numbers) - numbers
        flat = [each for group in groups for each in group]
        which = which.ravel()
        rows = np.repeat(np.arange(which.size), numbers[which])
        offset = np.arange(rows.size) - np.repeat(np.cumsum(numbers[which]) - numbers[which], numbers[which])
        return rows, first[which[rows]] + offset, flat

    @cached_property
    def _masks(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return (
            tuple(sum(1 << dim for dim in each) for each in self.lattice.relevant),
            tuple(sum(1 << dim for dim in each) for each in self.lattice.sliding),
        )

    def loop(
        self, front: Front, level: int, sizes: Ints, trips: Ints, chosen: Ints, orders: list[OrderClass]
    ) -> Front:
        """Rows with a level's temporal loops.

        Args:
            front: the rows.
            level: whose loops they are.
            sizes: tiles that they make, [rows].
            trips: of every dimension, [rows, dimensions].
            chosen: the order of every row, [rows].
            orders: all orders.
        """
        inside = np.array([each.inside for each in orders])[chosen]
        mover = np.array([each.mover for each in orders])[chosen]
        cost, pending, flow = front.cost.copy(), front.pending.copy(), front.flow.copy()
        waits, flows, stood = front.waits.copy(), front.flows.copy(), front.stood.copy()
        for k in range(len(self.lattice.words)):
            waiting = (front.waits >> k & 1).astype(np.bool_)
            flowing = (front.flows >> k & 1).astype(np.bool_)
            reuse = np.ones(sizes.size)
            for dim in range(trips.shape[1]):
                if dim not in self.lattice.relevant[k]:
                    reuse *= np.where(inside[:, k] >> dim & 1, trips[:, dim], 1)
            moves = waiting & (mover[:, k] != STANDS)
            last = np.ones(sizes.size)
            for slot in np.flatnonzero(self.slot_space == k).tolist():
                part = self._sliding_part(front, k, slot, trips, mover[:, k]) / reuse
                pending[:, slot] *= np.where(waiting, part, 1.0)[:, None]
                cost += np.where(moves[:, None], pending[:, slot], 0.0)
                pending[moves, slot] = 0.0
                if self.chain.version == "v303":
                    stood[:, slot] |= waiting & (reuse > 1)
                    stood[moves, slot] = False
                if slot == self.slots.get((k, self.chain.current(level - 1, k))):
                    last = part
            flow[:, k] *= np.where(flowing, last, 1.0)
            waits &= ~(moves.astype(np.int64) << k)
            flows &= ~(moves.astype(np.int64) << k)
        return replace(
            front, size=sizes, waits=waits, flows=flows, cost=cost, pending=pending, flow=flow, stood=stood
        )

    def _sliding_part(self, front: Front, k: int, slot: int, trips: Ints, mover: Ints) -> Floats:
        """Part of a slot's words that is fetched where the moving loop slides the tile over itself, [rows]."""
        part = np.ones(mover.size)
        for dim, (rank, coefficient) in self.lattice.sliding[k].items():
            by = (mover == dim) & ~front.stood[:, slot]
            if by.any():
                side = self.lattice.sides[k][rank][front.made[:, slot]]
                step = coefficient * self.lattice.extents[front.size, dim]
                new = (1 + (trips[:, dim] - 1) * np.minimum(step / side, 1.0)) / trips[:, dim]
                part = np.where(by, new, part)
        return part

    def settle(self, front: Front, level: int) -> Front:
        """Tiles of a level are made: its dataspaces begin to wait."""
        lattice, chain = self.lattice, self.chain
        pending, flow, credit = front.pending.copy(), front.flow.copy(), front.credit.copy()
        made, stood = front.made.copy(), front.stood.copy()
        begun = 0
        for k in sorted(chain.keeps[level]):
            if chain.parent(level, k) is None:
                continue
            begun |= 1 << k
            slot = self.slots[k, level]
            words = lattice.rest[front.size] * lattice.words[k][front.size]
            pending[:, slot] += words[:, None] * chain.fill[level, k]
            flow[:, k] = words
            if lattice.sliding[k]:
                made[:, slot] = front.size
                stood[:, slot] = False
        return replace(
            front,
            waits=front.waits | begun,
            flows=front.flows | begun,
            pending=pending,
            flow=flow,
            credit=credit,
            made=made,
            stood=stood,
        )

    def end(self, front: Front) -> Floats:
        """Cost of whole mappings, [rows, channels]."""
        return np.asarray(front.cost + front.pending.sum(axis=1) + front.credit.sum(axis=1))


def undominated(columns: Floats, keys: Ints, rounds: int) -> Ints:
    """Rows that no other row with the same key [rows] beats in all columns [rows, columns].

    Every row is compared with the `rounds` best of its key, so some that are dominated may stay.
    """
    varied = np.ptp(columns, axis=0) > 0 if len(columns) else np.zeros(columns.shape[1], np.bool_)
    columns = columns[:, varied]
    order = np.lexsort((columns.sum(axis=1), keys))
    for number in range(rounds):
        key = keys[order]
        first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        sizes = np.diff(np.r_[first, order.size])
        if (sizes <= number + 1).all():
            break
        rival = np.repeat(np.minimum(first + number, first + sizes - 1), sizes)
        place = np.arange(order.size)
        beaten = (columns[order[rival]] <= columns[order] * (1 + 1e-12)).all(axis=1) & (place > rival)
        order = order[~beaten]
    return np.sort(order)
