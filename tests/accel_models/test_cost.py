"""Costs of designs on workloads: sums, reasons, names, batches."""

from dataclasses import replace

import pytest
import torch

import search_spaces
from accel_models import Layer, VectorOp, Workload
from accel_models.analysis.capacity import held_bytes
from accel_models.analysis.traffic import counts
from accel_models.cost import CostModel
from accel_models.mapspace import choices, front, pool
from accel_models.pricing import GOALS
from accel_models.templates.edge import PRESETS, build_edge

V1 = PRESETS["edge-tpu-v1"]
CONV = Layer(name="conv", k=32, c=16, p=14, q=14, r=3, s=3, repeats=3)
DEPTHWISE = Layer(name="depthwise", g=48, p=14, q=14, r=3, s=3, stride=(2, 2))
GEMM = Layer(name="gemm", kind="linear", k=96, c=64, p=20)
POOL = VectorOp(
    name="pool", kind="pool", ops=14 * 14 * 32, input_words=14 * 14 * 32, output_words=32, repeats=2
)
RELU = VectorOp(name="relu", kind="elementwise", ops=6272, input_words=6272, output_words=6272, fused=True)
NETWORK = Workload(name="network", layers=(CONV, DEPTHWISE, GEMM), vector_ops=(POOL, RELU))


def test_layers_add_up() -> None:
    costs = CostModel().evaluate([build_edge(V1)], NETWORK)
    design = costs.design(0)
    assert design.feasible
    assert design.reasons == ()
    assert [layer.name for layer in design.layers] == ["conv", "depthwise", "gemm", "pool", "relu"]
    assert sum(layer.latency_s * layer.repeats for layer in design.layers) == pytest.approx(design.latency_s)
    assert sum(layer.energy_j * layer.repeats for layer in design.layers) == pytest.approx(design.energy_j)
    assert sum(layer.macs * layer.repeats for layer in design.layers) == NETWORK.macs
    assert design.power_w == pytest.approx(design.energy_j / design.latency_s)
    assert design.area_mm2 == pytest.approx(sum(design.area_by_block.values()))
    for layer in design.layers:
        assert sum(layer.energy_by_level_j.values()) == pytest.approx(layer.energy_j)
        assert layer.latency_s >= layer.compute_s * (layer.latency_s > 0)


def test_pooling_is_priced_and_fused_operations_ride_along() -> None:
    words = POOL.input_words + POOL.output_words
    for keep, dram, bound in ((True, 0, "pe_memory bandwidth"), (False, words, "dram bandwidth")):
        model = CostModel(keep_activations=keep)
        pool, relu = model.evaluate([build_edge(V1)], NETWORK).design(0).layers[3:]
        assert pool.latency_s > 0
        assert pool.bytes_by_level["dram"] == dram
        assert pool.bytes_by_level["pe_memory"] == 2 * words
        assert pool.bound_by == bound
        assert relu.latency_s == 0
        assert relu.bytes_by_level["dram"] == 0
        assert relu.energy_by_level_j["mac"] > 0


def test_what_a_gather_looks_up_comes_from_dram() -> None:
    gather = VectorOp(name="embedding", kind="gather", ops=0, input_words=512, output_words=512)
    design = (
        CostModel()
        .evaluate([build_edge(V1)], Workload(name="gather", layers=(), vector_ops=(gather,)))
        .design(0)
    )
    assert design.layers[0].bytes_by_level["dram"] == gather.input_words


def test_activations_stay_on_chip_between_layers_that_fit() -> None:
    """Weights always travel; the network's own input and output do, too."""
    layers = tuple(replace(CONV, name=f"conv{i}", repeats=1) for i in range(3))
    network = Workload(name="chain", layers=layers)
    dram = {
        keep: [
            layer.bytes_by_level["dram"]
            for layer in CostModel(keep_activations=keep).evaluate([build_edge(V1)], network).design(0).layers
        ]
        for keep in (True, False)
    }
    weights, inputs, outputs = (CONV.words(operand) for operand in ("weights", "inputs", "outputs"))
    assert dram[True] == [weights + inputs, weights, weights + outputs]
    assert dram[False] == [weights + inputs + outputs] * 3


def test_a_layer_that_does_not_fit_whole_goes_through_dram() -> None:
    small = build_edge({**V1, "pe_x": 1, "pe_y": 1, "pe_memory_bytes": 4096})
    layers = tuple(replace(CONV, name=f"conv{i}", repeats=1) for i in range(3))
    middle = CostModel().evaluate([small], Workload(name="chain", layers=layers)).design(0).layers[1]
    least = sum(CONV.words(operand) for operand in ("weights", "inputs", "outputs"))
    assert middle.bytes_by_level["dram"] >= least


def test_infeasible_designs_say_why_and_have_no_numbers() -> None:
    starved = build_edge({**V1, "parameter_memory_entries": 1e-3, "instruction_memory_entries": 16})
    huge = build_edge({**V1, "pe_x": 32, "pe_y": 32, "pe_memory_bytes": 16 << 20})
    costs = CostModel().evaluate([starved, build_edge(V1), huge], NETWORK)
    assert costs.feasible.tolist() == [False, True, False]
    assert any("parameter memory" in reason for reason in costs.reasons[0])
    assert any("mm2" in reason for reason in costs.reasons[2])
    assert torch.isinf(costs.latency_s[[0, 2]]).all()
    assert costs.design(0).layers == ()
    assert torch.isfinite(costs.area_mm2).all()


@pytest.mark.parametrize("minimize", ["latency", "energy", "edp"])
def test_the_mapper_minimizes_what_it_is_told(minimize: str) -> None:
    accelerator = build_edge({**V1, "pe_memory_bytes": 4096, "core_memory_bytes": 1024})
    layers = replace(NETWORK, vector_ops=())
    found = {
        goal: CostModel(minimize=goal).evaluate([accelerator], layers).design(0)
        for goal in ("latency", "energy", "edp")
    }
    for index in range(len(NETWORK.layers)):
        values = {
            goal: {
                "latency": design.layers[index].latency_s,
                "energy": design.layers[index].energy_j,
                "edp": design.layers[index].latency_s * design.layers[index].energy_j,
            }[minimize]
            for goal, design in found.items()
        }
        assert values[minimize] == min(values.values())


def test_mappings_are_those_that_were_priced() -> None:
    """Every layer runs once, since several executions may differ in what stays on chip."""
    accelerator = build_edge({**V1, "pe_memory_bytes": 8192, "core_memory_bytes": 1024})
    network = Workload(name="once", layers=(replace(CONV, repeats=1), DEPTHWISE, GEMM))
    model = CostModel()
    design = model.evaluate([accelerator], network).design(0)
    mappings = model.mappings(accelerator, network)
    for layer, mapping, cost in zip(network.layers, mappings, design.layers, strict=True):
        exact = counts(layer, mapping, accelerator.levels)
        assert exact.macs == layer.macs
        assert exact.cycles / accelerator.clock_hz == pytest.approx(cost.compute_s)
        held = held_bytes(layer, mapping, accelerator.levels, exact, accelerator.word_format)
        for level, operands in zip(accelerator.levels[1:3], held[1:3], strict=True):
            assert level.capacity_bytes is not None
            assert sum(operands.values()) <= level.capacity_bytes


def test_unmappable_layers_are_named() -> None:
    starved = build_edge({**V1, "parameter_memory_entries": 1e-3})
    with pytest.raises(ValueError, match="parameter memory"):
        CostModel().mappings(starved, NETWORK)


def test_refuses_unknown_goals() -> None:
    with pytest.raises(ValueError, match="latency"):
        CostModel(minimize="speed").evaluate([build_edge(V1)], NETWORK)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_mapspace_that_was_cut_is_told(monkeypatch, tmp_path) -> None:
    network = Workload(name="one", layers=(Layer(name="conv", k=24, c=24, p=24, q=24),))
    monkeypatch.setenv("APOLLO_DSE_CACHE", str(tmp_path))  # what is found below must not stay

    def complete() -> bool:
        return CostModel().evaluate([build_edge(V1)], network).design(0).layers[0].complete

    monkeypatch.setattr(choices, "MOST_TILES", 100)
    assert not complete()
    for known in (front.mapspace, pool.pool):
        known.cache_clear()
    monkeypatch.undo()
    assert complete()


@pytest.mark.parametrize("name", search_spaces.names())
def test_a_network_of_vector_operations_alone_has_a_price(name: str) -> None:
    space = search_spaces.get(name)
    point = next(iter(space.presets.values()))
    network = Workload(name="pool", layers=(), vector_ops=(POOL, RELU))
    for goal in GOALS:
        found = CostModel(minimize=goal).evaluate([space.build(point)], network).design(0)
        assert [layer.name for layer in found.layers] == ["pool", "relu"]
        assert found.latency_s == pytest.approx(2 * found.layers[0].latency_s)
        assert found.energy_j > found.layers[1].energy_j > 0
