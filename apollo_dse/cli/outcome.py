"""What a study found, for people and for programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

from apollo_dse.cli import output
from apollo_dse.cli.beside import Ablation, trial_document
from apollo_dse.question import Question
from apollo_dse.report.choice import BINDING_ROOM, choose
from apollo_dse.report.labels import lowered, metric, metric_text
from apollo_dse.study import Limitation, Study
from apollo_dse.transfer import Account, Transfer, accounts, name_of
from apollo_dse.trial import Trial

MOST_ROWS = 20
"""Rows of the Pareto table for people; the JSON document has all."""


@dataclass(frozen=True)
class Outcome:
    """A study after a run; `seconds` is the wall time of this run, loading included.

    `beside` is what came of the searches beside it, where there were any.
    """

    question: Question
    study: Study
    store: str
    seconds: float
    beside: Ablation | None = None

    @cached_property
    def front(self) -> list[Trial]:
        """The Pareto front by rising first loss; of a single objective the best trial alone."""
        return sorted(self.study.pareto_front, key=self.study.problem.losses)

    @cached_property
    def best(self) -> Trial | None:
        """The design to build: with several objectives the one that `report` recommends."""
        return choose(self.study.problem, self.study.trials)[0] if self.front else None

    @property
    def feasible(self) -> int:
        """Trials that can be built, mapped, and keep the limits."""
        return sum(map(self.study.problem.feasible, self.study.trials))

    @property
    def failed(self) -> int:
        """Trials whose run failed, so that nothing is known of their designs."""
        return sum(trial.measurement.has_failed for trial in self.study.trials)

    def document(self) -> dict[str, object]:
        """The outcome as one JSON document; `best` is null when nothing is feasible, and `reasons` says why."""
        study, question = self.study, self.question
        return {
            "study": study.name,
            "store": self.store,
            "space": question.name,
            "workloads": list(question.subjects),
            "objectives": [str(objective) for objective in question.objectives],
            "constraints": [str(constraint) for constraint in question.constraints],
            "optimizer": question.searcher,
            "seed": question.seed,
            "batch": study.batch,
            "asynchronous": study.asynchronous,
            "minimize": question.mapped_for,
            "trials": len(study.trials),
            "feasible": self.feasible,
            "failed": self.failed,
            "best": None if self.best is None else trial_document(self.best),
            "pareto": [trial_document(trial) for trial in self.front],
            "limits": [_limit(limitation) for limitation in study.limitations()],
            "reasons": study.problem.reasons(study.trials),
            "transfer": self._transfer(),
            "ablation": None if self.beside is None else self.beside.document(),
            "seconds": self.seconds,
        }

    @cached_property
    def accounts(self) -> list[Account]:
        """What came of each prior; none where the search had none."""
        method = self.study.optimizer
        if not isinstance(method, Transfer):
            return []
        self.study.teach()
        return accounts(method)

    def _transfer(self) -> dict[str, object] | None:
        if not self.accounts:
            return None
        sources = [
            {**asdict(each), "workloads": list(each.workloads), "remarks": list(each.remarks)}
            for each in self.accounts
        ]
        return {"method": name_of(self.study.optimizer), "sources": sources}

    def show(self) -> None:
        """Write the outcome to stdout."""
        study = self.study
        total = len(study.trials)
        share = f"{100 * self.feasible / total:.0f} % feasible" if total else "none feasible"
        output.line(f"study {study.name}: {total} trials, {share}, {self.seconds:.1f} s, kept in {self.store}")
        if self.failed:
            self._show_failures()
        if self.best is None:
            self._show_reasons()
            return
        output.line(f"best design, trial {self.best.number}: {_metrics(self.best.measurement.metrics)}")
        space = study.problem.space
        output.table(
            ("parameter", "value"), [[p.name, p.format(self.best.point[p.name])] for p in space.parameters]
        )
        for limitation in study.limitations():
            output.line(_limit_text(limitation))
        if self.accounts:
            self._show_accounts(self.accounts)
        if self.beside is not None:
            self.beside.show()
        if len(study.problem.objectives) > 1:
            self._show_front()

    def _show_accounts(self, accounts: list[Account]) -> None:
        method = name_of(self.study.optimizer)
        output.line(f"learned by {method} from {len(accounts)} priors, weights as in the end:")
        rows = [
            [each.name, f"{each.weight:.0%}", f"{each.distance:.2f}", "; ".join(each.remarks)]
            for each in accounts
        ]
        output.table(("prior", "weight", "distance", "remarks"), rows)

    def _show_failures(self) -> None:
        last = next(trial for trial in reversed(self.study.trials) if trial.measurement.has_failed)
        share = f"{self.failed} of {len(self.study.trials)} runs failed, and say nothing of their designs"
        output.line(f"{share}; the last, trial {last.number}: {last.measurement.infeasible_because}")

    def _show_reasons(self) -> None:
        output.line("no design was feasible; the reasons and how often:")
        rows = [[reason, str(count)] for reason, count in self.study.problem.reasons(self.study.trials).items()]
        output.table(("reason", "trials"), rows)

    def _show_front(self) -> None:
        """The front with the parameters in which its designs differ."""
        goals = [objective.metric for objective in self.study.problem.objectives]
        shown = self.front[:MOST_ROWS]
        varied = [
            p for p in self.study.problem.space.parameters if len({trial.point[p.name] for trial in shown}) > 1
        ]
        rows = [
            [
                str(trial.number),
                *(metric_text(name, trial.measurement.metrics[name]) for name in goals),
                *(p.format(trial.point[p.name]) for p in varied),
            ]
            for trial in shown
        ]
        output.line(f"Pareto front, {len(rows)} of {len(self.front)} designs, parameters in which they differ:")
        output.table(("trial", *goals, *(p.name for p in varied)), rows)


def news(study: Study) -> str:
    """Best so far and feasible share, in few words."""
    total, problem = len(study.trials), study.problem
    if not total:
        return ""
    feasible = sum(map(problem.feasible, study.trials))
    share = f"{100 * feasible / total:.0f} % feasible"
    if failed := sum(trial.measurement.has_failed for trial in study.trials):
        share += f", {failed} failed"
    front = study.pareto_front
    if len(problem.objectives) > 1:
        return f"{share}, {len(front)} on the Pareto front"
    if not front:
        return share
    goal = problem.objectives[0].metric
    best = metric_text(goal, front[0].measurement.metrics[goal])
    return f"{share}, best {lowered(metric(goal).label)} {best}"


def _metrics(metrics: Mapping[str, float]) -> str:
    totals = {name: value for name, value in metrics.items() if ":" not in name}
    return ", ".join(
        f"{lowered(metric(name).label)} {metric_text(name, value)}" for name, value in totals.items()
    )


def _binds(limitation: Limitation) -> bool:
    return limitation.slack is not None and limitation.slack <= BINDING_ROOM


def _limit(limitation: Limitation) -> dict[str, object]:
    return {
        "constraint": str(limitation.constraint),
        "slack": limitation.slack,
        "ruled_out": limitation.ruled_out,
        "binds": _binds(limitation),
    }


def _limit_text(limitation: Limitation) -> str:
    verdict = "binds" if _binds(limitation) else "does not bind"
    room = f"{100 * (limitation.slack or 0.0):.3g} % of it left"
    ruled_out = f"it ruled out {100 * limitation.ruled_out:.0f} % of the trials"
    return f"{limitation.constraint} {verdict}: {room}; {ruled_out}"
