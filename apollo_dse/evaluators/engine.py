"""Where points are measured: here, or several at a time in processes of this host or of a Ray cluster.

What measurements are depends on no engine. They come in the order of their points, whoever is first, or as they
end, each with its point.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Literal, get_args

from apollo_dse.evaluators import Evaluator, waits
from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.isolated import Isolated
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.trial import Measurement
from search_spaces.space import Point

EngineName = Literal["local", "process", "ray"]


@dataclass(frozen=True, slots=True)
class Engine:
    """How points are measured.

    `local`: where they are asked for; a whole batch in one call, or, of an evaluator that waits for processes
    of its own, one point after the other. `process`: `workers` points at a time, each in a process of its own.
    `ray`: the same in a Ray cluster, that at `address` or one that is started for it.

    A worker is given `chunk` points at a time. More than one pays where a point takes less than the millisecond
    or so in which it is handed over.

    Raises:
        ValueError: there is no such engine, `workers < 1`, `chunk < 1`, a local one has several workers, or
            another one than `ray` has an address.
    """

    name: EngineName = "local"
    workers: int = 1
    address: str | None = None
    chunk: int = 1

    def __post_init__(self) -> None:
        if self.name not in get_args(EngineName):
            raise ValueError(
                f"an engine must be one of {', '.join(get_args(EngineName))}, but got {self.name!r}"
            )
        for knob, value in (("workers", self.workers), ("chunk", self.chunk)):
            if value < 1:
                raise ValueError(f"`{knob} >= 1` must hold, but got {knob}={value}")
        if self.name == "local" and self.workers > 1:
            raise ValueError(f"the local engine has one worker, but got workers={self.workers}; use process")
        if self.name != "ray" and self.address is not None:
            raise ValueError(f"an address is that of a Ray cluster, but the engine is {self.name}")

    def around(self, evaluator: Evaluator) -> Evaluator:
        """The evaluator, whose points are measured so.

        Raises:
            ValueError: the evaluator cannot be had in another process, or Ray not at all.
        """
        if self.name == "ray":
            from apollo_dse.evaluators.remote import hiring

            hosted = Isolated(evaluator, hiring(self.address, self.workers))
            return Spread(hosted, self.workers, self.chunk)
        if self.name == "process":
            return Spread(evaluator if waits(evaluator) else Isolated(evaluator), self.workers, self.chunk)
        return Spread(evaluator, 1, self.chunk) if waits(evaluator) else evaluator


LOCAL = Engine()


@dataclass(frozen=True, slots=True)
class _Call:
    """Points that a worker was given, the number of the first, and what becomes of them."""

    first: int
    points: Sequence[Point]
    outcomes: "Future[list[Measurement | Exception]]"

    def measured(self) -> Iterator[Measurement]:
        """Measurements of the points in order, up to one that raised something, which is raised."""
        for outcome in self.outcomes.result():
            if isinstance(outcome, Exception):
                raise outcome
            yield outcome


class Spread(Wrapping[Evaluator]):
    """An evaluator that is asked for few points at a time, by several threads (see `evaluators.Flowing`).

    Args:
        evaluator: who measures; it waits for other processes (`evaluators.waits`).
        workers: how many calls there are at a time.
        chunk: points a call.
    """

    def __init__(self, evaluator: Evaluator, workers: int, chunk: int = 1) -> None:
        super().__init__(evaluator)
        self.workers = workers
        self.chunk = chunk

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        return list(self.stream(points, lambda: False))

    def stream(self, points: Sequence[Point], stop: Callable[[], bool]) -> Generator[Measurement, None, None]:
        """Measurements of `points` in order, each as soon as it and those before it are there.

        Once `stop()` is true no other point is begun, and the stream ends with those that were. Closed before
        its end, or when a point raises, it breaks off all that is running.
        """
        ended: dict[int, _Call] = {}
        following = 0
        with closing(self._calls(points, stop)) as calls:
            for call in calls:
                ended[call.first] = call
                while following in ended:
                    yield from ended[following].measured()
                    following += len(ended.pop(following).points)

    def flow(
        self, points: Iterable[Point], stop: Callable[[], bool]
    ) -> Generator[tuple[Point, Measurement], None, None]:
        """Each of the `points` with its measurement as soon as that is there, whichever ends first.

        A point is drawn from `points` only when a worker is free, after all measurements that are there have
        been yielded. Ends and breaks off as `stream` does; what raises comes after what ended by then.
        """
        with closing(self._calls(points, stop)) as calls:
            for call in calls:
                yield from zip(call.points, call.measured(), strict=False)

    def _calls(self, points: Iterable[Point], stop: Callable[[], bool]) -> Generator[_Call, None, None]:
        """Calls as they end, those of one moment in the order of their beginning, what raised last."""
        broken, waiting, begun = Event(), iter(points), 0
        running: dict[Future[list[Measurement | Exception]], _Call] = {}
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="evaluate")
        try:
            while True:
                while len(running) < self.workers and not stop():
                    if not (chunk := list(islice(waiting, self.chunk))):
                        break
                    context = copy_context()
                    context.run(cancelled.set, broken.is_set)
                    outcomes = pool.submit(context.run, self._outcomes, chunk)
                    running[outcomes] = _Call(begun, chunk, outcomes)
                    begun += len(chunk)
                if not running:
                    return
                wait(running, return_when=FIRST_COMPLETED)
                ended = [outcomes for outcomes in running if outcomes.done()]
                for outcomes in sorted(ended, key=_has_raised):
                    yield running.pop(outcomes)
        finally:
            broken.set()
            pool.shutdown(cancel_futures=True)

    def _outcomes(self, points: Sequence[Point]) -> list[Measurement | Exception]:
        """What becomes of each point, up to the first that raises something."""
        try:
            return list(self.evaluator(points))
        except Cancelled:
            raise
        except Exception as error:
            if len(points) == 1:
                return [error]
        found: list[Measurement | Exception] = []
        for point in points:
            found += self._outcomes([point])
            if isinstance(found[-1], Exception):
                break
        return found


def _has_raised(outcomes: "Future[list[Measurement | Exception]]") -> bool:
    return outcomes.exception() is not None or any(isinstance(each, Exception) for each in outcomes.result())
