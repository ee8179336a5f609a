"""Runs: what is kept of one, what identifies it, and that processes and interruptions change nothing."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from apollo_dse import benchmark, optimizers
from apollo_dse.benchmark import Outcome, Results, Run, run
from apollo_dse.optimizers.random import Random
from apollo_dse.study import Study
from apollo_dse.trial import Trial

QUICK = "eyeriss-resnet18-latency-tight"
FRONT = "eyeriss-resnet18-latency_area-tight"
GRID = benchmark.grid(["evolution", "random"], benchmark.select([QUICK, FRONT]), trials=12, seeds=2)


def timeless(document):
    """A document without what depends on the clock."""
    return json.dumps({key: value for key, value in document.items() if key != "overhead_s"})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The grid, run whole by two processes."""
    results = Results(tmp_path_factory.mktemp("made") / "results.jsonl")
    counts = []
    assert benchmark.make(GRID, results, jobs=2, progress=counts.append)
    assert counts == list(range(len(GRID) + 1))
    return results


def test_a_run_is_what_its_study_says(made):
    """Curves are those of the same optimizer called by hand."""
    problem = benchmark.TASKS[QUICK].problem()
    answer = benchmark.solution(benchmark.TASKS[QUICK], problem)
    optimizer, trials = Random(problem, 1), []
    for number in range(12):
        [point] = optimizer.ask(1)
        [measurement] = problem.evaluate([point])
        trials.append(Trial(number, point, measurement))
        optimizer.tell(trials[-1:])
    optimum = answer.designs[0].measurement.metrics["latency_s"]
    best, expected = inf, []
    for trial in trials:
        if problem.feasible(trial):
            best = min(best, trial.measurement.metrics["latency_s"])
        expected.append(best / optimum - 1)
    [found] = [made[each] for each in GRID if (each.task, each.optimizer, each.seed) == (QUICK, "random", 1)]
    assert found.regret == pytest.approx(expected)
    assert found.feasible == sum(map(problem.feasible, trials)) / 12
    assert found.overhead_s > 0


def test_the_optimum_has_no_regret_and_nothing_beats_it():
    for name in (QUICK, FRONT):
        problem = benchmark.TASKS[name].problem()
        answer = benchmark.solution(benchmark.TASKS[name], problem)
        points = [design.point for design in answer.designs]
        trials = [Trial(i, *pair) for i, pair in enumerate(zip(points, problem.evaluate(points), strict=True))]
        assert benchmark.regret(problem, trials, answer)[-1] == 0.0
        [first, *_] = answer.designs
        metrics = {name: value * 0.99 for name, value in first.measurement.metrics.items()}
        better = replace(first, measurement=replace(first.measurement, metrics=metrics))
        with pytest.raises(ValueError, match=r"below the optimum|more hypervolume than the front"):
            benchmark.regret(problem, [*trials, better], answer)


def test_a_run_that_beats_the_optimum_names_the_command_that_renews_it(monkeypatch):
    problem, answer = run.world(QUICK)
    [best] = answer.designs
    metrics = {name: value * 100 for name, value in best.measurement.metrics.items()}
    worse = replace(answer, designs=(replace(best, measurement=replace(best.measurement, metrics=metrics)),))
    monkeypatch.setattr(run, "world", lambda task: (problem, worse))
    with pytest.raises(benchmark.StaleError, match=f"random with seed 0 beat .* renew it: .* {QUICK}"):
        run.execute(Run(task=QUICK, optimizer="random", seed=0, trials=4))


def test_the_number_of_processes_changes_nothing(made, tmp_path):
    alone = Results(tmp_path / "alone.jsonl")
    assert benchmark.make(GRID, alone, jobs=1)
    assert timeless(benchmark.document(GRID, alone)) == timeless(benchmark.document(GRID, made))


def test_what_was_broken_off_goes_on(made, tmp_path):
    """Killed in the midst of a line: the runs before it are not made again, the rest come out the same."""
    lines = made.path.read_text(encoding="utf-8").splitlines(keepends=True)
    cut = tmp_path / "cut.jsonl"
    cut.write_text("".join(lines[:3]) + lines[3][:40], encoding="utf-8")
    results, counts = Results(cut), []
    assert benchmark.make(GRID, results, jobs=1, progress=counts.append)
    assert counts[0] == 3
    assert cut.read_text(encoding="utf-8").splitlines(keepends=True)[:3] == lines[:3]
    assert timeless(benchmark.document(GRID, results)) == timeless(benchmark.document(GRID, made))
    again = Results(cut)
    assert all(each in again and again[each] == results[each] for each in GRID)


def test_more_of_the_same_adds_to_what_is_there(made):
    wider = benchmark.grid(["evolution", "random"], benchmark.select([QUICK]), trials=12, seeds=3)
    assert sum(each in made for each in wider) == 4


def test_a_run_is_known_by_all_that_it_follows_from(monkeypatch):
    first = GRID[0]
    assert first.key == replace(first).key
    others = [
        replace(first, task=FRONT),
        replace(first, optimizer="random"),
        replace(first, seed=7),
        replace(first, trials=13),
        replace(first, batch=2),
        replace(first, knobs={"population": 8}),
    ]
    assert len({each.key for each in (first, *others)}) == 1 + len(others)
    before = first.key
    monkeypatch.setattr(run, "pricing_source", lambda: b"another cost model")
    assert first.key != before


def test_an_exhausted_space_keeps_its_last_regret(monkeypatch):
    problem, answer = run.world(QUICK)
    small = problem.space.subspace(
        array_rows=12, array_columns=14, weight_spad_words=224, global_buffer_bytes=102400
    )
    monkeypatch.setattr(run, "world", lambda task: (replace(problem, space=small), answer))
    outcome = run.execute(Run(task=QUICK, optimizer="random", seed=0, trials=20))
    assert len(outcome.regret) == 20
    assert len(set(outcome.regret[6:])) == 1


@pytest.mark.parametrize("name", [QUICK, FRONT])
@pytest.mark.parametrize("batch", [1, 4])
def test_a_run_ends_where_nothing_is_left_to_find(monkeypatch, name, batch):
    """Once every exact design was equalled; before that no regret is zero."""
    problem, answer = run.world(name)
    queue = [*problem.space.sample(np.random.default_rng(0), 6), *(design.point for design in answer.designs)]
    studies = []

    class Knows(Random):
        def ask(self, n):
            return queue[len(self.trials) : len(self.trials) + n] or super().ask(n)

    class Watched(Study):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            studies.append(self)

    monkeypatch.setattr(optimizers, "get", lambda name: Knows)
    monkeypatch.setattr(run, "Study", Watched)
    outcome = run.execute(Run(task=name, optimizer="random", seed=0, trials=len(queue) + 20, batch=batch))
    [study] = studies
    made = len(study.trials)
    assert len(queue) <= made < len(queue) + batch
    assert len(outcome.regret) == len(queue) + 20
    assert [value == 0.0 for value in outcome.regret] == [n >= len(queue) - 1 for n in range(len(queue) + 20)]
    assert outcome.feasible == sum(map(problem.feasible, study.trials)) / made


def test_infinite_regret_is_null_on_disk():
    outcome = Outcome((inf, 0.5), 0.5, 1e-3)
    assert outcome.to_json()["regret"] == [None, 0.5]
    assert Outcome.of_json(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("first line\nsecond\n")
    with pytest.raises(ValueError, match="an outcome in every line, but line 1 has none"):
        Results(tmp_path / "notes.txt")


def test_misuse_is_refused(tmp_path):
    tasks = benchmark.select([QUICK])
    for asked, said in (
        ((["random"], tasks, 0, 1), "trials >= 1"),
        ((["random"], tasks, 1, 0), "seeds >= 1"),
        ((["random", "random"], tasks, 1, 1), "different optimizers"),
        (([], tasks, 1, 1), "no optimizer"),
        ((["random"], [], 1, 1), "at least one task"),
    ):
        with pytest.raises(ValueError, match=said):
            benchmark.grid(*asked)
    with pytest.raises(ValueError, match="jobs >= 1"):
        benchmark.make(GRID, Results(tmp_path / "none.jsonl"), jobs=0)


def test_any_registered_optimizer_can_be_identified():
    for name in optimizers.names():
        assert replace(GRID[0], optimizer=name).key


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_command_goes_on(tmp_path, number):
    """Ctrl-C, and a process killed outright, between any two runs."""
    words = [sys.executable, "-c", "from apollo_dse.cli import main; raise SystemExit(main())", "compare"]
    words += ["--optimizers", "evolution,random", "--tasks", f"{QUICK},{FRONT}", "--trials", "12", "--json"]
    whole = subprocess.run(
        [*words, "--seeds", "2", "--results", "whole.jsonl"], cwd=tmp_path, capture_output=True
    )
    begun = subprocess.Popen([*words, "--seeds", "2", "--results", "cut.jsonl"], cwd=tmp_path)
    while not (tmp_path / "cut.jsonl").exists():
        assert begun.poll() is None
    os.kill(begun.pid, number)
    assert begun.wait() == (130 if number == signal.SIGINT else -number)
    rest = subprocess.run([*words, "--seeds", "2", "--results", "cut.jsonl"], cwd=tmp_path, capture_output=True)
    assert timeless(json.loads(rest.stdout)) == timeless(json.loads(whole.stdout))
