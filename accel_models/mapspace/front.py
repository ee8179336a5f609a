"""The mapping front: all mappings of a layer that some design of a structure may want, and no others.

A mapping is better than another one on every design of a structure if it takes no longer, moves no more and
needs no larger step of room (`kernel.FEATURES`): latency is a maximum of ratios, energy a sum of products, all
factors are >= 0, so neither can then be higher, whatever bandwidths, energies and capacities are. The front is
what is left when all mappings that are beaten so are gone, found by enumerating all (`enumeration.front`): its
minimum is the mapspace's.

The mapspace: every array tile of `choices.tilings` that `enumeration.array_tiles` finds worth considering;
every dimension on every axis; passes in powers of two; both inner orders.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from accel_models.mapspace import enumeration, kernel
from accel_models.mapspace.cache import fetch
from accel_models.mapspace.choices import AXES, TILED_DIMS, Tilings, tilings, unrolled_dims
from accel_models.mapspace.structure import Room, Structure
from accel_models.workload import Layer

Index = NDArray[np.int64]
Array = NDArray[np.float64]

ON_CHIP_BOUNDS = (0, 3, 4)
"""Units, PE memory and core memory among `price.BOUNDS`."""

_AXIS_DIMS = (*TILED_DIMS, "r", "s")


@dataclass(frozen=True, slots=True)
class Mapspace:
    """One layer's choices as the compiled loops take them; `complete` as `choices.tilings` says."""

    layer: Layer
    tilings: Tilings
    complete: bool
    numbers: Array
    columns: tuple[Index, Index, Array]
    dims: tuple[Index, ...]

    def tallies(self, axes: Index, widths: Array, choices: Index) -> Array:
        """Tallies [m, x] over `kernel.TALLIES` of mappings [m, choice] on structures: axes, numbers, [m, x]."""
        found = np.empty((len(choices), len(kernel.TALLIES)))
        kernel.tally(self.numbers, axes, widths, self.columns, choices, found)
        return found

    def features(self, structure: Structure, choices: Index) -> Array:
        """Features [m, x] over `kernel.FEATURES` of mappings [m, choice] on a structure, needs as they are."""
        return self.features_on(*_rows(structure, len(choices)), choices)

    def features_on(self, axes: Index, widths: Array, choices: Index) -> Array:
        """Features of mappings, each on a structure of its own: arguments as for `tallies`."""
        return self._both(axes, widths, choices)[1]

    def front(self, structure: Structure, choices: Index) -> "Front":
        """A front of mappings [m, choice], put in order."""
        tallies, features = self._both(*_rows(structure, len(choices)), choices)
        pe = (tallies[:, kernel.PE_READ] + tallies[:, kernel.PE_WRITTEN]) / structure.pe_bandwidth
        core = (tallies[:, kernel.CORE_READ] + tallies[:, kernel.CORE_FILLED]) / structure.core_bandwidth
        slowest = np.stack((tallies[:, kernel.COMPUTE], pe, core)).argmax(axis=0)
        order = np.argsort(features[:, kernel.F_BUSY], kind="stable")
        return Front(choices[order], features[order], np.array(ON_CHIP_BOUNDS)[slowest[order]])

    def _both(self, axes: Index, widths: Array, choices: Index) -> tuple[Array, Array]:
        tallies, found = self.tallies(axes, widths, choices), np.empty((len(choices), len(kernel.FEATURES)))
        kernel.features_of(tallies, self.numbers, widths, found)
        return tallies, found


def _rows(structure: Structure, m: int) -> tuple[Index, Array]:
    """Axes and numbers of a structure, m times each."""
    axes, widths = (
        np.broadcast_to(numbers, (m, len(numbers))).copy()
        for numbers in (np.array(structure.axes), np.array(structure.numbers))
    )
    return axes, widths


@dataclass(frozen=True, slots=True)
class Front:
    """The front of a layer on a structure, of one mapping at least.

    Attributes:
        index: [m, choice] over `kernel.CHOICES`, in the order of `kernel.F_BUSY`.
        features: [m, x] over `kernel.FEATURES`, likewise; needs are in bytes and tiles.
        bound: [m] what takes longest on chip, as an index into `price.BOUNDS`.
    """

    index: Index
    features: Array
    bound: Index

    def __len__(self) -> int:
        return len(self.index)


@lru_cache(maxsize=1024)
def mapspace(layer: Layer) -> Mapspace:
    """The choices of a layer's shape (see `workload.canonical`)."""
    found, complete = tilings(layer)
    steps = [
        each // gcd(stride, dilation)
        for stride, dilation in zip(layer.stride, layer.dilation, strict=True)
        for each in (dilation, stride)
    ]
    return Mapspace(
        layer=layer,
        tilings=found,
        complete=complete,
        numbers=np.array([layer.r, layer.s, *steps, layer.macs, layer.words("outputs")], dtype=np.float64),
        columns=(found.tile.astype(np.int64), found.trips.astype(np.int64), found.words),
        dims=tuple(
            np.array([_AXIS_DIMS.index(dim) for dim in unrolled_dims(layer, axis)], dtype=np.int64)
            for axis in AXES[1:]
        ),
    )


def front(layer: Layer, structure: Structure, room: Room) -> Front:
    """The front of a layer's shape on a structure, from disk or enumerated.

    Where no mapping fits the largest room it is the one that exceeds it least.
    """
    space = mapspace(layer)

    def search() -> Index:
        axes, widths = np.array(structure.axes), np.array(structure.numbers)
        arguments = (space.numbers, axes, widths, space.columns, space.dims)
        steps = tuple(np.array(some, dtype=np.float64) for some in room.steps)
        found: Index = enumeration.front(*arguments, steps)
        return found if len(found) else enumeration.least_demanding(*arguments, steps)[None]

    return space.front(structure, fetch((layer, structure, room), search))
