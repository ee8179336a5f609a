"""What of a design its mappings depend on: reach of its axes, width of its words and ports, room.

Two designs of one structure and one room, which is their *kind*, run every mapping alike: it takes the same
cycles and moves the same bytes. Off-chip bandwidth, clock and energies of a byte differ, and decide between
mappings. PE columns and rows unroll the same dimensions, so a structure has the smaller of the two as `pe_x`.
"""

from dataclasses import dataclass

AXIS_SIZES = ("pe_x", "pe_y", "cores", "lanes", "ways")


@dataclass(frozen=True, slots=True)
class Structure:
    """Spatial axes, bytes of a word, bytes a cycle of a memory's port, and what a write costs in reads.

    Raises:
        ValueError: `pe_x` exceeds `pe_y`.
    """

    pe_x: int
    pe_y: int
    cores: int
    lanes: int
    ways: int
    weight_bytes: float
    activation_bytes: float
    accumulator_bytes: float
    pe_bandwidth: float
    core_bandwidth: float
    pe_write_ratio: float
    core_write_ratio: float

    def __post_init__(self) -> None:
        if self.pe_x > self.pe_y:
            raise ValueError(f"`pe_x <= pe_y` must hold, but got {self.pe_x} and {self.pe_y}")

    @property
    def axes(self) -> tuple[int, ...]:
        """Sizes of the axes in the order of `choices.AXES`."""
        return self.pe_x, self.pe_y, self.cores, self.lanes, self.ways

    @property
    def numbers(self) -> tuple[float, ...]:
        """All else, in order."""
        return (
            self.weight_bytes,
            self.activation_bytes,
            self.accumulator_bytes,
            self.pe_bandwidth,
            self.core_bandwidth,
            self.pe_write_ratio,
            self.core_write_ratio,
        )


@dataclass(frozen=True, slots=True)
class Room:
    """The capacities that designs have, rising: what a mapping needs counts as the next of them.

    Mappings that need more than the largest are of no use; between two that need the same step, the need
    decides nothing. Bytes of a PE's and of a core's memory, of a weight tile, of an input row; tiles of a
    program.
    """

    pe_bytes: tuple[float, ...]
    core_bytes: tuple[float, ...]
    weight_tile_bytes: tuple[float, ...]
    input_row_bytes: tuple[float, ...]
    program_tiles: tuple[float, ...]

    @property
    def steps(self) -> tuple[tuple[float, ...], ...]:
        """Capacities in the order of `price.LIMITS`."""
        return (
            self.pe_bytes,
            self.core_bytes,
            self.weight_tile_bytes,
            self.input_row_bytes,
            self.program_tiles,
        )

    def offers(self, needs: tuple[float, ...]) -> bool:
        """Whether a design of these capacities is one of those that the room was made for."""
        return all(need in steps for need, steps in zip(needs, self.steps, strict=True))


_kinds: list[tuple[Structure, Room]] = []
_numbers: dict[tuple[Structure, Room], int] = {}


def kind_of(structure: Structure, room: Room) -> int:
    """The number that stands for a structure and a room as long as the process lives."""
    kind = structure, room
    if kind not in _numbers:
        _numbers[kind] = len(_kinds)
        _kinds.append(kind)
    return _numbers[kind]


def kind(number: int) -> tuple[Structure, Room]:
    """The structure and room that a number of `kind_of` stands for."""
    return _kinds[number]
