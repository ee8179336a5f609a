"""Where studies outlive the process: one SQLite file, one transaction a batch of trials.

A study is its header (what was asked, of which optimizer) and its trials. Beside studies there is a library of
priors (`apollo_dse.library`), which never change. Nothing else is kept, nothing is pickled. The file is in
write-ahead mode: any number of readers look on while one process writes, and a killed writer loses at most the
batch that was still being evaluated. Write-ahead mode needs a local disk: several hosts must not share a store
over a network file system (https://sqlite.org/wal.html).
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from apollo_dse.locking import locked, unlock
from apollo_dse.trial import Measurement, Trial
from search_spaces.quantity import is_number, nearest_name
from search_spaces.space import canonical

DEFAULT_PATH = Path("apollo-dse.sqlite")
"""The store in the working directory, unless the environment variable `APOLLO_DSE_STORE` names another."""

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

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_BUSY_S = 30.0
_SMALLEST_PAGE_BYTES = 512
_PAGE = 8192
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


@dataclass(frozen=True, slots=True)
class Header:
    """What a study is, apart from its trials.

    `asked` determines the trials (space, objectives, constraints, evaluator, optimizer, batch) as plain JSON
    values; a study may be resumed only when it is equal. `about` is whatever else the caller wants to find
    again with the study. `created` is a UTC time in ISO 8601.

    Raises:
        ValueError: the name is not 1 to 100 letters, digits, dots, dashes or underscores that start with a
            letter or digit (names become parts of file names).
    """

    name: str
    created: str
    asked: Mapping[str, Any]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_name(self.name, "study")


def check_name(name: str, kind: str) -> None:
    """Pass over a name that a study or a prior may have.

    Raises:
        ValueError: it is none.
    """
    if not _NAME.fullmatch(name):
        rule = f"a {kind}'s name must be up to 100 letters, digits, `.`, `_` and `-`, first a letter or digit"
        raise ValueError(f"{rule}, but got {name!r}")


@dataclass(frozen=True, slots=True)
class Record:
    """A trial with its circumstances.

    `batch` is how many trials were told when it was suggested: in a study of batches the number of the first
    trial of its batch. `seconds` is its share of the batch's evaluation time, in an asynchronous study the time
    since the trial before it; `proposed_by` the optimizer's name.
    """

    trial: Trial
    batch: int
    seconds: float
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a study has come: its trials, and the UTC time (ISO 8601) of the last ones, if it is known."""

    name: str
    trials: int
    extended: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial, without its point: metrics, or a reason; and the seconds that it took."""

    number: int
    metrics: Mapping[str, float]
    infeasible_because: str | None
    seconds: float


class Store:
    """An open store; close it, or use it in a `with` statement.

    Args:
        path: the file, made when it is missing; None: `$APOLLO_DSE_STORE`, else `DEFAULT_PATH`.
        read_only: open an existing file for looking on; nothing is made or changed.

    Raises:
        StoreError: the file is missing (under `read_only`), damaged, no store, or of a newer version.
    """

    def __init__(self, path: str | Path | None = None, *, read_only: bool = False) -> None:
        self.path = Path(path or os.environ.get("APOLLO_DSE_STORE") or DEFAULT_PATH)
        if read_only and not self.path.is_file():
            raise StoreError(f"there is no store {self.path}")
        if read_only and not self.path.stat().st_size:
            raise StoreError(f"{self.path} is an empty file, not a store")
        if self.path.is_file() and 0 < self.path.stat().st_size < _SMALLEST_PAGE_BYTES:
            raise StoreError(f"{self.path} {_SENTENCES[sqlite3.SQLITE_NOTADB]}")  # sqlite would overwrite it
        with self._sentences():
            self._connection = sqlite3.connect(
                self._uri(read_only), uri=True, timeout=_BUSY_S, isolation_level=None
            )
            try:
                self._prepare(read_only)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; a store may be closed twice."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def names(self) -> tuple[str, ...]:
        """Names of the studies, oldest first."""
        with self._sentences():
            return tuple(name for (name,) in self._connection.execute("SELECT name FROM studies ORDER BY id"))

    def extents(self) -> tuple[Extent, ...]:
        """How far each study has come, oldest first; quick, however many trials there are."""
        extended = "extended" if self._version > 3 else "NULL"
        with self._sentences():
            rows = self._connection.execute(
                "SELECT name, (SELECT coalesce(max(number) + 1, 0) FROM trials WHERE study = id),"
                f" {extended} FROM studies ORDER BY id"
            )
            return tuple(Extent(*row) for row in rows)

    def create(self, header: Header) -> None:
        """Begin a study without trials.

        Raises:
            StoreError: a study of that name is there already.
        """
        row = (header.name, header.created, _dumps(header.asked), _dumps(header.about))
        with self._sentences(taken=f"study {header.name!r} is there already"), self._transaction():
            self._connection.execute(
                "INSERT INTO studies (name, created, asked, about) VALUES (?, ?, ?, ?)", row
            )

    def header(self, name: str) -> Header:
        """The header of a study.

        Raises:
            StoreError: there is no study of that name; the message has the nearest one.
        """
        with self._sentences():
            row = self._connection.execute(
                "SELECT created, asked, about FROM studies WHERE name = ?", (name,)
            ).fetchone()
            if row is None:
                known = self.names()
                raise StoreError(f"{self.path} has no study {name!r}{nearest_name(name, known)}")
            return Header(name, row[0], json.loads(row[1]), json.loads(row[2]))

    @contextmanager
    def driven(self, name: str, known: int) -> Iterator[None]:
        """Be the only driver of a study on this host, while it is run.

        Where no lock can be had, as on a full disk, the table's keys alone keep drivers apart.

        Args:
            name: the study's.
            known: number of trials that the driver knows.

        Raises:
            StoreError: another process runs the study now, or has extended it since.
        """
        path, file = self.path.with_name(f"{self.path.name}-{name}.lock"), None
        with suppress(OSError):
            file = locked(path)
            if file is None:
                rule = f"study {name!r} in {self.path} is being run by another process"
                raise StoreError(f"{rule}; wait until it ends, or give this search another name")
        try:
            if self.records(name, known):
                raise StoreError(f"{self.path}: {_extended(name)}")
            yield
        finally:
            if file is not None:
                unlock(path, file)

    def append(self, name: str, records: Sequence[Record]) -> None:
        """Add trials to a study: all of them, or on an error none.

        Raises:
            StoreError: there is no such study, or it has one of the numbers or points already, as when
                another process runs the same study.
        """
        rows = [_row(record) for record in records]
        with self._sentences(taken=_extended(name)), self._transaction():
            study = self._id(name)
            self._connection.executemany(
                "INSERT INTO trials"
                " (study, number, batch, point, metrics, reason, seconds, proposed_by, bottlenecks)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(study, *row) for row in rows],
            )
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._connection.execute("UPDATE studies SET extended = ? WHERE id = ?", (now, study))

    def records(self, name: str, start: int = 0, numbers: Sequence[int] | None = None) -> tuple[Record, ...]:
        """Trials of a study from number `start` on, in order; of those, only the ones of `numbers`.

        Raises:
            StoreError: there is no study of that name.
        """
        picked = "" if numbers is None else " AND number IN (SELECT value FROM json_each(?))"
        with self._sentences():
            rows = self._connection.execute(
                "SELECT number, batch, point, metrics, reason, seconds, proposed_by,"
                f" {self._bottlenecks} FROM trials"
                f" WHERE study = ? AND number >= ?{picked} ORDER BY number",
                (self._id(name), start, *([] if numbers is None else [json.dumps(list(numbers))])),
            )
            return tuple(map(_record, rows))

    def outcomes(self, name: str, start: int = 0) -> Iterator[list[Outcome]]:
        """What came of the trials from number `start` on, in order, `_PAGE` at a time.

        Several times as fast as `records`, in memory for one page: for whoever looks over very many trials.

        Raises:
            StoreError: there is no study of that name.
        """
        with self._sentences():
            rows = self._connection.execute(
                "SELECT number, metrics, reason, seconds FROM trials"
                " WHERE study = ? AND number >= ? ORDER BY number",
                (self._id(name), start),
            )
            while page := rows.fetchmany(_PAGE):
                numbers, texts, *rest = zip(*page, strict=True)
                metrics = json.loads(f"[{','.join(texts)}]")
                yield list(map(Outcome, numbers, metrics, *rest))

    def points(self, name: str, start: int, end: int) -> Iterator[list[Mapping[str, Any]]]:
        """The points of the trials from number `start` to before `end`, in order, `_PAGE` at a time.

        Raises:
            StoreError: there is no study of that name.
        """
        with self._sentences():
            rows = self._connection.execute(
                "SELECT point FROM trials WHERE study = ? AND number >= ? AND number < ? ORDER BY number",
                (self._id(name), start, end),
            )
            while page := rows.fetchmany(_PAGE):
                yield json.loads(f"[{','.join(text for (text,) in page)}]")

    def prior_names(self) -> tuple[str, ...]:
        """Names of the priors of the library, oldest first."""
        if self._version < 3:
            return ()
        with self._sentences():
            return tuple(name for (name,) in self._connection.execute("SELECT name FROM priors ORDER BY id"))

    def add_prior(self, name: str, created: str, content: Mapping[str, Any]) -> None:
        """Add a prior to the library, for good: plain JSON values under a name as studies have.

        Raises:
            ValueError: it is no such name.
            StoreError: a prior of that name is there already.
        """
        check_name(name, "prior")
        with self._sentences(taken=f"prior {name!r} is there already"), self._transaction():
            self._connection.execute(
                "INSERT INTO priors (name, created, content) VALUES (?, ?, ?)", (name, created, _dumps(content))
            )

    def prior(self, name: str) -> tuple[str, dict[str, Any]]:
        """When a prior was added, and its content.

        Raises:
            StoreError: there is no prior of that name; the message has the nearest one.
        """
        known = self.prior_names()
        if name not in known:
            raise StoreError(f"{self.path} has no prior {name!r}{nearest_name(name, known)}")
        with self._sentences():
            row = self._connection.execute(
                "SELECT created, content FROM priors WHERE name = ?", (name,)
            ).fetchone()
            return row[0], json.loads(row[1])

    def _id(self, name: str) -> int:
        row = self._connection.execute("SELECT id FROM studies WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path} has no study {name!r}{nearest_name(name, self.names())}")
        return int(row[0])

    def _uri(self, read_only: bool) -> str:
        """Address for sqlite; a store in a folder that may not be written is read without its lock file."""
        if not read_only:
            return f"{self.path.absolute().as_uri()}?mode=rwc"
        alone = not self.path.with_name(self.path.name + "-wal").exists()
        immutable = alone and not os.access(self.path.absolute().parent, os.W_OK, effective_ids=True)
        return f"{self.path.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"

    def _prepare(self, read_only: bool) -> None:
        """Check whose file it is; give a new one its schema. Several processes may do so at once."""
        if self._is_blank() and not read_only:
            self._connection.execute("PRAGMA journal_mode = WAL")
            with self._transaction():
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
        self._version = version if read_only else SCHEMA_VERSION
        self._bottlenecks = "'{}'" if self._version == 1 else "bottlenecks"

    def _upgrade(self) -> None:
        """Add what older versions lack, unless another process just did."""
        if self._connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,):
            return
        with self._transaction():
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            for older in range(version, SCHEMA_VERSION):
                self._connection.execute(_UPGRADES[older])
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _is_blank(self) -> bool:
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        return bool(tables == 0 and application == 0)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _sentences(self, taken: str = "") -> Iterator[None]:
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


def _extended(name: str) -> str:
    return f"study {name!r} was extended by another process; open it again to go on from its trials"


def _dumps(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _row(record: Record) -> tuple[int, int, str, str, str | None, float, str, str]:
    measurement = record.trial.measurement
    metrics = _dumps({name: float(value) for name, value in measurement.metrics.items()})
    reason = measurement.infeasible_because
    point = canonical(record.trial.point)
    bottlenecks = _dumps({name: float(amount) for name, amount in measurement.bottlenecks.items()})
    circumstances = (record.seconds, record.proposed_by, bottlenecks)
    return (record.trial.number, record.batch, point, metrics, reason, *circumstances)


def _record(row: tuple[Any, ...]) -> Record:
    number, batch, point, metrics, reason, seconds, proposed_by, bottlenecks = row
    measurement = Measurement(json.loads(metrics), reason, json.loads(bottlenecks))
    values: dict[str, Any] = json.loads(point)
    if not all(isinstance(value, str) or is_number(value) for value in values.values()):
        raise ValueError("a point must have numbers and words")
    return Record(Trial(number, values, measurement), batch, seconds, proposed_by)
