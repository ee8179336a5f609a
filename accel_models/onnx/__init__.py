"""An ONNX file becomes a `Workload`: its graph is run by the tracer on tensors without data.

Needs the extra ``[onnx]``. Weights are never looked at, not even those in the file; so data kept outside the
file need not be there. Layers, vector operations and their kinds are those of `accel_models.trace`, named by
the graph's nodes.
"""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from accel_models.bounded import read_bytes
from accel_models.onnx.step import OPERATORS, OnnxError, OpenShapeError, dtype_of, operator
from accel_models.workload import Workload

if TYPE_CHECKING:
    import onnx

__all__ = ["OPERATORS", "OnnxError", "OpenShapeError", "from_onnx", "operator"]

MAX_FILE_BYTES = 2**31 - 1  # what protobuf reads
MAX_EXTENT = 2**40


def from_onnx(
    path: str | Path,
    *,
    name: str | None = None,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    allow_unpriced: bool = False,
) -> Workload:
    """The workload of one inference of an ONNX model.

    Args:
        path: the ``.onnx`` file.
        name: of the workload; default: the file's name without suffix.
        input_shapes: shapes of inputs whose axes the file leaves open, such as ``{"x": (1, 3, 224, 224)}``.
        allow_unpriced: keep operators that have no price in `Workload.unpriced`, instead of raising.

    Returns:
        Layers and vector operations, those of one shape merged, named by the node where the first was met.

    Raises:
        ImportError: the extra ``[onnx]`` is not installed.
        OpenShapeError: an input has an axis without a size.
        OnnxError: the file is not an ONNX model, or a node cannot be understood.
        OSError: the file cannot be read.
        accel_models.trace.TraceError: an operator has no price.
    """
    source = Path(path)
    model = read_model(source)
    try:
        return _workload(model, name or source.stem, input_shapes or {}, allow_unpriced=allow_unpriced)
    except OpenShapeError as error:
        raise OpenShapeError(f"{source}: {error.finding}", error.input_name, error.example) from None
    except OnnxError as error:
        raise OnnxError(f"{source}: {error}") from None


def read_model(path: Path) -> "onnx.ModelProto":
    """The file as ONNX's own record, local functions inlined; external data is not loaded.

    Raises:
        ImportError: the extra ``[onnx]`` is not installed.
        OnnxError: it is not an ONNX model.
        OSError: the file cannot be read.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
        from onnx.inliner import inline_local_functions
    except ImportError as error:
        raise ImportError(
            "reading ONNX files needs the extra [onnx]: pip install 'apollo-dse[onnx]'"
        ) from error
    try:
        content = read_bytes(path, MAX_FILE_BYTES, "an ONNX file")
    except ValueError as error:
        raise OnnxError(f"{error}; save its weights as external data, which need not be there") from None
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError:
        raise OnnxError(f"{path}: not an ONNX model (it cannot be decoded)") from None
    if not model.graph.node or not model.opset_import:
        raise OnnxError(f"{path}: not an ONNX model (it has no nodes or no operator set)")
    return inline_local_functions(model) if model.functions else model


def _workload(
    model: "onnx.ModelProto", name: str, input_shapes: Mapping[str, Sequence[int]], *, allow_unpriced: bool
) -> Workload:
    from accel_models.onnx.graph import OWN_DOMAINS, read_graph
    from accel_models.onnx.network import Network, Notes, stated_shapes
    from accel_models.trace import TraceError, trace

    opset = max((entry.version for entry in model.opset_import if entry.domain in OWN_DOMAINS), default=1)
    try:
        graph = read_graph(model.graph, opset)
        inputs = example_inputs(model, graph.inputs, input_shapes)
    except (TypeError, KeyError, IndexError, AttributeError) as error:  # names that are no text, unknown types
        raise OnnxError(f"not a valid ONNX model ({type(error).__name__}: {error})") from None
    notes = Notes()
    network = Network(graph, stated_shapes(model), notes)
    try:
        return trace(network, inputs, name=name, allow_unpriced=allow_unpriced, real_tensor_limit_bytes=0)
    except TraceError:
        if notes.failure:
            raise OnnxError(notes.failure) from None
        raise


def example_inputs(
    model: "onnx.ModelProto", names: Sequence[str], given: Mapping[str, Sequence[int]]
) -> tuple[torch.Tensor, ...]:
    """Inputs without data; open axes are set in the model too.

    Raises:
        OpenShapeError: an input has an open axis that is not given.
        OnnxError: an input is no tensor, or `given` contradicts the file.
    """
    import onnx

    for name in given:
        if name not in names:
            near = get_close_matches(name, names, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the inputs are {', '.join(names)}"
            raise OnnxError(f"the model has no input {name!r}; {hint}")
    values = {value.name: value for value in model.graph.input}
    tensors = []
    for name in names:
        kind = values[name].type
        if kind.WhichOneof("value") != "tensor_type":
            raise OnnxError(f"input {name!r} must be a tensor, but is {kind.WhichOneof('value') or 'untyped'}")
        shape = _shape(values[name], given.get(name))
        dtype = dtype_of(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind.tensor_type.elem_type)))
        tensors.append(torch.empty(shape, dtype=dtype, device="meta"))
    return tuple(tensors)


def _shape(value: "onnx.ValueInfoProto", given: Sequence[int] | None) -> list[int]:
    """The shape of an input; sizes given for open axes are written into the model."""
    name, stated = value.name, value.type.tensor_type
    if given is None and not stated.HasField("shape"):
        raise OpenShapeError(f"input {name!r} has no shape", name, ())
    if not stated.HasField("shape"):
        for _ in given or ():
            stated.shape.dim.add()
    dims = stated.shape.dim
    if given is not None and len(given) != len(dims):
        raise OnnxError(f"input {name!r} has {len(dims)} axes, but the given shape {len(given)}")
    for axis, dim in enumerate(dims):
        fixed = dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None
        wanted = fixed if given is None else int(given[axis])
        if wanted is None:
            stated_text = ", ".join(str(d.dim_value) if d.dim_value > 0 else d.dim_param or "?" for d in dims)
            possible = tuple(d.dim_value if d.dim_value > 0 else 1 for d in dims)
            raise OpenShapeError(f"axis {axis} of input {name!r}, ({stated_text}), has no size", name, possible)
        if not 0 < wanted <= MAX_EXTENT or (fixed is not None and wanted != fixed):
            rule = f"lie between 1 and {MAX_EXTENT}" if fixed in (None, wanted) else f"be {fixed}"
            raise OnnxError(f"axis {axis} of input {name!r} must {rule}, but the given shape has {wanted}")
        dim.dim_value = wanted
    return [dim.dim_value for dim in dims]
