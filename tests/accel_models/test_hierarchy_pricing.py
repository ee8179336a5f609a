"""The cost model on hierarchies: prices are those of the mappings that it reports."""

from dataclasses import replace

import pytest
import torch

from accel_models import OPERANDS, Accelerator, BufferLevel, Layer, VectorOp, Workload
from accel_models.analysis.bounds import compulsory_bytes
from accel_models.analysis.capacity import held_bytes
from accel_models.analysis.traffic import counts
from accel_models.analysis.volume import volumes
from accel_models.cost import CostModel
from accel_models.dataflows import pricer
from accel_models.pricing import Residency
from tests.accel_models.hierarchies import axis, chain

GEMM = Layer(name="gemm", kind="gemm", p=32, c=16, k=16)


def small(**outermost) -> Accelerator:
    """DRAM, four memories of everything, each with two registers of weights and sums."""
    levels = (
        {"name": "dram", "keeps": OPERANDS, "axes": (axis("pe", 4, "k", "p"),), "network": "mesh"},
        {"name": "buffer", "keeps": OPERANDS, "axes": (axis("lane", 2, "k", "p"),), "capacity_bytes": 2048},
        {
            "name": "registers",
            "keeps": ("weights", "outputs"),
            "axes": (axis("way", 2, "c"),),
            "capacity_bytes": 24,
        },
    )
    energies, speeds = (64e-12, 1e-12, 1e-13), (4.0, 8.0, None)
    numbers = [
        {"read_energy_j_per_byte": joule, "write_energy_j_per_byte": joule, "bandwidth_bytes_per_cycle": speed}
        for joule, speed in zip(energies, speeds, strict=True)
    ]
    numbers[0] |= outermost
    return chain(
        *(BufferLevel(**level | fields) for level, fields in zip(levels, numbers, strict=True)),
        mac_energy_j=1e-13,
        vector_op_energy_j=1e-13,
        leakage_w=1e-3,
        area_mm2=(("all", 1.0),),
        parameters=(("dram_latency_s", 1e-7),),
    )


def network(*layers: Layer, **parts) -> Workload:
    return Workload(name="test", layers=layers, **parts)


def test_the_reported_mapping_moves_and_takes_what_is_priced() -> None:
    design, layer = small(), GEMM
    for minimize in ("latency", "energy", "edp"):
        model = CostModel(minimize=minimize, keep_activations=False)
        cost = model.evaluate([design], network(layer)).design(0)
        (mapping,) = model.mappings(design, network(layer))
        exact = counts(layer, mapping, design.levels)
        moved = volumes(layer, exact, design.word_format)
        held = held_bytes(layer, mapping, design.levels, exact, design.word_format)
        assert cost.layers[0].compute_s == exact.cycles / design.clock_hz
        assert cost.layers[0].bytes_by_level == pytest.approx(
            {level.name: volume.total_bytes for level, volume in zip(design.levels, moved, strict=True)}
        )
        assert sum(held[1].values()) <= design.levels[1].capacity_bytes
        assert sum(held[2].values()) <= design.levels[2].capacity_bytes


def resized(design: Accelerator, what: str, times: int) -> Accelerator:
    """More of one thing: children of an axis, bytes of a level, or bytes a cycle."""
    levels = []
    for level in design.levels:
        axes = tuple(
            replace(each, size=each.size * times) if each.name == what else each for each in level.axes
        )
        level = replace(level, axes=axes)
        if what == f"{level.name} bytes":
            level = replace(level, capacity_bytes=level.capacity_bytes * times)
        if what == f"{level.name} bandwidth":
            level = replace(level, bandwidth_bytes_per_cycle=level.bandwidth_bytes_per_cycle * times)
        levels.append(level)
    return replace(design, levels=tuple(levels))


@pytest.mark.parametrize(
    "what", ["pe", "lane", "way", "buffer bytes", "registers bytes", "dram bandwidth", "buffer bandwidth"]
)
@pytest.mark.parametrize("network_between", ["mesh", "multicast"])
def test_more_of_anything_never_costs_latency(what: str, network_between: str) -> None:
    """Registers grow with the ways that they feed; words are multicast or shared, not sent child by child."""
    base = small(network=network_between)
    base = resized(base, "registers bytes", 64)
    designs = [resized(base, what, times) for times in (1, 2, 3, 5, 8, 16, 32)]
    found = CostModel().evaluate(designs, network(replace(GEMM, p=13, k=7))).latency_s
    assert not (found[1:] > found[:-1] * (1 + 1e-12)).any(), found


def test_goals_are_met_best_by_who_minimizes_them() -> None:
    costs = {
        goal: CostModel(minimize=goal).evaluate([small()], network(GEMM)).design(0)
        for goal in ("latency", "energy", "edp")
    }
    assert min(costs, key=lambda goal: costs[goal].latency_s) == "latency"
    assert min(costs, key=lambda goal: costs[goal].energy_j) == "energy"
    assert min(costs, key=lambda goal: costs[goal].energy_j * costs[goal].latency_s) == "edp"


def test_activations_stay_on_chip_between_layers_that_have_room() -> None:
    wide = small(bandwidth_bytes_per_cycle=0.25)
    wide = replace(
        wide, levels=(wide.levels[0], replace(wide.levels[1], capacity_bytes=1 << 16), wide.levels[2])
    )
    pair = network(GEMM, replace(GEMM, name="next"))
    kept = CostModel().evaluate([wide], pair).design(0)
    moved = CostModel(keep_activations=False).evaluate([wide], pair).design(0)
    word = wide.word_format
    spared = GEMM.words("outputs") * word.activation_bits / 8
    assert kept.layers[0].bytes_by_level["dram"] == compulsory_bytes(GEMM, word) - spared
    assert moved.layers[0].bytes_by_level["dram"] >= compulsory_bytes(GEMM, word)
    assert kept.latency_s < moved.latency_s


def test_residency_that_no_level_keeps_is_never_claimed() -> None:
    design = small()
    bare = replace(design, levels=(design.levels[0], design.levels[2]))
    found = pricer([bare])
    columns = found.stack([bare], torch.device("cpu"))
    assert not found.layer(GEMM, Residency(inputs=True), columns, "latency").fits.any()


def test_parameters_stay_on_chip_from_one_inference_to_the_next() -> None:
    design = small()
    roomy = replace(
        design, levels=(design.levels[0], replace(design.levels[1], capacity_bytes=1 << 16), design.levels[2])
    )
    cost = CostModel(keep_parameters=True).evaluate([roomy], network(GEMM)).design(0)
    assert cost.layers[0].repeats_cached == 1
    assert cost.steady_latency_s < cost.latency_s
    tight = CostModel(keep_parameters=True).evaluate([design], network(replace(GEMM, c=512))).design(0)
    assert tight.layers[0].repeats_cached == 0


def test_operands_that_are_computed_are_as_wide_as_activations() -> None:
    design = small()
    narrow = replace(design, word_format=design.word_format.integer(4, 8, 32))
    model = CostModel(minimize="energy")
    parameters = model.evaluate([narrow], network(GEMM)).design(0)
    computed = model.evaluate([narrow], network(replace(GEMM, weights_are_activations=True))).design(0)
    eight = model.evaluate([design], network(GEMM)).design(0)
    assert parameters.energy_j < computed.energy_j == eight.energy_j


def test_a_design_without_room_is_infeasible_for_a_reason() -> None:
    design = small()
    cramped = replace(design, levels=(*design.levels[:2], replace(design.levels[2], capacity_bytes=3)))
    cost = CostModel().evaluate([cramped], network(GEMM)).design(0)
    assert not cost.feasible
    assert "registers bytes" in cost.reasons[0]
    with pytest.raises(ValueError, match=r"registers bytes.*'gemm' needs"):
        CostModel().mappings(cramped, network(GEMM))


def test_vector_operations_use_the_memory_that_keeps_activations() -> None:
    op = VectorOp(name="add", kind="elementwise", ops=4000, input_words=4000, output_words=2000)
    cost = CostModel().evaluate([small()], network(GEMM, vector_ops=(op,))).design(0)
    (priced,) = [layer for layer in cost.layers if layer.name == "add"]
    assert priced.bytes_by_level == {"dram": 0.0, "buffer": 2.0 * 6000, "registers": 0.0}
    assert priced.compute_s == 4000 / 8 / 1e9
    large = replace(op, input_words=9000)
    cost = CostModel().evaluate([small()], network(GEMM, vector_ops=(large,))).design(0)
    assert cost.layers[1].bytes_by_level["dram"] == 11000


def test_a_template_may_say_how_many_vector_operations_it_completes() -> None:
    design = small()
    design = replace(design, parameters=(*design.parameters, ("vector_ops_per_cycle", 2.0)))
    op = VectorOp(name="add", kind="elementwise", ops=4000, input_words=10, output_words=10)
    cost = CostModel().evaluate([design], network(GEMM, vector_ops=(op,))).design(0)
    assert cost.layers[1].compute_s == 2000 / 1e9


@pytest.mark.parametrize(
    ("levels", "rule"),
    [
        (small().levels[:1], "a level inside the outermost"),
        ((small().levels[0], small().levels[0]), "distinct names"),
        (small().levels[1:][::-1], "keep every operand.*lacks.*inputs"),
        (
            (replace(small().levels[0], axes=(axis("pe", 2, "k"), axis("pe", 2, "p"))), small().levels[1]),
            "axes of a level must have distinct names",
        ),
    ],
)
def test_what_is_no_hierarchy_is_refused(levels: tuple[BufferLevel, ...], rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        CostModel().evaluate([replace(small(), levels=levels)], network(GEMM))


def test_a_batch_of_two_structures_is_refused() -> None:
    with pytest.raises(ValueError, match="one structure"):
        CostModel().evaluate([small(), small(network="unicast")], network(GEMM))
