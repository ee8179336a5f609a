"""Long fuzzing of every reader of files: executions and findings, by reader.

    python benchmarks/fuzz.py OUT.json [--seconds 60] [--readers rule,timeloop] [--plain]

With atheris (`pip install atheris`) inputs follow the coverage of this project; with `--plain`, or where it is
not installed, they are edits of each reader's seed, drawn without looking. A reader runs in a process of its
own, below limits: `MEMORY_BYTES` of memory, `PATIENCE_S` for one input. A finding is an exception that the
reader does not document, an input that takes longer, or more memory. Inputs that were findings are written
beside OUT.json.
"""

import argparse
import json
import os
import random
import resource
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

MEMORY_BYTES = 4 << 30
PATIENCE_S = 20
LONGEST_INPUT = 1 << 14


def main() -> None:
    """Fuzz the readers one after the other and write what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each reader")
    parser.add_argument("--readers", help="names with commas between; all if absent")
    parser.add_argument("--plain", action="store_true", help="without atheris")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        fuzz(given.one, given.out, given.seconds, plain=given.plain)
        return
    from tests.fuzz.parsers import PARSERS

    plain = given.plain or find_spec("atheris") is None
    names = given.readers.split(",") if given.readers else list(PARSERS)
    rows = []
    for name in names:
        with TemporaryDirectory() as folder:
            rows.append(fuzzed(name, given.seconds, plain, given.out, Path(folder)))
        print(rows[-1], flush=True)
        found = {"command": sys.argv[1:], "coverage_guided": not plain, "limits": limits(), "readers": rows}
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def limits() -> dict[str, int]:
    """What a reader may take."""
    return {"memory_bytes": MEMORY_BYTES, "seconds_an_input": PATIENCE_S, "bytes_of_an_input": LONGEST_INPUT}


def fuzzed(name: str, seconds: float, plain: bool, out: Path, folder: Path) -> dict[str, object]:
    """A row of results: executions of a reader, and its findings; after one it is begun anew."""
    executions, findings, end = 0, [], monotonic() + seconds
    while (left := end - monotonic()) > 1 and len(findings) < 5:
        state = folder / "state.json"
        words = [sys.executable, __file__, str(state), "--one", name, "--seconds", str(left)]
        done = subprocess.run([*words, *["--plain"] * plain], capture_output=True, text=True, check=False)
        counted = json.loads(state.read_text()) if state.is_file() else {"executions": 0}
        executions += counted["executions"]
        if done.returncode == 0:
            break
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        last = next((line for line in lines if "Error" in line or "Exception" in line), (lines or ["died"])[-1])
        findings.append(counted.get("finding") or f"exit code {done.returncode}: {last[:300]}")
        kept = Path(f"{state}.input")
        if kept.is_file():
            kept.replace(out.with_name(f"{out.stem}-{name}-{len(findings)}.input"))
    return {"reader": name, "executions": executions, "findings": findings}


def fuzz(name: str, state: Path, seconds: float, *, plain: bool) -> None:
    """Fuzz one reader, in this process, and write how often it was asked."""
    if plain:
        from tests.fuzz.parsers import PARSERS, run
    else:
        import atheris

        with atheris.instrument_imports(include=["accel_models", "search_spaces", "apollo_dse"]):
            from tests.fuzz.parsers import PARSERS, run
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, _too_long)
    executions, end = 0, monotonic() + seconds
    with TemporaryDirectory() as folder:

        def one(data: bytes) -> None:
            nonlocal executions
            if monotonic() > end:
                state.write_text(json.dumps({"executions": executions}))
                sys.stdout.flush()
                _leave(0)
            executions += 1
            signal.alarm(PATIENCE_S)
            try:
                run(name, data, Path(folder))
            except Exception as error:
                Path(f"{state}.input").write_bytes(data)
                said = {"executions": executions, "finding": f"{type(error).__name__}: {str(error)[:300]}"}
                state.write_text(json.dumps(said))
                _leave(1)
            finally:
                signal.alarm(0)

        seed = PARSERS[name].seed()
        if plain:
            from tests.fuzz.test_parsers import mutated

            rng = random.Random()
            while True:
                one(mutated(seed, rng.randrange(2**32)))
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        (corpus / "seed").write_bytes(seed)
        words = [sys.argv[0], f"-max_len={LONGEST_INPUT}", "-rss_limit_mb=0", str(corpus)]
        atheris.Setup(words, one)
        atheris.Fuzz()


def _too_long(number: int, frame: object) -> None:
    raise RuntimeError(f"an input took more than {PATIENCE_S} s")


def _leave(code: int) -> None:
    os._exit(code)


if __name__ == "__main__":
    main()
