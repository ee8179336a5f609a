"""`apollo-dse validate`: tables for people, one list for programs, and references left out by name."""

import json
from types import SimpleNamespace

import pytest

from apollo_dse.cli import main
from apollo_dse.validation import registry
from apollo_dse.validation.comparison import Case, Comparison, Target

EXACT = Comparison(
    reference="Counts",
    metric="words",
    unit="words",
    cases=(Case("a", 10, 10), Case("b", 20, 25)),
    source="someone",
    targets=(Target("equal", at_least=1.0),),
    fitted=("alpha = 2",),
    notes="b is off.",
)
LONG = Comparison(
    reference="Chip",
    metric="latency",
    unit="ms",
    cases=tuple(Case(f"net {i}", i + 1, (i + 1) * (1 + i / 1000)) for i in range(30)),
    source="a page",
    targets=(Target("spearman", at_least=0.9),),
    peers="peer 8 %",
)


@pytest.fixture
def references(monkeypatch):
    modules = {
        "counts": SimpleNamespace(REFERENCE="Counts", FILE=None, compare=lambda _: [EXACT]),
        "chip": SimpleNamespace(REFERENCE="Chip", FILE="chip.csv", compare=lambda data: [LONG] if data else []),
    }
    monkeypatch.setattr(registry, "NAMES", tuple(modules))
    monkeypatch.setattr(registry, "reference", modules.__getitem__)


def test_json_is_a_list_of_comparisons(references, capsys, tmp_path):
    assert main(["validate", "--data", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["comparisons"]
    wanted = {"reference", "metric", "cases", "mape", "max_error", "spearman", "kendall", "target", "met"}
    assert all(wanted <= set(each) for each in found)
    counts, chip = found
    assert (counts["reference"], counts["cases"], counts["met"]) == ("Counts", 2, False)
    assert counts["mismatches"] == ["b"]
    assert counts["mape"] == pytest.approx(0.125)
    assert (chip["cases"], chip["met"], chip["spearman"]) == (30, True, pytest.approx(1.0))
    assert chip["mismatches"] == []


def test_what_needs_a_missing_file_is_left_out_by_name(references, capsys):
    assert main(["validate", "--json"]) == 0
    captured = capsys.readouterr()
    assert [each["reference"] for each in json.loads(captured.out)["comparisons"]] == ["Counts"]
    assert "chip is left out: it needs chip.csv in a folder given by --data" in captured.err


def test_people_see_cases_and_a_summary(references, capsys, tmp_path):
    assert main(["validate", "--data", str(tmp_path), "-o", str(tmp_path / "page")]) == 0
    captured = capsys.readouterr()
    assert "Counts: words in words" in captured.out
    assert "Fitted: alpha = 2" in captured.out
    assert "+25.0%" in captured.out
    assert "Chip: latency in ms, the 5 furthest apart of 30" in captured.out
    assert captured.out.count("net ") == 5
    summary = captured.out.partition("Summary")[2]
    assert "peer 8 %" in summary
    assert "equal >= 1" in summary
    assert "wrote" in captured.err
    assert (tmp_path / "page" / "validation.md").is_file()


def test_unknown_references_and_folders_are_refused(capsys, tmp_path):
    assert main(["validate", "--reference", "scalesin"]) == 2
    assert "did you mean 'scalesim'?" in capsys.readouterr().err
    assert main(["validate", "--data", str(tmp_path / "none")]) == 2
    assert "--data takes a folder" in capsys.readouterr().err
