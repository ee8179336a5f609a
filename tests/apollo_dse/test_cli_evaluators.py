"""`explore --evaluator`: a simulator of one's own from the command line, searched, resumed, reported on."""

import json

import pytest

from accel_models import Layer, Workload, workload_io
from apollo_dse.cli import main
from apollo_dse.evaluators import memory
from apollo_dse.question import predicted
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


def test_asynchronously_workers_are_kept_busy_and_it_goes_on_so(capsys, folder):
    given = ["--evaluator", "sim.yaml", "--study", "s", "--json", "--trials"]
    words = ["explore", "--space", "space.yaml", "--objective", "cycles", "--optimizer", "random"]
    assert main([*words, *given, "10", "--workers", "3", "--asynchronous"]) == 0
    assert json.loads(capsys.readouterr().out)["asynchronous"] is True
    assert main(["explore", "--resume", *given[2:], "36", "--workers", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], found["asynchronous"], found["batch"]) == (36, True, 1)
    assert len((folder / "runs").read_text()) == 36, "nothing is run twice"
    assert main(["report", "s", "--json"]) == 0
    assert main([*words, "--workload", "resnet18", "--asynchronous", "--trials", "4"]) == 2


def test_a_simulator_that_only_fails_ends_the_search(capsys, folder):
    described(folder, "import sys; sys.exit('no licence')")
    words = ("--evaluator", "sim.yaml", "--study", "s", "--trials", "36", "--failures", "5", "--workers", "2")
    said = explore(capsys, *words, code=3)
    assert "5 runs in a row have failed, the last, trial " in said
    assert "stderr ends in 'no licence'" in said
    assert (
        " of 36 trials are saved in apollo-dse.sqlite; mend that, or allow more --failures, and go on " in said
    )
    assert said.rstrip().endswith("--study s --store apollo-dse.sqlite --trials 36 --resume")
    words = ("--evaluator", "sim.yaml", "--study", "t", "--trials", "36", "--failures", "0", "--json")
    assert json.loads(explore(capsys, *words, "--workers", "2"))["failed"] == 36


EDGE = """
import json, sys
point = json.load(open(sys.argv[1]))
print("latency_s=" + str(1e-3 * (1 + 64 / (point["pe_x"] * point["pe_y"])) / point["io_bandwidth_gb_per_s"]))
"""


def test_the_built_in_model_is_a_prior_of_a_simulator(capsys, folder, monkeypatch):
    monkeypatch.setattr(predicted, "PREDICTED_TRIALS", 64)
    workload_io.save(Workload(name="tiny", layers=(Layer(name="fc", k=16, c=32),)), "tiny.json")
    described(folder, EDGE, outputs={"latency_s": {"regex": "latency_s=(.*)"}})
    given = ["explore", "--evaluator", "sim.yaml", "--workload", "tiny.json", "--prior", "analytical"]
    given += ["--constraint", "area<=20", "--batch", "2", "--study", "s", "--json", "--trials"]
    assert main([*given, "4"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["optimizer"], first["trials"]) == ("predicted", 4)
    [source] = first["transfer"]["sources"]
    assert (source["name"], source["trials"], source["distance"]) == ("model:analytical", 64, 0.0)
    assert main(["explore", "--study", "s", "--resume", "--trials", "6", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["trials"], again["optimizer"]) == (6, "predicted")
    assert main(["report", "s", "--json"]) == 0
    assert [each["name"] for each in json.loads(capsys.readouterr().out)["sources"]] == ["model:analytical"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--workload", "resnet18", "--prior", "analytical"),
            "--prior analytical is for an --evaluator of your",
        ),
        (
            ("--evaluator", "sim.yaml", "--prior", "analytical"),
            "must have workloads, or networks to choose from",
        ),
        (("--evaluator", "sim.yaml", "--prior", "analytical", "--workload", "resnet18"), "without a template"),
    ],
)
def test_priors_that_cannot_be_are_refused(capsys, folder, words, said):
    given = ("explore", "--space", "space.yaml", "--objective", "cycles", "--trials", "4")
    assert main([*given, *words]) == 2
    assert said in capsys.readouterr().err
