"""The page: everything inside it, nothing outside, and no name in it can run."""

import base64
import hashlib
import json
import re
from dataclasses import replace

import pytest

from apollo_dse.report import render, to_json
from apollo_dse.report.html import SCRIPTS, joined, script_safe
from tests.apollo_dse.report_example import report_of

FEW = 39
"""Too few for a forest, which takes seconds."""

ATTACK = '</script><script>alert(1)</script><img src=x onerror="alert(2)">{{script}} &amp; \u2028'


@pytest.fixture(scope="module")
def report():
    return report_of(FEW)


@pytest.fixture(scope="module")
def page(report):
    return render(report)


def element(page, pattern):
    (found,) = re.findall(pattern, page, flags=re.S)
    return found


def without_data(page):
    return re.sub(r'(id="report-data">).*?(</script>)', r"\1\2", page, flags=re.S)


def test_document_survives_the_page(report, page):
    data = element(page, r'<script type="application/json" id="report-data">(.*?)</script>')
    assert json.loads(data) == json.loads(to_json(report))


def test_page_loads_nothing(page):
    shell = without_data(page)
    assert not re.search(r"https?:", shell)
    assert not re.search(r"@import|url\((?!#)|\bfetch\(|XMLHttpRequest|WebSocket|EventSource|import\(", shell)
    assert {value for value in re.findall(r'(?:src|href)="([^"#]*)', shell) if value} == {"data:,"}


def test_policy_allows_this_script_and_style_alone(page):
    policy = element(page, r'Content-Security-Policy" content="([^"]*)"')
    for kind, text in (("script", element(page, r"<script>(.*)</script>\n</body>")),
                       ("style", element(page, r"<style>(.*?)</style>"))):  # fmt: skip
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_names_cannot_break_out(report):
    hostile = replace(
        report,
        study=replace(report.study, name=ATTACK, workloads=(ATTACK,)),
        summary=replace(report.summary, headline=ATTACK),
    )
    page = render(hostile)
    assert page.count("<script") == render(report).count("<script") == 2
    assert page.count("</script>") == 2
    assert "<img" not in page
    assert "onerror=" not in without_data(page).replace("onerror=&quot;", "")
    assert "<title>&lt;/script&gt;" in page
    data = element(page, r'id="report-data">(.*?)</script>')
    assert json.loads(data)["study"]["name"] == ATTACK


def test_json_stays_json_when_made_safe():
    value = {"name": ATTACK, "open": "<!--<script>"}
    safe = script_safe(json.dumps(value, ensure_ascii=False))
    assert not set(safe) & set("<>&\u2028\u2029")
    assert json.loads(safe) == value


def test_equal_reports_give_equal_pages(report, page):
    assert render(report) == page


def test_page_is_small(page):
    assert len(without_data(page).encode()) < 120_000


def test_comments_stay_at_home_and_nothing_else_does():
    modules = [
        "// a\nconst a = 1; // why\n",
        "/**\n * b\n */\nconst b = 'http://x/**/';\n\n  /** c */\n  // d\n",
    ]
    body = joined(modules).removeprefix('"use strict";\n(() => {\n').removesuffix("})();\n")
    assert body.split("\n") == ["const a = 1; // why", "", "const b = 'http://x/**/';", "", ""]


def test_words_are_there_without_script(report, page):
    words = element(page, r"<noscript>(.*?)</noscript>")
    assert "<p>" in words
    assert report.summary.headline in words


def test_every_module_is_joined_once(page):
    script = element(page, r"<script>(.*)</script>\n</body>")
    names = re.findall(r"^(?:async )?function (\w+)|^const (\w+)", script, flags=re.M)
    declared = [a or b for a, b in names]
    assert len(declared) == len(set(declared)) > 5 * len(SCRIPTS)
