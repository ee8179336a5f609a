"""The grid of a comparison: every optimizer on every task from every seed, in as many processes as wanted.

Each run has a thread of its own process to itself, and none shares anything with another but what they read, so
that outcomes do not depend on how many run at a time.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context

from apollo_dse.benchmark.results import Results
from apollo_dse.benchmark.run import Run, execute
from apollo_dse.interrupts import end_with_parent, interrupts

THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "APOLLO_DSE_THREADS",
)
POLL_S = 0.2


def make(
    runs: Sequence[Run], results: Results, jobs: int = 1, progress: Callable[[int], None] | None = None
) -> bool:
    """Make all runs that `results` has not, and add them.

    Ctrl-C finishes and keeps the runs in flight, then returns; pressed twice it breaks off.

    Args:
        runs: what to run.
        results: what is there; one process at a time may add to it.
        jobs: processes, at least 1.
        progress: called with the number of runs that are there, at first and after every run.

    Returns:
        Whether all runs are there.

    Raises:
        ValueError: `jobs < 1`, or as `execute`.
    """
    if jobs < 1:
        raise ValueError(f"`jobs >= 1` must hold, but got jobs={jobs}")
    missing = [run for run in runs if run not in results]
    done = len(runs) - len(missing)
    tell = progress or (lambda count: None)
    tell(done)
    if not missing:
        return True
    with interrupts() as pressed, _pool(min(jobs, len(missing))) as pool:
        pending = {pool.submit(execute, run): run for run in missing}
        while pending:
            finished, _ = wait(pending, timeout=POLL_S, return_when=FIRST_COMPLETED)
            for future in finished:
                run = pending.pop(future)
                results.add(run, future.result())
                done += 1
                tell(done)
            if pressed():
                pending = {future: run for future, run in pending.items() if not future.cancel()}
    return done == len(runs)


@contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes of one thread; runs that have not begun are dropped when the block fails."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    pool = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=end_with_parent)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
