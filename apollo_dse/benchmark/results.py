"""Outcomes on disk, one line of JSON a run: what is there is not run again.

One process writes; a process killed in the midst of a line loses that run alone.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from apollo_dse.benchmark.run import Outcome, Run

DEFAULT_PATH = Path("apollo-dse-compare.jsonl")


class Results:
    """The outcomes in a file.

    Args:
        path: the file; it is made when the first outcome is added.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no file of outcomes; the message says which line.
    """

    def __init__(self, path: Path = DEFAULT_PATH) -> None:
        self.path = path
        self._found: dict[str, Outcome] = {}
        if path.is_file():
            *lines, rest = path.read_text(encoding="utf-8").split("\n")
            self._found = dict(self._read(number, line) for number, line in enumerate(lines, start=1))
            if rest:  # cut off by the end of a process
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")

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

    def _read(self, number: int, line: str) -> tuple[str, Outcome]:
        try:
            content: Mapping[str, Any] = json.loads(line)
            return content["key"], Outcome.of_json(content["outcome"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{self.path} must have an outcome in every line, but line {number} has none"
            ) from error
