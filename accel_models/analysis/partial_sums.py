"""Where output words are complete sums, and where only parts of them ever meet."""

from itertools import accumulate, compress
from operator import and_

import numpy as np

from accel_models.analysis.tiles import Indices, iterations
from accel_models.mapping import Mapping
from accel_models.workload import RELEVANT_DIMS, Dim, Layer

REDUCED_DIMS: tuple[Dim, ...] = ("c", "r", "s")


def complete_levels(layer: Layer, mapping: Mapping) -> tuple[int, ...]:
    """Levels that keep outputs and at which every output word is a complete sum before it leaves.

    DRAM always is. A level inside is iff the level around it is and, from the last time that a word enters
    the level on, a single instance holds it: then all earlier parts have come down to that instance, and
    no other works on the word any more.
    """
    levels = mapping.kept_levels("outputs")
    alone = (True, *(_ends_alone(layer, mapping, level) for level in levels[1:]))
    return tuple(compress(levels, accumulate(alone, and_)))


def _ends_alone(layer: Layer, mapping: Mapping, level: int) -> bool:
    """Whether a single instance of a level holds an output word in its last stay there.

    The instances that hold a word depend on the loops over reduced dimensions alone. The first instance is
    among them whenever there are any, so it is the one that ends alone, if one does.
    """
    trips = mapping.trip_counts(layer)
    temporal = [
        i for i, loop in enumerate(mapping.loops) if loop.level < level and not loop.is_spatial and trips[i] > 1
    ]
    reduced = [i for i in temporal if mapping.loops[i].dim in REDUCED_DIMS]
    moving = [i for i in temporal if mapping.loops[i].dim in RELEVANT_DIMS["outputs"]]
    holders = np.ones([trips[i] for i in reduced], dtype=np.int64)
    for dim in REDUCED_DIMS:
        shape = [trips[i] if mapping.loops[i].dim == dim else 1 for i in reduced]
        holders = holders * _holders(layer, mapping, level, dim).reshape(shape)
    # A word is gone when a loop over its own dimensions moves on: only the last pass inside that loop counts.
    passes = int(np.prod([trips[i] for i in reduced if moving and i < moving[-1]], dtype=np.int64))
    last = holders.reshape(passes, -1)
    last = last[np.flatnonzero(last.any(axis=1))[-1]]
    last = last[: np.flatnonzero(last)[-1] + 1]
    gaps = np.flatnonzero(last == 0)
    return bool((last[gaps[-1] + 1 if gaps.size else 0 :] == 1).all())


def _holders(layer: Layer, mapping: Mapping, level: int, dim: Dim) -> Indices:
    """Number of instances of a level with a non-empty chunk of a dimension, for each setting of its loops."""
    trips = mapping.trip_counts(layer)
    digits = iterations(layer, mapping, (dim,)).digits
    above = [i for i in digits if mapping.loops[i].level < level and trips[i] > 1]
    table = np.zeros([trips[i] for i in above], dtype=np.int64)
    table[tuple(digits[i] for i in above)] = 1
    spatial = tuple(axis for axis, i in enumerate(above) if mapping.loops[i].is_spatial)
    return np.asarray(table.sum(axis=spatial))
