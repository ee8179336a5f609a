"""Searches that are run beside the one that was asked for, to compare it with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf, isfinite
from typing import TYPE_CHECKING, Protocol

from apollo_dse.cli import output

if TYPE_CHECKING:
    from apollo_dse.ablation import Arm, Result
    from apollo_dse.question import Question
    from apollo_dse.study import Study
    from apollo_dse.trial import Trial

Runner = Callable[["Question", str, int], "Study"]
"""Runs the study of a question, of a name, up to a number of trials; one that is there goes on."""


class Ablation(Protocol):
    """What came of the searches beside."""

    def document(self) -> dict[str, object]:
        """As plain values."""

    def show(self) -> None:
        """Write it to stdout."""


@dataclass(frozen=True)
class Cold:
    """A search with priors, and the one of the same question without them."""

    study: "Study"
    cold: "Study"

    @classmethod
    def run(cls, runner: Runner, question: "Question", study: "Study", trials: int) -> "Cold":
        """The search without priors, as a study of its own."""
        from apollo_dse.question import COLD, RECOMMENDED

        cold = replace(question, method=None, sources=(), knobs={}, optimizer=RECOMMENDED)
        return cls(study, runner(cold, f"{study.name}{COLD}", trials))

    def document(self) -> dict[str, object]:
        """Both searches trial by trial: best losses so far, null while nothing is feasible."""
        from apollo_dse.report.choice import choose

        cold = self.cold
        best = choose(cold.problem, cold.trials)[0] if cold.pareto_front else None
        return {
            "study": cold.name,
            "optimizer": cold.records[0].proposed_by if cold.records else None,
            "best": None if best is None else trial_document(best),
            "curve": _curve(self.study),
            "cold_curve": _curve(cold),
            "trials_to_cold_best": trials_to_match(self.study, cold),
        }

    def show(self) -> None:
        """Best losses after some numbers of trials, and when the one matches the other."""
        from apollo_dse.report.labels import lowered, metric

        cold, matched = self.cold, trials_to_match(self.study, self.cold)
        goal = self.study.problem.objectives[0].metric
        rows = [
            [str(count), *(_best_after(study, count, goal) for study in (self.study, cold))]
            for count in _checkpoints(len(self.study.trials))
        ]
        output.line(f"best {lowered(metric(goal).label)} with priors, and without (study {cold.name}):")
        output.table(("trials", "with", "without"), rows)
        if matched is not None:
            output.line(f"with priors {matched} trials match the {len(cold.trials)} without")


@dataclass(frozen=True)
class Arms:
    """A joint search of designs and networks, and those that it replaces."""

    question: "Question"
    results: Mapping["Arm", "Result"]

    @classmethod
    def run(cls, runner: Runner, question: "Question", study: "Study", trials: int) -> "Arms":
        """The other searches, each as studies of their own."""
        from apollo_dse.ablation import ablate

        return cls(question, ablate(question, study, trials, runner))

    def document(self) -> dict[str, object]:
        """Trials, Pareto front and choice of each search, and how good its front is (`apollo_dse.ablation`)."""
        from apollo_dse.ablation import shares

        worth = shares(self.question, self.results)
        return {
            arm: {
                "trials": result.trials,
                "best": None if result.best is None else trial_document(result.best),
                "pareto": [trial_document(trial) for trial in result.front],
                "share": worth[arm],
            }
            for arm, result in self.results.items()
        }

    def show(self) -> None:
        """A row a search: what it chose, and how good its front is."""
        from apollo_dse.ablation import shares
        from apollo_dse.report.labels import lowered, metric

        worth = shares(self.question, self.results)
        goals = [objective.metric for objective in self.question.objectives]
        rows = [
            [
                arm.replace("_", " "),
                str(result.trials),
                *(_chosen(result, goal) for goal in goals),
                "-" if (share := worth[arm]) is None else f"{100 * share:.1f} %",
            ]
            for arm, result in self.results.items()
        ]
        measure = "front" if len(goals) > 1 else "of the best"
        output.line("searches beside, of which those in stages begin with the design of the first:")
        output.table(("search", "trials", *(lowered(metric(goal).label) for goal in goals), measure), rows)


def trial_document(trial: "Trial") -> dict[str, object]:
    """A trial as plain values."""
    return {"number": trial.number, "point": trial.point, "metrics": trial.measurement.metrics}


def trials_to_match(study: "Study", other: "Study") -> int | None:
    """After how many trials a study has what another one ends with, by the first objective; None: never."""
    wanted = min(other.convergence()[:, 0], default=inf)
    reached = (study.convergence()[:, 0] <= wanted).nonzero()[0]
    return int(reached[0]) + 1 if len(reached) and isfinite(wanted) else None


def _chosen(result: "Result", goal: str) -> str:
    from apollo_dse.report.labels import metric_text

    return "-" if result.best is None else metric_text(goal, result.best.measurement.metrics[goal])


def _best_after(study: "Study", count: int, goal: str) -> str:
    from apollo_dse.report.labels import metric_text

    found = [trial for trial in study.trials[:count] if study.problem.feasible(trial)]
    if not found:
        return "-"
    best = min(found, key=study.problem.losses)
    return metric_text(goal, best.measurement.metrics[goal])


def _curve(study: "Study") -> list[float | None]:
    return [loss if isfinite(loss) else None for loss in study.convergence()[:, 0].tolist()]


def _checkpoints(trials: int) -> list[int]:
    """Numbers of trials at which two searches are compared: 1, 2, 5, 10, ... and the last."""
    steps = (step * 10**power for power in range(6) for step in (1, 2, 5))
    return [*(step for step in steps if step < trials), trials]
