"""The loop: nothing measured is lost, resuming changes nothing, and its readings are right."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from apollo_dse.evaluators.engine import Spread
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.storage import Store, StoreError
from apollo_dse.study import FAILURES, Study, differences
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement
from search_spaces.parameter import Integer
from search_spaces.space import SearchSpace, canonical

SCRIPT = """
import sys, time
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.storage import Store
from apollo_dse.study import Study
from apollo_dse.testing import accelerators

def progress(study):
    print("batch", flush=True)
    time.sleep(0.002)

problem = accelerators()
study = Study(problem, Evolution(problem, seed=3), Store(sys.argv[1]), "demo")
end = study.run(int(sys.argv[2]), progress)
print(end, len(study.trials), flush=True)
"""


def line(values, cost, **limits):
    """A problem over one integer, with a cost of it."""
    return Problem(
        space=SearchSpace((Integer("x", 0, values - 1),)),
        objectives=(Objective("loss"),),
        evaluate=lambda points: [cost(point["x"]) for point in points],
        constraints=tuple(Constraint(metric, upper=limit) for metric, limit in limits.items()),
    )


def start(path, trials=640):
    """A process that runs the study; it writes a line a batch, and in the end how it ended."""
    command = [sys.executable, "-c", SCRIPT, str(path), str(trials)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(process):
    """The last line of a process, once it is gone."""
    with process:
        return ["nothing", *process.stdout][-1]


def kill_and_resume(path, rounds):
    """Kill a study at random moments, up to three batches later each time; yield what is stored then."""
    chance = random.Random(path.name)
    for turn in range(rounds):
        process = start(path)
        for _ in range(chance.randint(1, 3)):
            assert process.stdout.readline() == "batch\n"
        time.sleep(chance.uniform(0.0, 0.01))
        process.send_signal(signal.SIGKILL)
        ended(process)
        with Store(path, read_only=turn % 2 == 0) as store:
            yield [record.trial for record in store.records("demo")]


def undisturbed(trials=640):
    problem = accelerators()
    study = Study(problem, Evolution(problem, seed=3))
    assert study.run(trials) == "finished"
    return list(study.trials)


def check_killed_study(path, rounds):
    wanted = undisturbed()
    before = 0
    for stored in kill_and_resume(path, rounds):
        assert stored == wanted[: len(stored)], "what is stored must be the beginning of the undisturbed run"
        assert len(stored) % 16 == 0, "batches must be stored whole"
        assert len(stored) > before, "no stored trial may be lost, and each run must get on"
        before = len(stored)
    assert before < len(wanted), "the study must have been killed in its midst"
    assert ended(start(path)) == "finished 640\n"
    with Store(path) as store:
        assert [record.trial for record in store.records("demo")] == wanted


def test_killed_at_random_moments_it_ends_as_if_undisturbed(tmp_path):
    check_killed_study(tmp_path / "s.sqlite", rounds=5)


@pytest.mark.slow
def test_killed_fifty_times(tmp_path):
    for turn in range(10):
        check_killed_study(tmp_path / f"s{turn}.sqlite", rounds=5)


@pytest.mark.parametrize("make", [Random, Evolution])
@pytest.mark.parametrize("stops", [[7], [16], [40, 41, 42, 90], list(range(1, 40))])
def test_stopping_anywhere_gives_the_trials_of_one_run(tmp_path, make, stops):
    problem = accelerators()
    wanted = Study(problem, make(problem, seed=3))
    wanted.run(100)
    in_memory = Study(problem, make(problem, seed=3))
    for trials in [*stops, 100]:
        in_memory.run(trials)
        with Store(tmp_path / "s.sqlite") as store:
            resumed = Study(problem, make(problem, seed=3), store, "demo")
            assert resumed.run(trials) == "finished"
            assert len(resumed.trials) == trials
    assert in_memory.trials == wanted.trials
    assert resumed.trials == wanted.trials


@pytest.mark.parametrize("stops", [(64,), (3, 5, 17, 64)])
def test_starts_are_tried_first_and_what_follows_is_the_same_wherever_it_stops(tmp_path, stops):
    problem = accelerators()
    starts = tuple(Random(problem, seed=9).ask(5))
    begun = replace(problem, starts=starts)
    with Store(tmp_path / "s.sqlite") as store:
        for trials in stops:
            study = Study(begun, Evolution(begun, seed=3), store, "demo", batch=4)
            study.run(trials)
    assert [record.trial.point for record in study.records[:5]] == list(starts)
    assert [record.proposed_by for record in study.records[:6]] == ["start"] * 5 + ["evolution"]
    assert [record.batch for record in study.records[:12]] == [0] * 4 + [4] * 4 + [8] * 4
    whole = Study(begun, Evolution(begun, seed=3), batch=4)
    whole.run(64)
    assert study.trials == whole.trials
    with Store(tmp_path / "s.sqlite") as store, pytest.raises(StoreError, match="starts was"):
        Study(problem, Evolution(problem, seed=3), store, "demo", batch=4)


def test_starts_that_an_optimizer_suggests_too_are_tried_once():
    problem = accelerators()
    starts = tuple(Random(problem, seed=3).ask(4))
    begun = replace(problem, starts=starts[:3])
    study = Study(begun, Random(begun, seed=3), batch=4)
    study.run(12)
    texts = [canonical(trial.point) for trial in study.trials]
    assert len(set(texts)) == 12
    assert texts[:3] == list(map(canonical, starts[:3]))


def test_points_have_the_order_of_the_space_before_and_after_resuming(tmp_path):
    problem = bowl(Integer("z", 0, 9), Integer("a", 0, 9), Integer("m", 0, 9))
    for trials in (4, 6):
        with Store(tmp_path / "s.sqlite") as store:
            study = Study(problem, Random(problem, seed=0), store, "s", batch=2)
            study.run(trials)
        assert [list(trial.point) for trial in study.trials] == [["z", "a", "m"]] * trials


def test_records_say_how_each_trial_came_about(tmp_path):
    problem = accelerators()
    with Store(tmp_path / "s.sqlite") as store:
        study = Study(problem, Evolution(problem, seed=0), store, "demo", about={"note": [1, 2]})
        study.run(40)
        assert store.records("demo") == study.records
        assert store.header("demo").about == {"note": [1, 2]}
    assert [record.batch for record in study.records] == [0] * 16 + [16] * 16 + [32] * 8
    assert {record.proposed_by for record in study.records} == {"evolution"}
    assert all(record.seconds > 0 for record in study.records)


def test_every_batch_is_stored_before_progress_is_called(tmp_path):
    problem = accelerators()
    seen = []
    with Store(tmp_path / "s.sqlite") as store, Store(tmp_path / "s.sqlite", read_only=True) as reader:
        Study(problem, Random(problem, seed=0), store, "demo").run(
            40, lambda study: seen.append((len(study.trials), len(reader.records("demo"))))
        )
    assert seen == [(16, 16), (32, 32), (40, 40)]


class TestAnotherQuestion:
    @pytest.fixture
    def store(self, tmp_path):
        with Store(tmp_path / "s.sqlite") as store:
            problem = accelerators()
            Study(problem, Evolution(problem, seed=0), store, "demo").run(16)
            yield store

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda p: (p, Evolution(p, seed=1), 16), "optimizer.seed was 0 and is now 1"),
            (
                lambda p: (p, Evolution(p, seed=0, population=8, tournament=2), 16),
                "optimizer.population was 32",
            ),
            (lambda p: (p, Random(p, seed=0), 16), "optimizer.name was 'evolution' and is now 'random'"),
            (lambda p: (p, Evolution(p, seed=0), 8), "batch was 16 and is now 8"),
            (lambda p: (q := accelerators(area_mm2=9.0), Evolution(q, seed=0), 16), "constraints was"),
            (lambda p: (q := accelerators("area_mm2"), Evolution(q, seed=0), 16), "objectives was"),
            (lambda p: (q := bowl(Integer("a", 0, 9)), Evolution(q, seed=0), 16), "parameters.a was None"),
        ],
    )
    def test_it_is_refused_with_what_differs(self, store, change, said):
        problem, optimizer, batch = change(accelerators())
        with pytest.raises(StoreError, match="can only be resumed as it was begun") as caught:
            Study(problem, optimizer, store, "demo", batch=batch)
        assert said in str(caught.value)
        assert len(store.records("demo")) == 16

    def test_another_evaluator_is_refused(self, store):
        class Simulator:
            metrics = ("latency_s",)
            fingerprint = "simulator 2.0 resnet50@123"

            def __call__(self, points):
                return [Measurement({"latency_s": 1.0}) for _ in points]

        problem = accelerators()
        other = Problem(
            space=problem.space,
            objectives=problem.objectives,
            evaluate=Simulator(),
            constraints=problem.constraints,
        )
        with pytest.raises(StoreError, match=r"evaluator was .* and is now 'simulator 2.0 resnet50@123'"):
            Study(other, Evolution(other, seed=0), store, "demo")

    def test_differences_look_into_nested_entries(self):
        assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}) == ["a.c was 2 and is now 3"]
        assert differences({"a": 1}, {"a": 1}) == []


def test_two_writers_of_one_study(tmp_path):
    problem = accelerators()
    path = tmp_path / "s.sqlite"
    with Store(path) as first, Store(path) as second:
        ours = Study(problem, Random(problem, seed=0), first, "demo")
        theirs = Study(problem, Random(problem, seed=0), second, "demo")
        ours.run(16)
        with pytest.raises(StoreError, match="extended by another process"):
            theirs.run(16)
        assert len(first.records("demo")) == 16


def test_a_study_has_one_driver_at_a_time(tmp_path):
    problem = accelerators()
    path = tmp_path / "s.sqlite"
    refused = []

    def beside(study):
        with Store(path) as second:
            theirs = Study(problem, Random(problem, seed=0), second, "demo")
            with pytest.raises(StoreError, match="is being run by another process; wait until it ends"):
                theirs.run(48)
            other = Study(problem, Random(problem, seed=0), second, f"other-{len(refused)}")
            assert other.run(16) == "finished"
        refused.append(len(study.trials))

    with Store(path) as first:
        Study(problem, Random(problem, seed=0), first, "demo").run(32, beside)
    assert refused == [16, 32]
    assert not list(tmp_path.glob("*.lock")), "a lock is removed with its study's end"


class TestInterrupt:
    def test_ctrl_c_finishes_the_batch_and_a_resumed_run_goes_on(self, tmp_path):
        path = tmp_path / "s.sqlite"
        process = start(path, trials=100_000)
        assert process.stdout.readline() == "batch\n"
        process.send_signal(signal.SIGINT)
        end, number = ended(process).split()
        assert end == "interrupted"
        with Store(path) as store:
            stored = [record.trial for record in store.records("demo")]
        assert len(stored) == int(number) > 0
        assert stored == undisturbed(len(stored))

    def test_within_a_batch_it_waits(self):
        def evaluate(points):
            os.kill(os.getpid(), signal.SIGINT)
            return [Measurement({"loss": float(point["x"])}) for point in points]

        before = signal.getsignal(signal.SIGINT)
        space = SearchSpace((Integer("x", 0, 999),))
        problem = Problem(space=space, objectives=(Objective("loss"),), evaluate=evaluate)
        study = Study(problem, Random(problem, seed=0))
        assert study.run(100) == "interrupted"
        assert len(study.trials) == 16
        assert signal.getsignal(signal.SIGINT) is before

    def test_twice_breaks_off(self):
        def evaluate(points):
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("the second signal must end the evaluation")

        space = SearchSpace((Integer("x", 0, 999),))
        problem = Problem(space=space, objectives=(Objective("loss"),), evaluate=evaluate)
        study = Study(problem, Random(problem, seed=0))
        with pytest.raises(KeyboardInterrupt):
            study.run(100)
        assert study.trials == ()

    def test_other_threads_run_too(self):
        problem = accelerators()
        study = Study(problem, Random(problem, seed=0))
        thread = threading.Thread(target=study.run, args=(32,))
        thread.start()
        thread.join()
        assert len(study.trials) == 32


class TestSuggestions:
    def test_an_exhausted_space_ends_the_run(self, tmp_path):
        problem = line(20, lambda x: Measurement({"loss": float(x)}))
        with Store(tmp_path / "s.sqlite") as store:
            study = Study(problem, Evolution(problem, seed=0), store, "demo")
            assert study.run(50) == "exhausted"
            assert sorted(trial.point["x"] for trial in study.trials) == list(range(20))
            resumed = Study(problem, Evolution(problem, seed=0), store, "demo")
            assert resumed.run(50) == "exhausted"
            assert resumed.trials == study.trials

    def test_repeated_suggestions_are_not_evaluated_again(self):
        class Stutters(Random):
            def ask(self, n):
                points = [trial.point for trial in self.trials[:3]]
                return [*points, *super().ask(n), *super().ask(n)]

        evaluated = []

        def cost(x):
            evaluated.append(x)
            return Measurement({"loss": float(x)})

        problem = line(1000, cost)
        study = Study(problem, Stutters(problem, seed=0))
        study.run(64)
        assert len(evaluated) == len(set(evaluated)) == 64

    def test_points_outside_the_space_are_refused_before_they_are_evaluated(self):
        class Leaves(Random):
            def ask(self, n):
                return [{"x": -1}]

        problem = line(9, lambda x: pytest.fail("must not be evaluated"))
        with pytest.raises(ValueError, match=r"suggestions must lie in the space, but .*Leaves's do not: `x`"):
            Study(problem, Leaves(problem, seed=0)).run(1)

    def test_an_evaluator_must_answer_every_point(self, tmp_path):
        space = SearchSpace((Integer("x", 0, 99),))
        problem = Problem(space=space, objectives=(Objective("loss"),), evaluate=lambda points: [])
        with pytest.raises(ValueError, match="shorter"):
            Study(problem, Random(problem, seed=0)).run(1)

    def test_a_metric_that_is_missing_is_noticed_before_it_is_stored(self, tmp_path):
        problem = line(99, lambda x: Measurement({"other": 1.0}))
        with Store(tmp_path / "s.sqlite") as store:
            with pytest.raises(ValueError, match="'loss' must be measured"):
                Study(problem, Random(problem, seed=0), store, "demo").run(1)
            assert store.records("demo") == ()

    @pytest.mark.parametrize("batch", [0, -1])
    def test_a_batch_holds_a_point(self, batch):
        problem = accelerators()
        with pytest.raises(ValueError, match="`batch >= 1` must hold"):
            Study(problem, Random(problem, seed=0), batch=batch)


class TestReadings:
    def test_incumbent_and_convergence(self):
        def cost(x):
            if x % 3 == 0:
                return Measurement(infeasible_because="x must not be a multiple of 3, but it is")
            return Measurement({"loss": float(x), "area_mm2": float(100 - x)})

        problem = line(100, cost, area_mm2=80.0)
        study = Study(problem, Random(problem, seed=0))
        assert study.incumbent is None
        assert study.convergence().shape == (0, 1)
        study.run(100)
        assert study.incumbent.point == {"x": 20}
        best, curve = np.inf, []
        for trial in study.trials:
            x = trial.point["x"]
            best = min(best, x) if x % 3 and x >= 20 else best
            curve.append(best)
        np.testing.assert_array_equal(study.convergence(), np.array(curve)[:, None])

    def test_pareto_front_and_convergence_of_two_objectives(self):
        problem = accelerators("latency_s", "area_mm2")
        study = Study(problem, Evolution(problem, seed=0))
        study.run(160)
        front = study.pareto_front
        losses = np.array([problem.losses(trial) for trial in front])
        assert len(front) > 1
        np.testing.assert_array_equal(study.convergence()[-1], losses.min(axis=0))

    def test_limitations(self):
        numbers = count()

        def cost(x):
            if next(numbers) % 4 == 0:
                return Measurement(infeasible_because="no")
            return Measurement({"loss": -float(x), "area_mm2": x / 10, "power_w": 1.0})

        problem = line(100, cost, power_w=4.0, area_mm2=5.0)
        study = Study(problem, Random(problem, seed=0))
        assert [(each.slack, each.ruled_out) for each in study.limitations()] == [(None, 0.0), (None, 0.0)]
        study.run(100)
        area, power = study.limitations()
        assert (area.constraint.metric, power.constraint.metric) == ("area_mm2", "power_w")
        assert area.slack == pytest.approx((5.0 - study.incumbent.point["x"] / 10) / 5.0)
        assert power.slack == 0.75
        broken = sum(t.measurement.is_feasible and t.point["x"] > 50 for t in study.trials)
        assert (area.ruled_out, power.ruled_out) == (broken / 100, 0.0)

    def test_limitations_of_two_objectives_are_the_least_along_the_front(self):
        problem = accelerators("latency_s", "area_mm2")
        study = Study(problem, Evolution(problem, seed=0))
        study.run(160)
        largest = max(trial.measurement.metrics["area_mm2"] for trial in study.pareto_front)
        (area,) = study.limitations()
        assert area.slack == pytest.approx((30.0 - largest) / 30.0)

    def test_points_are_kept_as_they_were_asked(self):
        problem = accelerators()
        study = Study(problem, Random(problem, seed=5))
        study.run(16)
        asked = Random(problem, seed=5).ask(16)
        assert [canonical(trial.point) for trial in study.trials] == [canonical(point) for point in asked]


class Pauses:
    """An evaluator of one number: each point takes as long as its place in the list says, and some fail."""

    metrics, fingerprint, waits = ("loss",), "pauses", True

    def __init__(self, pauses_s=(0.0,), fails=()):
        self.pauses_s = pauses_s
        self.fails = fails
        self.asked = []

    def __call__(self, points):
        [point] = points
        self.asked.append(canonical(point))
        time.sleep(self.pauses_s[len(self.asked) % len(self.pauses_s)])
        failed = self.fails == "all" or point["x"] in self.fails
        return [Measurement.failed("no licence") if failed else Measurement({"loss": float(point["x"])})]


def paused(evaluator, workers, values=400):
    return replace(line(values, lambda x: None), evaluate=Spread(evaluator, workers))


class Looker(Evolution):
    """Evolution that knows what was told and pending whenever it was asked."""

    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.seen = []

    def ask(self, n):
        points = super().ask(n)
        self.seen.append((len(self.trials), len(self.pending), [canonical(point) for point in points]))
        return points


class TestAsynchronous:
    def test_a_suggestion_knows_all_that_is_there_and_pending(self):
        problem = paused(Pauses((0.0, 0.02, 0.005)), 3)
        optimizer = Looker(problem, seed=1)
        study = Study(problem, optimizer, asynchronous=True)
        assert study.run(60) == "finished"
        assert [trial.number for trial in study.trials] == list(range(60))
        assert {len(points) for _, _, points in optimizer.seen} == {1}, "points are suggested one by one"
        assert [pending for _, pending, _ in optimizer.seen[:3]] == [0, 1, 2]
        for begun, (told, pending, _) in enumerate(optimizer.seen):
            assert told + pending == begun, "nothing that was begun may be unknown"
            assert pending < 3
        told_before = {points[0]: told for told, _, points in optimizer.seen}
        for record in study.records:
            assert record.batch == told_before[canonical(record.trial.point)]

    def test_with_one_worker_it_is_a_study_of_batches_of_one(self):
        plain = line(400, lambda x: Measurement({"loss": float(x)}))
        wanted = Study(plain, Evolution(plain, seed=1), batch=1)
        wanted.run(50)
        problem = paused(Pauses(), 1)
        study = Study(problem, Evolution(problem, seed=1), asynchronous=True)
        study.run(50)
        assert study.trials == wanted.trials

    def test_resumed_anywhere_it_repeats_nothing_and_suggests_what_follows_from_its_trials(self, tmp_path):
        evaluator = Pauses((0.0, 0.01))
        problem = paused(evaluator, 3)
        for size in (7, 8, 20, 45):
            with Store(tmp_path / "s.sqlite") as store:
                optimizer = Looker(problem, seed=1)
                study = Study(problem, optimizer, store, "s", asynchronous=True)
                before = study.trials
                study.run(size)
                assert study.trials[: len(before)] == before
                twin = Evolution(problem, seed=1)
                twin.tell(before)
                assert optimizer.seen[0] == (len(before), 0, [canonical(twin.ask(1)[0])])
        assert len(study.trials) == 45
        assert len(evaluator.asked) == len(set(evaluator.asked)) == 45, "nothing was measured in vain"

    def test_an_optimizer_that_cannot_hear_of_what_is_pending_is_not_followed_to_it(self):
        class Deaf:
            def __init__(self, problem):
                self.settings = {"seed": 1}
                self.inner = Evolution(problem, seed=1)
                self.tell = self.inner.tell

            def ask(self, n):
                return self.inner.ask(n)

        evaluator = Pauses((0.0, 0.01))
        problem = paused(evaluator, 3, values=40)
        study = Study(problem, Deaf(problem), asynchronous=True)
        assert study.run(100) == "exhausted"
        assert sorted(evaluator.asked) == sorted(canonical({"x": x}) for x in range(40))

    def test_what_raises_costs_nothing_that_was_there(self):
        class Raises(Pauses):
            def __call__(self, points):
                if len(self.asked) == 9:
                    raise ValueError("x is what it must not be")
                return super().__call__(points)

        problem = paused(Raises(), 2)
        study = Study(problem, Evolution(problem, seed=1), asynchronous=True)
        with pytest.raises(ValueError, match="x is what"):
            study.run(30)
        assert len(study.trials) >= 8

    def test_ctrl_c_once_keeps_what_was_begun_and_twice_what_was_there(self, tmp_path):
        evaluator = Pauses((0.0, 0.03, 0.01))
        problem = paused(evaluator, 3)

        def press(times, after):
            def progress(study):
                if len(study.trials) == after:
                    for _ in range(times):
                        signal.raise_signal(signal.SIGINT)

            return progress

        with Store(tmp_path / "s.sqlite") as store:
            study = Study(problem, Evolution(problem, seed=1), store, "s", asynchronous=True)
            assert study.run(60, press(1, after=10)) == "interrupted"
            assert 10 <= len(study.trials) < 13
            assert {canonical(trial.point) for trial in study.trials} == set(evaluator.asked), (
                "all begun is kept"
            )
            with pytest.raises(KeyboardInterrupt):
                study.run(60, press(2, after=20))
            assert len(study.trials) == 20
            assert store.records("s") == study.records

    def test_it_needs_workers_that_are_given_points_and_has_no_batches(self):
        problem = line(40, lambda x: Measurement({"loss": 1.0}))
        with pytest.raises(ValueError, match="this one takes whole batches; use the engine process or ray"):
            Study(problem, Random(problem, seed=0), asynchronous=True).run(8)
        with pytest.raises(ValueError, match="has no batches, but got batch=4"):
            Study(problem, Random(problem, seed=0), asynchronous=True, batch=4)

    def test_it_is_another_question(self, tmp_path):
        problem = paused(Pauses(), 2)
        with Store(tmp_path / "s.sqlite") as store:
            Study(problem, Random(problem, seed=0), store, "s", batch=1).run(3)
            with pytest.raises(StoreError, match="asynchronous was None and is now True"):
                Study(problem, Random(problem, seed=0), store, "s", asynchronous=True)


class TestFailures:
    @pytest.mark.parametrize("asynchronous", [False, True])
    def test_a_simulator_that_only_fails_ends_the_run(self, tmp_path, asynchronous):
        problem = paused(Pauses(fails="all"), 3)
        with Store(tmp_path / "s.sqlite") as store:
            study = Study(problem, Random(problem, seed=0), store, "s", asynchronous=asynchronous)
            assert study.run(200, failures=10) == "failing"
            most = 10 + 2 if asynchronous else study.batch  # in a batch, later points may end first
            assert 10 <= len(study.trials) <= most
            assert store.records("s") == study.records, "what was begun is kept"
            before = len(study.trials)
            assert study.run(200, failures=10) == "failing"
            assert len(study.trials) >= before + 10, "each run counts anew"
            assert study.run(60, failures=0) == "finished"

    def test_of_whole_batches_it_is_noticed_after_one(self):
        problem = line(400, lambda x: Measurement.failed("no licence"))
        study = Study(problem, Random(problem, seed=0))
        assert study.run(200) == "failing"
        assert len(study.trials) == FAILURES == 16

    def test_one_that_works_now_and_then_goes_on(self):
        problem = line(400, lambda x: Measurement.failed("x") if x % 5 else Measurement({"loss": 1.0}))
        assert Study(problem, Random(problem, seed=0)).run(200, failures=40) == "finished"

    def test_infeasible_is_no_failure(self):
        problem = line(400, lambda x: Measurement(infeasible_because="a tile must fit, but none does"))
        assert Study(problem, Random(problem, seed=0)).run(100) == "finished"
