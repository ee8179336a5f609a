"""From a candidate on a design to the `Mapping` record: a loop nest that can be read, checked and executed."""

from accel_models.arch import Accelerator
from accel_models.mapping import Loop, Mapping
from accel_models.mapspace.candidates import KEEP_WEIGHTS
from accel_models.mapspace.choices import AXES, CORE_DIMS, TILED_DIMS, WHOLE
from accel_models.mapspace.portfolio import Portfolio
from accel_models.workload import DIMS, Dim, Layer, Operand

KEPT: tuple[tuple[Operand, tuple[int, ...]], ...] = (
    ("weights", (0, 2, 3)),
    ("inputs", (0, 1)),
    ("outputs", (0, 1, 3)),
)
KEEP_OUTPUTS_ORDER: tuple[Dim, ...] = ("g", "k", "n", "p", "q", "c", "r", "s")
KEEP_WEIGHTS_ORDER: tuple[Dim, ...] = ("g", "k", "c", "r", "s", "n", "p", "q")


class _Nest:
    """Loops so far, and the chunk of every dimension that they leave."""

    def __init__(self, layer: Layer) -> None:
        self.chunk = layer.bounds
        self.loops: list[Loop] = []

    def add(self, dim: Dim, tile: int, level: int, axis: str | None = None) -> None:
        if tile < self.chunk[dim]:
            self.loops.append(Loop(dim, tile, level, axis))
            self.chunk[dim] = tile

    def spread(self, dim: Dim, children: int, level: int, axis: str) -> None:
        self.add(dim, -(-self.chunk[dim] // children), level, axis)


def mapping_record(found: Portfolio, candidate: int, accelerator: Accelerator) -> Mapping:
    """The loop nest of one candidate of a portfolio on an accelerator of the PE-array hierarchy."""
    table = found.table
    tiling, unrolling, core, inner = (int(i) for i in found.index[candidate])
    tile = {dim: int(size) for dim, size in zip(TILED_DIMS, table.tilings.tile[tiling], strict=True)}
    unrolled = [DIMS[int(i)] for i in table.unrollings[unrolling]]
    on_axis = dict(zip(AXES, unrolled, strict=True))
    held = {dim: int(size) for dim, size in zip(CORE_DIMS, table.core_tiles[core], strict=True)}
    size = {axis.name: axis.size for level in accelerator.levels for axis in level.axes}

    nest = _Nest(table.layer)
    for position in table.tilings.order[tiling]:
        nest.add(TILED_DIMS[position], tile[TILED_DIMS[position]], 0)
    for axis in ("pe_x", "pe_y"):
        nest.spread(on_axis[axis], size[axis], 0, axis)
    cores = {dim: size["cores"] if on_axis["cores"] == dim else 1 for dim in TILED_DIMS}
    for dim in CORE_DIMS:
        if held[dim] < WHOLE:
            nest.add(dim, held[dim] * cores[dim], 1)
    nest.spread(on_axis["cores"], size["cores"], 1, "cores")
    beat = {on_axis["lanes"]: size["lanes"], on_axis["ways"]: size["ways"]}
    for dim in KEEP_WEIGHTS_ORDER if inner == KEEP_WEIGHTS else KEEP_OUTPUTS_ORDER:
        nest.add(dim, beat.get(dim, 1), 2)
    nest.add(on_axis["lanes"], 1, 2, "lanes")
    nest.add(on_axis["ways"], 1, 3, "ways")
    return Mapping(tuple(nest.loops), KEPT)
