"""What the evaluators of published simulators have in common: a design is built, translated, run and read."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version as version_of
from pathlib import Path
from typing import ClassVar, Literal

from accel_models import Accelerator, Workload
from apollo_dse.evaluators.command.attempts import attempted
from apollo_dse.evaluators.command.description import Limits
from apollo_dse.evaluators.command.running import Ended
from apollo_dse.evaluators.identity import digest_of, template_of
from apollo_dse.evaluators.several import SHARED, combined, names_with_own
from apollo_dse.evaluators.tools.program import Program
from apollo_dse.trial import Measurement
from search_spaces.space import DesignSpace, Point, canonical

Totals = Mapping[str, float]
"""What the runs of a network add up to, by name."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run: the files it is given, by their names in its directory, its command, and how its answer is read.

    `read` has the texts that the run wrote, by their names in its directory, `stdout` and `stderr`, and gives
    what the run adds to the totals of the network. It raises `ValueError` where an answer is not as it should
    be.
    """

    files: Mapping[str, str]
    command: tuple[str, ...]
    read: Callable[[Mapping[str, str]], Totals]


class ToolEvaluator(ABC):
    """Metrics that a published simulator has of designs of a template, and the area that the template says.

    With several workloads each metric is the geometric mean, and `NAME:WORKLOAD` is that of one. A design that
    the simulator has no words for is infeasible, which `preview` knows before anything is run. A run that goes
    wrong is a measurement that has failed.

    Args:
        design_space: what points mean; it must have a template.
        workloads: the networks, of distinct names, each with a layer of multiply-accumulates. Vector operations
            are not simulated.
        program: where the simulator is, as `find` takes it.
        limits: how patiently it is run.

    Raises:
        ValueError: the space has no template, the workloads are wrong, or the simulator cannot run here.
    """

    waits = True
    name: ClassVar[str]
    costs: ClassVar[tuple[str, ...]]
    """Its metrics of a network; area is the template's."""

    def __init__(
        self,
        design_space: DesignSpace,
        workloads: Sequence[Workload],
        program: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        if not design_space.has_template:
            rule = f"{self.name} must be given designs of a template"
            raise ValueError(f"{rule}, but space {design_space.name!r} has none")
        counted = Counter(workload.name for workload in workloads)
        if not workloads or max(counted.values()) > 1:
            raise ValueError(f"workloads must be at least one, of distinct names, but got {list(counted)}")
        if empty := [workload.name for workload in workloads if not workload.layers]:
            rule = f"{self.name} simulates layers of multiply-accumulates"
            raise ValueError(f"{rule}, but workload {empty[0]!r} has none")
        self.design_space = design_space
        self.workloads = tuple(workloads)
        self.limits = limits or Limits()
        self.program = self.find(program)

    @classmethod
    @abstractmethod
    def find(cls, program: str | None = None) -> Program:
        """The simulator, where it is said to be, or where it is looked for.

        Raises:
            ValueError: it cannot run here; the message says why, and what to do.
        """

    @abstractmethod
    def refusal(self, accelerator: Accelerator) -> str | None:
        """Why the simulator has no words for a design; None: it has."""

    @abstractmethod
    def jobs(self, accelerator: Accelerator, workload: Workload) -> Sequence[Job]:
        """The runs that a design and network take.

        Raises:
            ValueError: there are none; the message says why.
        """

    @abstractmethod
    def measured(self, accelerator: Accelerator, workload: Workload, totals: Totals) -> dict[str, float]:
        """`costs` but area of a design on a network, from what its runs add up to."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        return names_with_own(self.costs, [workload.name for workload in self.workloads])

    @property
    def fingerprint(self) -> str:
        """Simulator and version, this release, the template, and the workloads by name and content."""
        who = f"{self.name} {self.program.identity} as told by apollo-dse {version_of('apollo-dse')}"
        contents = (f"{workload.name}@{digest_of(workload)}" for workload in self.workloads)
        return f"{who} {template_of(self.design_space)} {' '.join(contents)}"

    @property
    def retries(self) -> int:
        """How often a run that crashed is tried again, and one whose process is lost."""
        return self.limits.retries

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a point, in order, one run after the other.

        Raises:
            ValueError: the template does not know a parameter or a value of a point.
            Cancelled: the runs were broken off.
            OSError: no process can be started, or nothing written.
        """
        return [self._measured(point) for point in points]

    def preview(self, points: Sequence[Point]) -> list[Measurement]:
        """Area of each point's design, or why it cannot be built or told to the simulator; nothing is run.

        Raises:
            ValueError: as in a call.
        """
        return [self._known(self.design_space.build(point)) for point in points]

    def _known(self, accelerator: Accelerator) -> Measurement:
        reasons = accelerator.violations
        if not reasons and (refusal := self.refusal(accelerator)) is not None:
            reasons = (refusal,)
        if reasons:
            return Measurement(infeasible_because="; ".join(reasons))
        return Measurement({SHARED: accelerator.total_area_mm2})

    def _measured(self, point: Point) -> Measurement:
        accelerator = self.design_space.build(point)
        known = self._known(accelerator)
        if not known.is_feasible:
            return known
        found: dict[str, Mapping[str, float]] = {}
        for workload in self.workloads:
            totals = self._totals(point, accelerator, workload)
            if isinstance(totals, Measurement):
                return totals
            found[workload.name] = {**self.measured(accelerator, workload, totals), **known.metrics}
        return Measurement(combined(found, self.costs))

    def _totals(self, point: Point, accelerator: Accelerator, workload: Workload) -> Totals | Measurement:
        """Sums over the runs of a network; or what is wrong with the first one that fails."""
        sums: dict[str, float] = {}
        try:
            jobs = self.jobs(accelerator, workload)
        except ValueError as error:
            return Measurement.failed(f"{error}, on {workload.name}")
        for number, job in enumerate(jobs):
            about = f"{self.fingerprint} {canonical(point)} {workload.name} {number}"
            said = attempted(about, partial(_written, job), partial(_answer, job), self.limits)
            if not said.is_feasible:
                return said
            sums = {name: sums.get(name, 0.0) + value for name, value in said.metrics.items()}
        return sums


class MapperEvaluator(ToolEvaluator):
    """A simulator that chooses mappings itself.

    Arguments and errors are those of `ToolEvaluator`; `minimize` is what each layer is mapped for.
    """

    maps: ClassVar[bool] = True

    def __init__(
        self,
        design_space: DesignSpace,
        workloads: Sequence[Workload],
        program: str | None = None,
        limits: Limits | None = None,
        minimize: Literal["latency", "energy", "edp"] = "latency",
    ) -> None:
        super().__init__(design_space, workloads, program, limits)
        self.minimize = minimize

    @property
    def fingerprint(self) -> str:
        """That of a simulator, and what layers are mapped for."""
        return f"{super().fingerprint} minimize={self.minimize}"


def _written(job: Job, directory: Path) -> Sequence[str]:
    for name, text in job.files.items():
        (directory / name).write_text(text, encoding="utf-8")
    return job.command


def _answer(job: Job, ended: Ended, written: Mapping[str, str]) -> Measurement | None:
    return None if ended.exit_code else Measurement(job.read(written))
