"""The laws: what a word, a width or a capacity costs, given the constants of one node."""

from dataclasses import dataclass, fields
from math import exp, log
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from accel_models.formats import NumberFormat, WordFormat
from accel_models.technology.quantity import Quantity

Amount = TypeVar("Amount", float, NDArray[Any])

_REFERENCE_WIDTH_BYTES = 8.0
_REGISTER_FILE_BYTES = 64.0
_SRAM_KNOTS_BYTES = np.array([_REGISTER_FILE_BYTES, 8 * 2.0**10, 32 * 2.0**10, 2.0**20])
_MM2_PER_UM2 = 1e-6

SRAM_WIDTH_SHARE = Quantity(
    "share of a 64-bit SRAM access that grows with width",
    0.7,
    "1",
    "published",
    "Accelergy's CACTI plug-in, 0.7 w + 0.3",
)
SRAM_WRITE_RATIO = Quantity(
    "SRAM write over read energy",
    1.12,
    "1",
    "published",
    "geometric mean of 18 CACTI 7 arrays, 64 B to 256 KiB, at 45, 32 and 22 nm (0.84 to 1.76)",
)
SRAM_ARRAY_EFFICIENCY = Quantity(
    "bitcells' share of an on-chip memory's area",
    0.26,
    "1",
    "measured",
    "TPUv4i, 7 nm: 128 MiB in 112 mm2 (0.26); TPUv1, 28 nm: 24 MiB in 29 % of at most 331 mm2 (0.27)",
)
SRAM_PERIPHERY_BYTES = Quantity(
    "area that periphery adds to any array, in bytes stored",
    225.0,
    "bytes",
    "published",
    "CACTI 7, arrays of 256 B to 1 KiB with 64-bit access, the same at 45, 32 and 22 nm",
)
MAC_LAYOUT_OVERHEAD = Quantity(
    "a placed multiply-accumulate unit over its cells",
    2.0,
    "1",
    "measured",
    "TPUv4i: 128 x 128 bf16 units in 11 to 14 mm2, 1.7 to 2.2 times their cells",
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
    fp16_add_energy: Quantity
    fp32_add_energy: Quantity
    fp16_mul_energy: Quantity
    fp32_mul_energy: Quantity
    add8_area: Quantity
    add32_area: Quantity
    mul8_area: Quantity
    mul32_area: Quantity
    fp16_add_area: Quantity
    fp32_add_area: Quantity
    fp16_mul_area: Quantity
    fp32_mul_area: Quantity
    register_energy: Quantity
    register_area: Quantity
    sram_8kib_energy: Quantity
    sram_32kib_energy: Quantity
    sram_1mib_energy: Quantity
    bitcell_area: Quantity
    wire_energy: Quantity
    leakage: Quantity

    def __hash__(self) -> int:
        """Of the name: that of all constants would cost more than what is remembered by it saves."""
        return hash(self.name)

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
        """One multiply-accumulate: product in the more demanding operand's format, sum in the accumulator's.

        Reading and writing the operands' registers is not part of it.
        """
        multiply_pj = self._multiply_pj(_operand(word_format))
        return (multiply_pj + self._add_pj(word_format.accumulators)) * 1e-12

    def vector_op_energy_j(self, number_format: NumberFormat) -> float:
        """One lane of one element-wise operation, priced as a multiplication and an addition."""
        return (self._multiply_pj(number_format) + self._add_pj(number_format)) * 1e-12

    def mac_area_mm2(self, word_format: WordFormat) -> float:
        """One multiply-accumulate unit as placed in an array, in mm2.

        Multiplier, adder and flip-flops for both operands, the product and the accumulator, times the layout
        overhead (placement density, clock, wires) that the matrix unit of TPUv4i shows.
        """
        product_bits = word_format.weight_bits + word_format.activation_bits
        register_bits = 2 * product_bits + word_format.accumulator_bits
        multiplier = (self.mul8_area, self.mul32_area, self.fp16_mul_area, self.fp32_mul_area)
        adder = (self.add8_area, self.add32_area, self.fp16_add_area, self.fp32_add_area)
        cells_um2 = (
            _at_format(_operand(word_format), *multiplier)
            + _at_format(word_format.accumulators, *adder)
            + register_bits * self.register_area.value
        )
        return cells_um2 * MAC_LAYOUT_OVERHEAD.value * _MM2_PER_UM2

    def sram_read_energy_j_per_byte(
        self, capacity_bytes: Amount, width_bytes: Amount | float = 8.0, banks: int = 1
    ) -> Amount:
        """Reading a byte of an on-chip memory in the course of an access of `width_bytes`, in J.

        Published for accesses of 8 bytes at 8 KiB, 32 KiB and 1 MiB; between those, and down to flip-flops at
        64 bytes, a power of the capacity. Above 1 MiB the wires to the bank grow as the root of the
        capacity, as they do from 32 KiB to 1 MiB. A wider access shares its decoding. With several banks one
        of them is accessed, and the word travels half the memory's edge.

        Raises:
            ValueError: a capacity is negative, a width is not positive, or there is no bank.
        """
        capacity = _checked_capacity(capacity_bytes) / _checked_banks(banks)
        width = np.asarray(width_bytes, dtype=np.float64)
        if not np.all(width > 0):
            raise ValueError(f"`width_bytes > 0` must hold, but got {width_bytes}")
        share = SRAM_WIDTH_SHARE.value
        array_pj = self._sram_access_pj(capacity) * (share + (1 - share) * _REFERENCE_WIDTH_BYTES / width)
        register_pj = self._register_word_pj
        access_pj = np.where(capacity > _REGISTER_FILE_BYTES, np.maximum(array_pj, register_pj), register_pj)
        bank_j = access_pj * 1e-12 / _REFERENCE_WIDTH_BYTES
        if banks == 1:
            return _unboxed(capacity_bytes, bank_j)
        edge_mm = np.sqrt(np.asarray(self.sram_area_mm2(capacity_bytes, banks)))
        return _unboxed(capacity_bytes, bank_j + self.wire_energy_j_per_byte_mm * edge_mm / 2)

    def sram_write_energy_j_per_byte(
        self, capacity_bytes: Amount, width_bytes: Amount | float = 8.0, banks: int = 1
    ) -> Amount:
        """Writing a byte, in J: the reading law times one ratio.

        Raises:
            ValueError: a capacity is negative, a width is not positive, or there is no bank.
        """
        return self.sram_read_energy_j_per_byte(capacity_bytes, width_bytes, banks) * SRAM_WRITE_RATIO.value

    def sram_area_mm2(self, capacity_bytes: Amount, banks: int = 1) -> Amount:
        """An on-chip memory, in mm2: bitcells and periphery as dense as on chips, or flip-flops if smaller.

        Raises:
            ValueError: a capacity is negative, or there is no bank.
        """
        capacity = _checked_capacity(capacity_bytes) / _checked_banks(banks)
        byte_mm2 = 8 * self.bitcell_area.value * _MM2_PER_UM2 / SRAM_ARRAY_EFFICIENCY.value
        array_mm2 = (capacity + SRAM_PERIPHERY_BYTES.value) * byte_mm2
        bank_mm2 = np.minimum(array_mm2, capacity * self.register_area_mm2_per_byte)
        return _unboxed(capacity_bytes, banks * bank_mm2)

    @property
    def _register_word_pj(self) -> float:
        return self.register_energy.value * 8 * _REFERENCE_WIDTH_BYTES

    def _sram_access_pj(self, capacity: NDArray[np.float64]) -> NDArray[np.float64]:
        published = (self.sram_8kib_energy, self.sram_32kib_energy, self.sram_1mib_energy)
        knots_pj = np.array([self._register_word_pj, *(energy.value for energy in published)])
        inside = np.clip(capacity, _SRAM_KNOTS_BYTES[0], _SRAM_KNOTS_BYTES[-1])
        bank_pj = np.exp(np.interp(np.log(inside), np.log(_SRAM_KNOTS_BYTES), np.log(knots_pj)))
        roots = np.sqrt(_SRAM_KNOTS_BYTES)
        wire_slope = (knots_pj[-1] - knots_pj[-2]) / (roots[-1] - roots[-2])
        return np.asarray(bank_pj + wire_slope * np.maximum(np.sqrt(capacity) - roots[-1], 0.0))

    def _multiply_pj(self, number_format: NumberFormat) -> float:
        published = (self.mul8_energy, self.mul32_energy, self.fp16_mul_energy, self.fp32_mul_energy)
        return _at_format(number_format, *published)

    def _add_pj(self, number_format: NumberFormat) -> float:
        published = (self.add8_energy, self.add32_energy, self.fp16_add_energy, self.fp32_add_energy)
        return _at_format(number_format, *published)


def _operand(word_format: WordFormat) -> NumberFormat:
    """The more demanding of the two operands' formats: floating point before integer, then the wider."""
    operands = (word_format.weights, word_format.activations)
    return max(operands, key=lambda each: (each.significand_bits or 0, each.bits))


def _at_format(
    number_format: NumberFormat, int8: Quantity, int32: Quantity, fp16: Quantity, fp32: Quantity
) -> float:
    """What a unit of a format costs, along the power of the width through the two published ones of its kind.

    The width is that of the integer, or of the significand (11 and 24 bits of fp16 and fp32), whose product
    and alignment dominate. Integer multipliers grow as about the square, adders in proportion.
    """
    if number_format.significand_bits is None:
        return _power_law(number_format.bits, (8, int8.value), (32, int32.value))
    return _power_law(number_format.significand_bits, (11, fp16.value), (24, fp32.value))


def _power_law(bits: int, low: tuple[int, float], high: tuple[int, float]) -> float:
    exponent = log(high[1] / low[1]) / log(high[0] / low[0])
    return low[1] * exp(exponent * log(bits / low[0]))


def _checked_capacity(capacity_bytes: Amount) -> NDArray[np.float64]:
    capacity = np.asarray(capacity_bytes, dtype=np.float64)
    if not np.all(capacity >= 0):
        raise ValueError(f"`capacity_bytes >= 0` must hold, but got {capacity_bytes}")
    return capacity


def _checked_banks(banks: int) -> int:
    if banks < 1:
        raise ValueError(f"`banks >= 1` must hold, but got {banks}")
    return banks


def _unboxed(like: Amount, values: NDArray[np.float64]) -> Amount:
    return cast(Amount, values if np.ndim(values) else float(values))
