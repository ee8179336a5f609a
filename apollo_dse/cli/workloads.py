"""`apollo-dse workloads`: the networks that are there, and what one of them computes."""

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.arguments import network
from apollo_dse.cli.options import JsonOption

if TYPE_CHECKING:
    from accel_models.workload import Layer, VectorOp, Workload


def workloads(
    name: Annotated[
        str | None, Parameter(name="NAME|FILE", help="A network of the zoo, or a FILE: traced .json, or .onnx.")
    ] = None,
    /,
    *,
    json: JsonOption = False,
) -> None:
    """List the networks of the zoo, or the layers of one.

    Counts are of one inference, bytes are of 8-bit words, and MACs/byte is the
    arithmetic intensity if every word is touched once.

    Examples:
      apollo-dse workloads
      apollo-dse workloads mobilenet_v2
      apollo-dse workloads mine.json --json
    """
    if name is None:
        _list_zoo(json)
        return
    workload = network(name)
    if json:
        output.document(_describe(workload))
    else:
        _show(workload)


def _list_zoo(json: bool) -> None:
    from accel_models import zoo

    rows = []
    for name in zoo.names():
        workload = zoo.workload(name)
        layers = sum(layer.repeats for layer in workload.layers)
        rows.append((name, layers, workload.macs, _parameters(workload), zoo.describe(name)))
    if json:
        keys = ("name", "layers", "macs", "parameters", "description")
        output.document({"workloads": [dict(zip(keys, row, strict=True)) for row in rows]})
        return
    cells = [
        [name, str(layers), output.count_text(macs), output.count_text(parameters), description]
        for name, layers, macs, parameters, description in rows
    ]
    output.table(("name", "layers", "MACs", "parameters", "description"), cells)


def _parameters(workload: "Workload") -> int:
    """Weights that are parameters, in words; those that several layers share count each time."""
    own = [layer for layer in workload.layers if not layer.weights_are_activations]
    return sum(layer.repeats * layer.words("weights") for layer in own)


def _describe(workload: "Workload") -> dict[str, object]:
    return {
        "name": workload.name,
        "macs": workload.macs,
        "parameters": _parameters(workload),
        "layers": [_layer(layer) for layer in workload.layers],
        "vector_ops": [_vector_op(op) for op in workload.vector_ops],
        "unpriced": [{"name": op.name, "count": op.count} for op in workload.unpriced],
    }


def _layer(layer: "Layer") -> dict[str, object]:
    weights, inputs, outputs = (layer.words(operand) for operand in ("weights", "inputs", "outputs"))
    return {
        "name": layer.name,
        "kind": layer.kind,
        "repeats": layer.repeats,
        "bounds": layer.bounds,
        "stride": layer.stride,
        "dilation": layer.dilation,
        "macs": layer.macs,
        "weight_bytes": weights,
        "input_bytes": inputs,
        "output_bytes": outputs,
        "macs_per_byte": layer.macs / (weights + inputs + outputs),
    }


def _vector_op(op: "VectorOp") -> dict[str, object]:
    return {
        "name": op.name,
        "kind": op.kind,
        "repeats": op.repeats,
        "ops": op.ops,
        "input_bytes": op.input_words,
        "output_bytes": op.output_words,
        "fused": op.fused,
    }


def _show(workload: "Workload") -> None:
    macs, parameters = output.count_text(workload.macs), output.count_text(_parameters(workload))
    output.line(f"{workload.name}: {macs} MACs, {parameters} parameters, one inference, 8-bit words")
    rows = []
    for layer in workload.layers:
        bounds = " ".join(f"{dim}{bound}" for dim, bound in layer.bounds.items() if bound > 1)
        sizes = [layer.words(operand) for operand in ("weights", "inputs", "outputs")]
        cells = [layer.name, layer.kind, str(layer.repeats), bounds, output.count_text(layer.macs)]
        rows.append([*cells, *map(output.bytes_text, sizes), f"{layer.macs / sum(sizes):.3g}"])
    columns = ("layer", "kind", "times", "bounds", "MACs", "weights", "inputs", "outputs", "MACs/byte")
    output.table(columns, rows)
    if workload.vector_ops:
        ops = [[op.name, op.kind, str(op.repeats), output.count_text(op.ops)] for op in workload.vector_ops]
        output.line()
        output.table(("vector operation", "kind", "times", "operations"), ops)
    for unpriced in workload.unpriced:
        output.line(f"unpriced: {unpriced.name} ({unpriced.count} times)")
