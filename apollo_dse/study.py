"""The only loop: ask, evaluate, store, tell; and what can be read off its trials.

A study is its trials. Every batch is stored in one transaction as soon as it is evaluated, and resuming is
building the optimizer again and telling it all trials, so a process killed at any moment loses at most the
batch in flight and goes on as if nothing had happened.

An asynchronous study has no batches: whenever a worker is free the optimizer is told all trials, hears which
points are pending, and is asked for one more. Trials are stored in the order in which they end, each with how
many were told when it was suggested. That order depends on run times, and so do later suggestions; what a
resumed study guarantees is that no stored trial is lost or measured again, and that it suggests what a study
would that had made these trials and had nothing pending.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, is_dataclass, replace
from datetime import UTC, datetime
from math import inf
from time import perf_counter
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from apollo_dse import transfer
from apollo_dse.evaluators import Evaluator, Flowing, Streaming
from apollo_dse.interrupts import interrupts
from apollo_dse.optimizer import Optimizer, Pending, pend
from apollo_dse.problem import Constraint, Problem
from apollo_dse.storage import Header, Record, Store, StoreError
from apollo_dse.trial import Measurement, Trial
from search_spaces.space import Point, canonical

End = Literal["finished", "exhausted", "interrupted", "failing"]
"""Why a run ended: all trials are there, the optimizer has no new point left, Ctrl-C was pressed, or too many
measurements in a row have failed."""

BATCH = 16
"""Points a round, where nothing else is asked for."""

START = "start"
"""Who proposes the starts of a problem."""

FAILURES = 16
"""After so many failed measurements in a row a run ends: the simulator is at fault, not the designs. Where
every second design crashes it, that happens by chance once in 65,536 trials."""


@dataclass(frozen=True, slots=True)
class Limitation:
    """How much one constraint holds the search back.

    `slack` is the room left at the incumbent as a share of the limit (several objectives: the least along
    the Pareto front), 0 where the constraint binds, None while no trial is feasible. `ruled_out` is the
    share of all trials that broke the constraint.
    """

    constraint: Constraint
    slack: float | None
    ruled_out: float


class Study:
    """One search: a problem, an optimizer that was told nothing yet, and the trials so far.

    Args:
        problem: what is asked.
        optimizer: who suggests points; it must be fresh, the study tells it the trials.
        store: where every batch is kept; None keeps trials in memory only. A study of that name in the store
            is resumed.
        name: the study's name in the store.
        batch: points a round. The optimizer learns after whole batches, so it is part of what is asked.
        about: whatever else is to be found again in the stored header, as plain JSON values.
        asynchronous: whether the optimizer is asked for one more point whenever a worker is free. Then there
            are no batches.

    Raises:
        ValueError: `batch < 1`, or there are batches and the study is asynchronous; or the name is none
            (`Header`).
        StoreError: the store has a study of that name that asked something else; the message says what.
    """

    def __init__(
        self,
        problem: Problem,
        optimizer: Optimizer,
        store: Store | None = None,
        name: str = "study",
        *,
        batch: int | None = None,
        about: Mapping[str, Any] | None = None,
        asynchronous: bool = False,
    ) -> None:
        batch = (1 if asynchronous else BATCH) if batch is None else batch
        if batch < 1:
            raise ValueError(f"`batch >= 1` must hold, but got batch={batch}")
        if asynchronous and batch > 1:
            raise ValueError(f"an asynchronous study has no batches, but got batch={batch}")
        self.asynchronous = asynchronous
        self.problem = problem
        self.optimizer = optimizer
        self.store = store
        self.batch = batch
        created = datetime.now(UTC).isoformat(timespec="seconds")
        wanted = asked(problem, optimizer, batch, asynchronous=asynchronous)
        self.header = Header(name, created, wanted, about or {})
        self._records: list[Record] = []
        self._known: set[str] = set()
        self._starts = frozenset(map(canonical, problem.starts))
        self._waiting: list[Point] = []  # rest of the batch that was begun
        self._settled = 0  # trials of whole batches: what the optimizer may know
        self._failures = 0  # in a row, up to the last trial of this run
        self._told = 0
        if store is not None:
            self._open(store)

    @property
    def name(self) -> str:
        """The study's name in the store."""
        return self.header.name

    @property
    def records(self) -> tuple[Record, ...]:
        """Trials with their circumstances, in order."""
        return tuple(self._records)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All trials, in order."""
        return tuple(record.trial for record in self._records)

    def run(
        self, trials: int, progress: "Callable[[Study], None] | None" = None, failures: int = FAILURES
    ) -> End:
        """Go on until the study has `trials` trials, those it had before included.

        Ctrl-C finishes and stores what is being measured, then returns; pressed twice it breaks off.

        Args:
            trials: size of the study at the end.
            progress: called after every batch, or after every trial of an evaluator that has them one by one.
            failures: failed measurements in a row after which the run ends (`Measurement.has_failed`); what is
                being measured then is finished and stored. 0: it never ends so.

        Returns:
            Why the run ended.

        Raises:
            ValueError: the optimizer suggests a point outside the space, or the evaluator's answer is not a
                measurement a point, or lacks a metric that the problem needs; or the study is asynchronous, and
                the evaluator takes whole batches; or `failures < 0`.
            StoreError: another process runs the same study, or the batch cannot be stored.
        """
        if failures < 0:
            raise ValueError(f"`failures >= 0` must hold, but got failures={failures}")
        self._failures = 0
        driven = nullcontext() if self.store is None else self.store.driven(self.name, len(self._records))
        with interrupts() as interrupted, driven:

            def stop() -> bool:
                return interrupted() or 0 < failures <= self._failures

            go_on = self._flow if self.asynchronous else self._rounds
            go_on(trials, stop, progress or (lambda study: None))
            if len(self._records) >= trials:
                return "finished"
            if 0 < failures <= self._failures:
                return "failing"
            return "interrupted" if interrupted() else "exhausted"

    @property
    def incumbent(self) -> Trial | None:
        """The best feasible trial; None when none is feasible.

        Raises:
            ValueError: there are several objectives; ask for `pareto_front`.
        """
        return self.problem.incumbent(self.trials)

    @property
    def pareto_front(self) -> list[Trial]:
        """Feasible trials that no feasible trial dominates."""
        return self.problem.pareto_front(self.trials)

    def convergence(self) -> NDArray[np.float64]:
        """Best feasible loss so far [n, m] of `m` objectives after each of `n` trials; infinite before any."""
        objectives = len(self.problem.objectives)
        rows = [
            self.problem.losses(trial) if self.problem.feasible(trial) else (inf,) * objectives
            for trial in self.trials
        ]
        losses = np.array(rows, dtype=np.float64).reshape(len(rows), objectives)
        return np.minimum.accumulate(losses, axis=0)

    def limitations(self) -> list[Limitation]:
        """What each constraint costs, the one that binds most first."""
        trials = self.trials
        measured = [trial.measurement for trial in trials if trial.measurement.is_feasible]
        best = self.pareto_front
        found = []
        for constraint in self.problem.constraints:
            slacks = [constraint.slack(trial.measurement) / (abs(constraint.limit) or 1.0) for trial in best]
            broken = sum(constraint.slack(measurement) < 0 for measurement in measured)
            found.append(Limitation(constraint, min(slacks, default=None), broken / (len(trials) or 1)))
        return sorted(found, key=lambda each: (inf if each.slack is None else each.slack, -each.ruled_out))

    def teach(self) -> None:
        """Tell the optimizer the trials of all whole batches that it does not know yet."""
        self.optimizer.tell([record.trial for record in self._records[self._told : self._settled]])
        self._told = self._settled

    def _open(self, store: Store) -> None:
        """Begin the study in the store, or take over what it has there."""
        if self.name not in store.names():
            store.create(self.header)
            return
        stored = store.header(self.name)
        if changed := differences(stored.asked, self.header.asked):
            rule = f"study {self.name!r} in {store.path} can only be resumed as it was begun"
            raise StoreError(f"{rule}, but {'; '.join(changed)}")
        self.header = stored
        self._remember([self._as_asked(record) for record in store.records(self.name)])
        if self._records:
            begun = self._records[-1].batch
            whole = self.asynchronous or len(self._records) - begun == self.batch
            self._settled = len(self._records) if whole else begun

    def _as_asked(self, record: Record) -> Record:
        """A stored trial, whose point has its values in the order of the space, as new ones do."""
        point = record.trial.point
        own = {name: point[name] for name in self.problem.space.names if name in point}
        return replace(record, trial=replace(record.trial, point={**own, **point}))

    def _remember(self, records: Sequence[Record]) -> None:
        self._records.extend(records)
        self._known.update(canonical(record.trial.point) for record in records)

    def _rounds(self, trials: int, stop: Callable[[], bool], progress: "Callable[[Study], None]") -> None:
        """Go on by batches until there are `trials` trials, no point is left, or `stop()` is true."""
        while len(self._records) < trials and not stop():
            points = self._next(trials - len(self._records))
            if not points:
                return
            self._evaluate(points, stop, progress)

    def _flow(self, trials: int, stop: Callable[[], bool], progress: "Callable[[Study], None]") -> None:
        """Go on point by point until there are `trials` trials, no point is left, or `stop()` is true."""
        evaluate = self.problem.evaluate
        if not isinstance(evaluate, Flowing):
            rule = "an asynchronous study needs an evaluator that takes a point whenever a worker is free"
            raise ValueError(f"{rule}, but this one takes whole batches; use the engine process or ray")
        pending: dict[str, tuple[Point, int]] = {}  # with how many trials were told before it
        start = perf_counter()
        with closing(evaluate.flow(self._suggested(trials, pending), stop)) as measurements:
            for point, measurement in measurements:
                _, told = pending.pop(canonical(point))
                self._keep([point], [measurement], start, told)
                progress(self)
                start = perf_counter()

    def _suggested(self, trials: int, pending: dict[str, tuple[Point, int]]) -> Iterator[Point]:
        """One suggestion after the other, each made knowing what is there and what is pending by then."""
        while len(self._records) + len(pending) < trials:
            self.teach()
            pend(self.optimizer, [point for point, _ in pending.values()])
            wanted = 1 if isinstance(self.optimizer, Pending) else 1 + len(pending)
            point = next((each for each in self._unknown(self._suggestions(wanted), pending)), None)
            if point is None:
                return
            pending[canonical(point)] = point, self._told
            yield point

    def _next(self, room: int) -> list[Point]:
        """Up to `room` points of the present batch, or of a new one; none when the space is exhausted."""
        while not self._waiting:
            self.teach()
            self._waiting = self._unknown(self._suggestions(self.batch))
            if not self._waiting and self._settled == len(self._records):
                return []
            if not self._waiting:  # the batch that a resumed study broke off at was whole after all
                self._settled = len(self._records)
        return self._waiting[:room]

    def _suggestions(self, n: int) -> Sequence[Point]:
        """Starts of the problem that were not tried in whole batches, then what the optimizer says, `n` in all.

        A batch that was broken off is made anew from the same, so that it goes on with what it was.
        """
        settled = {canonical(record.trial.point) for record in self._records[: self._settled]}
        starts = [point for point in self.problem.starts if canonical(point) not in settled]
        return starts[:n] if len(starts) >= n else [*starts, *self.optimizer.ask(n)][:n]

    def _unknown(self, suggestions: Sequence[Point], pending: Collection[str] = ()) -> list[Point]:
        """Those suggestions that have no trial yet; a repeated one could only repeat its measurement."""
        unknown: dict[str, Point] = {}
        for point in suggestions:
            if reasons := self.problem.space.violations(point):
                proposer = transfer.name_of(self.optimizer)
                raise ValueError(f"suggestions must lie in the space, but {proposer}'s do not: {reasons[0]}")
            unknown.setdefault(canonical(point), point)
        return [point for text, point in unknown.items() if text not in self._known and text not in pending]

    def _evaluate(
        self, points: Sequence[Point], stop: Callable[[], bool], progress: "Callable[[Study], None]"
    ) -> None:
        """Measure points and keep the trials: all at once, or as they come, where they come one by one."""
        evaluate = self.problem.evaluate
        start = perf_counter()
        if not isinstance(evaluate, Streaming):
            self._keep(points, evaluate(points), start)
            progress(self)
            return
        before = len(self._records)
        with closing(evaluate.stream(points, stop)) as measurements:
            for point, measurement in zip(points, measurements, strict=False):
                self._keep([point], [measurement], start)
                progress(self)
                start = perf_counter()
        left = len(points) - (len(self._records) - before)
        if left and not stop():
            raise ValueError(f"an evaluator must measure every point, but it left {left} of {len(points)}")

    def _keep(
        self,
        points: Sequence[Point],
        measurements: Sequence[Measurement],
        start: float,
        told: int | None = None,
    ) -> None:
        """Store and remember the trials of the first points that are waiting, measured since `start`.

        `told` is how many trials were told when they were suggested: if None, those of the batches before.
        """
        seconds = (perf_counter() - start) / len(points)
        proposer = transfer.name_of(self.optimizer)
        records = []
        for number, (point, measurement) in enumerate(
            zip(points, measurements, strict=True), start=len(self._records)
        ):
            trial = Trial(number, dict(point), measurement)
            if self.problem.feasible(trial):
                self.problem.losses(trial)  # a metric that is missing is to be noticed before it is stored
            by = START if canonical(point) in self._starts else proposer
            records.append(Record(trial, self._settled if told is None else told, seconds, by))
        if self.store is not None:
            self.store.append(self.name, records)
        self._remember(records)
        for measurement in measurements:
            self._failures = self._failures + 1 if measurement.has_failed else 0
        self._waiting = self._waiting[len(records) :]
        if not self._waiting:
            self._settled = len(self._records)


def asked(problem: Problem, optimizer: Optimizer, batch: int, *, asynchronous: bool = False) -> dict[str, Any]:
    """What determines a study's trials, as plain JSON values: studies with equal ones can be resumed."""
    entries = {
        "parameters": {parameter.name: repr(parameter) for parameter in problem.space.parameters},
        "rules": [_identity(rule) for rule in problem.space.rules],
        "objectives": [str(objective) for objective in problem.objectives],
        "constraints": [str(constraint) for constraint in problem.constraints],
        "evaluator": _identity(problem.evaluate),
        "preview": None if problem.preview is None else _identity(problem.preview),
        "optimizer": {"name": transfer.name_of(optimizer), **optimizer.settings},
        "batch": batch,
        **({"asynchronous": True} if asynchronous else {}),
        **({"starts": list(map(canonical, problem.starts))} if problem.starts else {}),
    }
    if isinstance(optimizer, transfer.Transfer):
        entries["priors"] = {prior.name: prior.fingerprint for prior in optimizer.experience.priors}
    plain: dict[str, Any] = json.loads(json.dumps(entries))  # as it will be read back: tuples are lists
    return plain


def differences(stored: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Each entry in which two `asked` differ, as a phrase: `optimizer.seed was 0 and is now 1`."""
    found = []
    for key in dict.fromkeys((*stored, *wanted)):
        before, now = stored.get(key), wanted.get(key)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += differences(before, now, f"{prefix}{key}.")
        elif before != now:
            found.append(f"{prefix}{key} was {before!r} and is now {now!r}")
    return found


def _identity(thing: Callable[..., Any]) -> str:
    """Text that an evaluator or rule keeps from process to process."""
    if isinstance(thing, Evaluator):
        return thing.fingerprint
    if is_dataclass(thing):
        return repr(thing)
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    return f"{named.__module__}.{named.__qualname__}"
