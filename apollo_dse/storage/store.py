"""Studies and priors, written into the file of a store and read from it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from apollo_dse.locking import locked, unlock
from apollo_dse.storage.database import Database, StoreError
from apollo_dse.storage.records import Extent, Header, Outcome, Record, check_name, dumps, record_of, row_of
from search_spaces.quantity import nearest_name

DEFAULT_PATH = Path("apollo-dse.sqlite")
"""The store in the working directory, unless the environment variable `APOLLO_DSE_STORE` names another."""

_PAGE = 8192
"""Outcomes that are read at a time."""


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
        self._database = Database(self.path, read_only)
        self._bottlenecks = "'{}'" if self._database.version == 1 else "bottlenecks"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; a store may be closed twice."""
        self._database.close()

    def names(self) -> tuple[str, ...]:
        """Names of the studies, oldest first."""
        with self._database.sentences():
            return tuple(name for (name,) in self._database.execute("SELECT name FROM studies ORDER BY id"))

    def extents(self) -> tuple[Extent, ...]:
        """How far each study has come, oldest first; quick, however many trials there are."""
        extended = "extended" if self._database.version > 3 else "NULL"
        with self._database.sentences():
            rows = self._database.execute(
                "SELECT name, (SELECT coalesce(max(number) + 1, 0) FROM trials WHERE study = id),"
                f" {extended} FROM studies ORDER BY id"
            )
            return tuple(Extent(*row) for row in rows)

    def create(self, header: Header) -> None:
        """Begin a study without trials.

        Raises:
            StoreError: a study of that name is there already.
        """
        row = (header.name, header.created, dumps(header.asked), dumps(header.about))
        with (
            self._database.sentences(taken=f"study {header.name!r} is there already"),
            self._database.transaction(),
        ):
            self._database.execute("INSERT INTO studies (name, created, asked, about) VALUES (?, ?, ?, ?)", row)

    def header(self, name: str) -> Header:
        """The header of a study.

        Raises:
            StoreError: there is no study of that name; the message has the nearest one.
        """
        with self._database.sentences():
            row = self._database.execute(
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
        rows = [row_of(record) for record in records]
        with self._database.sentences(taken=_extended(name)), self._database.transaction():
            study = self._id(name)
            self._database.executemany(
                "INSERT INTO trials"
                " (study, number, batch, point, metrics, reason, seconds, proposed_by, bottlenecks)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(study, *row) for row in rows],
            )
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            self._database.execute("UPDATE studies SET extended = ? WHERE id = ?", (now, study))

    def records(self, name: str, start: int = 0, numbers: Sequence[int] | None = None) -> tuple[Record, ...]:
        """Trials of a study from number `start` on, in order; of those, only the ones of `numbers`.

        Raises:
            StoreError: there is no study of that name.
        """
        picked = "" if numbers is None else " AND number IN (SELECT value FROM json_each(?))"
        with self._database.sentences():
            rows = self._database.execute(
                "SELECT number, batch, point, metrics, reason, seconds, proposed_by,"
                f" {self._bottlenecks} FROM trials"
                f" WHERE study = ? AND number >= ?{picked} ORDER BY number",
                (self._id(name), start, *([] if numbers is None else [json.dumps(list(numbers))])),
            )
            return tuple(map(record_of, rows))

    def outcomes(self, name: str, start: int = 0) -> Iterator[list[Outcome]]:
        """What came of the trials from number `start` on, in order, `_PAGE` at a time.

        Several times as fast as `records`, in memory for one page: for whoever looks over very many trials.

        Raises:
            StoreError: there is no study of that name.
        """
        with self._database.sentences():
            rows = self._database.execute(
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
        with self._database.sentences():
            rows = self._database.execute(
                "SELECT point FROM trials WHERE study = ? AND number >= ? AND number < ? ORDER BY number",
                (self._id(name), start, end),
            )
            while page := rows.fetchmany(_PAGE):
                yield json.loads(f"[{','.join(text for (text,) in page)}]")

    def prior_names(self) -> tuple[str, ...]:
        """Names of the priors of the library, oldest first."""
        if self._database.version < 3:
            return ()
        with self._database.sentences():
            return tuple(name for (name,) in self._database.execute("SELECT name FROM priors ORDER BY id"))

    def add_prior(self, name: str, created: str, content: Mapping[str, Any]) -> None:
        """Add a prior to the library, for good: plain JSON values under a name as studies have.

        Raises:
            ValueError: it is no such name.
            StoreError: a prior of that name is there already.
        """
        check_name(name, "prior")
        with self._database.sentences(taken=f"prior {name!r} is there already"), self._database.transaction():
            self._database.execute(
                "INSERT INTO priors (name, created, content) VALUES (?, ?, ?)", (name, created, dumps(content))
            )

    def prior(self, name: str) -> tuple[str, dict[str, Any]]:
        """When a prior was added, and its content.

        Raises:
            StoreError: there is no prior of that name; the message has the nearest one.
        """
        known = self.prior_names()
        if name not in known:
            raise StoreError(f"{self.path} has no prior {name!r}{nearest_name(name, known)}")
        with self._database.sentences():
            row = self._database.execute(
                "SELECT created, content FROM priors WHERE name = ?", (name,)
            ).fetchone()
            return row[0], json.loads(row[1])

    def _id(self, name: str) -> int:
        row = self._database.execute("SELECT id FROM studies WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise StoreError(f"{self.path} has no study {name!r}{nearest_name(name, self.names())}")
        return int(row[0])


def _extended(name: str) -> str:
    return f"study {name!r} was extended by another process; open it again to go on from its trials"
