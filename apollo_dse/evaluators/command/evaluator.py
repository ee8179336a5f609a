"""Any program as an evaluator: one run a point, and what becomes of each way in which a run can end."""

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import yaml

from accel_models import Workload, workload_io
from apollo_dse.evaluators.command import placeholders
from apollo_dse.evaluators.command.attempts import MOST_CHARACTERS, attempted
from apollo_dse.evaluators.command.description import Description, Infeasibility, Input
from apollo_dse.evaluators.command.outputs import compiled
from apollo_dse.evaluators.command.running import Ended
from apollo_dse.evaluators.identity import digest_of
from apollo_dse.trial import Measurement, one_line
from search_spaces.files.content import at
from search_spaces.space import DesignSpace, Point, canonical

OUTPUT = "output"
"""Name, in the run's directory, of the file that `{output}` stands for."""


class CommandEvaluator:
    """Runs a program for each point, in a directory of its own, and reads its metrics from what it wrote.

    A run that goes wrong (an exit code other than 0, a signal, no time left, an output that is missing, no
    finite number, or negative without leave) is a measurement that has failed (`Measurement.has_failed`): it
    says nothing of the design. Infeasible is only what the description calls so.

    Args:
        description: which program, and how it is asked.
        design_space: whose points are measured.
        workload: the network whose file the program is given; None: it knows its own.

    Raises:
        ValueError: a placeholder is unknown, a parameter never reaches the program, or there is no program.
    """

    waits = True

    def __init__(
        self, description: Description, design_space: DesignSpace, workload: Workload | None = None
    ) -> None:
        self.description = description
        self.workload = workload
        with at(description.name):
            _check_words(description, design_space, workload is not None)
            _check_program(description)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        return self.description.metrics

    @property
    def fingerprint(self) -> str:
        """That of the description, and the workload by name and content."""
        workload = self.workload
        about = "" if workload is None else f" {workload.name}@{digest_of(workload)}"
        return f"{self.description.fingerprint}{about}"

    @property
    def retries(self) -> int:
        """How often a run that crashed is tried again, and one whose process is lost."""
        return self.description.limits.retries

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order, one run after the other.

        Raises:
            Cancelled: the runs were broken off.
            OSError: no process can be started, or nothing written.
        """
        return [self._measured(point) for point in points]

    def _measured(self, point: Point) -> Measurement:
        description = self.description
        about = f"{self.fingerprint} {canonical(point)}"
        prepare = partial(self._prepared, point)
        return attempted(about, prepare, self._answer, description.limits, description.environment)

    def _answer(self, ended: Ended, written: Mapping[str, str]) -> Measurement | None:
        """What a run says: infeasible by a rule, or metrics; None: neither."""
        for rule in self.description.infeasible:
            if (reason := _infeasible(rule, ended, written)) is not None:
                return Measurement(infeasible_because=reason)
        if ended.exit_code != 0:
            return None
        return Measurement({each.metric: each.value(written) for each in self.description.outputs})

    def _prepared(self, point: Point, directory: Path) -> list[str]:
        """Write what the program is given, and say its words."""
        values: dict[str, object] = {
            **placeholders.plain(point),
            "here": self.description.folder,
            "directory": directory,
            "output": directory / OUTPUT,
        }
        if self.workload is not None:
            values["workload"] = directory / "workload.json"
            workload_io.save(self.workload, directory / "workload.json")
        given = self.description.input
        if given is not None:
            values["input"] = directory / given.name
            path = directory / given.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(_input_text(given, values, point), encoding="utf-8")
        return [placeholders.rendered(word, values) for word in self.description.command]


def uses_workload(description: Description) -> bool:
    """Whether the program is given a network's file."""
    return "workload" in set().union(*map(placeholders.names_in, _texts(description)))


def _texts(description: Description) -> tuple[str, ...]:
    """All texts that may have placeholders."""
    return (*description.command, *([description.input.template] if description.input else []))


def _check_words(description: Description, design_space: DesignSpace, has_workload: bool) -> None:
    """Every placeholder must mean one thing, and every parameter that varies must reach the program."""
    names = design_space.space.names
    own = [
        "here",
        "directory",
        "output",
        *["workload"] * has_workload,
        *["input"] * (description.input is not None),
    ]
    if taken := [name for name in names if name in own]:
        raise ValueError(f"a parameter must not be called {taken[0]!r}, which is a placeholder's name")
    for word in description.command:
        placeholders.check(word, (*own, *names))
    if description.input is not None:
        with at(description.input.name):
            placeholders.check(description.input.template, [*names, *(each for each in own if each != "input")])
        if description.input.format != "text":
            return
    used = set().union(*map(placeholders.names_in, _texts(description)))
    unused = [
        each.name for each in design_space.space.parameters if each.cardinality != 1 and each.name not in used
    ]
    if unused:
        rule = "every parameter that varies must reach the program"
        raise ValueError(
            f"{rule}, but its command and input have no {', '.join(f'{{{name}}}' for name in unused)}"
        )


def _check_program(description: Description) -> None:
    program = placeholders.rendered(description.command[0], {"here": description.folder})
    if shutil.which(program) is None:
        raise ValueError(f"the program must be there and executable, but {program!r} is not")


def _input_text(given: Input, values: Mapping[str, object], point: Point) -> str:
    if given.format == "text":
        return placeholders.rendered(given.template, values)
    if given.format == "yaml":
        return yaml.safe_dump(placeholders.plain(point), sort_keys=False)
    return json.dumps(placeholders.plain(point), indent=1) + "\n"


def _infeasible(rule: Infeasibility, ended: Ended, written: Mapping[str, str]) -> str | None:
    """Why the design is infeasible by a rule of the description; None: not by this one."""
    found = None
    if rule.exit_code is not None and rule.exit_code != ended.exit_code:
        return None
    if rule.regex is not None:
        found = compiled(rule.regex).search(written[rule.source]) if rule.source in written else None
        if found is None:
            return None
    said = found.group(found.re.groups and 1) if found is not None else f"exit code {ended.exit_code}"
    return one_line(rule.reason or said)[:MOST_CHARACTERS] or "the simulator says so"
