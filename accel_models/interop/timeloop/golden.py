"""Reference files of measured cases, in the tabular form (`accel_models.interop.timeloop.tables`)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accel_models.bounded import read_text
from accel_models.interop.timeloop import sources, tables
from accel_models.interop.timeloop.case import Case
from accel_models.interop.timeloop.nesting import nest_of
from accel_models.interop.timeloop.words import unknown


@dataclass(frozen=True)
class GoldenCase:
    """One case of a file with what Timeloop measured: results by build, such as "head" or "v303_link"."""

    id: int
    architecture: str
    problem: str
    imperfect: bool
    case: Case
    results: Mapping[str, Mapping[str, Any]]

    def measured(self, build: str) -> Mapping[str, Any]:
        """The result of a build, wherever it is written ("same_as" another).

        Raises:
            ValueError: there is none of that name, or none is written.
        """
        seen: list[str] = []
        while build not in seen:
            if build not in self.results:
                raise unknown("a build", build, self.results)
            found = self.results[build]
            if "same_as" not in found:
                return found
            seen.append(build)
            build = found["same_as"]
        raise ValueError(f"a build must have a result, but {', '.join(seen)} are the same as one another")


def load_golden(source: str | Path | Mapping[str, Any]) -> list[GoldenCase]:
    """All cases of a reference file, or of its contents.

    Raises:
        ValueError: a case breaks a rule; the message names it. Or the file is too large, or no text.
        OSError: the file cannot be read.
    """
    content = (
        source
        if isinstance(source, Mapping)
        else json.loads(read_text(Path(source), sources.MAX_BYTES, "a reference file"))
    )
    machines = {name: tables.machine(row) for name, row in content["architectures"].items()}
    problems = {name: tables.problem(row) for name, row in content["problems"].items()}
    found = []
    for row in content["cases"]:
        imperfect = bool(row.get("imperfect", False))
        machine = machines[row["arch"]]
        try:
            loops = tables.mapping(row["mapping"])
            case = Case(machine, nest_of(problems[row["problem"]], machine, loops, imperfect=imperfect))
        except ValueError as error:
            raise ValueError(f"case {row['id']}: {error}") from error
        results = row.get("results", {})
        found.append(GoldenCase(row["id"], row["arch"], row["problem"], imperfect, case, results))
    return found
