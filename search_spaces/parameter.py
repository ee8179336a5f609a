"""One choice that a design leaves open: a sum type, one frozen class a kind.

    Real          any number of an interval              clock_mhz in [500, 1500]
    Integer       any whole number of an interval        num_banks in [1, 64]
    Ordinal       one of some ordered numbers            pe_memory_bytes in 256 KiB, 512 KiB, ...
    Categorical   one of some words, in no order         technology in 7nm, 16nm

Each maps the unit interval onto its values (`from_unit`) and back (`to_unit`), so that any optimizer of
the unit cube can search it. A discrete parameter cuts the interval into one bin a value, and `to_unit`
gives a bin's middle: uniform draws give uniform values, and `from_unit(to_unit(value)) == value`. With
`log=True` equal ratios take equal room instead of equal differences.
"""

import keyword
from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import ClassVar, cast

from search_spaces.quantity import Value, format_quantity, is_number, nearest_name, parse_quantity

MAX_INTEGER = 2**40
"""Largest magnitude of an `Integer` bound, so that bins of the unit interval stay wider than its rounding."""


class _Parameter(ABC):
    """What all kinds share; `Parameter` is the sum of them."""

    __slots__ = ()
    name: str

    @abstractmethod
    def violation(self, value: object) -> str | None:
        """Why `value` is not one of this parameter's, with the nearest that is; None if it is."""

    def contains(self, value: object) -> bool:
        """Whether `value` is one of this parameter's."""
        return self.violation(value) is None

    def check(self, value: object) -> None:
        """Pass over one of this parameter's values.

        Raises:
            ValueError: `value` is none of them; the message is that of `violation`.
        """
        if (problem := self.violation(value)) is not None:
            raise ValueError(problem)


class _Numeric(_Parameter):
    """Numbers with a unit."""

    __slots__ = ()
    unit: str

    def format(self, value: Value) -> str:
        """`value` with its unit, for people; `parse` reads it back."""
        return format_quantity(value, self.unit)

    def _number(self, value: Value) -> float | int:
        """`value` itself, once it is checked."""
        self.check(value)
        return cast(float | int, value)

    def _parsed(self, text: str) -> float | int:
        return self._number(parse_quantity(text, self.unit, self.name))


@dataclass(frozen=True, slots=True)
class Real(_Numeric):
    """Any number of the closed interval from `low` to `high`, in `unit`.

    Raises:
        ValueError: the name is no identifier, or not `low < high` with finite bounds (positive under `log`).
    """

    name: str
    low: float
    high: float
    log: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        _check_interval(self.name, self.low, self.high, self.log)
        if not (isfinite(self.high - self.low) and self._scaled(self.low) < self._scaled(self.high)):
            raise ValueError(f"`low < high` must hold, but {self.name!r} has low={self.low}, high={self.high}")

    @property
    def cardinality(self) -> None:
        """None: there is no end of values."""

    def violation(self, value: object) -> str | None:
        """Why `value` is not one of this parameter's, with the nearest that is; None if it is."""
        if not is_number(value):
            return _not_a_number(self.name, value)
        if self.low <= value <= self.high:
            return None
        return _outside(self, value)

    def from_unit(self, u: float) -> float:
        """Value at `u` in [0, 1].

        Raises:
            ValueError: `u` lies outside.
        """
        _check_unit(self.name, u)
        scaled = self._scaled(self.low) * (1.0 - u) + self._scaled(self.high) * u
        return min(max(exp(scaled) if self.log else scaled, float(self.low)), float(self.high))

    def to_unit(self, value: Value) -> float:
        """Place of `value` in [0, 1].

        Raises:
            ValueError: it is not one of this parameter's values.
        """
        number = self._number(value)
        low, high = self._scaled(self.low), self._scaled(self.high)
        return min(max((self._scaled(number) - low) / (high - low), 0.0), 1.0)

    def parse(self, text: str) -> float:
        """Value of a text such as `1.5`, `20 GB/s` or `64KiB`.

        Raises:
            ValueError: it is no number in this unit, or outside the interval.
        """
        return float(self._parsed(text))

    def _scaled(self, value: float) -> float:
        return log(value) if self.log else float(value)


@dataclass(frozen=True, slots=True)
class Integer(_Numeric):
    """Any whole number from `low` to `high`, both included, in `unit`.

    Raises:
        ValueError: the name is no identifier, or not `low <= high` with whole bounds of magnitude up to
            `MAX_INTEGER` (positive under `log`).
    """

    name: str
    low: int
    high: int
    log: bool = False
    unit: str = ""

    def __post_init__(self) -> None:
        _check_interval(self.name, self.low, self.high, self.log)
        bounds = f"{self.name!r} has low={self.low}, high={self.high}"
        if not (isinstance(self.low, int) and isinstance(self.high, int)):
            raise ValueError(f"bounds of an integer parameter must be whole numbers, but {bounds}")
        if not -MAX_INTEGER <= self.low <= self.high <= MAX_INTEGER:
            raise ValueError(f"`-2**40 <= low <= high <= 2**40` must hold, but {bounds}")

    @property
    def cardinality(self) -> int:
        """Number of values."""
        return self.high - self.low + 1

    def violation(self, value: object) -> str | None:
        """Why `value` is not one of this parameter's, with the nearest that is; None if it is."""
        if not is_number(value):
            return _not_a_number(self.name, value)
        if self.low <= value <= self.high and value == int(value):
            return None
        return _outside(self, value)

    def from_unit(self, u: float) -> int:
        """Value at `u` in [0, 1].

        Raises:
            ValueError: `u` lies outside.
        """
        _check_unit(self.name, u)
        if self.log:
            low, high = log(self.low - 0.5), log(self.high + 0.5)
            value = int(exp(low * (1.0 - u) + high * u) + 0.5)
        else:
            value = self.low + int(u * self.cardinality)
        return min(max(value, self.low), self.high)

    def to_unit(self, value: Value) -> float:
        """Place of `value` in [0, 1], inside its bin.

        Raises:
            ValueError: it is not one of this parameter's values.
        """
        number = self._number(value)
        if self.log:
            low, high = log(self.low - 0.5), log(self.high + 0.5)
            return (log(number) - low) / (high - low)
        return (number - self.low + 0.5) / self.cardinality

    def parse(self, text: str) -> int:
        """Value of a text such as `12` or `64KiB`.

        Raises:
            ValueError: it is no whole number in this unit, or outside the interval.
        """
        return int(self._parsed(text))


@dataclass(frozen=True, slots=True)
class Ordinal(_Numeric):
    """One of `values`: numbers in strictly rising order, in `unit`.

    Raises:
        ValueError: the name is no identifier, or the values are none, not finite or not strictly rising.
    """

    name: str
    values: tuple[float | int, ...]
    unit: str = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not self.values:
            raise ValueError(f"an ordinal parameter must have at least one value, but {self.name!r} has none")
        for value in self.values:
            if not is_number(value):
                raise ValueError(_not_a_number(self.name, value))
        for before, after in zip(self.values, self.values[1:], strict=False):
            if not before < after:
                raise ValueError(f"values must strictly rise, but {self.name!r} has {before} before {after}")

    @property
    def cardinality(self) -> int:
        """Number of values."""
        return len(self.values)

    def contains(self, value: object) -> bool:
        """Whether `value` is one of this parameter's; at once where it is a plain number."""
        return (type(value) in (int, float) and value in self.values) or self.violation(value) is None

    def violation(self, value: object) -> str | None:
        """Why `value` is not one of this parameter's, with the nearest that is; None if it is."""
        if not is_number(value):
            return _not_a_number(self.name, value)
        if value in self.values:
            return None
        nearest = min(self.values, key=lambda candidate: abs(candidate - value))
        listed = ", ".join(map(self.format, self.values))
        got = self.format(value)
        return f"`{self.name}` must be one of {listed}, but got {got}; the nearest is {self.format(nearest)}"

    def from_unit(self, u: float) -> float | int:
        """Value at `u` in [0, 1].

        Raises:
            ValueError: `u` lies outside.
        """
        return self.values[_bin(self.name, u, len(self.values))]

    def to_unit(self, value: Value) -> float:
        """Place of `value` in [0, 1], the middle of its bin.

        Raises:
            ValueError: it is not one of this parameter's values.
        """
        return (self.values.index(self._number(value)) + 0.5) / len(self.values)

    def parse(self, text: str) -> float | int:
        """Value of a text such as `12` or `64KiB`.

        Raises:
            ValueError: it is no number in this unit, or none of the values.
        """
        number = self._parsed(text)
        return self.values[self.values.index(number)]


@dataclass(frozen=True, slots=True)
class Categorical(_Parameter):
    """One of `values`: words, in no order and without a unit.

    Raises:
        ValueError: the name is no identifier, or the values are none, not words, repeated, or would not
            survive `parse` (blank or with blanks around).
    """

    name: str
    values: tuple[str, ...]

    unit: ClassVar[str] = ""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if not self.values:
            raise ValueError(
                f"a categorical parameter must have at least one value, but {self.name!r} has none"
            )
        for value in self.values:
            if not isinstance(value, str) or not value or value != value.strip():
                rule = "values of a categorical parameter must be words without blanks around"
                raise ValueError(f"{rule}, but {self.name!r} has {value!r}")
        if len(set(self.values)) < len(self.values):
            raise ValueError(f"values must not repeat, but {self.name!r} has {self.values}")

    @property
    def cardinality(self) -> int:
        """Number of values."""
        return len(self.values)

    def violation(self, value: object) -> str | None:
        """Why `value` is not one of this parameter's, with the nearest that is; None if it is."""
        if isinstance(value, str) and value in self.values:
            return None
        listed = ", ".join(self.values)
        return f"`{self.name}` must be one of {listed}, but got {value!r}{nearest_name(value, self.values)}"

    def from_unit(self, u: float) -> str:
        """Value at `u` in [0, 1].

        Raises:
            ValueError: `u` lies outside.
        """
        return self.values[_bin(self.name, u, len(self.values))]

    def to_unit(self, value: Value) -> float:
        """Place of `value` in [0, 1], the middle of its bin.

        Raises:
            ValueError: it is not one of this parameter's values.
        """
        return (self.values.index(self.parse(str(value))) + 0.5) / len(self.values)

    def parse(self, text: str) -> str:
        """Value of a text; blanks around it do not count.

        Raises:
            ValueError: it is none of the values.
        """
        value = text.strip()
        self.check(value)
        return value

    def format(self, value: Value) -> str:
        """`value` for people; `parse` reads it back."""
        return str(value)


Parameter = Real | Integer | Ordinal | Categorical


def _not_a_number(name: str, value: object) -> str:
    return f"`{name}` must be a finite number, but got {value!r}"


def _outside(parameter: Real | Integer, value: float) -> str:
    """Message for a number that is not in an interval, or not whole where it must be."""
    nearest = min(max(value, parameter.low), parameter.high)
    low, high, got = map(parameter.format, (parameter.low, parameter.high, value))
    if isinstance(parameter, Integer):
        rule, nearest = f"a whole number from {low} to {high}", round(nearest)
    else:
        rule = f"from {low} to {high}"
    return f"`{parameter.name}` must be {rule}, but got {got}; the nearest is {parameter.format(nearest)}"


def _bin(name: str, u: float, count: int) -> int:
    """Index of the bin of [0, 1], cut into `count` equal ones, that `u` falls into."""
    _check_unit(name, u)
    return min(int(u * count), count - 1)


def _check_unit(name: str, u: float) -> None:
    if not 0.0 <= u <= 1.0:
        raise ValueError(f"`0 <= u <= 1` must hold, but {name!r} was given u={u}")


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"a parameter's name must be an identifier, so that rules can use it, but got {name!r}"
        )


def _check_interval(name: str, low: float, high: float, is_log: bool) -> None:
    _check_name(name)
    for bound in (low, high):
        if not is_number(bound):
            raise ValueError(_not_a_number(name, bound))
    if is_log and low <= 0:
        raise ValueError(f"a log-scaled parameter must be positive, but {name!r} has low={low}")
