"""One study as the dashboard shows it: documents in JSON, up to date with the store, and remembered.

Nothing here loads torch until a design is priced or a transfer search is accounted for: the first picture of a
study needs neither. Every method may be called from any thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock

import numpy as np

from apollo_dse.dashboard.outline import Outline, outline
from apollo_dse.dashboard.tally import Points, Ranges, Tally, tally
from apollo_dse.problem import Objective, Problem
from apollo_dse.question import COLD, reporting
from apollo_dse.report import PricedDesign, ReportData, build_report, to_json
from apollo_dse.report.design import build_design, recommended_design
from apollo_dse.report.document import Curve, Goal, Importance, as_json
from apollo_dse.report.importance import MOST_TRIALS, of_feasibility, of_objective
from apollo_dse.report.ledger import Ledger, Rows
from apollo_dse.report.thinning import kept, thinned
from apollo_dse.storage import Extent, Header, Store, StoreError
from apollo_dse.transfer import Account
from apollo_dse.trial import Measurement, Trial
from search_spaces.space import Point, canonical

GROWTH = 1.5
MOST_DESIGNS = 64
"""Designs that are remembered with their layers."""


@dataclass(frozen=True, slots=True)
class Insight:
    """What takes seconds to find out: which parameters matter, and what came of the priors."""

    importance: tuple[Importance, ...]
    sources: tuple[Account, ...]


def unasked(points: Sequence[Point]) -> Sequence[Measurement]:
    """The evaluator of a problem that is only looked at."""
    raise AssertionError("a dashboard measures nothing")


class View:
    """A study of a store.

    Args:
        path: the store.
        header: of the study.

    Raises:
        ValueError: the study was begun by another program, or its space is no longer that of its trials.
        OSError: its space's file cannot be read.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.header = header
        self._path = path
        self._question = reporting.reportable(header)
        self.problem = Problem(
            space=self._question.search_space,
            objectives=self._question.objectives,
            constraints=self._question.constraints,
            evaluate=unasked,
        )
        self._ledger = Ledger(self.problem)
        self._cold: Ledger | None = None
        self._shown: tuple[Trial, ...] = ()
        self._report: ReportData | None = None
        self._text = ""
        self._points: Points | None = None
        self._priced: dict[str, PricedDesign] = {}
        self._insight: tuple[int, str] = (-1, "")
        self._lock, self._pricing, self._thinking = RLock(), RLock(), RLock()

    def is_of(self, header: Header, extent: Extent) -> bool:
        """Whether the store still has this study, not another one in its place."""
        return header == self.header and extent.trials >= self._ledger.end

    def document(self) -> tuple[str, str]:
        """A tag that changes with the text, and the report's document, thinned where trials are very many."""
        with self._lock:
            if self._refresh() or self._report is None:
                self._build()
            assert self._report is not None
            return f"{len(self._ledger)}-{int(self._report.hardware is not None)}", self._text

    def design(self, number: int) -> str:
        """One trial with its layers, as JSON.

        Raises:
            LookupError: the study has no trial of that number.
        """
        with Store(self._path, read_only=True) as store:
            records = store.records(self.header.name, numbers=[number])
        if not records:
            raise LookupError(f"study {self.header.name!r} has no trial {number}")
        trial = records[0].trial
        priced = self._price(trial)
        with self._lock:
            self.document()
            report = self._report
            assert report is not None
            if report.recommendation is None or report.recommendation.number != number:
                return as_json(build_design(self.problem, report.study, trial, priced))
            if priced is not None and report.hardware is None:
                self._build()
            assert self._report is not None
            return as_json(recommended_design(self._report, trial))

    def insight(self) -> str:
        """What takes seconds, as JSON; found out anew when the study has grown by half."""
        with self._thinking:
            with self._lock:
                self._refresh()
                count, chosen, every = len(self._ledger), self._ledger.feasible, np.arange(len(self._ledger))
            known, text = self._insight
            if known < 0 or count >= GROWTH * known:
                text = as_json(Insight(self._importance(chosen, every), self._accounts()))
                self._insight = count, text
            return text

    def outline(self, plane: tuple[str, str] | None = None) -> Outline:
        """The study in a few numbers and two lines, its front in a plane of two metrics or in its own."""
        goals = None if plane is None else (_goal(plane[0]), _goal(plane[1]))
        with self._lock:
            self._refresh()
            about = reporting.said(self._question, self.header, self._ledger.seconds)
            return outline(self.problem, self._ledger, about, goals)

    def tally(self, ranges: Ranges) -> Tally:
        """How many of all designs lie in ranges, as the newest document draws them.

        Raises:
            LookupError: an axis of `ranges` is neither a parameter nor a metric that was measured.
        """
        with self._lock:
            self.document()
            assert self._report is not None
            if self._points is None or self._points.parameters != self._report.parameters:
                self._points = Points(self._report.parameters)
            with Store(self._path, read_only=True) as store:
                for page in store.points(self.header.name, self._points.count, self._ledger.end):
                    self._points.extend(page)
            return tally(self._ledger, self._points, ranges)

    def _refresh(self) -> bool:
        """Take over what the store has beyond the ledger; whether that was anything."""
        name, before = self.header.name, self._ledger.end
        with Store(self._path, read_only=True) as store:
            for page in store.outcomes(name, self._ledger.end):
                self._ledger.extend(page)
            grown = self._ledger.end > before
            if self._question.sources and f"{name}{COLD}" in store.names():
                grown |= self._refresh_cold(store, f"{name}{COLD}")
        return grown

    def _refresh_cold(self, store: Store, name: str) -> bool:
        self._cold = self._cold or Ledger(self.problem)
        before = self._cold.end
        for page in store.outcomes(name, before):
            self._cold.extend(page)
        return self._cold.end > before

    def _build(self) -> None:
        rows = kept(self._ledger)
        with Store(self._path, read_only=True) as store:
            records = store.records(self.header.name, numbers=self._ledger.numbers[rows].tolist())
        report = build_report(
            self.problem,
            [record.trial for record in records],
            reporting.said(self._question, self.header, self._ledger.seconds),
            lambda point: self._priced.get(canonical(point)),
            census=self._ledger.census(rows),
            importance=(),
        )
        self._report = replace(report, cold=self._curves())
        self._text = to_json(self._report)

    def _curves(self) -> tuple[Curve, ...]:
        return () if self._cold is None else self._cold.curves()

    def _price(self, trial: Trial) -> PricedDesign | None:
        """The trial's design layer by layer, by the built-in model if it was measured by that."""
        if not (self._question.is_analytical and trial.measurement.is_feasible):
            return None
        key = canonical(trial.point)
        with self._pricing:
            if key not in self._priced:
                while len(self._priced) >= MOST_DESIGNS:
                    del self._priced[next(iter(self._priced))]
                self._priced[key] = self._question.price(trial.point)
            return self._priced[key]

    def _importance(self, feasible: Rows, every: Rows) -> tuple[Importance, ...]:
        """As `importances`, of an even sample of so many trials as its models learn from."""
        good, all_alike = (self._trials(thinned(rows, MOST_TRIALS)) for rows in (feasible, every))
        found = [of_objective(self.problem, objective, good) for objective in self.problem.objectives]
        return (*found, of_feasibility(self.problem, all_alike))

    def _trials(self, rows: Rows) -> tuple[Trial, ...]:
        with Store(self._path, read_only=True) as store:
            records = store.records(self.header.name, numbers=self._ledger.numbers[rows].tolist())
        return tuple(record.trial for record in records)

    def _accounts(self) -> tuple[Account, ...]:
        if not self._question.sources:
            return ()
        with Store(self._path, read_only=True) as store:
            try:
                return reporting.accounts(self._question, self.header.name, store)
            except (StoreError, ValueError, OSError):  # a prior that is gone; the search itself is all there
                return ()


def _goal(metric: str) -> Goal:
    """A metric and where it is better."""
    return Goal(metric=metric, goal=Objective.parse(metric, "any").goal)
