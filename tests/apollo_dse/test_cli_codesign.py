"""`codesign`, run for real on cells of NAS-Bench-201 and a table that rates them by a rule."""

import json

import numpy as np
import pytest

from apollo_dse.cli import main
from search_spaces import network_space

NB201 = network_space("nb201")
HEADER = "arch_str,accuracy"
WORTH = {"none": 0, "skip_connect": 1, "avg_pool_3x3": 1, "nor_conv_1x1": 3, "nor_conv_3x3": 5}


def text(point) -> str:
    a, b, c, d, e, f = (point[name] for name in NB201.space.names)
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of all cells, and the joint search of 20 trials with its ablation, as its document."""
    path = tmp_path_factory.mktemp("codesign")
    rows = [f"{text(p)},{0.6 + 0.01 * sum(WORTH[v] for v in p.values())}" for p in NB201.space.enumerate()]
    (path / "cells.csv").write_text("\n".join((HEADER, *rows)) + "\n")
    return path


WORDS = ("codesign", "--network-space", "nb201", "--constraint", "area<=20", "--optimizer", "random")


@pytest.fixture
def run(capsys, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)

    def call(*words):
        code = main(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_joint_search_its_ablation_its_resumption_and_its_report(run, folder):
    words = (*WORDS, "--accuracy", "table:cells.csv", "--trials", "20", "--study", "a")
    code, out, err = run(*words, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["space"], found["workloads"], found["trials"]) == ("edge+nb201", ["nb201"], 20)
    assert found["objectives"] == ["maximize:accuracy", "minimize:edp_js"]
    assert found["best"]["metrics"]["accuracy"] <= 0.9
    losses = np.array([[-t["metrics"]["accuracy"], t["metrics"]["edp_js"]] for t in found["pareto"]])
    assert all(not ((losses <= row).all(axis=1) & (losses < row).any(axis=1)).any() for row in losses)
    assert set(found["ablation"]) == {"hardware_only", "network_only", "sequential", "joint"}
    assert {each["trials"] for each in found["ablation"].values()} == {20}
    assert found["ablation"]["joint"]["pareto"] == found["pareto"]

    code, out, err = run("codesign", "--study", "a", "--resume", "--trials", "24", "--no-ablation", "--json")
    assert code == 0, err
    again = json.loads(out)
    assert (again["trials"], again["ablation"]) == (24, None)

    code, out, err = run("report", "a", "-o", "a.html", "--json")
    assert code == 0, err
    data = json.loads(out)
    assert data["study"]["space"] == "edge+nb201"
    assert [each["name"] for each in data["workloads"]] == ["nas_bench_201"]
    assert len(data["workloads"][0]["layers"]) > 10
    assert data["network"]["nodes"] == ["cell's input", "node 1", "node 2", "cell's output"]


def test_a_study_learns_from_another(run):
    words = (
        "--network-space",
        "nb201",
        "--accuracy",
        "table:cells.csv",
        "--no-ablation",
        "--constraint",
        "area<=10",
    )
    code, out, err = run(
        "codesign", *words, "--transfer", "a", "--method", "warm-start", "--trials", "6", "--json"
    )
    assert code == 0, err
    (source,) = json.loads(out)["transfer"]["sources"]
    assert source["workloads"] == ["nas_bench_201"]


def test_scores_of_untrained_networks_are_objectives_of_their_own_names(run):
    words = ("--network-space", "nb201-digits", "--accuracy", "proxy:params", "--objective", "maximize:params")
    code, out, err = run("codesign", *words, "--objective", "edp", "--no-ablation", "--trials", "3", "--json")
    assert code == 0, err
    assert json.loads(out)["objectives"] == ["maximize:params", "minimize:edp_js"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--network-space", "nb201"), "--network-space and --accuracy go together"),
        ((), "--network-space and --accuracy must be given"),
        (("--network-space", "nb202", "--accuracy", "table:cells.csv"), "did you mean 'nb201'"),
        (("--network-space", "nb201", "--accuracy", "tables:cells.csv"), "did you mean 'table'"),
        (("--network-space", "nb201", "--accuracy", "table:gone.csv"), "gone.csv"),
        (
            ("--network-space", "nb201", "--accuracy", "table:cells.csv", "--objective", "accuracie"),
            "'accuracy'",
        ),
    ],
)
def test_wrong_words_are_refused_in_a_sentence(run, words, message):
    code, out, err = run("codesign", *words, "--trials", "4")
    assert (code, out) == (2, "")
    assert message in err
