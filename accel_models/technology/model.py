"""The laws: what a word, a width or a capacity costs, given the constants of one node."""

from dataclasses import dataclass, fields
from math import exp, log
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from accel_models.arch import WordFormat
from accel_models.technology.quantity import Quantity

Amount = TypeVar("Amount", float, NDArray[Any])

_KIB = 1024
_REFERENCE_WIDTH_BYTES = 8.0
_REGISTER_FILE_BYTES = 64.0
_MM2_PER_UM2 = 1e-6

SRAM_WIDTH_SHARE = Quantity(
    "share of a 64-bit access that grows with its width",
    0.7,
    "1",
    "published",
    "Accelergy's CACTI width law, 0.7 w + 0.3",
)
SRAM_WRITE_RATIO = Quantity(
    "write over read energy",
    1.1,
    "1",
    "scaled",
    "geometric mean of 18 CACTI 7 runs at 45, 32 and 22 nm (0.85 to 1.8)",
)
SRAM_ARRAY_EFFICIENCY = Quantity(
    "bitcells' share of a large on-chip memory",
    0.26,
    "1",
    "measured",
    "TPUv4i, 7 nm: 128 MiB in 112 mm2; TPUv1, 28 nm: 24 MiB in 29 % of at most 331 mm2 gives 0.27",
)
SRAM_PERIPHERY_BYTES = Quantity(
    "capacity at which periphery equals the array",
    2048.0,
    "bytes",
    "assumed",
    "decoders and sense amplifiers grow with the edge",
)
MAC_LAYOUT_OVERHEAD = Quantity(
    "placed array over the sum of its cells",
    2.0,
    "1",
    "measured",
    "TPUv4i matrix unit: 11 to 14 mm2 for 128 x 128 bf16 cells, 1.7 to 2.2 times this law",
)

SHARED = (
    SRAM_WIDTH_SHARE,
    SRAM_WRITE_RATIO,
    SRAM_ARRAY_EFFICIENCY,
    SRAM_PERIPHERY_BYTES,
    MAC_LAYOUT_OVERHEAD,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Technology:
    """One node: its constants, and the laws that turn them into costs.

    The `Quantity` fields are in the units of their sources; the methods answer in J, mm2 and W. Capacities
    may be floats or arrays; arrays give arrays of the same shape.
    """

    name: str
    node_nm: float
    supply: Quantity
    add8_energy: Quantity
    add32_energy: Quantity
    mul8_energy: Quantity
    mul32_energy: Quantity
    add8_area: Quantity
    add32_area: Quantity
    mul8_area: Quantity
    mul32_area: Quantity
    register_energy: Quantity
    register_area: Quantity
    sram_8kib_energy: Quantity
    sram_32kib_energy: Quantity
    sram_1mib_energy: Quantity
    bitcell_area: Quantity
    wire_energy: Quantity
    leakage: Quantity

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Every constant of this node."""
        values = (getattr(self, field.name) for field in fields(self))
        return tuple(value for value in values if isinstance(value, Quantity))

    @property
    def vdd_v(self) -> float:
        """Supply voltage that the energies belong to."""
        return self.supply.value

    @property
    def register_energy_j_per_byte(self) -> float:
        """One access to a byte of flip-flops, in J."""
        return self.register_energy.value * 8e-12

    @property
    def register_area_mm2_per_byte(self) -> float:
        """A byte of flip-flops, in mm2."""
        return self.register_area.value * 8 * _MM2_PER_UM2

    @property
    def wire_energy_j_per_byte_mm(self) -> float:
        """Sending a byte of random data over one millimetre of repeated wire, in J."""
        return self.wire_energy.value * 8e-12

    @property
    def leakage_w_per_mm2(self) -> float:
        """Static power of a square millimetre of logic or memory, in W."""
        return self.leakage.value

    def mac_energy_j(self, word_format: WordFormat) -> float:
        """One integer multiply-accumulate: product of the wider operand's width, addition of the accumulator's.

        Raises:
            ValueError: a width lies outside 1 to 64 bits.
        """
        return self._multiply_energy_j(_operand_bits(word_format)) + self._add_energy_j(
            word_format.accumulator_bits
        )

    def vector_op_energy_j(self, bits: int) -> float:
        """One lane of one element-wise operation, priced as a multiplication and an addition of `bits`.

        Raises:
            ValueError: `bits` lies outside 1 to 64.
        """
        return self._multiply_energy_j(bits) + self._add_energy_j(bits)

    def mac_area_mm2(self, word_format: WordFormat) -> float:
        """One multiply-accumulate unit as placed in an array, in mm2.

        Multiplier, adder and flip-flops for both operands, the product and the accumulator, times the layout
        overhead (placement density, clock, wires) that the matrix unit of TPUv4i shows.

        Raises:
            ValueError: a width lies outside 1 to 64 bits.
        """
        bits = _operand_bits(word_format)
        product_bits = word_format.weight_bits + word_format.activation_bits
        register_bits = 2 * product_bits + word_format.accumulator_bits
        cells_um2 = (
            _power_law(bits, self.mul8_area.value, self.mul32_area.value)
            + _power_law(word_format.accumulator_bits, self.add8_area.value, self.add32_area.value)
            + register_bits * self.register_area.value
        )
        return cells_um2 * MAC_LAYOUT_OVERHEAD.value * _MM2_PER_UM2

    def sram_read_energy_j_per_byte(self, capacity_bytes: Amount, width_bytes: float = 8.0) -> Amount:
        """Reading a byte from an on-chip memory, as part of an access of `width_bytes`, in J.

        Published at 8 KiB, 32 KiB and 1 MiB for accesses of 8 bytes. Between those and down to a 64-byte
        register file, a power of the capacity; above 1 MiB the bank stays and the wire to it grows as the
        root of the capacity; wider accesses share decoding. Never below flip-flops.

        Raises:
            ValueError: a capacity is negative or `width_bytes` is not positive.
        """
        capacity = _checked(capacity_bytes)
        if not width_bytes > 0:
            raise ValueError(f"`width_bytes > 0` must hold, but got {width_bytes}")
        register = self.register_energy.value * 64
        knots_bytes = np.array([_REGISTER_FILE_BYTES, 8 * _KIB, 32 * _KIB, 1024 * _KIB])
        knots_pj = np.array(
            [register, self.sram_8kib_energy.value, self.sram_32kib_energy.value, self.sram_1mib_energy.value]
        )
        inside = np.clip(capacity, knots_bytes[0], knots_bytes[-1])
        bank_pj = np.exp(np.interp(np.log(inside), np.log(knots_bytes), np.log(knots_pj)))
        wire_pj_per_root_byte = (knots_pj[3] - knots_pj[2]) / (
            np.sqrt(knots_bytes[3]) - np.sqrt(knots_bytes[2])
        )
        wire_pj = wire_pj_per_root_byte * np.maximum(np.sqrt(capacity) - np.sqrt(knots_bytes[-1]), 0.0)
        share = SRAM_WIDTH_SHARE.value
        width_factor = share + (1 - share) * _REFERENCE_WIDTH_BYTES / width_bytes
        access_pj = np.where(
            capacity <= _REGISTER_FILE_BYTES, register, np.maximum((bank_pj + wire_pj) * width_factor, register)
        )
        return _like(capacity_bytes, access_pj * 1e-12 / _REFERENCE_WIDTH_BYTES)

    def sram_write_energy_j_per_byte(self, capacity_bytes: Amount, width_bytes: float = 8.0) -> Amount:
        """Writing a byte, in J: the read law times one ratio.

        Raises:
            ValueError: a capacity is negative or `width_bytes` is not positive.
        """
        return self.sram_read_energy_j_per_byte(capacity_bytes, width_bytes) * SRAM_WRITE_RATIO.value

    def sram_area_mm2(self, capacity_bytes: Amount) -> Amount:
        """An on-chip memory of this capacity, in mm2: bitcells, periphery, wiring; flip-flops where smaller.

        Raises:
            ValueError: a capacity is negative.
        """
        capacity = _checked(capacity_bytes)
        bitcells_mm2 = capacity * 8 * self.bitcell_area.value * _MM2_PER_UM2
        with_edge = (
            bitcells_mm2
            + np.sqrt(capacity * SRAM_PERIPHERY_BYTES.value) * 8 * self.bitcell_area.value * _MM2_PER_UM2
        )
        sram_mm2 = with_edge / SRAM_ARRAY_EFFICIENCY.value
        return _like(capacity_bytes, np.minimum(sram_mm2, capacity * self.register_area_mm2_per_byte))

    def _multiply_energy_j(self, bits: int) -> float:
        return _power_law(bits, self.mul8_energy.value, self.mul32_energy.value) * 1e-12

    def _add_energy_j(self, bits: int) -> float:
        return _power_law(bits, self.add8_energy.value, self.add32_energy.value) * 1e-12


def _operand_bits(word_format: WordFormat) -> int:
    return max(word_format.weight_bits, word_format.activation_bits)


def _power_law(bits: int, at_8: float, at_32: float) -> float:
    """The power of the width through both published ones: about 2 for multipliers, 1 for adders."""
    if not 1 <= bits <= 64:
        raise ValueError(f"`1 <= bits <= 64` must hold, but got {bits}")
    return at_8 * exp(log(at_32 / at_8) * log(bits / 8) / log(4))


def _checked(capacity_bytes: Amount) -> NDArray[np.float64]:
    capacity = np.asarray(capacity_bytes, dtype=np.float64)
    if not np.all(capacity >= 0):
        raise ValueError(f"`capacity_bytes >= 0` must hold, but got {capacity.min()}")
    return capacity


def _like(argument: Amount, values: NDArray[np.float64]) -> Amount:
    return cast(Amount, values if np.ndim(argument) else float(values))
