"""What the README shows works as it is printed there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from apollo_dse.cli.app import run
from tests.pages import ROOT, Page, commands, in_folder, run_commands

ROOT_PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*(ROOT / name for name in ROOT_PAGES), *ROOT.glob("docs/**/*.md")]
README = Page("README.md")

MINE = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(2048, 10))
"""


def test_the_python_example_runs(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", README.block("python")], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("Build ")
    assert "multiply-accumulate" in done.stdout
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_commands_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    in_folder(tmp_path, monkeypatch)
    (tmp_path / "mine.py").write_text(MINE)
    shown = README.block("sh")
    assert len(list(commands(shown))) == 9
    run_commands(shown, capsys)
    assert (tmp_path / "small.html").exists()
    assert run(["studies", "--json"]) == 0
    assert '"trials": 96' in capsys.readouterr().out


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_named_files_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []
    named = re.findall(r"`((?:accel_models|search_spaces|apollo_dse|tests|benchmarks|examples)/[\w/.]*)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_citation_and_project_agree() -> None:
    citation, project = ((ROOT / name).read_text() for name in ("CITATION.cff", "pyproject.toml"))
    version = re.search(r'^version = "(.+)"$', project, re.M)
    assert version is not None
    assert f"\nversion: {version[1]}\n" in citation
    assert f"version = {{{version[1]}}}" in (ROOT / "README.md").read_text()


def test_every_dependency_has_its_reason() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    head, optional = re.findall(r"^(?:dependencies|onnx) = \[(.*?)\]", project, re.M | re.S)
    names = re.findall(r'"([a-z-]+)[>=]', head + optional)
    assert len(names) >= 9
    table = (ROOT / "ARCHITECTURE.md").read_text().partition("## Dependencies")[2].partition("\n## ")[0]
    assert [name for name in names if name not in table] == []
