"""`apollo-dse cache`: where mappings are kept, how many, and that they can be dropped."""

import json

import numpy as np
import pytest

from accel_models.mapspace import cache
from apollo_dse.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("APOLLO_DSE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def document(capsys, *words):
    assert main(["cache", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_shows_and_drops(capsys, folder):
    assert document(capsys)["answers"] == 0
    for number in range(5):
        cache.fetch(number, lambda: np.ones((1, 10), dtype=np.int64))
    told = document(capsys)
    assert (told["folder"], told["answers"]) == (str(folder), 5)
    assert 0 < told["answer_bytes"] < told["file_bytes"] < told["limit_bytes"]
    assert main(["cache"]) == 0
    said = capsys.readouterr().out
    assert str(folder) in said
    assert "MiB" in said
    assert document(capsys, "--clear")["answers"] == 0
