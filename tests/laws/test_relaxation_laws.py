"""The laws of the bounds: no design of a box beats its relaxation, whatever its mappings are chosen for."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models import Layer, VectorOp, Workload
from accel_models.cost import CostModel
from accel_models.dataflows.pe_array import PRICER
from accel_models.relaxation import SLACK, least_totals
from accel_models.templates.edge import build_edge
from accel_models.templates.edge_ranges import EDGE_RANGES

NETWORK = Workload(
    name="relaxed",
    layers=(
        Layer(name="conv", k=32, c=16, p=14, q=14, r=3, s=3),
        Layer(name="depthwise", g=48, p=14, q=14, r=5, s=5, repeats=3),
        Layer(name="gemm", k=96, c=64, p=20),
        Layer(name="attention", g=4, k=32, c=16, p=32, weights_are_activations=True),
        Layer(name="vector", k=100, c=128),
    ),
    vector_ops=(VectorOp(name="norm", kind="norm", ops=9000, input_words=4500, output_words=4500),),
)
LISTS = {
    "pe_x": (1, 2, 3, 4, 6, 8, 16, 32),
    "pe_y": (1, 2, 3, 4, 6, 8, 16, 32),
    "cores": (1, 2, 3, 4, 6, 8, 16, 32),
    "lanes": (1, 4, 8, 16, 32, 64, 128, 256),
    "pe_memory_bytes": (1024, 2048, 4096, 8192, 16384, 65536, 262144),
    "core_memory_bytes": (256, 512, 1024, 4096, 8192, 65536),
    "activation_memory_entries": (32, 64, 256, 512, 1024, 4096, 16384),
    "instruction_memory_entries": (2048, 4096, 8192, 16384, 32768, 65536),
    "parameter_memory_entries": (16, 64, 256, 1024, 4096, 16384, 32768),
    "io_bandwidth_gb_per_s": (1.0, 2.0, 5.0, 10.0, 16.0, 20.0, 30.0),
}
corner = st.fixed_dictionaries({name: st.sampled_from(range(len(values))) for name, values in LISTS.items()})
AXES = ("pe_x", "pe_y", "cores", "lanes")


def boxes(draw_one, draw_other, settled):
    """Lower and upper places; the first `settled` of the axes have one value."""
    pairs = {name: sorted((draw_one[name], draw_other[name])) for name in LISTS}
    pairs |= {name: [pairs[name][0]] * 2 for name in AXES[:settled]}
    return ({name: pair[end] for name, pair in pairs.items()} for end in (0, 1))


def least(lower, upper, goal):
    low, high = (
        {name: np.array([LISTS[name][place]], dtype=np.float64) for name, place in places.items()}
        for places in (lower, upper)
    )
    columns = PRICER.relax(EDGE_RANGES.ranges({}, low, high), goal)
    return float(least_totals(PRICER, columns, NETWORK, goal, device=torch.device("cpu"))[0])


@pytest.mark.parametrize("goal", ["latency", "energy", "edp"])
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    one=corner, other=corner, settled=st.sampled_from(range(5)), inside=st.lists(corner, min_size=6, max_size=6)
)
def test_no_design_of_a_box_beats_its_relaxation(goal, one, other, settled, inside):
    lower, upper = boxes(one, other, settled)
    latency_s, energy_j, edp_js = (least(lower, upper, each) for each in ("latency", "energy", "edp"))
    drawn = [
        {name: min(max(at[name], lower[name]), upper[name]) for name in LISTS} for at in (*inside, lower, upper)
    ]
    points = [{name: LISTS[name][place] for name, place in at.items()} for at in drawn]
    accelerators = [replace(build_edge(point), violations=()) for point in points]
    costs = CostModel(minimize=goal).evaluate(accelerators, NETWORK)
    for row in np.flatnonzero(costs.feasible.numpy()).tolist():
        design = costs.design(row)
        assert latency_s * (1 - SLACK) <= design.latency_s
        assert energy_j * (1 - SLACK) <= design.energy_j
        assert edp_js * (1 - SLACK) <= design.latency_s * design.energy_j
    assert latency_s * energy_j <= edp_js, "the product of bounds is one, but not the best"
    if inf in (latency_s, energy_j, edp_js):
        assert not costs.feasible.any(), "where the relaxation cannot run, no design can"


@settings(max_examples=15, deadline=None, derandomize=True)
@given(at=corner)
def test_the_relaxation_of_one_design_is_the_design(at):
    point = {name: LISTS[name][place] for name, place in at.items()}
    accelerator = replace(build_edge(point), violations=())
    for goal in ("latency", "energy"):
        costs = CostModel(minimize=goal).evaluate([accelerator], NETWORK)
        exact = float(costs.latency_s if goal == "latency" else costs.energy_j)
        assert least(at, at, goal) == pytest.approx(exact, rel=1e-11)


def test_what_is_unsettled_costs_nothing_on_chip():
    """The energies that more children may multiply count only once the children are counted."""
    low = {name: np.array([float(values[0])] * 5) for name, values in LISTS.items()}
    high = {name: column.copy() for name, column in low.items()}
    for row, name in enumerate(AXES):
        high[name][row] = LISTS[name][-1]
    columns = PRICER.relax(EDGE_RANGES.ranges({}, low, high), "energy")
    assert (columns["pe_read_j"] > 0).tolist() == [False, False, True, True, True]
    assert (columns["core_write_j"] > 0).tolist() == [False, False, False, True, True]
    assert (columns["register_j"] > 0).tolist() == [False, False, False, False, True]
    assert (columns["dram_j"] > 0).all()
    assert not np.any([PRICER.relax(EDGE_RANGES.ranges({}, low, high), "latency")["mac_j"]])
