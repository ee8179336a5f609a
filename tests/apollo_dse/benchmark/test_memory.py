"""Remembered measurements: the same as measured ones, measured once, and never those of another world."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from accel_models import Layer, Workload
from apollo_dse.benchmark import TASKS, memory, remembered
from apollo_dse.benchmark.memory import Remembered
from apollo_dse.problem import Objective
from apollo_dse.question import Question

TINY = Workload(name="tiny", layers=(Layer(name="gemm", k=8, c=4, p=2),))


@pytest.fixture(scope="module")
def problem():
    return Question(space="eyeriss", workloads=(TINY,), objectives=(Objective("latency_s"),)).problem()


class Counted:
    """An evaluator that counts the points that it prices."""

    def __init__(self, evaluator):
        self.evaluator, self.points = evaluator, []
        self.metrics, self.fingerprint, self.preview = (
            evaluator.metrics,
            evaluator.fingerprint,
            evaluator.preview,
        )

    def __call__(self, points):
        self.points.extend(points)
        return self.evaluator(points)


def test_answers_are_those_of_the_evaluator_and_asked_for_once(problem, tmp_path):
    points = problem.space.sample(np.random.default_rng(0), 6)
    counted = Counted(problem.evaluate)
    for _ in range(2):  # the second is another process's: it knows the file alone
        kept = Remembered(counted, tmp_path / "kept.sqlite")
        assert kept([points[0], points[1], points[0]]) == problem.evaluate([points[0], points[1], points[0]])
        assert kept(points) == problem.evaluate(points)
    assert len(counted.points) == len({str(point) for point in points})


def test_what_cannot_be_built_is_not_priced(tmp_path):
    problem = TASKS["edge-resnet18-latency-tight"].problem()
    counted = Counted(problem.evaluate)
    largest = problem.space.from_unit(np.full((1, len(problem.space.parameters)), 0.999))
    [measurement] = Remembered(counted, tmp_path / "kept.sqlite")(largest)
    assert "reticle" in measurement.infeasible_because
    assert counted.points == []
    assert Remembered(counted, tmp_path / "kept.sqlite")(largest) == [measurement]


def test_another_world_or_source_is_asked_anew(problem, tmp_path, monkeypatch):
    points = problem.space.sample(np.random.default_rng(0), 1)
    counted = Counted(problem.evaluate)
    Remembered(counted, tmp_path / "kept.sqlite")(points)
    counted.fingerprint = "another"
    Remembered(counted, tmp_path / "kept.sqlite")(points)
    monkeypatch.setattr(memory, "pricing_source", lambda: b"changed")
    Remembered(counted, tmp_path / "kept.sqlite")(points)
    assert len(counted.points) == 3


def test_a_broken_file_costs_only_time(problem, tmp_path):
    points = problem.space.sample(np.random.default_rng(0), 1)
    broken = tmp_path / "kept.sqlite"
    broken.write_bytes(b"no database " * 100)
    assert Remembered(problem.evaluate, broken)(points) == problem.evaluate(points)
    with sqlite3.connect(tmp_path / "odd.sqlite") as connection:
        connection.execute("CREATE TABLE measurements (world BLOB, point TEXT, answer TEXT)")
    assert Remembered(problem.evaluate, tmp_path / "odd.sqlite")(points) == problem.evaluate(points)


def test_only_the_built_in_evaluator_is_remembered(problem):
    with pytest.raises(TypeError, match="only the built-in evaluator"):
        remembered(replace(problem, evaluate=lambda points: []))
