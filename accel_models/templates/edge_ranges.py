"""The edge template over boxes of points: between which values every number of its designs lies.

Every number of `edge.build_edge` rises with every parameter, or does not depend on it, with one exception: the
energy of a byte in a memory falls with the lanes, whose wider port shares the decoding. So the least of a box
is what the template makes of its lower corner with the ports of its upper one, and the most the other way
round. (The energy of a whole access, lanes times energy of a byte, still rises with the lanes, and with it the
peak power.) Clock, node, DRAM and number formats must be settled.
`tests/accel_models/test_edge_ranges.py` holds the template to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from accel_models import technology
from accel_models.formats import WordFormat
from accel_models.ranges import Column, Floor, Ranges, Settled
from accel_models.technology import Dram, Technology
from accel_models.templates import die, edge


@dataclass(frozen=True, slots=True)
class EdgeRanges:
    """`accel_models.ranges.Monotone` of the edge template."""

    parameters: tuple[str, ...] = edge.REQUIRED

    def floor(self, settled: Settled, lower: Mapping[str, Column]) -> Floor:
        """Area, leakage and peak power of the corners.

        Raises:
            ValueError: the technology, DRAM or a format is unknown.
        """
        node, _, word, clock_hz = _settled(settled)
        die_mm2 = _die_mm2(lower, node, word)
        width_bytes = edge.WAYS * lower["lanes"] * word.weight_bits / 8
        core_read_j = node.sram_read_energy_j_per_byte(lower["core_memory_bytes"], width_bytes)
        leakage_w = node.leakage_w_per_mm2 * die_mm2
        peak_w = edge.dynamic_power_w(_num_macs(lower), core_read_j, node, word, clock_hz) + leakage_w
        return Floor(die_mm2, leakage_w, {die.RETICLE: die_mm2, edge.PEAK_POWER: peak_w})

    def ranges(self, settled: Settled, lower: Mapping[str, Column], upper: Mapping[str, Column]) -> Ranges:
        """Ranges of the columns of `mapspace.designs.Columns`.

        Raises:
            ValueError: the technology, DRAM or a format is unknown.
        """
        node, dram, word, clock_hz = _settled(settled)
        least, most = (
            _sizes(sizes, dram, word, clock_hz) | _energies(sizes, ports["lanes"], node, dram, word)
            for sizes, ports in ((lower, upper), (upper, lower))
        )
        return Ranges(least, most, (_num_macs(lower) * clock_hz, _num_macs(upper) * clock_hz))


def _settled(point: Settled) -> tuple[Technology, Dram, WordFormat, float]:
    node = technology.get(str(point.get("technology", edge.NODE)))
    dram = technology.dram(str(point.get("dram", edge.DRAM)))
    return node, dram, edge.word_format(point), float(point.get("clock_mhz", edge.CLOCK_MHZ)) * 1e6


def _die_mm2(sizes: Mapping[str, Column], node: Technology, word: WordFormat) -> Column:
    total: Column = np.sum([area for _, area in edge.areas(sizes, node, word)], axis=0)
    return total


def _num_macs(sizes: Mapping[str, Column]) -> Column:
    return sizes["pe_x"] * sizes["pe_y"] * sizes["cores"] * sizes["lanes"] * edge.WAYS


def _sizes(sizes: Mapping[str, Column], dram: Dram, word: WordFormat, clock_hz: float) -> dict[str, Column]:
    """Columns of `mapspace.designs.Columns` that a design has more of, the larger its parameters."""
    latency_cycles = dram.latency_s * clock_hz
    weight_tile = sizes["parameter_memory_entries"] * edge.ENTRY_BYTES
    input_row = sizes["activation_memory_entries"] * edge.ENTRY_BYTES
    return {
        "pe_x": sizes["pe_x"],
        "pe_y": sizes["pe_y"],
        "cores": sizes["cores"],
        "lanes": sizes["lanes"],
        "pe_bytes": sizes["pe_memory_bytes"],
        "core_bytes": sizes["core_memory_bytes"],
        "weight_tile_bytes": weight_tile,
        "input_row_bytes": input_row,
        "program_tiles": sizes["instruction_memory_entries"] / edge.ENTRIES_PER_TILE,
        "dram_bandwidth": sizes["io_bandwidth_gb_per_s"] * 1e9 / clock_hz,
        "staging_bandwidth": (weight_tile + input_row) / latency_cycles,
        "pe_bandwidth": edge.PE_PORT_WORDS * sizes["lanes"] * word.activation_bits / 8,
        "core_bandwidth": edge.WAYS * sizes["lanes"] * word.weight_bits / 8,
    } | {
        name: np.full(len(weight_tile), value)
        for name, value in (
            ("ways", edge.WAYS),
            ("dram_latency_cycles", latency_cycles),
            ("clock_hz", clock_hz),
            ("weight_bytes", word.weight_bits / 8),
            ("activation_bytes", word.activation_bits / 8),
            ("accumulator_bytes", word.accumulator_bits / 8),
        )
    }


def _energies(
    sizes: Mapping[str, Column],
    port_lanes: Column,
    node: Technology,
    dram: Dram,
    word: WordFormat,
) -> dict[str, Column]:
    """Columns of what a design spends: more with larger memories and dies, less with wider ports."""
    pe_read_j, pe_write_j, core_read_j, core_write_j = (
        price(sizes[f"{memory}_memory_bytes"], words * port_lanes * bits / 8)
        for memory, words, bits in (
            ("pe", edge.PE_PORT_WORDS, word.activation_bits),
            ("core", edge.WAYS, word.weight_bits),
        )
        for price in (node.sram_read_energy_j_per_byte, node.sram_write_energy_j_per_byte)
    )
    die_mm2 = _die_mm2(sizes, node, word)
    dram_j = edge.dram_energy_j(dram, node, np.sqrt(die_mm2))
    return {
        "dram_j": dram_j,
        "pe_read_j": pe_read_j,
        "pe_write_j": pe_write_j,
        "core_read_j": core_read_j,
        "core_write_j": core_write_j,
        "leakage_w": node.leakage_w_per_mm2 * die_mm2,
    } | {
        name: np.full(len(die_mm2), value)
        for name, value in (
            ("register_j", node.register_energy_j_per_byte),
            ("mac_j", node.mac_energy_j(word)),
            ("vector_op_j", node.vector_op_energy_j(word.activations)),
        )
    }


EDGE_RANGES = EdgeRanges()
