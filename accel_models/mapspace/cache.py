"""Mappings on disk: small integer arrays by what they are the answer to, so that nothing is searched twice.

The key hashes the question and the source of this package, so that a changed mapspace never meets old answers.
All lie in one SQLite file, which many processes may read and write at once; one that cannot be opened, read or
written costs only the time to search again, and so does an answer of more than `ANSWER_BYTES`. Past
`LIMIT_BYTES` the answers that were written first are dropped.
The folder is $APOLLO_DSE_CACHE, else `apollo-dse` in the user's cache.
"""

import os
import sqlite3
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from accel_models.writeahead import write_ahead

Index = NDArray[np.int64]

FILE = "mappings.sqlite"
LIMIT_BYTES = 1 << 30
"""Bytes of answers that are kept, at most."""

ANSWER_BYTES = 64 << 20
"""Bytes of an answer that is kept, at most; the largest of half a million had a quarter of a MiB."""

PATIENCE_S = 10.0
"""How long to wait for another process that writes."""

_DROPPED_SHARE = 0.25
_TABLE = "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, columns INTEGER, content BLOB)"
_lock = Lock()


def folder() -> Path:
    """Where answers are kept."""
    if chosen := os.environ.get("APOLLO_DSE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apollo-dse"


def fetch(question: object, search: Callable[[], Index]) -> Index:
    """The stored answer [m, choice] to a question, or what `search` finds, stored from then on.

    Two questions are the same if they read the same (`repr`).
    """
    key = sha256(_source() + repr(question).encode()).digest()
    found = _read(key)
    if found is None:
        found = search()
        _write(key, found)
    return found


@dataclass(frozen=True, slots=True)
class Contents:
    """What is kept: answers, their bytes, and the bytes of the file."""

    answers: int
    answer_bytes: int
    file_bytes: int


def contents() -> Contents:
    """What is kept in `folder`; nothing, where there is no file or it cannot be read."""
    file = folder() / FILE
    if not file.is_file():
        return Contents(0, 0, 0)
    with _lock:
        try:
            count, size = (
                _connection(file, os.getpid())
                .execute("SELECT COUNT(*), SUM(LENGTH(content)) FROM answers")
                .fetchone()
            )
        except (OSError, sqlite3.Error):
            count, size = 0, 0
    return Contents(count, size or 0, sum(each.stat().st_size for each in file.parent.glob(f"{FILE}*")))


def clear() -> None:
    """Drop all answers, also those that other processes wrote meanwhile.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    if (folder() / FILE).is_file():
        with _lock:
            connection = _connection(folder() / FILE, os.getpid())
            connection.execute("DELETE FROM answers")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@lru_cache(maxsize=1)
def _source() -> bytes:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return b"".join(file.read_bytes() for file in files)


@lru_cache(maxsize=1)
def _connection(file: Path, _process: int) -> sqlite3.Connection:
    """The process's connection: a fork must not use its parent's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(
        file, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False, cached_statements=8
    )
    write_ahead(connection, PATIENCE_S)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(_TABLE)
    return connection


def _read(key: bytes) -> Index | None:
    with _lock:
        try:
            row = (
                _connection(folder() / FILE, os.getpid())
                .execute("SELECT columns, content FROM answers WHERE key = ?", (key,))
                .fetchone()
            )
        except (OSError, sqlite3.Error):
            return None
    if row is None:
        return None
    try:
        found = np.frombuffer(_unpacked(row[1]), dtype=np.int64).reshape(-1, row[0])
    except (zlib.error, ValueError, TypeError):
        return None
    return found.copy() if len(found) and (found >= 0).all() else None


def _unpacked(content: bytes) -> bytes:
    """An answer's bytes; those that are packed may stand for very many more.

    Raises:
        ValueError: they are more than `ANSWER_BYTES`, or not whole.
        zlib.error: they are damaged.
    """
    unpacker = zlib.decompressobj()
    found = unpacker.decompress(content, ANSWER_BYTES)
    if not unpacker.eof:
        raise ValueError(f"an answer must be whole, and have at most {ANSWER_BYTES} bytes, but one is not")
    return found


def _write(key: bytes, found: Index) -> None:
    if found.nbytes > ANSWER_BYTES:
        return
    content = zlib.compress(np.ascontiguousarray(found).tobytes(), level=1)
    with _lock:
        try:
            connection = _connection(folder() / FILE, os.getpid())
            connection.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, found.shape[1], content)
            )
            if connection.execute("SELECT last_insert_rowid() % 1024").fetchone()[0] == 0:
                _drop_oldest(connection)
        except (OSError, sqlite3.Error):
            return


def _drop_oldest(connection: sqlite3.Connection) -> None:
    """Make room, once the limit is passed."""
    size, count = connection.execute("SELECT SUM(LENGTH(content)), COUNT(*) FROM answers").fetchone()
    if size > LIMIT_BYTES:
        connection.execute(
            "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers ORDER BY rowid LIMIT ?)",
            (int(count * _DROPPED_SHARE),),
        )
