"""The recommended accelerator: priced layer by layer, and as boxes to draw."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Literal

from accel_models import Accelerator, Workload
from apollo_dse.report.document import Hardware, LevelBox, Quantity
from apollo_dse.report.labels import child_name, named_quantity, words
from search_spaces.networks.graph import Graph
from search_spaces.space import DesignSpace, Point

if TYPE_CHECKING:
    from accel_models.cost import CostModel, DesignCost


@dataclass(frozen=True, slots=True)
class PricedDesign:
    """An accelerator and what it costs on each workload, by name; `network` is one that was chosen with it."""

    accelerator: Accelerator
    costs: Mapping[str, "DesignCost"]
    network: Graph | None = None


Price = Callable[[Point], PricedDesign]


def pricing(
    design_space: DesignSpace,
    workloads: Sequence[Workload],
    minimize: Literal["latency", "energy", "edp"] = "latency",
) -> Price:
    """How to price a point of a design space with the built-in model.

    Args:
        design_space: what points mean.
        workloads: to price it on.
        minimize: what the mapping of a layer is chosen by, as in the study.
    """

    @cache
    def model() -> "CostModel":
        from accel_models.cost import CostModel  # loads torch

        return CostModel(minimize=minimize, span=design_space.span())

    def price(point: Point) -> PricedDesign:
        accelerator = design_space.build(point)
        costs = {each.name: model().evaluate([accelerator], each).design(0) for each in workloads}
        return PricedDesign(accelerator, costs)

    return price


def hardware(accelerator: Accelerator) -> Hardware:
    """Boxes of the block diagram: levels with their instances and fan-out, staging memories, areas."""
    named = [named_quantity(name, value) for name, value in accelerator.parameters]
    return Hardware(
        template=accelerator.template,
        technology=accelerator.technology,
        clock_hz=accelerator.clock_hz,
        peak_ops_per_s=accelerator.peak_ops_per_s,
        mac_units=accelerator.num_macs,
        area_mm2=accelerator.total_area_mm2,
        levels=tuple(_level(accelerator, place) for place in range(len(accelerator.levels))),
        staging=tuple(replace(q, label=f"{q.label} staging") for q in named if q.unit == "bytes"),
        area_by_block=_areas(accelerator),
    )


def _level(accelerator: Accelerator, place: int) -> LevelBox:
    level = accelerator.levels[place]
    inner = accelerator.levels[place + 1 :]
    speed = level.bandwidth_bytes_per_cycle
    return LevelBox(
        name=level.name,
        label=words(level.name),
        instances=prod(outer.fanout for outer in accelerator.levels[:place]),
        capacity_bytes=level.capacity_bytes,
        bandwidth_bytes_per_s=None if speed is None else speed * accelerator.clock_hz,
        keeps=level.keeps,
        fanout=tuple((axis.name, axis.size) for axis in level.axes),
        child=child_name(inner[0].name) if inner else "MAC",
    )


def _areas(accelerator: Accelerator) -> tuple[Quantity, ...]:
    blocks = sorted(accelerator.area_mm2, key=lambda block: -block[1])
    return tuple(Quantity(name=name, label=words(name), unit="mm²", value=area) for name, area in blocks)
