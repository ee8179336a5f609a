"""How many threads pricing takes: one for tensors, all that there are for loops that are compiled.

Pricing is thousands of small tensor operations a second, each over in microseconds. Shared among threads,
every one of them ends in a barrier, and where other processes want the cores too the threads wait for each
other most of the time: 100 designs on MobileNetV2 took 265 s with two threads and 35 s with one, on two
cores that were shared with others.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from threading import current_thread
from typing import TypeVar

import torch

VARIABLE = "APOLLO_DSE_THREADS"
"""Environment variable with the most threads to take, where not as many as the process has cores."""

_PREFIX = "apollo-dse"

Task = TypeVar("Task")
Answer = TypeVar("Answer")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on this thread alone, and give it back what it had; work on a GPU is not concerned."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads() -> int:
    """How many threads compiled loops take."""
    if asked := os.environ.get(VARIABLE):
        return max(1, int(asked))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(work: Callable[[Task], Answer], tasks: Sequence[Task]) -> Iterable[Answer]:
    """Answers to tasks, in order, found on all threads; the work must let go of the interpreter's lock.

    Work that spreads tasks of its own does these by itself: nobody waits for a thread that waits.
    """
    count = threads()
    if count == 1 or len(tasks) < 2 or current_thread().name.startswith(_PREFIX):
        return map(work, tasks)
    return _pool(count, os.getpid()).map(work, tasks)


@lru_cache(maxsize=1)
def _pool(count: int, _process: int) -> ThreadPoolExecutor:
    """The process's threads: a fork has none of its parent's."""
    return ThreadPoolExecutor(count, thread_name_prefix=_PREFIX)
