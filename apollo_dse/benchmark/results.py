"""Outcomes on disk, one line of JSON a run: what is there is not run again.

One process writes; a process killed in the midst of a line loses that run alone.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from accel_models.bounded import lines
from apollo_dse.benchmark.run import Outcome, Run

DEFAULT_PATH = Path("apollo-dse-compare.jsonl")

MOST_BYTES, LONGEST_LINE = 4 << 30, 64 << 20
"""Of a file of outcomes: larger ones are refused. A trial takes some 20 bytes of its line."""


class Results:
    """The outcomes in a file.

    Args:
        path: the file; it is made when the first outcome is added.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of outcomes; the message says which line. Or it is too large.
    """

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self.path = path
        self._found: dict[str, Outcome] = {}
        if path.is_file():
            whole = 0
            with path.open("rb") as file:
                read = lines(file, path, "a file of outcomes", most=MOST_BYTES, longest=LONGEST_LINE)
                for number, line in enumerate(read, start=1):
                    if not line.endswith(b"\n"):
                        break
                    key, self._found[key] = self._read(number, line)
                    whole += len(line)
            if whole < path.stat().st_size:  # cut off by the end of a process
                os.truncate(path, whole)

    def __contains__(self, run: Run) -> bool:
        return run.key in self._found

    def __getitem__(self, run: Run) -> Outcome:
        return self._found[run.key]

    def add(self, run: Run, outcome: Outcome) -> None:
        """Keep an outcome.

        Raises:
            OSError: the file cannot be written.
        """
        line = json.dumps({"key": run.key, "run": asdict(run), "outcome": outcome.to_json()}, allow_nan=False)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self._found[run.key] = outcome

    def _read(self, number: int, line: bytes) -> tuple[str, Outcome]:
        try:
            content: Mapping[str, Any] = json.loads(line)
            return content["key"], Outcome.of_json(content["outcome"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{self.path} must have an outcome in every line, but line {number} has none"
            ) from error
