"""Layers of a priced design on its roofline (Williams, Waterman and Patterson, CACM 52(4), 2009)."""

from collections import Counter
from typing import TYPE_CHECKING

from accel_models import Accelerator
from apollo_dse.report.document import LayerRow, Roofline, WorkloadCost

if TYPE_CHECKING:
    from accel_models.cost import DesignCost, LayerCost

OPS_PER_MAC = 2


def roofline(accelerator: Accelerator) -> Roofline:
    """The two roofs of an accelerator: its peak, and the bandwidth of its outermost level."""
    peak = accelerator.peak_ops_per_s
    outer = accelerator.levels[0].bandwidth_bytes_per_cycle
    if outer is None:
        return Roofline(peak_ops_per_s=peak, bytes_per_s=None, ridge_ops_per_byte=None)
    bytes_per_s = outer * accelerator.clock_hz
    return Roofline(peak_ops_per_s=peak, bytes_per_s=bytes_per_s, ridge_ops_per_byte=peak / bytes_per_s)


def workload_cost(name: str, cost: "DesignCost", accelerator: Accelerator) -> WorkloadCost:
    """A workload's cost with totals over repeats, shares of what bounds it, and its roofline.

    Args:
        name: of the workload.
        cost: of the design on it; feasible.
        accelerator: the design.
    """
    outer = accelerator.levels[0].name
    rows = tuple(_layer(layer, outer) for layer in cost.layers)
    levels = dict.fromkeys(level for row in rows for level in row.energy_by_level_j)
    time_by_bound: Counter[str] = Counter()
    for row in rows:
        time_by_bound[row.bound_by] += row.total_latency_s  # type: ignore[assignment]
    total = sum(time_by_bound.values()) or 1.0
    return WorkloadCost(
        name=name,
        latency_s=cost.latency_s,
        energy_j=cost.energy_j,
        utilization=cost.utilization,
        macs=sum(row.macs * row.repeats for row in rows),
        layers=rows,
        energy_levels=tuple(levels),
        bounds=tuple((bound, time / total) for bound, time in time_by_bound.most_common()),
        roofline=roofline(accelerator),
    )


def _layer(layer: "LayerCost", outer: str) -> LayerRow:
    ops = OPS_PER_MAC * layer.macs
    traffic = layer.bytes_by_level.get(outer, 0.0)
    on_roofline = ops > 0 and traffic > 0 and layer.latency_s > 0
    return LayerRow(
        name=layer.name,
        kind=layer.kind,
        repeats=layer.repeats,
        macs=layer.macs,
        latency_s=layer.latency_s,
        energy_j=layer.energy_j,
        total_latency_s=layer.latency_s * layer.repeats,
        total_energy_j=layer.energy_j * layer.repeats,
        utilization=layer.utilization,
        bound_by=layer.bound_by,
        compute_s=layer.compute_s,
        energy_by_level_j=dict(layer.energy_by_level_j),
        bytes_by_level=dict(layer.bytes_by_level),
        ops_per_byte=ops / traffic if on_roofline else None,
        ops_per_s=ops / layer.latency_s if on_roofline else None,
    )
