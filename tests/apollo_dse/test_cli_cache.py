"""`apollo-dse cache`: where mappings are kept, how many, and that they can be dropped."""

import json

import numpy as np
import pytest

from accel_models.mapspace import cache
from apollo_dse.cli import main
from apollo_dse.evaluators import memory
from apollo_dse.trial import Measurement


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


def test_simulations_are_shown_and_dropped_only_when_they_are_named(capsys, folder):
    assert document(capsys)["simulations"] == 0
    measured = {f'{{"x":{number}}}': Measurement({"cycles": 1.0}) for number in range(3)}
    for world in (b"one", b"two"):
        memory.Memory(world, folder / memory.FILE).write(measured)
    cache.fetch(0, lambda: np.ones((1, 10), dtype=np.int64))
    told = document(capsys, "--clear")
    assert (told["answers"], told["simulations"], told["simulated_worlds"]) == (0, 6, 2)
    assert told["simulations_bytes"] > 0
    assert main(["cache"]) == 0
    assert "6 of 2 simulator settings" in capsys.readouterr().out
    cache.fetch(0, lambda: np.ones((1, 10), dtype=np.int64))
    told = document(capsys, "--clear-simulations")
    assert (told["answers"], told["simulations"]) == (1, 0)
    assert memory.Memory(b"one", folder / memory.FILE).read(list(measured)) == {}
