"""An ONNX graph as records: names, nodes, and constants of which only small ones keep their numbers."""

from collections import Counter
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from accel_models.onnx.rewrite import merge_activations, merge_biases
from accel_models.onnx.step import Array, Node, OnnxError, dtype_of

if TYPE_CHECKING:
    import onnx

KNOWN_LIMIT = 4096
"""Constants of up to so many elements keep their numbers, since shapes may be computed from them."""

MAX_ELEMENTS = 2**48

OWN_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, slots=True)
class Constant:
    """An initializer: its shape and type; its numbers if it is small and stands in the file itself."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    numbers: Array | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph or subgraph.

    Attributes:
        inputs: names of values given from outside, initializers left out.
        outputs: names of results.
        constants: initializers by name.
        nodes: in the order of the file, which is an order of execution.
        protos: the nodes as in the file, by name.
        subgraphs: by node name and attribute name.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    constants: dict[str, Constant]
    nodes: tuple[Node, ...]
    protos: "dict[str, onnx.NodeProto]" = field(default_factory=dict)
    subgraphs: "dict[str, dict[str, Graph]]" = field(default_factory=dict)

    @property
    def captured(self) -> set[str]:
        """Names of outer values that a subgraph uses."""
        used = {name for node in self.nodes for name in node.inputs if name} | set(self.outputs)
        for branches in self.subgraphs.values():
            used |= {name for branch in branches.values() for name in branch.captured}
        made = {name for node in self.nodes for name in node.outputs}
        return used - made - set(self.constants) - set(self.inputs)


def read_graph(proto: "onnx.GraphProto", opset: int) -> Graph:
    """The records of a graph; its nodes get unique names.

    Raises:
        OnnxError: a constant is corrupt or holds no numbers.
    """
    import onnx

    constants = {tensor.name: read_constant(tensor) for tensor in proto.initializer}
    constants |= {
        sparse.values.name: Constant(tuple(sparse.dims), torch.float32) for sparse in proto.sparse_initializer
    }
    nodes: list[Node] = []
    protos: dict[str, onnx.NodeProto] = {}
    subgraphs: dict[str, dict[str, Graph]] = {}
    taken: Counter[str] = Counter()
    for node in proto.node:
        value = next((a.t for a in node.attribute if node.op_type == "Constant" and a.name == "value"), None)
        if value is not None:
            constants[node.output[0]] = read_constant(value)
            continue
        name = _unique(node.name or node.op_type, taken)
        graphs = {a.name: a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH}
        if graphs:
            subgraphs[name] = {key: read_graph(graph, opset) for key, graph in graphs.items()}
        plain = [a for a in node.attribute if a.name not in graphs and not a.ref_attr_name]
        nodes.append(
            Node(
                name=name,
                op_type=node.op_type,
                domain="" if node.domain in OWN_DOMAINS else node.domain,
                inputs=tuple(node.input),
                outputs=tuple(node.output),
                attributes={a.name: _attribute(a) for a in plain},
                opset=opset,
            )
        )
        protos[name] = node
    outputs = tuple(value.name for value in proto.output)
    shapes = {name: constant.shape for name, constant in constants.items()}
    return Graph(
        inputs=tuple(value.name for value in proto.input if value.name not in constants),
        outputs=outputs,
        constants=constants,
        nodes=merge_activations(merge_biases(nodes, shapes, outputs), shapes, outputs),
        protos=protos,
        subgraphs=subgraphs,
    )


def read_constant(tensor: "onnx.TensorProto") -> Constant:
    """An initializer; data outside the file is never looked at.

    Raises:
        OnnxError: it is corrupt or holds no numbers.
    """
    import onnx

    shape = tuple(tensor.dims)
    dtype = dtype_of(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)))
    elements = prod(shape)
    if min(shape, default=1) < 0 or elements > MAX_ELEMENTS:
        raise OnnxError(
            f"constant {tensor.name!r} must have 0 to {MAX_ELEMENTS} elements, but has shape {shape}"
        )
    if elements > KNOWN_LIMIT or tensor.data_location == onnx.TensorProto.EXTERNAL:
        return Constant(shape, dtype)
    try:
        return Constant(shape, dtype, onnx.numpy_helper.to_array(tensor))
    except (ValueError, TypeError) as error:
        raise OnnxError(f"constant {tensor.name!r} is corrupt: {error}") from None


def _attribute(proto: "onnx.AttributeProto") -> Any:
    import onnx

    value = onnx.helper.get_attribute_value(proto)
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _unique(name: str, taken: Counter[str]) -> str:
    """A name that a torch module may bear, and that no other node has."""
    readable = name.strip("/").replace(".", "_") or "node"
    taken[readable] += 1
    return readable if taken[readable] == 1 else _unique(f"{readable}#{taken[readable]}", taken)
