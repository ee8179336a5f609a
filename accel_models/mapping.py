"""How a layer runs: a loop nest with tile sizes, spatial unrolling, permutation and kept operands.

A mapping is a list of loops, outermost first. Every loop belongs to a level and steps through one
dimension in chunks of `tile` indices; its trip count is `ceil(chunk of the next loop outwards / tile)`, so
tiles need not divide: the last chunk is clipped at the end of the chunk around it. Trip counts are fixed,
so a clipped chunk takes as long as a full one (the array idles), but words and operations past the end do
not exist: they are neither moved nor counted.

Loops of one level stand together: temporal loops first, then the spatial ones (`axis` names the spatial
axis of that level's fan-out). The innermost loop of every dimension whose bound exceeds 1 has `tile = 1`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accel_models.workload import DIMS, Dim, Layer, Operand


@dataclass(frozen=True, slots=True)
class Loop:
    """One loop: dimension, chunk size inside it, level (0 = outermost) and, if spatial, its axis."""

    dim: Dim
    tile: int
    level: int
    axis: str | None = None

    @property
    def is_spatial(self) -> bool:
        """Whether the iterations run side by side."""
        return self.axis is not None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A loop nest, outermost loop first, and for every operand the levels that keep it (0 always does).

    Raises:
        ValueError: levels are not ordered, a spatial loop precedes a temporal one of its level, tiles of a
            dimension grow inwards, or an operand is not kept at the outermost level.
    """

    loops: tuple[Loop, ...]
    kept: tuple[tuple[Operand, tuple[int, ...]], ...]

    def __post_init__(self) -> None:
        keys = [(loop.level, loop.is_spatial) for loop in self.loops]
        if keys != sorted(keys):
            raise ValueError(f"loops must run outermost level first, temporal before spatial, but got {keys}")
        for dim in DIMS:
            tiles = [loop.tile for loop in self.loops if loop.dim == dim]
            if tiles != sorted(tiles, reverse=True) or any(tile < 1 for tile in tiles):
                raise ValueError(f"tiles must be >= 1 and must not grow inwards, but {dim} has {tiles}")
        for operand, levels in self.kept:
            if not levels or levels[0] != 0 or list(levels) != sorted(set(levels)):
                raise ValueError(f"kept levels must start at 0 and rise, but {operand} has {levels}")

    def kept_levels(self, operand: Operand) -> tuple[int, ...]:
        """Levels that keep an operand, outermost first."""
        return dict(self.kept)[operand]

    def trip_counts(self, layer: Layer) -> tuple[int, ...]:
        """Trip count of every loop.

        Raises:
            ValueError: the innermost loop of a dimension leaves a chunk larger than 1.
        """
        chunk = layer.bounds
        counts = []
        for loop in self.loops:
            counts.append(-(-chunk[loop.dim] // loop.tile))
            chunk[loop.dim] = min(chunk[loop.dim], loop.tile)
        left = {dim: size for dim, size in chunk.items() if size > 1}
        if left:
            raise ValueError(f"every dimension must be tiled down to 1, but {left} is left in {layer.name!r}")
        return tuple(counts)

    def cycles(self, layer: Layer) -> int:
        """Compute cycles: the product of all temporal trip counts."""
        cycles = 1
        for loop, count in zip(self.loops, self.trip_counts(layer), strict=True):
            cycles *= 1 if loop.is_spatial else count
        return cycles

    def describe(self, layer: Layer, level_names: tuple[str, ...]) -> str:
        """The nest as indented text, one loop a line, trip counts of 1 left out."""
        return "\n".join(_lines(self, layer, level_names))


def _lines(mapping: Mapping, layer: Layer, level_names: tuple[str, ...]) -> Iterator[str]:
    depth, level = 0, -1
    for loop, count in zip(mapping.loops, mapping.trip_counts(layer), strict=True):
        if loop.level != level:
            level = loop.level
            held = [operand for operand, levels in mapping.kept if level in levels]
            yield f"{'  ' * depth}{level_names[level]} [{', '.join(held)}]"
        if count > 1:
            depth += 1
            how = f"parallel on {loop.axis}" if loop.is_spatial else "for"
            yield f"{'  ' * depth}{how} {loop.dim} in {count} x {loop.tile}"
    yield f"{'  ' * (depth + 1)}multiply-accumulate"
