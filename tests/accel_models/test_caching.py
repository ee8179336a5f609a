"""The steady state: parameters that stay on chip from inference to inference."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models import Layer, Workload
from accel_models.cost import CostModel
from accel_models.templates.edge import PRESETS, build_edge

V1 = PRESETS["edge-tpu-v1"]
FC = Layer(name="fc", kind="linear", k=512, c=512, repeats=4)
HEAD = Layer(name="head", kind="linear", k=64, c=512)
SCORES = Layer(name="scores", kind="matmul", g=4, k=64, c=64, p=64, weights_are_activations=True)


def steady(point, *layers, minimize="latency"):
    network = Workload(name="network", layers=layers)
    return CostModel(minimize=minimize, keep_parameters=True).evaluate([build_edge(point)], network).design(0)


def test_parameters_that_fit_are_not_read_again() -> None:
    found = steady(V1, FC, HEAD)
    assert [layer.repeats_cached for layer in found.layers] == [4, 1]
    assert found.steady_latency_s < found.latency_s / 2
    assert found.steady_energy_j < found.energy_j / 2
    weight_bytes = 4 * FC.words("weights") + HEAD.words("weights")
    design = build_edge(V1)
    leaked_j = design.leakage_w * (found.latency_s - found.steady_latency_s)
    saved_j = weight_bytes * design.levels[0].read_energy_j_per_byte + leaked_j
    assert found.energy_j - found.steady_energy_j == pytest.approx(saved_j, rel=0.1)


def test_as_many_executions_keep_theirs_as_fit() -> None:
    """Sixteen PEs of four cores with 32 KiB hold 2 MiB, and eight layers of 512 KiB are twice that."""
    wide = Layer(name="wide", kind="linear", k=1024, c=512, repeats=8)
    [layer] = steady(V1, wide).layers
    assert 1 <= layer.repeats_cached <= 4


def test_products_of_activations_keep_nothing() -> None:
    found = steady(V1, SCORES)
    assert found.layers[0].repeats_cached == 0
    assert found.steady_latency_s == found.latency_s


def test_without_asking_the_steady_state_is_an_inference_by_itself() -> None:
    found = CostModel().evaluate([build_edge(V1)], Workload(name="n", layers=(FC,))).design(0)
    assert found.steady_latency_s == found.latency_s
    assert found.layers[0].repeats_cached == 0


def test_an_infeasible_design_has_no_steady_state() -> None:
    tiny = {**V1, "instruction_memory_entries": 16, "core_memory_bytes": 16, "pe_memory_bytes": 64}
    found = steady(tiny, FC)
    assert not found.feasible
    assert found.steady_latency_s == float("inf")


sizes = st.sampled_from([1, 2, 7, 64, 200, 1024])
networks = st.lists(
    st.builds(
        lambda k, c, p, repeats: Layer(name="fc", kind="linear", k=k, c=c, p=p, repeats=repeats),
        sizes, sizes, st.sampled_from([1, 16, 100]), st.integers(1, 5),
    ),
    min_size=1,
    max_size=4,
)  # fmt: skip
cores = st.sampled_from([4 << 10, 32 << 10, 256 << 10, 2 << 20])


@settings(max_examples=10, deadline=None, derandomize=True)
@given(networks, cores, st.sampled_from(["latency", "energy", "edp"]))
def test_keeping_never_costs_what_is_minimized_nor_beats_the_roofline(layers, core_memory_bytes, goal) -> None:
    layers = [replace(layer, name=f"fc{i}") for i, layer in enumerate(layers)]
    found = steady({**V1, "core_memory_bytes": core_memory_bytes}, *layers, minimize=goal)
    value = {
        "latency": (found.steady_latency_s, found.latency_s),
        "energy": (found.steady_energy_j, found.energy_j),
        "edp": (found.steady_latency_s * found.steady_energy_j, found.latency_s * found.energy_j),
    }[goal]
    assert value[0] <= value[1] * (1 + 1e-12)
    design = build_edge(V1)
    macs = sum(layer.macs * layer.repeats for layer in layers)
    assert found.steady_latency_s >= macs / (design.peak_ops_per_s / 2)
    assert all(0 <= layer.repeats_cached <= layer.repeats for layer in found.layers)


def test_a_batch_of_designs_is_its_singles() -> None:
    designs = [build_edge({**V1, "core_memory_bytes": size}) for size in (4 << 10, 32 << 10, 512 << 10)]
    network = Workload(name="network", layers=(FC, HEAD))
    model = CostModel(keep_parameters=True)
    together = model.evaluate(designs, network)
    apart = [model.evaluate([design], network) for design in designs]
    assert torch.equal(together.steady_latency_s, torch.cat([one.steady_latency_s for one in apart]))
    assert torch.equal(together.itemized.cached, torch.cat([one.itemized.cached for one in apart]))
