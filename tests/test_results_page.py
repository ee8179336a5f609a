"""docs/results.md is what the committed results give."""

import json
import runpy

import pytest

from tests.pages import ROOT

SCRIPT = ROOT / "benchmarks" / "results_page.py"


@pytest.fixture
def written(monkeypatch):
    """What the script defines."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return runpy.run_path(str(SCRIPT))


def test_the_page_is_up_to_date(written):
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    assert page == written["text"](), "python benchmarks/results_page.py writes it"


def test_a_section_has_the_numbers_of_its_file(written):
    [section] = [each for each in written["SECTIONS"] if each.result == "exact_optimum"]
    content = json.loads((written["RESULTS"] / "exact_optimum.json").read_text(encoding="utf-8"))
    first = content["whole_space"][0]
    first["seconds"] = 98.75
    assert "| 98.75 |" in written["table"](section.rows(content))
    assert "| 452,760,000 | 13.0 | 58 | 414 | 0 % | - |" in section.text()


def test_a_table_is_as_wide_as_its_head(written):
    for section in written["SECTIONS"]:
        rows = [line for line in section.text().splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) == 1, section.title
