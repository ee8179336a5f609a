"""Files that one owner locks at a time; the lock ends with its owner, however that ends."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path


def locked(path: Path) -> int | None:
    """The file at `path`, made if it is missing, opened and locked; None: another has it.

    Raises:
        OSError: it cannot be opened.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file), path.stat()):  # else its last owner has just removed it
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(file)
    return None


def unlock(path: Path, file: int) -> None:
    """Remove a file that `locked` opened, and let go of it."""
    with suppress(OSError):
        path.unlink()
    os.close(file)
