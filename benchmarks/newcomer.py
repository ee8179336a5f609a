"""A newcomer's path, timed: a fresh clone, `make demo`, then the tutorial's own network, limits and simulator.

    nice python benchmarks/newcomer.py [--python python3.12] [--note TEXT]

The commands are those of README.md and docs/tutorial.md, in their order, in a clone of the last commit with an
environment of its own, and in an empty folder with nothing remembered from before. What the tutorial installs
is there already by `make demo`. Writes results/newcomer.json: seconds of each step, and since the clone began.
The first result of one's own is that of the first `explore`, on one's own network.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.pages import Page, commands  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "newcomer.json"
OURS = ("PYTHONPATH", "APOLLO_DSE_", "VIRTUAL_ENV")
"""Variables, by how they begin, that a newcomer does not have."""


def steps(clone: Path, python: str, page: Page) -> Iterator[tuple[str, list[str], Path]]:
    """What is run, in its order: a name, the words, and the folder to run them in."""
    home = clone.parent / "home"
    home.mkdir()
    page.write_files(home)
    yield "git clone", ["git", "clone", "--quiet", f"file://{ROOT}", str(clone)], home
    yield "make demo: the environment", ["make", "setup", f"PYTHON={python}"], clone
    yield "make demo: the search and its report", ["make", "demo", f"PYTHON={python}"], clone
    for language, text in page.blocks("sh", "python"):
        if language == "sh":
            for words in commands(text):
                yield shlex.join(["apollo-dse", *words]), ["apollo-dse", *words], home
        elif (language, text) not in page.files:
            yield "the same from Python", ["python", "-c", text], home


def followed(folder: Path, python: str) -> list[dict[str, object]]:
    """Each step with its seconds, and the seconds since the clone began.

    Raises:
        subprocess.CalledProcessError: a step failed; its output is on the terminal.
    """
    clone = folder / "apollo-dse"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    own = {"PATH": f"{clone / '.venv' / 'bin'}:{kept['PATH']}", "APOLLO_DSE_CACHE": str(folder / "cache")}
    begun, found = perf_counter(), []
    for name, words, where in steps(clone, python, Page("docs/tutorial.md")):
        start = perf_counter()
        done = subprocess.run(["env", *words], cwd=where, env={**kept, **own}, stdout=subprocess.DEVNULL)
        done.check_returncode()
        now = perf_counter()
        found.append({"step": name, "seconds": round(now - start, 1), "since_clone": round(now - begun, 1)})
        print(f"{now - begun:8.1f} s  {name[:90]}", flush=True)
    return found


def main() -> None:
    """Follow the path, write its seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that `make` begins with")
    parser.add_argument("--note", default="", help="what else the machine did meanwhile")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        before = os.getloadavg()[0]
        found = followed(Path(folder), given.python)
        loads = [round(before, 1), round(os.getloadavg()[0], 1)]
    asked = [given.python, "-c", "import platform; print(platform.python_version())"]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    about = {
        "python": version,
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }
    content = {**about, "load": loads, "note": given.note, "steps": found}
    RESULTS.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
