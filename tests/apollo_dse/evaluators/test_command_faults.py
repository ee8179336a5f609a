"""Programs that go wrong, run for real: nothing hangs, nothing is left behind, and reasons say why."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from apollo_dse.evaluators.cancelling import Cancelled, cancelled
from apollo_dse.evaluators.command import running, supervisor
from apollo_dse.trial import FAILED, Measurement
from tests.apollo_dse.evaluators.simulators import described, simulator, space

POINT = {"x": 4, "y": 3}
FORK = """
import os, sys, time
for escape in (False, True):
    if os.fork() == 0:
        if escape:
            os.setsid()
            if os.fork():
                os._exit(0)
        with open(f"{here}/pid{escape}", "w") as file:
            file.write(str(os.getpid()))
        time.sleep(600)
while not all(os.path.exists(f"{here}/pid{escape}") for escape in (False, True)):
    time.sleep(0.01)
"""


def failed(folder, code, **keys):
    """The reason of a run that fails, without the words that all of them have."""
    [measured] = simulator(folder, code, **keys)([POINT])
    assert measured.has_failed, measured
    return measured.infeasible_because.removeprefix(f"{FAILED}: ")


def forking(folder, rest=""):
    """A program that starts two processes, one of them in a session of its own as an orphan."""
    return FORK.replace("{here}", str(folder)) + rest


def all_gone(folder, patience_s=10.0):
    """Whether the processes that `forking` started are no more; they may take a moment."""
    pids = [int((folder / f"pid{escape}").read_text()) for escape in (False, True)]
    until = time.monotonic() + patience_s
    while any(alive(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def alive(pid):
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys; print('a\\nb\\nc; d\\ne', file=sys.stderr); sys.exit(3)",
         "exit code 3, but exit code 0 is success, and stderr ends in 'b | c, d | e'"),
        ("raise SystemExit(5)", "exit code 5, but exit code 0 is success"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV, but"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL, but"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGRTMAX)", "killed by "),
        ("pass", "`cycles` must be in stdout, but nothing there is 'cycles=(.*)'"),
        ("print('cycles=fast')", "`cycles` must be a number, but 'cycles=(.*)' in stdout has 'fast'"),
        ("print('cycles=nan')", "`cycles` must be finite, but 'cycles=(.*)' in stdout has 'nan'"),
        ("print('cycles=-inf')", "`cycles` must be finite"),
        ("print('cycles=1e400')", "`cycles` must be finite"),
        ("print('cycles=-1')", "`cycles` must not be negative, but 'cycles=(.*)' in stdout has '-1'"),
        ("import sys; sys.stdout.buffer.write(bytes(range(256)) * 99)", "`cycles` must be in stdout"),
    ],
)  # fmt: skip
def test_a_run_that_goes_wrong_has_failed_and_says_how(tmp_path, code, why):
    assert failed(tmp_path, code).startswith(why)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("pass", "`cycles` must be in 'output', but the program wrote no such file"),
        ("open(sys.argv[2], 'w').write('{\"a\": ')", "output must be JSON, but it begins with '{\"a\": '"),
        ("open(sys.argv[2], 'w').write('[' * 100000)", "output must be JSON"),
        ("open(sys.argv[2], 'w').write('{\"b\": 1}')", "the path 'a' must lead somewhere, but there is no 'a'"),
        ("open(sys.argv[2], 'w').write('{\"a\": Infinity}')", "`cycles` must be finite"),
        ("os.mkfifo(sys.argv[2])", "`cycles` must be in 'output', but the program wrote no such file"),
        ("os.symlink('/dev/zero', sys.argv[2])", "`cycles` must be in 'output', but the program wrote no such"),
    ],
)
def test_output_files_that_are_none(tmp_path, code, why):
    outputs = {"cycles": {"json": "a", "from": "output"}}
    assert failed(tmp_path, f"import os, sys\n{code}", outputs=outputs).startswith(why)


def test_a_program_that_hangs_is_ended_with_all_that_it_forked(tmp_path):
    code = forking(tmp_path, "time.sleep(600)")
    assert failed(tmp_path, code, timeout_s=1.0) == "it ran for more than 1 s"
    assert all_gone(tmp_path)


def test_one_that_will_not_be_asked_is_killed(tmp_path, monkeypatch):
    code = (
        f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{forking(tmp_path, 'time.sleep(600)')}"
    )
    assert failed(tmp_path, code, timeout_s=1.0) == "it ran for more than 1 s"
    assert all_gone(tmp_path)


def test_one_that_can_be_asked_may_tidy_up(tmp_path):
    code = f"""
import signal, sys, time
def leave(number, frame):
    open({str(tmp_path / "tidy")!r}, "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
time.sleep(600)
"""
    assert failed(tmp_path, code, timeout_s=0.7) == "it ran for more than 1 s".replace("1", "0.7")
    assert (tmp_path / "tidy").exists()


def test_what_it_leaves_running_ends_with_it(tmp_path):
    [measured] = simulator(tmp_path, forking(tmp_path, "print('cycles=7')"))([POINT])
    assert measured == Measurement({"cycles": 7.0})
    assert all_gone(tmp_path)


def test_a_supervisor_that_is_killed_takes_its_simulator_along(tmp_path):
    code = """
import os, signal, time
os.kill(os.getppid(), signal.SIGKILL)
time.sleep(0.3)
open(os.path.join(os.path.dirname(__file__), "outlived"), "w").write("x")
"""
    [measured] = simulator(tmp_path, code)([POINT])
    assert measured == Measurement.failed("killed by SIGKILL, but exit code 0 is success")
    time.sleep(0.5)
    assert not (tmp_path / "outlived").exists()


def test_a_flood_is_read_in_bounded_memory_and_its_end_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "KEPT_BYTES", 1 << 20)
    code = "import sys\nfor _ in range(64): sys.stdout.write('cycles=1\\n' * 100000)\nprint('cycles=2')"
    keep = []
    tail = running._Tail.text
    monkeypatch.setattr(running._Tail, "text", lambda self: keep.append(tail(self)) or keep[-1])
    [measured] = simulator(tmp_path, code)([POINT])
    assert measured == Measurement({"cycles": 2.0})
    assert len(keep[0]) == 1 << 20, "57.6 MB were written"


def test_a_large_file_is_read_from_its_end(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "KEPT_BYTES", 1000)
    code = "import sys; open(sys.argv[2], 'w').write('cycles=1\\n' * 10000 + 'cycles=2')"
    outputs = {"cycles": {"regex": "cycles=(.*)", "from": "output"}}
    [measured] = simulator(tmp_path, code, outputs=outputs)([POINT])
    assert measured == Measurement({"cycles": 2.0})


def test_memory_is_limited(tmp_path):
    code = "kept = bytearray(1 << 30); print('cycles=1')"
    assert "MemoryError" in failed(tmp_path, code, memory_bytes="256MiB")
    [measured] = simulator(tmp_path, code)([POINT])
    assert measured.is_feasible


def test_crashes_are_retried_with_growing_pauses_and_nothing_else_is(tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr("apollo_dse.evaluators.command.attempts._wait", pauses.append)
    counted = str(tmp_path / "count")
    count = f"open({counted!r}, 'a').write('x')\n"
    keys = {"retries": 3, "retry_after_s": 2}

    def runs():
        path = tmp_path / "count"
        made = len(path.read_text())
        path.unlink()
        return made

    assert failed(tmp_path, f"{count}raise SystemExit(1)", **keys).startswith("exit code 1")
    assert (runs(), pauses) == (4, [2.0, 4.0, 8.0])
    failed(tmp_path, f"{count}print('cycles=nan')", **keys)
    assert runs() == 1
    once = f"{count}import sys\nif len(open({counted!r}).read()) < 3: sys.exit(1)\nprint('cycles=5')"
    assert simulator(tmp_path, once, **keys)([POINT]) == [Measurement({"cycles": 5.0})]
    assert runs() == 3
    said = simulator(tmp_path, f"{count}raise SystemExit(1)", infeasible=[{"exit_code": 1}], **keys)([POINT])
    assert said == [Measurement(infeasible_because="exit code 1")]
    assert runs() == 1


def test_a_program_that_cannot_be_started_says_so(tmp_path):
    path = tmp_path / "broken"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    said = failed(tmp_path, "", command=["{here}/broken", "{x}", "{y}"], input=None)
    assert said.startswith("exit code 127, but")
    assert "cannot be started: " in said


def test_a_run_that_is_broken_off_leaves_nothing(tmp_path):
    evaluator = simulator(tmp_path, forking(tmp_path, "time.sleep(600)"))
    stop, ends = Event(), []

    def measure():
        cancelled.set(stop.is_set)
        with pytest.raises(Cancelled):
            evaluator([POINT])
        ends.append("cancelled")

    thread = Thread(target=measure)
    thread.start()
    while not ((tmp_path / "pidTrue").exists() and (tmp_path / "pidTrue").read_text()):
        time.sleep(0.01)
    stop.set()
    thread.join(20)
    assert ends == ["cancelled"]
    assert all_gone(tmp_path)


def test_a_driver_that_is_killed_takes_its_simulator_along(tmp_path):
    path = described(tmp_path, forking(tmp_path, "time.sleep(600)"))
    space(tmp_path)
    script = f"""
from apollo_dse.evaluators import get
from search_spaces import load
get({str(path)!r})(load({str(tmp_path / "space.yaml")!r}), ())([{POINT!r}])
"""
    driver = subprocess.Popen([sys.executable, "-c", script])
    while not ((tmp_path / "pidTrue").exists() and (tmp_path / "pidTrue").read_text()):
        assert driver.poll() is None
        time.sleep(0.01)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert all_gone(tmp_path, patience_s=supervisor.GRACE_S + 10)


def test_directories_are_deleted_unless_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code = "import os; os.mkdir('deep'); open('deep/file', 'w').close(); print('cycles=1')"
    before = set(os.listdir(tmp_path))
    simulator(tmp_path, code)([POINT])
    assert set(os.listdir(tmp_path)) - before == {"sim.py", "sim.yaml", "space.yaml"}
    for _ in range(2):
        simulator(tmp_path, code, keep="runs").evaluator([POINT])
    [directory] = (tmp_path / "runs").iterdir()
    assert {each.name for each in directory.iterdir()} == {"deep", "input.json"}
