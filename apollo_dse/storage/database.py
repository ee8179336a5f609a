"""The SQLite file of a store: whose it is, its schema, transactions, and sqlite's faults in sentences."""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from accel_models.writeahead import write_ahead

APPLICATION_ID = 0x61706F6C
"""Written into the file's header ("apol"), so that other programs' databases are told apart."""

SCHEMA_VERSION = 4
"""Version 1 lacks the column `bottlenecks`, 2 the table `priors`, 3 the column `extended`: writing adds it."""

_PRIORS = (
    "CREATE TABLE priors (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL,"
    " content TEXT NOT NULL)"
)
_SCHEMA = (
    "CREATE TABLE studies (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created TEXT NOT NULL,"
    " asked TEXT NOT NULL, about TEXT NOT NULL, extended TEXT)",
    "CREATE TABLE trials (study INTEGER NOT NULL, number INTEGER NOT NULL,"
    " batch INTEGER NOT NULL, point TEXT NOT NULL, metrics TEXT NOT NULL, reason TEXT,"
    " seconds REAL NOT NULL, proposed_by TEXT NOT NULL, bottlenecks TEXT NOT NULL DEFAULT '{}',"
    " PRIMARY KEY (study, number), UNIQUE (study, point)) WITHOUT ROWID",
    _PRIORS,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {SCHEMA_VERSION}",
)
_UPGRADES = {
    1: "ALTER TABLE trials ADD COLUMN bottlenecks TEXT NOT NULL DEFAULT '{}'",
    2: _PRIORS,
    3: "ALTER TABLE studies ADD COLUMN extended TEXT",
}
"""What a version lacks that the next one has."""

_BUSY_S = 30.0
_SMALLEST_PAGE_BYTES = 512
_SENTENCES = {
    sqlite3.SQLITE_NOTADB: "is not an apollo-dse store: it is no SQLite database, or its first page is damaged",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a copy, or start another store",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: its folder must exist, and it must be a file that may be read",
    sqlite3.SQLITE_READONLY: "cannot be written: the file or its folder is read-only",
    sqlite3.SQLITE_BUSY: f"has been locked by another process for {_BUSY_S:.0f} s",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full",
    sqlite3.SQLITE_IOERR: "cannot be read or written: its disk or file system refuses",
    sqlite3.SQLITE_PERM: "cannot be opened: permission denied",
}


class StoreError(Exception):
    """A store that cannot be used as asked; the message is one sentence that says why."""


class Database:
    """An open file with the schema of a store.

    Attributes:
        path: of the file.
        version: of its schema; one that is open for writing is of this program's.

    Args:
        path: the file, made when it is missing.
        read_only: open an existing file for looking on; nothing is made or changed.

    Raises:
        StoreError: the file is missing (under `read_only`), damaged, no store, or of a newer version.
    """

    def __init__(self, path: Path, read_only: bool) -> None:
        self.path = path
        if read_only and not path.is_file():
            raise StoreError(f"there is no store {path}")
        if read_only and not path.stat().st_size:
            raise StoreError(f"{path} is an empty file, not a store")
        if path.is_file() and 0 < path.stat().st_size < _SMALLEST_PAGE_BYTES:
            raise StoreError(f"{path} {_SENTENCES[sqlite3.SQLITE_NOTADB]}")  # sqlite would overwrite it
        with self.sentences():
            self._connection = sqlite3.connect(
                self._uri(read_only), uri=True, timeout=_BUSY_S, isolation_level=None
            )
            try:
                self.version = self._prepare(read_only)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Release the file; it may be closed twice."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """What a statement answers; its faults are sentences only within `sentences`."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement for each row of values."""
        self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is executed within, or on an error nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def sentences(self, taken: str = "") -> Iterator[None]:
        """Turn what sqlite reports into a `StoreError` of one sentence; `taken`: that for a key in use."""
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise StoreError(f"{self.path}: {taken or error}") from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            raise StoreError(f"{self.path} {_SENTENCES.get(code, f'cannot be used: {error}')}") from error
        except (
            ValueError,
            TypeError,
            AttributeError,
            RecursionError,
        ) as error:  # what was stored is no longer what was written
            raise StoreError(f"{self.path} {_SENTENCES[sqlite3.SQLITE_CORRUPT]}") from error

    def _uri(self, read_only: bool) -> str:
        """Address for sqlite; a store in a folder that may not be written is read without its lock file."""
        if not read_only:
            return f"{self.path.absolute().as_uri()}?mode=rwc"
        alone = not self.path.with_name(self.path.name + "-wal").exists()
        immutable = alone and not os.access(self.path.absolute().parent, os.W_OK, effective_ids=True)
        return f"{self.path.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"

    def _prepare(self, read_only: bool) -> int:
        """Check whose file it is; give a new one its schema. Several processes may do so at once.

        Returns:
            the version of its schema.
        """
        if self._is_blank() and not read_only:
            write_ahead(self._connection, _BUSY_S)
            with self.transaction():
                if self._is_blank():
                    for statement in _SCHEMA:
                        self._connection.execute(statement)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} is not an apollo-dse store: it belongs to another program")
        if version not in (*_UPGRADES, SCHEMA_VERSION):
            rule = f"this apollo-dse reads version {SCHEMA_VERSION}"
            raise StoreError(
                f"{self.path} is a store of version {version}, but {rule}; use the one that wrote it"
            )
        if not read_only:
            self._upgrade()
        return int(version) if read_only else SCHEMA_VERSION

    def _upgrade(self) -> None:
        """Add what older versions lack, unless another process just did."""
        if self._connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,):
            return
        with self.transaction():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            for older in range(version, SCHEMA_VERSION):
                self._connection.execute(_UPGRADES[older])
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _is_blank(self) -> bool:
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        return bool(tables == 0 and application == 0)
