"""Counts against closed forms by hand, and against the executed loop nest, exactly."""

import pytest
from hypothesis import HealthCheck, given, settings

from accel_models import OPERANDS, Layer, Loop, Mapping
from accel_models.analysis.traffic import Counts, Traffic, counts
from tests.drawing import cases, fitting_levels
from tests.oracle import Execution

EVERYWHERE = tuple((operand, (0, 1)) for operand in OPERANDS)


def count(layer, loops, kept=EVERYWHERE, network="multicast", num_levels=2):
    mapping = Mapping(tuple(Loop(*loop) for loop in loops), kept)
    return counts(layer, mapping, fitting_levels(layer, mapping, [network] * num_levels))


# ---- closed forms ---------------------------------------------------------------------------------------

GEMM = Layer(name="gemm", p=4, c=6, k=8)  # M = 4, K = 6, N = 8
INNER = [("p", 1, 1), ("k", 1, 1), ("c", 1, 1)]


def test_output_stationary_gemm_by_hand():
    found = count(GEMM, [("p", 2, 0), ("k", 4, 0), ("c", 3, 0), *INNER])  # 2 x 2 x 2 tiles of 2 x 4 x 3
    dram, buffer = found.traffic
    assert dram["inputs"] == Traffic(reads=24 * 2)  # M K once per tile of N
    assert dram["weights"] == Traffic(reads=48 * 2)  # K N once per tile of M
    assert dram["outputs"] == Traffic(updates=32)  # M N once
    assert buffer["inputs"] == Traffic(reads=192, fills=48)
    assert buffer["weights"] == Traffic(reads=192, fills=96)
    assert buffer["outputs"] == Traffic(reads=192 - 32, updates=192, drains=32)  # sums start from nothing
    assert (found.macs, found.cycles, found.finals, found.reductions) == (192, 192, (32, 32), (0, 0))
    assert found.first_reads == {"weights": 12, "inputs": 6}


def test_partial_sums_go_to_dram_and_back():
    found = count(GEMM, [("c", 3, 0), ("p", 2, 0), ("k", 4, 0), *INNER])
    dram, buffer = found.traffic
    assert dram["outputs"] == Traffic(reads=32, updates=64)
    assert buffer["outputs"] == Traffic(reads=192 - 32, fills=32, updates=192, drains=64)
    assert dram["inputs"] == Traffic(reads=24)  # stays while k advances
    assert found.finals == (32, 32)


def test_halo_of_a_sliding_window_is_not_fetched_twice():
    found = count(Layer(name="conv", p=6, r=3), [("p", 2, 0), ("p", 1, 1), ("r", 1, 1)])
    assert found.traffic[0]["inputs"].reads == 4 + 2 + 2


def test_holes_of_a_strided_window_are_not_fetched():
    found = count(Layer(name="conv", p=6, stride=(2, 1)), [("p", 1, 1)])
    assert found.traffic[0]["inputs"].reads == 6


@pytest.mark.parametrize(("network", "reads"), [("unicast", 9), ("multicast", 5), ("mesh", 5)])
def test_children_with_overlapping_windows(network, reads):
    found = count(Layer(name="conv", p=3, r=3), [("p", 1, 0, "x"), ("r", 1, 1)], network=network)
    assert found.traffic[0]["inputs"].reads == reads
    assert found.traffic[1]["inputs"].fills == 9


@pytest.mark.parametrize(("network", "reads"), [("unicast", 12), ("multicast", 12), ("mesh", 6)])
def test_mesh_passes_words_on_as_a_systolic_array_does(network, reads):
    found = count(Layer(name="conv", p=4, r=3), [("p", 1, 0), ("r", 1, 0, "x")], network=network)
    assert found.traffic[0]["inputs"].reads == reads


@pytest.mark.parametrize(
    ("network", "traffic"), [("unicast", Traffic(3, 0, 4)), ("multicast", Traffic(0, 0, 1))]
)
def test_sums_of_parallel_children_are_added_in_the_network(network, traffic):
    found = count(Layer(name="dot", c=4), [("c", 1, 0, "x")], network=network)
    assert found.traffic[0]["outputs"] == traffic
    assert found.reductions[0] == (0 if network == "unicast" else 3)
    assert found.finals == (1, 0)  # no child ever has the complete sum


def test_a_child_that_runs_out_of_work_early_updates_on_its_own():
    found = count(Layer(name="dot", c=3), [("c", 2, 0), ("c", 1, 0, "x")])  # {0}, {1}; then {2}, {}
    assert found.traffic[0]["outputs"] == Traffic(reads=1, updates=2)  # the second meets the first
    assert found.traffic[1]["outputs"].drains == 2
    assert found.reductions[0] == 0
    assert found.used == (1, 2, 2)


def test_steps_without_work_gather_partial_sums():
    outer = [
        ("c", 4, 0),
        ("r", 4, 0),
        ("r", 1, 0),
        ("c", 2, 0, "x"),
    ]  # r is done 3 steps early, c on x only at first
    assert count(Layer(name="dot", c=5, r=5), [*outer, ("c", 1, 1)]).finals == (1, 1)
    assert count(Layer(name="dot", c=5, r=8), [*outer, ("c", 1, 1)]).finals == (1, 0)


def test_of_children_that_overlap_in_space_and_time_only_the_new_one_asks():
    layer = Layer(name="conv", p=4, r=4)
    found = count(layer, [("p", 2, 0), ("r", 2, 0, "x"), ("p", 1, 1), ("r", 1, 1)])
    assert found.traffic[1]["inputs"].fills == 2 * (3 + 2)  # windows {0 1 2}, {2 3 4}; then {2 3 4}, {4 5 6}
    assert (
        found.traffic[0]["inputs"].reads == 5 + 4
    )  # 3 and 4 again for the first child, 5 and 6 for the second


def test_bypassing_levels_move_nothing():
    kept = (("weights", (0, 2)), ("inputs", (0,)), ("outputs", (0, 1, 2)))
    found = count(GEMM, [("c", 3, 1), ("p", 1, 2), ("k", 1, 2), ("c", 1, 2)], kept, num_levels=3)
    assert found.traffic[1]["weights"] == found.traffic[1]["inputs"] == found.traffic[2]["inputs"] == Traffic()
    assert found.traffic[0]["weights"].reads == found.traffic[2]["weights"].fills == 48
    assert found.traffic[0]["inputs"].reads == found.macs


def test_a_layer_of_the_usual_size_is_counted():
    layer = Layer(name="res4", k=256, c=256, p=14, q=14, r=3, s=3)
    outer = [("k", 32, 0), ("c", 64, 0), ("q", 7, 0), ("p", 1, 0, "x")]
    inner = [("q", 1, 1), ("c", 1, 1), ("r", 1, 1), ("s", 1, 1), ("k", 1, 1, "x")]
    found = count(layer, [*outer, *inner])
    assert found.macs == 256 * 256 * 14 * 14 * 9
    assert found.traffic[0]["weights"].reads == 256 * 256 * 9 * 1  # q inside k and c: weights stay
    assert found.traffic[0]["outputs"].updates == 256 * 14 * 14 * 4


# ---- the executed loop nest -------------------------------------------------------------------------------


def executed(execution: Execution, num_levels: int) -> Counts:
    """The counts of an execution as the analysis presents its own."""
    found = execution.counts
    whats = ("reads", "fills", "updates", "drains")
    return Counts(
        macs=found["macs",],
        cycles=found["cycles",],
        traffic=tuple(
            {operand: Traffic(*(found[what, operand, level] for what in whats)) for operand in OPERANDS}
            for level in range(num_levels)
        ),
        reductions=tuple(found["reductions", level] for level in range(num_levels)),
        finals=tuple(found["finals", level] for level in range(num_levels)),
        used=tuple(found["used", level] for level in range(num_levels + 1)),
        first_reads={operand: found["first", operand] for operand in ("weights", "inputs")},
    )


def assert_analysis_equals_execution(case):
    layer, mapping, levels = case
    execution = Execution(layer, mapping, levels)
    assert execution.outputs == execution.tensors["outputs"]
    assert counts(layer, mapping, levels) == executed(execution, len(levels))


oracle_settings = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@settings(oracle_settings, max_examples=400)
@given(cases())
def test_counts_are_those_of_the_execution(case):
    assert_analysis_equals_execution(case)


@pytest.mark.slow
@settings(oracle_settings, max_examples=5000)
@given(cases())
def test_counts_are_those_of_the_execution_often(case):
    assert_analysis_equals_execution(case)
