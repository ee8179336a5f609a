"""Tiles as products of one-dimensional sets.

An instance's tile of an operand is a product over the groups {n}, {g}, {k}, {c}, {p, r}, {q, s}: a group
whose dimensions the operand uses contributes a set of indices (for inputs the true set of
`stride * p + dilation * r`, holes left out), any other group the set {0}; each is empty where the group's chunk
is. So everything about tiles follows from the iterations of one group at a time, of which there are few.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from accel_models.mapping import Mapping
from accel_models.workload import RELEVANT_DIMS, Dim, Layer, Operand

Indices = NDArray[np.int64]

GROUPS: tuple[tuple[Dim, ...], ...] = (("n",), ("g",), ("k",), ("c",), ("p", "r"), ("q", "s"))


def tile_layer(layer: Layer, mapping: Mapping, level: int) -> Layer:
    """The layer that one instance of a level works on at a time, chunks not clipped."""
    chunk = layer.bounds
    for loop in mapping.loops:
        if loop.level < level:
            chunk[loop.dim] = min(chunk[loop.dim], loop.tile)
    n, g, k, c, p, q, r, s = chunk.values()
    return replace(layer, n=n, g=g, k=k, c=c, p=p, q=q, r=r, s=s)


def tile_words(layer: Layer, mapping: Mapping, level: int, operand: Operand) -> int:
    """Words of the largest tile of an operand at a level: that of the first instance at the first step."""
    return tile_layer(layer, mapping, level).words(operand)


@dataclass(frozen=True, slots=True)
class Iterations:
    """All iterations of one group of dimensions, which are the in-range ones.

    `index[dim]` [i] is the index in each dimension; `digits[position]` [i] the setting of each loop of the
    group, by its position in `mapping.loops`.
    """

    index: dict[Dim, Indices]
    digits: dict[int, Indices]


def iterations(layer: Layer, mapping: Mapping, group: tuple[Dim, ...]) -> Iterations:
    """Every iteration of a group with the loop settings that lead to it (each is led to exactly once)."""
    grid = np.meshgrid(*(np.arange(layer.bound(dim)) for dim in group), indexing="ij")
    index = {dim: values.ravel() for dim, values in zip(group, grid, strict=True)}
    inside = dict(index)
    digits: dict[int, Indices] = {}
    for position, loop in enumerate(mapping.loops):
        if loop.dim in inside:
            digits[position], inside[loop.dim] = np.divmod(inside[loop.dim], loop.tile)
    return Iterations(index, digits)


def words_of(layer: Layer, operand: Operand, index: dict[Dim, Indices]) -> Indices:
    """The coordinate [i] of an operand's word in one group that each iteration touches, 0 if it has none."""
    relevant = [dim for dim in index if dim in RELEVANT_DIMS[operand]]
    if len(relevant) == 2:
        axis = GROUPS[4:].index((relevant[0], relevant[1]))
        return layer.stride[axis] * index[relevant[0]] + layer.dilation[axis] * index[relevant[1]]
    return index[relevant[0]] if relevant else np.zeros_like(next(iter(index.values())))
