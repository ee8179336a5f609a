"""Laws of the cost model: roofline, compulsory energy, monotony, batches, permutations."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models import Layer, Workload
from accel_models.analysis.bounds import compulsory_bytes, roofline_cycles
from accel_models.cost import CostModel
from accel_models.dataflows.pe_array import PRICER
from accel_models.slopes import Tangent
from accel_models.templates.edge import Point, build_edge
from accel_models.templates.edge_ranges import EDGE_RANGES

LAYERS = (
    Layer(name="conv", k=32, c=16, p=14, q=14, r=3, s=3),
    Layer(name="strided", k=24, c=3, p=28, q=28, r=3, s=3, stride=(2, 2)),
    Layer(name="depthwise", g=48, p=14, q=14, r=5, s=5),
    Layer(name="gemm", k=96, c=64, p=20),
    Layer(name="vector", k=100, c=128),
    Layer(name="attention", g=4, k=32, c=16, p=32, weights_are_activations=True),
)
NETWORK = Workload(name="laws", layers=LAYERS)
SIZES = {
    "pe_x": (1, 2, 3, 4, 6, 8, 16, 32),
    "pe_y": (1, 2, 3, 4, 6, 8, 16, 32),
    "cores": (1, 2, 3, 4, 6, 8, 16, 32),
    "lanes": (1, 4, 8, 16, 32, 64, 128, 256),
    "pe_memory_bytes": (256, 1024, 2048, 4096, 8192, 16384, 65536, 262144),
    "core_memory_bytes": (64, 128, 256, 512, 1024, 4096, 8192, 65536),
    "activation_memory_entries": (16, 32, 64, 256, 512, 1024, 4096, 16384),
    "instruction_memory_entries": (512, 1024, 2048, 4096, 8192, 16384, 32768, 65536),
    "parameter_memory_entries": (8, 16, 64, 256, 1024, 4096, 16384, 32768),
    "io_bandwidth_gb_per_s": (1, 2, 5, 10, 16, 20, 25, 30),
}
points = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in SIZES.items()})


def latencies(points: list[Point]) -> torch.Tensor:
    """Latency of every layer on every design, infinite where it cannot be mapped; dies of any size.

    Every layer stands three times, so that the one in the middle may keep all its activations on chip.
    """
    accelerators = [replace(build_edge(point), violations=()) for point in points]
    chains = [
        CostModel().evaluate(accelerators, Workload(name=one.name, layers=(one, one, one))) for one in LAYERS
    ]
    return torch.stack([costs.latency_s for costs in chains], dim=1)


@pytest.mark.parametrize("name", list(SIZES))
@settings(max_examples=12, deadline=None, derandomize=True)
@given(point=points)
def test_more_of_anything_never_costs_latency(name: str, point: Point) -> None:
    """The mapping is solved anew for every size; rounding of the arithmetic is allowed for."""
    found = latencies([{**point, name: size} for size in SIZES[name]])
    assert not (found[1:] > found[:-1] * (1 + 1e-12)).any(), found


@settings(max_examples=40, deadline=None, derandomize=True)
@given(point=points)
def test_nothing_beats_the_roofline(point: Point) -> None:
    accelerator = replace(build_edge(point), violations=())
    for layer in LAYERS:
        design = CostModel().evaluate([accelerator], Workload(name="one", layers=(layer,))).design(0)
        if design.feasible:
            assert design.latency_s * accelerator.clock_hz >= roofline_cycles(layer, accelerator)
            assert design.energy_j >= layer.macs * accelerator.mac_energy_j
            compulsory = compulsory_bytes(layer, accelerator.word_format)
            assert design.layers[0].bytes_by_level["dram"] >= compulsory
            assert design.layers[0].utilization <= 1.0


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(points, min_size=2, max_size=6))
def test_a_batch_is_its_singles_in_any_order(points: list[Point]) -> None:
    accelerators = [build_edge(point) for point in points]
    batch = CostModel().evaluate(accelerators, NETWORK)
    for i, accelerator in enumerate(accelerators):
        assert CostModel().evaluate([accelerator], NETWORK).design(0) == batch.design(i)
    turned = CostModel().evaluate(accelerators[::-1], NETWORK)
    assert torch.equal(turned.latency_s.flip(0), batch.latency_s)
    assert turned.reasons[::-1] == batch.reasons


@settings(max_examples=40, deadline=None, derandomize=True)
@given(point=points, minimize=st.sampled_from(["latency", "energy", "edp"]))
def test_a_network_costs_the_sum_of_its_layers(point: Point, minimize: str) -> None:
    accelerator = replace(build_edge(point), violations=())
    model = CostModel(minimize=minimize, keep_activations=False)  # type: ignore[arg-type]
    whole = model.evaluate([accelerator], NETWORK)
    parts = [model.evaluate([accelerator], Workload(name="one", layers=(layer,))) for layer in LAYERS]
    assert bool(whole.feasible[0]) == all(bool(part.feasible[0]) for part in parts)
    if whole.feasible[0]:
        assert float(whole.latency_s) == pytest.approx(sum(float(part.latency_s) for part in parts))
        assert float(whole.energy_j) == pytest.approx(sum(float(part.energy_j) for part in parts))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(point=points)
def test_keeping_activations_on_chip_never_costs_latency(point: Point) -> None:
    accelerator = replace(build_edge(point), violations=())
    kept, moved = (
        CostModel(keep_activations=keep).evaluate([accelerator], NETWORK).latency_s for keep in (True, False)
    )
    assert float(kept) <= float(moved)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(point=points)
def test_no_parameter_has_a_latency_that_rises_with_it(point: Point) -> None:
    """Elasticities of soft latencies are at most 0, of whatever size a design is, feasible or not."""
    columns = {name: np.array([float(point[name])]) for name in SIZES}
    tangent = Tangent.of(EDGE_RANGES, {}, columns)
    for layer in LAYERS:
        found = CostModel().slopes(PRICER, tangent, Workload(name="one", layers=(layer, layer, layer)))
        assert found.slopes["latency_s"].max() <= 1e-9, found.slopes["latency_s"]
