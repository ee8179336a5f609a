"""Energies and areas against the tables and dies that they come from, and against those that they do not."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_models import WordFormat, technology
from accel_models.formats import number_format
from accel_models.technology import DRAMS, scaling

KIB, MIB = 2**10, 2**20
INT8 = WordFormat()
NODES = [technology.get(name) for name in technology.names()]

nodes = pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
capacities = st.floats(0, 256 * MIB)
widths_bytes = st.floats(0.5, 512)
bits = st.integers(1, 64)
law = settings(deadline=None, derandomize=True)


def within(factor, value, reference):
    return reference / factor <= value <= reference * factor


# The registry


def test_names_run_from_the_largest_node_to_the_smallest():
    assert technology.names() == ("65nm", "45nm", "28nm", "16nm", "7nm")
    assert [node.node_nm for node in NODES] == [65, 45, 28, 16, 7]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match="did you mean '16nm'"):
        technology.get("16")


def test_every_number_has_unit_basis_and_source():
    table = technology.table()
    assert set(table) == {*technology.names(), *DRAMS, "every node"}
    for quantities in table.values():
        assert len({quantity.name for quantity in quantities}) == len(quantities)
        for quantity in quantities:
            assert quantity.value > 0
            assert quantity.unit
            assert quantity.source
            assert quantity.kind in ("measured", "published", "scaled", "assumed")
            assert quantity.unit in str(quantity)


@pytest.mark.parametrize("name", ["65nm", "28nm", "16nm"])
def test_energies_away_from_the_published_nodes_say_that_they_are_scaled(name):
    node = technology.get(name)
    assert {q.kind for q in node.quantities if q.unit.startswith("pJ")} == {"scaled"}


def test_importing_loads_no_torch():
    code = "import sys, accel_models.technology; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Published points, exactly


@pytest.mark.parametrize(
    ("name", "multiply_and_add_pj"),
    [("45nm", {8: (0.2, 0.03), 32: (3.1, 0.1)}), ("7nm", {8: (0.07, 0.007), 32: (1.48, 0.03)})],
)
def test_integer_arithmetic_of_horowitz_and_of_the_tpu_v4i_paper(name, multiply_and_add_pj):
    node = technology.get(name)
    for width, (multiply_pj, add_pj) in multiply_and_add_pj.items():
        mac_pj = multiply_pj + multiply_and_add_pj[32][1]
        assert node.mac_energy_j(WordFormat.integer(width, width, 32)) == pytest.approx(mac_pj * 1e-12)
        assert node.vector_op_energy_j(number_format(f"int{width}")) == pytest.approx(
            (multiply_pj + add_pj) * 1e-12
        )


@pytest.mark.parametrize(
    ("name", "multiply_and_add_pj"),
    [("45nm", {"fp16": (1.1, 0.4), "fp32": (3.7, 0.9)}), ("7nm", {"fp16": (0.34, 0.16), "fp32": (1.31, 0.38)})],
)
def test_floating_point_of_horowitz_and_of_the_tpu_v4i_paper(name, multiply_and_add_pj):
    node = technology.get(name)
    for operand, (multiply_pj, add_pj) in multiply_and_add_pj.items():
        mac_pj = multiply_pj + multiply_and_add_pj["fp32"][1]
        assert node.mac_energy_j(WordFormat.of(operand)) == pytest.approx(mac_pj * 1e-12)
        both = node.vector_op_energy_j(number_format(operand))
        assert both == pytest.approx((multiply_pj + add_pj) * 1e-12)


def test_bf16_lies_within_a_tenth_of_the_tpu_v4i_paper():
    both = technology.get("7nm").vector_op_energy_j(number_format("bf16"))
    assert both == pytest.approx((0.21 + 0.11) * 1e-12, rel=0.1)


@nodes
def test_formats_cost_in_the_order_of_their_significands(node):
    names = ("fp8", "bf16", "fp16", "fp32")
    energies = [node.mac_energy_j(WordFormat.of(name, accumulators="fp32")) for name in names]
    assert energies == sorted(energies)
    assert node.mac_energy_j(WordFormat.of("int8", "bf16")) == node.mac_energy_j(WordFormat.of("bf16"))
    areas = [node.mac_area_mm2(WordFormat.of(name, accumulators="fp32")) for name in names]
    assert areas == sorted(areas)


@nodes
def test_banks_trade_area_for_energy(node):
    one, many = (node.sram_read_energy_j_per_byte(4 * MIB, 8, banks) for banks in (1, 16))
    assert many < one
    assert node.sram_area_mm2(4 * MIB, 16) > node.sram_area_mm2(4 * MIB)


@pytest.mark.parametrize(("name", "access_pj"), [("45nm", (10, 20, 100)), ("7nm", (7.5, 8.5, 14))])
def test_sram_of_horowitz_and_of_the_tpu_v4i_paper(name, access_pj):
    read_j = technology.get(name).sram_read_energy_j_per_byte(np.array([8 * KIB, 32 * KIB, MIB]), 8)
    assert read_j * 8 == pytest.approx(np.array(access_pj) * 1e-12)


def test_int16_addition_at_45nm_lies_within_a_tenth_of_horowitz():
    node = technology.get("45nm")
    add_j = node.mac_energy_j(WordFormat.integer(8, 8, 16)) - 0.2e-12
    assert add_j == pytest.approx(0.05e-12, rel=0.1)


def test_stillmaker_and_baas_examples():
    energy = scaling.energy_ratio(7, 0.7) / scaling.energy_ratio(45, 1.0)
    assert energy == pytest.approx(0.0555, rel=0.01)
    assert scaling.area_ratio(16) == pytest.approx(0.19)
    assert scaling.area_ratio(32) > scaling.area_ratio(28) > scaling.area_ratio(20)
    with pytest.raises(ValueError, match="7 <= node_nm <= 65"):
        scaling.area_ratio(5)


# Sources that the model was not made from


@pytest.mark.parametrize(
    ("capacity_bytes", "width_bytes", "read_pj"),
    [
        (64, 1, 0.18),
        (512, 1, 0.6462),
        (2 * KIB, 8, 2.6714),
        (64 * KIB, 16, 38.4217),
        (128 * KIB, 16, 46.6211),
        (256 * KIB, 16, 62.3325),
    ],
)
def test_sram_energy_at_45nm_within_twice_cacti_7(capacity_bytes, width_bytes, read_pj):
    """NPUsim's CACTI 7 reference table; it lies below Horowitz, our basis."""
    node = technology.get("45nm")
    access_pj = node.sram_read_energy_j_per_byte(capacity_bytes, width_bytes) * width_bytes * 1e12
    if capacity_bytes > 64:
        assert read_pj <= access_pj <= 2 * read_pj
    assert within(3, access_pj, read_pj)


@pytest.mark.parametrize("capacity_mib", [1, 2, 4, 8, 16])
def test_large_srams_at_45nm_grow_as_in_cacti_7(capacity_mib):
    """CACTI 7, itrs-hp, 350 K, 64-bit access: 67.7 pJ at 1 MiB to 230.7 pJ at 16 MiB."""
    cacti_pj = {1: 67.69, 2: 90.02, 4: 121.8, 8: 166.6, 16: 230.7}[capacity_mib]
    access_pj = technology.get("45nm").sram_read_energy_j_per_byte(capacity_mib * MIB, 8) * 8e12
    assert 1.4 < access_pj / cacti_pj < 1.8


def test_eyeriss_energy_ratios_at_45nm_within_twice():
    """Eyeriss (ISCA 2016): a 16-bit access costs 1 MAC in a 512 B register file, 6 in a 100 KiB buffer."""
    node = technology.get("45nm")
    mac_j = node.mac_energy_j(WordFormat.integer(16, 16, 32))
    assert within(2, node.sram_read_energy_j_per_byte(512) * 2 / mac_j, 1)
    assert within(2, node.sram_read_energy_j_per_byte(100 * KIB) * 2 / mac_j, 6)


def test_multiplier_cells_at_45nm_within_five_percent_of_nangate_synthesis():
    """UnaryLab archx: 294 um2 for 8 bits, 3473 um2 for 32 bits in NanGate 45 nm."""
    node = technology.get("45nm")
    assert node.mul8_area.value == pytest.approx(294, rel=0.05)
    assert node.mul32_area.value == pytest.approx(3473, rel=0.05)


def test_leakage_at_45nm_within_twice_nangate_synthesis():
    """UnaryLab archx, 8-bit multiplier: 5.08 (printed uW, of the size of mW) in 294 um2."""
    assert within(2, technology.get("45nm").leakage_w_per_mm2, 5.08e-3 / 0.294)


# Dies


def test_common_memory_of_tpu_v4i():
    """ISCA 2021, Fig. 6: 128 MiB in 112 mm2 at 7 nm; our density was set by it."""
    assert technology.get("7nm").sram_area_mm2(128 * MIB) == pytest.approx(112, rel=0.02)


def test_unified_buffer_of_tpu_v1():
    """ISCA 2017: 24 MiB in 29 % of a die of at most 331 mm2 at 28 nm."""
    assert technology.get("28nm").sram_area_mm2(24 * MIB) == pytest.approx(0.29 * 331, rel=0.1)


def test_matrix_unit_of_tpu_v1_within_twice():
    """ISCA 2017: 65,536 int8 units in 24 % of a die of at most 331 mm2 at 28 nm."""
    area_mm2 = 65536 * technology.get("28nm").mac_area_mm2(INT8)
    assert 0.24 * 331 / 2 <= area_mm2 <= 0.24 * 331


def test_layout_overhead_spans_both_readings_of_the_tpu_v4i_matrix_unit():
    """11 % of 400 mm2 for four, or 14 mm2 each, of 128 x 128 bf16 units; fp16 and fp32 cells of Horowitz."""
    node = technology.get("7nm")
    register_bits = 16 + 16 + 32 + 32
    cells_um2 = (1640 + 4184) * scaling.area_ratio(7) + register_bits * node.register_area.value
    unit_mm2 = 128 * 128 * cells_um2 * 1e-6
    overhead = next(q.value for q in technology.table()["every node"] if q.name.startswith("a placed"))
    assert 0.11 * 400 / 4 / unit_mm2 < overhead < 14 / unit_mm2


def test_nvdla_small_is_more_than_its_memory_and_multipliers():
    """MosaicSim: nv_small, 64 MACs and 128 KiB, takes 0.55 mm2 at 16 nm, with its control."""
    node = technology.get("16nm")
    area_mm2 = 64 * node.mac_area_mm2(INT8) + node.sram_area_mm2(128 * KIB)
    assert 0.55 / 3 <= area_mm2 <= 0.55


# Laws


def test_int8_mac_at_7nm():
    assert technology.get("7nm").mac_energy_j(INT8) == pytest.approx(0.10e-12, rel=0.01)


@law
@given(capacities, capacities, widths_bytes, bits, bits)
def test_a_smaller_node_never_costs_more(capacity, other_capacity, width, operand_bits, accumulator_bits):
    """But for leakage: 65 nm is a low-power process, the others are not."""
    word_format = WordFormat.integer(operand_bits, operand_bits, accumulator_bits)
    costs = [
        (
            node.mac_energy_j(word_format),
            node.mac_area_mm2(word_format),
            node.vector_op_energy_j(word_format.activations),
            node.sram_read_energy_j_per_byte(capacity, width),
            node.sram_write_energy_j_per_byte(capacity, width),
            node.sram_area_mm2(other_capacity),
            node.register_energy_j_per_byte,
            node.register_area_mm2_per_byte,
            node.wire_energy_j_per_byte_mm,
            node.vdd_v,
        )
        for node in NODES
    ]
    for larger, smaller in pairwise(costs):
        assert all(after <= before for before, after in zip(larger, smaller, strict=True))


@nodes
@law
@given(smaller=capacities, larger=capacities, width=widths_bytes)
def test_memories_grow_with_capacity_and_gain_density(node, smaller, larger, width):
    smaller, larger = sorted((smaller, larger))
    read = [node.sram_read_energy_j_per_byte(capacity, width) for capacity in (smaller, larger)]
    assert node.register_energy_j_per_byte <= read[0] * (1 + 1e-12)
    assert read[0] <= read[1] * (1 + 1e-12)
    assert node.sram_area_mm2(smaller) <= node.sram_area_mm2(larger)
    assert node.sram_area_mm2(smaller) * larger >= node.sram_area_mm2(larger) * smaller * (1 - 1e-12)


@nodes
@law
@given(capacity=capacities)
def test_area_lies_between_bitcells_and_flip_flops(node, capacity):
    area_mm2 = node.sram_area_mm2(capacity)
    assert area_mm2 >= capacity * 8 * node.bitcell_area.value * 1e-6
    assert area_mm2 <= capacity * node.register_area_mm2_per_byte


@nodes
def test_tiny_memories_are_flip_flops(node):
    assert node.sram_area_mm2(16) == pytest.approx(16 * node.register_area_mm2_per_byte)
    assert node.sram_read_energy_j_per_byte(16, 1) == pytest.approx(node.register_energy_j_per_byte)
    assert node.sram_area_mm2(KIB) < KIB * node.register_area_mm2_per_byte


@nodes
def test_wide_accesses_cost_less_a_byte(node):
    narrow, reference, wide = node.sram_read_energy_j_per_byte(
        np.full(3, 64.0 * KIB), np.array([1.0, 8.0, 64.0])
    )
    assert narrow == pytest.approx(3.1 * reference)
    assert 0.7 * reference < wide < reference


@nodes
@pytest.mark.parametrize("width", [4, 8, 16])
def test_doubling_a_width_makes_four_multipliers_and_two_adders(node, width):
    multiply_j = [
        node.mac_energy_j(WordFormat.integer(operand, operand, 32)) - node.add32_energy.value * 1e-12
        for operand in (width, 2 * width)
    ]
    assert 3.5 < multiply_j[1] / multiply_j[0] < 5
    adds_j = [
        node.mac_energy_j(WordFormat.integer(8, 8, accumulator)) - node.mul8_energy.value * 1e-12
        for accumulator in (width, 2 * width)
    ]
    assert 1.7 < adds_j[1] / adds_j[0] < 2.2


@nodes
def test_the_wider_operand_sets_the_multiplier(node):
    for narrow in (WordFormat.integer(4, 8), WordFormat.integer(8, 4)):
        assert node.mac_energy_j(narrow) == node.mac_energy_j(INT8)


@nodes
@law
@given(st.lists(capacities, min_size=1, max_size=6), widths_bytes)
def test_an_array_equals_its_elements(node, values, width):
    array = np.array(values)
    for cost in (
        node.sram_area_mm2,
        lambda c: node.sram_read_energy_j_per_byte(c, width),
        lambda c: node.sram_write_energy_j_per_byte(c, width),
    ):
        assert isinstance(cost(values[0]), float)
        assert cost(array).shape == array.shape
        assert cost(array) == pytest.approx([cost(value) for value in values])


@nodes
def test_misuse_is_named(node):
    with pytest.raises(ValueError, match="capacity_bytes >= 0` must hold, but got -1"):
        node.sram_area_mm2(-1)
    with pytest.raises(ValueError, match="capacity_bytes >= 0"):
        node.sram_read_energy_j_per_byte(np.array([1.0, np.nan]))
    with pytest.raises(ValueError, match="width_bytes > 0` must hold, but got 0"):
        node.sram_read_energy_j_per_byte(KIB, 0)
    with pytest.raises(ValueError, match="banks >= 1` must hold, but got 0"):
        node.sram_area_mm2(KIB, 0)


# DRAM


def test_dram_classes():
    assert list(DRAMS) == ["DDR4", "LPDDR4", "LPDDR5", "HBM2", "HBM3"]
    energies = [dram.energy_j_per_byte for dram in DRAMS.values()]
    assert energies == sorted(energies, reverse=True)
    for dram in DRAMS.values():
        assert dram.boundary.startswith("core")
        assert within(1.001, dram.latency_s, 100e-9)
        assert (dram.phy_area_mm2 is not None) == dram.name.startswith("HBM")


def test_dram_units():
    assert DRAMS["LPDDR4"].energy_j_per_byte == pytest.approx(64e-12)
    assert DRAMS["HBM3"].peak_bandwidth_bytes_per_s == pytest.approx(1024 * 6.4e9 / 8)
    assert DRAMS["DDR4"].energy_j_per_byte == pytest.approx(1300e-12 / 8)


def test_hbm2_lies_in_the_range_of_the_tpu_v4i_paper():
    assert 250e-12 / 8 <= DRAMS["HBM2"].energy_j_per_byte <= 450e-12 / 8


@nodes
def test_dram_costs_more_than_any_on_chip_memory_of_a_mebibyte(node):
    assert min(dram.energy_j_per_byte for dram in DRAMS.values()) > node.sram_read_energy_j_per_byte(MIB)
