"""From a mapping of the mapspace on a design to the `Mapping` record: a loop nest to be read or executed."""

from accel_models.arch import Accelerator
from accel_models.mapping import Loop, Mapping
from accel_models.mapspace import kernel
from accel_models.mapspace.choices import AXES, PASSED_DIMS, TILED_DIMS
from accel_models.mapspace.front import Index, Mapspace
from accel_models.workload import Dim, Layer, Operand

KEPT: tuple[tuple[Operand, tuple[int, ...]], ...] = (
    ("weights", (0, 2, 3)),
    ("inputs", (0, 1)),
    ("outputs", (0, 1, 3)),
)
KEEP_OUTPUTS_ORDER: tuple[Dim, ...] = ("g", "k", "n", "p", "q", "c", "r", "s")
KEEP_WEIGHTS_ORDER: tuple[Dim, ...] = ("g", "k", "c", "r", "s", "n", "p", "q")
UNROLLED: tuple[Dim, ...] = (*TILED_DIMS, "r", "s")


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


def mapping_record(space: Mapspace, choice: Index, accelerator: Accelerator) -> Mapping:
    """The loop nest of one mapping [choice] on an accelerator of the PE-array hierarchy."""
    chosen = dict(zip(kernel.CHOICES, (int(each) for each in choice), strict=True))
    tile = dict(zip(TILED_DIMS, (int(size) for size in space.tilings.tile[chosen["tiling"]]), strict=True))
    on_axis = {axis: UNROLLED[chosen[axis]] for axis in AXES}
    size = {axis.name: axis.size for level in accelerator.levels for axis in level.axes}
    if size["pe_x"] > size["pe_y"]:  # a structure has the smaller as `pe_x`
        on_axis["pe_x"], on_axis["pe_y"] = on_axis["pe_y"], on_axis["pe_x"]

    nest = _Nest(space.layer)
    for position in space.tilings.order[chosen["tiling"]]:
        nest.add(TILED_DIMS[position], tile[TILED_DIMS[position]], 0)
    for axis in ("pe_x", "pe_y"):
        nest.spread(on_axis[axis], size[axis], 0, axis)
    for dim in PASSED_DIMS:
        cores, passes = size["cores"] if on_axis["cores"] == dim else 1, chosen[f"passes_{dim}"]
        if passes > 1:
            nest.add(dim, -(-nest.chunk[dim] // (cores * passes)) * cores, 1)
    nest.spread(on_axis["cores"], size["cores"], 1, "cores")
    beat = {on_axis["lanes"]: size["lanes"], on_axis["ways"]: size["ways"]}
    for dim in KEEP_WEIGHTS_ORDER if chosen["keeps_weights"] else KEEP_OUTPUTS_ORDER:
        nest.add(dim, beat.get(dim, 1), 2)
    nest.add(on_axis["lanes"], 1, 2, "lanes")
    nest.add(on_axis["ways"], 1, 3, "ways")
    return Mapping(tuple(nest.loops), KEPT)
