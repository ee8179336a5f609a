"""What `--json` writes has a schema, and docs/documents.md names its keys."""

import json
import re

import pytest

from apollo_dse.cli import main
from tests.pages import Page, in_folder

PAGE = Page("docs/documents.md")
SMALL = ("--workload", "rnnt_decoder")
AREA = ("--constraint", "area<=20")
FIXED = [word for name in ("pe_x", "pe_y", "cores") for word in ("--fix", f"{name}=4")]
COMMANDS = [
    ("explore", *SMALL, *AREA, "--optimizer", "random", "--trials", "4", "--study", "a"),
    ("studies",),
    ("evaluate", *SMALL, "--preset", "edge-tpu-v1"),
    ("map", *SMALL, "--preset", "edge-tpu-v1"),
    ("optimum", *SMALL, *AREA, *FIXED),
    ("workloads",),
    ("workloads", "rnnt_decoder"),
    ("tasks",),
    ("cache",),
    ("priors",),
    ("evaluators",),
]


def named(command):
    """Keys that the page names for a command, and those of each entry of a list, where it names them."""
    [row] = re.findall(rf"^\| (?:`\w+`, )*`{command}`.*? \| (.*) \|$", PAGE.text, re.M)
    own, _, each = row.partition(": of each")
    return set(re.findall(r"`(\w+)`", own)), set(re.findall(r"`(\w+)`", each))


def test_every_document_has_its_schema_and_the_keys_of_the_page(tmp_path, monkeypatch, capsys):
    in_folder(tmp_path, monkeypatch)
    for words in COMMANDS:
        assert main([*words, "--json"]) == 0, capsys.readouterr().err
        found = json.loads(capsys.readouterr().out)
        assert (found.pop("schema"), found.pop("schema_version")) == ("apollo-dse.result", 1)
        keys, entry = named(words[0])
        assert found.keys() <= keys, words
        assert words[0] == "workloads" or found.keys() == keys, words
        assert not entry or all(each.keys() == entry for each in found[words[0]]), words


@pytest.mark.parametrize("key", ["schema", "schema_version"])
def test_a_report_has_them_too(key, tmp_path, monkeypatch, capsys):
    in_folder(tmp_path, monkeypatch)
    assert main(["explore", *SMALL, "--optimizer", "random", "--trials", "4", "--study", "a"]) == 0
    capsys.readouterr()
    assert main(["report", "a", "--json"]) == 0
    assert key in json.loads(capsys.readouterr().out)
