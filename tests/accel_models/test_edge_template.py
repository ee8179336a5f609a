"""The edge template against what is published, and its limits."""

from dataclasses import replace

import pytest

from accel_models import Layer, Workload
from accel_models.cost import CostModel
from accel_models.templates.die import RETICLE_MM2
from accel_models.templates.edge import PEAK_POWER_W, PRESETS, REQUIRED, build_edge

V1 = PRESETS["edge-tpu-v1"]


@pytest.mark.parametrize(
    ("name", "tops"), [("edge-tpu-v1", 26.2), ("edge-tpu-v2", 8.73), ("edge-tpu-v3", 8.73)]
)
def test_reproduces_published_peaks(name: str, tops: float) -> None:
    """Yazdanbakhsh et al., arXiv 2102.10423: peak TOPS of three Edge TPU generations."""
    assert build_edge(PRESETS[name]).peak_ops_per_s / 1e12 == pytest.approx(tops, rel=2e-3)


def test_presets_can_be_built() -> None:
    for point in PRESETS.values():
        accelerator = build_edge(point)
        assert not accelerator.violations
        assert 1.0 < accelerator.total_area_mm2 < 100.0


def test_area_is_the_sum_of_blocks_and_grows_with_every_size() -> None:
    area = build_edge(V1).total_area_mm2
    for name in REQUIRED:
        if name != "io_bandwidth_gb_per_s":
            assert build_edge({**V1, name: 2 * float(V1[name])}).total_area_mm2 > area, name


def test_smaller_nodes_are_smaller_and_spend_less() -> None:
    old, new = (build_edge({**V1, "technology": node}) for node in ("16nm", "7nm"))
    assert new.total_area_mm2 < old.total_area_mm2
    assert new.mac_energy_j < old.mac_energy_j


def test_what_cannot_be_built_says_why() -> None:
    large = build_edge({**V1, "pe_x": 32, "pe_y": 32, "pe_memory_bytes": 16 << 20})
    assert any(f"{RETICLE_MM2:.0f} mm2" in reason for reason in large.violations)
    hot = build_edge({**V1, "pe_x": 16, "pe_y": 16, "cores": 16, "lanes": 256, "pe_memory_bytes": 256 << 10})
    assert any(f"{PEAK_POWER_W:.0f} W" in reason for reason in hot.violations)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"pe_z": 3}, "pe_z"),
        ({"pe_x": 0}, "positive"),
        ({"pe_x": float("nan")}, "positive"),
        ({"clock_mhz": 0}, "positive"),
        ({"clock_mhz": float("inf")}, "positive"),
        ({"pe_x": 1.5}, "whole"),
        ({"core_memory_bytes": 0.5}, "whole"),
        ({"technology": "6nm"}, "7nm"),
        ({"dram": "HBM"}, "did you mean 'HBM3'"),
        ({"weight_format": "int99"}, "a number format must be one of int4, int8"),
        ({"weight_format": "bf16", "accumulator_format": "int32"}, "must be floating point, but got int32"),
    ],
)
def test_refuses_points_with_rule_and_evidence(change: dict[str, float | str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build_edge({**V1, **change})


def test_refuses_missing_keys() -> None:
    with pytest.raises(ValueError, match="lanes"):
        build_edge({name: V1[name] for name in REQUIRED if name != "lanes"})


def test_wider_words_cost_bytes_energy_and_area() -> None:
    narrow, wide = build_edge(V1), build_edge({**V1, "weight_format": "bf16"})
    assert str(wide.word_format) == "bf16 x bf16 + fp32"
    assert wide.mac_energy_j > 3 * narrow.mac_energy_j
    assert wide.total_area_mm2 > narrow.total_area_mm2
    layer = Workload(name="n", layers=(Layer(name="fc", kind="linear", k=512, c=512, p=4),))
    costs = CostModel().evaluate([narrow, wide], layer)
    assert float(costs.itemized.bytes[1, 0, 0]) >= 1.9 * float(costs.itemized.bytes[0, 0, 0])
    assert float(costs.latency_s[1]) > float(costs.latency_s[0])


def test_a_second_operand_that_is_computed_is_as_wide_as_activations() -> None:
    design = build_edge({**V1, "weight_format": "int4", "activation_format": "int16"})
    scores = Layer(name="scores", kind="matmul", k=64, c=64, p=64, weights_are_activations=True)
    for layer, weight_bits in ((scores, 16), (replace(scores, weights_are_activations=False), 4)):
        costs = CostModel().evaluate([design], Workload(name="n", layers=(layer,)))
        least_bytes = (2 * 64 * 64 * 16 + 64 * 64 * weight_bits) / 8
        assert float(costs.itemized.bytes[0, 0, 0]) == pytest.approx(least_bytes)


def test_the_memory_of_a_point_sets_the_energy_of_a_byte() -> None:
    lpddr, hbm = (build_edge({**V1, "dram": name}).levels[0] for name in ("LPDDR4", "HBM2"))
    difference_j = lpddr.read_energy_j_per_byte - hbm.read_energy_j_per_byte
    assert difference_j == pytest.approx((8.0 - 6.25) * 8e-12)
