"""`apollo-dse map`: the best way to run layers on a design, as loop nests."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from apollo_dse.cli import map_chain, output
from apollo_dse.cli.ahead import search_mappings
from apollo_dse.cli.arguments import network, point
from apollo_dse.cli.errors import UserError, user_input
from apollo_dse.cli.options import DesignSpaceOption, JsonOption, Minimize, PresetOption, SettingsOption

if TYPE_CHECKING:
    from accel_models import Accelerator, Layer, Mapping, Workload
    from accel_models.cost import DesignCost, LayerCost


def map(  # noqa: PLR0913 - options
    *,
    workload: Annotated[
        str | None,
        Parameter(help="A network of the zoo, or a FILE: traced .json, or .onnx."),
    ] = None,
    layer: Annotated[
        list[str] | None, Parameter(help="Name of a layer; repeat it for several. Otherwise all are shown.")
    ] = None,
    space: DesignSpaceOption = "edge",
    settings: SettingsOption = None,
    preset: PresetOption = None,
    export: Annotated[
        Path | None, Parameter(help="Write the layers and their mappings to this folder, for Timeloop to run.")
    ] = None,
    timeloop: Annotated[
        list[Path] | None,
        Parameter(
            help="Instead of a workload and a design, Timeloop's architecture and problem, in a file or a "
            "folder; repeat it for several files."
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        Parameter(
            help="LEVEL=A,B: what a level of Timeloop's may keep; repeat it for more choices of a level, or "
            "more levels. Others may keep anything."
        ),
    ] = None,
    rules: Annotated[
        map_chain.Rules, Parameter(help="Whose rules count: Timeloop of 2025, or release 3.0.3.")
    ] = "head",
    quick: Annotated[bool, Parameter(help="Stop after a narrow first pass, without a proof.")] = False,
    out: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="Write Timeloop's mapping as its YAML.")
    ] = None,
    minimize: Annotated[Minimize, Parameter(help="What layers are mapped for.")] = "latency",
    json: JsonOption = False,
) -> None:
    r"""Find the best mapping of every layer on a design, and print them as loop nests.

    With --timeloop: of one problem on one of Timeloop's architectures, counted by
    its rules.

    Examples:
      apollo-dse map --workload mobilenet_v2 --preset edge-tpu-v1 --layer conv2d_1
      apollo-dse map --workload net.json --preset edge-tpu-v1 --export nests/
      apollo-dse map --timeloop architecture.yaml --timeloop problem.yaml \
        --minimize edp -o mapping.yaml
    """
    if (timeloop is None) == (workload is None):
        raise UserError("map takes either --workload and a design, or --timeloop")
    if timeloop is not None:
        found = map_chain.map_chain(timeloop, minimize, keep, rules, exact=not quick, out=out)
        output.document(map_chain.describe(found)) if json else map_chain.show(found)
        return
    assert workload is not None
    mapped = _map(workload, layer, space, settings or [], preset, minimize)
    if export is not None:
        _export(mapped, export)
    output.document(mapped.document()) if json else mapped.show()


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A network on a design, and the layers that were asked for, by place."""

    workload: "Workload"
    accelerator: "Accelerator"
    minimize: Minimize
    cost: "DesignCost"
    mappings: "tuple[Mapping, ...]"
    places: tuple[int, ...]

    def nest(self, place: int) -> str:
        names = tuple(level.name for level in self.accelerator.levels)
        return self.mappings[place].describe(self.workload.layers[place], names)

    def document(self) -> dict[str, object]:
        return {
            "workload": self.workload.name,
            "template": self.accelerator.template,
            "minimize": self.minimize,
            "layers": [
                {
                    "name": cost.name,
                    "repeats": cost.repeats,
                    "latency_s": cost.latency_s,
                    "energy_j": cost.energy_j,
                    "bound_by": cost.bound_by,
                    "complete": cost.complete,
                    "nest": self.nest(place).splitlines(),
                }
                for place, cost in self._costs()
            ],
        }

    def show(self) -> None:
        for place, cost in self._costs():
            head = f"{cost.name}: {cost.latency_s * 1e6:.6g} us, {cost.energy_j * 1e6:.6g} uJ, {cost.bound_by}"
            head += f", {cost.repeats} times" if cost.repeats > 1 else ""
            output.line(head + ("" if cost.complete else ", of a part of all mappings"))
            output.line(self.nest(place))
            output.line()

    def _costs(self) -> "list[tuple[int, LayerCost]]":
        return [(place, self.cost.layers[place]) for place in self.places]


def _map(
    workload: str,
    layers: list[str] | None,
    space: str,
    settings: list[str],
    preset: str | None,
    minimize: Minimize,
) -> _Mapped:
    from search_spaces import get

    with user_input():
        design_space = get(space)
    priced = network(workload)
    places = _places(priced.layers, layers)
    chosen = point(design_space, settings, preset)
    with output.waiting(f"Mapping {priced.name}") as say:
        from accel_models.cost import CostModel

        with user_input():
            accelerator = design_space.build(chosen)
            span = design_space.span()
            search_mappings(accelerator, span, [priced], say)
            model = CostModel(minimize=minimize, span=span)
            cost = model.evaluate([accelerator], priced).design(0)
            mappings = model.mappings(accelerator, priced)
    if not cost.feasible:
        raise UserError(f"the design must be feasible to be mapped, but {'; '.join(cost.reasons)}")
    return _Mapped(priced, accelerator, minimize, cost, mappings, places)


def _places(layers: "tuple[Layer, ...]", names: list[str] | None) -> tuple[int, ...]:
    """Where the layers of these names stand; all layers without."""
    from search_spaces.quantity import nearest_name

    there = [layer.name for layer in layers]
    for name in names or ():
        if name not in there:
            raise UserError(f"no layer {name!r} among {len(there)}{nearest_name(name, there)}")
    return tuple(place for place, name in enumerate(there) if names is None or name in names)


def _export(mapped: _Mapped, folder: Path) -> None:
    from accel_models.interop.timeloop import export

    with user_input():
        for place in mapped.places:
            layer = mapped.workload.layers[place]
            file = folder / f"{place:03d}_{''.join(c if c.isalnum() else '_' for c in layer.name)}"
            export(layer, mapped.accelerator, mapped.mappings[place], file, pad=True)
    output.note(f"wrote {len(mapped.places)} layers to {folder}")
