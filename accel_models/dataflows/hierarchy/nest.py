"""The loop nest of candidates on designs: how large every chunk is and how often every loop turns."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.choices import Candidates
from accel_models.dataflows.hierarchy.designs import Designs
from accel_models.dataflows.hierarchy.structure import Structure
from accel_models.workload import DIMS, Dim, Layer

Values = dict[Dim, Tensor]

ONE = torch.ones((), dtype=torch.float64)
"""The factor that is left out of every product."""


@dataclass(frozen=True, slots=True)
class Nest:
    """Chunks and trips by level and iterating dimension; tensors broadcast to [B, M].

    `tile` is what one instance of a level works on at a time (one level more than there are: the units, with
    1), `step` what all its children do together, `trips` the temporal loop over such steps, and `used` the
    children that get anything, where some axis may unroll the dimension. `spreads` tells of those dimensions
    whether the candidate unrolls them and there is something to unroll, whatever the size of the axis.
    """

    tile: tuple[Values, ...]
    step: tuple[Values, ...]
    trips: tuple[Values, ...]
    used: tuple[Values, ...]
    spreads: tuple[Values, ...]


def nest(layer: Layer, structure: Structure, designs: Designs, candidates: Candidates) -> Nest:
    """Every axis takes as many chunks of its dimension as it has children; chunks are cut to what there is."""
    dims = tuple(dim for dim in DIMS if layer.bound(dim) > 1)
    innermost = len(structure.levels) - 1
    tile: Values = {dim: ONE * layer.bound(dim) for dim in dims}
    tiles, steps, trips, used, spreads = [tile], [], [], [], []
    for level in range(len(structure.levels)):
        unrolls = _unrolls(structure, designs, candidates, level, dims)
        children = {dim: times(1.0 + (size - 1.0) * at for at, size in axes) for dim, axes in unrolls.items()}
        chunk = candidates.chunk[level] if level < innermost else dict.fromkeys(dims, ONE)
        if level > 0:
            chunk = {dim: times((chunk[dim], children.get(dim, ONE))) for dim in dims}
        step = {dim: torch.minimum(tile[dim], chunk[dim]) for dim in dims}
        inner = {dim: torch.ceil(step[dim] / children[dim]) if dim in children else step[dim] for dim in dims}
        steps.append(step)
        trips.append({dim: torch.ceil(tile[dim] / step[dim]) for dim in dims})
        used.append({dim: torch.ceil(step[dim] / inner[dim]) for dim in children})
        spreads.append(
            {
                dim: (step[dim] > 1) & reduce(torch.logical_or, (at for at, _ in axes))
                for dim, axes in unrolls.items()
            }
        )
        tile = inner
        tiles.append(tile)
    return Nest(tuple(tiles), tuple(steps), tuple(trips), tuple(used), tuple(spreads))


def padded(nest: Nest) -> tuple[Values, ...]:
    """The bounds of a layer for which all chunks down to a level's tiles would be full ones, by level.

    The first instance of a level moves as many words as if the layer were that large.
    """
    found: tuple[Values, ...] = tuple({} for _ in nest.tile)
    for dim in nest.tile[0]:
        steps = running(
            times((trips[dim], used.get(dim, ONE))) for trips, used in zip(nest.trips, nest.used, strict=True)
        )
        for bounds, count, tile in zip(found, steps, nest.tile, strict=True):
            bounds[dim] = times((count, tile[dim]))
    return found


def times(factors: Iterable[Tensor]) -> Tensor:
    """The product; `ONE` where there are no factors."""
    found = [factor for factor in factors if factor is not ONE]
    return reduce(torch.mul, found) if found else ONE


def over(values: Values, dims: Iterable[Dim]) -> Tensor:
    """Product over those of `dims` that have a value."""
    return times(values[dim] for dim in dims if dim in values)


def running(factors: Iterable[Tensor]) -> tuple[Tensor, ...]:
    """Products of the first 0, 1, 2, ... factors."""
    found = [ONE]
    for factor in factors:
        found.append(times((found[-1], factor)))
    return tuple(found)


def _unrolls(
    structure: Structure, designs: Designs, candidates: Candidates, level: int, dims: tuple[Dim, ...]
) -> dict[Dim, list[tuple[Tensor, Tensor]]]:
    """For every dimension the axes of a level that may unroll it: whether a candidate does, and their sizes."""
    found: dict[Dim, list[tuple[Tensor, Tensor]]] = {}
    for number in structure.axes_of(level):
        for dim in structure.axes[number].dims:
            if dim in dims:
                at = candidates.axis_dim[number] == DIMS.index(dim)
                found.setdefault(dim, []).append((at, designs.sizes[number]))
    return found
