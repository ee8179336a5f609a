"""Workers of a Ray cluster: each is an actor that takes one CPU and has the evaluator.

The evaluator travels by Ray's pickle between processes, never through a file. The driver alone writes the
store; workers answer to it. Ray is told to retry nothing: what becomes of a lost worker's point is ours to say
(`isolated.Isolated`).
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.isolated import POLL_S, Answer, Lost, Worker, answer, said
from apollo_dse.interrupts import leave_interrupts
from apollo_dse.trial import Measurement
from search_spaces.space import Point

EXTRA = "pip install 'apollo-dse[ray]'"
OWN = "local"
"""What Ray calls a cluster that is started for this process."""


def hiring(address: str | None, workers: int) -> Callable[[Evaluator], Worker]:
    """What makes workers of the cluster at `address`, else at `$RAY_ADDRESS`, else of one that is started.

    Raises:
        ValueError: Ray is not installed, the cluster cannot be joined, or it has fewer CPUs than `workers`.
    """
    try:
        import ray
    except ImportError:
        raise ValueError(f"the engine ray needs the package ray; install it with: {EXTRA}") from None
    where = address or os.environ.get("RAY_ADDRESS") or OWN
    if not ray.is_initialized():
        quiet = {"logging_level": "ERROR", "log_to_driver": False}
        own = {"num_cpus": workers, "include_dashboard": False} if where == OWN else {}
        try:
            ray.init(address=where, **quiet, **own)
        except Exception as error:  # whatever Ray says when it cannot be had
            rule = f"there must be a Ray cluster at {where}, and its token here (RAY_AUTH_MODE)"
            raise ValueError(f"{rule}, but: {error}") from None
    cpus = int(ray.cluster_resources().get("CPU", 0))
    if cpus < workers:
        raise ValueError(f"`workers <= {cpus}` must hold, the CPUs of the Ray cluster, but got {workers}")
    return _Actor


class Measurer:
    """The evaluator, where Ray has it."""

    def __init__(self, evaluator: Evaluator) -> None:
        leave_interrupts()
        self._evaluator = evaluator

    def loaded(self) -> None:
        """Nothing, once it is there."""

    def answer(self, points: Sequence[Point]) -> Answer:
        """What the evaluator says of each point, or what it raised."""
        return answer(self._evaluator, points)


class _Actor:
    """An actor of the cluster that has the evaluator and answers for points (`isolated.Worker`)."""

    def __init__(self, evaluator: Evaluator) -> None:
        import ray

        kept = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0}
        self._actor = ray.remote(**kept)(Measurer).remote(evaluator)
        self._loaded = self._actor.loaded.remote()
        self._is_ready = False
        self.is_alive = True

    def is_ready(self) -> bool:
        """Whether the cluster had a place for it, where it loaded the evaluator (`Worker.is_ready`)."""
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        if not self._is_ready:
            try:
                ray.get(self._loaded, timeout=POLL_S)
            except GetTimeoutError:
                return False
            except RayError as error:
                raise Lost(f"in the Ray cluster {_lost(error)}; is the cluster still there?") from None
            self._is_ready = True
        return True

    def measured(self, points: Sequence[Point], timeout_s: float) -> list[Measurement]:
        """What the evaluator says of each point (`Worker.measured`)."""
        answer: Answer = self._received(self._actor.answer.remote(list(points)), timeout_s)
        return said(answer)

    def kill(self) -> None:
        """End the actor."""
        import ray

        self.is_alive = False
        with suppress(Exception):  # it, or all of Ray, may be gone
            ray.kill(self._actor)

    def _received(self, reference: Any, timeout_s: float) -> Any:
        """What a call returns.

        Raises:
            Lost: the actor is gone, or its time is up.
            Cancelled: the run was broken off.
        """
        import ray
        from ray.exceptions import GetTimeoutError, RayError

        deadline = monotonic() + timeout_s
        while True:
            left = min(POLL_S, max(0.0, deadline - monotonic()))
            try:
                return ray.get(reference, timeout=left)
            except GetTimeoutError:
                if cancelled.get()():
                    raise Cancelled from None
                if monotonic() >= deadline:
                    raise Lost(f"it ran for more than {timeout_s:g} s", by_time=True) from None
            except RayError as error:
                self.is_alive = False
                raise Lost(_lost(error)) from None


def _lost(error: BaseException) -> str:
    """How a worker was lost, in one line."""
    first = next(iter(str(error).splitlines()), "")
    return f"its worker was lost: {type(error).__name__}: {first}".rstrip(" :.")
