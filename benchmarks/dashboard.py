"""How long the dashboard takes to its first picture of a study of very many trials.

    python benchmarks/dashboard.py --trials 100000

Writes results/dashboard.json. The store is made up, through the storage API. Each round starts the command
`apollo-dse dashboard` anew, so that nothing is known of the study, and opens the study's address in a headless
Chromium as soon as the server says where it is. Times count from there to the frame after everything but the
layers was drawn (the page's own mark); `again` is the same page once more, on the server that knows the study.
Memory is the server's resident peak before a design is priced, which loads torch. Bytes are those on the wire.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.apollo_dse.chromium import Browser  # noqa: E402
from tests.apollo_dse.dashboard.examples import begin, extend, made_up  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "dashboard.json"
PICTURE = "performance.getEntriesByName('first picture').length > 0"
COMMAND = "from apollo_dse.cli import main; import sys; sys.exit(main(sys.argv[1:]))"
SENT = (
    "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
    ".filter((each) => !each.name.includes('/trials/') && !each.name.endsWith('/insight'))"
    ".reduce((sum, each) => sum + each.encodedBodySize, 0)"
)


def store_of(path: Path, trials: int) -> None:
    """A study of so many made-up trials."""
    begin(path)
    records = list(made_up(trials))
    for start in range(0, len(records), 1024):
        extend(path, records[start : start + 1024])


def peak_bytes(process: int) -> int:
    """The most memory that a process held so far."""
    (line,) = re.findall(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.M)
    return 1024 * int(line)


def cpu_seconds(process: int) -> float:
    """What a process has computed so far, all its threads together: nearly the same on a busy machine."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_to_picture(browser: Browser, url: str) -> float:
    """From asking for a study's address to its first picture, by the page's own clock."""
    browser.open(f"{url}studies/demo", ready=PICTURE)
    return float(str(browser.run("performance.getEntriesByName('first picture')[0].startTime"))) / 1000


def measured(store: Path, profile: Path) -> dict[str, float]:
    """One round, server and browser from cold."""
    start = perf_counter()
    words = ("dashboard", "--store", str(store), "--port", "0")
    server = subprocess.Popen(
        (sys.executable, "-c", COMMAND, *words), stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    browser = Browser(profile)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().split(" is at ")[1].split()[0]
        started = perf_counter() - start
        before = cpu_seconds(server.pid)
        first = seconds_to_picture(browser, url)
        computed = cpu_seconds(server.pid) - before
        peak, sent = peak_bytes(server.pid), browser.run(SENT)
        browser.wait("document.querySelector('#layers .card, #layers .empty:not([data-pending])') !== null")
        return {
            "server_start_s": started,
            "first_picture_s": first,
            "first_picture_server_cpu_s": computed,
            "again_s": seconds_to_picture(browser, url),
            "sent_bytes": int(str(sent)),
            "server_peak_bytes": peak,
        }
    finally:
        browser.close()
        server.terminate()
        server.wait()


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        store = Path(folder) / "store.sqlite"
        store_of(store, asked.trials)
        size = store.stat().st_size
        rounds = [measured(store, Path(folder) / f"profile-{i}") for i in range(asked.rounds)]
    medians = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
    found = {
        "trials": asked.trials,
        "store_bytes": size,
        "note": asked.note,
        "median": medians,
        "rounds": rounds,
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    for name, value in medians.items():
        print(f"{name:27} {value:,.2f}" if name.endswith("_s") else f"{name:27} {value:,.0f}")


if __name__ == "__main__":
    main()
