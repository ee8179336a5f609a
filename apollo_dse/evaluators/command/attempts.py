"""Runs of a program that are tried again when they crash, and what becomes of each way in which one can end."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep

from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.command.description import Limits
from apollo_dse.evaluators.command.running import POLL_S, Ended, Written, run
from apollo_dse.evaluators.isolated import exit_text
from apollo_dse.trial import Measurement

ENVIRONMENT = ("PATH", "HOME", "USER", "LANG", "LC_ALL")
"""Variables that every program is given, where they are set; `TMPDIR` is its own directory."""

LAST_LINES = 3
MOST_CHARACTERS = 300

PATIENT = Limits()
"""An hour, any memory, no second try."""

Prepare = Callable[[Path], Sequence[str]]
"""Writes what a program is given into the run's directory; the words of its command."""

Answer = Callable[[Ended, Mapping[str, str]], Measurement | None]
"""What a run that ended in time says, by its exit code and what it wrote; None: it crashed.

It raises `ValueError` where an output is not what it should be.
"""


def attempted(
    about: str, prepare: Prepare, answer: Answer, limits: Limits = PATIENT, environment: Sequence[str] = ()
) -> Measurement:
    """Run a program in a directory of its own, again where it crashes and may, and hear what it says.

    A run that goes wrong is a measurement that has failed (`Measurement.has_failed`).

    Args:
        about: what the run is of, which names a directory that is kept.
        prepare: as `Prepare`.
        answer: as `Answer`.
        limits: how patiently it is run.
        environment: names of variables to pass on beside `ENVIRONMENT`.

    Raises:
        Cancelled: the run was broken off.
        OSError: no process can be started, or nothing written.
    """
    for attempt in range(limits.retries + 1):
        if attempt:
            _wait(limits.retry_after_s * 2 ** (attempt - 1))
        measured, crashed = _attempt(about, prepare, answer, limits, environment)
        if not crashed:
            break
    return measured


def _attempt(
    about: str, prepare: Prepare, answer: Answer, limits: Limits, environment: Sequence[str]
) -> tuple[Measurement, bool]:
    """What a run says, and whether it crashed, so that another one may say more."""
    with ExitStack() as stack:
        directory = _directory(about, limits.keep, stack)
        command = prepare(directory)
        variables = _environment(directory, environment)
        ended = run(command, directory, variables, limits.timeout_s, limits.memory_bytes)
        if ended.timed_out:
            return Measurement.failed(f"it ran for more than {limits.timeout_s:g} s"), False
        try:
            said = answer(ended, Written(directory, ended))
        except ValueError as error:
            return Measurement.failed(str(error)), False
        return (Measurement.failed(_crash(ended)), True) if said is None else (said, False)


def _directory(about: str, keep: Path | None, stack: ExitStack) -> Path:
    if keep is None:
        return Path(stack.enter_context(TemporaryDirectory(prefix="apollo-dse-", ignore_cleanup_errors=True)))
    directory = keep / sha256(about.encode()).hexdigest()[:16]
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def _environment(directory: Path, names: Sequence[str]) -> dict[str, str]:
    passed = (*ENVIRONMENT, *names)
    return {name: os.environ[name] for name in passed if name in os.environ} | {"TMPDIR": str(directory)}


def _crash(ended: Ended) -> str:
    """How a run ended that should have ended with 0, and the last that it wrote to stderr."""
    how = exit_text(ended.exit_code) if ended.exit_code >= 0 else f"killed by {exit_text(ended.exit_code)}"
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()][-LAST_LINES:]
    said = " | ".join(lines)[-MOST_CHARACTERS:]
    return f"{how}, but exit code 0 is success" + (f", and stderr ends in {said!r}" if said else "")


def _wait(seconds: float) -> None:
    """Sleep, unless the run is broken off meanwhile."""
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0:
        if cancelled.get()():
            raise Cancelled
        sleep(min(left, POLL_S))
