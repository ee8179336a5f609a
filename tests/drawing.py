"""Hypothesis strategies: layers with mappings and levels that can run them, and nothing in common otherwise.

Few dimensions iterate, but those in several loops each, most of which do not divide: overlapping windows,
clipped chunks and children that idle need that, and small uniform draws would hardly ever show them.
"""

from collections import defaultdict
from math import prod

from hypothesis import assume
from hypothesis import strategies as st

from accel_models import DIMS, OPERANDS, BufferLevel, Layer, Loop, Mapping, SpatialAxis

NETWORKS = ("unicast", "multicast", "mesh")
THEMES = (DIMS, ("p", "r", "k"), ("q", "s", "n"), ("c", "p"), ("r", "s", "c", "k"), ("p", "r"), ("c", "r", "k"))


@st.composite
def layers(draw, most_macs=200, longest=11):
    """Layers that iterate over 1 to 4 dimensions, the others being 1; strides and dilations 1 to 3."""
    dims = draw(st.permutations(draw(st.sampled_from(THEMES))))[: draw(st.sampled_from((2, 3, 3, 4)))]
    bounds, left = {}, most_macs
    for dim in dims:
        if left > 1:
            bounds[dim] = draw(st.sampled_from(range(2, min(longest, left) + 1)))
            left //= bounds[dim]
    steps = st.tuples(*[st.sampled_from((1, 1, 2, 3))] * 2)
    return Layer(name="drawn", **bounds, stride=draw(steps), dilation=draw(steps))


@st.composite
def cases(draw, layer=None, num_levels=None, most_iterations=1500):
    """(layer, mapping, levels): 2 to 4 levels, any loops in any order, tiles that need not divide."""
    layer = layer or draw(layers())
    num_levels = num_levels or draw(st.sampled_from((2, 2, 3, 4)))
    slots = []
    for dim in (dim for dim in DIMS if layer.bound(dim) > 1):
        levels = st.sampled_from(range(num_levels))
        for _ in range(draw(st.sampled_from((1, 2, 3, 3, 4)))):
            slots.append((dim, min(draw(levels), draw(levels)), draw(st.sampled_from((False, False, True)))))
    slots = sorted(draw(st.permutations(slots)), key=lambda slot: slot[1:])
    loops, chunk = [], layer.bounds
    for i, (dim, level, spatial) in enumerate(slots):
        last = all(later[0] != dim for later in slots[i + 1 :])
        tile = 1 if last else draw(st.sampled_from(range(1, chunk[dim] + 1)))
        loops.append(Loop(dim, tile, level, draw(st.sampled_from("xy")) if spatial else None))
        chunk[dim] = tile
    kept = []
    for operand in OPERANDS:
        inner = [level for level in range(1, num_levels) if draw(st.sampled_from((True, True, False)))]
        kept.append((operand, (0, *inner)))
    mapping = Mapping(tuple(loops), tuple(kept))
    assume(prod(mapping.trip_counts(layer)) <= most_iterations)
    networks = [draw(st.sampled_from(NETWORKS)) for _ in range(num_levels)]
    return layer, mapping, fitting_levels(layer, mapping, networks)


def fitting_levels(layer, mapping, networks, **fields):
    """Levels whose axes are just long enough for a mapping and unroll just the dimensions that it unrolls."""
    sizes, dims = defaultdict(lambda: 1), defaultdict(set)
    for loop, trips in zip(mapping.loops, mapping.trip_counts(layer), strict=True):
        if loop.axis is not None:
            sizes[loop.level, loop.axis] *= trips
            dims[loop.level, loop.axis].add(loop.dim)
    return tuple(
        BufferLevel(
            name=f"level{level}",
            keeps=OPERANDS,
            axes=tuple(SpatialAxis(a, sizes[i, a], tuple(dims[i, a])) for i, a in sorted(sizes) if i == level),
            network=network,
            **fields,
        )
        for level, network in enumerate(networks)
    )
