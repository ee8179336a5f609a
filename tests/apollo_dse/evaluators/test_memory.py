"""Nothing is measured twice: by one study, by another, by two at the same time, by one that is killed."""

import signal
import sqlite3
import subprocess
import sys
import time
from threading import Event, Thread

import pytest

from apollo_dse.evaluators import cancelling, get
from apollo_dse.evaluators.memory import FILE, Remembered
from apollo_dse.trial import Measurement
from tests.apollo_dse.evaluators.simulators import described, simulator, space

POINTS = [{"x": x, "y": 2} for x in (1, 2, 4, 8)]


class Counted:
    """Doubles x; it counts what it is asked for, and fails at odd numbers of y."""

    metrics = ("double",)

    def __init__(self, fingerprint="doubling"):
        self.fingerprint = fingerprint
        self.asked = []

    def __call__(self, points):
        self.asked += points
        return [
            Measurement.failed("no licence")
            if point["y"] % 2
            else Measurement({"double": 2.0 * point["x"]}, bottlenecks={"x": 0.1})
            if point["x"] < 8
            else Measurement(infeasible_because="`x < 8` must hold, but x=8")
            for point in points
        ]


def counting(folder, **keys):
    """A program that writes a line into `runs` whenever it runs, and its file."""
    code = f"""
import json, sys, time
x = json.load(open(sys.argv[1]))["x"]
open({str(folder / "runs")!r}, "a").write(f"{{x}}\\n")
time.sleep(0.2)
print(f"cycles={{x * 10}}")
"""
    return described(folder, code, **keys)


def runs(folder):
    return sorted((folder / "runs").read_text().split()) if (folder / "runs").exists() else []


def test_answers_are_the_same_and_asked_for_once():
    wanted = Counted()(POINTS)
    for _ in range(2):
        counted = Counted()
        kept = Remembered(counted)
        assert kept([POINTS[0], POINTS[3], POINTS[0]]) == [wanted[0], wanted[3], wanted[0]]
        assert kept(POINTS) == wanted
        assert (kept.metrics, kept.fingerprint) == (("double",), "doubling")
    assert counted.asked == [], "the second is another process's: it knows the file alone"
    other = Counted("another")
    assert Remembered(other)(POINTS) == wanted
    assert len(other.asked) == 4


def test_a_run_that_failed_is_tried_again():
    counted = Counted()
    odd = [{"x": 1, "y": 1}]
    for _ in range(2):
        [measured] = Remembered(counted)(odd)
        assert measured.has_failed
    assert counted.asked == odd * 2


def test_what_a_plug_in_says_depends_on_its_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "from tests.apollo_dse.evaluators.test_memory import Counted\nclass Theirs(Counted): pass\n"
    asked = []
    for turn, text in enumerate([code, code, f"{code}# changed\n"]):
        (tmp_path / "theirs.py").write_text(text)
        sys.modules.pop("theirs", None)
        counted = __import__("theirs").Theirs()
        Remembered(counted, with_source=True)(POINTS)
        asked.append(len(counted.asked))
        assert turn < 3
    assert asked == [4, 0, 4]
    sys.modules.pop("theirs")


def test_a_file_that_cannot_be_used_costs_only_time(cache, tmp_path):
    (cache / FILE).write_bytes(b"no database " * 100)
    assert Remembered(Counted())(POINTS) == Counted()(POINTS)
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    assert Remembered(Counted(), path=nowhere / FILE)(POINTS) == Counted()(POINTS)
    with sqlite3.connect(tmp_path / "odd.sqlite") as connection:
        connection.execute("CREATE TABLE measurements (world BLOB, point TEXT, answer TEXT)")
        connection.execute("CREATE VIEW odd AS SELECT 1")
    assert Remembered(Counted(), path=tmp_path / "odd.sqlite")(POINTS) == Counted()(POINTS)


def test_a_changed_simulator_is_run_again(tmp_path):
    first = counting(tmp_path)
    assert get(str(first))(space(tmp_path), ())(POINTS[:2]) == [
        Measurement({"cycles": c}) for c in (10.0, 20.0)
    ]
    get(str(first))(space(tmp_path), ())(POINTS[:2])
    assert runs(tmp_path) == ["1", "2"]
    (tmp_path / "sim.py").write_text((tmp_path / "sim.py").read_text().replace("x * 10", "x * 11"))
    assert get(str(first))(space(tmp_path), ())(POINTS[:1]) == [Measurement({"cycles": 11.0})]
    assert runs(tmp_path) == ["1", "1", "2"]


def test_studies_at_the_same_time_simulate_nothing_twice(tmp_path, cache):
    path = counting(tmp_path)
    space(tmp_path)
    script = f"""
import sys
from pathlib import Path
from apollo_dse.evaluators import get, memory
from search_spaces import load
memory.folder = lambda: Path({str(cache)!r})
evaluator = get({str(path)!r})(load({str(tmp_path / "space.yaml")!r}), ())
for x in map(int, sys.argv[1:]):
    [measured] = evaluator([{{"x": x, "y": 1}}])
    assert measured.metrics == {{"cycles": x * 10.0}}, measured
"""
    studies = [
        subprocess.Popen([sys.executable, "-c", script, *order.split()])
        for order in ("1 2 4 8", "8 4 2 1", "1 2 4 8")
    ]
    assert [study.wait() for study in studies] == [0, 0, 0]
    assert runs(tmp_path) == ["1", "2", "4", "8"]
    assert list((cache / "running").iterdir()) == []


def test_one_that_is_killed_is_not_waited_for(tmp_path, cache):
    script = f"""
import time
from pathlib import Path
from apollo_dse.evaluators import memory
from tests.apollo_dse.evaluators.test_memory import Counted, POINTS
class Slow(Counted):
    def __call__(self, points):
        print("begun", flush=True)
        time.sleep(600)
memory.Remembered(Slow(), path=Path({str(cache / FILE)!r}))(POINTS)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout.readline() == "begun\n"
        assert len(list((cache / "running").iterdir())) == 4
        killed.send_signal(signal.SIGKILL)
    assert Remembered(Counted())(POINTS) == Counted()(POINTS)
    assert list((cache / "running").iterdir()) == []


def test_waiting_for_another_can_be_broken_off():
    begun, finish, stop = Event(), Event(), Event()

    class Slow(Counted):
        def __call__(self, points):
            begun.set()
            finish.wait()
            return super().__call__(points)

    slow = Thread(target=lambda: Remembered(Slow())(POINTS[:1]))
    slow.start()
    begun.wait()

    def wait():
        cancelling.cancelled.set(stop.is_set)
        with pytest.raises(cancelling.Cancelled):
            Remembered(Counted())(POINTS[:1])
        stop.clear()

    waiting = Thread(target=wait)
    waiting.start()
    time.sleep(0.05)
    stop.set()
    waiting.join(20)
    assert not stop.is_set()
    finish.set()
    slow.join(20)
    counted = Counted()
    Remembered(counted)(POINTS[:1])
    assert counted.asked == []


def test_a_program_that_fails_is_run_again(tmp_path):
    path = tmp_path / "ready"
    code = f"import os, sys; sys.exit(1) if not os.path.exists({str(path)!r}) else print('cycles=1')"
    evaluator = simulator(tmp_path, code)
    assert evaluator(POINTS[:1])[0].has_failed
    path.touch()
    assert evaluator(POINTS[:1]) == [Measurement({"cycles": 1.0})]
