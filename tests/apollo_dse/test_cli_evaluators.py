"""`explore --evaluator`: a simulator of one's own from the command line, searched, resumed, reported on."""

import json

import pytest

from apollo_dse.cli import main
from apollo_dse.evaluators import memory
from tests.apollo_dse.evaluators.simulators import described, space

CODE = """
import json, os, sys
point = json.load(open(sys.argv[1]))
open(os.path.join(os.path.dirname(__file__), "runs"), "a").write("x")
if point["y"] == 9: sys.exit("out of licences")
if point["x"] == 8: sys.exit(3)
print("cycles=" + str(1000 / point["x"] + point["y"]))
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)
    monkeypatch.setattr(memory, "folder", lambda: tmp_path / "cache")
    described(tmp_path, CODE, infeasible=[{"exit_code": 3, "reason": "`x < 8` must hold, but it is 8"}])
    space(tmp_path)
    return tmp_path


def explore(capsys, *words, code=0):
    given = (
        "explore",
        "--space",
        "space.yaml",
        "--objective",
        "cycles",
        "--optimizer",
        "random",
        "--batch",
        "6",
    )
    assert main([*given, *words]) == code
    captured = capsys.readouterr()
    return captured.out if code == 0 else captured.err


def test_a_search_says_how_many_runs_failed_and_why(capsys, folder):
    words = ("--evaluator", "sim.yaml", "--study", "s", "--trials", "36", "--json")
    found = json.loads(explore(capsys, *words, "--workers", "3"))
    assert (found["trials"], found["feasible"], found["failed"]) == (36, 24, 4)
    assert found["best"]["point"] == {"x": 4, "y": 1}
    assert found["reasons"] == {"`x < 8` must hold": 8, "the simulator failed": 4}
    assert len((folder / "runs").read_text()) == 36
    text = explore(capsys, *words[:2], "--study", "t", "--trials", "36")
    assert "4 of 36 runs failed, and say nothing of their designs; the last, trial " in text
    assert "the simulator failed: exit code 1, but exit code 0 is success, and stderr ends in 'out of " in text
    assert "best design, trial " in text
    assert len((folder / "runs").read_text()) == 40, "only what failed was run again"
    assert main(["report", "s", "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert {reason["text"]: reason["count"] for reason in page["reasons"]} == {
        "x < 8 must hold": 8,
        "the simulator failed: exit code 1": 4,
    }


def test_it_goes_on_from_anywhere_but_not_with_another_simulator(capsys, folder, monkeypatch):
    explore(capsys, "--evaluator", "sim.yaml", "--study", "s", "--trials", "4", "--store", "s.sqlite")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    resume = ["explore", "--resume", "--study", "s", "--store", "../s.sqlite", "--json", "--trials"]
    assert main([*resume, "9", "--workers", "2"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"] == 9
    (folder / "sim.py").write_text(CODE.replace("1000", "2000"))
    assert main([*resume, "12"]) == 2
    said = capsys.readouterr().err
    assert (
        "study 's' in ../s.sqlite can only be resumed as it was begun, but evaluator was 'command sim " in said
    )
    assert "sim.py@" in said
    (folder / "sim.yaml").unlink()
    assert main([*resume, "12"]) == 2
    assert "sim.yaml': No such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--evaluator", "simm.yaml"), "'simm.yaml': No such file"),
        (("--evaluator", "sim"), "no evaluator 'sim'"),
        (("--evaluator", "sim.yaml", "--objective", "cycels"), "did you mean 'cycles'?"),
        (("--evaluator", "sim.yaml", "--constraint", "area<=20"), "one of cycles, but got 'area_mm2'"),
        (("--evaluator", "sim.yaml", "--constraint", "cycles<=20kHz"), "`cycles` must be limited in"),
        (("--evaluator", "sim.yaml", "--workers", "0"), "`workers >= 1` must hold"),
        (("--evaluator", "sim.yaml", "--engine", "local", "--workers", "2"), "use process"),
        (
            ("--evaluator", "strange.yaml"),
            "strange: a placeholder must be one of here, directory, output, x, y",
        ),
    ],
)
def test_bad_input_gets_one_sentence(capsys, folder, words, said):
    (folder / "strange.yaml").write_text("command: ['true', '{z}']\noutputs: {cycles: {json: a}}\n")
    given = explore(capsys, *words, code=2)
    assert said in given
    assert given.count("\n") == 1
