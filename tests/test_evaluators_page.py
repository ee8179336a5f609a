"""The tutorial of docs/evaluators.md, followed literally."""

import json
import re

import pytest

from accel_models import zoo
from apollo_dse import evaluators
from apollo_dse.cli import main
from apollo_dse.evaluators.command.attempts import ENVIRONMENT
from apollo_dse.evaluators.command.reading import KEYS
from search_spaces import get
from tests.pages import Page, in_folder, run_commands

PAGE = Page("docs/evaluators.md")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the page's files."""
    in_folder(tmp_path, monkeypatch)
    PAGE.write_files(tmp_path)
    return tmp_path


def test_the_simulator_is_found_and_searched(folder, capsys):
    assert len((folder / "tiny_sim.py").read_text().splitlines()) == 20
    said = run_commands(PAGE.block("sh"), capsys)
    assert "study tiny: 32 trials" in said
    assert "study tiny: 48 trials" in said
    assert (folder / "tiny.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["explore", "--study", "tiny", "--resume", "--trials", "48", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["failed"] == 0
    assert found["reasons"].keys() == {"the buffer must hold a tile", "area_mm2<=4.0"}
    assert found["best"]["metrics"] == answers(found["best"]["point"])


def answers(point):
    """The simulator in closed form, for designs that hold every layer."""
    rows, cols, cycles = point["rows"], point["cols"], 0
    for layer in zoo.workload("resnet18").layers:
        depth = layer.c * layer.r * layer.s
        tiles = -(-layer.n * layer.p * layer.q // rows) * -(-layer.k // cols)
        cycles += layer.repeats * layer.g * tiles * (depth + rows + cols)
    return {
        "latency_s": pytest.approx(cycles * 1e-9),
        "area_mm2": pytest.approx((600 * rows * cols + 1.2 * point["buffer_bytes"]) * 1e-6),
    }


def test_the_plug_in_measures(folder, monkeypatch, capsys):
    info = folder / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    [entry] = re.findall(r'^```toml\n\[project.entry-points."(.*?)"\]\n(.*?)^```$', PAGE.text, re.M | re.S)
    (info / "entry_points.txt").write_text(f"[{entry[0]}]\n{entry[1].replace(chr(34), '')}")
    monkeypatch.syspath_prepend(str(folder))
    edge, network = get("edge"), zoo.workload("resnet18")
    made = evaluators.get("peak-only")(edge, (network,))
    point = edge.presets["edge-tpu-v1"]
    peak = edge.build(point).num_macs
    assert made([point])[0].metrics["cycles"] == pytest.approx(network.macs / peak)
    [command] = re.findall(r"`apollo-dse (explore --evaluator peak-only .*?)`", PAGE.text)
    assert main([*command.split(), "--trials", "32", "--optimizer", "random", "--json"]) == 0
    best = json.loads(capsys.readouterr().out)["best"]
    assert best["metrics"]["cycles"] < network.macs / 1000


def test_every_key_and_variable_is_explained():
    table = PAGE.text.partition("## Keys")[2].partition("\n## ")[0]
    assert [key for key in (*KEYS, *ENVIRONMENT) if f"`{key}`" not in table] == []
