"""Branch and bound, best first: cut boxes, bound what is left, measure single points, count everything.

A box goes through three stations. Made by cutting another in half, it first loses the ends of its parameters
that the template excludes, at no price (`Envelope.shrink`). When its turn comes it is priced, which may show it
hopeless. When its turn comes again it is cut, along the parameters that bounds suffer most from first, among
these and the rest along the one that moves the area most: there a half loses most to the limits. A box of one
point is measured by the problem's own evaluator, so that what is found is what everybody measures.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from apollo_dse.interrupts import interrupts
from apollo_dse.oracle.bounds import Bounds
from apollo_dse.oracle.lattice import Boxes, Lattice, Places
from apollo_dse.oracle.ranking import Found, Key, Ranking
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial

End = Literal["solved", "interrupted", "time is up"]
"""Why a search ended."""

OBJECTIVE, RULES = "objective", "rules"
"""Why points are pruned: what is found is better; the space's own rules. Others: `bounds`, `envelope`."""

BATCH = 256
"""Boxes priced, or points measured, at once."""

TRIED = 4
"""Boxes a round, the most promising, of which a point is measured ahead for the sake of a good incumbent."""


@dataclass(frozen=True, slots=True)
class Node:
    """A box that may hold part of the answer: losses from below, the key of the least it may hold."""

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    losses: tuple[float, ...]
    key: Key
    priced: bool

    @property
    def is_point(self) -> bool:
        """Whether the box has a single point."""
        return bool((self.lower == self.upper).all())


class Ledger:
    """What became of every point: measured, or pruned and why."""

    def __init__(self, problem: Problem, lattice: Lattice, ranking: Ranking) -> None:
        self.problem = problem
        self.lattice = lattice
        self.ranking = ranking
        self.pruned: Counter[str] = Counter()
        self._measured: dict[int, NDArray[np.int64]] = {}

    @property
    def evaluated(self) -> int:
        """Points measured."""
        return len(self._measured)

    def measure(self, places: Places) -> None:
        """Measure points that were not measured yet, and rank those that keep all limits."""
        numbered = zip(self.lattice.numbers(places), places, strict=True)
        new = {number: place for number, place in numbered if number not in self._measured}
        if not new:
            return
        points = self.lattice.points(np.array(list(new.values())))
        self._measured |= new
        for number, point, measurement in zip(new, points, self.problem.evaluate(points), strict=True):
            trial = Trial(number, point, measurement)
            if self.problem.feasible(trial):
                losses, area_mm2 = self.problem.losses(trial), measurement.metrics.get("area_mm2", 0.0)
                self.ranking.add(Found(Key.of(losses, area_mm2, number), point, measurement, losses))

    def ruled_out(self, places: Places) -> NDArray[np.bool_]:
        """Which points the space's rules exclude, [n]."""
        rules = self.problem.space.rules
        points = self.lattice.points(places) if rules else []
        found = [any(rule(point) is not None for rule in rules) for point in points]
        return np.array(found, dtype=np.bool_) if rules else np.zeros(len(places), dtype=np.bool_)

    def unmeasured(self, boxes: Boxes) -> NDArray[np.int64]:
        """Points of each box that were not measured, [n]."""
        if not self._measured:
            return boxes.sizes
        places = np.array(list(self._measured.values()))
        inside = (boxes.lower[:, None] <= places) & (places <= boxes.upper[:, None])
        rest: NDArray[np.int64] = boxes.sizes - inside.all(axis=2).sum(axis=1)
        return rest

    def prune(self, boxes: Boxes, reasons: Sequence[str]) -> None:
        """Give up boxes."""
        for reason, count in zip(reasons, self.unmeasured(boxes).tolist(), strict=True):
            self.pruned[reason] += count


class Search:
    """Branch and bound of one problem.

    Args:
        ledger: what becomes of the points.
        bounds: of the problem.
    """

    def __init__(self, ledger: Ledger, bounds: Bounds) -> None:
        self.ledger = ledger
        self.bounds = bounds
        self._open: list[tuple[float, float, int, Node]] = []
        self._made = 0
        self._first = bounds.first_axes()
        self._scale = np.ones(len(ledger.problem.objectives))

    @property
    def bounded(self) -> int:
        """Relaxations priced."""
        return self.bounds.num_priced

    def open(self) -> tuple[int, NDArray[np.float64]]:
        """Points that are neither measured nor pruned, and the bounds [n, m] of the boxes that hold them.

        Boxes that have become hopeless are pruned first.
        """
        entries = self._open
        self._open = [entry for entry in entries if not self.ledger.ranking.hopeless(entry[-1].key)]
        heapify(self._open)
        kept = {entry[2] for entry in self._open}
        late = [entry[-1] for entry in entries if entry[2] not in kept]
        if late:
            self.ledger.prune(_boxes(late), [OBJECTIVE] * len(late))
        nodes = [entry[-1] for entry in self._open]
        count = int(self.ledger.unmeasured(_boxes(nodes)).sum()) if nodes else 0
        return count, np.array([node.losses for node in nodes]).reshape(len(nodes), len(self._scale))

    def run(self, seconds: float, progress: Callable[[], None]) -> End:
        """Go on until nothing is open, the time is up, or Ctrl-C is pressed; the round at hand is finished."""
        start = perf_counter()
        self._begin()
        with interrupts() as pressed:
            while self._open:
                if pressed():
                    return "interrupted"
                if perf_counter() - start >= seconds:
                    return "time is up"
                self._round()
                progress()
        return "solved"

    def _begin(self) -> None:
        """Cut the space, unpriced, into enough boxes for a batch: bounds of larger ones say little."""
        roots = self.bounds.envelope.roots()
        self._take_in(roots, np.full((len(roots), len(self._scale)), -np.inf))
        while 0 < len(self._open) < BATCH and not all(node.is_point for *_, node in self._open):
            nodes = [node for *_, node in self._open]
            self._open = [entry for entry in self._open if entry[-1].is_point]
            self._halve([node for node in nodes if not node.is_point])

    def _take_in(self, boxes: Boxes, losses: NDArray[np.float64]) -> None:
        """Shrink boxes and open what is left of them."""
        envelope = self.bounds.envelope
        reasons = np.array(envelope.excludes(boxes.lower), dtype=object)
        empty = reasons != ""
        self.ledger.prune(boxes.take(empty), reasons[empty].tolist())
        if not empty.all():
            kept, cut = envelope.shrink(boxes.take(~empty))
            self.ledger.pruned.update(cut)
            self._push(kept, losses[~empty], priced=False)

    def _push(self, boxes: Boxes, losses: NDArray[np.float64], *, priced: bool) -> None:
        """Open boxes, those that are hopeless by now excepted."""
        areas_mm2 = self.bounds.envelope.floor(boxes.lower).area_mm2.tolist()
        numbers = self.ledger.lattice.numbers(boxes.lower)
        hopeless = np.zeros(len(boxes), dtype=np.bool_)
        for row, (loss, area_mm2, number) in enumerate(zip(losses.tolist(), areas_mm2, numbers, strict=True)):
            key = Key.of(loss, area_mm2, number)
            hopeless[row] = self.ledger.ranking.hopeless(key)
            if not hopeless[row]:
                node = Node(boxes.lower[row], boxes.upper[row], tuple(loss), key, priced)
                self._made += 1
                heappush(self._open, (float((losses[row] / self._scale).sum()), area_mm2, self._made, node))
        lost = boxes.take(hopeless)
        self.ledger.prune(lost, [OBJECTIVE] * len(lost))

    def _round(self) -> None:
        """Take the most promising boxes one station further, until a batch is full."""
        points, to_price, to_cut = self._pop()
        if points:
            places = np.array([node.lower for node in points])
            out = self.ledger.ruled_out(places)
            self.ledger.pruned[RULES] += int(out.sum())
            self.ledger.measure(places[~out])
        if to_cut:
            self._cut(to_cut)
        if to_price:
            self._price(to_price)

    def _pop(self) -> tuple[list[Node], list[Node], list[Node]]:
        points: list[Node] = []
        to_price: list[Node] = []
        to_cut: list[Node] = []
        late: list[Node] = []
        while self._open and max(len(points) + len(to_price), len(to_cut)) < BATCH:
            *_, node = heappop(self._open)
            if self.ledger.ranking.hopeless(node.key):
                late.append(node)
            else:
                (points if node.is_point else to_cut if node.priced else to_price).append(node)
        if late:
            self.ledger.prune(_boxes(late), [OBJECTIVE] * len(late))
        return points, to_price, to_cut

    def _price(self, nodes: Sequence[Node]) -> None:
        boxes, inherited = _boxes(nodes), np.array([node.losses for node in nodes])
        priced = self.bounds.price(boxes)
        losses = np.maximum(priced.losses, inherited)
        if np.isinf(inherited).all() and np.isfinite(losses).all():  # the roots
            least = np.abs(losses.min(axis=0))
            self._scale = np.where(least > 0, least, 1.0)
        reasons = np.array(priced.pruned, dtype=object)
        lost = reasons != ""
        self.ledger.prune(boxes.take(lost), reasons[lost].tolist())
        if not lost.all():
            self._push(boxes.take(~lost), losses[~lost], priced=True)

    def _cut(self, nodes: Sequence[Node]) -> None:
        """Measure a point or two of the most promising boxes, then halve all."""
        best = _boxes(nodes[:TRIED])
        tried = np.concatenate((self.bounds.envelope.filled(best), best.lower))
        self.ledger.measure(tried[~self.ledger.ruled_out(tried)])
        self._halve(nodes)

    def _halve(self, nodes: Sequence[Node]) -> None:
        boxes, losses = _boxes(nodes), np.array([node.losses for node in nodes])
        urgent = np.zeros(boxes.lower.shape[1], dtype=np.bool_)
        urgent[self._first] = True
        growth = self.bounds.envelope.growth(boxes)
        worth = np.where(boxes.lengths > 1, 1.0 + growth + (1.0 + growth.max()) * urgent, 0.0)
        self._take_in(boxes.halves(worth.argmax(axis=1)), np.concatenate((losses, losses)))


def _boxes(nodes: Sequence[Node]) -> Boxes:
    return Boxes(np.array([node.lower for node in nodes]), np.array([node.upper for node in nodes]))
