"""`transfer`, `explore --transfer` and `priors`, run for real on networks of one small layer."""

import json

import pytest

from accel_models import Layer, Workload, workload_io
from apollo_dse.cli import main

NETS = {
    "small": Workload(name="small", layers=(Layer(name="conv", k=8, c=4, p=8, q=8, r=3, s=3),)),
    "other": Workload(name="other", layers=(Layer(name="conv", k=16, c=8, p=8, q=8, r=3, s=3),)),
}
SEARCH = ("--constraint", "area<=20")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a command in a folder with two networks; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)
    for name, net in NETS.items():
        workload_io.save(net, tmp_path / f"{name}.json")

    def call(*words):
        code = main(list(words))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def document(run):
    """Run a command that must succeed; its JSON document."""

    def call(*words):
        code, out, err = run(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


@pytest.fixture
def source(document):
    """A study of the other network."""
    words = ("--workload", "other.json", *SEARCH, "--optimizer", "random", "--trials", "24", "--study", "a")
    return document("explore", *words)


def test_a_search_learns_from_a_study_and_is_resumed(document, source):
    first = document("transfer", "--to", "small.json", "--from", "a", *SEARCH, "--trials", "8", "--study", "b")
    (account,) = first["transfer"]["sources"]
    assert first["transfer"]["method"] == "auto"
    assert first["optimizer"] == "auto"
    assert (account["name"], account["trials"], account["workloads"]) == ("study:a@24", 24, ["other"])
    assert 0 <= account["weight"] <= 1
    assert first["ablation"] is None
    document("explore", "--study", "a", "--resume", "--trials", "32")
    again = document("transfer", "--study", "b", "--resume", "--trials", "12")
    assert again["trials"] == 12
    whole = document(
        "transfer", "--to", "small.json", "--from", "a@24", *SEARCH, "--trials", "12", "--study", "c"
    )
    assert whole["best"] == again["best"]


def test_explore_with_transfer_is_the_same_search(document, source):
    words = (*SEARCH, "--trials", "8", "--batch", "4", "--method", "warm-start")
    first = document("transfer", "--to", "small.json", "--from", "a", *words, "--study", "b")
    second = document("explore", "--workload", "small.json", "--transfer", "a", *words, "--study", "c")
    assert second["transfer"] == first["transfer"]
    assert second["best"] == first["best"]


def test_an_optimizer_is_that_of_the_warm_start(document, source):
    words = ("--workload", "small.json", *SEARCH, "--transfer", "a", "--optimizer", "random", "--trials", "12")
    assert document("explore", *words, "--batch", "4")["transfer"]["method"] == "warm-start"


def test_ablation_runs_the_cold_search_beside(document, run, source):
    words = ("--to", "small.json", "--from", "a", *SEARCH, "--trials", "8", "--study", "b", "--ablate")
    ablation = document("transfer", *words)["ablation"]
    assert ablation["study"] == "b-cold"
    assert ablation["optimizer"] == "portfolio"
    assert len(ablation["curve"]) == len(ablation["cold_curve"]) == 8
    assert {row["name"] for row in document("studies")["studies"]} == {"a", "b", "b-cold"}
    report = document("report", "b")
    assert [each["name"] for each in report["sources"]] == ["study:a@24"]
    assert report["cold"][0]["values"] == sorted(report["cold"][0]["values"], reverse=True)
    code, out, _ = run("transfer", "--study", "b", "--resume", "--trials", "8", "--ablate")
    assert code == 0
    assert "learned by auto from 1 priors" in out
    assert "without (study b-cold)" in out


def test_the_library_of_priors(document, run, source, tmp_path):
    assert document("priors")["priors"] == []
    (tmp_path / "old.csv").write_text("pe_x,latency_us,area,who\n1,5,3,me\n2,4,4,me\n4,3,9,me\n")
    given = ("--file", "old.csv", "--space", "edge", "--workload", "other.json", *SEARCH)
    code, _, err = run("priors", "add", "lab", *given)
    assert code == 0
    assert "passed over: who" in err
    shown = document("priors", "show", "lab")
    assert (shown["trials"], shown["feasible"], shown["workloads"]) == (3, 3, ["other"])
    assert document("priors", "add", "first", "--study", "a@8")["trials"] == 8
    assert [row["name"] for row in document("priors", "list")["priors"]] == ["lab", "first"]
    words = ("--to", "small.json", "--from", "prior:lab", "--from", "prior:first", *SEARCH, "--trials", "4")
    remarks = {each["name"]: each["remarks"] for each in document("transfer", *words)["transfer"]["sources"]}
    assert remarks["prior:first"] == []
    assert remarks["prior:lab"][0].startswith("it knows nothing about pe_y, cores")
    code, out, _ = run("priors")
    assert code == 0
    assert "lab" in out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("transfer", "--from", "a"), "--to must be given"),
        (("transfer", "--to", "small.json", "--method", "rgpe"), "--method needs something to learn from"),
        (("transfer", "--to", "small.json", "--from", "nobody"), "has no study 'nobody'"),
        (("transfer", "--to", "small.json", "--from", "prior:nobody"), "has no prior 'nobody'"),
        (("transfer", "--to", "small.json", "--from", "a@99"), "has 24 trials, but 'a@99' asks for 99"),
        (("transfer", "--to", "small.json", "--from", "a", "--method", "rpge"), "did you mean 'rgpe'?"),
        (
            (
                "explore",
                "--workload",
                "small.json",
                "--transfer",
                "a",
                "--optimizer",
                "random",
                "--method",
                "rgpe",
            ),
            "--optimizer goes with a transfer only where the method is warm-start",
        ),
        (("priors", "add"), "priors add needs the prior's name"),
        (("priors", "add", "x"), "priors add needs either --study NAME or --file FILE"),
        (("priors", "add", "x", "--study", "a", "--space", "edge"), "a study says itself what was searched"),
        (("priors", "add", "../x", "--study", "a"), "a prior's name must be up to 100 letters"),
        (("priors", "add", "x", "--file", "nothing.csv"), "nothing.csv"),
        (("priors", "show", "x"), "has no prior 'x'"),
        (("priors", "list", "x"), "priors list takes no name"),
    ],
)
def test_bad_input_is_one_sentence(run, source, words, sentence):
    code, out, err = run(*words)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
