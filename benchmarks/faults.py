"""Faults tried for real: what a search loses when processes are killed, its disk fills, or its clock jumps.

Each round runs `apollo-dse explore` on a simulator of 50 ms, does harm at a random moment, resumes the search
as a user would, and then compares the store with a log that the simulator itself appends and syncs. A round is
survived when
  - the search ends with all trials, each point once, numbered without a gap, each with the value that the
    simulator gives, or failed with a reason where it was harmed;
  - no run that ended `GRACE_S` before the harm, or at any time without one, is made again: what it measured was
    kept;
  - whoever is alive to say something says what happened, in one sentence.

    python benchmarks/faults.py [--rounds N] [--seed S] [--only FAULT ...] [-o FILE]

Rounds are added to those that the file has; a fault that was tried with a seed is not tried with it again.

Ray's faults are tried where Ray is installed, a full disk where a small file system can be mounted; what could
not be tried is named in the results.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

TRIALS = 30
WORKERS = 3
PAUSE_S = 0.05
GRACE_S = 0.5
"""A run that ended so shortly before its driver was killed may not have been read yet."""

LIMIT_S = 180.0
"""No search of a round may take longer; one that does has hung."""

SIMULATOR = f"""
import json, os, sys, time
x = json.load(open(sys.argv[1]))["x"]
here = os.path.dirname(os.path.abspath(__file__))
def note(word):
    file = os.open(here + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    words = (word, x, os.getpid(), os.getppid(), time.clock_gettime(time.CLOCK_BOOTTIME))
    os.write(file, (json.dumps(words) + chr(10)).encode())
    os.fsync(file)
    os.close(file)
note("begun")
time.sleep({PAUSE_S} * (10 if os.path.exists(here + "/slow") else 1))
if os.path.exists(here + "/vandals"):
    if x % 16 == 1: time.sleep(600)
    if x % 16 == 3: print("loss=plenty of"); sys.exit()
    if x % 16 == 5: print("loss=nan"); sys.exit()
    if x % 16 == 7: print("loss=-inf"); sys.exit()
    if x % 16 == 9: print("loss=-3"); sys.exit()
    if x % 16 == 11 and os.fork() == 0: os.setsid(); time.sleep(600)
    if x % 16 == 13: sys.exit("no licence")
note("ended")
print("loss=" + str(float((x - 40) ** 2)))
"""
VANDALISM = {1: "more than", 3: "must be a number", 5: "finite", 7: "finite", 9: "negative", 13: "no licence"}
"""What is said of points, by their number modulo 16, where the simulator misbehaves."""

PLUG_IN = f"""
import json, os, time
from apollo_dse.trial import Measurement
here = os.path.dirname(os.path.abspath(__file__))
class Python:
    metrics, fingerprint = ("loss",), "python"
    def __init__(self, design_space, workloads): pass
    def __call__(self, points): return [self.measured(point["x"]) for point in points]
    def note(self, word, x):
        with open(here + "/log", "a") as file:
            words = (word, x, os.getpid(), os.getppid(), time.clock_gettime(time.CLOCK_BOOTTIME))
            file.write(json.dumps(words) + chr(10)); file.flush(); os.fsync(file.fileno())
    def measured(self, x):
        self.note("begun", x)
        time.sleep({PAUSE_S})
        self.note("ended", x)
        return Measurement({{"loss": float((x - 40) ** 2)}})
"""
CLOCK = """
import datetime, random, time
real, real_ns, now = time.time, time.time_ns, datetime.datetime
def jump(): return random.choice((-1, 1)) * random.choice((3600, 86400, 31536000))
time.time = lambda: real() + jump()
time.time_ns = lambda: real_ns() + jump() * 10**9
class Jumping(now):
    @classmethod
    def now(cls, tz=None): return now.now(tz) + datetime.timedelta(seconds=jump())
datetime.datetime = Jumping
"""
"""For the driver, by way of `sitecustomize`."""

DESCRIPTION = f"""
command: [{sys.executable}, -S, -E, "{{here}}/sim.py", "{{input}}"]
input: {{format: json}}
outputs: {{loss: {{regex: "loss=(.*)"}}}}
timeout_s: 5
"""
SPACE = "template: none\nparameters:\n  x: {kind: integer, low: 0, high: 999}\n"
CLI = "from apollo_dse.cli import main; raise SystemExit(main())"


@dataclass
class Round:
    """One search, harmed once."""

    folder: Path
    chance: random.Random
    words: tuple[str, ...] = ("--evaluator", "sim.yaml", "--workers", str(WORKERS))
    store: str = "store.sqlite"
    harmed_s: float | None = None
    harmed: bool = False
    reasons: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)

    def start(self, *more: str) -> subprocess.Popen[str]:
        """A process that searches."""
        command = [sys.executable, "-c", CLI, "explore", "--space", "space.yaml", "--objective", "loss"]
        command += ["--optimizer", "evolution", "--study", "s", "--store", self.store, "--trials", str(TRIALS)]
        root = str(Path(__file__).resolve().parent.parent)
        own = {"APOLLO_DSE_CACHE": str(self.folder / "cache"), "PYTHONPATH": f"{self.folder}:{root}"}
        return subprocess.Popen(
            [*command, *self.words, *more],
            cwd=self.folder,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def log(self) -> list[tuple[str, int, int, int, float]]:
        """What the simulator wrote: a word, the point, its process and parent, and when."""
        path = self.folder / "log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [tuple(json.loads(line)) for line in lines]

    def at_a_moment(self, process: subprocess.Popen[str]) -> None:
        """Wait until some run is under way, a random one, and then a little more."""
        wanted = self.chance.randint(1, 2 * TRIALS - 8)
        until = time.monotonic() + LIMIT_S
        while len(self.log()) < wanted and process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(self.chance.uniform(0.0, PAUSE_S))

    def harm(self, pid: int) -> None:
        """Kill a process, and remember when."""
        self.harmed_s = time.clock_gettime(time.CLOCK_BOOTTIME)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.harmed = True

    def running(self, column: int) -> int | None:
        """The process, or its parent, of a run that is under way."""
        log = self.log()
        ended = {line[1:3] for line in log if line[0] == "ended"}
        found = [line[column] for line in log if line[0] == "begun" and line[1:3] not in ended]
        found = [pid for pid in found if Path(f"/proc/{pid}").exists()]
        return self.chance.choice(found) if found else None

    def ended(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit code and last words of a search."""
        try:
            _, stderr = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError("the search hung") from None
        lines = [line for line in stderr.splitlines() if line.startswith("apollo-dse:")]
        last = lines[-1] if lines else ""
        self.said.append(f"{process.returncode}: {last}")
        assert "defect" not in last, last
        assert "Traceback" not in stderr, stderr
        return process.returncode, last

    def resumed(self) -> None:
        """Go on until the search is done."""
        code, said = self.ended(self.start("--resume"))
        if code and "no study" in said:  # it was killed before it had begun
            code, said = self.ended(self.start())
        assert code == 0, f"resuming must work, but: {said}"


def killed_driver(round_: Round) -> None:
    """The driver, kill -9."""
    process = round_.start()
    round_.at_a_moment(process)
    round_.harm(process.pid)
    assert round_.ended(process)[0] in (-9, 0)


def killed_driver_asynchronous(round_: Round) -> None:
    """The driver of a search without batches, kill -9."""
    round_.words = (*round_.words, "--asynchronous")
    killed_driver(round_)


def killed_simulator(round_: Round) -> None:
    """A simulator, kill -9."""
    _killed_below(round_, 2, ("killed by SIGKILL",))


def killed_supervisor(round_: Round) -> None:
    """A supervisor, kill -9."""
    _killed_below(round_, 3, ("killed by SIGKILL",))


def killed_worker(round_: Round) -> None:
    """A worker of the process engine, kill -9."""
    round_.words = ("--evaluator", "python", "--workers", str(WORKERS))
    _killed_below(round_, 2, ("its process ended with SIGKILL",))


def killed_ray_worker(round_: Round) -> None:
    """A worker of a Ray cluster, kill -9."""
    round_.words = ("--evaluator", "python", "--workers", str(WORKERS), "--engine", "ray")
    _killed_below(round_, 2, ("its worker was lost",))


def killed_ray_head(round_: Round) -> None:
    """The head or the scheduler of a Ray cluster, kill -9."""
    round_.words = ("--evaluator", "python", "--workers", str(WORKERS), "--engine", "ray")
    process = round_.start()
    round_.at_a_moment(process)
    heads = [pid for pid in _descendants(process.pid) if _name(pid) in ("gcs_server", "raylet")]
    assert heads or process.poll() is not None
    if heads:
        round_.harm(round_.chance.choice(heads))
    round_.reasons = ("its worker was lost",)
    code, said = round_.ended(process)
    if code == 2:
        assert "Ray" in said, f"it must say that Ray is gone, but said {said!r}"


def full_disk(round_: Round) -> None:
    """The disk of the store, full."""
    disk = round_.folder / "disk"
    round_.store = "disk/store.sqlite"
    process = round_.start()
    round_.at_a_moment(process)
    round_.harmed_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    round_.harmed = process.poll() is None
    with suppress(OSError), (disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 256)
    code, said = round_.ended(process)
    if code:
        assert code == 2, said
        assert "full" in said, f"it must say that the disk is full, but said {said!r}"
    (disk / "filler").unlink()


def two_drivers(round_: Round) -> None:
    """Two drivers of one study."""
    (round_.folder / "slow").touch()  # so that the second is there before the first is done
    first = round_.start()
    while not round_.log() and first.poll() is None:
        time.sleep(0.005)
    time.sleep(round_.chance.uniform(0.0, 1.0))
    code, said = round_.ended(round_.start("--resume"))
    assert code in (0, 2), said
    if code == 2:
        assert "another process" in said, said
        round_.harmed = True
    assert round_.ended(first)[0] == 0


def jumping_clock(round_: Round) -> None:
    """The driver's clock, an hour to a year back or on, at every look at it."""
    (round_.folder / "sitecustomize.py").write_text(CLOCK)
    round_.harmed = True
    process = round_.start("--seed", str(round_.chance.randrange(1000)))
    assert round_.ended(process)[0] == 0


def vandals(round_: Round) -> None:
    """Simulators that hang, print garbage, nan, infinite or negative values, fork, or exit."""
    (round_.folder / "vandals").touch()
    round_.harmed = True
    assert round_.ended(round_.start("--seed", str(round_.chance.randrange(1000))))[0] == 0
    for x, metrics, reason in stored(round_.folder / round_.store):
        wanted = VANDALISM.get(x % 16)
        assert (wanted is None) == (reason is None), (
            f"point {x} must be {wanted or 'fine'}, but is {reason or metrics}"
        )
        assert wanted is None or wanted in reason, f"point {x} must be {wanted}, but is {reason}"
    round_.reasons = tuple(VANDALISM.values())
    left = [pid for _, _, pid, _, _ in round_.log() if Path(f"/proc/{pid}").exists()]
    assert not left, f"simulators must be gone, but {left} run"


def _killed_below(round_: Round, column: int, reasons: tuple[str, ...]) -> None:
    process = round_.start()
    round_.at_a_moment(process)
    target = round_.running(column)
    if target is not None and target != process.pid:
        round_.harm(target)
    round_.reasons = reasons
    assert round_.ended(process)[0] == 0, "a search must survive the loss of a run"


FAULTS: dict[str, Callable[[Round], None]] = {
    "driver": killed_driver,
    "driver-asynchronous": killed_driver_asynchronous,
    "simulator": killed_simulator,
    "supervisor": killed_supervisor,
    "worker": killed_worker,
    "two-drivers": two_drivers,
    "vandals": vandals,
    "disk-full": full_disk,
    "clock": jumping_clock,
    "ray-worker": killed_ray_worker,
    "ray-head": killed_ray_head,
}


def stored(path: Path) -> list[tuple[int, dict[str, float], str | None]]:
    """Point, metrics and reason of each trial, read without this project's code."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT number, point, metrics, reason FROM trials ORDER BY number"
        ).fetchall()
    assert [row[0] for row in rows] == list(range(len(rows))), "numbers must have no gap"
    return [(json.loads(point)["x"], json.loads(metrics), reason) for _, point, metrics, reason in rows]


def _checked(round_: Round) -> int:
    """How many runs were made again, which is allowed within `GRACE_S` of the harm.

    Raises:
        AssertionError: a trial is missing, twice there or wrong, or a measurement was lost.
    """
    trials = stored(round_.folder / round_.store)
    assert len(trials) == TRIALS, f"{TRIALS} trials must be there, but {len(trials)} are"
    assert len({x for x, _, _ in trials}) == TRIALS, "no point may be there twice"
    failed = [(x, reason) for x, _, reason in trials if reason is not None]
    for x, metrics, reason in trials:
        if reason is None:
            assert metrics == {"loss": float((x - 40) ** 2)}, (
                f"point {x} must have its own value, but has {metrics}"
            )
        else:
            assert any(each in reason for each in round_.reasons), f"point {x} must not fail: {reason}"
    if round_.reasons and "must be a number" not in round_.reasons:
        assert len(failed) <= (WORKERS if "lost" in round_.reasons[0] else 1), (
            f"one run was harmed, but: {failed}"
        )
    first: dict[int, float] = {}
    again = 0
    for word, x, _, _, when_s in round_.log():
        if word == "begun" and x in first:
            again += 1
            at = round_.harmed_s
            in_flight = at is not None and first[x] > at - GRACE_S
            assert in_flight, f"point {x} was measured, and then once more"
        if word == "ended":
            first.setdefault(x, when_s)
    return again


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            yield int(child)
            yield from _descendants(int(child))


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()).name
    return ""


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """A file system of two megabytes at `folder`/disk."""
    (folder / "disk").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder / "disk")], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder / "disk")], check=True)


def _written(folder: Path) -> None:
    (folder / "sim.py").write_text(SIMULATOR)
    (folder / "sim.yaml").write_text(DESCRIPTION)
    (folder / "space.yaml").write_text(SPACE)
    (folder / "plug_in.py").write_text(PLUG_IN)
    about = folder / "plug_in-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plug_in\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[apollo_dse.evaluators]\npython = plug_in:Python\n")


def tried(fault: str, seed: int) -> dict[str, Any]:
    """One round: whether it was survived, what was said, and how many runs in flight were made again."""
    with TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _written(folder)
        round_ = Round(folder, random.Random(f"{fault} {seed}"))
        again, why = 0, ""
        try:
            with _disk(folder) if fault == "disk-full" else nullcontext():
                FAULTS[fault](round_)
                (folder / "sitecustomize.py").unlink(missing_ok=True)
                round_.resumed()
                again = _checked(round_)
        except AssertionError as error:
            why = str(error) or "an assertion"
        found = {"seed": seed, "survived": not why, "why": why, "harmed": round_.harmed}
        return {**found, "again": again, "said": round_.said}


def missing() -> dict[str, str]:
    """Faults that cannot be tried here, and why."""
    found = {}
    if find_spec("ray") is None:
        found |= dict.fromkeys(("ray-worker", "ray-head"), "Ray is not installed")
    if os.geteuid() != 0 or shutil.which("mount") is None:
        found["disk-full"] = "no file system can be mounted"
    return found


def main() -> None:
    """Try every fault, write how many were survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="of each fault")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results" / "faults.json")
    given = parser.parse_args()
    before = json.loads(given.output.read_text()) if given.output.exists() else {}
    results, absent = before.get("faults", {}), missing()
    for fault in given.only:
        if fault in absent:
            continue
        for seed in range(given.seed, given.seed + given.rounds):
            if seed in results.get(fault, {}).get("seeds", ()):
                continue
            start = time.monotonic()
            last = tried(fault, seed)
            results[fault] = _with(results.get(fault, {}), fault, last, time.monotonic() - start)
            print(fault, seed, "survived" if last["survived"] else f"LOST: {last}", flush=True)
            about = {"trials": TRIALS, "workers": WORKERS, "simulator_s": PAUSE_S}
            text = json.dumps({**about, "not_tried": absent, "faults": results}, indent=1)
            given.output.write_text(text + "\n")


def _with(before: dict[str, Any], fault: str, round_: dict[str, Any], seconds: float) -> dict[str, object]:
    """The results of a fault and one more round of it."""
    said = Counter(before.get("said", {})) + Counter(map(_shape, round_["said"]))
    return {
        "what": (FAULTS[fault].__doc__ or "").strip(),
        "tried": before.get("tried", 0) + 1,
        "survived": before.get("survived", 0) + bool(round_["survived"]),
        "harmed": before.get("harmed", 0) + bool(round_["harmed"]),
        "measured_again_in_flight": before.get("measured_again_in_flight", 0) + round_["again"],
        "seeds": [*before.get("seeds", ()), round_["seed"]],
        "said": dict(said.most_common(6)),
        "lost": [*before.get("lost", ()), *([] if round_["survived"] else [round_])],
        "seconds": round(before.get("seconds", 0.0) + seconds, 1),
        "load": round(os.getloadavg()[0], 1),
    }


def _shape(said: str) -> str:
    """Last words without their numbers and paths, so that equal ones can be counted."""
    return "".join("#" if each.isdigit() else each for each in said.partition("; go on with")[0])[:160]


if __name__ == "__main__":
    main()
