"""Portfolios on disk: small integer arrays by content, so that no layer's mapspace is searched twice.

The key hashes the layer's shape and the source of the mapspace itself, so that a changed mapspace never
meets old results. Files are written aside and renamed, which is safe with concurrent writers; a file that
cannot be read is searched anew. The folder is $APOLLO_DSE_CACHE, else `apollo-dse` in the user's cache.
"""

import os
import tempfile
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accel_models.workload import Layer

Index = NDArray[np.int64]


def folder() -> Path:
    """Where portfolios are kept."""
    if chosen := os.environ.get("APOLLO_DSE_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "apollo-dse"


@lru_cache(maxsize=1)
def _source() -> bytes:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return b"".join(file.read_bytes() for file in files)


def fetch(layer: Layer, sizes: tuple[int, ...], search: Callable[[], Index]) -> Index:
    """The stored candidates [m, choice] of a layer, or those that `search` finds, stored from then on.

    `sizes` are the numbers of options; stored indices beyond them are refused. A folder that cannot be
    written costs only the time to search again.
    """
    file = folder() / f"{sha256(_source() + repr(layer).encode()).hexdigest()[:32]}.npy"
    found = _read(file, sizes)
    if found is None:
        found = search()
        _write(file, found)
    return found


def _read(file: Path, sizes: tuple[int, ...]) -> Index | None:
    try:
        found = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    valid = found.dtype == np.int64 and found.ndim == 2 and found.shape[1] == len(sizes) and len(found)
    return found if valid and (found >= 0).all() and (found < np.array(sizes)).all() else None


def _write(file: Path, found: Index) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=file.parent, suffix=".tmp", delete=False) as aside:
            np.save(aside, found, allow_pickle=False)
        os.replace(aside.name, file)
    except OSError:
        return
