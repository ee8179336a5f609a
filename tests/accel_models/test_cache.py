"""Mappings on disk: found again, by every process, for the same question only, within a limit."""

import sqlite3
import zlib
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from accel_models.mapspace import cache


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("APOLLO_DSE_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def answer(number):
    return np.full((3, 4), number, dtype=np.int64)


def never():
    raise AssertionError("searched again")


def test_an_answer_is_found_again():
    assert cache.fetch(("layer", 1), lambda: answer(1)).tolist() == answer(1).tolist()
    assert cache.fetch(("layer", 1), never).tolist() == answer(1).tolist()
    assert cache.fetch(("layer", 2), lambda: answer(2)).tolist() == answer(2).tolist()


def test_other_source_code_has_other_answers(monkeypatch):
    cache.fetch("question", lambda: answer(1))
    monkeypatch.setattr(cache, "_source", lambda: b"changed")
    assert cache.fetch("question", lambda: answer(2)).tolist() == answer(2).tolist()


@pytest.mark.parametrize("content", [b"", b"no zlib", None])
def test_a_spoilt_answer_is_searched_again(folder, content):
    cache.fetch("question", lambda: answer(1))
    with sqlite3.connect(folder / cache.FILE) as connection:
        connection.execute("UPDATE answers SET content = ?", (content,))
    assert cache.fetch("question", lambda: answer(2)).tolist() == answer(2).tolist()
    assert cache.fetch("question", never).tolist() == answer(2).tolist()


def test_an_answer_that_unpacks_to_very_much_is_searched_again(folder, monkeypatch):
    monkeypatch.setattr(cache, "ANSWER_BYTES", answer(1).nbytes)
    cache.fetch("question", lambda: answer(1))
    assert cache.fetch("question", never).tolist() == answer(1).tolist(), "one of that size is read"
    large = zlib.compress(np.ones((3, 5), dtype=np.int64).tobytes())
    with pytest.raises(ValueError, match=f"at most {cache.ANSWER_BYTES} bytes"):
        cache._unpacked(large)
    with sqlite3.connect(folder / cache.FILE) as connection:
        connection.execute("UPDATE answers SET content = ?", (large,))
    assert cache.fetch("question", lambda: answer(2)).tolist() == answer(2).tolist()


def test_a_file_that_is_no_database_costs_only_the_search(folder):
    folder.mkdir()
    (folder / cache.FILE).write_text("this is not a database, and long enough to be looked at" * 100)
    assert cache.fetch("question", lambda: answer(1)).tolist() == answer(1).tolist()
    assert cache.contents().answers == 0


def test_a_folder_that_cannot_be_made_costs_only_the_search(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("APOLLO_DSE_CACHE", str(tmp_path / "file" / "inside"))
    assert cache.fetch("question", lambda: answer(1)).tolist() == answer(1).tolist()


def write_some(process):
    for number in range(40):
        cache.fetch(("shared", number), lambda number=number: answer(number))
        cache.fetch((process, number), lambda number=number: answer(number))
    return cache.contents().answers


def test_many_processes_write_at_once():
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as processes:
        list(processes.map(write_some, range(3)))
    assert cache.contents().answers == 40 + 3 * 40
    for number in range(40):
        assert cache.fetch(("shared", number), never).tolist() == answer(number).tolist()


def test_past_the_limit_the_first_ones_are_dropped(monkeypatch):
    monkeypatch.setattr(cache, "LIMIT_BYTES", 1000)
    for number in range(1024):
        cache.fetch(number, lambda number=number: answer(number))
    assert cache.contents().answers == 1024 - 256
    with pytest.raises(AssertionError, match="searched again"):
        cache.fetch(0, never)
    assert cache.fetch(1023, never).tolist() == answer(1023).tolist()


def test_clear_drops_all(folder):
    for number in range(50):
        cache.fetch(number, lambda number=number: answer(number))
    assert cache.contents().answers == 50
    assert cache.contents().answer_bytes > 0
    cache.clear()
    assert cache.contents().answers == 0
    assert cache.fetch(3, lambda: answer(9)).tolist() == answer(9).tolist()
    assert cache.contents() == cache.Contents(1, cache.contents().answer_bytes, cache.contents().file_bytes)


def test_clear_of_nothing_is_nothing(folder):
    cache.clear()
    assert cache.contents() == cache.Contents(0, 0, 0)
    assert not folder.exists()
