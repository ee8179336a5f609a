"""The search: partial mappings level by level, from the innermost outwards.

A row goes when another one is at least as good in everything that can matter further out, or when even the
least that can still come (`bounds`) makes it no better than a whole mapping that is known. A first pass with
few rows a level finds such a mapping; the second pass keeps all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from accel_models.analysis.timeloop.nest import Ints
from accel_models.mapper import arrays
from accel_models.mapper.bounds import Bounds, bounds
from accel_models.mapper.chain import Chain
from accel_models.mapper.fronts import Front, Steps, undominated
from accel_models.mapper.lattice import Floats, Lattice

Objective = Literal["edp", "delay", "energy"]
OBJECTIVES: tuple[Objective, ...] = ("edp", "delay", "energy")
ROUNDS = 12
CHUNK = 100_000
SLACK = 1e-9


def score(objective: Objective, energy: Floats, cycles: Floats) -> Floats:
    """What is minimized."""
    if objective == "delay":
        return np.where(np.isfinite(energy), cycles, np.inf)
    return energy * cycles if objective == "edp" else energy


@dataclass(frozen=True)
class Move:
    """How the rows of a front came about: the row before of each, and its loops.

    `spreads` are spatial loops; else `sizes`, `trips` and `orders` are temporal ones.
    """

    level: int
    parents: Ints
    spreads: Sequence[arrays.Spread] | None = None
    trips: Ints | None = None
    orders: Sequence[tuple[int, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Whole mappings.

    Attributes:
        scores: what is minimized, [rows].
        cost: by channel, [rows, channels].
        spread: units in use, [rows].
        moves: the steps that lead to them.
    """

    scores: Floats
    cost: Floats
    spread: Ints
    moves: list[Move]


class Search:
    """The search on one chain.

    Args:
        lattice: tile sizes.
        chain: machine with kept dataspaces.
        vectors: sizes that every level can spread.
        objective: what is minimized.

    Attributes:
        cut: whether the last run left out rows since there were too many.
        visited: rows that all runs looked at.
    """

    def __init__(self, lattice: Lattice, chain: Chain, vectors: list[Ints], objective: Objective) -> None:
        self.lattice, self.chain, self.objective = lattice, chain, objective
        self.steps = Steps(lattice, chain, vectors)
        self.bounds: Bounds = bounds(lattice, chain, vectors)
        self.computes = float(prod(lattice.problem.bounds))
        self.mac_pj = self.computes * chain.machine.units.energy_pj
        self.most = np.array([vector.size for vector in vectors])
        self.fanout_later = self._fanout_later(vectors)
        self.reduction_later = self._reduction_later(vectors)
        self.unpaid = chain.energy(self.bounds.unpaid)
        self.credit_later = self._credit_later()
        self.compulsory = self._compulsory()
        self.visited, self.cut = 0, False

    def root(self) -> float:
        """No mapping scores less."""
        front = self.steps.start()
        pairs = self.steps.spread_pairs(front, 0)
        return float(self._pair_scores(front, 0, *pairs).min())

    def run(self, incumbent: float, width: int | None, limit: int) -> Found | None:
        """All mappings that score less than `incumbent` and are not dominated; None if there is none.

        Args:
            incumbent: score of a known mapping.
            width: rows to keep a level at most, those that promise most; None: all.
            limit: rows a level at which the search gives up on being complete.
        """
        front, moves, self.cut = self.steps.start(), [], False
        cap = min(width or limit, limit)
        for level in range(len(self.chain.keeps)):
            for step in (self._spread, self._loop):
                front, move = step(front, level, incumbent, cap)
                if not front.size.size:
                    return None
                chosen = self._choose(front, level, step == self._loop, incumbent, cap)
                if not chosen.size:
                    return None
                front = front.take(chosen)
                moves.append(_picked(move, chosen))
                if step == self._loop:
                    front = self.steps.settle(front, level)
        cost = self.steps.end(front)
        energy = self.chain.energy(cost) + self.mac_pj
        cycles = np.maximum(
            self.computes / front.spread, cost[:, self.chain.energies :].max(axis=1, initial=0.0)
        )
        return Found(score(self.objective, energy, cycles), cost, front.spread, moves)

    # steps

    def _spread(self, front: Front, level: int, incumbent: float, cap: int) -> tuple[Front, Move]:
        if self.most[level] == 1:
            rows = np.arange(front.size.size)
            return self.steps.arrive(front, level), Move(level, rows, spreads=None)
        rows, vectors = self.steps.spread_pairs(front, level)
        self.visited += rows.size
        scores = self._pair_scores(front, level, rows, vectors)
        good = self._best(scores, incumbent, 4 * cap)
        if not good.size:
            return front.take(good), Move(level, good, spreads=[])
        found, rows, spreads = self.steps.spread(front, level, rows[good], vectors[good])
        return self.steps.arrive(found, level), Move(level, rows, spreads=spreads)

    def _loop(self, front: Front, level: int, incumbent: float, cap: int) -> tuple[Front, Move]:
        fronts, parents, trips = [], [], []
        orders: list[tuple[int, ...]] = []
        last = level == len(self.chain.keeps) - 1
        chunk = CHUNK // (1 if last else 64)
        for start in range(0, front.size.size, chunk):
            part = front.take(slice(start, start + chunk))
            rows, sizes = self._tiles(part, level, incumbent)
            if not rows.size:
                continue
            steps = self.lattice.extents[sizes] // self.lattice.extents[part.size[rows]]
            again, chosen, options = self.steps.classes(steps, part.waits[rows])
            rows, sizes, steps = rows[again], sizes[again], steps[again]
            self.visited += rows.size
            grown = self.steps.loop(part.take(rows), level, sizes, steps, chosen, options)
            good = self._best(self._scores(grown, level, looped=True), incumbent, 4 * cap)
            fronts.append(grown.take(good))
            parents.append(start + rows[good])
            trips.append(steps[good])
            orders += [options[each].order for each in chosen[good]]
        if not fronts:
            none = np.empty(0, dtype=np.int64)
            return front.take(none), Move(level, none)
        return Front.joined(fronts), Move(level, np.concatenate(parents), None, np.concatenate(trips), orders)

    def _tiles(self, front: Front, level: int, incumbent: float) -> tuple[Ints, Ints]:
        """Tiles that a level can make of rows, and that can still lead to a better mapping: rows, and sizes."""
        if level == len(self.chain.keeps) - 1:
            rows, sizes = np.arange(front.size.size), np.full(front.size.size, self.lattice.size - 1)
        else:
            rows, sizes = self.lattice.pairs(front.size, self.bounds.fits[level])
        settled = self._settled(front, level) - self.credit_later[level + 1] + self.mac_pj
        children = front.spread[rows] * self.bounds.room[level][sizes]
        cycles = np.maximum(self._compute_cycles(children), self._cycles(front, level)[rows])
        table = self.bounds.looped[level]
        good = score(self.objective, settled[rows] + table[0][sizes], cycles) < incumbent * (1 - SLACK)
        rows, sizes, cycles = rows[good], sizes[good], cycles[good]
        energy = settled[rows] + self._waiting(front, level, rows, sizes)
        good = score(self.objective, energy, cycles) < incumbent * (1 - SLACK)
        return rows[good], sizes[good]

    def _waiting(self, front: Front, level: int, rows: Ints, sizes: Ints) -> Floats:
        """Energy at the least that is still to be settled of rows with a level's temporal loops, [pairs].

        Every dataspace has an order of its own here, the best for it: all loops that leave its tile in place
        stand inside the one that moves it, which slides it as far as any can.
        """
        found, flows = np.zeros(rows.size), front.flows[rows]
        trips = self.lattice.extents[sizes] // self.lattice.extents[front.size[rows]]
        for k, sliding in enumerate(self.lattice.sliding):
            waiting = (front.waits[rows] >> k & 1).astype(np.bool_)
            flowing = (front.flows[rows] >> k & 1).astype(np.bool_)
            moves = (trips[:, sorted(self.lattice.relevant[k])] > 1).any(axis=1)
            rest = self.lattice.irrelevant_rest[k]
            reuse = rest[front.size[rows]] / rest[sizes]
            if sliding:
                reuse *= trips[:, sorted(sliding)].max(axis=1)
            held = self.chain.energy(front.pending[:, self.steps.slot_space == k]).sum(axis=1)[rows] / reuse
            due = held + np.where(flowing, front.flow[rows, k] * self.unpaid[level, k] / reuse, 0.0)
            counted = np.where(flowing, self.bounds.weight[level, k] * self.bounds.points[k, sizes], 0.0)
            stays = np.maximum(due - counted, 0.0) / self.bounds.most_reuse[k, sizes]
            found += np.where(waiting, np.where(moves, due, stays), 0.0)
            flows = np.where(moves, flows & ~(1 << k), flows)
        return np.asarray(found + self.bounds.looped[level][flows, sizes])

    def _compute_cycles(self, children: Floats) -> Floats:
        """Cycles of computing with this many units; infinite with none."""
        return np.asarray(
            np.divide(self.computes, children, out=np.full(children.shape, np.inf), where=children > 0)
        )

    def _choose(self, front: Front, level: int, looped: bool, incumbent: float, cap: int) -> Ints:
        """Rows to go on with, best first."""
        scores = self._scores(front, level, looped=looped)
        rows = np.flatnonzero(scores < incumbent * (1 - SLACK))
        if not rows.size:
            return rows
        part = front.take(rows)
        rows = rows[undominated(*self._columns(part, level), ROUNDS)]
        tie = self._settled(front, level)[rows] if self.objective == "delay" else np.zeros(rows.size)
        order = rows[np.lexsort((tie, scores[rows]))]
        self.cut |= order.size > cap
        return order[:cap]

    def _columns(self, front: Front, level: int) -> tuple[Floats, Ints]:
        """What can matter further out, [rows, columns], and what must be equal to compare, [rows]."""
        energy = self.objective != "delay"
        channels = np.arange(self.chain.channels) >= (0 if energy else self.chain.energies)
        rows = front.size.size
        columns = [front.cost[:, channels], front.flow, front.pending[:, :, channels].reshape(rows, -1)]
        columns.append(front.credit[:, :, channels].reshape(rows, -1))
        if self.objective != "energy":
            columns.append(-front.spread[:, None].astype(np.float64))
        key = (front.size << 16) | (front.waits << 8) | front.flows
        for slot, k in enumerate(self.steps.slot_space):
            if self.lattice.sliding[k]:
                waiting = front.waits >> k & 1
                tag = np.where(waiting, front.made[:, slot] * 2 + front.stood[:, slot], 0)
                _, key = np.unique(key, return_inverse=True)
                key = key.ravel() * (2 * self.lattice.size) + tag
        return np.concatenate(columns, axis=1), key

    # bounds

    def _settled(self, front: Front, level: int) -> Floats:
        """Energy at the least, of what is settled or on its way, [rows]."""
        found = self.chain.energy(front.cost) + (
            self.chain.energy(front.credit) * self.reduction_later[level]
        ).sum(axis=1)
        for k in range(len(self.lattice.words)):
            flowing = (front.flows >> k & 1).astype(np.bool_)
            found += np.where(flowing, 0.0, front.flow[:, k] * self.unpaid[level, k])
        return np.asarray(found)

    def _cycles(self, front: Front, level: int) -> Floats:
        """Cycles at the least that limited bandwidths ask for, [rows]."""
        found = np.full(front.size.size, self.compulsory)
        for number, (where, _, _) in enumerate(self.chain.resources):
            channel = self.chain.energies + number
            busy = front.cost[:, channel] + (front.credit[:, :, channel] * self.reduction_later[level]).sum(
                axis=1
            )
            found = np.maximum(found, busy / self.fanout_later[max(level, where)])
        return found

    def _pair_scores(self, front: Front, level: int, rows: Ints, vectors: Ints) -> Floats:
        """Least scores of rows with spatial loops, [pairs], from before they are built."""
        sizes = front.size[rows] + vectors
        found = self.chain.energy(front.cost) + (
            self.chain.energy(front.credit) * self.reduction_later[level - 1 if level else 0]
        ).sum(axis=1)
        found -= self.credit_later[level]
        share = self.bounds.share_at[level]
        for k in range(len(self.lattice.words)):
            flowing = (front.flows >> k & 1).astype(np.bool_)
            parent = self.chain.parent(self.chain.current(level - 1, k), k)
            if parent is not None:
                serve = float(self.chain.energy(self.chain.serve[parent, k])) / share[k]
                if parent > level:
                    serve = self.unpaid[level, k] / share[k]
                found += np.where(flowing, 0.0, front.flow[:, k] * serve)
        energy = found[rows] + self.bounds.spread[level][front.flows[rows], sizes] + self.mac_pj
        spread = front.spread[rows] * self.lattice.extents[vectors].prod(axis=1)
        cycles = np.maximum(self._compute_cycles(spread * self.bounds.room[level][sizes]), self.compulsory)
        return score(self.objective, energy, cycles)

    def _scores(self, front: Front, level: int, *, looped: bool) -> Floats:
        """Least scores, [rows]."""
        table = (self.bounds.looped if looped else self.bounds.spread)[level]
        energy = (
            self._settled(front, level)
            - self.credit_later[level + 1]
            + table[front.flows, front.size]
            + self.mac_pj
        )
        for k in range(len(self.lattice.words)):
            waiting = (front.waits >> k & 1).astype(np.bool_)
            flowing = (front.flows >> k & 1).astype(np.bool_)
            if not waiting.any():
                continue
            held = self.chain.energy(front.pending[:, self.steps.slot_space == k]).sum(axis=1)
            counted = self.bounds.weight[level, k] * self.bounds.points[k, front.size]
            due = held + front.flow[:, k] * self.unpaid[level, k] - counted
            extra = np.where(flowing, np.maximum(due, 0.0), held)
            energy += np.where(waiting, extra, 0.0) / self.bounds.most_reuse[k, front.size]
        room = self.bounds.room[level][front.size]
        cycles = np.maximum(self._compute_cycles(front.spread * room), self._cycles(front, level))
        return score(self.objective, energy, cycles)

    def _best(self, scores: Floats, incumbent: float, number: int) -> Ints:
        """Rows that score less than the incumbent; of those, the best `number`."""
        good = np.flatnonzero(scores < incumbent * (1 - SLACK))
        if good.size > number:
            self.cut = True
            good = good[np.argpartition(scores[good], number)[:number]]
        return good

    def _fanout_later(self, vectors: list[Ints]) -> list[float]:
        counts = [float(self.lattice.extents[each].prod(axis=1).max()) for each in vectors]
        return [prod(counts[level + 1 :]) for level in range(len(counts))]

    def _reduction_later(self, vectors: list[Ints]) -> Floats:
        most = np.stack([self.steps.reductions(each).max(axis=0) for each in vectors])
        return np.stack([most[level + 1 :].prod(axis=0) for level in range(len(vectors))])

    def _credit_later(self) -> Floats:
        """Most energy that the levels from one on do not pay of owned words, [levels + 1]."""
        own = self.chain.energy(self.chain.credit) * self.lattice.words[:, -1] * self.reduction_later
        return np.asarray(np.r_[own.sum(axis=1)[::-1].cumsum()[::-1], 0.0])

    def _compulsory(self) -> float:
        """Cycles that the words of the problem take at the level that keeps them all."""
        found = np.zeros(self.chain.channels)
        for k in range(len(self.lattice.words)):
            top = self.chain.kept(k)[-1]
            if top == len(self.chain.keeps) - 1:
                words = self.lattice.points[k, -1] * self.chain.serve[top, k]
                if self.chain.read_write(k):
                    words = words - self.chain.credit[top, k] * self.lattice.words[k, -1]
                found += words
        return float(found[self.chain.energies :].max(initial=0.0))


def _picked(move: Move, rows: Ints) -> Move:
    return Move(
        move.level,
        move.parents[rows],
        None if move.spreads is None else [move.spreads[row] for row in rows],
        None if move.trips is None else move.trips[rows],
        None if move.orders is None else [move.orders[row] for row in rows],
    )
