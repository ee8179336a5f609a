"""Matrix products and grouped products as loop bounds.

A product of M x K by K x N has p = M, c = K, k = N and n = 1; a batch of products has g = batch. The operand
that does not depend on the network's inputs takes the role of the weights (if it is the left one, the
product is taken transposed); a linear layer hence has p = rows (tokens), c = in_features, k =
out_features. A batch that shares one matrix is a single product with batch * M rows. If both operands
are activations, the right one plays the weights and `weights_are_activations` is set.

The addend of addmm and its kin is a bias that the accumulators start from, and costs nothing, unless it is an
activation: then it is an element-wise addition.
"""

import torch

from accel_models.trace.registry import Call, Record, register_all
from accel_models.workload import Layer, VectorOp


def product(
    call: Call,
    left: torch.Tensor,
    right: torch.Tensor,
    *,
    rows: int,
    reduced: int,
    columns: int,
    batch: int = 1,
) -> list[Record]:
    """The layer of (batch,) rows x reduced times (batch,) reduced x columns; none if one is empty."""
    if not batch * rows * reduced * columns:
        return []
    fixed_left, fixed_right = not call.is_activation(left), not call.is_activation(right)
    shared_left, shared_right = _shared(left), _shared(right)
    swap = not fixed_right and (fixed_left or (shared_left and not shared_right))
    p, k = (columns, rows) if swap else (rows, columns)
    shared = shared_left if swap else shared_right
    fixed = fixed_left or fixed_right
    return [
        Layer(
            name="",
            kind="linear" if fixed else "matmul",
            g=1 if shared else batch,
            p=p * batch if shared else p,
            c=reduced,
            k=k,
            weights_are_activations=not fixed,
        )
    ]


def _shared(tensor: torch.Tensor) -> bool:
    """Whether all members of the batch are one matrix (an expanded view)."""
    return tensor.dim() == 3 and tensor.stride(0) == 0


def addend(call: Call) -> list[Record]:
    """The addition of `self`, if that is an activation."""
    n = call.output.numel()
    if n == 0 or not call.is_activation(call["self"]):
        return []
    return [VectorOp(name="add", kind="elementwise", ops=n, input_words=2 * n, output_words=n)]


def _matrices(call: Call, left: torch.Tensor, right: torch.Tensor) -> list[Record]:
    rows, reduced = left.shape
    return product(call, left, right, rows=rows, reduced=reduced, columns=right.shape[1])


def _batches(call: Call, left: torch.Tensor, right: torch.Tensor) -> list[Record]:
    batch, rows, reduced = left.shape
    return product(call, left, right, rows=rows, reduced=reduced, columns=right.shape[2], batch=batch)


def _matrix_vector(call: Call, matrix: torch.Tensor, vector: torch.Tensor) -> list[Record]:
    rows, reduced = matrix.shape
    return product(call, matrix, vector, rows=rows, reduced=reduced, columns=1)


def mm(call: Call) -> list[Record]:
    """`mm` and its integer and scaled kin."""
    return _matrices(call, call["self"], call["mat2"])


def addmm(call: Call) -> list[Record]:
    """`addmm`."""
    return [*_matrices(call, call["mat1"], call["mat2"]), *addend(call)]


def bmm(call: Call) -> list[Record]:
    """`bmm`."""
    return _batches(call, call["self"], call["mat2"])


def baddbmm(call: Call) -> list[Record]:
    """`baddbmm`."""
    return [*_batches(call, call["batch1"], call["batch2"]), *addend(call)]


def addbmm(call: Call) -> list[Record]:
    """`addbmm`: a batch of products summed, which is one product with a longer reduction."""
    left, right = call["batch1"], call["batch2"]
    batch, rows, reduced = left.shape
    layers = product(call, left, right, rows=rows, reduced=batch * reduced, columns=right.shape[2])
    return [*layers, *addend(call)]


def mv(call: Call) -> list[Record]:
    """`mv`: a product with one column."""
    return _matrix_vector(call, call["self"], call["vec"])


def addmv(call: Call) -> list[Record]:
    """`addmv`."""
    return [*_matrix_vector(call, call["mat"], call["vec"]), *addend(call)]


def addr(call: Call) -> list[Record]:
    """`addr`: an outer product, whose reduction has length one."""
    left, right = call["vec1"], call["vec2"]
    layers = product(call, left, right, rows=left.shape[0], reduced=1, columns=right.shape[0])
    return [*layers, *addend(call)]


def dot(call: Call) -> list[Record]:
    """`dot` and `vdot`: one row times one column."""
    left, right = call.inputs[0], call.inputs[-1]
    return product(call, left, right, rows=1, reduced=left.shape[0], columns=1)


def grouped_mm(call: Call) -> list[Record]:
    """`_grouped_mm`, the experts of a mixture: rows (M x K) times one of G matrices (G x K x N) each.

    How many rows each expert gets is decided by data; the layer assumes a balanced router: M rows over G
    experts, as even as M and G allow. Multiply-accumulates are exact whatever the router does. If M < G
    then only M experts (and their weights) take part.
    """
    left, right = call["self"], call["mat2"]
    if left.dim() == 3 and right.dim() == 3:
        return _batches(call, left, right)
    if left.dim() == 2 and right.dim() == 3:
        return _spread(call, left, right, total=left.shape[0], reduced=left.shape[1], columns=right.shape[2])
    if left.dim() == 3 and right.dim() == 2:
        return _spread(call, right, left, total=right.shape[1], reduced=right.shape[0], columns=left.shape[1])
    experts = call["offs"].shape[0]
    rows, columns = left.shape[0], right.shape[1]
    share, extra = divmod(left.shape[1], experts)
    parts = ((share + 1, extra), (share, experts - extra))
    return [
        layer
        for reduced, batch in parts
        for layer in product(call, left, right, rows=rows, reduced=reduced, columns=columns, batch=batch)
    ]


def _spread(
    call: Call, rows: torch.Tensor, experts: torch.Tensor, *, total: int, reduced: int, columns: int
) -> list[Record]:
    """`total` rows over the experts, as even as can be: two layers if there is a remainder."""
    share, extra = divmod(total, experts.shape[0])
    parts = ((share + 1, extra), (share, experts.shape[0] - extra))
    return [
        layer
        for p, batch in parts
        for layer in product(call, rows, experts, rows=p, reduced=reduced, columns=columns, batch=batch)
    ]


def grouped_mm_shape(call: Call) -> tuple[int, ...]:
    """Shape of `_grouped_mm`'s result, whose kernels refuse some dtypes without tensors' data."""
    left, right = call["self"], call["mat2"]
    if left.dim() == 2 and right.dim() == 2:
        return (call["offs"].shape[0], left.shape[0], right.shape[1])
    if left.dim() == 3 and right.dim() == 3:
        return (left.shape[0], left.shape[1], right.shape[2])
    return (left.shape[-2], right.shape[-1])


register_all("mm _int_mm _scaled_mm", mm)
register_all("addmm", addmm)
register_all("bmm", bmm)
register_all("baddbmm", baddbmm)
register_all("addbmm", addbmm)
register_all("mv", mv)
register_all("addmv", addmv)
register_all("addr", addr)
register_all("dot vdot", dot)
register_all("_grouped_mm", grouped_mm)
