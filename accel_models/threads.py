"""How many threads pricing takes.

Pricing is thousands of small tensor operations a second, each over in microseconds. Shared among threads,
every one of them ends in a barrier, and where other processes want the cores too the threads wait for each
other most of the time: 100 designs on MobileNetV2 took 265 s with two threads and 35 s with one, on two
cores that were shared with others.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on this thread alone, and give it back what it had; work on a GPU is not concerned."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
