"""Any chain of buffer levels, described rather than programmed: what a user's own file becomes.

    levels of memory, outermost (DRAM) first -> multiply-accumulate units inside the innermost one

Every number of a description is either given or the name of a parameter, whose value a point holds. What is
neither follows from `accel_models.technology`:

1. Energies of an SRAM follow from its size, its banks and the width of an access: `width_bytes`, else what the
   level moves in a cycle, else 8 bytes. Registers cost the same whatever their number.
2. A byte that a level serves or receives from inside crosses `die.CROSSING` of the edge of what lies inside, as
   from the middle of one edge to anywhere on a square, if the level fans out at all. DRAM bytes do so always.
3. DRAM moves what one device of its type does, unless stated; of types whose PHYs have a known area there are
   as many on the die as the bandwidth takes.
4. A die larger than the reticle cannot be built.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from math import ceil, inf, prod, sqrt
from typing import Literal, get_args

from accel_models import technology
from accel_models.arch import Accelerator, BufferLevel, Network, SpatialAxis
from accel_models.dataflows.hierarchy.structure import structure
from accel_models.formats import WordFormat
from accel_models.technology import Dram, Technology
from accel_models.templates import die
from accel_models.workload import DIMS, OPERANDS, Dim, Operand

USUAL_WIDTH_BYTES = 8.0
PICO = 1e-12
ROUNDING = 1e-12
"""Relative error of a bandwidth that was divided by a clock and multiplied again, at most."""

Number = float | int | str
"""A number, or the name of the parameter that has it."""

Point = Mapping[str, Number]
Memory = Literal["sram", "registers"]
MEMORIES: tuple[Memory, ...] = get_args(Memory)
NETWORKS: tuple[Network, ...] = get_args(Network)


@dataclass(frozen=True, slots=True)
class AxisDescription:
    """A spatial axis: its name, how many children it has, and the dimensions that it may unroll.

    Raises:
        ValueError: it may unroll nothing, one dimension twice, or something that is no dimension.
    """

    name: str
    size: Number
    unrolls: tuple[Dim, ...]

    def __post_init__(self) -> None:
        _check_some(f"`unrolls` of axis {self.name!r}", self.unrolls, DIMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDescription:
    """One level of memory, every instance alike; numbers are those of one instance.

    Attributes:
        name: of the level.
        keeps: the operands that it stores; others pass by.
        memory: what it is made of; None: SRAM.
        capacity_bytes: must be given on chip; None: unbounded DRAM.
        bandwidth_gb_per_s: of reads and writes together; None: see the next one.
        bandwidth_bytes_per_cycle: the same in other units; both None: no limit (of DRAM: one device).
        width_bytes: of an access to an SRAM; None: bandwidth of a cycle, else 8.
        banks: of an SRAM; None: one.
        axes: the children of an instance; none: one child.
        network: how words reach children (`arch.BufferLevel`).
        read_energy_pj_per_byte: without the network; None, here and below: by technology.
        write_energy_pj_per_byte: the same of writes.
        network_energy_pj_per_byte: added to reads and writes.
        area_mm2: of an instance on chip.

    Raises:
        ValueError: it keeps nothing, or something is none of what there is.
    """

    name: str
    keeps: tuple[Operand, ...] = OPERANDS
    memory: Memory | None = None
    capacity_bytes: Number | None = None
    bandwidth_gb_per_s: Number | None = None
    bandwidth_bytes_per_cycle: Number | None = None
    width_bytes: Number | None = None
    banks: Number | None = None
    axes: tuple[AxisDescription, ...] = ()
    network: Network = "multicast"
    read_energy_pj_per_byte: Number | None = None
    write_energy_pj_per_byte: Number | None = None
    network_energy_pj_per_byte: Number | None = None
    area_mm2: Number | None = None

    def __post_init__(self) -> None:
        _check_some(f"`keeps` of level {self.name!r}", self.keeps, OPERANDS)
        _check_one(f"`network` of level {self.name!r}", self.network, NETWORKS)
        if self.memory is not None:
            _check_one(f"`memory` of level {self.name!r}", self.memory, MEMORIES)
        if self.bandwidth_gb_per_s is not None and self.bandwidth_bytes_per_cycle is not None:
            raise ValueError(
                "a level must have one bandwidth, but "
                f"{self.name!r} has both `bandwidth_gb_per_s` and `bandwidth_bytes_per_cycle`"
            )
        if self.memory == "registers" and (self.width_bytes, self.banks) != (None, None):
            raise ValueError(f"registers must have neither `width_bytes` nor `banks`, but {self.name!r} has")


ENERGIES = ("read_energy_pj_per_byte", "write_energy_pj_per_byte", "network_energy_pj_per_byte")
ON_CHIP = ("memory", "width_bytes", "banks", "area_mm2")
"""What only levels on chip may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """A description of designs: levels, outermost first, and what they are made of.

    Attributes:
        levels: at least DRAM and one level on chip.
        clock_mhz: of all levels and units.
        technology: node, or the name of the parameter that has it; so are the next four.
        dram: type of the outermost level.
        weight_format: of parameters.
        activation_format: of activations; None: that of weights.
        accumulator_format: of partial sums; None: 32 bits of their kind.
        vector_ops_per_cycle: operations outside layers that all units complete a cycle; None: one for each
            unit that makes an output of its own.
        mac_energy_pj: of one multiply-accumulate; None: by technology.
        mac_area_mm2: of one unit; None: by technology.

    Raises:
        ValueError: no level is on chip, one of them has no capacity, or the outermost level has what only they
            may have.
    """

    levels: tuple[LevelDescription, ...]
    clock_mhz: Number = 1000.0
    technology: str = "7nm"
    dram: str = "LPDDR4"
    weight_format: str = "int8"
    activation_format: str | None = None
    accumulator_format: str | None = None
    vector_ops_per_cycle: Number | None = None
    mac_energy_pj: Number | None = None
    mac_area_mm2: Number | None = None

    def __post_init__(self) -> None:
        if len(self.levels) < 2:
            names = [level.name for level in self.levels]
            raise ValueError(f"a hierarchy must have a level inside the outermost one, but has {names}")
        outermost = self.levels[0]
        if found := [name for name in ON_CHIP if getattr(outermost, name) is not None]:
            rule = f"the outermost level is DRAM and must have no {found[0]!r}"
            raise ValueError(f"{rule}, but {outermost.name!r} has")
        for level in self.levels[1:]:
            if level.capacity_bytes is None:
                raise ValueError(f"a level on chip must have `capacity_bytes`, but {level.name!r} has none")

    def build(self, point: Point) -> Accelerator:
        """The accelerator of a point, which has the parameters that the description names.

        Raises:
            ValueError: a number is not positive and finite or, where it counts, not whole; a technology, DRAM
                or format is unknown; or the levels are no hierarchy (`dataflows.hierarchy.structure`).
        """
        found = _Build(self, point).accelerator()
        structure(found)
        return found


class _Build:
    """One description at one point."""

    def __init__(self, described: Hierarchy, point: Point) -> None:
        self.described, self.point = described, point
        self.node: Technology = technology.get(str(self._value(described.technology)))
        self.dram: Dram = technology.dram(str(self._value(described.dram)))
        self.clock_hz = self._number(described.clock_mhz, "clock_mhz") * 1e6
        self.word = self._word_format()
        self.axes = [tuple(self._axis(level, axis) for axis in level.axes) for level in described.levels]
        self.capacity = [
            None if level.capacity_bytes is None else self._count(level.capacity_bytes, "capacity_bytes", level)
            for level in described.levels
        ]
        self.bandwidth = [self._bandwidth(level) for level in described.levels]
        if self.bandwidth[0] is None:
            self.bandwidth[0] = self.dram.peak_bandwidth_bytes_per_s / self.clock_hz

    def accelerator(self) -> Accelerator:
        """Levels and units with the areas that they take and the energies that follow from these."""
        described, node = self.described, self.node
        fanout = [prod(axis.size for axis in axes) for axes in self.axes]
        mac_mm2 = self._stated(described.mac_area_mm2, "mac_area_mm2", node.mac_area_mm2(self.word))
        own = [self._area_mm2(number) if number > 0 else 0.0 for number in range(len(fanout))]
        inside, each = [0.0] * len(fanout), mac_mm2
        for number in reversed(range(len(fanout))):
            inside[number] = fanout[number] * each
            each = inside[number] + own[number]
        instances = [prod(fanout[:number]) for number in range(len(fanout) + 1)]
        blocks = [(level.name, instances[i] * own[i]) for i, level in enumerate(described.levels) if i > 0]
        area = (*blocks, ("multiply_accumulate", instances[-1] * mac_mm2), *self._phys())
        die_mm2 = sum(mm2 for _, mm2 in area)
        edges_mm = [sqrt(each) if fanout[i] > 1 else 0.0 for i, each in enumerate(inside)]
        edges_mm[0] = sqrt(die_mm2)
        return Accelerator(
            template="hierarchy",
            levels=tuple(self._level(i, edge_mm) for i, edge_mm in enumerate(edges_mm)),
            clock_hz=self.clock_hz,
            technology=node.name,
            dram=self.dram.name,
            word_format=self.word,
            mac_energy_j=self._stated(
                described.mac_energy_pj, "mac_energy_pj", node.mac_energy_j(self.word), unit=PICO
            ),
            vector_op_energy_j=node.vector_op_energy_j(self.word.activations),
            area_mm2=area,
            leakage_w=node.leakage_w_per_mm2 * die_mm2,
            violations=die.RETICLE.violations(die_mm2),
            parameters=self._parameters(),
        )

    def _level(self, number: int, edge_mm: float) -> BufferLevel:
        level = self.described.levels[number]
        energies_j = (*self._energies_j(number), die.CROSSING * edge_mm * self.node.wire_energy_j_per_byte_mm)
        read_j, write_j, wire_j = (
            self._stated(getattr(level, what), what, by_technology, level, unit=PICO)
            for what, by_technology in zip(ENERGIES, energies_j, strict=True)
        )
        return BufferLevel(
            name=level.name,
            keeps=level.keeps,
            capacity_bytes=self.capacity[number],
            bandwidth_bytes_per_cycle=self.bandwidth[number],
            axes=self.axes[number],
            network=level.network,
            read_energy_j_per_byte=read_j + wire_j,
            write_energy_j_per_byte=write_j + wire_j,
        )

    def _energies_j(self, number: int) -> tuple[float, float]:
        """Reading and writing a byte, the network left out."""
        level, node, capacity = self.described.levels[number], self.node, self.capacity[number]
        if number == 0:
            return self.dram.energy_j_per_byte, self.dram.energy_j_per_byte
        if level.memory == "registers":
            return node.register_energy_j_per_byte, node.register_energy_j_per_byte
        width = self.bandwidth[number] or USUAL_WIDTH_BYTES
        if level.width_bytes is not None:
            width = self._number(level.width_bytes, "width_bytes", level)
        size, banks = float(capacity or 0), self._banks(level)
        read_j = node.sram_read_energy_j_per_byte(size, width, banks)
        return float(read_j), float(node.sram_write_energy_j_per_byte(size, width, banks))

    def _area_mm2(self, number: int) -> float:
        """Area of one instance of a level on chip."""
        level, size = self.described.levels[number], float(self.capacity[number] or 0)
        if level.memory == "registers":
            by_technology = size * self.node.register_area_mm2_per_byte
        else:
            by_technology = float(self.node.sram_area_mm2(size, self._banks(level)))
        return self._stated(level.area_mm2, "area_mm2", by_technology, level)

    def _banks(self, level: LevelDescription) -> int:
        return 1 if level.banks is None else self._count(level.banks, "banks", level)

    def _phys(self) -> tuple[tuple[str, float], ...]:
        """PHYs of as many devices as the bandwidth takes, where their area is known."""
        if self.dram.phy_area_mm2 is None:
            return ()
        devices = (self.bandwidth[0] or 0.0) * self.clock_hz / self.dram.peak_bandwidth_bytes_per_s
        return (("phy", ceil(devices * (1.0 - ROUNDING)) * self.dram.phy_area_mm2),)

    def _parameters(self) -> tuple[tuple[str, float], ...]:
        latency = ("dram_latency_s", self.dram.latency_s)
        if self.described.vector_ops_per_cycle is None:
            return (latency,)
        ops = self._number(self.described.vector_ops_per_cycle, "vector_ops_per_cycle")
        return (latency, ("vector_ops_per_cycle", ops))

    def _word_format(self) -> WordFormat:
        weights = str(self._value(self.described.weight_format))
        activations, accumulators = (
            None if each is None else str(self._value(each))
            for each in (self.described.activation_format, self.described.accumulator_format)
        )
        return WordFormat.of(weights, activations, accumulators)

    def _axis(self, level: LevelDescription, axis: AxisDescription) -> SpatialAxis:
        return SpatialAxis(axis.name, self._count(axis.size, f"size of axis {axis.name}", level), axis.unrolls)

    def _bandwidth(self, level: LevelDescription) -> float | None:
        """Bytes a cycle."""
        if level.bandwidth_gb_per_s is not None:
            return self._number(level.bandwidth_gb_per_s, "bandwidth_gb_per_s", level) * 1e9 / self.clock_hz
        if level.bandwidth_bytes_per_cycle is not None:
            return self._number(level.bandwidth_bytes_per_cycle, "bandwidth_bytes_per_cycle", level)
        return None

    def _value(self, given: Number) -> Number:
        """What was given, or the value of the parameter that it names."""
        return self.point.get(given, given) if isinstance(given, str) else given

    def _number(self, given: Number, what: str, level: LevelDescription | None = None) -> float:
        value = self._value(given)
        if isinstance(value, str) or not 0 < value < inf:
            raise ValueError(f"`{what}`{_of(level)} must be positive and finite, but got {value!r}")
        return float(value)

    def _count(self, given: Number, what: str, level: LevelDescription) -> int:
        value = self._number(given, what, level)
        if not value.is_integer():
            raise ValueError(f"`{what}`{_of(level)} must be a whole number, but got {value}")
        return int(value)

    def _stated(
        self,
        given: Number | None,
        what: str,
        otherwise: float,
        level: LevelDescription | None = None,
        *,
        unit: float = 1.0,
    ) -> float:
        """A cost in SI units or mm2 that may be stated, in `unit`s; as 0 if it is counted elsewhere."""
        if given is None:
            return otherwise
        value = self._value(given)
        if isinstance(value, str) or not 0 <= value < inf:
            raise ValueError(f"`{what}`{_of(level)} must be finite and not negative, but got {value!r}")
        return float(value) * unit


def _of(level: LevelDescription | None) -> str:
    return "" if level is None else f" of level {level.name!r}"


def _check_one(what: str, given: str, known: Sequence[str]) -> None:
    if given not in known:
        near = "".join(f"; did you mean {word!r}?" for word in get_close_matches(given, known, n=1))
        raise ValueError(f"{what} must be one of {', '.join(known)}, but got {given!r}{near}")


def _check_some(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    if not given or len(set(given)) < len(given) or not set(given) <= set(known):
        raise ValueError(f"{what} must be some of {', '.join(known)}, each once, but got {list(given)}")
