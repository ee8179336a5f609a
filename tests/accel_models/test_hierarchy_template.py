"""Described hierarchies: numbers that follow from technology, numbers that are stated, refusals."""

from dataclasses import replace
from functools import partial
from math import sqrt

import pytest

from accel_models import technology
from accel_models.formats import WordFormat
from accel_models.templates.die import CROSSING
from accel_models.templates.hierarchy import AxisDescription, Hierarchy, LevelDescription

KIB = 1024
close = partial(pytest.approx, rel=1e-9, abs=0)
"""Joules are far below the absolute tolerance that `approx` has by default."""
NODE = technology.get("16nm")
WORD = WordFormat()

PES = AxisDescription("pes", "pes", ("k", "p"))
BUFFER = LevelDescription(name="buffer", capacity_bytes="buffer", bandwidth_bytes_per_cycle=32, axes=(PES,))
REGISTERS = LevelDescription(name="registers", keeps=("weights",), memory="registers", capacity_bytes=16)
ARRAY = Hierarchy(levels=(LevelDescription(name="dram"), BUFFER, REGISTERS), technology="16nm", clock_mhz=500)
POINT = {"pes": 64, "buffer": 128 * KIB}


def test_what_is_not_stated_follows_from_technology() -> None:
    design = ARRAY.build(POINT)
    mac_mm2, register_mm2 = NODE.mac_area_mm2(WORD), 16 * NODE.register_area_mm2_per_byte
    buffer_mm2 = NODE.sram_area_mm2(128.0 * KIB)
    assert dict(design.area_mm2) == close(
        {"buffer": buffer_mm2, "registers": 64 * register_mm2, "multiply_accumulate": 64 * mac_mm2}
    )
    array_mm = sqrt(64 * (mac_mm2 + register_mm2))
    wire_j = CROSSING * NODE.wire_energy_j_per_byte_mm
    dram, buffer, registers = design.levels
    lpddr4 = technology.dram("LPDDR4")
    assert dram.read_energy_j_per_byte == close(lpddr4.energy_j_per_byte + wire_j * sqrt(design.total_area_mm2))
    assert dram.bandwidth_bytes_per_cycle == lpddr4.peak_bandwidth_bytes_per_s / 500e6
    assert buffer.read_energy_j_per_byte == close(
        NODE.sram_read_energy_j_per_byte(128.0 * KIB, 32.0) + wire_j * array_mm
    )
    assert buffer.write_energy_j_per_byte == close(
        NODE.sram_write_energy_j_per_byte(128.0 * KIB, 32.0) + wire_j * array_mm
    )
    assert registers.read_energy_j_per_byte == NODE.register_energy_j_per_byte
    assert (design.mac_energy_j, design.num_macs, design.clock_hz) == (NODE.mac_energy_j(WORD), 64, 500e6)
    assert dict(design.parameters) == {"dram_latency_s": lpddr4.latency_s}


def test_what_is_stated_is_taken() -> None:
    stated = replace(
        BUFFER,
        read_energy_pj_per_byte=2.0,
        write_energy_pj_per_byte="write",
        network_energy_pj_per_byte=0,
        area_mm2=0.25,
    )
    described = replace(
        ARRAY,
        levels=(LevelDescription(name="dram", bandwidth_gb_per_s=10), stated, REGISTERS),
        mac_energy_pj=0.5,
        mac_area_mm2=0.001,
        vector_ops_per_cycle=8,
    )
    design = described.build({**POINT, "write": 3.0})
    buffer = design.level("buffer")
    assert buffer.read_energy_j_per_byte == 2e-12
    assert buffer.write_energy_j_per_byte == 3e-12
    assert design.levels[0].bandwidth_bytes_per_cycle == 20.0
    assert dict(design.area_mm2)["buffer"] == 0.25
    assert dict(design.area_mm2)["multiply_accumulate"] == 0.064
    assert design.mac_energy_j == 0.5e-12
    assert dict(design.parameters)["vector_ops_per_cycle"] == 8


def test_an_access_is_as_wide_as_stated_else_as_a_cycle_s_bytes_else_8() -> None:
    """The wires are the same, so what differs is the SRAM."""

    def read_j(**changes: float | None) -> float:
        levels = (ARRAY.levels[0], replace(BUFFER, network_energy_pj_per_byte=0, **changes), REGISTERS)
        return replace(ARRAY, levels=levels).build(POINT).levels[1].read_energy_j_per_byte

    for changes, width in (
        ({"width_bytes": 4.0}, 4.0),
        ({}, 32.0),
        ({"bandwidth_bytes_per_cycle": None}, 8.0),
    ):
        assert read_j(**changes) == close(NODE.sram_read_energy_j_per_byte(128.0 * KIB, width))
    assert read_j(banks=4) == close(NODE.sram_read_energy_j_per_byte(128.0 * KIB, 32.0, 4))


@pytest.mark.parametrize(("gb_per_s", "devices"), [(None, 1), (256, 1), (257, 2), (512, 2)])
def test_a_die_has_the_phys_that_its_bandwidth_takes(gb_per_s: float | None, devices: int) -> None:
    """HBM2: 1024 bits at 2 Gb/s are 256 GB/s; rounding by a clock makes no third PHY."""
    hbm2 = technology.dram("HBM2")
    assert hbm2.peak_bandwidth_bytes_per_s == 256e9
    for clock_mhz in (500, 102, 106):
        levels = (LevelDescription(name="dram", bandwidth_gb_per_s=gb_per_s), *ARRAY.levels[1:])
        design = replace(ARRAY, dram="HBM2", clock_mhz=clock_mhz, levels=levels).build(POINT)
        assert dict(design.area_mm2)["phy"] == devices * (hbm2.phy_area_mm2 or 0.0)


def test_a_die_larger_than_the_reticle_cannot_be_built() -> None:
    assert "die area must fit the reticle" in ARRAY.build({**POINT, "buffer": 1 << 30}).violations[0]


def test_names_of_technology_dram_and_formats_may_be_parameters() -> None:
    described = replace(ARRAY, technology="node", dram="memory", weight_format="w", accumulator_format="a")
    design = described.build({**POINT, "node": "65nm", "memory": "DDR4", "w": "int4", "a": "int16"})
    assert (design.technology, design.dram) == ("65nm", "DDR4")
    assert str(design.word_format) == "int4 x int4 + int16"


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"pes": 0}, "`size of axis pes` of level 'buffer' must be positive and finite, but got 0"),
        ({"pes": 2.5}, "`size of axis pes` of level 'buffer' must be a whole number, but got 2.5"),
        ({"buffer": float("inf")}, "`capacity_bytes` of level 'buffer' must be positive and finite"),
        (
            {"buffer": "large"},
            "`capacity_bytes` of level 'buffer' must be positive and finite, but got 'large'",
        ),
    ],
)
def test_other_points_are_refused(point: dict[str, float | str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ARRAY.build({**POINT, **point})


def test_a_point_without_a_parameter_is_refused() -> None:
    with pytest.raises(ValueError, match="must be positive and finite, but got 'pes'"):
        ARRAY.build({"buffer": KIB})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AxisDescription("x", 2, ()), "`unrolls` of axis 'x' must be some of n, g, k"),
        (lambda: AxisDescription("x", 2, ("k", "k")), "each once"),
        (lambda: AxisDescription("x", 2, ("z",)), r"but got \['z'\]"),
        (lambda: LevelDescription(name="b", keeps=("bias",)), "`keeps` of level 'b' must be some of weights"),
        (lambda: LevelDescription(name="b", network="mash"), "one of unicast, multicast, mesh, but got 'mash'"),
        (lambda: LevelDescription(name="b", memory="dram"), "one of sram, registers, but got 'dram'"),
        (lambda: replace(REGISTERS, banks=2), "registers must have neither"),
        (
            lambda: replace(BUFFER, bandwidth_gb_per_s=1),
            "a level must have one bandwidth, but 'buffer' has both",
        ),
        (
            lambda: replace(ARRAY, levels=(LevelDescription(name="dram", banks=2), BUFFER)),
            "must have no 'banks'",
        ),
        (
            lambda: replace(ARRAY, levels=(ARRAY.levels[0], LevelDescription(name="b"))),
            "must have `capacity_bytes`, but 'b' has none",
        ),
        (lambda: replace(ARRAY, levels=()).build(POINT), "a level inside the outermost"),
        (lambda: replace(ARRAY, levels=ARRAY.levels[:1]).build(POINT), "a level inside the outermost"),
        (lambda: replace(ARRAY, levels=(ARRAY.levels[0], BUFFER, BUFFER)).build(POINT), "distinct names"),
        (
            lambda: replace(ARRAY, mac_energy_pj=-1).build(POINT),
            "`mac_energy_pj` must be finite and not negative",
        ),
    ],
)
def test_what_is_no_description_is_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
