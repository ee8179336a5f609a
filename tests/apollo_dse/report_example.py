"""Studies for the tests of reports: small, of the real space, model and evaluator."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from accel_models import Layer, VectorOp, Workload
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.report import About, ReportData, build_report, pricing
from apollo_dse.trial import Trial
from search_spaces.hardware.edge import EDGE

TINY = Workload(
    name="tiny",
    layers=(
        Layer(name="stem", k=32, c=3, p=56, q=56, r=3, s=3, stride=(2, 2)),
        Layer(name="depthwise", kind="depthwise", g=32, p=56, q=56, r=3, s=3),
        Layer(name="pointwise", k=64, c=32, p=56, q=56, repeats=3),
        Layer(name="classifier", kind="linear", k=1000, c=64),
    ),
    vector_ops=(VectorOp(name="pool", kind="pool", ops=200_704, input_words=200_704, output_words=64),),
)
ONE_LAYER = Workload(name="one", layers=(Layer(name="only", k=64, c=64, p=28, q=28, r=3, s=3),))


@cache
def problem(
    objectives: tuple[str, ...] = ("latency",),
    limits: tuple[str, ...] = ("area<=20",),
    workloads: tuple[Workload, ...] = (TINY,),
) -> Problem:
    return Problem(
        space=EDGE.space,
        objectives=tuple(map(Objective.parse, objectives)),
        constraints=tuple(map(Constraint.parse, limits)),
        evaluate=AnalyticalEvaluator(EDGE, workloads),
    )


@cache
def random_trials(asked: Problem, count: int, seed: int = 0) -> tuple[Trial, ...]:
    points = asked.space.sample(np.random.default_rng(seed), count) if count else []
    measured = asked.evaluate(points)
    return tuple(Trial(i, *pair) for i, pair in enumerate(zip(points, measured, strict=True)))


def said(name: str = "example", workloads: Sequence[Workload] = (TINY,)) -> About:
    return About(
        name=name,
        space="edge",
        space_reference=EDGE.reference,
        optimizer="random",
        workloads=tuple(workload.name for workload in workloads),
        seed=0,
        seconds=1.5,
        versions={"apollo-dse": "0.1.0"},
    )


@cache
def report_of(
    count: int,
    objectives: tuple[str, ...] = ("latency",),
    limits: tuple[str, ...] = ("area<=20",),
    workloads: tuple[Workload, ...] = (TINY,),
    name: str = "example",
) -> ReportData:
    asked = problem(objectives, limits, workloads)
    price = pricing(EDGE, workloads)
    return build_report(asked, random_trials(asked, count), said(name, workloads), price)
