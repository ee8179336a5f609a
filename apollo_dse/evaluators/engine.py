"""Where the points of a batch are measured: here, or several at a time in processes of their own.

Measurements come in the order of their points, whoever is first; what they are depends on no engine.
"""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from threading import Event
from typing import Literal, get_args

from apollo_dse.evaluators import Evaluator, waits
from apollo_dse.evaluators.cancelling import cancelled
from apollo_dse.evaluators.isolated import Isolated
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.trial import Measurement
from search_spaces.space import Point

EngineName = Literal["local", "process"]


@dataclass(frozen=True, slots=True)
class Engine:
    """How batches are measured.

    `local`: where they are asked for; a whole batch in one call, or, of an evaluator that waits for processes
    of its own, one point after the other. `process`: `workers` points at a time, each in a process of its own.

    Raises:
        ValueError: there is no such engine, `workers < 1`, or a local one has several.
    """

    name: EngineName = "local"
    workers: int = 1

    def __post_init__(self) -> None:
        if self.name not in get_args(EngineName):
            raise ValueError(
                f"an engine must be one of {', '.join(get_args(EngineName))}, but got {self.name!r}"
            )
        if self.workers < 1:
            raise ValueError(f"`workers >= 1` must hold, but got workers={self.workers}")
        if self.name == "local" and self.workers > 1:
            raise ValueError(f"the local engine has one worker, but got workers={self.workers}; use process")

    def around(self, evaluator: Evaluator) -> Evaluator:
        """The evaluator, whose batches are measured so.

        Raises:
            ValueError: the evaluator cannot be had in another process.
        """
        if self.name == "process":
            return Spread(evaluator if waits(evaluator) else Isolated(evaluator), self.workers)
        return Spread(evaluator, 1) if waits(evaluator) else evaluator


LOCAL = Engine()


class Spread(Wrapping[Evaluator]):
    """An evaluator that is asked for points one by one, by several threads (see `evaluators.Streaming`).

    Args:
        evaluator: who measures; it waits for other processes (`evaluators.waits`).
        workers: how many points are measured at a time.
    """

    def __init__(self, evaluator: Evaluator, workers: int) -> None:
        super().__init__(evaluator)
        self.workers = workers

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        return list(self.stream(points, lambda: False))

    def stream(self, points: Sequence[Point], stop: Callable[[], bool]) -> Generator[Measurement, None, None]:
        """Measurements of `points` in order, each as soon as it and those before it are there.

        Once `stop()` is true no other point is begun, and the stream ends with those that were. Closed before
        its end, or when a point raises, it breaks off all that is running.
        """
        broken, waiting = Event(), deque(points)
        running: deque[Future[Measurement]] = deque()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="evaluate")
        try:
            while True:
                while waiting and sum(not each.done() for each in running) < self.workers and not stop():
                    context = copy_context()
                    context.run(cancelled.set, broken.is_set)
                    running.append(pool.submit(context.run, self._measured, waiting.popleft()))
                while running and running[0].done():
                    yield running.popleft().result()
                if not running and (not waiting or stop()):
                    return
                wait([each for each in running if not each.done()], return_when=FIRST_COMPLETED)
        finally:
            broken.set()
            pool.shutdown(cancel_futures=True)

    def _measured(self, point: Point) -> Measurement:
        [measured] = self.evaluator([point])
        return measured
