"""The examples' own code, run with few trials."""

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
