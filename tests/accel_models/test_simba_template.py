"""The Simba template against what is published of the chips, and its limits."""

import pytest

from accel_models import Layer, Workload
from accel_models.cost import CostModel
from accel_models.templates.simba import HOP_S, PRESETS, REQUIRED, Value, build_simba

PEAK_TERA_OPS = {"simba-chiplet": 4.01, "simba-package": 127.8}
"""Zimmer et al., VLSI 2019; Shao et al., MICRO 2019."""
CHIPLET_MM2 = 6.0
"""2.5 mm x 2.4 mm, as recalled."""
POINT = PRESETS["simba-package"]
CHIP = build_simba(POINT)


def built(**changes: Value) -> object:
    return build_simba({**POINT, **changes})


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_published_peaks(name: str) -> None:
    design = build_simba(PRESETS[name])
    assert design.violations == ()
    assert design.peak_ops_per_s == pytest.approx(PEAK_TERA_OPS[name] * 1e12, rel=1e-9)


def test_the_package_has_36_chiplets_of_16_elements_of_64_units() -> None:
    assert CHIP.num_macs == 36 * 16 * 64
    assert [level.fanout for level in CHIP.levels] == [36, 16, 1, 8, 1, 8]
    assert [level.capacity_bytes for level in CHIP.levels[1:]] == [65536, 8192, 32768, 3072 // 8, 16]
    assert str(CHIP.word_format) == "int8 x int8 + int24"


def test_a_chiplet_s_blocks_take_less_than_its_die() -> None:
    """Routers, links, the processor and control are not counted, so there must be room for them."""
    chiplet = build_simba(PRESETS["simba-chiplet"])
    assert CHIPLET_MM2 / 4 < chiplet.total_area_mm2 < CHIPLET_MM2
    assert CHIP.total_area_mm2 == pytest.approx(36 * chiplet.total_area_mm2)


def test_a_busy_chiplet_takes_more_than_the_published_best_energy_and_less_than_four_times_that() -> None:
    """0.11 pJ an operation at 0.42 V; at the nominal 0.8 V, switching costs (0.8 / 0.42)^2 = 3.6 times that."""
    layer = Layer(name="busy", p=784, k=128, c=128)
    chiplet = build_simba(PRESETS["simba-chiplet"])
    cost = CostModel(minimize="energy").evaluate([chiplet], Workload(name="busy", layers=(layer,)))
    on_chip_j = sum(
        joule
        for part, joule in cost.design(0).layers[0].energy_by_level_j.items()
        if part not in ("dram", "leakage")
    )
    assert 0.11e-12 < on_chip_j / (2 * layer.macs) < 4 * 0.11e-12


def test_dram_lies_as_far_as_chiplets_are_many() -> None:
    """1 hop to a lone chiplet; to 6 x 6 behind the middle of an edge 3.5 rows and 1.5 columns on average."""
    one, many = (build_simba(PRESETS[name]) for name in PRESETS)
    latency_s = [dict(design.parameters)["dram_latency_s"] for design in (one, many)]
    assert latency_s[1] - latency_s[0] == pytest.approx(4 * HOP_S)
    energy_j = [design.levels[0].read_energy_j_per_byte for design in (one, many)]
    assert energy_j[1] - energy_j[0] == pytest.approx(4 * 8 * (0.82 + 1.75) / 2 * 1e-12, rel=1e-9, abs=0)


def test_each_chiplet_must_fit_the_reticle_and_the_package_need_not() -> None:
    assert "a chiplet must fit the reticle" in built(global_buffer_bytes=1 << 29).violations[0]
    many = built(chiplet_x=30, chiplet_y=30)
    assert many.total_area_mm2 > 26 * 33
    assert many.violations == ()


def test_floating_point_words_get_accumulators_of_their_kind() -> None:
    assert str(built(weight_format="bf16").word_format) == "bf16 x bf16 + fp32"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pe_x": 0}, r"must be positive and finite, but got \{'pe_x': 0\}"),
        ({"lanes": 2.5}, "size of axis lanes` of level 'weight_buffer' must be a whole number"),
        ({"input_buffer_bytes": 8192.5}, "`capacity_bytes` of level 'input_buffer' must be a whole number"),
        ({"colour": 1}, r"unknown \{'colour'\}"),
        ({"clock_mhz": float("nan")}, "`clock_mhz` must be positive"),
        ({"technology": "3nm"}, "no technology '3nm'"),
        ({"dram": "SDRAM"}, "no DRAM 'SDRAM'"),
        ({"weight_format": "bf16", "accumulator_format": "int32"}, "must be floating point"),
    ],
)
def test_other_points_are_refused(changes: dict[str, Value], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built(**changes)


def test_a_missing_size_is_named() -> None:
    with pytest.raises(ValueError, match=r"lacks \{'vector'\}"):
        build_simba({name: POINT[name] for name in REQUIRED if name != "vector"})
