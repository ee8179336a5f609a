"""The page of a comparison: everything inside it, nothing that runs, curves where the numbers say."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from math import inf

import pytest

from apollo_dse.benchmark import Outcome, Results, document, grid, select
from apollo_dse.benchmark.curves import FLOOR, curves
from apollo_dse.benchmark.page import render

QUICK = "eyeriss-resnet18-latency-tight"
ATTACK = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{body}}'


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Ten optimizers that nobody ran: the k-th halves its regret every k trials."""
    names = ["random", "evolution"]
    runs = grid(names, select([QUICK]), trials=20, seeds=4)
    results = Results(tmp_path_factory.mktemp("page") / "results.jsonl")
    for run in runs:
        pace = 1 + names.index(run.optimizer) + run.seed
        results.add(run, Outcome((inf, *(0.5 ** (trial // pace) for trial in range(19))), 0.5, 1e-3))
    return document(runs, results)


class Elements(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_nothing_runs_and_nothing_is_loaded(told):
    page = render(told)
    elements = Elements(page)
    assert not {"script", "img", "iframe", "object"} & set(elements.tags)
    assert not [name for name in elements.attributes if name.startswith("on") or name in ("src", "style")]
    [style] = re.findall(r"<style>(.*?)</style>", page, flags=re.S)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page
    assert "default-src 'none'" in page
    assert "script-src" not in page


def test_names_of_others_are_text(told):
    named = {**told, "optimizers": [ATTACK, "random"]}
    for key in ("overall", "overhead_s", "wins"):
        named[key] = {ATTACK: told[key]["evolution"], "random": told[key]["random"]}
    named["wins"] = {ATTACK: told["wins"]["evolution"], "random": {ATTACK: told["wins"]["random"]["evolution"]}}
    task = told["tasks"][QUICK]
    results = {ATTACK: task["results"]["evolution"], "random": task["results"]["random"]}
    named["tasks"] = {ATTACK: {**task, "results": results}}
    page = render(named)
    elements = Elements(page)
    assert not {"script", "img"} & set(elements.tags)
    assert "onerror" not in elements.attributes
    assert page.count("&lt;script&gt;alert(1)") >= 4


def test_curves_fall_to_the_floor_at_zero_regret(told):
    task = told["tasks"][QUICK]
    flat = {share: [inf, 1.0, FLOOR, 0.0] for share in ("0.25", "0.5", "0.75")}
    picture = curves({**task, "results": {"one": {"regret": flat}}}, ["one"], "label")
    [line] = re.findall(r'class="curve s0" d="M([^"]*)"', picture)
    heights = [float(pair.split()[1]) for pair in line.split("L")]
    assert heights[0] < heights[1] < heights[2] == heights[3]


def test_equal_documents_give_equal_pages(told):
    assert render(told) == render(told)
    assert "2 optimizers on 1 task, 4 runs of 20 trials each" in render(told)


def test_more_optimizers_than_colours_are_dashed(told):
    task = told["tasks"][QUICK]
    names = [f"o{i}" for i in range(10)]
    results = {name: task["results"]["random"] for name in names}
    picture = curves({**task, "results": results}, names, "label")
    assert 'class="curve s1 more"' in picture
    assert picture.count('class="curve ') == 10
