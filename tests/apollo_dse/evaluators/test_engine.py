"""Where points are measured changes nothing in what is measured; what goes wrong there costs little."""

import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from itertools import pairwise

import pytest

from apollo_dse.evaluators import cancelling, trait, waits
from apollo_dse.evaluators.area import TemplateArea
from apollo_dse.evaluators.engine import LOCAL, Engine, Spread
from apollo_dse.evaluators.isolated import Isolated, Lost
from apollo_dse.evaluators.memory import Remembered
from apollo_dse.evaluators.several import Several
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.problem import Objective, Problem
from apollo_dse.storage import Store
from apollo_dse.study import Study
from apollo_dse.trial import Measurement
from tests.apollo_dse.evaluators.simulators import SPACE, Plain, described


class Waiting(Plain):
    """The same, for threads; it knows who asks, and how many at a time."""

    waits = True

    def __init__(self, **faults):
        super().__init__(**faults)
        self.now = self.most = 0
        self.asked = []
        self.lock = threading.Lock()

    def _measured(self, point):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.asked.append(point["x"])
        try:
            time.sleep(0.01)
            return super()._measured(point)
        finally:
            with self.lock:
                self.now -= 1


def trials(evaluator, engine, count=24, store=None):
    problem = Problem(space=SPACE, objectives=(Objective("loss"),), evaluate=engine.around(evaluator))
    study = Study(problem, Evolution(problem, seed=1), store, "s", batch=8)
    assert study.run(count) == "finished"
    return list(study.trials)


def row(*xs):
    return [{"x": x, "y": 7} for x in xs]


def loss(*xs):
    return [Measurement({"loss": float((x - 40) ** 2)}) for x in xs]


ENGINES = [LOCAL, Engine("process"), Engine("process", 3)]


@pytest.mark.parametrize("kind", [Plain, Waiting])
def test_trials_are_the_same_by_any_engine(kind):
    wanted = trials(Plain(), LOCAL)
    for engine in ENGINES:
        assert trials(kind(uneven=True), engine) == wanted


def test_a_study_begun_by_one_engine_goes_on_by_another(tmp_path):
    wanted = trials(Plain(), LOCAL)
    for engine, count in zip(ENGINES, (5, 19, 24), strict=True):
        with Store(tmp_path / "s.sqlite") as store:
            assert trials(Waiting(), engine, count, store) == wanted[:count]


def test_as_many_points_are_measured_at_a_time_as_there_are_workers():
    for workers in (1, 2, 4):
        evaluator = Waiting()
        assert Spread(evaluator, workers)(row(*range(12))) == loss(*range(12))
        assert evaluator.most == workers
        assert sorted(evaluator.asked) == list(range(12))


def test_stopped_it_begins_no_more_and_ends_with_all_that_were_begun():
    evaluator = Waiting()
    found = []
    for measured in Spread(evaluator, 3).stream(row(*range(30)), lambda: len(found) >= 4):
        found.append(measured)
    assert 4 <= len(found) < 30
    assert found == loss(*range(len(found)))
    assert sorted(evaluator.asked) == list(range(len(found))), "nothing was measured in vain"


def test_closed_it_breaks_off_what_is_running():
    ends = []

    class Endless(Waiting):
        def _measured(self, point):
            if point["x"] == 0:
                return Measurement({"loss": 0.0})
            while not cancelling.cancelled.get()():
                time.sleep(0.01)
            ends.append(point["x"])
            raise cancelling.Cancelled

    stream = Spread(Endless(), 3).stream(row(0, 1, 2, 3), lambda: False)
    assert next(stream) == Measurement({"loss": 0.0})
    stream.close()
    assert set(ends) <= {1, 2, 3}
    assert threading.active_count() == 1 or all(
        not each.name.startswith("evaluate") for each in threading.enumerate()
    )


@pytest.mark.parametrize("make", [lambda each: Spread(each, 2), lambda each: Engine("process", 2).around(each)])
@pytest.mark.parametrize("kind", [Plain, Waiting])
def test_what_an_evaluator_raises_is_raised_after_what_came_before(make, kind):
    stream = make(kind(raises=3)).stream(row(1, 2, 3, 4), lambda: False)
    assert [next(stream), next(stream)] == loss(1, 2)
    with pytest.raises(ValueError, match="x is what it must not be"):
        next(stream)


def test_a_process_that_dies_costs_one_measurement():
    found = Engine("process", 2).around(Plain(dies=2, leaves=4))(row(1, 2, 3, 4, 5))
    assert [found[0], found[2], found[4]] == loss(1, 3, 5)
    assert [found[1], found[3]] == [
        Measurement.failed("its process ended with SIGSEGV"),
        Measurement.failed("its process ended with exit code 3"),
    ]


class Hired:
    """A worker that is ready after so many looks, or lost instead."""

    def __init__(self, evaluator, comes, lost):
        self.evaluator = evaluator
        self.comes = comes
        self.lost = lost
        self.looks = self.answered = 0
        self.is_alive = True

    def is_ready(self):
        time.sleep(0.001)
        self.looks += 1
        assert self.looks < 3000, "it is waited for in vain, though others are idle"
        if self.lost:
            raise Lost("its host was lost")
        return self.looks > self.comes

    def measured(self, points, timeout_s):
        assert self.looks > self.comes
        self.answered += len(points)
        time.sleep(0.002)
        return self.evaluator(points)

    def kill(self):
        self.is_alive = False


class Cluster:
    """Workers by their number: the first comes at once, others after `late` looks, and `lost` never."""

    def __init__(self, late=0, lost=()):
        self.late = late
        self.lost = lost
        self.hired = []

    def __call__(self, evaluator):
        number = len(self.hired)
        self.hired.append(Hired(evaluator, self.late if number else 0, number in self.lost))
        return self.hired[-1]


def test_a_worker_that_never_comes_holds_nobody_up():
    """Such as on a cluster that lost a host."""
    cluster = Cluster(late=10**9)
    isolated = Isolated(Plain(), cluster)
    assert Spread(isolated, 3)(row(*range(12))) == loss(*range(12))
    assert cluster.hired[0].answered == 12
    assert len(cluster.hired) <= 3
    assert all(each.is_alive for each in cluster.hired), "they may still come"


def test_a_worker_that_comes_late_is_asked_from_then_on():
    cluster = Cluster(late=20)
    isolated = Isolated(Plain(), cluster)
    assert Spread(isolated, 3)(row(*range(60))) == loss(*range(60))
    assert len(cluster.hired) <= 3
    assert sum(each.answered for each in cluster.hired) == 60
    assert all(each.answered for each in cluster.hired)


def test_workers_that_are_lost_before_they_are_ready_are_replaced():
    cluster = Cluster(lost=(1, 2))
    isolated = Isolated(Plain(), cluster)
    assert Spread(isolated, 2)(row(*range(40))) == loss(*range(40))
    assert [each.is_alive for each in cluster.hired] == [True, False, False, True]


def test_an_evaluator_that_no_worker_loads_is_no_failed_run():
    cluster = Cluster(lost=range(9))
    with pytest.raises(ValueError, match="a worker must load the evaluator, but its host was lost"):
        Isolated(Plain(), cluster)(row(1))
    assert len(cluster.hired) == 3
    assert not any(each.is_alive for each in cluster.hired)


def test_while_no_worker_comes_a_search_can_be_broken_off():
    cluster = Cluster(late=10**9)
    cluster.hired.append(None)
    isolated = Isolated(Plain(), cluster)
    looks = iter([False] * 5)
    token = cancelling.cancelled.set(lambda: next(looks, True))
    try:
        with pytest.raises(cancelling.Cancelled):
            isolated(row(1))
    finally:
        cancelling.cancelled.reset(token)
    assert not cluster.hired[1].is_alive


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "local", "workers": 2}, "use process"),
        ({"name": "process", "workers": 0}, "`workers >= 1`"),
        ({"name": "process", "chunk": 0}, "`chunk >= 1`"),
        ({"name": "process", "address": "auto"}, "that of a Ray cluster, but the engine is process"),
        ({"name": "dask"}, "one of local, process, ray, but got 'dask'"),
    ],
)
def test_engines_that_there_are_not(options, said):
    with pytest.raises(ValueError, match=said):
        Engine(**options)


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is there")
def test_without_ray_it_says_what_to_install():
    with pytest.raises(
        ValueError, match=r"needs the package ray; install it with: pip install 'apollo-dse\[ray\]'"
    ):
        Engine("ray").around(Plain())


def test_traits_are_seen_through_those_who_ask():
    for evaluator in (Waiting(), Remembered(Waiting()), TemplateArea(Remembered(Waiting()), None)):
        assert waits(evaluator)
        assert trait(evaluator, "timeout_s") == 60.0
    assert not waits(Remembered(Plain()))
    assert waits(Isolated(Plain()))
    assert waits(Several({"a": Waiting(), "b": Remembered(Waiting())}))
    assert not waits(Several({"a": Waiting(), "b": Plain()}))
    assert LOCAL.around(Plain()).__class__ is Plain


SCRIPT = """
import sys
from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.evaluators.engine import Engine
from apollo_dse.problem import Objective, Problem
from apollo_dse.storage import Store
from apollo_dse.study import Study
from tests.apollo_dse.evaluators.simulators import SPACE
from apollo_dse.evaluators.files import evaluators_of
from search_spaces import DesignSpace
from search_spaces.space import no_template
space = DesignSpace("s", SPACE, no_template, "")
evaluator = evaluators_of(sys.argv[1])(space, ())
evaluator._memory.path = __import__("pathlib").Path(sys.argv[3])
problem = Problem(space=SPACE, objectives=(Objective("loss"),), evaluate=Engine("process", 3).around(evaluator))
study = Study(problem, Evolution(problem, seed=1), Store(sys.argv[2]), "s", batch=8)
if __name__ == "__main__":
    print("begun", flush=True)
    print(study.run(24), len(study.trials), flush=True)
"""
SIMULATOR = """
import json, os, sys, time
point = json.load(open(sys.argv[1]))
here = os.path.dirname(__file__)
with open(here + "/begun", "a") as file:
    file.write(json.dumps(point) + "\\n")
time.sleep(0.3)
with open(here + "/ended", "a") as file:
    file.write(json.dumps(point) + "\\n")
print("loss=" + str((point["x"] - 40) ** 2 + (point["y"] - 7) ** 2))
"""


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


def study_of(tmp_path):
    """A process that runs a study of a program, once it has begun."""
    path = described(tmp_path, SIMULATOR, outputs={"loss": {"regex": "loss=(.*)"}})
    words = [sys.executable, "-c", SCRIPT, str(path), str(tmp_path / "s.sqlite"), str(tmp_path / "m.sqlite")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    return process


def press(process, tmp_path, times, after):
    """Ctrl-C, `times` times, once `after` runs have begun."""
    while len(lines(tmp_path / "begun")) < after:
        assert process.poll() is None
        time.sleep(0.01)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    return process.communicate(timeout=60)


def stored(tmp_path):
    with Store(tmp_path / "s.sqlite", read_only=True) as store:
        return [record.trial for record in store.records("s")]


def test_ctrl_c_once_finishes_what_runs_and_twice_stops_now_and_nothing_is_lost(tmp_path):
    wanted = trials(Plain(), LOCAL, 24)
    said, _ = press(study_of(tmp_path), tmp_path, 1, after=5)
    begun, ended = lines(tmp_path / "begun"), lines(tmp_path / "ended")
    assert sorted(begun) == sorted(ended), "what had begun was finished"
    assert said == f"interrupted {len(ended)}\n"
    assert stored(tmp_path) == wanted[: len(ended)]

    before = len(ended)
    press(study_of(tmp_path), tmp_path, 2, after=before + 4)
    begun, ended = lines(tmp_path / "begun"), lines(tmp_path / "ended")
    assert len(begun) > len(ended), "what had begun was killed"
    kept = stored(tmp_path)
    assert before < len(kept) <= len(ended)
    assert kept == wanted[: len(kept)]

    done = study_of(tmp_path)
    assert done.communicate(timeout=60)[0] == "finished 24\n"
    assert stored(tmp_path) == wanted
    again = lines(tmp_path / "ended")
    assert len(again) == len(set(again)) == 24, "nothing that had ended was run again"


def test_trials_are_kept_as_they_come(tmp_path):
    sizes = []
    problem = Problem(space=SPACE, objectives=(Objective("loss"),), evaluate=Spread(Waiting(), 2))
    with Store(tmp_path / "s.sqlite") as store:
        study = Study(problem, Evolution(problem, seed=1), store, "s", batch=8)
        study.run(12, lambda now: sizes.append(len(store.records("s"))))
    assert sizes == list(range(1, 13))
    assert all(after - before == 1 for before, after in pairwise(sizes))


def test_an_evaluator_that_leaves_points_out_is_found_out():
    class Short(Spread):
        def stream(self, points, stop):
            yield from super().stream(points[:-1], stop)

    problem = Problem(space=SPACE, objectives=(Objective("loss"),), evaluate=Short(Waiting(), 2))
    with pytest.raises(ValueError, match="must measure every point, but it left 1 of 8"):
        Study(problem, Evolution(problem, seed=1), batch=8).run(8)
