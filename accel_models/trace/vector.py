"""Everything that is not a multiply-accumulate, priced by scalar operations and words.

Kinds, and scalar operations per execution (one pass of a vector unit over one element is one operation;
exponentials, roots and sigmoids count as one, as they are looked up in a table):

- `elementwise`, activation functions, sums, products, comparisons, masks: 1 per output element
- `norm`: frozen batch norm 2 per element (1 straight behind a layer, as its scale folds into the weights and
  the bias remains); layer and group norm, and batch norm on its own statistics, 5; RMS norm 3; the last two
  and 1 each for scale and shift
- `softmax` and its logarithm: 5 per element
- `pool`: the window's size per output element
- `reduction`, sum, mean, maximum, norm: 1 per input element; variance 3
- `resize`, per output element: nearest 1, linear in one, two, three dimensions 3, 7, 15, cubic 31; sampling
  on a grid counts as linear
- `scan`, cumulative sums: 1 per element
- `sort`: log2(length) per element; the k largest: log2(k) + 1
- `gather`, embeddings and indexing: 0; a summed bag of embeddings 1 per word
- `scatter`, writing to indexed places: 0; 1 per source element if it accumulates
- `copy`, concatenating, padding, making contiguous, converting, repeating: 0

Input words are those that are read: all distinct words of the inputs, but of a table that is looked up only
the rows that are taken.
"""

from collections.abc import Callable
from math import ceil, log2, prod

from accel_models.trace.registry import Call, Record, register_all, words
from accel_models.workload import VectorOp

KINDS = (
    "elementwise",
    "norm",
    "softmax",
    "pool",
    "reduction",
    "resize",
    "scan",
    "sort",
    "gather",
    "scatter",
    "copy",
)
"""Every `VectorOp.kind` that the built-in rules yield."""

SOFTMAX_OPS = 5  # maximum, subtract, exponential, sum, divide
STATISTICS_OPS = 5  # sum, centre, square, sum, scale
VARIANCE_OPS = 3  # sum, centre, square-and-sum
RMS_OPS = 3  # square, sum, scale
LINEAR_OPS = {1: 3, 2: 7, 3: 15}  # 2^d products and 2^d - 1 sums of d-linear interpolation
CUBIC_OPS = 31  # 16 products and 15 sums


def vector(
    call: Call, kind: str, ops: int, *, input_words: int | None = None, fused: bool = False
) -> list[Record]:
    """One vector operation that reads `input_words` (default: all inputs) and writes the first output."""
    output = call.output.numel()
    read = call.input_words if input_words is None else input_words
    if not output + read:
        return []
    return [VectorOp(name="", kind=kind, ops=ops, input_words=read, output_words=output, fused=fused)]


def elementwise(call: Call) -> list[Record]:
    """One operation per output element; fused if it follows a layer."""
    return vector(call, "elementwise", call.output.numel(), fused=True)


def copy(call: Call) -> list[Record]:
    """Words move, nothing is computed."""
    return vector(call, "copy", 0)


def overwrite(call: Call) -> list[Record]:
    """A copy into a tensor whose old words are not read."""
    source = call["src"] if "src" in call.arguments else call["source"]
    return vector(call, "copy", 0, input_words=words(source))


def frozen_batch_norm(call: Call) -> list[Record]:
    """Batch norm; with frozen statistics it scales and shifts, and folds into a layer before it."""
    n = call.output.numel()
    own_statistics = call.arguments.get("training", False) or call.arguments.get("running_mean") is None
    if own_statistics:
        return vector(call, "norm", (STATISTICS_OPS + _affine(call)) * n)
    return vector(call, "norm", n if call.behind_mac else 2 * n, fused=True)


def group_norm(call: Call) -> list[Record]:
    """Layer and group norm, which measure mean and variance of their input."""
    return vector(call, "norm", (STATISTICS_OPS + _affine(call)) * call.output.numel())


def rms_norm(call: Call) -> list[Record]:
    """Root-mean-square norm."""
    return vector(call, "norm", (RMS_OPS + _affine(call)) * call.output.numel())


def _affine(call: Call) -> int:
    return sum(call.arguments.get(name) is not None for name in ("weight", "bias"))


def softmax(call: Call) -> list[Record]:
    """Softmax and log-softmax."""
    return vector(call, "softmax", SOFTMAX_OPS * call.output.numel())


def pool(call: Call) -> list[Record]:
    """Windows of a given size."""
    size = call["kernel_size"]
    window = prod(size) if len(size) > 1 else size[0] ** (3 if "3d" in call.op else 2)
    return vector(call, "pool", window * call.output.numel())


def adaptive_pool(call: Call) -> list[Record]:
    """Windows that tile the input: one operation per input element (more where they overlap)."""
    return vector(call, "pool", max(call.input_words, call.output.numel()))


def reduction(call: Call) -> list[Record]:
    """One operation per input element."""
    return vector(call, "reduction", call.input_words)


def variance(call: Call) -> list[Record]:
    """Mean and squared deviations."""
    return vector(call, "reduction", VARIANCE_OPS * call.input_words)


def resize(ops_per_output: int) -> Callable[[Call], list[Record]]:
    """A rule for interpolation of so many operations per output element."""

    def rule(call: Call) -> list[Record]:
        return vector(call, "resize", ops_per_output * call.output.numel())

    return rule


def scan(call: Call) -> list[Record]:
    """One operation per element."""
    return vector(call, "scan", call.output.numel())


def sort(call: Call) -> list[Record]:
    """log2(length) operations per element; along the whole tensor if no axis is given."""
    values = call.inputs[0]
    axis = call.arguments.get("dim")
    length = values.shape[axis] if isinstance(axis, int) and values.dim() else values.numel()
    return vector(call, "sort", values.numel() * max(1, ceil(log2(max(1, length)))))


def topk(call: Call) -> list[Record]:
    """A heap of k: log2(k) + 1 operations per element."""
    values = call.inputs[0]
    k = max(1, int(call["k"]))
    return vector(call, "sort", values.numel() * (ceil(log2(k)) + 1))


def gather(call: Call) -> list[Record]:
    """Reads its indices and as many words of the table as it writes."""
    indices = sum(words(t) for t in call.inputs[1:] if not t.is_floating_point())
    return vector(call, "gather", 0, input_words=call.output.numel() + indices)


def embedding_bag(call: Call) -> list[Record]:
    """Gathers one row per index and sums each bag."""
    read = call["indices"].numel() * call["weight"].shape[1]
    return vector(call, "gather", read, input_words=read + call["indices"].numel())


def scatter(call: Call) -> list[Record]:
    """Writes its source to indexed places; the target is not read."""
    source = sum(words(t) for t in call.inputs[1:])
    if source == 0:
        source = call.output.numel()
    return [VectorOp(name="", kind="scatter", ops=0, input_words=source, output_words=source)]


def scatter_accumulate(call: Call) -> list[Record]:
    """Adds its source to indexed places."""
    source = sum(words(t) for t in call.inputs[1:])
    return [VectorOp(name="", kind="scatter", ops=source, input_words=2 * source, output_words=source)]


def fold(call: Call) -> list[Record]:
    """Adds overlapping patches up."""
    return vector(call, "scatter", call.input_words)


def index_put(call: Call) -> list[Record]:
    """As scatter; adds if it is told to accumulate."""
    return scatter_accumulate(call) if call["accumulate"] else scatter(call)


register_all(
    "_prelu_kernel add sub mul div rsub neg abs sign exp exp2 expm1 log log1p log2 log10 sqrt rsqrt "
    "square pow sin cos tan tanh sigmoid relu relu6 hardtanh hardswish hardsigmoid hardshrink "
    "softshrink silu gelu mish elu celu selu leaky_relu softplus log_sigmoid_forward logit erf erfc "
    "erfinv threshold rrelu_with_noise glu lerp addcmul addcdiv clamp clamp_min clamp_max maximum "
    "minimum max.other min.other where masked_fill floor_divide remainder fmod floor ceil round trunc "
    "frac reciprocal nan_to_num logical_and logical_or logical_not logical_xor bitwise_and bitwise_or "
    "bitwise_not bitwise_xor eq ne lt le gt ge isnan isinf isfinite isin atan2 tril triu heaviside "
    "copysign xlogy logaddexp complex polar angle real imag _conj_physical _add_relu bernoulli "
    "native_dropout uniform normal_functional rand_like randn_like quantize_per_tensor dequantize "
    "fake_quantize_per_tensor_affine_cachemask fake_quantize_per_channel_affine_cachemask bucketize",
    elementwise,
)
register_all(
    "clone _to_copy cat stack constant_pad_nd repeat roll flip rot90 reflection_pad1d reflection_pad2d "
    "reflection_pad3d replication_pad1d replication_pad2d replication_pad3d pixel_shuffle "
    "pixel_unshuffle channel_shuffle im2col _reshape_copy block_diag narrow_copy diag_embed "
    "unfold_copy view_copy permute_copy expand_copy _pack_padded_sequence",
    copy,
)
register_all("copy slice_scatter select_scatter diagonal_scatter", overwrite)
register_all(
    "native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training cudnn_batch_norm "
    "_batch_norm_no_update miopen_batch_norm",
    frozen_batch_norm,
)
register_all("native_layer_norm native_group_norm", group_norm)
register_all("_fused_rms_norm", rms_norm)
register_all("_softmax _log_softmax _safe_softmax _masked_softmax", softmax)
register_all(
    "max_pool2d_with_indices max_pool3d_with_indices avg_pool2d avg_pool3d mkldnn_max_pool2d "
    "mkldnn_max_pool3d fractional_max_pool2d fractional_max_pool3d",
    pool,
)
register_all(
    "_adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d",
    adaptive_pool,
)
register_all(
    "sum mean prod max min amax amin aminmax _aminmax argmax argmin any all norm linalg_vector_norm "
    "nansum count_nonzero logsumexp dist mse_loss smooth_l1_loss huber_loss trace _is_all_true "
    "_is_any_true",
    reduction,
)
register_all("var std var_mean std_mean", variance)
register_all(
    "upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d "
    "_upsample_nearest_exact2d _upsample_nearest_exact3d",
    resize(1),
)
register_all("upsample_linear1d", resize(LINEAR_OPS[1]))
register_all("upsample_bilinear2d _upsample_bilinear2d_aa grid_sampler_2d", resize(LINEAR_OPS[2]))
register_all("upsample_trilinear3d grid_sampler_3d", resize(LINEAR_OPS[3]))
register_all("upsample_bicubic2d _upsample_bicubic2d_aa", resize(CUBIC_OPS))
register_all("cumsum cumprod _cummax_helper _cummin_helper logcumsumexp _logcumsumexp nonzero", scan)
register_all("sort unique_dim unique_consecutive _unique _unique2 kthvalue median argsort", sort)
register_all("topk", topk)
register_all(
    "embedding index index_select gather take masked_select _unsafe_index take_along_dim repeat_interleave",
    gather,
)
register_all("_embedding_bag _embedding_bag_forward_only", embedding_bag)
register_all("scatter index_copy index_fill masked_scatter put max_unpool2d max_unpool3d", scatter)
register_all("scatter_add index_add scatter_reduce index_reduce", scatter_accumulate)
register_all("col2im", fold)
register_all("index_put _index_put_impl _unsafe_index_put", index_put)
