"""Where a published simulator is, and which version: looked for once, before anything is run with it."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PATIENCE_S = 60.0
"""How long a program may take to say its version."""

_ASKED = "import importlib.metadata as m, sys; sys.stdout.write(m.version(sys.argv[1]))"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that runs here: its path, and what tells it from others (its version, mostly)."""

    path: str
    identity: str


def interpreter_with(distribution: str, python: str | None, install: str) -> Program:
    """A Python interpreter whose environment has a distribution, and the version of that.

    Args:
        distribution: its name on PyPI.
        python: the interpreter; by default the one that runs this.
        install: the words that install it.

    Raises:
        ValueError: there is no such interpreter, or it has no such distribution.
    """
    path = located(python or sys.executable)
    if path is None:
        raise ValueError(f"a Python interpreter must be there and executable, but {python!r} is not")
    version = _version(path, distribution)
    if version is None:
        whose = "this environment" if python is None else f"that of {python}"
        how = f"install it in one of its own ({install}), and name its interpreter"
        raise ValueError(f"the distribution {distribution!r} must be installed, but {whose} has none; {how}")
    return Program(path, version)


def located(program: str) -> str | None:
    """The absolute path of a program, by its path or on PATH; None: there is none."""
    found = shutil.which(program)
    return None if found is None else str(Path(found).absolute())


@lru_cache(maxsize=64)
def _version(python: str, distribution: str) -> str | None:
    """The version that an interpreter sees; None: it sees none."""
    try:
        asked = subprocess.run(
            (python, "-c", _ASKED, distribution),
            capture_output=True,
            timeout=PATIENCE_S,
            text=True,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
