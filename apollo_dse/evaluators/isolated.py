"""An evaluator in processes of its own: one that crashes or hangs costs one measurement, not the search."""

import os
import pickle
import signal
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from time import monotonic
from typing import Any
from weakref import finalize

from apollo_dse.evaluators import Evaluator, trait
from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.interrupts import end_with_parent
from apollo_dse.trial import Measurement
from search_spaces.space import Point

POLL_S = 0.1
PATIENCE_S = 5.0
"""How long a process may take to be gone whose end of the connection is closed."""


class Isolated(Wrapping[Evaluator]):
    """Asks an evaluator for points one by one, in as many processes as there are threads that call.

    An evaluator may have a `timeout_s`, after which a point's process is ended. That, and a process that dies,
    is a run that failed (`Measurement.has_failed`); the next point gets another process. What the evaluator
    raises is raised.

    Args:
        evaluator: who measures; it must survive pickling.

    Raises:
        ValueError: it does not.
    """

    waits = True

    def __init__(self, evaluator: Evaluator) -> None:
        try:
            pickle.dumps(evaluator)
        except Exception as error:
            rule = "an evaluator must survive pickling to be had in another process"
            raise ValueError(f"{rule}, but {type(evaluator).__name__} does not: {error}") from error
        super().__init__(evaluator)
        self._idle: list[_Worker] = []
        self._lock = Lock()
        finalize(self, _end, self._idle)

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order.

        Raises:
            ValueError: the evaluator raised something, or cannot be had in another process.
            Cancelled: the runs were broken off.
        """
        return [self._measured(point) for point in points]

    def _measured(self, point: Point) -> Measurement:
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        worker = worker or _Worker(self.evaluator)
        try:
            measured = worker.measured(point, trait(self.evaluator, "timeout_s") or inf)
        except BaseException:
            worker.kill()
            raise
        with self._lock:
            if worker.is_alive:
                self._idle.append(worker)
        return measured


def _end(workers: "list[_Worker]") -> None:
    for worker in workers:
        worker.kill()


class _Worker:
    """A process that has the evaluator and answers for one point after the other."""

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

    def measured(self, point: Point, timeout_s: float) -> Measurement:
        """What the evaluator says, or that its process is no more.

        Raises:
            ValueError: the evaluator raised something.
            Cancelled: the run was broken off.
        """
        try:
            self._connection.send(point)
            answer = self._received(timeout_s)
        except (EOFError, BrokenPipeError):
            return Measurement.failed(f"its process {self._epitaph()}")
        if answer is None:
            self.kill()
            return Measurement.failed(f"it ran for more than {timeout_s:g} s")
        measured, error = answer
        if error is not None:
            raise ValueError(f"an evaluator must answer for every point, but it raised {error}")
        assert isinstance(measured, Measurement)
        return measured

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
            connection.send(_answer(evaluator, connection.recv()))


def _answer(evaluator: Evaluator, point: Point) -> tuple[Measurement | None, str | None]:
    try:
        [measured] = evaluator([point])
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"
    return measured, None
