"""`apollo-dse evaluate`: the price of one design on one network, layer by layer."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.ahead import search_mappings
from apollo_dse.cli.arguments import network, point
from apollo_dse.cli.errors import user_input
from apollo_dse.cli.options import (
    DesignSpaceOption,
    JsonOption,
    Minimize,
    PresetOption,
    SettingsOption,
    WorkloadOption,
)

if TYPE_CHECKING:
    from accel_models import Accelerator
    from accel_models.cost import DesignCost, LayerCost


def evaluate(
    *,
    workload: WorkloadOption,
    space: DesignSpaceOption = "edge",
    settings: SettingsOption = None,
    preset: PresetOption = None,
    minimize: Annotated[Minimize, Parameter(help="What every layer is mapped for.")] = "latency",
    json: JsonOption = False,
) -> None:
    r"""Price one design on one network, layer by layer.

    A design that cannot be built or cannot run the network is an answer too:
    infeasible, with the reasons, exit code 0.

    Examples:
      apollo-dse evaluate --workload mobilenet_v2 --preset edge-tpu-v1
      apollo-dse evaluate --workload net.json --preset edge-tpu-v1 \
        --set pe_memory_bytes=1MiB --json
    """
    from search_spaces import get

    with user_input():
        design_space = get(space)
    priced = network(workload)
    chosen = point(design_space, settings or [], preset)
    with output.waiting(f"Pricing {priced.name}") as say:
        from accel_models.cost import CostModel

        with user_input():
            accelerator = design_space.build(chosen)
        span = design_space.span()
        search_mappings(accelerator, span, [priced], say)
        model = CostModel(minimize=minimize, keep_parameters=True, span=span)
        cost = model.evaluate([accelerator], priced).design(0)
    if json:
        about = {"workload": priced.name, "space": design_space.name, "point": chosen, "minimize": minimize}
        output.document(about | _about(accelerator) | _describe(cost))
        return
    base = design_space.presets[preset] if preset else {}
    own = {name: value for name, value in chosen.items() if name not in base or base[name] != value}
    words = [f"--preset {preset}"] * bool(preset) + [output.point_text(design_space.space, own)] * bool(own)
    output.line(f"{priced.name} on {design_space.name}: {' '.join(words)}")
    output.line(f"words {accelerator.word_format}; {_basis(accelerator)}")
    _show(cost, accelerator.peak_ops_per_s / 1e12)


def _about(accelerator: "Accelerator") -> dict[str, object]:
    word = accelerator.word_format
    return {
        "peak_tops": accelerator.peak_ops_per_s / 1e12,
        "word_format": {
            "weights": word.weights.name,
            "activations": word.activations.name,
            "accumulators": word.accumulators.name,
        },
        "technology": accelerator.technology,
        "dram": accelerator.dram,
        "basis": _basis(accelerator),
    }


def _basis(accelerator: "Accelerator") -> str:
    """Whose numbers the price stands on."""
    from accel_models import technology

    return technology.basis(accelerator.technology, accelerator.dram)


def _describe(cost: "DesignCost") -> dict[str, object]:
    known = cost.feasible
    return {
        "feasible": cost.feasible,
        "reasons": cost.reasons,
        "latency_s": cost.latency_s if known else None,
        "energy_j": cost.energy_j if known else None,
        "edp_js": cost.energy_j * cost.latency_s if known else None,
        "steady_latency_s": cost.steady_latency_s if known else None,
        "steady_energy_j": cost.steady_energy_j if known else None,
        "area_mm2": cost.area_mm2 if known else None,
        "power_w": cost.power_w if known else None,
        "utilization": cost.utilization if known else None,
        "area_by_block_mm2": cost.area_by_block,
        "layers": [_layer(layer) for layer in cost.layers] if known else [],
    }


def _layer(layer: "LayerCost") -> dict[str, object]:
    """Latency, energy, MACs and bytes are of one execution; the network has `repeats` of them."""
    return {
        "name": layer.name,
        "kind": layer.kind,
        "repeats": layer.repeats,
        "macs": layer.macs,
        "latency_s": layer.latency_s,
        "energy_j": layer.energy_j,
        "utilization": layer.utilization,
        "bound_by": layer.bound_by,
        "compute_s": layer.compute_s,
        "repeats_cached": layer.repeats_cached,
        "complete": layer.complete,
        "energy_by_level_j": layer.energy_by_level_j,
        "bytes_by_level": layer.bytes_by_level,
    }


def _show(cost: "DesignCost", peak_tops: float) -> None:
    from apollo_dse.report.labels import quantity

    if not cost.feasible:
        output.line("infeasible: " + "; ".join(cost.reasons))
        return
    totals = f"latency {quantity(cost.latency_s, 's')}, energy {quantity(cost.energy_j, 'J')}"
    size = f"area {quantity(cost.area_mm2, 'mm²')}, power {quantity(cost.power_w, 'W')}"
    output.line(f"{totals}, {size}, utilization {quantity(cost.utilization, 'share')} of {peak_tops:.4g} TOPS")
    cached = sum(layer.repeats_cached for layer in cost.layers)
    layers = sum(layer.repeats for layer in cost.layers if layer.macs)
    output.line(
        f"in a stream of inferences: latency {quantity(cost.steady_latency_s, 's')}, "
        f"energy {quantity(cost.steady_energy_j, 'J')}, parameters of {cached} of {layers} layers on chip"
    )
    rows = [
        [
            layer.name,
            layer.kind,
            str(layer.repeats),
            output.count_text(layer.macs),
            quantity(layer.latency_s, "s"),
            quantity(layer.latency_s * layer.repeats / cost.latency_s, "share"),
            quantity(layer.energy_j, "J"),
            quantity(layer.utilization, "share"),
            layer.bound_by,
        ]
        for layer in cost.layers
    ]
    columns = ("layer", "kind", "times", "MACs", "latency", "share", "energy", "utilization", "bound by")
    output.table(columns, rows)
    if part := [layer for layer in cost.layers if not layer.complete]:
        output.line(f"of {len(part)} of {len(cost.layers)} steps a part of all mappings was searched, not all")
