"""Windows of inputs that overlap: how many words they have in common when they slide or lie side by side.

Only image axes count along which both outputs and taps iterate. The words of all tiles along such an axis
follow from the number of its chunks alone: a loop along which windows slide brings in what one large window
has, so its turns make no chunks of their own; nor do children that lie side by side and are served together.
"""

from collections.abc import Mapping
from math import gcd

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.nest import ONE, Nest, Values, running, times
from accel_models.dataflows.hierarchy.reuse import Loops
from accel_models.workload import Dim, Layer

IMAGE_AXES: tuple[tuple[Dim, Dim], ...] = (("p", "r"), ("q", "s"))
Bounds = Mapping[Dim, Tensor | int]
"""Of a layer, or of one padded to full chunks."""

PARTNER: dict[Dim, Dim] = {"p": "r", "r": "p", "q": "s", "s": "q"}
NEIGHBOUR: dict[Dim, Dim] = {"p": "q", "q": "p", "r": "s", "s": "r"}
SET_OF: dict[Dim, tuple[str, str]] = {"p": ("n", "c"), "q": ("n", "c"), "r": ("c", "n"), "s": ("c", "n")}
"""The set of loops that an image dimension belongs to, and the other one that touches inputs."""


def overlapping(layer: Layer) -> tuple[int, ...]:
    """Image axes along which windows can have words in common: both outputs and taps iterate."""
    return tuple(i for i, dims in enumerate(IMAGE_AXES) if all(layer.bound(dim) > 1 for dim in dims))


def windows(layer: Layer, axis: int, outputs: Tensor, taps: Tensor) -> Tensor:
    """Input positions under `outputs` neighbouring windows of `taps` taps along image axis 0 or 1.

    The law of `workload.touched`, also between whole numbers, where it is concave: of chunks of different sizes
    the average size gives no fewer positions than they have on average.
    """
    least_outputs, least_taps = _least(layer, axis)
    shared = torch.clamp(outputs - least_outputs, min=0.0) * torch.clamp(taps - least_taps, min=0.0)
    return outputs * taps - shared


def _least(layer: Layer, axis: int) -> tuple[int, int]:
    """From how many outputs and taps on a window shares all it can with its next neighbour, not with others."""
    divisor = gcd(layer.stride[axis], layer.dilation[axis])
    return layer.dilation[axis] // divisor, layer.stride[axis] // divisor


class Sliding:
    """Input positions along overlapping image axes, over all chunks and instances."""

    def __init__(self, layer: Layer, nest: Nest, loops: Loops) -> None:
        self.layer, self.nest, self.loops = layer, nest, loops
        self.axes = overlapping(layer)
        self.dims = [dim for i in self.axes for dim in IMAGE_AXES[i]]
        self.least = {
            dim: least for i in self.axes for dim, least in zip(IMAGE_AXES[i], _least(layer, i), strict=True)
        }
        self.turns = {dim: running(trips[dim] for trips in nest.trips) for dim in self.dims}
        self.copies = {dim: running(used.get(dim, ONE) for used in nest.used) for dim in self.dims}
        self.slides = [dict.fromkeys(self.dims, ONE)]
        """For every level the turns of the loop along which its tiles slide, by dimension; `ONE` where none."""
        for level in range(len(loops.inside)):
            below = self._below(self.slides[-1], level)
            self.slides.append({dim: self._unless(nest.spreads[level], dim, below[dim]) for dim in below})
        self.slides.append(self.slides[0])  # units retain nothing

    def child(self, child: int, bounds: Bounds) -> Tensor:
        """Positions that the instances of a level, or the units, have filled: each slides by itself."""
        chunks = {dim: times((self.turns[dim][child], self.copies[dim][child])) for dim in self.dims}
        return self._positions(chunks, self.slides[child], bounds)

    def siblings(self, parent: int, child: int, bounds: Bounds, *, mesh: bool) -> Tensor:
        """Positions that parents read for their children: what several ask for at a step counts once.

        Siblings in a mesh slide as one window. Others each slide by themselves, and what one lets go of another
        may ask for, so nothing is spared where their windows differ. Chunks of siblings are neighbours, one
        large window, unless a loop between the two levels turns.
        """
        slides = self.slides[child]
        if mesh and child < len(self.nest.trips):
            slides = self.slides[parent]
            for level in range(parent, child):
                slides = self._below(slides, level)
        elif child < len(self.nest.trips):
            for spreads in self.nest.spreads[parent:child]:
                slides = {dim: self._unless(spreads, PARTNER[dim], slides[dim]) for dim in slides}
        chunks = {
            dim: times((self.turns[dim][child], self.copies[dim][parent], self._apart(dim, parent, child)))
            for dim in self.dims
        }
        return self._positions(chunks, slides, bounds)

    def _apart(self, dim: Dim, parent: int, child: int) -> Tensor:
        """Children that do not lie side by side, since a loop inside them turns."""
        found = ONE
        for level in range(parent, child - 1):
            if dim in self.nest.used[level]:
                turns = times(trips[dim] for trips in self.nest.trips[level + 1 : child])
                found = times((found, torch.where(turns > 1, self.nest.used[level][dim], ONE)))
        return found

    def _below(self, slides: Values, level: int) -> Values:
        """What slides below a level's loops, given what does above: the innermost input loop that turns.

        Dilated windows that advance by less than what they share only with others interleave, and do not slide.
        """
        inside, trips = self.loops.inside[level], self.nest.trips[level]
        turning = self.loops.touching(level, "inputs")
        found: Values = {}
        for dim in self.dims:
            (own, other), neighbour = SET_OF[dim], NEIGHBOUR[dim]
            innermost = ~(inside[f"{other} in {own}"] & (self.loops.turns[other][level] > 1))
            if neighbour in trips:
                innermost = innermost & (inside[f"{dim} in {neighbour}"] | (trips[neighbour] <= 1))
            if self.least[dim] > 1:
                innermost = innermost & (self.nest.step[level][dim] >= self.least[dim])
            found[dim] = torch.where(turning, torch.where(innermost, trips[dim], ONE), slides[dim])
        return found

    def _unless(self, spreads: Values, dim: Dim, turns: Tensor) -> Tensor:
        """Turns along which windows slide, unless a dimension is spread over children."""
        return torch.where(spreads[dim], ONE, turns) if dim in spreads else turns

    def _positions(self, chunks: Values, slides: Values, bounds: Bounds) -> Tensor:
        found = []
        for i in self.axes:
            outputs, taps = (
                chunks[dim] if slides[dim] is ONE else chunks[dim] / slides[dim] for dim in IMAGE_AXES[i]
            )
            rows, filter_rows = (bounds[dim] for dim in IMAGE_AXES[i])
            found.append(outputs * taps * windows(self.layer, i, rows / outputs, filter_rows / taps))
        return times(found)
