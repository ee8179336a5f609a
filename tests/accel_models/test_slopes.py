"""Soft costs: exact in the limit, smooth in between, and with slopes that lead where neighbours are better."""

from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from accel_models import Layer, VectorOp, Workload
from accel_models.cost import CostModel
from accel_models.dataflows.pe_array import PRICER
from accel_models.pricing import GOALS
from accel_models.slopes import Softness, Tangent, Terms, soft_totals
from accel_models.templates import edge
from accel_models.templates.edge_ranges import EDGE_RANGES

LAYERS = (
    Layer(name="conv", k=32, c=16, p=14, q=14, r=3, s=3),
    Layer(name="depthwise", g=48, p=14, q=14, r=5, s=5, repeats=3),
    Layer(name="gemm", k=96, c=64, p=20),
    Layer(name="attention", g=4, k=32, c=16, p=32, weights_are_activations=True),
)
NETWORK = Workload(
    name="small",
    layers=LAYERS,
    vector_ops=(VectorOp(name="pool", kind="pool", ops=9000, input_words=3000, output_words=1000),),
)
SIZES = {
    "pe_x": (1, 2, 4, 6, 8),
    "pe_y": (1, 2, 4, 6, 8),
    "cores": (1, 2, 4),
    "lanes": (4, 8, 16, 32),
    "pe_memory_bytes": (2048, 8192, 16384, 65536),
    "core_memory_bytes": (256, 1024, 4096, 8192),
    "activation_memory_entries": (64, 256, 1024),
    "instruction_memory_entries": (1024, 8192, 65536),
    "parameter_memory_entries": (64, 256, 4096),
    "io_bandwidth_gb_per_s": (1, 5, 20),
}
HARD = Softness(1e-8, 1e-8)
points = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in SIZES.items()})
POINT = {
    "pe_x": 4,
    "pe_y": 2,
    "cores": 2,
    "lanes": 8,
    "pe_memory_bytes": 9000,
    "core_memory_bytes": 1100,
    "activation_memory_entries": 300,
    "instruction_memory_entries": 9000,
    "parameter_memory_entries": 300,
    "io_bandwidth_gb_per_s": 5,
}


def columns(*some):
    return {name: np.array([float(point[name]) for point in some]) for name in SIZES}


def tangent(*some):
    return Tangent.of(EDGE_RANGES, {}, columns(*some))


def hard(goal, *some):
    designs = tangent(*some).designs
    return CostModel(minimize=goal).totals(PRICER, designs, NETWORK)


@pytest.mark.parametrize("goal", GOALS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(point=points)
def test_without_softness_it_is_the_hard_cost(goal, point):
    exact, soft = hard(goal, point), CostModel(minimize=goal).slopes(PRICER, tangent(point), NETWORK, HARD)
    if exact.feasible:
        assert float(soft.latency_s) == pytest.approx(float(exact.latency_s), rel=1e-3)
        assert float(soft.energy_j) == pytest.approx(float(exact.energy_j), rel=1e-3)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(point=points)
def test_a_soft_minimum_is_below_the_hard_one_by_a_bounded_amount(point):
    exact = hard("latency", point)
    if not exact.feasible:
        return
    for temperature in (0.01, 0.1):
        soft = CostModel().slopes(PRICER, tangent(point), NETWORK, Softness(temperature, HARD.width))
        ratio = float(soft.latency_s) / float(exact.latency_s)
        assert exact_enough(ratio, 64.0**-temperature)


def exact_enough(ratio, least):
    """Between the bounds, but for ties that count as equal."""
    return least * (1 - 1e-9) <= ratio <= 1 + 1e-9


@pytest.mark.parametrize("goal", GOALS)
def test_gradients_are_those_of_the_soft_cost(goal):
    at = tangent(POINT, {**POINT, "pe_x": 2, "io_bandwidth_gb_per_s": 1})
    terms = Terms(goal, Softness(0.1, 0.5))
    logs = torch.zeros(at.area.shape, dtype=torch.float64, requires_grad=True)

    def logarithms(logs):
        latency_s, energy_j = soft_totals(PRICER, at, logs, NETWORK, terms)
        return torch.cat((latency_s.log(), energy_j.log()))

    assert torch.autograd.gradcheck(logarithms, (logs,), eps=1e-6, atol=1e-5)


def test_area_is_the_templates_own():
    at, step = tangent(POINT), 1.01
    for place, name in enumerate(at.names):
        up, down = (
            tangent({**POINT, name: POINT[name] * by}).designs.floor.area_mm2 for by in (step, 1 / step)
        )
        assert float(at.area[0, place]) == pytest.approx(
            float(np.log(up / down)[0]) / (2 * log(step)), abs=1e-4
        )


def test_bandwidth_and_units_by_hand():
    """A product that is bound by DRAM, then by its units: each of these has an elasticity of -1."""
    gemm = Workload(name="gemm", layers=(Layer(name="gemm", k=256, c=256, p=256),))
    ample = {
        **POINT,
        "pe_x": 2,
        "pe_y": 4,
        "pe_memory_bytes": 1 << 22,
        "core_memory_bytes": 1 << 20,
    }
    ample |= {"activation_memory_entries": 1 << 16, "parameter_memory_entries": 1 << 16}
    ample |= {"instruction_memory_entries": 1 << 20}
    model = CostModel()
    slow = model.slopes(PRICER, tangent({**ample, "io_bandwidth_gb_per_s": 0.01}), gemm).slopes["latency_s"][0]
    busy = model.slopes(PRICER, tangent({**ample, "io_bandwidth_gb_per_s": 300}), gemm).slopes["latency_s"][0]
    names = list(SIZES)
    assert slow[names.index("io_bandwidth_gb_per_s")] == pytest.approx(-1.0, abs=0.01)
    assert slow[names.index("lanes")] == pytest.approx(0.0, abs=0.01)
    for name in ("pe_x", "pe_y", "cores", "lanes"):
        assert busy[names.index(name)] == pytest.approx(-1.0, abs=0.03)
    assert busy[names.index("io_bandwidth_gb_per_s")] == pytest.approx(0.0, abs=0.03)


def test_what_does_not_fit_asks_for_room():
    """No mapping of a 5 x 5 convolution fits a PE memory of 64 bytes; nothing but more of it helps."""
    small = {**POINT, "pe_memory_bytes": 64}
    assert not hard("latency", small).feasible
    found = CostModel().slopes(PRICER, tangent(small), NETWORK).slopes["latency_s"][0]
    assert found.argmin() == list(SIZES).index("pe_memory_bytes")
    assert found.min() < -0.5


def test_columns_and_rows_that_are_alike_have_slopes_that_are():
    square = {**POINT, "pe_x": 4, "pe_y": 4}
    for name, slopes in CostModel().slopes(PRICER, tangent(square), NETWORK).slopes.items():
        assert slopes[0, 0] == pytest.approx(slopes[0, 1], abs=1e-9), name
    oblong, turned = {**POINT, "pe_x": 6, "pe_y": 2}, {**POINT, "pe_x": 2, "pe_y": 6}
    both = CostModel().slopes(PRICER, tangent(oblong, turned), NETWORK).slopes["latency_s"]
    assert both[0, [1, 0, *range(2, 10)]] == pytest.approx(both[1], abs=1e-9)


def test_a_batch_is_its_singles():
    some = [POINT, {**POINT, "pe_x": 8, "lanes": 32}, {**POINT, "cores": 1}]
    batch = CostModel().slopes(PRICER, tangent(*some), NETWORK)
    for row, point in enumerate(some):
        single = CostModel().slopes(PRICER, tangent(point), NETWORK)
        for name, slopes in single.slopes.items():
            assert batch.slopes[name][row] == pytest.approx(slopes[0], abs=1e-9), name


def test_slopes_agree_with_neighbouring_legal_designs():
    """Signs of all changes of latency above 2 % an e-fold, and the order of sizes (Spearman)."""
    rng = np.random.default_rng(0)
    ours, theirs = [], []
    while len(ours) < 120:
        point = {name: values[rng.integers(len(values))] for name, values in SIZES.items()}
        exact = hard("latency", point)
        if not exact.feasible:
            continue
        slopes = CostModel().slopes(PRICER, tangent(point), NETWORK).slopes["latency_s"][0]
        for name, slope in zip(SIZES, slopes, strict=True):
            near = [{**point, name: value} for value in (2 * point[name], point[name] / 2) if value >= 1]
            found = hard("latency", *near)
            changes = [
                log(float(latency) / float(exact.latency_s)) / log(each[name] / point[name])
                for each, latency, fits in zip(near, found.latency_s, found.feasible, strict=True)
                if fits and float(each[name]).is_integer()
            ]
            if changes:
                ours.append(slope)
                theirs.append(np.mean(changes))
    ours, theirs = np.array(ours), np.array(theirs)
    clear = np.abs(theirs) > 0.02
    agreement = (np.sign(ours) == np.sign(theirs))[clear].mean()
    correlation = spearmanr(ours, theirs)[0]
    assert agreement > 0.9, (agreement, correlation)
    assert correlation > 0.8, (agreement, correlation)


@pytest.mark.parametrize("softness", [(0.0, 1.0), (0.1, 0.0), (-1.0, 1.0)])
def test_softness_is_positive(softness):
    with pytest.raises(ValueError, match="`temperature > 0` and `width > 0`"):
        Softness(*softness)


def test_the_edge_template_is_named():
    assert tuple(SIZES) == edge.REQUIRED == tangent(POINT).names
