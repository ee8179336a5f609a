"""One run: an optimizer, a seed, a task; and what is left of it, a regret curve.

A run is identified by all that it follows from, the source of optimizers and cost models included, so that what
was kept of it serves again exactly as long as it would come out the same.
"""

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from math import inf, isfinite
from pathlib import Path
from time import process_time
from typing import Any

import apollo_dse.optimizer
from apollo_dse import optimizers
from apollo_dse.benchmark.hypervolume import missing_volume
from apollo_dse.benchmark.memory import Remembered, pricing_source, remembered, source_of
from apollo_dse.benchmark.solutions import RENEW, Solution, StaleError, solution, stored
from apollo_dse.benchmark.statistics import ROUNDING, BetterThanOptimalError, Curve, regret_curve
from apollo_dse.benchmark.suite import TASKS
from apollo_dse.problem import Problem
from apollo_dse.study import Study
from apollo_dse.trial import Trial

LIBRARIES = ("numpy", "scipy", "torch", "botorch", "scikit-learn")
"""Distributions whose version may change what an optimizer suggests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What is run: an optimizer with its knobs and seed, on a task, for a number of trials in batches."""

    task: str
    optimizer: str
    seed: int
    trials: int
    batch: int = 1
    knobs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Text that two runs share exactly when they must come out the same on one machine."""
        asked = stored()[self.task].asked
        parts = (json.dumps(asdict(self), sort_keys=True), asked, pricing_source(), _proposer(self.optimizer))
        return sha256(repr(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        regret: after each trial; the last one stands for all trials that were not made, since the exact answer
            was found or the space has no more points.
        feasible: share of the trials made that were feasible.
        overhead_s: processor time per trial made without that of measuring: what the optimizer takes to think.
    """

    regret: tuple[float, ...]
    feasible: float
    overhead_s: float

    def to_json(self) -> dict[str, Any]:
        """Plain values from which `of_json` makes it again; an infinite regret is null."""
        regret = [value if isfinite(value) else None for value in self.regret]
        return {"regret": regret, "feasible": self.feasible, "overhead_s": self.overhead_s}

    @classmethod
    def of_json(cls, content: Mapping[str, Any]) -> "Outcome":
        """The outcome that `to_json` wrote."""
        regret = tuple(inf if value is None else value for value in content["regret"])
        return cls(regret, content["feasible"], content["overhead_s"])


def execute(run: Run) -> Outcome:
    """Make a run.

    Raises:
        ValueError: there is no such optimizer, or a knob is wrong.
        StaleError: the task's solution is not of this cost model, or the run beat it.
    """
    problem, answer = world(run.task)
    assert isinstance(problem.evaluate, Remembered)
    start, measuring = process_time(), problem.evaluate.seconds
    optimizer = optimizers.get(run.optimizer)(problem, run.seed, **run.knobs)
    study = Study(problem, optimizer, batch=run.batch)
    search(study, answer, run.trials)
    thinking = (process_time() - start) - (problem.evaluate.seconds - measuring)
    trials = study.trials
    try:
        curve = regret(problem, trials, answer).tolist()
    except BetterThanOptimalError as error:
        beaten = f"{run.optimizer} with seed {run.seed} beat the solution of {run.task}: {error}"
        raise StaleError(f"{beaten}; renew it: {RENEW} {run.task}") from error
    return Outcome(
        regret=tuple(curve + curve[-1:] * (run.trials - len(curve))),
        feasible=sum(map(problem.feasible, trials)) / len(trials),
        overhead_s=thinking / len(trials),
    )


def search(study: Study, answer: Solution, trials: int) -> None:
    """Let a study that has none yet make so many trials; it ends early where nothing is left to find."""
    problem = study.problem
    left = [problem.losses(trial) for trial in answer.designs]
    while left and len(study.records) < trials:
        made = len(study.records)
        if study.run(min(made + study.batch, trials)) != "finished":
            break
        left = _still_better(left, problem, study.trials[made:])


def regret(problem: Problem, trials: Sequence[Trial], answer: Solution) -> Curve:
    """The regret after each of n trials [n], by one objective or several.

    Raises:
        BetterThanOptimalError: a trial is better than the exact solution.
    """
    worst = (inf,) * len(problem.objectives)
    losses = [problem.losses(trial) if problem.feasible(trial) else worst for trial in trials]
    best = [problem.losses(trial) for trial in answer.designs]
    if len(problem.objectives) == 1:
        return regret_curve([loss for (loss,) in losses], best[0][0])
    return missing_volume(losses, best)


def _still_better(
    designs: Sequence[tuple[float, ...]], problem: Problem, trials: Sequence[Trial]
) -> list[tuple[float, ...]]:
    """Those of the losses of designs that none of the trials equals, by more than rounding."""
    found = [problem.losses(trial) for trial in trials if problem.feasible(trial)]
    return [
        design
        for design in designs
        if not any(
            all(loss - best < ROUNDING * abs(best) for loss, best in zip(losses, design, strict=True))
            for losses in found
        )
    ]


@lru_cache(maxsize=1)
def world(task: str) -> tuple[Problem, Solution]:
    """A task's problem, its measurements remembered, and its solution.

    Raises:
        StaleError: the solution is not of this cost model.
    """
    problem = remembered(TASKS[task].problem())
    return problem, solution(TASKS[task], problem)


@lru_cache
def _proposer(name: str) -> bytes:
    """Digest of what an optimizer's suggestions follow from: its source, and the libraries it may use."""
    made = optimizers.get(name)
    ours = [Path(apollo_dse.optimizer.__file__), *sorted(Path(optimizers.__path__[0]).rglob("*.py"))]
    own = Path(inspect.getfile(made if inspect.isclass(made) else type(made)))
    libraries = (*LIBRARIES, *getattr(made, "distributions", ()))
    return source_of(*ours, own) + repr([version(library) for library in libraries]).encode()
