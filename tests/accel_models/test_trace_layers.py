"""Multiply-accumulates and loop bounds of what `trace` finds, against PyTorch's own counter and by hand."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from accel_models.trace import Call, build_without_weights, trace
from accel_models.trace.registry import rule_for
from accel_models.workload import Layer

CONVS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class Function(nn.Module):
    """A function as a module; keyword tensors become its parameters."""

    def __init__(self, function, **parameters):
        super().__init__()
        self.function = function
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value))

    def forward(self, *inputs):
        return self.function(*inputs, *self.parameters())


def counted_macs(module, *inputs):
    """PyTorch's FlopCounterMode on the meta device, as an independent oracle."""
    module = module.to("meta").eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(*(x.to("meta") for x in inputs))
    return counter.get_total_flops() // 2


def bounds(layer: Layer) -> dict[str, int]:
    return {dim: bound for dim, bound in layer.bounds.items() if bound != 1}


@settings(deadline=None, derandomize=True, max_examples=40)
@given(data=st.data())
def test_convolutions_of_any_form_count_as_pytorch_does(data):
    rank = data.draw(st.integers(1, 3))
    transposed = data.draw(st.booleans())
    groups = data.draw(st.sampled_from([1, 2, 4]))
    pick = st.integers(1, 3)
    per_axis = st.tuples(*[pick] * rank)
    conv = (TRANSPOSED if transposed else CONVS)[rank](
        groups * data.draw(pick),
        groups * data.draw(pick),
        kernel_size=data.draw(per_axis),
        stride=data.draw(per_axis),
        dilation=data.draw(per_axis),
        padding=data.draw(st.integers(0, 1)),
        groups=groups,
    )
    x = torch.empty(data.draw(pick), conv.in_channels, *[data.draw(st.integers(9, 12)) for _ in range(rank)])
    workload = trace(conv, x)
    assert workload.macs == counted_macs(conv, x)
    weights = sum(layer.repeats * layer.words("weights") for layer in workload.layers)
    used = conv.weight.numel()
    assert weights == used
    if not transposed:
        assert workload.words("outputs") == counted_outputs(conv, x)


def counted_outputs(module, x):
    return module.to("meta")(x.to("meta")).numel()


@st.composite
def small_cnns(draw):
    channels, layers = 4, []
    for _ in range(draw(st.integers(1, 4))):
        out = draw(st.sampled_from([4, 8, 12]))
        groups = draw(st.sampled_from([1, 2, 4]))
        kernel = draw(st.integers(1, 3))
        layers += [
            nn.Conv2d(channels, out, kernel, draw(st.integers(1, 2)), 1, groups=groups),
            nn.BatchNorm2d(out),
        ]
        layers.append(
            draw(st.sampled_from([nn.ReLU(inplace=True), nn.SiLU(), nn.Hardswish(), nn.MaxPool2d(1)]))
        )
        channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(channels * 4, 7))


@settings(deadline=None, derandomize=True, max_examples=25)
@given(net=small_cnns(), batch=st.integers(1, 3))
def test_small_networks_count_as_pytorch_does(net, batch):
    x = torch.empty(batch, 4, 20, 17)
    workload = trace(net, x)
    assert workload.macs == counted_macs(net, x)
    assert not workload.unpriced


def test_conv_bounds_are_per_group():
    [layer] = trace(
        nn.Conv2d(8, 12, (3, 5), (2, 1), dilation=(1, 2), groups=4), torch.empty(2, 8, 21, 30)
    ).layers
    assert bounds(layer) == {"n": 2, "g": 4, "k": 3, "c": 2, "p": 10, "q": 22, "r": 3, "s": 5}
    assert (layer.stride, layer.dilation, layer.kind) == ((2, 1), (1, 2), "conv")
    [depthwise] = trace(nn.Conv2d(8, 8, 3, groups=8), torch.empty(1, 8, 9, 9)).layers
    assert bounds(depthwise) == {"g": 8, "p": 7, "q": 7, "r": 3, "s": 3}


def test_conv_in_one_dimension_runs_along_p():
    [layer] = trace(nn.Conv1d(3, 5, 4, stride=2), torch.empty(1, 3, 20)).layers
    assert bounds(layer) == {"k": 5, "c": 3, "p": 9, "r": 4}
    assert layer.stride == (2, 1)


def test_conv_in_three_dimensions_folds_the_axis_with_fewest_taps():
    [cube] = trace(nn.Conv3d(3, 5, 3, padding=1), torch.empty(1, 3, 4, 8, 6)).layers
    assert bounds(cube) == {"n": 4, "k": 5, "c": 9, "p": 8, "q": 6, "r": 3, "s": 3}
    [temporal] = trace(nn.Conv3d(3, 5, (3, 1, 1)), torch.empty(1, 3, 6, 8, 7)).layers
    assert bounds(temporal) == {"n": 8, "k": 5, "c": 3, "p": 4, "q": 7, "r": 3}


def test_transposed_conv_is_the_sum_of_its_phases():
    [even] = trace(nn.ConvTranspose2d(6, 5, 4, stride=2, padding=1), torch.empty(2, 6, 7, 9)).layers
    assert bounds(even) == {"n": 2, "k": 20, "c": 6, "p": 7, "q": 9, "r": 2, "s": 2}
    assert even.words("outputs") == 2 * 5 * 14 * 18  # exactly the output
    odd = trace(nn.ConvTranspose2d(6, 5, 3, stride=2, groups=1), torch.empty(1, 6, 7, 9)).layers
    assert sorted((layer.r, layer.s) for layer in odd) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert sum(layer.macs for layer in odd) == 7 * 9 * 6 * 5 * 9  # each input pixel meets k * r * s outputs


def test_transposed_phase_equals_the_executed_scatter():
    """Taps of each phase, against the literal scatter loop in one dimension."""
    positions, taps, stride, dilation = 5, 4, 6, 4
    phases = {}
    for i in range(positions):
        for tap in range(taps):
            out = i * stride + tap * dilation
            phases.setdefault(out % stride, []).append(tap)
    counts = sorted(len(set(hits)) for hits in phases.values())
    conv = nn.ConvTranspose1d(1, 1, taps, stride=stride, dilation=dilation)
    layers = trace(conv, torch.empty(1, 1, positions)).layers
    assert sorted(layer.r for layer in layers for _ in range(layer.k)) == counts
    assert {layer.dilation[0] for layer in layers} == {dilation // 2}


def test_kernels_computed_from_the_input_are_activations():
    computed = Function(lambda x: F.conv2d(x, x[:, :, :3, :3].mean(0, keepdim=True)))
    assert trace(computed, torch.empty(2, 4, 8, 8)).layers[0].weights_are_activations
    normed = nn.utils.parametrizations.spectral_norm(nn.Conv2d(4, 4, 3))
    assert not trace(normed, torch.empty(2, 4, 8, 8)).layers[-1].weights_are_activations


def test_linear_counts_tokens_as_rows():
    workload = trace(nn.Linear(16, 24), torch.empty(2, 5, 16))
    [layer] = workload.layers
    assert bounds(layer) == {"p": 10, "c": 16, "k": 24}
    assert (layer.kind, layer.weights_are_activations) == ("linear", False)
    assert not workload.vector_ops


def test_linear_of_a_permuted_input_stays_a_linear_layer():
    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix = nn.Linear(9, 11, bias=False)

        def forward(self, x):
            return self.mix(x.transpose(1, 2))

    [layer] = trace(Mixer(), torch.empty(3, 9, 6)).layers
    assert bounds(layer) == {"p": 18, "c": 9, "k": 11}
    assert not layer.weights_are_activations


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        (torch.matmul, [(4, 6), (6, 8)], {"p": 4, "c": 6, "k": 8}),
        (torch.bmm, [(3, 4, 6), (3, 6, 8)], {"g": 3, "p": 4, "c": 6, "k": 8}),
        (torch.matmul, [(2, 3, 4, 6), (2, 3, 6, 8)], {"g": 6, "p": 4, "c": 6, "k": 8}),
        (torch.matmul, [(2, 3, 4, 6), (6, 8)], {"p": 24, "c": 6, "k": 8}),
        (torch.mv, [(4, 6), (6,)], {"p": 4, "c": 6}),
        (torch.dot, [(6,), (6,)], {"c": 6}),
        (torch.vdot, [(6,), (6,)], {"c": 6}),
        (torch.baddbmm, [(3, 4, 8), (3, 4, 6), (3, 6, 8)], {"g": 3, "p": 4, "c": 6, "k": 8}),
        (torch.addmm, [(8,), (4, 6), (6, 8)], {"p": 4, "c": 6, "k": 8}),
        (torch.addbmm, [(4, 8), (3, 4, 6), (3, 6, 8)], {"p": 4, "c": 18, "k": 8}),
        (torch.addmv, [(4,), (4, 6), (6,)], {"p": 4, "c": 6}),
        (torch.addr, [(4, 6), (4,), (6,)], {"p": 4, "k": 6}),
        (
            lambda a, b: torch.einsum("bik,bjk->bij", a, b),
            [(3, 4, 6), (3, 8, 6)],
            {"g": 3, "p": 4, "c": 6, "k": 8},
        ),
        (lambda a, b: torch.einsum("ik,jk->ij", a, b), [(4, 6), (8, 6)], {"p": 4, "c": 6, "k": 8}),
    ],
)
def test_products_of_activations(function, shapes, expected):
    workload = trace(Function(function), [torch.empty(s) for s in shapes])
    [layer] = workload.layers
    assert bounds(layer) == expected
    assert (layer.kind, layer.weights_are_activations) == ("matmul", True)


def test_a_weight_on_the_left_still_plays_the_weights():
    module = Function(lambda x, w: w @ x, w=torch.empty(8, 6))
    [layer] = trace(module, torch.empty(6, 4)).layers
    assert bounds(layer) == {"p": 4, "c": 6, "k": 8}
    assert (layer.kind, layer.weights_are_activations) == ("linear", False)


def test_weights_per_head_are_groups():
    module = Function(lambda x, w: torch.einsum("bhi,hio->bho", x, w), w=torch.empty(3, 6, 8))
    [layer] = trace(module, torch.empty(5, 3, 6)).layers
    assert bounds(layer) == {"g": 3, "p": 5, "c": 6, "k": 8}
    assert not layer.weights_are_activations


def test_converted_weights_are_weights():
    module = Function(lambda x, w: x @ (w.to(torch.bfloat16) * 2).t(), w=torch.empty(8, 6))
    workload = trace(module, torch.empty(4, 6, dtype=torch.bfloat16))
    assert workload.layers[0].kind == "linear"
    assert not workload.vector_ops  # what is computed from parameters alone is done beforehand


def test_multi_head_attention_by_hand():
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), 2)
    batch, tokens, width, hidden = 2, 10, 64, 128
    expected = 2 * (batch * tokens * width * (4 * width + 2 * hidden) + 2 * batch * tokens**2 * width)
    workload = trace(encoder, torch.empty(batch, tokens, width))
    assert workload.macs == expected
    assert {op.kind for op in workload.vector_ops} >= {"softmax", "norm", "elementwise"}


def test_attention_with_weights_asked_for_counts_the_same():
    attention = nn.MultiheadAttention(32, 4, batch_first=True)
    x = torch.empty(2, 7, 32)
    fused = trace(attention, (x, x, x), kwargs={"need_weights": False})
    plain = trace(attention, (x, x, x), kwargs={"need_weights": True})
    assert fused.macs == plain.macs == 2 * 7 * 32 * 32 * 4 + 2 * 2 * 7 * 7 * 32


def test_attention_is_two_products_and_a_softmax():
    q, k, v = torch.empty(2, 8, 16, 32), torch.empty(2, 8, 24, 32), torch.empty(2, 8, 24, 20)
    workload = trace(Function(F.scaled_dot_product_attention), (q, k, v))
    scores, context = workload.layers
    assert bounds(scores) == {"g": 16, "p": 16, "c": 32, "k": 24}
    assert bounds(context) == {"g": 16, "p": 16, "c": 24, "k": 20}
    assert (scores.name, context.name) == ("scores", "context")
    assert scores.weights_are_activations
    [softmax] = workload.vector_ops
    assert (softmax.kind, softmax.input_words) == ("softmax", 2 * 8 * 16 * 24)


def test_causal_attention_says_so_and_a_mask_is_read():
    q = torch.empty(1, 2, 16, 8)
    causal = trace(Function(lambda q: F.scaled_dot_product_attention(q, q, q, is_causal=True)), q)
    assert {layer.kind for layer in causal.layers} == {"causal_attention"}
    masked = trace(Function(F.scaled_dot_product_attention), (q, q, q, torch.empty(16, 16)))
    assert {layer.kind for layer in masked.layers} == {"attention"}
    assert masked.vector_ops[0].input_words == 2 * 16 * 16 + 16 * 16


@pytest.mark.parametrize("as_view", [False, True])
def test_heads_that_share_keys_are_rows_of_one_product(as_view):
    q, k = torch.empty(3, 8, 16, 32), torch.empty(3, 2, 24, 32)

    def grouped(q, k):
        return F.scaled_dot_product_attention(q, k, k, enable_gqa=True)

    def multi_query(q, k):
        shared = k[:, :1].expand(3, 8, 24, 32)
        return F.scaled_dot_product_attention(q, shared, shared)

    scores, context = trace(Function(multi_query if as_view else grouped), (q, k)).layers
    heads = 1 if as_view else 2
    assert bounds(scores) == {"g": 3 * heads, "p": 16 * 8 // heads, "c": 32, "k": 24}
    assert context.words("weights") == 3 * heads * 24 * 32  # values are counted once


def test_decoding_with_a_cache_reads_the_cache_as_activations():
    class Decoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(32, 96)
            self.register_buffer("cache", torch.zeros(1, 4, 128, 8))

        def forward(self, x, position):
            q, k, v = (t.view(1, 1, 4, 8).transpose(1, 2) for t in self.qkv(x).split(32, -1))
            self.cache[:, :, 63:64] = k
            keys = self.cache[:, :, :64]
            return F.scaled_dot_product_attention(q, keys, torch.cat([keys, v], 2)[:, :, 1:]), position

    workload = trace(Decoder(), (torch.empty(1, 1, 32), torch.tensor(63)))
    _, scores, context = workload.layers
    assert bounds(scores) == {"g": 4, "c": 8, "k": 64}
    assert scores.weights_are_activations
    assert context.weights_are_activations
    assert workload.macs == 32 * 96 + 2 * 4 * 8 * 64


@pytest.mark.parametrize(
    ("network", "gates"),
    [(nn.LSTM(8, 16), 4), (nn.GRU(8, 16), 3), (nn.RNN(8, 16), 1), (nn.RNN(8, 16, nonlinearity="relu"), 1)],
)
def test_recurrent_networks_by_hand(network, gates):
    steps, batch = 5, 3
    inputs, recurrent = trace(network, torch.empty(steps, batch, 8)).layers
    assert bounds(inputs) == ({"p": 15, "c": 8, "k": 16 * gates})
    assert (inputs.kind, inputs.repeats) == ("linear", 1)
    assert bounds(recurrent) == {"p": 3, "c": 16, "k": 16 * gates}
    assert (recurrent.kind, recurrent.repeats) == ("recurrent", steps)


@pytest.mark.parametrize("make", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True, "bias": False}]
)
def test_recurrent_networks_count_as_pytorch_does(make, options):
    network = make(8, 16, **options)
    x = torch.empty(5, 3, 8)
    assert trace(network, x).macs == counted_macs(make(8, 16, **options), x)


def test_projected_lstm():
    workload = trace(nn.LSTM(8, 16, proj_size=4), torch.empty(5, 3, 8))
    assert workload.macs == 5 * 3 * (8 * 64 + 4 * 64 + 16 * 4)


def test_packed_sequences_count_only_their_steps():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 16)

        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 2]))
            return nn.utils.rnn.pad_packed_sequence(self.lstm(packed)[0])[0]

    with pytest.warns(UserWarning, match="real tensors"):
        workload = trace(Packed(), torch.empty(5, 2, 8), allow_unpriced=True)
    assert workload.macs == 7 * (8 * 64 + 16 * 64)
    assert sorted((layer.p, layer.repeats) for layer in workload.layers if layer.kind == "recurrent") == [
        (1, 3),
        (2, 2),
    ]


@pytest.mark.parametrize(("cell", "gates"), [(nn.LSTMCell, 4), (nn.GRUCell, 3), (nn.RNNCell, 1)])
def test_recurrent_cells(cell, gates):
    assert trace(cell(8, 16), torch.empty(3, 8)).macs == 3 * gates * 16 * (8 + 16)


@pytest.mark.parametrize(("kernel", "states"), [("_thnn_fused_lstm_cell", 2), ("_thnn_fused_gru_cell", 1)])
def test_gates_that_a_gpu_fuses_have_a_price(kernel, states):
    gates, hidden = torch.empty(3, 64), torch.empty(3, 16)
    call = Call(
        f"aten::{kernel}", {"input_gates": gates, "hidden_gates": gates, "hx": hidden}, hidden, lambda t: True
    )
    [op] = rule_for(call.op, "default")(call)
    assert (op.kind, op.output_words) == ("elementwise", states * 48)
    assert op.ops > 48 * states


needs_grouped = pytest.mark.skipif(not hasattr(torch, "_grouped_mm"), reason="this torch has no grouped_mm")


@needs_grouped
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_experts_share_the_rows_evenly(dtype):
    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.empty(4, 16, 8, dtype=dtype))
            self.router = nn.Linear(16, 4, dtype=dtype)

        def forward(self, x):
            choice = self.router(x).argmax(-1)
            offsets = torch.bincount(choice, minlength=4).cumsum(0).to(torch.int32)
            return torch._grouped_mm(x[choice.argsort()], self.weight, offs=offsets)

    with pytest.warns(UserWarning, match="aten::bincount"):
        workload = trace(Experts(), torch.empty(10, 16, dtype=dtype))
    experts = [layer for layer in workload.layers if layer.g > 1]
    assert sorted((layer.g, layer.p) for layer in experts) == [(2, 2), (2, 3)]
    assert workload.macs == 10 * 16 * 4 + 10 * 16 * 8


@needs_grouped
def test_few_tokens_use_few_experts():
    module = Function(lambda x, offs, w: torch._grouped_mm(x, w, offs=offs), w=torch.empty(64, 16, 8))
    [layer] = trace(module, (torch.empty(2, 16), torch.zeros(64, dtype=torch.int32))).layers
    assert (layer.g, layer.p, layer.words("weights")) == (2, 1, 2 * 16 * 8)


@needs_grouped
def test_grouped_products_of_other_ranks():
    def products(rows, columns, offsets):
        return torch._grouped_mm(rows, columns, offs=offsets)

    offsets = torch.zeros(3, dtype=torch.int32)
    batches = trace(Function(torch._grouped_mm), (torch.empty(3, 8, 16), torch.empty(3, 16, 8)))
    assert bounds(batches.layers[0]) == {"g": 3, "p": 8, "c": 16, "k": 8}
    outer = trace(Function(products), (torch.empty(8, 32), torch.empty(32, 16), offsets))
    assert sorted((layer.g, layer.c) for layer in outer.layers) == [(1, 10), (2, 11)]
    columns = trace(Function(products), (torch.empty(3, 8, 16), torch.empty(16, 32), offsets))
    assert columns.macs == 8 * 16 * 32


def test_empty_products_are_no_layers():
    module = Function(lambda x, w: torch.cat([x[:0] @ w, x @ w]), w=torch.empty(6, 4))
    workload = trace(module, torch.empty(3, 6))
    assert [layer.p for layer in workload.layers] == [3]


def test_large_networks_need_no_memory():
    def decoder_70b():
        block = nn.ModuleList(nn.Linear(8192, 28672, bias=False) for _ in range(3))
        return nn.Sequential(
            *(nn.Sequential(m, nn.Linear(28672, 8192, bias=False)) for _ in range(40) for m in block)
        )

    network = build_without_weights(decoder_70b)
    assert all(p.is_meta for p in network.parameters())
    assert trace(network, torch.empty(1, 8192)).macs == 120 * 2 * 8192 * 28672
