"""What is known of boxes before anything is priced: area, and whether the template can build any design."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from accel_models.ranges import Column, Floor, Monotone, Ranges, Settled
from apollo_dse.oracle.lattice import Boxes, Lattice, Places

AREA, UNBUILT = "area", "cannot be built"
"""Why points are excluded unpriced: the limit on area, or the template's own rules."""

Part = TypeVar("Part", Floor, Ranges)


class Envelope:
    """A template's ranges over the boxes of a lattice, and what they exclude.

    Args:
        lattice: the space.
        monotone: of its template.
        most_area_mm2: limit on the area.
    """

    def __init__(self, lattice: Lattice, monotone: Monotone, most_area_mm2: float) -> None:
        self.lattice = lattice
        self.monotone = monotone
        self.most_area_mm2 = most_area_mm2
        self.names = lattice.space.names
        self.free = [axis for axis, name in enumerate(self.names) if name in monotone.parameters]
        self.settled = [axis for axis in range(len(self.names)) if axis not in self.free]
        self._values = {axis: np.array(lattice.axes[axis], dtype=np.float64) for axis in self.free}

    def roots(self) -> Boxes:
        """Boxes that make up the space, each with one value of every parameter that must be settled."""
        whole = self.lattice.whole()
        combinations = Boxes(whole.lower[:, self.settled], whole.upper[:, self.settled]).places()
        lower, upper = (np.repeat(corner, len(combinations), axis=0) for corner in (whole.lower, whole.upper))
        lower[:, self.settled] = upper[:, self.settled] = combinations
        return Boxes(lower, upper)

    def floor(self, corners: Places) -> Floor:
        """What every design from a corner [n, d] up has."""
        return self._grouped(
            corners, lambda settled, rows: self.monotone.floor(settled, self._columns(corners[rows]))
        )

    def ranges(self, boxes: Boxes) -> Ranges:
        """Between which values the numbers of each box's designs lie."""
        return self._grouped(
            boxes.lower,
            lambda settled, rows: self.monotone.ranges(
                settled, self._columns(boxes.lower[rows]), self._columns(boxes.upper[rows])
            ),
        )

    def excludes(self, corners: Places) -> list[str]:
        """Why no design from a corner [n, d] up is feasible, as far as is known unpriced; else ""."""
        floor = self.floor(corners)
        too_large = floor.area_mm2 > self.most_area_mm2
        pairs = zip(too_large.tolist(), floor.buildable.tolist(), strict=True)
        return [AREA if large else "" if can else UNBUILT for large, can in pairs]

    def growth(self, boxes: Boxes) -> NDArray[np.float64]:
        """Logarithm of the growth of the least area with one parameter at its upper end, [n, d]."""
        n, d = boxes.lower.shape
        raised = self.floor(_with_one_at(boxes.lower, boxes.upper)).area_mm2.reshape(n, d)
        return np.log(raised / self.floor(boxes.lower).area_mm2[:, None])

    def shrink(self, boxes: Boxes) -> tuple[Boxes, dict[str, int]]:
        """Boxes less the excluded upper ends of their parameters, and how many points that is, by reason.

        A value that no design from the lower corner up may have is one that no design of the box may have.
        The lower corners must not be excluded.
        """
        n, d = boxes.lower.shape
        low, high = boxes.lower.copy(), boxes.upper.copy()
        while (low < high).any():
            middle = (low + high + 1) // 2
            admitted = np.array([not why for why in self.excludes(_with_one_at(boxes.lower, middle))])
            admitted = admitted.reshape(n, d)
            low, high = np.where(admitted, middle, low), np.where(admitted, high, middle - 1)
        beyond = self.excludes(_with_one_at(boxes.lower, np.minimum(low + 1, boxes.upper)))
        cut: dict[str, int] = {}
        lengths, kept = boxes.lengths, low - boxes.lower + 1
        for row, axis in np.argwhere(lengths > kept).tolist():
            lost = kept[row, :axis].prod() * (lengths - kept)[row, axis] * lengths[row, axis + 1 :].prod()
            cut[beyond[row * d + axis]] = cut.get(beyond[row * d + axis], 0) + int(lost)
        return Boxes(boxes.lower, low), cut

    def filled(self, boxes: Boxes) -> Places:
        """A point of each box, [n, d]: the lower corner, raised along all axes in turn until it is excluded.

        The lower corners must not be excluded.
        """
        point = boxes.lower.copy()
        for _ in range(int(boxes.lengths.max(initial=1)) - 1):
            for axis in self.free:
                raised = point.copy()
                raised[:, axis] = np.minimum(raised[:, axis] + 1, boxes.upper[:, axis])
                admitted = np.array([not why for why in self.excludes(raised)])
                point = np.where(admitted[:, None], raised, point)
        return point

    def _columns(self, places: Places) -> dict[str, Column]:
        return {self.names[axis]: self._values[axis][places[:, axis]] for axis in self.free}

    def _grouped(self, places: Places, of: Callable[[Settled, NDArray[np.int64]], Part]) -> Part:
        """What `of` answers for all rows, asked once for all that share the settled parameters."""
        keys, group = np.unique(places[:, self.settled], axis=0, return_inverse=True)
        rows = [np.flatnonzero(group.ravel() == i) for i in range(len(keys))]
        parts = []
        for key, mine in zip(keys, rows, strict=True):
            values = (self.lattice.axes[axis][place] for axis, place in zip(self.settled, key, strict=True))
            settled = dict(zip((self.names[axis] for axis in self.settled), values, strict=True))
            parts.append(of(settled, mine))
        return parts[0] if len(parts) == 1 else _merged(parts, np.argsort(np.concatenate(rows)))


def _with_one_at(corners: Places, places: Places) -> Places:
    """Every corner [n, d] with one coordinate taken from `places`, [n * d, d], all coordinates in turn."""
    n, d = corners.shape
    raised = np.repeat(corners[:, None], d, axis=1)
    raised[:, np.arange(d), np.arange(d)] = places
    return raised.reshape(n * d, d)


def _merged(parts: Sequence[Part], order: NDArray[np.int64]) -> Part:
    """Records of columns one after the other, their rows in `order`."""

    def merged(values: Sequence[Any]) -> Any:
        if isinstance(values[0], Mapping):
            return {key: merged([value[key] for value in values]) for key in values[0]}
        if isinstance(values[0], tuple):
            return tuple(merged(each) for each in zip(*values, strict=True))
        return np.concatenate(values)[order]

    columns = {f.name: merged([getattr(part, f.name) for part in parts]) for f in fields(parts[0])}
    return type(parts[0])(**columns)
