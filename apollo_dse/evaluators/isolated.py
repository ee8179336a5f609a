"""An evaluator in processes of its own: one that crashes or hangs costs one measurement, not the search."""

import os
import pickle
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from time import monotonic
from typing import Any, Protocol
from weakref import finalize

from apollo_dse.evaluators import Evaluator, trait
from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.interrupts import end_with_parent
from apollo_dse.trial import Measurement
from search_spaces.space import Point

Answer = tuple[list[Measurement] | None, str | None]
"""Measurements, or what was raised."""

POLL_S = 0.1
HIRED = 3
"""Workers that may be lost, one after the other, before they have loaded the evaluator."""

PATIENCE_S = 5.0
"""How long a process may take to be gone whose end of the connection is closed."""


class Lost(Exception):  # noqa: N818 - an event, not an error
    """A worker was lost before it had answered; the message says how.

    `by_time` says that it was ended, since its time was up.
    """

    def __init__(self, how: str, *, by_time: bool = False) -> None:
        super().__init__(how)
        self.by_time = by_time


class Worker(Protocol):
    """A process that has an evaluator and answers for points."""

    def is_ready(self) -> bool:
        """Whether it has loaded the evaluator, for which it is waited `POLL_S` at most.

        Raises:
            Lost: it ended before that.
        """
        ...

    def measured(self, points: Sequence[Point], timeout_s: float) -> list[Measurement]:
        """What the evaluator says of each point, in order.

        Raises:
            ValueError: the evaluator raised something.
            Lost: the process ended, or did not answer within `timeout_s`.
            Cancelled: the run was broken off.
        """
        ...

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked once more."""
        ...

    def kill(self) -> None:
        """End the process, with what it started."""
        ...


class Isolated(Wrapping[Evaluator]):
    """Has an evaluator asked by workers, as many as there are threads that call.

    An evaluator may have a `timeout_s`, after which the process of a point is ended. That, and a process that
    dies, is a run that failed (`Measurement.has_failed`), after as many `retries` as the evaluator has for one
    that dies; the next point gets another process. Of several points at a time that are lost so, each is then
    asked for alone. What the evaluator raises is raised.

    A worker that is long in coming holds nobody up who can have another one: a cluster that lost a host has no
    place for as many as before, and the search goes on with those that there are. One that is lost before it is
    ready is replaced, `HIRED` times in a row.

    Args:
        evaluator: who measures; it must survive pickling.
        hire: makes a worker that loads the evaluator; by default a process of this host.

    Raises:
        ValueError: it does not.
    """

    waits = True

    def __init__(self, evaluator: Evaluator, hire: "Callable[[Evaluator], Worker] | None" = None) -> None:
        try:
            pickle.dumps(evaluator)
        except Exception as error:
            rule = "an evaluator must survive pickling to be had in another process"
            raise ValueError(f"{rule}, but {type(evaluator).__name__} does not: {error}") from error
        super().__init__(evaluator)
        self._hire = hire or _Process
        self._idle: list[Worker] = []  # those that are not ready come before all that are
        self._lock = Lock()
        finalize(self, _end, self._idle)

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order.

        Raises:
            ValueError: the evaluator raised something, or cannot be had in another process.
            Cancelled: the runs were broken off.
        """
        if len(points) == 1:
            return self._alone(points)
        try:
            return self._asked(points)
        except Lost:
            return [measured for point in points for measured in self._alone([point])]

    def _alone(self, points: Sequence[Point]) -> list[Measurement]:
        """The measurement of one point, however it ends."""
        for left in range(trait(self.evaluator, "retries") or 0, -1, -1):
            try:
                return self._asked(points)
            except Lost as lost:
                if lost.by_time or not left:
                    return [Measurement.failed(str(lost))]
        raise AssertionError("the last attempt returns")

    def _asked(self, points: Sequence[Point]) -> list[Measurement]:
        worker = self._taken()
        try:
            measured = worker.measured(points, trait(self.evaluator, "timeout_s") or inf)
        except BaseException:
            worker.kill()
            raise
        with self._lock:
            if worker.is_alive:
                self._idle.append(worker)
        return measured

    def _taken(self) -> Worker:
        """A worker that is ready: an idle one, or else a new one, whichever is there first.

        Raises:
            ValueError: none loads the evaluator.
            Cancelled: the runs were broken off.
        """
        for left in range(HIRED - 1, -1, -1):
            with self._lock:
                worker = self._idle.pop() if self._idle else None
            try:
                return self._ready(worker or self._hire(self.evaluator))
            except Lost as lost:
                if not left:
                    raise ValueError(f"a worker must load the evaluator, but {lost}") from None
        raise AssertionError("the last attempt returns")

    def _ready(self, worker: Worker) -> Worker:
        """This worker once it is ready, or one that is idle before."""
        try:
            while not worker.is_ready():
                if cancelled.get()():
                    raise Cancelled
                with self._lock:
                    if self._idle:
                        self._idle.insert(0, worker)
                        worker = self._idle.pop()
        except BaseException:
            worker.kill()
            raise
        return worker


def _end(workers: "list[Worker]") -> None:
    for worker in workers:
        worker.kill()


class _Process:
    """A process of this host that has the evaluator and answers for points."""

    def __init__(self, evaluator: Evaluator) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, evaluator), daemon=True)
        self._process.start()
        theirs.close()
        try:
            self._received(inf)
        except EOFError:
            how = self._epitaph()
            raise ValueError(f"an evaluator must load in another process, but there it {how}") from None
        except BaseException:
            self.kill()
            raise

    def is_ready(self) -> bool:
        """It is, since it was made (`Worker.is_ready`)."""
        return True

    def measured(self, points: Sequence[Point], timeout_s: float) -> list[Measurement]:
        """What the evaluator says of each point (`Worker.measured`)."""
        try:
            self._connection.send(points)
            answer: Answer | None = self._received(timeout_s)
        except (EOFError, OSError):
            raise Lost(f"its process {self._epitaph()}") from None
        if answer is None:
            raise Lost(f"it ran for more than {timeout_s:g} s", by_time=True)
        return said(answer)

    @property
    def is_alive(self) -> bool:
        """Whether it can be asked once more."""
        return self._process.is_alive()

    def _epitaph(self) -> str:
        """How the process ended, which is as good as over; what it left is ended, too."""
        self._process.join(PATIENCE_S)
        code = self._process.exitcode
        self.kill()
        return "was killed" if code is None else f"ended with {exit_text(code)}"

    def kill(self) -> None:
        """End the process, with what it started in its group."""
        if self._connection.closed:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid or 0, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _received(self, timeout_s: float) -> Any:
        """What the process says next; None: its time is up.

        Raises:
            EOFError: it is no more.
            Cancelled: the run was broken off.
        """
        deadline = monotonic() + timeout_s
        while not self._connection.poll(max(0.0, min(POLL_S, deadline - monotonic()))):
            if cancelled.get()():
                raise Cancelled
            if monotonic() >= deadline:
                return None
            if not self.is_alive and not self._connection.poll():
                raise EOFError
        return self._connection.recv()


def exit_text(code: int) -> str:
    """How a process ended, by its exit code; a negative one is the signal that ended it."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _serve(connection: "Connection[Any, Any]", evaluator: Evaluator) -> None:
    """Answer for points until the connection closes: a measurement, or what was raised."""
    os.setsid()
    end_with_parent()
    with suppress(EOFError, OSError):  # nobody listens any more
        connection.send(None)
        while True:
            connection.send(answer(evaluator, connection.recv()))


def answer(evaluator: Evaluator, points: Sequence[Point]) -> Answer:
    """What an evaluator says of each point, or else what it raised, as words."""
    try:
        measured = [each for _, each in zip(points, evaluator(points), strict=True)]
        if strange := [each for each in measured if not isinstance(each, Measurement)]:
            raise TypeError(f"answers must be measurements, but one is {strange[0]!r}")
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
    return measured, None


def said(answer: Answer) -> list[Measurement]:
    """The measurements of an answer.

    Raises:
        ValueError: the evaluator raised something.
    """
    measured, error = answer
    if measured is None:
        raise ValueError(f"an evaluator must answer for every point, but it raised {error}")
    return measured
