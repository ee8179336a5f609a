"""Measurements kept on disk, so that nothing is measured twice, by whatever study.

A *world* is all that a measurement follows from beside the point. The file is SQLite, which many processes may
read and write at once; one that cannot be used costs only the time to measure again.
"""

import inspect
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import sleep

from accel_models.mapspace.cache import PATIENCE_S, folder
from accel_models.writeahead import write_ahead
from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.locking import locked, unlock
from apollo_dse.trial import Measurement
from search_spaces.space import Point, canonical

FILE = "simulations.sqlite"
POLL_S = 0.1
_TABLE = (
    "CREATE TABLE IF NOT EXISTS measurements (world BLOB, point TEXT, answer TEXT, PRIMARY KEY (world, point))"
    " WITHOUT ROWID"
)
_UNREADABLE = (ValueError, TypeError, AttributeError, RecursionError)
"""What comes of an answer that is none any more."""

_lock = Lock()


class Memory:
    """The measurements of one world, by `canonical` texts of points.

    Args:
        world: what they follow from, digested.
        path: the file.
    """

    def __init__(self, world: bytes, path: Path) -> None:
        self.world = world
        self.path = path

    def read(self, texts: Sequence[str]) -> dict[str, Measurement]:
        """Those of the points that are known."""
        found = {}
        with _lock, suppress(OSError, sqlite3.Error, *_UNREADABLE):
            connection = _connection(self.path, os.getpid())
            for text in texts:
                row = connection.execute(
                    "SELECT answer FROM measurements WHERE world = ? AND point = ?", (self.world, text)
                ).fetchone()
                if row is not None:
                    found[text] = _decoded(row[0])
        return found

    def write(self, measured: Mapping[str, Measurement]) -> None:
        """Keep measurements, in place of those that are there."""
        rows = [(self.world, text, _encoded(measurement)) for text, measurement in measured.items()]
        with _lock, suppress(OSError, sqlite3.Error):
            connection = _connection(self.path, os.getpid())
            connection.executemany("INSERT OR REPLACE INTO measurements VALUES (?, ?, ?)", rows)


class Remembered(Wrapping[Evaluator]):
    """An evaluator that asks another one only for points that nobody asked before, in any study on this host.

    What another process is measuring meanwhile is waited for. A run that failed is not remembered.

    Args:
        evaluator: who measures.
        with_source: whether the source of its class is part of what measurements follow from.
        path: the file; by default `FILE` in the cache folder.
    """

    def __init__(self, evaluator: Evaluator, *, with_source: bool = False, path: Path | None = None) -> None:
        super().__init__(evaluator)
        source = _source(type(evaluator)) if with_source else b""
        world = sha256(source + evaluator.fingerprint.encode()).digest()
        self._memory = Memory(world, path or folder() / FILE)

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order.

        Raises:
            Cancelled: what another process measures was waited for, and this was broken off.
        """
        texts = dict(zip(map(canonical, points), points, strict=True))
        known = self._memory.read(list(texts))
        missing = [text for text in texts if text not in known]
        if missing:
            with ExitStack() as alone:
                for text in sorted(missing):  # in one order, so that two never wait for one another
                    alone.enter_context(self._claimed(text))
                known |= self._memory.read(missing)
                known |= self._measured({text: texts[text] for text in missing if text not in known})
        return [known[canonical(point)] for point in points]

    def _measured(self, points: Mapping[str, Point]) -> dict[str, Measurement]:
        if not points:
            return {}
        measured = dict(zip(points, self.evaluator(list(points.values())), strict=True))
        self._memory.write({text: each for text, each in measured.items() if not each.has_failed})
        return measured

    @contextmanager
    def _claimed(self, text: str) -> Iterator[None]:
        """Alone with a point: until this ends, or its process does, others wait."""
        name = sha256(self._memory.world + text.encode()).hexdigest()
        path = self._memory.path.parent / "running" / name
        file = None
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            while (file := locked(path)) is None:
                if cancelled.get()():
                    raise Cancelled
                sleep(POLL_S)
        try:
            yield
        finally:
            if file is not None:
                unlock(path, file)


@dataclass(frozen=True, slots=True)
class Contents:
    """What is kept: measurements, the worlds that they are of, and the bytes of the file."""

    measurements: int
    worlds: int
    file_bytes: int


def contents() -> Contents:
    """What is kept in the cache folder; nothing, where there is no file or it cannot be read."""
    path = folder() / FILE
    if not path.is_file():
        return Contents(0, 0, 0)
    counted = 0, 0
    with _lock, suppress(OSError, sqlite3.Error):
        asked = "SELECT COUNT(*), COUNT(DISTINCT world) FROM measurements"
        counted = _connection(path, os.getpid()).execute(asked).fetchone()
    return Contents(*counted, sum(each.stat().st_size for each in path.parent.glob(f"{FILE}*")))


def clear() -> None:
    """Drop all measurements, also those that other processes wrote meanwhile.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    path = folder() / FILE
    if path.is_file():
        with _lock:
            connection = _connection(path, os.getpid())
            connection.execute("DELETE FROM measurements")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _source(kind: type) -> bytes:
    """Digest of the module that a class stands in; of one without a file nothing."""
    with suppress(OSError, TypeError):
        return sha256(Path(inspect.getfile(kind)).read_bytes()).digest()
    return b""


def _encoded(measurement: Measurement) -> str:
    parts = dict(measurement.metrics), measurement.infeasible_because, dict(measurement.bottlenecks)
    return json.dumps(parts)


def _decoded(answer: str) -> Measurement:
    metrics, reason, bottlenecks = json.loads(answer)
    return Measurement(metrics, reason, bottlenecks)


@lru_cache(maxsize=1)
def _connection(path: Path, _process: int) -> sqlite3.Connection:
    """The process's connection: a fork must not use its parent's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    write_ahead(connection, PATIENCE_S)
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(_TABLE)
    return connection
