"""The guard around pricing gives torch back what it had."""

import pytest
import torch

from accel_models.threads import one_thread


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
