import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from accel_models import Layer, VectorOp, Workload
from accel_models.cost import CostModel
from accel_models.mapspace.price import BOUNDS, LIMITS
from apollo_dse.evaluators import Evaluator
from apollo_dse.evaluators.analytical import COSTS, AnalyticalEvaluator
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.trial import Trial
from search_spaces import get
from search_spaces.files import load
from search_spaces.hardware.edge import EDGE

CONV = Workload(name="conv", layers=(Layer(name="c", k=8, c=4, p=6, q=6, r=3, s=3),))
GEMM = Workload(
    name="gemm",
    layers=(Layer(name="m", kind="gemm", k=32, c=8, p=16, repeats=3),),
    vector_ops=(VectorOp(name="s", kind="softmax", ops=8192, input_words=8192, output_words=8192),),
)
ALONE = tuple(name for name in COSTS if not name.startswith("steady"))
TPU = EDGE.presets["edge-tpu-v1"]
POINTS = [TPU, EDGE.presets["edge-tpu-v2"], EDGE.presets["edge-tpu-v3"]]
TOO_LARGE = {**TPU, "pe_x": 32, "pe_y": 32, "pe_memory_bytes": 16 * 2**20}


def test_it_is_an_evaluator_of_the_metrics_it_names() -> None:
    evaluator = AnalyticalEvaluator(EDGE, [CONV])
    assert isinstance(evaluator, Evaluator)
    for measurement in evaluator(POINTS):
        assert tuple(measurement.metrics) == evaluator.metrics == ALONE
        assert all(type(value) is float and value > 0 for value in measurement.metrics.values())
    assert evaluator([]) == []


def test_metrics_fit_together() -> None:
    for measurement in AnalyticalEvaluator(EDGE, [GEMM])(POINTS):
        metrics = measurement.metrics
        assert metrics["edp_js"] == pytest.approx(metrics["energy_j"] * metrics["latency_s"])
        assert metrics["power_w"] == pytest.approx(metrics["energy_j"] / metrics["latency_s"])
        assert metrics["utilization"] <= 1
    assert [m.metrics["area_mm2"] for m in AnalyticalEvaluator(EDGE, [GEMM])(POINTS)] == pytest.approx(
        [EDGE.build(point).total_area_mm2 for point in POINTS]
    )


def test_a_batch_equals_singles() -> None:
    evaluator = AnalyticalEvaluator(EDGE, [CONV, GEMM])
    points = [*POINTS, TOO_LARGE, *EDGE.space.sample(np.random.default_rng(0), 5)]
    for point, measurement in zip(points, evaluator(points), strict=True):
        (single,) = evaluator([point])
        assert single.infeasible_because == measurement.infeasible_because
        assert single.metrics == pytest.approx(measurement.metrics, rel=1e-6)


def test_it_says_what_binds() -> None:
    """Shares of the latency by what bounds each layer; they are those of the design's cost."""
    evaluator = AnalyticalEvaluator(EDGE, [CONV, GEMM])
    for point, measurement in zip(POINTS, evaluator(POINTS), strict=True):
        expected: dict[str, float] = {}
        for workload in (CONV, GEMM):
            cost = CostModel().evaluate([EDGE.build(point)], workload).design(0)
            for layer in cost.layers:
                share = layer.repeats * layer.latency_s / cost.latency_s / 2
                expected[layer.bound_by] = expected.get(layer.bound_by, 0.0) + share
        assert dict(measurement.bottlenecks) == pytest.approx(expected)
        assert sum(measurement.bottlenecks.values()) == pytest.approx(1.0)


def test_of_what_does_not_run_it_says_what_is_missing() -> None:
    """The factors are those that the reasons print."""
    layer = Layer(name="c", k=512, c=512, p=28, q=28, r=3, s=3)
    evaluator = AnalyticalEvaluator(EDGE, [Workload(name="wide", layers=(layer,)), CONV])
    short = {"instruction_memory_entries": 2, "core_memory_bytes": 64}
    limits = {
        "instruction_memory_entries": "tiles in instruction memory",
        "core_memory_bytes": "core memory bytes",
    }
    for parameter, value in short.items():
        (measurement,) = evaluator([{**TPU, parameter: value}])
        ((limit, ratio),) = measurement.bottlenecks.items()
        assert limit == limits[parameter]
        assert f"needs {ratio:.3g} times what there is" in str(measurement.infeasible_because)


def test_numbers_of_a_design_say_what_the_design_says() -> None:
    """The same reasons, whether a design cannot be built, or not run one of the workloads, or both."""
    wide = Workload(name="wide", layers=(Layer(name="c", k=512, c=512, p=28, q=28, r=3, s=3),))
    points = [TPU, TOO_LARGE, *EDGE.space.sample(np.random.default_rng(0), 60)]
    points += [{**point, "instruction_memory_entries": 2} for point in points]
    numbers, built = (
        AnalyticalEvaluator(space, [wide, CONV])(points) for space in (EDGE, replace(EDGE, monotone=None))
    )
    reasons = [str(each.infeasible_because) for each in numbers if not each.is_feasible]
    assert len(reasons) < len(points)
    assert {("must" in reason, "needs" in reason) for reason in reasons} >= {(True, False), (False, True)}
    for ours, theirs in zip(numbers, built, strict=True):
        assert ours.infeasible_because == theirs.infeasible_because
        assert dict(ours.bottlenecks) == pytest.approx(dict(theirs.bottlenecks))
        assert dict(ours.metrics) == pytest.approx(dict(theirs.metrics))


def test_what_may_bind_has_a_remedy() -> None:
    assert set(EDGE.remedies) == {*BOUNDS, *LIMITS}
    assert {name for names in EDGE.remedies.values() for name in names} == set(EDGE.space.names)


def test_several_workloads_give_geometric_means_and_their_own_metrics() -> None:
    both = AnalyticalEvaluator(EDGE, [CONV, GEMM])
    alone = [AnalyticalEvaluator(EDGE, [workload]) for workload in (CONV, GEMM)]
    for point in POINTS:
        (measurement,) = both([point])
        conv, gemm = (evaluator([point])[0].metrics for evaluator in alone)
        assert set(measurement.metrics) == set(both.metrics)
        for name in ALONE:
            assert measurement.metrics[name] == pytest.approx(math.sqrt(conv[name] * gemm[name]))
            if name != "area_mm2":
                assert measurement.metrics[f"{name}:conv"] == conv[name]
                assert measurement.metrics[f"{name}:gemm"] == gemm[name]


def test_a_design_that_cannot_be_built_says_so_once() -> None:
    first, second = AnalyticalEvaluator(EDGE, [CONV, GEMM])([TOO_LARGE, TPU])
    reasons = EDGE.build(TOO_LARGE).violations
    assert reasons
    assert str(first.infeasible_because).startswith("; ".join(reasons))
    assert [str(first.infeasible_because).count(reason) for reason in reasons] == [1] * len(reasons)
    assert second.is_feasible


def test_a_workload_that_cannot_run_is_named() -> None:
    """The program memory holds three tiles: enough for one multiplication, not for a matrix product."""
    small = Workload(name="small", layers=(Layer(name="s", k=1, c=1),))
    huge = Workload(name="huge", layers=(Layer(name="h", k=64, c=64, p=64),))
    point = {**TPU, "pe_memory_bytes": 4096, "core_memory_bytes": 64, "instruction_memory_entries": 48}
    (fits,) = AnalyticalEvaluator(EDGE, [small])([point])
    assert fits.is_feasible
    (measurement,) = AnalyticalEvaluator(EDGE, [small, huge])([point])
    assert measurement.infeasible_because is not None
    assert measurement.infeasible_because.endswith(", on huge")


def test_the_mapping_is_chosen_for_what_is_asked() -> None:
    by = {
        goal: AnalyticalEvaluator(EDGE, [GEMM], minimize=goal)(POINTS) for goal in ("latency", "energy", "edp")
    }
    for row in range(len(POINTS)):
        for goal, metric in (("latency", "latency_s"), ("energy", "energy_j")):
            best = min(measurements[row].metrics[metric] for measurements in by.values())
            assert by[goal][row].metrics[metric] == pytest.approx(best)


def test_the_fingerprint_identifies_what_is_measured() -> None:
    fingerprint = AnalyticalEvaluator(EDGE, [CONV]).fingerprint
    assert fingerprint == AnalyticalEvaluator(replace(EDGE, name="mine"), [replace(CONV)]).fingerprint
    others = [
        AnalyticalEvaluator(EDGE, [GEMM]),
        AnalyticalEvaluator(EDGE, [CONV, GEMM]),
        AnalyticalEvaluator(EDGE, [CONV], minimize="edp"),
        AnalyticalEvaluator(EDGE, [replace(CONV, layers=(replace(CONV.layers[0], k=33),))]),
    ]
    assert len({fingerprint, *(other.fingerprint for other in others)}) == 5


def test_workloads_have_distinct_names() -> None:
    with pytest.raises(ValueError, match=r"distinct names, but got \['conv', 'conv'\]"):
        AnalyticalEvaluator(EDGE, [CONV, CONV])
    with pytest.raises(ValueError, match=r"at least one, .* but got \[\]"):
        AnalyticalEvaluator(EDGE, [])


def test_it_answers_a_problem() -> None:
    evaluator = AnalyticalEvaluator(EDGE, [CONV, GEMM])
    area_mm2 = EDGE.build(TPU).total_area_mm2
    problem = Problem(
        space=EDGE.space,
        objectives=(Objective.parse("latency:gemm", evaluator.metrics),),
        evaluate=evaluator,
        constraints=(Constraint.parse(f"area<={area_mm2}mm2", evaluator.metrics),),
    )
    points = [*POINTS, TOO_LARGE]
    trials = [
        Trial(i, point, m) for i, (point, m) in enumerate(zip(points, problem.evaluate(points), strict=True))
    ]
    incumbent = problem.incumbent(trials)
    assert incumbent is not None
    losses = [problem.losses(trial) for trial in trials if problem.feasible(trial)]
    assert problem.losses(incumbent) == min(losses)
    assert not problem.feasible(trials[3])
    assert any("must fit the reticle" in reason for reason in problem.reasons(trials))


def test_importing_it_loads_no_torch() -> None:
    code = "import sys, apollo_dse.evaluators.analytical; print({'torch', 'botorch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_the_steady_state_is_measured_if_asked_for() -> None:
    evaluator = AnalyticalEvaluator(EDGE, [GEMM], steady=True)
    assert evaluator.metrics == COSTS
    assert evaluator.fingerprint != AnalyticalEvaluator(EDGE, [GEMM]).fingerprint
    for measurement in evaluator(POINTS):
        assert measurement.metrics["steady_latency_s"] < measurement.metrics["latency_s"]


def test_the_preview_says_what_the_evaluation_would() -> None:
    """On draws of the space: the same area, and unbuildable for the same reasons among perhaps more."""
    evaluator = AnalyticalEvaluator(EDGE, [CONV])
    points = [TOO_LARGE, *POINTS, *EDGE.space.sample(np.random.default_rng(0), 40)]
    known = evaluator.preview(points)
    for before, after in zip(known, evaluator(points), strict=True):
        if before.infeasible_because is not None:
            assert before.infeasible_because in (after.infeasible_because or "")
        elif after.is_feasible:
            assert before.metrics == {"area_mm2": after.metrics["area_mm2"]}
    assert {measurement.is_feasible for measurement in known} == {True, False}


def test_points_are_measured_alike_however_their_parameters_are_ordered(tmp_path) -> None:
    """Numbers of designs are made at once for all points that settle the same values of the same parameters."""
    file = tmp_path / "formats.yaml"
    file.write_text("base: edge\nvalues: {weight_format: [int8, int16], activation_format: [int8, int16]}\n")
    space = load(file)
    point = {
        **space.space.sample(np.random.default_rng(0), 1)[0],
        "pe_x": 2,
        "pe_y": 2,
        "cores": 2,
        "lanes": 16,
    }
    weights = {**point, "weight_format": "int16", "activation_format": "int8"}
    activations = {**point, "weight_format": "int8", "activation_format": "int16"}
    points = [weights, dict(reversed(activations.items()))]
    evaluator = AnalyticalEvaluator(space, [CONV])
    together = evaluator(points)
    assert together == [*evaluator(points[:1]), *evaluator(points[1:])]
    costs = CostModel(span=space.span()).evaluate([space.build(each) for each in points], CONV)
    assert costs.feasible.all()
    assert costs.energy_j[0] != costs.energy_j[1]
    assert [each.metrics["energy_j"] for each in together] == pytest.approx(costs.energy_j.tolist())


def test_slopes_are_those_of_the_metrics() -> None:
    """By single workloads and by their geometric means; area's are those between larger and smaller designs."""
    both = AnalyticalEvaluator(EDGE, [CONV, GEMM])
    evaluators = [both, *(AnalyticalEvaluator(EDGE, [workload]) for workload in (CONV, GEMM))]
    (mean, other, none), (conv, *_), (gemm, *_) = (
        evaluator.slopes([TPU, POINTS[1], TOO_LARGE]) for evaluator in evaluators
    )
    assert set(mean) == set(both.metrics)
    assert set(conv) == set(ALONE)
    assert none == {}
    assert other != mean
    for metric in ALONE:
        assert set(mean[metric]) == set(EDGE.space.names)
        for name in EDGE.space.names:
            assert mean[metric][name] == pytest.approx((conv[metric][name] + gemm[metric][name]) / 2, abs=1e-12)
    for name in ("lanes", "core_memory_bytes", "parameter_memory_entries"):
        larger = {**TPU, name: TPU[name] * 1.0001} if name.endswith("entries") else {**TPU, name: TPU[name] + 1}
        before, after = (each.metrics["area_mm2"] for each in both.preview([TPU, larger]))
        expected = math.log(after / before) / math.log(larger[name] / TPU[name])
        assert mean["area_mm2"][name] == pytest.approx(expected, abs=2e-3)


def test_a_template_without_ranges_has_no_slopes() -> None:
    evaluator = AnalyticalEvaluator(get("eyeriss"), [CONV])
    assert not evaluator.is_sloped
    with pytest.raises(
        ValueError, match="slopes need a template that is monotone, but that of 'eyeriss' is not"
    ):
        evaluator.slopes([])
