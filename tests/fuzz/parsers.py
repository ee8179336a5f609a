"""Every reader of files: what it is given as bytes, what it may raise, and a seed that it reads."""

import gzip
import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from accel_models import Layer, Workload, workload_io
from accel_models.interop import dosa, timeloop
from accel_models.onnx import from_onnx
from accel_models.trace import TraceError
from apollo_dse.codesign.accuracy import rows
from apollo_dse.evaluators.command import load as load_command
from apollo_dse.evaluators.command.outputs import Output
from apollo_dse.evaluators.tools import scalesim, zigzag
from apollo_dse.evaluators.tools import timeloop as timeloop_tool
from apollo_dse.optimizers.random import Random
from apollo_dse.question import Question
from apollo_dse.storage import Store, StoreError
from apollo_dse.study import Study
from apollo_dse.testing import bowl
from apollo_dse.transfer.files import read_table
from search_spaces import get, load
from search_spaces.networks.nas_bench_201 import NAS_BENCH_201
from search_spaces.parameter import Integer
from search_spaces.rules import parse_rule

LAYER = Layer(name="conv", k=4, c=3, p=5, q=5, r=3, s=3)
PARAMETERS = (Integer("a", 1, 9), Integer("b", 1, 9))

ARCHITECTURE = """
architecture:
  version: 0.4
  subtree:
    - name: system
      local:
        - {name: DRAM, class: DRAM, attributes: {word_bits: 8, width: 4*8}}
      subtree:
        - name: PE[0..3]
          local:
            - {name: spad, class: SRAM, attributes: {word_bits: 8, entries: "64", meshX: 4}}
            - {name: MAC, class: intmac, attributes: {word_bits: 8}}
problem:
  shape: gemm
  instance: {M: 8, N: 4, K: 2}
mapping:
  - {target: DRAM, type: temporal, factors: M=2 N=4 K=1, permutation: MNK}
  - {target: DRAM, type: spatial, factors: M=4 N=1 K=1, permutation: MNK, split: 1}
  - {target: spad, type: temporal, factors: M=1 N=1 K=2, permutation: MNK}
"""
SPACE = """
base: edge
values: {pe_x: [1, 2, 4]}
pin: {cores: 2}
rules: ["pe_x * pe_y <= 64", "pe_x <= 2 * pe_y or not lanes == 8"]
"""
COMMAND = """
command: [python3, "{input}", "{output}"]
input: {format: json}
outputs:
  latency_s: {json: 'a.b["c"][0]', scale: 1e-9}
  area_mm2: {regex: "area (.*)", unit: um2}
infeasible: [{exit_code: 3, regex: "no (.*)"}]
timeout_s: 60
memory_bytes: 2GiB
"""
TABLE = "arch_str,val_acc\n|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|none~2|,91.5\n"
OLD = "pe_x,latency_ms,infeasible\n4,1.5,\n8,,true\n"


@dataclass(frozen=True, slots=True)
class Parser:
    """A reader: `read` is given a file of bytes, `suffix` is that of the file, `refuses` what it may raise."""

    read: Callable[[Path], object]
    seed: Callable[[], bytes]
    suffix: str = ""
    refuses: tuple[type[Exception], ...] = (ValueError,)


def _text(read: Callable[[str], object]) -> Callable[[Path], object]:
    return lambda path: read(path.read_text(encoding="utf-8", errors="replace"))


def _store(path: Path) -> None:
    with Store(path, read_only=True) as store:
        for name in store.names():
            header = store.header(name)
            store.records(name)
            Question.stored(header)
        for name in store.prior_names():
            store.prior(name)


def _counted(path: Path) -> None:
    timeloop.load(path).counts(counting="timeloop")


@cache
def _stored() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        problem = bowl(*PARAMETERS)
        with Store(path) as store:
            Study(problem, Random(problem, 0), store, "study", batch=4).run(4)
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        return path.read_bytes()


@cache
def _onnx() -> bytes:
    from onnx import TensorProto, helper

    weights = helper.make_tensor("w", TensorProto.FLOAT, (4, 3), [0.5] * 12)
    shape = helper.make_tensor("s", TensorProto.INT64, (2,), [2, 2])
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["y"], transB=1),
        helper.make_node("Reshape", ["y", "s"], ["z"]),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3))
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, (2, 2))
    graph = helper.make_graph(nodes, "g", [x], [z], [weights, shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return bytes(model.SerializeToString())


def _problem_text() -> bytes:
    return json.dumps(yaml.safe_load(ARCHITECTURE)).encode()


OUTPUT = Output(metric="latency_s", json='a.b["c"][0]', source="f")
ROW = {"N": 1, "K": 16, "C": 16, "P": 8, "Q": 1, "R": 1, "S": 1}

PARSERS: Mapping[str, Parser] = {
    "workload": Parser(
        workload_io.load, lambda: workload_io.dumps(Workload(name="w", layers=(LAYER,))).encode()
    ),
    "onnx": Parser(from_onnx, _onnx, ".onnx", (ValueError, TraceError)),
    "space": Parser(load, SPACE.encode, ".yaml"),
    "space-toml": Parser(load, b'base = "edge"\n[pin]\ncores = 2\n'.strip, ".toml"),
    "rule": Parser(
        _text(lambda text: parse_rule(text, PARAMETERS)({"a": 2, "b": 3})), b"a * b <= 40 // (b - 1)".strip
    ),
    "command": Parser(load_command, COMMAND.encode, ".yaml", (ValueError, OSError)),
    "output": Parser(_text(lambda text: OUTPUT.value({"f": text})), b'{"a": {"b": {"c": [4]}}}'.strip),
    "timeloop": Parser(_counted, ARCHITECTURE.encode, ".yaml"),
    "timeloop-json": Parser(_counted, _problem_text, ".json"),
    "dosa": Parser(
        _text(lambda text: dosa.mapping(text, ROW)),
        b"L3[WIO] K2 - L2[WI] N1 K8X - L1[O] C8 P1 C2X - L0[W] P8".strip,
    ),
    "old-results": Parser(lambda path: read_table(path, get("edge").space), OLD.encode, ".csv"),
    "networks": Parser(lambda path: rows.read(str(path), NAS_BENCH_201), TABLE.encode, ".csv"),
    "networks-gz": Parser(
        lambda path: rows.read(str(path), NAS_BENCH_201), lambda: gzip.compress(TABLE.encode(), mtime=0), ".gz"
    ),
    "store": Parser(_store, _stored, ".sqlite", (ValueError, StoreError)),
    "scalesim-report": Parser(
        _text(lambda text: scalesim.read([1, 2], {scalesim.REPORT: text})),
        b"Total Cycles, Stall Cycles,\n10, 2,\n20, 0,\n".strip,
    ),
    "zigzag-answer": Parser(
        _text(lambda text: zigzag.read([1], {zigzag.ANSWER: text})), b'[{"cycles": 3, "energy_pj": 4.5}]'.strip
    ),
    "timeloop-stats": Parser(
        _text(lambda text: timeloop_tool.read(1, {timeloop_tool.STATS: text})),
        b"Summary Stats\nCycles: 12\nComputes = 9\npJ/Compute\n  Total = 2.5\n".strip,
    ),
}


def run(name: str, data: bytes, folder: Path) -> bool:
    """Whether a reader takes the bytes; False: it refuses them with a sentence.

    Raises:
        AssertionError: it refuses them without a sentence.
        Exception: it raises something that it may not.
    """
    parser = PARSERS[name]
    path = folder / f"file{parser.suffix}"
    path.write_bytes(data)
    try:
        parser.read(path)
    except parser.refuses as error:
        sentence = str(error).strip()
    else:
        return True
    assert sentence, f"{name} must refuse with a sentence"
    return False
