"""Whether a mapping can run on a chain of levels: axes exist and are long enough, levels keep what is kept."""

from collections import defaultdict
from difflib import get_close_matches

from accel_models.arch import BufferLevel, SpatialAxis
from accel_models.mapping import Loop, Mapping
from accel_models.workload import OPERANDS, Layer


def check(layer: Layer, mapping: Mapping, levels: tuple[BufferLevel, ...]) -> None:
    """Check that spatial loops fit their axes and that operands are kept only where levels keep them.

    Raises:
        ValueError: a loop stands at a level or on an axis that does not exist, an axis may not unroll a
            loop's dimension or is shorter than the product of the trip counts on it, an operand is kept by
            a level that does not keep it, or a dimension is not tiled down to 1.
    """
    children: defaultdict[tuple[int, str], int] = defaultdict(lambda: 1)
    for loop, trips in zip(mapping.loops, mapping.trip_counts(layer), strict=True):
        if loop.level >= len(levels):
            raise ValueError(f"`level < {len(levels)}` must hold, but got {loop}")
        if loop.axis is not None:
            axis = _axis(loop, loop.axis, levels[loop.level])
            children[loop.level, loop.axis] *= trips
            if children[loop.level, loop.axis] > axis.size:
                needed = children[loop.level, loop.axis]
                where = f"axis {axis.name!r} of level {levels[loop.level].name!r}"
                raise ValueError(f"`trips <= size` must hold on {where}, but got {needed} > {axis.size}")
    for operand in OPERANDS:
        for index in mapping.kept_levels(operand):
            if index >= len(levels) or operand not in levels[index].keeps:
                keepers = [(i, level.name) for i, level in enumerate(levels) if operand in level.keeps]
                raise ValueError(f"{operand} can be kept at {keepers}, but the mapping keeps them at {index}")


def _axis(loop: Loop, name: str, level: BufferLevel) -> SpatialAxis:
    axes = {axis.name: axis for axis in level.axes}
    if name not in axes:
        near = get_close_matches(name, axes, n=1) or sorted(axes)
        raise ValueError(f"level {level.name!r} has no axis {name!r} for {loop}; the nearest are {near}")
    if loop.dim not in axes[name].dims:
        raise ValueError(f"axis {name!r} of level {level.name!r} unrolls {axes[name].dims}, but got {loop}")
    return axes[name]
