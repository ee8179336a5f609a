"""ONNX operators that rearrange: views (free), copies, gathers, scatters, and numbers made of shapes."""

from math import prod

import numpy as np
import torch
from torch.nn import functional

from accel_models.onnx.step import OnnxError, Result, Step, dtype_of, operator


@operator("Identity", "Dropout")
def identity(step: Step) -> Result:
    """The same values; nothing is dropped in an inference."""
    x = step.tensor(0)
    return x.view_as(x), torch.empty(x.shape, dtype=torch.bool)


@operator("Cast", "CastLike")
def cast(step: Step) -> Result:
    """Another type: a copy."""
    import onnx

    x = step.tensor(0)
    wanted = (
        step.tensor(1).dtype
        if step.has(1)
        else dtype_of(np.dtype(onnx.helper.tensor_dtype_to_np_dtype(step.attribute("to"))))
    )
    return x.clone() if x.dtype == wanted else x.to(wanted)


@operator("Shape")
def shape(step: Step) -> Result:
    """Extents, from axis `start` to before axis `end`."""
    extents = step.tensor(0).shape
    return np.array(extents[step.attribute("start", 0) : step.attribute("end")], dtype=np.int64)


@operator("Size")
def size(step: Step) -> Result:
    """Number of elements."""
    return np.array(step.tensor(0).numel(), dtype=np.int64)


@operator("ConstantOfShape")
def constant_of_shape(step: Step) -> Result:
    """A constant of a given shape."""
    return torch.empty(step.integers(0))


@operator("Range")
def number_range(step: Step) -> Result:
    """Numbers from, to, and in steps."""
    (start,), (stop,), (stride,) = (step.floats(i) for i in range(3))
    return torch.empty(max(0, int(np.ceil((stop - start) / stride))), dtype=step.tensor(0).dtype)


@operator("EyeLike")
def eye_like(step: Step) -> Result:
    """An identity matrix."""
    return torch.empty(step.tensor(0).shape)


@operator("OneHot")
def one_hot(step: Step) -> Result:
    """Indices compared with every class."""
    indices, axis = step.tensor(0), step.attribute("axis", -1)
    (depth,) = step.integers(1)
    axis = axis % (indices.dim() + 1)
    classes = torch.empty([depth, *[1] * (indices.dim() - axis)], dtype=indices.dtype)
    return (indices.unsqueeze(axis) == classes).to(step.tensor(2).dtype)


@operator("Reshape")
def reshape(step: Step) -> Result:
    """Another shape; 0 keeps an extent, -1 takes what is left."""
    x = step.tensor(0)
    wanted = list(step.attribute("shape")) if step.attribute("shape") else step.integers(1)
    if not step.attribute("allowzero", 0):
        wanted = [x.shape[i] if extent == 0 else extent for i, extent in enumerate(wanted)]
    return x.reshape(wanted)


@operator("Flatten")
def flatten(step: Step) -> Result:
    """Two axes: those before `axis`, and the others."""
    x, axis = step.tensor(0), step.attribute("axis", 1)
    return x.reshape(prod(x.shape[: axis if axis >= 0 else axis + x.dim()]), -1)


@operator("Squeeze")
def squeeze(step: Step) -> Result:
    """Without axes of extent 1: those named, or all."""
    x, axes = step.tensor(0), step.axes(1)
    return x.squeeze() if axes is None else x.squeeze(tuple(axes))


@operator("Unsqueeze")
def unsqueeze(step: Step) -> Result:
    """With new axes of extent 1."""
    x, axes = step.tensor(0), step.axes(1) or []
    for axis in sorted(axis % (x.dim() + len(axes)) for axis in axes):
        x = x.unsqueeze(axis)
    return x


@operator("Transpose")
def transpose(step: Step) -> Result:
    """Axes in another order."""
    x = step.tensor(0)
    return x.permute(step.attribute("perm", list(reversed(range(x.dim())))))


@operator("Expand")
def expand(step: Step) -> Result:
    """Broadcast."""
    x = step.tensor(0)
    wanted = step.integers(1)
    rank = max(x.dim(), len(wanted))
    own, other = ([1] * (rank - len(s)) + list(s) for s in (x.shape, wanted))
    return x.expand([b if a == 1 else a for a, b in zip(own, other, strict=True)])


@operator("Tile")
def tile(step: Step) -> Result:
    """Repeated along each axis."""
    return step.tensor(0).repeat(step.integers(1))


@operator("Concat")
def concat(step: Step) -> Result:
    """One behind the other."""
    return torch.cat(step.tensors(), dim=step.attribute("axis", 1))


@operator("Split")
def split(step: Step) -> Result:
    """Parts of given sizes, or of as equal ones as can be."""
    x, axis = step.tensor(0), step.attribute("axis", 0)
    sizes = step.integers(1) if step.has(1) else step.attribute("split")
    count = step.attribute("num_outputs", len(step.node.outputs))
    return torch.split(x, list(sizes) if sizes else -(-x.shape[axis] // count), dim=axis)


@operator("Slice")
def slice_(step: Step) -> Result:
    """From, to, along axes, in steps; backwards is a copy."""
    x = step.tensor(0)
    if step.has(1):
        starts, ends = step.integers(1), step.integers(2)
    else:
        starts, ends = step.attribute("starts"), step.attribute("ends")
    axes = step.integers(3) if step.has(3) else step.attribute("axes", list(range(len(starts))))
    strides = step.integers(4) if step.has(4) else [1] * len(starts)
    for axis, start, end, stride in zip(axes, starts, ends, strides, strict=True):
        positions = range(*slice(start, _end(end, stride, x.shape[axis]), stride).indices(x.shape[axis]))
        first, last = (positions[0], positions[-1]) if positions else (0, -1)
        low, high = min(first, last), max(first, last)
        window = [slice(None)] * x.dim()
        window[axis] = slice(low, high + 1, abs(stride)) if positions else slice(0, 0)
        x = x[tuple(window)]
        if stride < 0:
            x = x.flip(axis)
    return x


def _end(end: int, stride: int, extent: int) -> int | None:
    """Backwards, an end before the first position is none at all."""
    return None if stride < 0 and end < -extent else end


@operator("Gather")
def gather(step: Step) -> Result:
    """Rows of a table by their numbers; one known number is a view."""
    x, axis = step.tensor(0), step.attribute("axis", 0)
    indices = step.known(1)
    if indices is not None and indices.size == 1:
        chosen = x.select(axis, int(indices.item()))
        return chosen if indices.ndim == 0 else chosen.unsqueeze(axis)
    rows = step.tensor(1)
    if axis == 0 and x.dim() == 2:
        return functional.embedding(rows, x)
    axis %= x.dim()
    return torch.index_select(x, axis, rows.reshape(-1)).reshape(
        *x.shape[:axis], *rows.shape, *x.shape[axis + 1 :]
    )


@operator("GatherElements")
def gather_elements(step: Step) -> Result:
    """One element per index."""
    return torch.gather(step.tensor(0), step.attribute("axis", 0), step.tensor(1))


@operator("GatherND")
def gather_nd(step: Step) -> Result:
    """One slice per tuple of indices."""
    if step.attribute("batch_dims", 0):
        raise OnnxError("`batch_dims` must be 0")
    return step.tensor(0)[tuple(step.tensor(1).unbind(-1))]


@operator("ScatterElements", "Scatter")
def scatter_elements(step: Step) -> Result:
    """One element per index is replaced, or added to."""
    x, indices, updates = step.tensors()
    axis = step.attribute("axis", 0)
    if step.attribute("reduction", "none") == "none":
        return torch.scatter(x, axis, indices, updates)
    return torch.scatter_add(x, axis, indices, updates)


@operator("ScatterND")
def scatter_nd(step: Step) -> Result:
    """One slice per tuple of indices is replaced, or added to."""
    x, indices, updates = step.tensors()
    accumulate = step.attribute("reduction", "none") != "none"
    return torch.index_put(x, tuple(indices.unbind(-1)), updates, accumulate)


@operator("Pad")
def pad(step: Step) -> Result:
    """Borders around; whatever they hold, it is a copy."""
    x = step.tensor(0)
    numbers = step.attribute("pads") or step.integers(1)
    axes = step.integers(3) if step.has(3) else list(range(x.dim()))
    around = [0] * (2 * x.dim())
    for i, axis in enumerate(axes):
        at = 2 * (x.dim() - 1 - axis % x.dim())  # torch counts from the last axis
        around[at : at + 2] = [numbers[i], numbers[i + len(axes)]]
    return functional.pad(x, around)


@operator("DepthToSpace")
def depth_to_space(step: Step) -> Result:
    """Channels become pixels."""
    return functional.pixel_shuffle(step.tensor(0), step.attribute("blocksize"))


@operator("SpaceToDepth")
def space_to_depth(step: Step) -> Result:
    """Pixels become channels."""
    return functional.pixel_unshuffle(step.tensor(0), step.attribute("blocksize"))


@operator("Trilu")
def trilu(step: Step) -> Result:
    """A triangle of a matrix."""
    return torch.triu(step.tensor(0))
