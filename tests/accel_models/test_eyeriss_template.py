"""The Eyeriss template: the chip's numbers, energies and areas that follow, and points that are refused."""

import pytest

from accel_models import technology
from accel_models.templates.eyeriss import CLOCKED_BITS, PRESETS, Value, build_eyeriss

POINT = {**PRESETS["eyeriss-v1"], "technology": "65nm"}
CHIP = build_eyeriss(POINT)


def built(**changes: Value) -> object:
    return build_eyeriss({**POINT, **changes})


def test_other_nodes_shrink_the_chip_and_what_it_switches() -> None:
    shrunk = [build_eyeriss({**POINT, "technology": name}) for name in technology.names()]
    areas, energies = ([each.total_area_mm2 for each in shrunk], [each.mac_energy_j for each in shrunk])
    assert areas == sorted(areas, reverse=True)
    assert energies == sorted(energies, reverse=True)
    assert build_eyeriss(PRESETS["eyeriss-v1"]).technology == "45nm"
    assert technology.basis("45nm", build_eyeriss(PRESETS["eyeriss-v1"]).dram)


def test_the_chip_has_168_pes_and_33_6_gmacs() -> None:
    assert CHIP.num_macs == 168
    assert CHIP.peak_ops_per_s == pytest.approx(2 * 33.6e9)
    assert [level.capacity_bytes for level in CHIP.levels[1:]] == [25 * 4096, 8192, 448, 24, 48]
    assert dict(CHIP.parameters)["global_buffer_port_words"] == 100


def test_energies_are_of_the_order_of_the_published_ratios() -> None:
    """Chen et al., ISCA 2016, Table IV: a word costs 1 in a register file, 6 in the buffer, 200 in DRAM."""
    level = {level.name: 2 * level.read_energy_j_per_byte for level in CHIP.levels}
    assert 0.5 < level["pe_spad"] / CHIP.mac_energy_j < 2
    assert 2 < level["global_buffer"] / CHIP.mac_energy_j < 8
    assert level["dram"] / CHIP.mac_energy_j > 60


def test_standing_power_is_the_clocked_bits_and_little_leakage() -> None:
    node = technology.get("65nm")
    clocks_w = CLOCKED_BITS * node.register_energy_j_per_byte / 8 * 168 * 200e6
    assert CHIP.leakage_w == pytest.approx(clocks_w + node.leakage_w_per_mm2 * CHIP.total_area_mm2)
    assert CHIP.leakage_w == pytest.approx(clocks_w, rel=0.01)


def test_the_chip_s_blocks_fit_its_core() -> None:
    """3.5 mm x 3.5 mm, of which control and buses are not modelled."""
    assert 0.3 * 3.5**2 < CHIP.total_area_mm2 < 3.5**2


def test_65_nm_costs_more_than_45_and_leaks_less() -> None:
    old, new = technology.get("65nm"), technology.get("45nm")
    assert old.register_energy_j_per_byte / new.register_energy_j_per_byte == pytest.approx(1.906, rel=1e-3)
    assert old.sram_area_mm2(4096.0) / new.sram_area_mm2(4096.0) == pytest.approx(1.5)
    assert old.leakage_w_per_mm2 < 0.01 * new.leakage_w_per_mm2
    assert old.vdd_v == 1.0


def test_a_second_copy_of_scratchpads_takes_their_area_again() -> None:
    one, two = dict(CHIP.area_mm2), dict(build_eyeriss({**POINT, "spad_copies": 2}).area_mm2)
    assert two["weight_spads"] == 2 * one["weight_spads"]
    assert two["input_spads"] == 2 * one["input_spads"]
    assert two["psum_spads"] == one["psum_spads"]


def test_a_die_larger_than_the_reticle_cannot_be_built() -> None:
    large = build_eyeriss({**POINT, "global_buffer_bytes": 1 << 27})
    assert "must fit the reticle" in large.violations[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"array_rows": 0}, "`array_rows` of an Eyeriss point must be positive"),
        ({"array_rows": 2.5}, "counts of an Eyeriss point must be whole"),
        ({"colour": 1}, r"unknown \{'colour'\}"),
        ({"tiles": "some"}, "`tiles` one of"),
        ({"spad_copies": 3}, "`spad_copies` must be 1 or 2"),
        ({"technology": "3nm"}, "no technology '3nm'"),
        ({"dram": "SDRAM"}, "no DRAM 'SDRAM'"),
        ({"clock_mhz": float("nan")}, "`clock_mhz` of an Eyeriss point must be positive"),
    ],
)
def test_other_points_are_refused(changes: dict[str, Value], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        built(**changes)


def test_a_missing_size_is_named() -> None:
    with pytest.raises(ValueError, match=r"lacks \{'array_rows'\}"):
        build_eyeriss({name: value for name, value in POINT.items() if name != "array_rows"})
