"""The guard around pricing gives torch back what it had."""

import pytest
import torch

from accel_models.threads import VARIABLE, one_thread, spread, threads


def fail_on_one_thread():
    with one_thread():
        assert torch.get_num_threads() == 1
        raise RuntimeError("stop")


def test_threads_are_given_back_even_after_an_error():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(RuntimeError, match="stop"):
            fail_on_one_thread()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_as_many_threads_as_asked_for(monkeypatch):
    monkeypatch.setenv(VARIABLE, "3")
    assert threads() == 3
    monkeypatch.setenv(VARIABLE, "0")
    assert threads() == 1
    monkeypatch.delenv(VARIABLE)
    assert threads() >= 1


@pytest.mark.parametrize("count", ["1", "2"])
def test_answers_are_in_the_order_of_the_tasks(monkeypatch, count):
    monkeypatch.setenv(VARIABLE, count)
    assert list(spread(lambda task: task * task, range(20))) == [task * task for task in range(20)]


def test_work_that_spreads_tasks_of_its_own_ends(monkeypatch):
    monkeypatch.setenv(VARIABLE, "2")
    rows = spread(lambda row: list(spread(lambda column: row * column, range(4))), range(6))
    assert list(rows) == [[row * column for column in range(4)] for row in range(6)]
