"""`apollo-dse compare` run for real on quick tasks: its document, its tables, its refusals."""

import json

import pytest

from apollo_dse.benchmark import TASKS
from apollo_dse.cli import main

QUICK = "eyeriss-resnet18-latency-tight"
FRONT = "eyeriss-resnet18-latency_area-tight"
WORDS = ("--optimizers", "evolution,random", "--tasks", f"{QUICK},{FRONT}", "--trials", "10", "--seeds", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


def run(capsys, monkeypatch, folder, *words):
    monkeypatch.chdir(folder)
    code = main(["compare", *words])
    captured = capsys.readouterr()
    assert code == 0, captured.err
    return captured.out


def test_the_document_says_who_won(capsys, monkeypatch, folder):
    told = json.loads(run(capsys, monkeypatch, folder, *WORDS, "--json"))
    assert (told["optimizers"], told["trials"], told["seeds"]) == (["evolution", "random"], 10, 2)
    assert list(told["tasks"]) == [QUICK, FRONT]
    task = told["tasks"][QUICK]
    assert task["best"]["area_mm2"] <= task["area_mm2"]
    assert task["front"] is None
    assert told["tasks"][FRONT]["front"] > 1
    for name in told["optimizers"]:
        curves = task["results"][name]["regret"]
        assert list(curves) == ["0.1", "0.25", "0.5", "0.75", "0.9"]
        assert all(len(curve) == 10 for curve in curves.values())
    wins = told["wins"]["evolution"]["random"]
    assert wins["wins"] + wins["losses"] + wins["ties"] == 4
    assert wins["wins"] == told["wins"]["random"]["evolution"]["losses"]
    assert sum(each["mean_rank"] for each in told["overall"].values()) == pytest.approx(3)


def test_people_get_tables_and_nothing_is_run_twice(capsys, monkeypatch, folder):
    run(capsys, monkeypatch, folder, *WORDS, "--json")
    kept = (folder / "apollo-dse-compare.jsonl").read_text()
    said = run(capsys, monkeypatch, folder, *WORDS)
    assert (folder / "apollo-dse-compare.jsonl").read_text() == kept
    assert "2 optimizers on 2 tasks, 2 runs of 10 trials each" in said
    assert "mean rank" in said
    assert QUICK in said
    assert "Runs won by the row against the column" in said


def test_a_page_is_written(capsys, monkeypatch, folder):
    run(capsys, monkeypatch, folder, *WORDS, "-o", "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.count('class="curves"') == 2


def test_the_lottery_draws_equal_numbers_of_settings(capsys, monkeypatch, folder):
    words = ("--optimizers", "evolution", "--tasks", QUICK, "--trials", "10", "--seeds", "2", "--lottery", "3")
    told = json.loads(run(capsys, monkeypatch, folder, *words, "--json"))["lottery"]["evolution"]
    assert len(told["settings"]) == len(told["scores"]) == 3
    assert told["best"] <= told["median"] <= told["worst"]
    assert "by how lucky the knobs were chosen" in run(capsys, monkeypatch, folder, *words)


def test_tasks_are_listed_with_their_answers(capsys):
    assert main(["tasks", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["tasks"]
    assert list(told) == list(TASKS)
    assert told[FRONT]["objectives"] == ["latency_s", "area_mm2"]
    assert main(["tasks"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in TASKS)
    assert f"front of {told[FRONT]['front']} from" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--optimizers must be given: some of random, "),
        (("--optimizers", "evolutoin"), "did you mean 'evolution'?"),
        (("--optimizers", "random", "--tasks", QUICK[:-1]), f"did you mean {QUICK!r}?"),
        (("--optimizers", "random", "--workload", "resnet81"), "did you mean 'resnet18'?"),
        (("--optimizers", "random", "--trials", "0"), "`trials >= 1` must hold, but got trials=0"),
        (("--optimizers", "random,random"), "different optimizers"),
        (("--optimizers", "random", "-o", "none/page.html"), "a file in a folder that is there"),
        (("--optimizers", "random", "--jobs", "0"), "`jobs >= 1` must hold, but got jobs=0"),
    ],
)
def test_refusals_are_one_sentence(capsys, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["compare", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1
