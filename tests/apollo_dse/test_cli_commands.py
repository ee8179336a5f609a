"""Every command run for real on a network of one small layer: what it prints, writes, and answers as JSON."""

import json
from datetime import datetime
from itertools import pairwise
from math import isclose

import pytest

from accel_models import Layer, VectorOp, Workload, workload_io, zoo
from apollo_dse.cli import main
from apollo_dse.recommendation import as_workload

TINY = Workload(
    name="tiny",
    layers=(
        Layer(name="conv", k=8, c=4, p=8, q=8, r=3, s=3, repeats=2),
        Layer(name="fc", kind="linear", k=16, c=32),
    ),
    vector_ops=(VectorOp(name="relu", kind="relu", ops=512, input_words=512, output_words=512),),
)
NET = """
import torch
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())

class Embed(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, tokens, scale):
        return self.out(self.table(tokens)) * scale

class Svd(nn.Module):
    def forward(self, x):
        return torch.linalg.svd(x @ x).U

def failing():
    raise RuntimeError("the weights are gone")

ready = build()
nothing = 3
"""


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "tiny.json"
    workload_io.save(TINY, path)
    return str(path)


@pytest.fixture
def net(tmp_path):
    path = tmp_path / "net_for_trace.py"
    path.write_text(NET)
    return str(path)


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in an empty folder; it must succeed; its stdout."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)

    def call(*words):
        code = main(list(words))
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return call


def test_workloads_lists_the_whole_zoo(run):
    rows = json.loads(run("workloads", "--json"))["workloads"]
    assert [row["name"] for row in rows] == list(zoo.names())
    resnet = next(row for row in rows if row["name"] == "resnet50")
    assert resnet["macs"] == zoo.workload("resnet50").macs
    assert isclose(resnet["parameters"], 25.5e6, rel_tol=0.01), "25.5 M without norms and biases"
    table = run("workloads")
    assert all(name in table for name in zoo.names())


def test_workloads_describes_one_network(run, tiny):
    shown = json.loads(run("workloads", tiny, "--json"))
    conv = shown["layers"][0]
    assert shown["macs"] == TINY.macs
    assert (conv["weight_bytes"], conv["input_bytes"], conv["output_bytes"]) == (288, 400, 512)
    assert isclose(conv["macs_per_byte"], 8 * 4 * 64 * 9 / 1200)
    assert shown["vector_ops"][0]["ops"] == 512
    assert shown["unpriced"] == []
    table = run("workloads", tiny)
    assert "conv" in table
    assert "k8 c4 p8 q8 r3 s3" in table


def test_evaluate_prices_a_design_layer_by_layer(run, tiny):
    design = json.loads(run("evaluate", "--workload", tiny, "--preset", "edge-tpu-v1", "--json"))
    assert design["feasible"] is True
    assert design["reasons"] == []
    assert (design["workload"], design["space"]) == ("tiny", "edge")
    assert isclose(design["peak_tops"], 26.2144)
    for total in ("latency_s", "energy_j"):
        parts = sum(layer[total] * layer["repeats"] for layer in design["layers"])
        assert isclose(design[total], parts, rel_tol=1e-9), total
    assert isclose(design["power_w"], design["energy_j"] / design["latency_s"])
    assert [layer["name"] for layer in design["layers"]] == ["conv", "fc", "relu"]
    assert {"macs", "utilization", "bound_by"} <= set(design["layers"][0])
    assert all(layer["complete"] for layer in design["layers"])
    text = run("evaluate", "--workload", tiny, "--preset", "edge-tpu-v1")
    assert "bound by" in text
    assert "26.21 TOPS" in text


def test_set_overrides_the_preset_and_reads_sizes(run, tiny):
    words = ("evaluate", "--workload", tiny, "--preset", "edge-tpu-v1", "--json")
    base = json.loads(run(*words))
    changed = json.loads(run(*words, "--set", "pe_memory_bytes=512KiB", "--set", "clock_mhz=400"))
    assert changed["point"] == {**base["point"], "pe_memory_bytes": 512 * 1024, "clock_mhz": 400}
    assert isclose(changed["peak_tops"], base["peak_tops"] / 2)
    assert changed["area_mm2"] < base["area_mm2"]


def test_an_infeasible_design_is_an_answer(run, tiny):
    huge = [f"--set={name}=32" for name in ("pe_x", "pe_y", "cores")]
    design = json.loads(run("evaluate", "--workload", tiny, "--preset", "edge-tpu-v1", *huge, "--json"))
    assert design["feasible"] is False
    assert any("reticle" in reason for reason in design["reasons"])
    assert design["latency_s"] is design["energy_j"] is design["area_mm2"] is design["utilization"] is None
    assert design["layers"] == []
    assert "infeasible: " in run("evaluate", "--workload", tiny, "--preset", "edge-tpu-v1", *huge)


def test_trace_writes_what_evaluate_reads(run, net, tmp_path):
    out = str(tmp_path / "net.json")
    said = run("trace", f"{net}:build", "--input", "1x3x10x10", "-o", out, "--name", "mine")
    assert said.startswith("mine: 1 shapes, 13.82 k MACs")
    assert workload_io.load(out).macs == 8 * 3 * 9 * 64
    assert json.loads(run("evaluate", "--workload", out, "--preset", "edge-tpu-v2", "--json"))["feasible"]


def test_trace_takes_inputs_of_several_types_a_class_and_a_ready_module(run, net, tmp_path):
    out = str(tmp_path / "net.json")
    run("trace", f"{net}:Embed", "--input", "1x6:int64", "--input", "1x6x2", "-o", out)
    assert workload_io.load(out).macs == 6 * 4 * 2
    run("trace", f"{net}:ready", "--input", "1x3x10x10", "-o", out)
    assert workload_io.load(out).macs == 8 * 3 * 9 * 64


def test_trace_names_what_has_no_price(run, net, tmp_path):
    out = str(tmp_path / "net.json")
    said = run("trace", f"{net}:Svd", "--input", "4x4", "-o", out, "--allow-unpriced")
    assert "unpriced: aten::_linalg_svd (1 times)" in said
    assert [op.name for op in workload_io.load(out).unpriced] == ["aten::_linalg_svd"]


def test_trace_reads_onnx_with_the_sizes_that_it_leaves_open(run, tmp_path, capsys):
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    inputs = [helper.make_tensor_value_info("x", kind, ["n", 16])]
    weight = helper.make_tensor("w", kind, (16, 4), [0.0] * 64)
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="fc")
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", kind, None)], [weight])
    path = tmp_path / "open.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)
    out = str(tmp_path / "net.json")
    run("trace", "--onnx", str(path), "--input-shape", "x=3x16", "-o", out)
    assert workload_io.load(out).macs == 3 * 16 * 4
    assert main(["trace", "--onnx", str(path), "-o", out]) == 2, "the size of an axis is not guessed"
    assert "such as --input-shape x=1x16" in capsys.readouterr().err
    assert main(["evaluate", "--workload", str(path), "--preset", "edge-tpu-v1"]) == 2
    assert f"apollo-dse trace --onnx {path} -o open.json --input-shape x=1x16" in capsys.readouterr().err


def test_explore_keeps_a_study_that_resume_goes_on_with(run, tiny):
    words = ("--workload", tiny, "--constraint", "area_mm2<=20", "--batch", "8", "--json")
    first = json.loads(run("explore", "--study", "s", "--trials", "24", *words))
    assert first["trials"] == 24
    assert first["study"] == "s"
    assert first["best"]["metrics"]["area_mm2"] <= 20
    assert first["pareto"] == [first["best"]]
    assert first["limits"][0]["constraint"] == "area_mm2<=20.0"
    assert first["feasible"] + sum(first["reasons"].values()) >= first["trials"], (
        "a design may have two reasons"
    )
    again = json.loads(run("explore", "--study", "s", "--resume", "--trials", "24", "--json"))
    assert list(again["best"]["metrics"].items()) == list(first["best"]["metrics"].items()), "in their order"
    more = json.loads(run("explore", "--study", "s", "--resume", "--trials", "40", "--json"))
    whole = json.loads(run("explore", "--study", "t", "--trials", "40", *words))
    assert more["trials"] == whole["trials"] == 40
    assert more["best"] == whole["best"], "interrupted or not, the trials are the same"


def test_searches_begun_within_one_second_have_names_of_their_own(run, tiny, monkeypatch):
    class Stopped(datetime):
        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr("apollo_dse.cli.searching.datetime", Stopped)
    words = ("explore", "--workload", tiny, "--optimizer", "random", "--trials", "1", "--json")
    names = [json.loads(run(*words))["study"] for _ in range(3)]
    assert names == [f"tiny-20260102-030405{number}" for number in ("", "-2", "-3")]


def test_evaluate_reproduces_the_best_design_of_explore(run, tiny):
    best = json.loads(run("explore", "--workload", tiny, "--trials", "16", "--json"))["best"]
    words = [f"--set={name}={value}" for name, value in best["point"].items()]
    design = json.loads(run("evaluate", "--workload", tiny, *words, "--json"))
    for name, value in best["metrics"].items():
        assert isclose(design[name], value, rel_tol=1e-6), name


def test_several_objectives_give_a_front_and_one_recommended_design(run, tiny):
    words = ("explore", "--workload", tiny, "--objective", "latency", "--objective", "area", "--trials", "48")
    found = json.loads(run(*words, "--study", "front", "--json"))
    losses = [(each["metrics"]["latency_s"], each["metrics"]["area_mm2"]) for each in found["pareto"]]
    assert len(losses) >= 2
    assert losses == sorted(losses)
    assert all(a[1] > b[1] for a, b in pairwise(losses)), "each is smaller where it is slower"
    assert found["best"] in found["pareto"]
    assert "Pareto front" in run("explore", "--study", "front", "--resume", "--trials", "48")


def test_several_workloads_are_searched_together(run, tiny, tmp_path):
    other = tmp_path / "other.json"
    workload_io.save(Workload(name="other", layers=TINY.layers[1:]), other)
    words = ("--objective", "latency:other", "--trials", "8", "--json")
    found = json.loads(run("explore", "--workload", tiny, "--workload", str(other), *words))
    assert found["workloads"] == ["tiny", "other"]
    assert found["objectives"] == ["minimize:latency_s:other"]


def test_nothing_feasible_is_an_answer_with_reasons(run, tiny):
    words = ("explore", "--workload", tiny, "--trials", "16", "--constraint", "latency<=1ns", "--study", "none")
    found = json.loads(run(*words, "--json"))
    assert found["best"] is None
    assert found["pareto"] == []
    assert "latency_s<=1e-09" in found["reasons"]
    assert "no design was feasible" in run("explore", "--study", "none", "--resume", "--trials", "16")


def test_explore_says_what_was_found_and_which_limit_binds(run, tiny):
    said = run(
        "explore", "--workload", tiny, "--trials", "16", "--constraint", "area<=850mm2", "--study", "said"
    )
    assert "study said: 16 trials" in said
    assert "best design, trial " in said
    assert "area_mm2<=850.0 " in said
    assert "pe_memory_bytes" in said


def test_a_space_of_ones_own_is_found_again_by_resume_and_report(run, tiny, tmp_path, monkeypatch):
    (tmp_path / "own.yaml").write_text("base: edge\npin: {cores: 4}\nvalues: {clock_mhz: [500, 800]}\n")
    found = json.loads(
        run("explore", "--workload", tiny, "--space", "own.yaml", "--study", "own", "--trials", "8", "--json")
    )
    assert found["best"] is None or found["best"]["point"]["cores"] == 4
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store = ("--store", str(tmp_path / "apollo-dse.sqlite"))
    assert (
        json.loads(run("explore", "--study", "own", *store, "--resume", "--trials", "16", "--json"))["trials"]
        == 16
    )
    assert "own" in run("report", "own", *store, "-o", "own.html")


def test_studies_lists_what_the_store_has(run, tiny):
    found = json.loads(
        run(
            "explore",
            "--workload",
            tiny,
            "--study",
            "s",
            "--constraint",
            "area<=20",
            "--trials",
            "16",
            "--json",
        )
    )
    (row,) = json.loads(run("studies", "--json"))["studies"]
    assert (row["name"], row["trials"], row["feasible"]) == ("s", 16, found["feasible"])
    assert row["workloads"] == ["tiny"]
    assert "area_mm2<=20.0" in run("studies")


def test_report_writes_a_page_or_its_data(run, tiny, tmp_path):
    run("explore", "--workload", tiny, "--study", "s", "--trials", "16")
    said = run("report", "s", "-o", "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert said.splitlines()[0].split(":")[0] in page
    data = json.loads(run("report", "s", "--json"))
    assert data["study"]["trials"] == 16
    assert data["workloads"][0]["name"] == "tiny"
    assert not (tmp_path / "report.html").exists(), "--json alone writes no page"


def test_a_network_is_a_name_a_file_or_a_workload(tiny):
    assert as_workload(tiny) == TINY
    assert as_workload(TINY) is TINY
    assert as_workload("resnet18") == zoo.workload("resnet18")
