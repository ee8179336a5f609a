"""Simulators that are made up: they write down what they begin and end, and misbehave at chosen points."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.command.description import Description, Input, Limits
from apollo_dse.evaluators.command.evaluator import CommandEvaluator
from apollo_dse.evaluators.command.outputs import Output
from apollo_dse.trial import Measurement
from search_spaces.parameter import Integer
from search_spaces.space import DesignSpace, Point, SearchSpace, no_template

SPACE = SearchSpace((Integer("x", 0, 99),))
TIMEOUT_S = 3.0
"""For a run that never ends; one that is quick takes a small part of it on a busy machine, too."""

EXITS, CRASHES, BABBLES, NAN, INFINITE, NEGATIVE, MUTE, FORKS, HANGS = range(90, 99)
"""Points at which the program misbehaves."""

PROGRAM = f"""
import json, os, sys, time
x, log = json.load(open(sys.argv[1]))["x"], sys.argv[2]
def note(word):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, (word + " " + str(x) + chr(10)).encode())
    os.fsync(file)
    os.close(file)
note("begun")
time.sleep(float(sys.argv[3]) * (1 + 3 * (x % 2 == 0)))
if x == {EXITS}: sys.exit("no licence")
if x == {CRASHES}: os.kill(os.getpid(), 11)
if x == {HANGS}: time.sleep(600)
if x == {FORKS} and os.fork() == 0:
    os.setsid()
    time.sleep(1)
    note("escaped")
    os._exit(0)
said = {{{BABBLES}: "loss=many", {NAN}: "loss=nan", {INFINITE}: "loss=inf", {NEGATIVE}: "loss=-1", {MUTE}: ""}}
note("ended")
print(said.get(x, "loss=" + str(float((x - 40) ** 2))))
"""


def points(*xs: int) -> list[Point]:
    """Points of `SPACE`."""
    return [{"x": x} for x in xs]


def measured(*xs: int) -> list[Measurement]:
    """What all evaluators in here say of points at which nothing goes wrong."""
    return [Measurement({"loss": float((x - 40) ** 2)}) for x in xs]


def program(folder: Path, pause_s: float = 0.0, timeout_s: float = TIMEOUT_S) -> Evaluator:
    """A program that waits a little, four times as long at even points, and misbehaves at some."""
    (folder / "sim.py").write_text(PROGRAM)
    command = (sys.executable, "-S", "-E", "{here}/sim.py", "{input}", "{here}/log", str(pause_s))
    description = Description(
        name="program",
        folder=folder,
        command=command,
        outputs=(Output(metric="loss", regex="loss=(.*)"),),
        input=Input("json", "input.json"),
        limits=Limits(timeout_s=timeout_s),
    )
    return CommandEvaluator(description, DesignSpace("numbers", SPACE, no_template, "made up"))


class Clerk:
    """An evaluator of Python that writes down what it begins, and misbehaves where it is told to.

    Args:
        folder: has the file `log`.
        faults: by point, what it does: it `dies`, `leaves`, `hangs`, `raises`, `babbles`, or `dies once`.
        timeout_s: for a point.
        retries: after the loss of a process.
    """

    metrics, fingerprint = ("loss",), "clerk"

    def __init__(
        self, folder: Path, faults: Mapping[int, str] | None = None, timeout_s: float = 60.0, retries: int = 0
    ) -> None:
        self.log = folder / "log"
        self.faults = faults or {}
        self.timeout_s = timeout_s
        self.retries = retries

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order."""
        return [self._measured(int(point["x"])) for point in points]

    def _measured(self, x: int) -> Measurement:
        again = f"begun {x}" in written(self.log.parent)
        with self.log.open("a") as file:
            file.write(f"begun {x}\n")
        fault = self.faults.get(x)
        if fault == "dies" or (fault == "dies once" and not again):
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "leaves":
            os._exit(3)
        if fault == "hangs":
            time.sleep(600)
        if fault == "raises":
            raise ValueError("x is what it must not be")
        return measured(x)[0] if fault != "babbles" else 7.0  # type: ignore[return-value]


def written(folder: Path) -> list[str]:
    """Lines of the log, so far."""
    log = folder / "log"
    return log.read_text().splitlines() if log.exists() else []
