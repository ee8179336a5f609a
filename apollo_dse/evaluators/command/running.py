"""One run of a program: its own directory and processes, bounded time, memory and output."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import IO

from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.command.supervisor import GRACE_S

SUPERVISOR = Path(__file__).with_name("supervisor.py")
KEPT_BYTES = 16 << 20
"""Of stdout, and of stderr, so much is kept: the last."""

CHUNK_BYTES = 1 << 16
POLL_S = 0.1
PATIENCE_S = 30.0
"""How long processes that were killed may take to be gone, at most; then they are left to the system."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit code (negative: the signal that ended it), or that its time was up.

    `stdout` and `stderr` are the last `KEPT_BYTES` of what it wrote.
    """

    exit_code: int
    timed_out: bool
    stdout: str
    stderr: str


class Written(Mapping[str, str]):
    """What a run wrote: of `stdout`, `stderr`, or a file of its directory, the last `KEPT_BYTES`."""

    def __init__(self, directory: Path, ended: Ended) -> None:
        self._directory = directory
        self._texts = {"stdout": ended.stdout, "stderr": ended.stderr}

    def __getitem__(self, source: str) -> str:
        if source not in self._texts:
            self._texts[source] = self._read(self._directory / source)
        return self._texts[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    @staticmethod
    def _read(path: Path) -> str:
        if not path.is_file():
            raise KeyError(path.name)
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - KEPT_BYTES))
            return file.read(KEPT_BYTES).decode(errors="replace")


class _Tail:
    """The last bytes of a stream, read as they come, so that its writer never waits."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with suppress(OSError, ValueError):
            while chunk := os.read(self._stream.fileno(), CHUNK_BYTES):
                self._chunks.append(chunk)
                self._size += len(chunk)
                while self._size - len(self._chunks[0]) >= KEPT_BYTES:
                    self._size -= len(self._chunks.popleft())

    def text(self) -> str:
        """What is kept, once the writers are gone."""
        self._thread.join(GRACE_S)
        return b"".join(self._chunks)[-KEPT_BYTES:].decode(errors="replace")


def run(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    memory_bytes: int | None = None,
) -> Ended:
    """Run a program to its end, or to the end of its time; nothing that it started is left.

    Args:
        command: the program and its arguments; no shell reads them.
        directory: where it runs.
        environment: all variables that it has.
        timeout_s: seconds of wall time after which it is ended.
        memory_bytes: most address space of each of its processes; None: no limit.

    Raises:
        Cancelled: it was broken off (`cancelled`).
        OSError: no process can be started.
    """
    words = [sys.executable, "-I", "-S", str(SUPERVISOR), str(memory_bytes or 0), *command]
    process = subprocess.Popen(
        words,
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    streams = process.stdout, process.stderr
    try:
        tails = [_Tail(stream) for stream in streams]
        in_time = _wait(process, monotonic() + timeout_s)
        if not in_time:
            _end(process)
        stdout, stderr = (tail.text() for tail in tails)
    finally:
        _end(process)
        for stream in streams:
            stream.close()
    return Ended(process.returncode, not in_time, stdout, stderr)


def _wait(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Whether the process ends before the deadline, which is then waited for."""
    while (left := deadline - monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, POLL_S))
            return True
        if cancelled.get()():
            raise Cancelled
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """See that the process and all below it are gone."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
