"""`apollo-dse map`: nest and counts for people, one document for programs, Timeloop's YAML as a file."""

import json

import pytest

from accel_models import Layer, Workload, workload_io
from accel_models.interop import timeloop
from apollo_dse.cli import main
from tests.accel_models.interop.test_timeloop_load import ARCHITECTURE, PROBLEM


@pytest.fixture
def case(tmp_path):
    file = tmp_path / "case.json"
    file.write_text(json.dumps({"architecture": ARCHITECTURE, "problem": PROBLEM}), encoding="utf-8")
    return str(file)


def test_the_nest_and_its_counts_are_printed_and_the_yaml_is_written(case, tmp_path, capsys):
    out = tmp_path / "mapping.yaml"
    words = ["map", "--timeloop", case, "--minimize", "edp", "--keep", "spad=Weights,Outputs", "-o", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().out
    found = timeloop.best_mapping(ARCHITECTURE, PROBLEM, "edp", keep={"spad": [["Weights", "Outputs"]]})
    assert timeloop.mapping_text(found.case) in said
    assert f"{found.result.cycles} cycles" in said
    assert "no mapping of perfect factors is better" in said
    assert timeloop.load(case, None, out).counts("timeloop").to_dict() == found.result.to_dict()


def test_json_has_the_mapping_and_the_result(case, capsys):
    words = ["map", "--timeloop", case, "--minimize", "energy", "--rules", "v303", "--quick", "--json"]
    assert main([*words, "--keep", "spad=Weights", "--keep", "spad="]) == 0
    said = json.loads(capsys.readouterr().out)
    assert not said["complete"]
    assert said["bound"] <= said["score"] == pytest.approx(said["energy_pj"])
    again = timeloop.load(ARCHITECTURE, PROBLEM, said["mapping"]).counts("timeloop", "v303")
    assert said["result"] == again.to_dict()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--timeloop", "nowhere.yaml"], "there is no 'nowhere.yaml'"),
        (["--keep", "spad"], "--keep takes LEVEL=A,B"),
        (["--keep", "spat=Weights"], "the nearest is 'spad'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(case, words, message, capsys):
    assert main(["map", "--timeloop", case, *words]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1


@pytest.fixture
def small(tmp_path):
    layers = (Layer(name="first", k=16, c=8, p=14, q=14, r=3, s=3), Layer(name="last", k=10, c=16))
    file = tmp_path / "small.json"
    workload_io.save(Workload(name="small", layers=layers), file)
    return ["map", "--workload", str(file), "--preset", "edge-tpu-v1"]


def test_layers_of_a_network_are_shown_as_nests(small, capsys):
    assert main([*small, "--layer", "first", "--json"]) == 0
    [said] = json.loads(capsys.readouterr().out)["layers"]
    assert main([*small, "--layer", "first"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"first: {said['latency_s'] * 1e6:.6g} us")
    assert "\n".join(said["nest"]) in shown
    assert said["nest"][-1].strip() == "multiply-accumulate"
    assert main(["evaluate", *small[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][0]["latency_s"] == said["latency_s"]


def test_nests_are_exported_for_timeloop(small, tmp_path, capsys):
    assert main([*small, "--export", str(tmp_path / "nests")]) == 0
    folders = sorted((tmp_path / "nests").iterdir())
    assert [folder.name for folder in folders] == ["000_first", "001_last"]
    macs = [timeloop.load(folder).counts("timeloop").cycles for folder in folders]
    assert all(cycles > 0 for cycles in macs)
    assert "wrote 2 layers" in capsys.readouterr().err


def test_map_takes_one_of_two_things(small, case, capsys):
    assert main(["map"]) == 2
    assert main([*small, "--timeloop", case]) == 2
    assert main([*small, "--layer", "frist"]) == 2
    assert "did you mean 'first'" in capsys.readouterr().err
