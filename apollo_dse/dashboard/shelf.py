"""The studies of a store, looked at only; the store may be written, replaced or removed meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from apollo_dse.dashboard.view import View
from apollo_dse.storage import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """A study in the list: no more than its header and its number of trials say.

    `created` and `extended`, when its last trials came, are UTC times in ISO 8601.
    """

    name: str
    created: str
    extended: str | None
    trials: int
    workloads: tuple[str, ...]
    optimizer: str


class Shelf:
    """The studies of a store.

    Args:
        path: the store's file.

    Raises:
        StoreError: it is missing, damaged, no store, or of a newer version.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        with Store(path, read_only=True) as store:
            self.path = store.path
        self._views: dict[str, View] = {}
        self._lock = Lock()

    def listed(self) -> Mapping[str, Any]:
        """The store, the time, and all studies, oldest first.

        Raises:
            StoreError: the store cannot be read any more.
        """
        with Store(self.path, read_only=True) as store:
            extents = store.extents()
            studies = []
            for extent in extents:
                header = store.header(extent.name)
                workloads = (str(each.get("name", "")) for each in header.about.get("workloads", ()))
                optimizer = str(header.asked.get("optimizer", {}).get("name", ""))
                described = (header.created, extent.extended, extent.trials, tuple(workloads), optimizer)
                studies.append(Listed(extent.name, *described))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {"store": str(self.path), "now": now, "studies": studies}

    def view(self, name: str) -> View:
        """A study, up to date.

        Raises:
            LookupError: the store has no study of that name.
            ValueError: it can be listed, but not looked at; the message says why.
            OSError: a file that it refers to cannot be read.
            StoreError: the store cannot be read any more.
        """
        with Store(self.path, read_only=True) as store:
            extent = next((each for each in store.extents() if each.name == name), None)
            if extent is None:
                raise LookupError(f"{self.path} has no study {name!r}")
            header = store.header(name)
        with self._lock:
            view = self._views.get(name)
            if view is None or not view.is_of(header, extent):
                view = self._views[name] = View(self.path, header)
            return view
