"""An ONNX graph as a torch module, so that the tracer prices it exactly as it prices torch.

Every node is a submodule of its own name. Where all inputs of a node are known numbers (arithmetic on
shapes), ONNX's reference implementation computes it; all else runs on tensors without data.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn

# operators register themselves
from accel_models.onnx import layers, reduce, shapes, vector  # noqa: F401
from accel_models.onnx.graph import KNOWN_LIMIT, Constant, Graph
from accel_models.onnx.step import OPERATORS, Array, Node, OnnxError, Step, Value, tensor_of

if TYPE_CHECKING:
    import onnx

GROWING = frozenset(
    {"ConstantOfShape", "Expand", "Tile", "Range", "OneHot", "EyeLike", "Pad", "Resize", "Upsample"}
)
"""Operators whose result may be large though their inputs are small: their shape is looked at first."""

Shapes = Callable[[str], tuple[list[int], torch.dtype] | None]
"""The shape and type that the file, or ONNX's shape inference, states for a value."""

UnknownOperation = Callable[[list[Tensor], list[int], list[int]], list[Tensor]]

UNKNOWN: Any = torch.library.Library("onnx_op", "FRAGMENT")  # type: ignore[no-untyped-call]


@dataclass(slots=True)
class Notes:
    """What went wrong first."""

    failure: str = ""


class Network(nn.Module):
    """A graph: values by name, nodes in order."""

    def __init__(self, graph: Graph, shapes_of: Shapes, notes: Notes) -> None:
        super().__init__()
        self.graph, self.notes = graph, notes
        self.parameter_of = {
            name: i for i, name in enumerate(n for n, c in graph.constants.items() if c.numbers is None)
        }
        self.weights = nn.ParameterList(_without_data(graph.constants[name]) for name in self.parameter_of)
        self.operations = [Operation(node, graph, shapes_of, notes) for node in graph.nodes]
        for operation in self.operations:
            name = operation.node.name
            self.add_module(name if not hasattr(self, name) else f"{name}#", operation)

    def forward(self, *inputs: Tensor) -> list[Value]:
        """Results of the graph for its inputs, in order."""
        return self.run(dict(zip(self.graph.inputs, inputs, strict=True)))

    def run(self, values: dict[str, Value]) -> list[Value]:
        """Results of the graph, given at least its inputs and what it captures."""
        for name, constant in self.graph.constants.items():
            numbers = constant.numbers
            values[name] = self.weights[self.parameter_of[name]] if numbers is None else numbers
        for operation in self.operations:
            results = self._step(operation, values)
            values.update(zip(operation.node.outputs, results, strict=False))
        missing = [name for name in self.graph.outputs if name not in values]
        if missing:
            self.notes.failure = self.notes.failure or f"output {missing[0]!r} is made by no node"
            raise OnnxError(self.notes.failure)
        return [values[name] for name in self.graph.outputs]

    def _step(self, operation: "Operation", values: dict[str, Value]) -> Sequence[Value]:
        node = operation.node
        try:
            return cast("Sequence[Value]", operation(values))
        except Exception as error:
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            self.notes.failure = self.notes.failure or f"node {node.name!r} ({node.op_type}) fails: {reason}"
            raise


class Operation(nn.Module):
    """One node."""

    def __init__(self, node: Node, graph: Graph, shapes_of: Shapes, notes: Notes) -> None:
        super().__init__()
        self.node, self.proto, self.shapes_of = node, graph.protos[node.name], shapes_of
        self.subgraphs = graph.subgraphs.get(node.name, {})
        for name, subgraph in self.subgraphs.items():
            self.add_module(name, Network(subgraph, shapes_of, notes))

    def forward(self, values: dict[str, Value]) -> Sequence[Value]:
        """Values of the node's outputs.

        Raises:
            OnnxError: an input is made by no earlier node, or the operator is unknown and its shapes too.
        """
        absent = [name for name in self.node.inputs if name and name not in values]
        if absent:
            raise OnnxError(f"input {absent[0]!r} is made by no earlier node")
        step = Step(self.node, tuple(values[name] if name else None for name in self.node.inputs))
        condition = step.known(0) if self.node.op_type == "If" and not self.node.domain else None
        if condition is not None:
            branch = self.get_submodule("then_branch" if condition.item() else "else_branch")
            return cast(Network, branch).run(dict(values))
        return self._run(step, values)

    def _run(self, step: Step, values: dict[str, Value]) -> Sequence[Value]:
        known = all(v is None or isinstance(v, np.ndarray) for v in step.values)
        known = known and not self.node.domain and (bool(step.values) or self.node.op_type == "Constant")
        folded = self._folded(step) if known and self.node.op_type not in GROWING else None
        if folded is not None:
            return folded
        function = None if self.node.domain else OPERATORS.get(self.node.op_type)
        if function is None:
            return self._unknown(step, values)
        result = function(step)
        results = list(result) if isinstance(result, (tuple, list)) else [cast(Value, result)]
        if known and isinstance(results[0], Tensor) and results[0].numel() <= KNOWN_LIMIT:
            return self._folded(step) or results
        return results

    def _folded(self, step: Step) -> list[Array] | None:
        """What ONNX's reference computes from known numbers; None: it cannot."""
        from onnx.reference import ReferenceEvaluator

        if tuple(self.proto.input) != self.node.inputs:  # rewritten: the file's node computes something else
            return None
        given = {name: v for name, v in zip(self.node.inputs, step.values, strict=True) if v is not None}
        try:
            evaluator = ReferenceEvaluator(self.proto, opsets={"": self.node.opset})
            return [np.asarray(result) for result in evaluator.run(None, given)]
        except Exception:
            return None

    def _unknown(self, step: Step, values: dict[str, Value]) -> Sequence[Value]:
        """Results without data of an operator that has no function; the tracer names it as unpriced."""
        captured = sorted({name for subgraph in self.subgraphs.values() for name in subgraph.captured})
        inputs = [*step.tensors(), *(tensor_of(values[name]) for name in captured if name in values)]
        extents: list[int] = []
        ranks: list[int] = []
        for name in self.node.outputs:
            stated = self.shapes_of(name)
            if stated is None:
                raise OnnxError(
                    f"the operator is unknown, and the file does not state the shape of its output {name!r}"
                )
            extents += stated[0]
            ranks.append(len(stated[0]))
        return unknown_operation(self.node)(inputs, extents, ranks)


def _without_data(constant: Constant) -> nn.Parameter:
    empty = torch.empty(constant.shape, dtype=constant.dtype, device="meta")
    return nn.Parameter(empty, requires_grad=False)


def unknown_operation(node: Node) -> UnknownOperation:
    """A torch operation ``onnx_op::NAME`` that only has a shape; `register_op` can give it a price."""
    name = re.sub(r"\W", "_", f"{node.domain}.{node.op_type}" if node.domain else node.op_type)
    if not hasattr(torch.ops.onnx_op, name):
        UNKNOWN.define(f"{name}(Tensor[] inputs, int[] extents, int[] ranks) -> Tensor[]")
        torch.library.register_fake(f"onnx_op::{name}", _shapes_only, lib=UNKNOWN)
    return cast("UnknownOperation", getattr(torch.ops.onnx_op, name))


def _shapes_only(inputs: list[Tensor], extents: list[int], ranks: list[int]) -> list[Tensor]:
    results, start = [], 0
    for rank in ranks:
        results.append(torch.empty(extents[start : start + rank], device=inputs[0].device if inputs else None))
        start += rank
    return results


def stated_shapes(model: "onnx.ModelProto") -> Shapes:
    """Shapes as the file or ONNX's inference states them; inferred when first asked."""
    import onnx

    found: dict[str, tuple[list[int], torch.dtype]] = {}
    inferred = False

    def shapes_of(name: str) -> tuple[list[int], torch.dtype] | None:
        nonlocal inferred
        if not inferred:
            inferred = True
            for tensor in model.graph.initializer:
                if len(tensor.raw_data) > KNOWN_LIMIT * 8:
                    tensor.ClearField("raw_data")
            graph = _inferred(model).graph
            for value in (*graph.value_info, *graph.output):
                dims = value.type.tensor_type.shape.dim
                if value.type.tensor_type.HasField("shape") and all(dim.HasField("dim_value") for dim in dims):
                    found[value.name] = ([dim.dim_value for dim in dims], torch.float32)
        return found.get(name)

    def _inferred(model: "onnx.ModelProto") -> Any:
        try:
            return onnx.shape_inference.infer_shapes(model, data_prop=True)
        except Exception:
            return model

    return shapes_of
