"""The tutorial and the how-tos, followed literally."""

import json

import pytest
import torch
from torch import nn

from apollo_dse.cli import main
from tests.pages import Page, follow, in_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    in_folder(tmp_path, monkeypatch)
    return tmp_path


def begin(name, folder):
    page = Page(f"docs/{name}.md")
    page.write_files(folder)
    return page


@pytest.mark.slow
def test_the_tutorial(folder, capsys):
    follow(begin("tutorial", folder), capsys)
    assert (folder / "first.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["studies", "--json"]) == 0
    found = {each["name"]: each["trials"] for each in json.loads(capsys.readouterr().out)["studies"]}
    assert found == {"first": 64, "simulated": 24}


def test_how_to_explore(folder, capsys):
    net = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(1800, 10))
    torch.onnx.export(net, (torch.zeros(1, 3, 32, 32),), folder / "net.onnx", dynamo=False)
    follow(begin("howto/explore", folder), capsys)


def test_how_to_co_design(folder, capsys):
    follow(begin("howto/codesign", folder), capsys)


def test_how_to_transfer(folder, capsys):
    follow(begin("howto/transfer", folder), capsys)


def test_a_line_that_is_not_printed_is_found(capsys):
    page = Page("docs/tutorial.md")
    page.text = '```python\nprint("a 1.0 s")\n```\n\n```text\na 2.5 s\nb\n```\n'
    with pytest.raises(AssertionError, match=r"\['b'\] are not"):
        follow(page, capsys)
