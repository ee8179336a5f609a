"""The edge template against what is published, and its limits."""

import pytest

from accel_models.templates.edge import OPTIONAL, PEAK_POWER_W, PRESETS, REQUIRED, RETICLE_MM2, build_edge

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
    ],
)
def test_refuses_points_with_rule_and_evidence(change: dict[str, float | str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        build_edge({**V1, **change})


def test_refuses_missing_keys() -> None:
    with pytest.raises(ValueError, match="lanes"):
        build_edge({name: V1[name] for name in REQUIRED if name != "lanes"})
    assert set(OPTIONAL) == {"clock_mhz", "technology"}
