"""What `trace` promises beyond counting: nothing vanishes, nothing is touched, and errors say where."""

import subprocess
import sys
import time
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from accel_models.trace import KINDS, TraceError, TraceWarning, build_without_weights, register_op, trace
from accel_models.trace.registry import RULES
from accel_models.workload import UnpricedOp, VectorOp


class Function(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs, **options):
        return self.function(*inputs, **options)


class Bottleneck(nn.Module):
    """The residual block of ResNet-50 (He et al., 2015; stride in the 3x3 convolution)."""

    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.down = None
        if stride != 1 or inputs != outputs:
            self.down = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return self.relu(y + (x if self.down is None else self.down(x)))


def resnet50():
    blocks, channels = [], 64
    for width, depth, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(depth):
            blocks.append(Bottleneck(channels, width, stride if index == 0 else 1))
            channels = 4 * width
    stem = (nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000))


def by_name(workload):
    return {record.name: record for record in (*workload.layers, *workload.vector_ops)}


def test_resnet50_has_the_published_count_and_takes_seconds():
    network = build_without_weights(resnet50)
    start = time.perf_counter()
    workload = trace(network, torch.empty(1, 3, 224, 224), name="resnet50")
    assert time.perf_counter() - start < 20  # about 1 s on an idle core
    assert workload.macs == 4_089_184_256  # torchvision's weights.meta["_ops"] = 4.089 G
    assert workload.name == "resnet50"
    assert sum(layer.repeats for layer in workload.layers) == 54
    assert len(workload.layers) == 24


def test_records_are_named_by_module_merged_and_unique():
    workload = trace(resnet50(), torch.empty(1, 3, 64, 64))
    records = by_name(workload)
    assert len(records) == len(workload.layers) + len(workload.vector_ops)
    assert records["4.conv2"].repeats == 3
    assert records["4:add"].kind == "elementwise"
    assert records["3"].kind == "pool"
    assert [layer.name for layer in workload.layers[:4]] == ["0", "4.conv1", "4.conv2", "4.conv3"]
    assert workload.name == "Sequential"


def test_what_follows_a_layer_is_fused():
    records = by_name(trace(resnet50(), torch.empty(1, 3, 64, 64)))
    assert records["1"].fused  # frozen batch norm behind a convolution
    assert records["2"].fused  # ReLU behind that
    assert not records["3"].fused  # a pool is not element-wise
    assert not records["4:add"].fused  # two activations
    assert not records["4.relu#2"].fused  # its input comes from the sum
    assert records["1"].ops == 64 * 32 * 32  # the bias; the scale folds into the weights


@pytest.mark.parametrize(
    "activation", [F.relu, F.relu6, F.silu, F.hardswish, F.gelu, torch.sigmoid, torch.tanh]
)
def test_activation_functions_fuse_through_views(activation):
    conv = nn.Conv2d(3, 8, 1)
    net = Function(lambda x: activation(conv(x).flatten(1).view(-1)))
    [op] = trace(net, torch.empty(1, 3, 4, 4)).vector_ops
    assert op.fused
    assert (op.kind, op.ops, op.input_words, op.output_words) == ("elementwise", 128, 128, 128)


def test_bias_and_clamp_fuse_but_copies_break_the_chain():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 6, bias=False)
            self.bias = nn.Parameter(torch.zeros(6))

        def forward(self, x):
            y = (self.linear(x) + self.bias).clamp(0, 1)
            return torch.cat([y, y]).relu()

    fused = {op.name: op.fused for op in trace(Net(), torch.empty(5, 4)).vector_ops}
    assert fused == {"add": True, "clamp": True, "cat": False, "relu": False}


def test_a_table_as_large_as_the_activation_does_not_fuse():
    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.patch = nn.Conv2d(3, 8, 2, 2)
            self.position = nn.Parameter(torch.zeros(8, 4, 4))
            self.scale = nn.Parameter(torch.zeros(8, 1, 1))

        def forward(self, x):
            return self.patch(x) * self.scale + self.position

    fused = {op.name: op.fused for op in trace(Embed(), torch.empty(1, 3, 8, 8)).vector_ops}
    assert fused == {"mul": True, "add": False}


def test_batch_norm_with_its_own_statistics_does_not_fold():
    net = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8, track_running_stats=False))
    [norm] = trace(net, torch.empty(2, 3, 4, 4)).vector_ops
    assert (norm.kind, norm.fused, norm.ops) == ("norm", False, 7 * 2 * 8 * 16)


IMAGE, MATRIX, INDEX = torch.ones(1, 4, 8, 8), torch.ones(4, 8), torch.tensor([0, 2, 1, 3])


@pytest.mark.parametrize(
    ("function", "inputs", "kind", "ops"),
    [
        (lambda x: F.max_pool2d(x, 2), [IMAGE], "pool", 4 * 4 * 16),
        (lambda x: F.avg_pool2d(x, 3, 1), [IMAGE], "pool", 9 * 4 * 36),
        (lambda x: F.max_pool3d(x, 2), [IMAGE], "pool", 8 * 2 * 4 * 4),
        (lambda x: F.avg_pool1d(x, 2), [MATRIX], "pool", 2 * 4 * 4),
        (lambda x: F.adaptive_avg_pool2d(x, 3), [IMAGE], "pool", 256),
        (lambda x: F.adaptive_avg_pool2d(x, 1), [IMAGE], "reduction", 256),
        (lambda x: F.layer_norm(x, (8,)), [MATRIX], "norm", 5 * 32),
        (lambda x: F.group_norm(x, 2), [IMAGE], "norm", 5 * 256),
        (lambda x: F.instance_norm(x), [IMAGE], "norm", 5 * 256),
        (lambda x: F.rms_norm(x, (8,)), [MATRIX], "norm", 3 * 32),
        (lambda x: F.batch_norm(x, torch.zeros(4), torch.ones(4)), [IMAGE], "norm", 2 * 256),
        (lambda x: F.softmax(x, -1), [MATRIX], "softmax", 5 * 32),
        (lambda x: F.log_softmax(x, -1), [MATRIX], "softmax", 5 * 32),
        (lambda x: x.sum(0), [MATRIX], "reduction", 32),
        (lambda x: x.max(), [MATRIX], "reduction", 32),
        (lambda x: x.amax(1), [MATRIX], "reduction", 32),
        (lambda x: x.argmax(-1), [MATRIX], "reduction", 32),
        (lambda x: x.var(), [MATRIX], "reduction", 96),
        (lambda x: x + 1, [MATRIX], "elementwise", 32),
        (lambda x: x * x, [MATRIX], "elementwise", 32),
        (lambda x: torch.maximum(x, -1 * torch.ones(8)), [MATRIX], "elementwise", 32),
        (lambda x: x.masked_fill(torch.ones(8) > 0, 0.0), [MATRIX], "elementwise", 32),
        (lambda x: F.prelu(x, torch.ones(1)), [MATRIX], "elementwise", 32),
        (lambda x: F.glu(x), [MATRIX], "elementwise", 16),
        (lambda x: F.hardswish(x, inplace=True), [MATRIX], "elementwise", 32),
        (lambda x: F.interpolate(x, scale_factor=2.0), [IMAGE], "resize", 1024),
        (lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear"), [IMAGE], "resize", 7 * 1024),
        (lambda x: F.interpolate(x, scale_factor=2.0, mode="bicubic"), [IMAGE], "resize", 31 * 1024),
        (lambda x: x.cumsum(0), [MATRIX], "scan", 32),
        (lambda x: x.sort(-1), [MATRIX], "sort", 32 * 3),
        (lambda x: x.topk(4), [MATRIX], "sort", 32 * 3),
        (lambda x: F.embedding(x, torch.zeros(100, 8)), [INDEX], "gather", 0),
        (lambda x, i: x[i], [MATRIX, INDEX], "gather", 0),
        (lambda x, i: x.index_select(0, i), [MATRIX, INDEX], "gather", 0),
        (lambda x, i: F.embedding_bag(i, x, torch.tensor([0, 2])), [MATRIX, INDEX], "gather", 32),
        (lambda x, i: torch.zeros(9, 8).index_copy(0, i, x), [MATRIX, INDEX], "scatter", 0),
        (lambda x, i: torch.zeros(9, 8).index_put((i,), x), [MATRIX, INDEX], "scatter", 0),
        (lambda x: F.fold(x, (8, 8), 2), [torch.ones(1, 16, 49)], "scatter", 16 * 49),
        (lambda x: torch.cat([x, x]), [MATRIX], "copy", 0),
        (lambda x: F.pad(x, (1, 1)), [MATRIX], "copy", 0),
        (lambda x: x.t().contiguous(), [MATRIX], "copy", 0),
        (lambda x: x.permute(0, 2, 3, 1).reshape(1, -1), [IMAGE], "copy", 0),
        (lambda x: x.to(torch.bfloat16), [MATRIX], "copy", 0),
        (lambda x: x.repeat(2, 1), [MATRIX], "copy", 0),
        (lambda x: F.pixel_shuffle(x, 2), [IMAGE], "copy", 0),
        (lambda x: F.unfold(x, 2), [IMAGE], "copy", 0),
        (lambda x: x.roll(1, 0), [MATRIX], "copy", 0),
    ],
)
def test_vector_operations_have_their_own_price(function, inputs, kind, ops):
    [op] = trace(Function(function), inputs).vector_ops
    assert (op.kind, op.ops) == (kind, ops)
    assert op.kind in KINDS
    assert op.output_words > 0


def test_a_lookup_reads_rows_not_the_table():
    [op] = trace(nn.Embedding(50_000, 64), torch.zeros(2, 7, dtype=torch.long)).vector_ops
    assert (op.input_words, op.output_words) == (14 * 64 + 14, 14 * 64)


def test_a_broadcast_operand_is_read_once():
    [op] = trace(Function(lambda x: x + torch.ones(8)), MATRIX).vector_ops
    assert op.input_words == 32 + 8
    [op] = trace(Function(lambda x: x * x[:1].expand(4, 8)), MATRIX).vector_ops
    assert op.input_words == 32 + 8


@pytest.mark.parametrize(
    "view",
    [
        lambda x: x.view(-1),
        lambda x: x.t(),
        lambda x: x.reshape(2, 16),
        lambda x: x[1:, ::2],
        lambda x: x.unsqueeze(0).expand(3, 4, 8),
        lambda x: x.split(2),
        lambda x: x.chunk(2, 1),
        lambda x: x.unbind(),
        lambda x: x.transpose_(0, 1),
        lambda x: F.dropout(x, training=False),
        lambda x: x.detach(),
    ],
)
def test_views_cost_nothing(view):
    workload = trace(Function(lambda x: (view(x), x * 2)), MATRIX)
    assert [op.ops for op in workload.vector_ops] == [32]


def quantized_linear():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 8)), {nn.Linear})


@pytest.mark.parametrize(
    ("module", "inputs", "op"),
    [
        (nn.Bilinear(8, 8, 5), [MATRIX, MATRIX], "aten::_trilinear"),
        (Function(torch.cdist), [MATRIX, MATRIX], "aten::_cdist_forward"),
        (Function(torch.fft.rfft), [MATRIX], "aten::_fft_r2c"),
        (Function(torch.linalg.svd), [MATRIX], "aten::_linalg_svd"),
        (quantized_linear(), [MATRIX], "quantized::linear_dynamic"),
    ],
)
def test_unknown_operations_are_named_never_dropped(module, inputs, op):
    with pytest.raises(TraceError, match=rf"{op} \(1x in .*register_op"):
        trace(module, inputs)
    net = Function(lambda *x: (module(*x), x[0] * 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TraceWarning)
        workload = trace(net, inputs, allow_unpriced=True)
    assert workload.unpriced == (UnpricedOp(name=op, count=1),)


def test_unknown_operations_are_counted_and_placed():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second = Function(torch.fft.rfft), Function(torch.fft.rfft)

        def forward(self, x):
            return self.first(x), self.second(x)

    with pytest.raises(TraceError, match=r"aten::_fft_r2c \(2x in first, second\)"):
        trace(Net(), MATRIX)


def test_a_rule_teaches_an_operation(monkeypatch):
    def price(call):
        return [VectorOp(name="", kind="fft", ops=5 * call.output.numel(), input_words=32, output_words=40)]

    monkeypatch.setitem(RULES, "aten::_fft_r2c", None)  # so that the registration is undone after the test
    register_op("aten::_fft_r2c", price)
    [op] = trace(Function(torch.fft.rfft), MATRIX).vector_ops
    assert (op.kind, op.ops) == ("fft", 5 * 4 * 5)
    with pytest.raises(ValueError, match="namespace::name"):
        register_op("fft", price)


def test_custom_operators_need_a_rule(monkeypatch):
    library = torch.library.Library("apollo_test", "FRAGMENT")
    library.define("twice(Tensor x) -> Tensor")
    library.impl("twice", lambda x: x * 2, "CompositeExplicitAutograd")
    net = Function(lambda x: torch.ops.apollo_test.twice(x))
    with pytest.raises(TraceError, match="apollo_test::twice"):
        trace(net, MATRIX)
    monkeypatch.setitem(RULES, "apollo_test::twice", lambda call: [])
    with pytest.raises(TraceError, match="no priced operation"):
        trace(net, MATRIX)


def test_constants_are_computed_beforehand():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.zeros(8))

        def forward(self, x):
            angles = torch.arange(4).unsqueeze(1) * self.table.exp()
            return x + angles.sin()

    assert [op.name for op in trace(Positions(), MATRIX).vector_ops] == ["add"]


def test_numbers_read_from_buffers_need_no_real_tensors():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.tensor([2.0, 3.0]))

        def forward(self, x):
            return x[: int(self.scale[0].item())] * torch.tensor([1.0, 2.0]).sum().item()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        [op] = trace(Scaled(), MATRIX).vector_ops
    assert op.ops == 2 * 8


class Gate(nn.Module):
    """Goes one way or the other, as its data say."""

    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(8, 64), nn.Linear(8, 1)

    def forward(self, x):
        return self.wide(x) if x.sum() > 0 else self.narrow(x)


class Router(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = Gate()

    def forward(self, x):
        return self.gate(x)


def test_ways_that_depend_on_data_are_walked_with_real_data_and_say_so():
    with pytest.warns(TraceWarning, match=r"_local_scalar_dense in module gate .*depends on data"):
        assert trace(Router(), torch.ones(4, 8)).macs == 4 * 8 * 64
    with pytest.warns(TraceWarning, match="real tensors"):
        assert trace(build_without_weights(Router), -torch.ones(4, 8)).macs == 4 * 8


def test_real_tensors_stay_below_the_limit():
    with pytest.raises(TraceError, match=r"in module gate .*above the limit of 100 "):
        trace(Router(), torch.ones(4, 8), real_tensor_limit_bytes=100)


def test_shapes_that_depend_on_data():
    with pytest.warns(TraceWarning, match="aten::index"):
        workload = trace(Function(lambda x: x[x > 0] * 2), torch.tensor([1.0, -1.0, 3.0]))
    assert by_name(workload)["mul"].ops == 2


def test_randomness_outside_is_not_disturbed():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    with pytest.warns(TraceWarning):
        trace(build_without_weights(Router), torch.ones(4, 8))
    assert torch.equal(torch.rand(3), expected)


def test_failures_name_the_operation_and_the_module():
    with pytest.raises(TraceError, match=r"aten::addmm in module 1 fails: .*4x8 and 9x8"):
        trace(nn.Sequential(nn.Linear(8, 8), nn.Linear(9, 8)), MATRIX)
    broken = nn.Sequential(nn.ReLU(), Function(lambda x: {}["key"]))
    with pytest.raises(TraceError, match=r"the code in module 1 fails: KeyError: 'key'"):
        trace(broken, MATRIX)
    with pytest.raises(TraceError, match="lazy"):
        trace(nn.LazyLinear(4), MATRIX)
    with pytest.raises(TraceError, match="no priced operation"):
        trace(nn.Identity(), MATRIX)
    with pytest.raises(TypeError, match=r"nn\.Module"):
        trace(torch.relu, MATRIX)


class Hoarder(nn.Module):
    """Changes itself wherever it can."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.norm = nn.BatchNorm1d(8)
        self.register_buffer("steps", torch.zeros(()))
        self.history = []
        self.seen = {"x": None}
        self.caches = [torch.zeros(4, 8)]

    def forward(self, x):
        self.steps += 1
        self.caches[0][:, 0] += 1
        self.last = self.norm(self.linear(x))
        self.history.append(self.last)
        self.seen["x"] = x
        self.linear.bias.data = self.linear.bias.data + 1
        return self.last


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("data_dependent", [True, False])
def test_the_module_is_left_as_it_was(training, data_dependent):
    module = Hoarder().train(training)
    net = Function(lambda x: module(x).relu() if not data_dependent or module(x).sum() > -1e9 else x)
    net.inner = module
    net.train(training)
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    parameters = [id(p) for p in net.parameters()]
    attributes = set(vars(module))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TraceWarning)
        trace(net, MATRIX)
    assert [id(p) for p in net.parameters()] == parameters
    assert all(torch.equal(state[name], tensor) for name, tensor in net.state_dict().items())
    assert (set(vars(module)), module.history, module.seen) == (attributes, [], {"x": None})
    assert not module.caches[0].any()
    assert [part.training for part in net.modules()] == [training] * len(list(net.modules()))
    assert all(p.requires_grad for p in net.parameters())
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch._C._get_mkldnn_enabled()
    assert torch.is_grad_enabled()
    assert net(MATRIX).requires_grad


def test_a_failed_trace_leaves_the_module_as_it_was():
    module = Hoarder()
    weight = module.linear.weight
    with pytest.raises(TraceError):
        trace(module, torch.ones(4, 9))
    assert module.linear.weight is weight
    assert module.training
    assert not torch.nn.modules.module._global_forward_hooks


def test_tied_weights_stay_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(100, 16)
            self.head = nn.Linear(16, 100, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, ids):
            assert self.head.weight is self.embed.weight
            return self.head(self.embed(ids))

    tied = Tied()
    workload = trace(tied, torch.zeros(1, 5, dtype=torch.long))
    assert workload.macs == 5 * 16 * 100
    assert tied.head.weight is tied.embed.weight


def test_compiled_modules_and_functions():
    inner = nn.Sequential(nn.Linear(8, 8), nn.ReLU())
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        whole = trace(torch.compile(inner), MATRIX)
        part = trace(nn.Sequential(torch.compile(inner), nn.Linear(8, 2)), MATRIX)
        function = trace(Function(torch.compile(lambda x: x @ x.t())), MATRIX)
    assert (whole.macs, part.macs, function.macs) == (256, 256 + 64, 128)
    assert whole.name == "Sequential"
    assert [layer.name for layer in part.layers] == ["0.0", "1"]


def test_scripted_modules_are_traced_and_restored():
    net = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(net)
    before = {name: tensor.clone() for name, tensor in scripted.state_dict().items()}
    assert trace(scripted, MATRIX).macs == 256
    assert all(torch.equal(before[name], tensor) for name, tensor in scripted.state_dict().items())


def test_inference_mode_inside_hides_nothing():
    net = Function(torch.inference_mode()(lambda x: F.linear(x, torch.ones(5, 8)).reshape(-1).relu()))
    workload = trace(net, MATRIX)
    assert workload.macs == 4 * 8 * 5
    assert [op.name for op in workload.vector_ops] == ["relu"]


def test_counters_that_steer_are_walked_with_real_data():
    class Warm(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("steps", torch.zeros(()))

        def forward(self, x):
            self.steps += 1
            return x @ x.t() if self.steps.item() > 0 else x

    with pytest.warns(TraceWarning):
        assert trace(Warm(), MATRIX).macs == 4 * 4 * 8


def test_inputs_by_name_and_without_data():
    net = Function(lambda x, scale=None: {"y": x * scale["s"]})
    meta = torch.empty(4, 8, device="meta")
    assert trace(net, meta, kwargs={"scale": {"s": meta}}).vector_ops[0].input_words == 64
    assert trace(net, [meta], kwargs={"scale": {"s": 2}}).vector_ops[0].input_words == 32


def test_flexible_attention_counts_as_attention():
    flex = pytest.importorskip("torch.nn.attention.flex_attention")
    net = Function(lambda q: flex.flex_attention(q, q, q))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert trace(net, torch.empty(1, 2, 128, 16)).macs == 2 * 2 * 128 * 128 * 16


def test_constructors_that_read_numbers_build_without_weights():
    class Depths(nn.Module):
        def __init__(self):
            super().__init__()
            depths = [int(d.item()) for d in torch.linspace(1, 3, 3)]
            self.layers = nn.ModuleList(nn.Linear(8, d) for d in depths)
            self.register_buffer("mean", torch.ones(8))

        def forward(self, x):
            return [layer(x - self.mean) for layer in self.layers]

    net = build_without_weights(Depths)
    assert all(p.is_meta for p in net.parameters())
    assert not net.mean.is_meta
    assert trace(net, MATRIX).macs == 4 * 8 * 6
    assert not nn.Linear(2, 2).weight.is_meta  # outside, modules are built as ever


def test_records_load_without_torch():
    code = "import sys, accel_models, accel_models.workload_io; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
