"""Simulators of a few lines, as programs with files that describe them, and as a plug-in."""

import os
import signal
import sys
import time
from pathlib import Path

import yaml

from apollo_dse.evaluators import get
from apollo_dse.trial import Measurement
from search_spaces import load
from search_spaces.parameter import Integer
from search_spaces.space import SearchSpace

FILE = """
template: none
parameters:
  x: {kind: ordinal, values: [1, 2, 4, 8]}
  y: {kind: integer, low: 1, high: 9}
"""

SPACE = SearchSpace((Integer("x", 0, 99), Integer("y", 0, 99)))


def space(folder: Path):
    """Two numbers that no template knows."""
    (folder / "space.yaml").write_text(FILE)
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


class Plain:
    """A plug-in of Python: some points are slow, some crash, some raise, some never end."""

    metrics, fingerprint = ("loss",), "plain"

    def __init__(self, timeout_s=60.0, **faults):
        self.timeout_s = timeout_s
        self.faults = faults

    def __call__(self, points):
        return [self._measured(point) for point in points]

    def _measured(self, point):
        x = point["x"]
        if x == self.faults.get("dies"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if x == self.faults.get("leaves"):
            os._exit(3)
        if x == self.faults.get("hangs"):
            time.sleep(600)
        if x == self.faults.get("raises"):
            raise ValueError("x is what it must not be")
        if self.faults.get("uneven"):
            time.sleep(0.02 * (x % 3))
        return Measurement({"loss": float((x - 40) ** 2 + (point["y"] - 7) ** 2)})
