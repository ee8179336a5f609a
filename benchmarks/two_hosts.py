"""A Ray cluster of two hosts tried for real: what a search loses when one of them is killed or cut off.

A host is a set of Linux namespaces: a network with an address, processes, a name and shared memory of its own;
a pair of virtual interfaces joins the two. All files are shared, Ray's own among them. Needs root on Linux,
with `ip`, `unshare` and `nsenter`, and Ray.

    python benchmarks/two_hosts.py [--rounds N] [--only CASE ...] [-o FILE]

In each round a search asks a program of 0.2 s by workers of both hosts, two each; its driver is on the head.
Harm is done at a moment that is drawn. Then the search is resumed for some more trials, with as many workers as
there are CPUs left. A round is survived when
  - the search ends by itself with all trials, each point once, each with the program's value or failed with the
    reason that its worker was lost; no more of these than the host that was harmed had workers;
  - no point is given to the program twice, by its own log, and no run is lost that ended `GRACE_S` before the
    harm;
  - resumed, it makes the trials that are missing and no other.
"""

import argparse
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from faults import CLI, SPACE, stored

ROOT = Path(__file__).resolve().parent.parent
TRIALS, MORE = 120, 20
CPUS = 2
"""Of each host."""

PAUSE_S, GRACE_S, LIMIT_S = 0.2, 0.5, 240.0
PORT = 6379
SIMULATOR = f"""
import json, os, sys, time
x = json.load(open(sys.argv[1]))["x"]
def note(word):
    file = os.open(os.path.dirname(os.path.abspath(__file__)) + "/log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    words = (word, x, os.uname().nodename, time.clock_gettime(time.CLOCK_BOOTTIME))
    os.write(file, (json.dumps(words) + chr(10)).encode())
    os.close(file)
note("begun")
time.sleep({PAUSE_S})
note("ended")
print("loss=" + str(float((x - 40) ** 2)))
"""
DESCRIPTION = f"""
command: [{sys.executable}, -S, -E, "{{here}}/sim.py", "{{input}}"]
input: {{format: json}}
outputs: {{loss: {{regex: "loss=(.*)"}}}}
timeout_s: 60
"""
ALONE = 'hostname "$0"; mount -t tmpfs tmpfs /dev/shm; exec "$@"'
JOINED = """
import ray, sys, time
ray.init(sys.argv[1], logging_level="ERROR")
while ray.cluster_resources().get("CPU", 0) < int(sys.argv[2]):
    time.sleep(0.2)
"""
APART = ("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c")
RAY = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", "--block"]


@dataclass
class Host:
    """A host by its name, the name of its network and its address; `process` holds all that runs on it."""

    name: str
    network: str
    address: str
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        """Of what runs on it: the token of the cluster, and a cache of its own."""
        ours = {"PYTHONPATH": str(ROOT), "APOLLO_DSE_CACHE": str(self.folder / self.name)}
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(self.folder / "token")}
        return {**os.environ, **ours, **token, "RAY_USAGE_STATS_ENABLED": "0"}

    def start(self, words: Sequence[str]) -> None:
        """Run a program as the host's first."""
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.network, *APART, ALONE, self.name, *words],
                env=self.environment,
                stdout=log,
                stderr=log,
            )

    def inside(self, words: Sequence[str]) -> "subprocess.Popen[str]":
        """One more program on the host."""
        assert self.process is not None
        pid = self.process.pid
        [first] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        enter = ["nsenter", f"--wd={self.folder}", "-t", first, "-n", "-m", "-u", "-i", "-p"]
        pipe = subprocess.PIPE
        return subprocess.Popen([*enter, *words], env=self.environment, text=True, stdout=pipe, stderr=pipe)

    def kill(self) -> None:
        """End all that runs on it, at once."""
        if self.process is not None:
            self.process.send_signal(
                signal.SIGKILL
            )  # its first process is killed with it, and so are all others
            self.process.wait()


@dataclass
class Round:
    """Two hosts with a cluster, and a search."""

    folder: Path
    chance: random.Random
    head: Host
    other: Host
    harmed_s: float | None = None
    said: list[str] = field(default_factory=list)

    def join(self) -> None:
        """Have the other host join the cluster, and wait for it."""
        self.other.start(
            [*RAY, f"--address={self.head.address}:{PORT}", f"--node-ip-address={self.other.address}", *_cpus()]
        )
        self.joined(2 * CPUS)

    def joined(self, cpus: int) -> None:
        """Wait until the cluster has as many CPUs."""
        words = [sys.executable, "-c", JOINED, f"{self.head.address}:{PORT}", str(cpus)]
        _, stderr = self.head.inside(words).communicate(timeout=LIMIT_S)
        assert "Error" not in stderr, stderr

    def search(self, trials: int, workers: int, *more: str) -> "subprocess.Popen[str]":
        """A driver on the head."""
        words = ["--space", "space.yaml", "--evaluator", "sim.yaml", "--objective", "loss", "--study", "s"]
        words += ["--store", "store.sqlite", "--optimizer", "evolution", "--trials", str(trials)]
        words += ["--engine", "ray", "--ray-address", f"{self.head.address}:{PORT}", "--workers", str(workers)]
        return self.head.inside([sys.executable, "-c", CLI, "explore", *words, *more])

    def log(self) -> list[tuple[str, int, str, float]]:
        """What the program wrote: a word, the point, the host and when."""
        path = self.folder / "log"
        return [tuple(json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []

    def at_a_moment(self, process: "subprocess.Popen[str]", earliest: int, latest: int) -> None:
        """Wait until as many runs as are drawn have begun, and then a little more."""
        wanted, until = self.chance.randint(earliest, latest), time.monotonic() + LIMIT_S
        while sum(line[0] == "begun" for line in self.log()) < wanted and process.poll() is None:
            assert time.monotonic() < until, "the search hung before any harm was done"
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0.0, PAUSE_S))
        self.harmed_s = time.clock_gettime(time.CLOCK_BOOTTIME)

    def ended(self, process: "subprocess.Popen[str]") -> None:
        """Wait for the end of a search, which must be a good one."""
        try:
            _, stderr = process.communicate(timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"the search hung after {len(self.log())} lines of the log") from None
        lines = [line for line in stderr.splitlines() if line.startswith("apollo-dse:")]
        self.said.append(f"{process.returncode}: {lines[-1] if lines else ''}".rstrip(": "))
        assert process.returncode == 0, self.said[-1]


def nothing(round_: Round) -> None:
    """Nothing."""
    round_.ended(round_.search(TRIALS, 2 * CPUS))


def killed(round_: Round) -> None:
    """The other host, killed."""
    process = round_.search(TRIALS, 2 * CPUS)
    round_.at_a_moment(process, 8, TRIALS - 20)
    round_.other.kill()
    round_.ended(process)


def killed_early(round_: Round) -> None:
    """The other host, killed while its workers load the evaluator."""
    process = round_.search(TRIALS, 2 * CPUS)
    time.sleep(round_.chance.uniform(2.0, 5.0))
    round_.at_a_moment(process, 0, 0)
    round_.other.kill()
    round_.ended(process)


def cut_off(round_: Round) -> None:
    """The other host, its link down."""
    process = round_.search(TRIALS, 2 * CPUS)
    round_.at_a_moment(process, 8, TRIALS - 20)
    _ip(f"-n {round_.other.network} link set {round_.other.network} down")
    round_.ended(process)


def back_again(round_: Round) -> None:
    """The other host, killed and started again."""
    process = round_.search(3 * TRIALS, 2 * CPUS)
    round_.at_a_moment(process, 8, TRIALS - 20)
    round_.other.kill()
    round_.join()
    back_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    round_.ended(process)
    again = [line for line in round_.log() if line[2] == round_.other.name and line[3] > back_s]
    assert again, "a host that is back must have work again"


CASES: dict[str, Callable[[Round], None]] = {
    "nothing": nothing,
    "killed": killed,
    "killed-early": killed_early,
    "cut-off": cut_off,
    "back-again": back_again,
}


def checked(round_: Round) -> dict[str, Any]:
    """How many runs each host ended, how many trials failed.

    Raises:
        AssertionError: a trial is missing, twice there or wrong, or a measurement was lost.
    """
    trials = stored(round_.folder / "store.sqlite")
    values = {x: metrics for x, metrics, reason in trials if reason is None}
    failed = {x: reason for x, _, reason in trials if reason is not None}
    assert len(values) + len(failed) == len(trials), "no point may be there twice"
    for x, metrics in values.items():
        assert metrics == {"loss": float((x - 40) ** 2)}, (
            f"point {x} must have its own value, but has {metrics}"
        )
    for x, reason in failed.items():
        assert "its worker was lost" in reason, f"point {x} must not fail: {reason}"
    assert len(failed) <= CPUS * (round_.harmed_s is not None), f"fewer runs were harmed than failed: {failed}"
    log = round_.log()
    twice = [x for x, count in Counter(x for word, x, _, _ in log if word == "begun").items() if count > 1]
    assert not twice, f"points {twice} were measured twice"
    safe_s = float("inf") if round_.harmed_s is None else round_.harmed_s - GRACE_S
    ended = [
        (x, host) for word, x, host, when_s in log if word == "ended" and (when_s < safe_s or host == "head")
    ]
    lost = [x for x, _ in ended if x not in values]
    assert not lost, f"points {lost} were measured, and it was lost"
    return {"runs": dict(Counter(host for word, _, host, _ in log if word == "ended")), "failed": len(failed)}


def _cpus() -> list[str]:
    return [f"--num-cpus={CPUS}", "--disable-usage-stats"]


def _ip(words: str) -> None:
    subprocess.run(["ip", *words.split()], check=True)


@contextmanager
def two_hosts(folder: Path) -> Iterator[tuple[Host, Host]]:
    """Two hosts that reach each other, nothing else, and on which nothing runs yet."""
    number = os.getpid() % 10**6
    head, other = (
        Host(name, f"{name}{number}", address, folder)
        for name, address in (("head", "10.77.0.1"), ("other", "10.77.0.2"))
    )
    with ExitStack() as stack:
        for host in (head, other):
            _ip(f"netns add {host.network}")
            stack.callback(_ip, f"netns del {host.network}")
            stack.callback(host.kill)
        _ip(
            f"link add {head.network} netns {head.network} type veth peer {other.network} netns {other.network}"
        )
        for host in (head, other):
            _ip(f"-n {host.network} address add {host.address}/24 dev {host.network}")
            _ip(f"-n {host.network} link set {host.network} up")
            _ip(f"-n {host.network} link set lo up")
        yield head, other


def tried(case: str, seed: int) -> dict[str, Any]:
    """One round: whether it was survived, what was said, which host measured how much."""
    with TemporaryDirectory(prefix="two-hosts-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "token").write_text(secrets.token_hex(32))
        (folder / "sim.py").write_text(SIMULATOR)
        (folder / "sim.yaml").write_text(DESCRIPTION)
        (folder / "space.yaml").write_text(SPACE)
        with two_hosts(folder) as (head, other):
            round_ = Round(folder, random.Random(f"{case} {seed}"), head, other)
            head.start([*RAY, "--head", f"--port={PORT}", f"--node-ip-address={head.address}", *_cpus()])
            found: dict[str, Any] = {"seed": seed, "why": ""}
            try:
                time.sleep(5.0)
                round_.joined(CPUS)
                round_.join()
                CASES[case](round_)
                found |= checked(round_)
                made = len(stored(folder / "store.sqlite"))
                workers = 2 * CPUS if case in ("nothing", "back-again") else CPUS
                round_.ended(round_.search(made + MORE, workers, "--resume"))
                checked(round_)
                assert len(stored(folder / "store.sqlite")) == made + MORE
            except AssertionError as error:
                found["why"] = str(error) or "an assertion"
            return {**found, "survived": not found["why"], "said": round_.said}


def main() -> None:
    """Try every case, write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2, help="of each case")
    parser.add_argument("--only", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent / "results" / "two_hosts.json"
    )
    given = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("namespaces of a network can be made by root alone")
    found = json.loads(given.output.read_text()) if given.output.exists() else {}
    for case in given.only:
        for seed in range(given.rounds):
            rounds = found.setdefault("cases", {}).setdefault(case, {"what": CASES[case].__doc__, "rounds": []})
            if seed in [each["seed"] for each in rounds["rounds"]]:
                continue
            last = tried(case, seed)
            print(case, json.dumps(last), flush=True)
            rounds["rounds"].append(last)
            found |= {"trials": TRIALS, "more": MORE, "cpus": CPUS, "simulator_s": PAUSE_S}
            given.output.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
