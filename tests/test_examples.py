"""The examples' own code, run with few trials."""

import json
import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_runs_from_any_folder(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(script))["main"](32)
    assert len(capsys.readouterr().out.splitlines()) > 2


def test_the_main_job_tells_its_times_and_leaves_a_report(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "01_main_job.py"))["main"](32)
    said = capsys.readouterr().out
    assert "mobilenet_v2: 300.8 million MACs, traced in " in said
    assert "32 of 452,760,000 designs searched in " in said
    assert "Build " in said
    assert " s in all" in said
    page = (tmp_path / "out" / "demo-report.html").read_text(encoding="utf-8")
    assert "mobilenet_v2" in page


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_is_short(script):
    assert len(script.read_text(encoding="utf-8").splitlines()) < 60


def test_the_notebook_runs_and_keeps_no_outputs(tmp_path, monkeypatch, capsys):
    """Its cells are plain Python, so they are run as such: a kernel would bring some twenty packages along."""
    monkeypatch.chdir(tmp_path)
    notebook = json.loads((EXAMPLES / "08_notebook.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    namespace = {"__name__": "__main__"}
    for cell in cells:
        exec("".join(cell["source"]), namespace)
    assert "solved" in capsys.readouterr().out
    assert (tmp_path / "notebook-report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
