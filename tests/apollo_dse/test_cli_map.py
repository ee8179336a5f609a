"""`apollo-dse map`: nest and counts for people, one document for programs, Timeloop's YAML as a file."""

import json

import pytest

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
    assert main(["map", "--timeloop", case, "--keep", "spad=Weights,Outputs", "-o", str(out)]) == 0
    said = capsys.readouterr().out
    found = timeloop.best_mapping(ARCHITECTURE, PROBLEM, "edp", keep={"spad": [["Weights", "Outputs"]]})
    assert timeloop.mapping_text(found.case) in said
    assert f"{found.result.cycles} cycles" in said
    assert "no mapping of perfect factors is better" in said
    assert timeloop.load(case, None, out).counts("timeloop").to_dict() == found.result.to_dict()


def test_json_has_the_mapping_and_the_result(case, capsys):
    words = ["map", "--timeloop", case, "--objective", "energy", "--rules", "v303", "--quick", "--json"]
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
