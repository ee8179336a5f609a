"""Fronts of one layer, one after the other in flat arrays, so that a batch of designs is priced in one loop."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from accel_models.mapspace.front import Array, Front, Index, Mapspace, front, mapspace
from accel_models.mapspace.kernel import CHOICES, FEATURES
from accel_models.mapspace.structure import Room, Structure
from accel_models.workload import Layer

MOST_ROWS = 1 << 21
"""Mappings of a layer that are kept in memory, about 200 bytes each."""


class Pool:
    """The fronts of one layer's shape so far: `features` [m, x] and `index` [m, choice], `bounds` a front."""

    def __init__(self, layer: Layer) -> None:
        self.space: Mapspace = mapspace(layer)
        self._forget()

    def _forget(self) -> None:
        self._rows = 0
        self._places: dict[tuple[Structure, Room], tuple[int, int]] = {}
        self._features = np.empty((256, len(FEATURES)))
        self._index = np.empty((256, len(CHOICES)), dtype=np.int64)

    @property
    def features(self) -> Array:
        """Of all mappings, front by front, [m, x]."""
        return self._features[: self._rows]

    @property
    def index(self) -> Index:
        """Choices of all mappings, [m, choice]."""
        return self._index[: self._rows]

    def bounds(self, kinds: tuple[tuple[Structure, Room], ...]) -> NDArray[np.int64]:
        """Where the fronts of structures and rooms begin and end in the arrays, [kind, 2]."""
        if self._rows > MOST_ROWS:
            self._forget()
        for kind in kinds:
            if kind not in self._places:
                self._add(kind, front(self.space.layer, *kind))
        return np.array([self._places[kind] for kind in kinds], dtype=np.int64).reshape(-1, 2)

    def _add(self, kind: tuple[Structure, Room], found: Front) -> None:
        stop = self._rows + len(found)
        if stop > len(self._features):
            size = 2 * stop
            for name in ("_features", "_index"):
                before = getattr(self, name)
                larger = np.empty((size, before.shape[1]), dtype=before.dtype)
                larger[: self._rows] = before[: self._rows]
                setattr(self, name, larger)
        self._features[self._rows : stop] = found.features
        self._index[self._rows : stop] = found.index
        self._places[kind] = (self._rows, stop)
        self._rows = stop


@lru_cache(maxsize=1024)
def pool(layer: Layer) -> Pool:
    """The fronts of a layer's shape (see `workload.canonical`)."""
    return Pool(layer)
