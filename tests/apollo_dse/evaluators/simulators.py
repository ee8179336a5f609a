"""Simulators of a few lines, and the files that describe them, written into a folder of a test's own."""

import sys
from pathlib import Path

import yaml

from apollo_dse.evaluators import get
from search_spaces import load

SPACE = """
template: none
parameters:
  x: {kind: ordinal, values: [1, 2, 4, 8]}
  y: {kind: integer, low: 1, high: 9}
"""


def space(folder: Path):
    """Two numbers that no template knows."""
    (folder / "space.yaml").write_text(SPACE)
    return load(folder / "space.yaml")


def described(folder: Path, code: str, **keys: object) -> Path:
    """A file that describes a program of Python; it is given its point as JSON, unless `keys` say otherwise."""
    (folder / "sim.py").write_text(code)
    content = {
        "command": [sys.executable, "{here}/sim.py", "{input}", "{output}"],
        "input": {"format": "json"},
        "outputs": {"cycles": {"regex": "cycles=(.*)"}},
        "timeout_s": 20,
        **keys,
    }
    path = folder / "sim.yaml"
    path.write_text(
        yaml.safe_dump({key: value for key, value in content.items() if value is not None}, sort_keys=False)
    )
    return path


def simulator(folder: Path, code: str, **keys: object):
    """The evaluator of a program of Python, on the space of this file."""
    return get(str(described(folder, code, **keys)))(space(folder), ())
