"""`apollo-dse compare`: which optimizer is best on tasks whose exact answer is known, and is that chance?"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.errors import Interrupted, UserError, user_input
from apollo_dse.cli.options import JsonOption, WholeNumber

ALL = "all"


def compare(  # noqa: PLR0913 - one parameter an option
    *,
    optimizers: Annotated[str | None, Parameter(help="Names of optimizers, joined by commas.")] = None,
    tasks: Annotated[str, Parameter(help="Names of tasks, joined by commas; all if absent.")] = ALL,
    workload: Annotated[str | None, Parameter(help="Only the tasks on this network.")] = None,
    trials: Annotated[WholeNumber, Parameter(help="Designs that a run may try.")] = 200,
    seeds: Annotated[WholeNumber, Parameter(help="Runs of each optimizer on each task.")] = 20,
    batch: Annotated[WholeNumber, Parameter(help="Designs a round; an optimizer learns after each round.")] = 1,
    lottery: Annotated[
        WholeNumber, Parameter(help="Settings of each optimizer to try, its defaults among them; 1 if absent.")
    ] = 1,
    jobs: Annotated[WholeNumber, Parameter(help="Processes.")] = 1,
    results: Annotated[
        Path | None, Parameter(help="The file of runs made so far; ./apollo-dse-compare.jsonl if absent.")
    ] = None,
    out: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="Also write an HTML page with regret curves.")
    ] = None,
    json: JsonOption = False,
) -> None:
    r"""Compare optimizers on tasks whose exact optimum is known.

    Every optimizer runs on every task from every seed. Runs are kept as they are
    made, so that the same command goes on after Ctrl-C, and adds to what is there.

    Examples:
      apollo-dse compare --optimizers evolution,random --workload resnet18 --seeds 5
      apollo-dse compare --optimizers bayesian,random --jobs 2 --json
    """
    from apollo_dse import benchmark
    from apollo_dse.benchmark.lottery import lottery as drawn
    from apollo_dse.benchmark.lottery import tickets, with_tickets
    from apollo_dse.benchmark.page import render
    from apollo_dse.optimizers import get, names

    if out is not None and (out.is_dir() or not out.absolute().parent.is_dir()):
        raise UserError(f"-o takes a file in a folder that is there, but got {str(out)!r}")
    if optimizers is None:
        raise UserError(f"--optimizers must be given: some of {', '.join(names())}, joined by commas")
    with user_input():
        for name in _words(optimizers):
            get(name)
        chosen = benchmark.select(() if tasks == ALL else _words(tasks), workload)
        runs = benchmark.grid(_words(optimizers), chosen, trials, seeds, batch)
        settings = {name: tickets(name, chosen[0].problem(), lottery) for name in _words(optimizers)}
        wanted = with_tickets(runs, settings)
        kept = benchmark.Results(*[results] if results else [])
        with _progress(len(wanted)) as tell:
            complete = benchmark.make(wanted, kept, jobs, tell)
    if not complete:
        there = sum(run in kept for run in wanted)
        raise Interrupted(
            f"interrupted; {there} of {len(wanted)} runs are kept in {kept.path}; the same command goes on"
        )
    told = benchmark.document(runs, kept)
    if lottery > 1:
        told["lottery"] = drawn(runs, settings, kept)
    if out is not None:
        with user_input():
            out.write_text(render(told), encoding="utf-8")
    output.document(told) if json else _show(told)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """What to call with the number of runs that are there."""
    with output.waiting("Beginning") as say:
        start = perf_counter()
        first: int | None = None

        def tell(done: int) -> None:
            nonlocal first
            first = done if first is None else first
            made = done - first
            rest_s = (perf_counter() - start) / made * (total - done) if made else None
            say(f"{done} of {total} runs" + (f", about {_rounded(rest_s)} left" if rest_s else ""))

        yield tell


def _rounded(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def _show(told: Mapping[str, Any]) -> None:
    from apollo_dse.benchmark import words

    names = told["optimizers"]
    output.line(f"{words.headline(told)}\n")
    output.table(words.OVERALL, words.overall(told))
    output.line(f"\n{words.REGRETS}")
    output.table(("task", *names), words.regrets(told))
    if len(names) > 1:
        output.line(f"\n{words.WINS}")
        output.table(("optimizer", *names), words.wins(told))
    if "lottery" in told:
        output.line(f"\n{words.LOTTERY}")
        output.table(words.SETTINGS, words.lottery(told))
