"""Hypothesis strategies: layers with mappings and levels that can run them, and nothing in common otherwise."""

from collections import defaultdict
from math import prod

from hypothesis import assume
from hypothesis import strategies as st

from accel_models import DIMS, OPERANDS, BufferLevel, Layer, Loop, Mapping, SpatialAxis

NETWORKS = ("unicast", "multicast", "mesh")


@st.composite
def layers(draw, most_macs=400, dims=DIMS, longest=9):
    """Layers over some dimensions, the others being 1; strides and dilations 1 to 3."""
    bounds, left = {}, most_macs
    for dim in draw(st.permutations(dims)):
        bounds[dim] = draw(st.integers(1, max(1, min(longest, left))))
        left //= bounds[dim]
    steps = st.tuples(st.integers(1, 3), st.integers(1, 3))
    return Layer(name="drawn", **bounds, stride=draw(steps), dilation=draw(steps))


@st.composite
def cases(draw, layer=None, num_levels=None, most_iterations=1500):
    """(layer, mapping, levels): 2 to 4 levels, any loops in any order, tiles that need not divide."""
    layer = layer or draw(layers())
    num_levels = num_levels or draw(st.integers(2, 4))
    slots = []
    for dim in DIMS:
        num_loops = draw(st.integers(1, 4)) if layer.bound(dim) > 1 else 0
        where = st.tuples(st.integers(0, num_levels - 1), st.sampled_from((False, False, True)))
        slots += [(dim, *draw(where)) for _ in range(num_loops)]
    slots = sorted(draw(st.permutations(slots)), key=lambda slot: slot[1:])
    loops, chunk = [], layer.bounds
    for i, (dim, level, spatial) in enumerate(slots):
        last = all(later[0] != dim for later in slots[i + 1 :])
        tile = 1 if last else draw(st.integers(1, chunk[dim]))
        loops.append(Loop(dim, tile, level, draw(st.sampled_from("xy")) if spatial else None))
        chunk[dim] = tile
    kept = []
    for operand in OPERANDS:
        inner = [level for level in range(1, num_levels) if draw(st.booleans())]
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
