"""`apollo-dse optimum`: the best of all designs of a space, with a certificate."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.ahead import search_mappings
from apollo_dse.cli.arguments import asked, values
from apollo_dse.cli.errors import Interrupted, UserError, user_input
from apollo_dse.cli.options import (
    ConstraintOptions,
    JsonOption,
    MinimizeOption,
    ObjectiveOptions,
    SpaceOption,
    WholeNumber,
    WorkloadOptions,
)

if TYPE_CHECKING:
    from apollo_dse.oracle import Found, Optimum, Progress
    from apollo_dse.problem import Problem
    from apollo_dse.question import Question

MOST_ROWS = 20
"""Rows of the table for people; the JSON document has all."""


def optimum(  # noqa: PLR0913 - one parameter an option
    *,
    workload: WorkloadOptions = None,
    space: SpaceOption = None,
    objective: ObjectiveOptions = None,
    constraint: ConstraintOptions = None,
    minimize: MinimizeOption = None,
    fix: Annotated[
        list[str] | None,
        Parameter(help="Hold a parameter at one value, as in cores=4; repeat it for several."),
    ] = None,
    top: Annotated[WholeNumber, Parameter(help="How many of the best designs to find.")] = 1,
    time_limit: Annotated[
        float | None, Parameter(help="Seconds after which to stop, whatever gap is left.")
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""Find the best of all designs of a space, and prove it.

    Every design is either priced or excluded by a bound, and the certificate says
    how many by which. Several objectives give the whole Pareto front. Ctrl-C and
    --time-limit give the best so far and the gap that is left.

    Examples:
      apollo-dse optimum --workload mobilenet_v2 --constraint 'area<=20'
      apollo-dse optimum --workload mobilenet_v2 --constraint 'area<=20' --top 10 --json
      apollo-dse optimum --workload net.json --objective latency --objective area \
        --fix cores=4 --time-limit 60
    """
    fields = asked(
        workloads=workload, space=space, objectives=objective, constraints=constraint, minimize=minimize
    )
    from apollo_dse.problem import Objective
    from apollo_dse.question import Question

    if "workloads" not in fields:
        raise UserError("--workload must be given: a network of the zoo, or a traced FILE.json")
    if time_limit is not None and not time_limit > 0:
        raise UserError(f"`--time-limit > 0` must hold, but got {time_limit}")
    fields.setdefault("space", "edge")
    fields.setdefault("objectives", (Objective.parse("latency"),))
    with user_input():
        question = Question(**fields)
        fixed = values(question.design_space.space.parameters, fix or [], "--fix")
        problem = question.problem()
        problem = replace(problem, space=problem.space.subspace(**fixed))
        found = _solve(question, problem, top, time_limit)
    output.document(_document(question, fixed, found)) if json else _show(question, problem, found)
    if found.end == "interrupted":
        raise Interrupted(f"interrupted; the best so far is printed, with {_gap(found.gap)}")


def _solve(question: "Question", problem: "Problem", top: int, time_limit: float | None) -> "Optimum":
    from numpy.random import default_rng

    from apollo_dse import oracle

    with output.waiting("Searching mappings") as say:
        [point] = problem.space.sample(default_rng(0), 1)
        space = question.design_space
        search_mappings(space.build(point), space.span(), question.workloads, say)
    with _progress() as tell:
        return oracle.solve(problem, top=top, seconds=time_limit or float("inf"), progress=tell)


@contextmanager
def _progress() -> "Iterator[Callable[[Callable[[], Progress]], None]]":
    """What to call after every round; it asks for the state, which costs time, only when that is shown."""
    seconds = output.SECONDS_BETWEEN_FRAMES if sys.stderr.isatty() else output.SECONDS_BETWEEN_LINES
    with output.waiting("Bounding designs") as say:
        last = perf_counter()

        def tell(now: "Callable[[], Progress]") -> None:
            nonlocal last
            if perf_counter() - last >= seconds:
                say(_news(now()))
                last = perf_counter()

        yield tell


def _news(now: "Progress") -> str:
    done = f"{now.evaluated} designs priced, {now.bounded} bounds, {output.count_text(now.open)} designs left"
    return f"{done}, {_gap(now.gap)}"


def _gap(gap: float) -> str:
    return f"a gap of {100 * gap:.3g} %" if gap < float("inf") else "no design found that is feasible"


def _document(question: "Question", fixed: Mapping[str, object], found: "Optimum") -> dict[str, object]:
    """The answer as one JSON document; `optimum` is null when there is none, `gap` when nothing bounds it."""
    designs = [_design(design) for design in found.designs]
    several = len(question.objectives) > 1
    return {
        "space": question.design_space.name,
        "workloads": [workload.name for workload in question.workloads],
        "objectives": [str(objective) for objective in question.objectives],
        "constraints": [str(constraint) for constraint in question.constraints],
        "minimize": question.mapped_for,
        "fixed": fixed,
        "optimum": designs[0] if designs and not several else None,
        "points": found.points,
        "evaluated": found.evaluated,
        "bounded": found.bounded,
        "pruned": found.pruned,
        "open": found.open,
        "gap": found.gap,
        "end": found.end,
        "seconds": found.seconds,
        "top": [] if several else designs,
        "pareto": designs if several else [],
    }


def _design(design: "Found") -> dict[str, object]:
    return {"point": design.point, "metrics": design.measurement.metrics}


def _show(question: "Question", problem: "Problem", found: "Optimum") -> None:
    from apollo_dse.report.labels import metric_text

    output.line(
        f"{found.points:,} designs: {found.evaluated:,} priced, {found.bounded:,} bounds, {found.seconds:.1f} s"
    )
    rows = [[reason, f"{count:,}"] for reason, count in found.pruned.items()]
    if found.open:
        rows.append(["not explored", f"{found.open:,}"])
    output.table(("excluded by", "designs"), rows)
    verdict = "solved exactly" if found.end == "solved" else f"{found.end}, {_gap(found.gap)}"
    shown = found.designs[:MOST_ROWS]
    if not shown:
        output.line(f"no design is feasible; {verdict}")
        return
    what = "Pareto front" if len(problem.objectives) > 1 else "best"
    output.line(f"{what}, {len(shown)} of {len(found.designs)} designs; {verdict}:")
    metrics = [name for name in shown[0].measurement.metrics if ":" not in name]
    _columns(
        [*metrics, *problem.space.names],
        [
            [
                *(metric_text(name, design.measurement.metrics[name]) for name in metrics),
                *(p.format(design.point[p.name]) for p in problem.space.parameters),
            ]
            for design in shown
        ],
    )


def _columns(names: Sequence[str], designs: Sequence[Sequence[str]]) -> None:
    """A design a column: there are more names than fit side by side."""
    numbers = [str(number) for number in range(1, len(designs) + 1)]
    output.table(("design", *numbers), [[name, *row] for name, *row in zip(names, *designs, strict=True)])
