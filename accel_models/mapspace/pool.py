"""Fronts of one layer, one after the other in flat arrays, so that a batch of designs is priced in one loop."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from accel_models.mapspace.front import Array, Front, Index, Mapspace, front, mapspace
from accel_models.mapspace.kernel import CHOICES, FEATURES
from accel_models.mapspace.selection import least_held
from accel_models.mapspace.structure import kind
from accel_models.threads import spread
from accel_models.workload import Layer

MOST_ROWS = 1 << 21
"""Mappings of a layer that are kept in memory, about 200 bytes each."""


class Pool:
    """The fronts of one layer's shape so far, one after the other."""

    def __init__(self, layer: Layer) -> None:
        self.space: Mapspace = mapspace(layer)
        self._forget()

    def _forget(self) -> None:
        self._rows = 0
        self._places = np.full((256, 2), -1, dtype=np.int64)
        self._held = np.empty((256, 4))
        self._features = np.empty((256, len(FEATURES)))
        self._index = np.empty((256, len(CHOICES)), dtype=np.int64)
        self._bound = np.empty(256, dtype=np.int64)

    @property
    def features(self) -> Array:
        """Features of all mappings, [m, x]."""
        return self._features[: self._rows]

    @property
    def bound(self) -> Index:
        """What takes longest on chip, [m], as an index into `price.BOUNDS`."""
        return self._bound[: self._rows]

    @property
    def index(self) -> Index:
        """Choices of all mappings, [m, choice]."""
        return self._index[: self._rows]

    def missing(self, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of some kinds, each once, whose fronts are not here yet; may first drop all that are."""
        if self._rows > MOST_ROWS:
            self._forget()
        most = int(kinds.max(initial=0))
        if most >= len(self._places):
            more = np.full((most + 1, 2), -1, dtype=np.int64)
            self._places = np.concatenate((self._places, more))
            self._held = np.concatenate((self._held, np.empty((most + 1, 4))))
        return np.unique(kinds[self._places[kinds, 0] < 0])

    def bounds(self, kinds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the fronts of kinds [n] begin and end in the arrays, [n, 2]; all are here."""
        return self._places[kinds]

    def held(self, kinds: NDArray[np.int64]) -> Array:
        """`selection.least_held` of the fronts of kinds [n], [n, state]; all are here."""
        return self._held[kinds]

    def add(self, number: int, found: Front) -> None:
        """Take a front in."""
        stop = self._rows + len(found)
        if stop > len(self._features):
            for name in ("_features", "_index", "_bound"):
                before = getattr(self, name)
                larger = np.empty((2 * stop, *before.shape[1:]), dtype=before.dtype)
                larger[: self._rows] = before[: self._rows]
                setattr(self, name, larger)
        self._features[self._rows : stop] = found.features
        self._index[self._rows : stop] = found.index
        self._bound[self._rows : stop] = found.bound
        self._places[number] = (self._rows, stop)
        least_held(found.features, self._held[number])
        self._rows = stop


@lru_cache(maxsize=1024)
def pool(layer: Layer) -> Pool:
    """The fronts of a layer's shape (see `workload.canonical`)."""
    return Pool(layer)


def fill(wanted: Sequence[tuple[Pool, NDArray[np.int64]]]) -> None:
    """Find the fronts of kinds [n] that pools lack, in memory, on disk or by enumeration, on all threads."""
    lacking = {(id(into), number): into for into, kinds in wanted for number in into.missing(kinds).tolist()}

    def search(lack: tuple[int, int]) -> Front:
        return front(lacking[lack].space.layer, *kind(lack[1]))

    for lack, found in zip(lacking, spread(search, list(lacking)), strict=True):
        lacking[lack].add(lack[1], found)
