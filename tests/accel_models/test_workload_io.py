import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models import workload_io
from accel_models.workload import Layer, UnpricedOp, VectorOp, Workload
from accel_models.workload_io import WorkloadFormatError, from_dict, load, save, to_dict

NAMES = st.text(min_size=1, max_size=20)
BOUNDS = st.integers(1, 200)
PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))
COUNTS = st.integers(0, 2**62)
LAYERS = st.builds(
    Layer,
    name=NAMES,
    kind=NAMES,
    **{d: BOUNDS for d in "ngkcpqrs"},
    stride=PAIRS,
    dilation=PAIRS,
    repeats=st.integers(1, 9),
    weights_are_activations=st.booleans(),
)
VECTOR_OPS = st.builds(
    VectorOp,
    name=NAMES,
    kind=NAMES,
    ops=COUNTS,
    input_words=COUNTS,
    output_words=COUNTS,
    fused=st.booleans(),
    repeats=st.integers(1, 9),
)
WORKLOADS = st.builds(
    Workload,
    name=NAMES,
    layers=st.lists(LAYERS, min_size=1, max_size=4).map(tuple),
    vector_ops=st.lists(VECTOR_OPS, max_size=4).map(tuple),
    unpriced=st.lists(st.builds(UnpricedOp, name=NAMES, count=st.integers(1, 99)), max_size=2).map(tuple),
)
TINY = Workload(
    name="tiny",
    layers=(Layer(name="a", k=2, c=3, p=4, stride=(2, 1)),),
    vector_ops=(VectorOp(name="b", kind="softmax", ops=5, input_words=1, output_words=1),),
    unpriced=(UnpricedOp(name="aten::_fft_r2c", count=2),),
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(WORKLOADS)
def test_file_gives_back_the_same_records(tmp_path_factory, workload):
    path = tmp_path_factory.mktemp("io") / "w.json"
    save(workload, path)
    assert load(path) == workload
    assert from_dict(to_dict(workload)) == workload


def test_file_is_readable_line_by_line(tmp_path):
    save(TINY, tmp_path / "w.json")
    lines = (tmp_path / "w.json").read_text().splitlines()
    assert '  "schema": 1,' in lines
    assert json.loads(lines[4].strip())["stride"] == [2, 1]
    assert max(len(line) for line in lines) < 220


def spoiled(path, value):
    data = to_dict(TINY)
    *parents, last = path
    target = data
    for key in parents:
        target = target[key]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (("schema",), 2, "schema"),
        (("schema",), True, "schema"),
        (("name",), None, "'name' is missing"),
        (("name",), "", "name"),
        (("name",), "x" * 2000, "name"),
        (("color",), "red", "unknown key 'color'"),
        (("layers",), {}, "layers: must be a list"),
        (("layers", 0), 7, r"layers\[0\]: must be an object"),
        (("layers", 0, "k"), None, r"layers\[0\]: key 'k' is missing"),
        (("layers", 0, "k"), 0, r"layers\[0\].k"),
        (("layers", 0, "k"), 1.0, r"layers\[0\].k"),
        (("layers", 0, "k"), True, r"layers\[0\].k"),
        (("layers", 0, "k"), "8", r"layers\[0\].k"),
        (("layers", 0, "k"), 10**4000, r"layers\[0\].k"),
        (("layers", 0, "k"), 2**61, r"layers\[0\]: at most"),
        (("layers", 0, "kk"), 1, r"layers\[0\]: unknown key 'kk'"),
        (("layers", 0, "stride"), [1], r"layers\[0\].stride"),
        (("layers", 0, "stride"), [0, 1], r"layers\[0\].stride"),
        (("layers", 0, "weights_are_activations"), 1, "weights_are_activations"),
        (("vector_ops", 0, "ops"), -1, r"vector_ops\[0\].ops"),
        (("unpriced", 0, "count"), 0, r"unpriced\[0\].count"),
    ],
)
def test_refusal_names_file_and_key_in_one_line(path, value, named):
    with pytest.raises(WorkloadFormatError, match=named) as caught:
        from_dict(spoiled(path, value), source="net.json")
    assert str(caught.value).startswith("net.json: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1",
        "[" * 100_000,
        "\xff",
        '{"schema": 1, "schema": 1}',
        '{"schema": NaN}',
        "3",
        '{"schema": ' + "9" * 5000 + "}",
    ],
)
def test_text_that_is_no_workload_is_refused_by_file_name(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(WorkloadFormatError, match=r"broken\.json"):
        load(path)


def test_empty_workload_and_huge_files_are_refused(tmp_path, monkeypatch):
    data = to_dict(TINY) | {"layers": [], "vector_ops": []}
    with pytest.raises(WorkloadFormatError, match="at least one layer"):
        from_dict(data)
    save(TINY, tmp_path / "w.json")
    monkeypatch.setattr(workload_io, "MAX_FILE_BYTES", 10)
    with pytest.raises(WorkloadFormatError, match="at most 10 bytes"):
        load(tmp_path / "w.json")
    monkeypatch.setattr(workload_io, "MAX_RECORDS", 0)
    with pytest.raises(WorkloadFormatError, match="at most 0 records"):
        from_dict(to_dict(TINY))


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.json")
