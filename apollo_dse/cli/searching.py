"""What `explore`, `transfer` and `codesign` share: a study, new or resumed, run live; and what came of it."""

import re
from collections.abc import Callable, Container
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from apollo_dse.cli import output
from apollo_dse.cli.ahead import search_mappings
from apollo_dse.cli.errors import Failing, Interrupted, UserError, user_input
from apollo_dse.cli.progress import display, trainings

if TYPE_CHECKING:
    from apollo_dse.cli.beside import Ablation, Runner
    from apollo_dse.cli.options import Kept
    from apollo_dse.evaluators.engine import Engine
    from apollo_dse.question import Question
    from apollo_dse.storage import Store
    from apollo_dse.study import End, Study


def search(  # noqa: PLR0913 - one parameter an option
    given: dict[str, Any],
    kept: "Kept",
    *,
    trials: int,
    ablate: "Callable[[Runner, Question, Study, int], Ablation] | None" = None,
    command: str = "explore",
    missing: str = "--workload must be given: a network of the zoo, or a traced FILE.json",
    engine: "Engine | None" = None,
    failures: int | None = None,
) -> None:
    """Run a study and write what it found.

    Args:
        given: fields of the `Question`; `sources` are references (`apollo_dse.library`). Those left out are the
            study's own, where it is resumed.
        kept: where the study is kept, under which name; without one it is one with the time in it.
        trials: size of the study at the end.
        ablate: makes searches beside this one, to compare it with, with what runs them; None: there are none.
        command: that goes on with the study.
        missing: what is wrong where no network was given.
        engine: where points are measured; None: here.
        failures: runs that fail in a row and end the search; None: as many as usual.

    Raises:
        UserError: an option is wrong.
        Interrupted: Ctrl-C was pressed.
        Failing: too many runs in a row have failed.
    """
    if trials < 1:
        raise UserError(f"`--trials >= 1` must hold, but got {trials}")
    start = perf_counter()
    from apollo_dse.cli.outcome import Outcome
    from apollo_dse.evaluators.engine import LOCAL
    from apollo_dse.storage import Store, StoreError
    from apollo_dse.study import FAILURES

    failures = FAILURES if failures is None else failures
    if kept.resume and kept.study is None:
        raise UserError("--resume needs the name of the study, as in --study NAME")
    if not kept.resume:
        _check_new(given, missing)
    with user_input("", StoreError), Store(kept.store) as opened:
        name = _name(given, opened.names()) if kept.study is None else kept.study
        question, running = _begin(opened, name, given, kept.resume, engine or LOCAL)
        again = f"apollo-dse {command} --study {name} --store {opened.path} --trials {trials} --resume"
        end = _completed(question, running, trials, again, failures)
        runner = partial(_run_beside, opened, engine or LOCAL, again, failures)
        beside = ablate(runner, question, running, trials) if ablate else None
        if end == "exhausted":
            output.note(f"no design is left: all that the space has are among the {len(running.trials)} trials")
        found = Outcome(question, running, str(opened.path), perf_counter() - start, beside)
        output.document(found.document()) if kept.json else found.show()


def _completed(question: "Question", study: "Study", trials: int, again: str, failures: int) -> "End":
    """Run a study, unless it has as many trials already."""
    before = len(study.trials)
    if before >= trials:
        output.note(f"study {study.name!r} has {before} trials already; a larger --trials goes on")
    return _run(question, study, trials, again, failures)


def _run_beside(
    store: "Store", engine: "Engine", again: str, failures: int, question: "Question", name: str, trials: int
) -> "Study":
    """The study of another question beside the one that was asked, run; it is resumed where it is there."""
    study = question.study(store, name, engine)
    _run(question, study, trials, again, failures)
    return study


def _check_new(given: dict[str, Any], missing: str) -> None:
    from apollo_dse import evaluators, optimizers, transfer
    from apollo_dse.problem import Objective
    from apollo_dse.question import RECOMMENDED
    from search_spaces import get

    evaluator = given.get("evaluator", evaluators.ANALYTICAL)
    if not {"workloads", "networks"} & given.keys() and evaluator == evaluators.ANALYTICAL:
        raise UserError(missing)
    given.setdefault("space", "edge")
    given.setdefault("objectives", (Objective.parse("latency"),))
    with user_input():
        get(given["space"])
        evaluators.get(evaluator)
        if "method" in given:
            transfer.get(given["method"])
        else:
            optimizers.get(given.get("optimizer", RECOMMENDED))


def _subject(given: dict[str, Any]) -> str:
    """What a study is named after: its first workload, or the networks to choose from, or the evaluator."""
    if "networks" in given:
        return str(given["networks"].network_space.name)
    return str(given["workloads"][0].name) if "workloads" in given else Path(given["evaluator"]).stem


def _name(given: dict[str, Any], taken: Container[str]) -> str:
    """A name that no study has yet: the subject and the time, and a number where that second has one."""
    stem = re.sub(r"[^A-Za-z0-9._-]", "-", _subject(given)).strip("-._") or "study"
    name = f"{stem[:60]}-{datetime.now():%Y%m%d-%H%M%S}"
    return next(each for each in chain([name], (f"{name}-{n}" for n in count(2))) if each not in taken)


def _begin(
    store: "Store", name: str, given: dict[str, Any], resume: bool, engine: "Engine"
) -> tuple["Question", "Study"]:
    from apollo_dse.library import load
    from apollo_dse.question import MODEL, Question

    if "sources" in given:
        given["sources"] = tuple(each if each == MODEL else load(store, each) for each in given["sources"])
    if resume:
        question = replace(Question.stored(store.header(name)), **given)
    elif name in store.names():
        raise UserError(f"{store.path} has a study {name!r} already; --resume goes on with it, or name another")
    else:
        question = Question(**given)
    with output.waiting("Loading the cost model" if question.is_analytical else "Loading the optimizer"):
        return question, question.study(store, name, engine)


def _run(question: "Question", study: "Study", trials: int, again: str, failures: int) -> "End":
    """Run with live progress, the search for mappings included.

    Args:
        question: what is asked.
        study: of it.
        trials: size of the study at the end.
        again: the command that goes on.
        failures: runs that fail in a row and end the search; 0: none do.

    Raises:
        Interrupted: Ctrl-C was pressed; what is saved and how to go on.
        Failing: too many runs in a row have failed; the last reason, what is saved and how to go on.
    """
    try:
        if len(study.trials) < trials and question.is_analytical:
            _search_mappings(question)
        with display(study, trials) as shown, trainings(question, shown):
            end = study.run(trials, shown.trials, failures)
    except KeyboardInterrupt:
        end = "interrupted"
    path = study.store.path if study.store else ""
    saved = f"{len(study.trials)} of {trials} trials are saved in {path}"
    if end == "interrupted":
        raise Interrupted(f"interrupted; {saved}; go on with: {again}")
    if end == "failing":
        last = next(trial for trial in reversed(study.trials) if trial.measurement.has_failed)
        why = f"{failures} runs in a row have failed, the last, trial {last.number}, since"
        mend = f"mend that, or allow more --failures, and go on with: {again}"
        raise Failing(f"{why} {last.measurement.infeasible_because}; {saved}; {mend}")
    return end


def _search_mappings(question: "Question") -> None:
    from numpy.random import default_rng

    design_space = question.design_space
    [point] = design_space.space.sample(default_rng(0), 1)
    with output.waiting("Searching mappings") as say:
        search_mappings(design_space.build(point), design_space.span(), question.typical_workloads, say)
