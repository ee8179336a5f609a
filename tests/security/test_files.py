"""Hostile files: each is refused with a rule and its evidence, before it costs much or does anything."""

import ast
import csv
import gzip
import json
import os
import pickle
import sqlite3
import tracemalloc
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import accel_models
import apollo_dse
import search_spaces
from accel_models.interop import timeloop
from accel_models.interop.timeloop import sources as timeloop_sources
from accel_models.interop.timeloop.golden import load_golden
from accel_models.onnx import OnnxError, from_onnx
from apollo_dse import tables
from apollo_dse.benchmark import Results, results, solutions
from apollo_dse.codesign import training
from apollo_dse.evaluators import memory
from apollo_dse.evaluators.command import load as load_program
from apollo_dse.evaluators.tools import timeloop as tool
from apollo_dse.optimizers.random import Random
from apollo_dse.question import Question
from apollo_dse.storage import Header, Store, StoreError
from apollo_dse.study import Study
from apollo_dse.testing import bowl
from apollo_dse.transfer.files import read_table
from apollo_dse.validation import gemmini_firesim, nvdla_small_rtl, scalesim
from search_spaces import get
from search_spaces import load as load_space
from search_spaces.parameter import Integer
from tests.fuzz.parsers import ARCHITECTURE

EDGE = get("edge").space
PACKAGES = [Path(str(each.__file__)).parent for each in (accel_models, search_spaces, apollo_dse)]
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
"""Ten lines that stand for nine to the tenth values."""


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_aliases_of_aliases_are_counted_before_anything_is_made_of_them(tmp_path):
    with pytest.raises(ValueError, match="at most 1000000 values are read, but aliases stand for more"):
        timeloop.load(written(tmp_path, "x.yaml", BOMB))
    with pytest.raises(ValueError, match="at most 1000000 values"):
        timeloop.load(written(tmp_path, "y.yaml", "architecture: &a\n  subtree: [*a]\n"))
    with pytest.raises(ValueError, match="aliases must not be used"):
        load_space(written(tmp_path, "z.yaml", BOMB))


def test_a_few_aliases_and_merges_are_timeloops_own(tmp_path):
    text = ARCHITECTURE.replace("{word_bits: 8, width: 4*8}", "&a {word_bits: 8, width: 32}")
    text = text.replace('{word_bits: 8, entries: "64", meshX: 4}', "{<<: *a, entries: 64, meshX: 4}")
    plain = timeloop.load(written(tmp_path, "x.yaml", ARCHITECTURE)).counts()
    assert timeloop.load(written(tmp_path, "y.yaml", text)).counts() == plain


@pytest.mark.parametrize("text", ["problem: {a: 1, a: 2}\n", '{"problem": {"a": 1, "a": 2}}'])
def test_keys_given_twice_are_refused(tmp_path, text):
    with pytest.raises(ValueError, match="keys must not repeat"):
        timeloop.load(written(tmp_path, "x.yaml", text))


@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5])
def test_depth_is_refused(tmp_path, text):
    with pytest.raises(ValueError, match=r"nested that deeply|must be YAML or JSON"):
        timeloop.load(written(tmp_path, "x.yaml", text))
    with pytest.raises(ValueError, match=r"nested that deeply|well-formed"):
        load_space(written(tmp_path, "x.yaml", text))


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("9**9**9**9", "a power must be at most 64"),
        ("(0-8)**0.5", "of nothing negative"),
        ("1" + "+1" * 300, "at most 500 characters"),
        ("__import__('os').system('true')", "must be a number or arithmetic"),
        ("width.real", "must be a number or arithmetic"),
        ("1/0", "must be a number or arithmetic"),
        ("10**64*10**64*10**64*10**64*10**64", "must be a number or arithmetic"),
    ],
)
def test_arithmetic_is_bounded(tmp_path, value, rule):
    text = ARCHITECTURE.replace('entries: "64"', f"entries: {json.dumps(value)}")
    with pytest.raises(ValueError, match=rule):
        timeloop.load(written(tmp_path, "x.yaml", text))


def test_attributes_that_stand_for_ever_more_are_refused(tmp_path):
    doubled = ", ".join(f"v{n}: v{n + 1}+v{n + 1}" for n in range(60))
    text = ARCHITECTURE.replace('entries: "64"', f"entries: v0, {doubled}, v60: 1")
    with pytest.raises(ValueError, match="at most 1000 steps"):
        timeloop.load(written(tmp_path, "x.yaml", text))


def test_a_small_compressed_table_does_not_grow(tmp_path, monkeypatch):
    line = written(tmp_path, "line.csv.gz", gzip.compress(b"x" * (64 << 20)))
    with pytest.raises(ValueError, match="1048576 a line"):
        list(tables.read_csv(line)[1])
    monkeypatch.setattr(tables, "MOST_BYTES", 1 << 16)
    lines = written(tmp_path, "lines.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * (1 << 15)))
    with pytest.raises(ValueError, match="at most 65536 bytes of text"):
        list(tables.read_csv(lines)[1])


@pytest.mark.parametrize("reference", [gemmini_firesim, nvdla_small_rtl, scalesim], ids=lambda each: each.FILE)
def test_tables_of_references_are_read_in_bounded_memory(reference, tmp_path):
    written(tmp_path, reference.FILE, b"x" * (1 << 20))
    with pytest.raises(
        ValueError, match=f"^a table must have at most .* 1048576 a line, but .*{reference.FILE}"
    ):
        reference.compare(tmp_path)


def test_a_reference_file_of_timeloop_is_read_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(timeloop_sources, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"file must have at most 1000 bytes, but .*golden\.json has"):
        load_golden(written(tmp_path, "golden.json", "{}" + " " * 1000))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"a,a\n1,2\n", "name each column once, but 'a'"),
        (b"a,b\n1,2,3\n", "at most 2 cells, but has 3"),
        (b'a\n"' + b"x" * 200_000 + b'"\n', "cannot be read"),
        (b"a\n\xff\xfe\n", "cannot be read"),
        (gzip.compress(b"a\n1\n", mtime=0)[:-6], "cannot be read"),
        (b"\x1f\x8bnonsense", "cannot be read"),
    ],
)
def test_tables_are_read_strictly(tmp_path, content, rule):
    with pytest.raises(ValueError, match=rule):
        list(tables.read_csv(written(tmp_path, "x.csv", content))[1])


def test_rows_without_a_name_for_a_cell_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at most 2 cells"):
        read_table(written(tmp_path, "old.csv", "pe_x,latency_ms\n4,1,2\n"), EDGE)


def test_a_parquet_file_says_how_large_it_is_before_it_is_read(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {"pe_x": pyarrow.array(np.ones(1 << 22)), "latency_ms": pyarrow.array(np.ones(1 << 22))}
    )
    path = tmp_path / "x.parquet"
    parquet.write_table(table, path)
    tables_limit = 1 << 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apollo_dse.transfer.files.MOST_BYTES", tables_limit)
        with pytest.raises(ValueError, match="at most 1048576 bytes"):
            read_table(path, EDGE)
    with pytest.raises(ValueError, match="a table in Parquet"):
        read_table(written(tmp_path, "y.parquet", b"PAR1nonsensePAR1"), EDGE)


def test_outcomes_are_read_line_by_line(tmp_path, monkeypatch):
    """A file may be longer than memory is large, but no line of it, and nothing is read past the limit."""
    line = json.dumps({"key": "k", "outcome": {"regret": [0.5], "feasible": 1.0, "overhead_s": 0.0}}) + "\n"
    path = written(tmp_path, "x.jsonl", line * 9 + "x" * 20)
    monkeypatch.setattr(Path, "read_text", None)  # whole files are never asked for
    assert len(Results(path)._found) == 1
    assert path.read_bytes() == line.encode() * 9
    monkeypatch.setattr(results, "LONGEST_LINE", len(line))
    with pytest.raises(ValueError, match=f"a file of outcomes must have .* {len(line)} a line, but .*x.jsonl"):
        Results(path)
    monkeypatch.setattr(results, "LONGEST_LINE", len(line) + 1)
    monkeypatch.setattr(results, "MOST_BYTES", 9 * len(line) - 1)
    with pytest.raises(ValueError, match=f"must have at most {9 * len(line) - 1} bytes of text"):
        Results(path)


def test_solutions_are_read_in_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(solutions, "MOST_BYTES", 1000)
    assert solutions.read(written(tmp_path, "x.json", "{}" + " " * 998)) == {}
    with pytest.raises(ValueError, match=r"solutions must have at most 1000 bytes, but .*x\.json has more"):
        solutions.read(written(tmp_path, "x.json", "{}" + " " * 999))


def described(folder, **keys):
    content = {"command": ["true", "{input}"], "outputs": {"loss": {"json": "x"}}, **keys}
    return written(folder, "sim.yaml", json.dumps(content))


def test_a_template_is_read_in_bounded_memory(tmp_path):
    """A device says that it has no bytes, and never ends; a template that is no text is named."""
    for device in ("/dev/zero", "large.in"):
        written(tmp_path, "large.in", "x" * ((1 << 20) + 1))
        with pytest.raises(ValueError, match=f"template: a template must have at most 1048576 .*{device} has"):
            load_program(described(tmp_path, input={"template": device}))
    written(tmp_path, "odd.in", b"x\xff")
    with pytest.raises(ValueError, match=r"a template must be UTF-8 text, but byte 1 of .*odd\.in is none"):
        load_program(described(tmp_path, input={"template": "odd.in"}))


def test_files_of_an_evaluator_are_digested_in_bounded_memory(tmp_path):
    content = b"x" * (64 << 20)
    path = described(tmp_path, files=[written(tmp_path, "large.bin", content).name])
    tracemalloc.start()
    try:
        [(name, found)] = load_program(path).files
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert (name, found) == ("large.bin", sha256(content).hexdigest()[:12])
    for device in ("/dev/zero", "."):
        with pytest.raises(ValueError, match=f"files: it must be a file, but '.*{device}' is none"):
            load_program(described(tmp_path, files=[device]))


def test_no_text_holds_up_the_reading_of_statistics():
    """Patterns that begin at every line and look to the end would take hours for this one."""
    for text in ("pJ/Compute\n" * (1 << 20), "\n" * (1 << 22), " " * (1 << 22), "Summary Stats" * (1 << 20)):
        with pytest.raises(ValueError, match="must have Cycles"):
            tool.read(1, {tool.STATS: text})


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "s.sqlite"
    problem = bowl(Integer("a", 1, 9))
    with Store(path) as opened:
        Study(problem, Random(problem, 0), opened, "study", batch=4).run(4)
    return path


@pytest.mark.parametrize("column", ["metrics", "point", "bottlenecks"])
@pytest.mark.parametrize("content", ["[" * 10**5, "[1]", "7", '{"a": [1]}', "{", '{"a": 1e999}', "null"])
def test_a_store_with_other_contents_is_damaged(store, column, content):
    with sqlite3.connect(store) as connection:
        connection.execute(f"UPDATE trials SET {column} = ? WHERE number = 2", (content,))
    connection.close()
    with Store(store) as opened, pytest.raises(StoreError, match=r"is damaged; restore it from a copy"):
        opened.records("study")


@pytest.mark.parametrize("about", [{"version": 1}, {"version": 1, "space": "edge", "workloads": 7}])
def test_a_header_of_another_program_is_refused(about):
    with pytest.raises(ValueError, match="must have"):
        Question.stored(Header("s", "2026-01-01T00:00:00", {"optimizer": []}, about))


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "a/b", "a\\b", "", ".hidden", "a\0b", "x" * 101, "a\nb"]
)
def test_names_of_studies_lead_nowhere(name):
    with pytest.raises(ValueError, match="a study's name must be"):
        Header(name, "now", {}, {})


def test_answers_of_the_cache_that_are_none_are_measured_anew(tmp_path):
    kept = memory.Memory(b"w", tmp_path / memory.FILE)
    assert kept.read(["p"]) == {}
    connection = sqlite3.connect(tmp_path / memory.FILE)
    for content in ("[" * 10**5, "[[1], null, {}]", "7", "[{}, 5, {}]"):
        connection.execute("INSERT OR REPLACE INTO measurements VALUES (?, ?, ?)", (b"w", "p", content))
        connection.commit()
        assert kept.read(["p"]) == {}
    connection.close()


class Payload:
    """Runs a program when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_checkpoint_runs_nothing(tmp_path):
    module = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(module.parameters(), 0.1)
    for write in (lambda path: torch.save({"question": Payload(tmp_path / "taken")}, path), None):
        path = tmp_path / "checkpoint.pt"
        if write is None:
            path.write_bytes(pickle.dumps(Payload(tmp_path / "taken")))
        else:
            write(path)
        with pytest.raises(ValueError, match="a checkpoint must hold weights and nothing else"):
            training._resume(path, "question", module, optimizer)
    assert not (tmp_path / "taken").exists()


def onnx_file(folder, **keys):
    """A product by a tensor outside the file."""
    from onnx import TensorProto, helper

    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=keys.get("dims", (4, 3)))
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=keys.get("location", "nowhere"))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, keys.get("x", (1, 3)))
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)], "g", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return written(folder, "x.onnx", model.SerializeToString())


def test_data_outside_an_onnx_file_is_never_opened(tmp_path, monkeypatch):
    """A pipe without a writer would hold up whoever opens it."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert from_onnx(onnx_file(tmp_path, location="pipe")).macs == 12
    assert from_onnx(onnx_file(tmp_path, location="../../../../etc/passwd")).macs == 12


@pytest.mark.parametrize("keys", [{"dims": (2**40, 2**40)}, {"dims": (-1, 3)}, {"x": (2**62, 3)}])
def test_hostile_sizes_of_an_onnx_file_are_refused(tmp_path, keys):
    with pytest.raises(OnnxError, match=r"must have 0 to|must lie between|has no size"):
        from_onnx(onnx_file(tmp_path, **keys))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_nothing_is_unpickled_evaluated_or_read_by_a_shell(package):
    """Calls that no file may ever reach; `testing/evaluators.py` unpickles what it has just pickled."""
    found = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name, keys = (
                    ast.unparse(node.func),
                    {each.arg: ast.unparse(each.value) for each in node.keywords},
                )
                forbidden = (
                    name in ("eval", "exec", "os.system", "os.popen", "yaml.unsafe_load", "yaml.full_load")
                    or name.startswith(("pickle.load", "marshal.load", "shelve.", "joblib.load"))
                    or (name == "torch.load" and keys.get("weights_only") != "True")
                    or (name == "np.load" and "allow_pickle" in keys)
                    or (name == "yaml.load" and "Loader" not in keys)
                    or keys.get("shell") == "True"
                )
                if forbidden and not path.match("testing/evaluators.py"):
                    found.append(f"{path}:{node.lineno}: {name}")
    assert found == []


def test_loaders_of_yaml_are_safe():
    import yaml

    from search_spaces.files import content

    assert issubclass(timeloop_sources._Loader, yaml.SafeLoader)
    assert issubclass(content._StrictLoader, yaml.BaseLoader)
    with pytest.raises(ValueError, match="must be"):
        timeloop.load("problem: !!python/object/apply:os.system ['true']\n")


def test_the_limit_of_a_cell_is_pythons_own():
    assert csv.field_size_limit() <= 1 << 17
