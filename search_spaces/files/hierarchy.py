"""Levels of memory of one's own: a file as a description, and the space of the parameters that it names.

Keys are the fields of the records of `accel_models.templates.hierarchy`. Every number and every name of a
technology, DRAM or format is given or the name of a parameter. What a parameter is used for decides its unit
and whether it counts in whole numbers.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any

from accel_models import formats, technology
from accel_models.templates.hierarchy import AxisDescription, Hierarchy, LevelDescription
from search_spaces.files.content import at, mapping, refuse_unknown, sequence, text
from search_spaces.files.parameters import check_words, number, own_parameter, own_rules
from search_spaces.parameter import Categorical, Ordinal, Parameter, Real
from search_spaces.quantity import nearest_name
from search_spaces.space import DesignSpace, SearchSpace

HIERARCHY = "hierarchy"
"""Name of the template."""

REFERENCE = "levels of memory that the user described"
SPACE_KEYS = ("template", "parameters", "name", "rules", "reference", "notes")

Content = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Use:
    """What a number is for: its unit, whether it counts in whole numbers, whether it may be zero."""

    unit: str = ""
    whole: bool = False
    may_be_zero: bool = False


NUMBERS: Mapping[str, Use] = {
    "clock_mhz": Use("MHz"),
    "vector_ops_per_cycle": Use(),
    "mac_energy_pj": Use("pJ", may_be_zero=True),
    "mac_area_mm2": Use("mm2", may_be_zero=True),
    "capacity_bytes": Use("bytes", whole=True),
    "bandwidth_gb_per_s": Use("GB/s"),
    "bandwidth_bytes_per_cycle": Use("bytes"),
    "width_bytes": Use("bytes"),
    "banks": Use(whole=True),
    "read_energy_pj_per_byte": Use("pJ", may_be_zero=True),
    "write_energy_pj_per_byte": Use("pJ", may_be_zero=True),
    "network_energy_pj_per_byte": Use("pJ", may_be_zero=True),
    "area_mm2": Use("mm2", may_be_zero=True),
    "size": Use(whole=True),
}
CHOICES: Mapping[str, Callable[[str], object]] = {
    "technology": technology.get,
    "dram": technology.dram,
    "weight_format": formats.number_format,
    "activation_format": formats.number_format,
    "accumulator_format": formats.number_format,
}
"""Keys of words, with who refuses an unknown one."""

WORDS = ("name", "memory", "network")
LISTS_OF_WORDS = ("keeps", "unrolls")


def described_space(content: Content, stem: str) -> DesignSpace:
    """The space of a file that describes a hierarchy; `stem` is its name unless it has one.

    Raises:
        ValueError: a key, word or number is wrong; the message says where.
    """
    refuse_unknown(content, (*SPACE_KEYS, *_keys(Hierarchy)))
    with at("parameters"):
        entries = mapping(content.get("parameters", {}))
        check_words(tuple(entries))
    description = _Description(tuple(entries))
    described = description.hierarchy({key: content[key] for key in content if key not in SPACE_KEYS})
    with at("parameters"):
        parameters = tuple(description.parameter(name, entry) for name, entry in entries.items())
    return DesignSpace(
        name=text(content.get("name", stem)),
        space=SearchSpace(parameters, own_rules(content, parameters)),
        build=described.build,
        reference=text(content.get("reference", REFERENCE)),
        notes=text(content.get("notes", "")),
    )


class _Description:
    """Reads levels and notes what their parameters are used for."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.uses: dict[str, dict[str, None]] = {}

    def hierarchy(self, content: Content) -> Hierarchy:
        return Hierarchy(**self._fields(Hierarchy, content))

    def parameter(self, name: str, entry: object) -> Parameter:
        """A parameter of the unit, and with the values, that its uses allow."""
        with at(name):
            keys = tuple(self.uses.get(name, ()))
            if not keys:
                raise ValueError("every parameter must be named in the description, but this one is not")
            checks = {CHOICES.get(key) for key in keys}
            units = {NUMBERS[key].unit if key in NUMBERS else None for key in keys}
            if len(checks) > 1 or len(units) > 1:
                raise ValueError(
                    f"a parameter must mean one thing, but this one is used as {' and '.join(keys)}"
                )
            (check,), (unit,) = checks, units
            if unit is None:
                return own_parameter(mapping(entry), Categorical(name, (name,)), check)
            whole = any(NUMBERS[key].whole for key in keys)
            like = Ordinal(name, (1,), unit) if whole else Real(name, 0, 1, unit=unit)
            found = own_parameter(mapping(entry), like)
            least = found.values[0] if isinstance(found, Ordinal) else found.low  # type: ignore[union-attr]
            if least < 0 or (least == 0 and not all(NUMBERS[key].may_be_zero for key in keys)):
                raise ValueError(
                    f"values must be positive where they stand for {' and '.join(keys)}, but got {least}"
                )
            return found

    def _fields(self, record: type, content: Content) -> dict[str, Any]:
        refuse_unknown(content, _keys(record))
        for name in _needed(record):
            if name not in content:
                raise ValueError(f"`{name}` must be given, but there is none")
        found = {}
        for key, value in content.items():
            with at(key):
                found[key] = self._value(key, value)
        return found

    def _value(self, key: str, content: object) -> Any:
        if key in NUMBERS:
            return self._number(key, content)
        if key in CHOICES:
            return self._choice(key, text(content))
        if key in WORDS:
            return text(content)
        if key in LISTS_OF_WORDS:
            return tuple(text(word) for word in sequence(content))
        return self._records(LevelDescription if key == "levels" else AxisDescription, content)

    def _records(self, record: type, content: object) -> tuple[Any, ...]:
        found = []
        for place, entry in enumerate(sequence(content), start=1):
            name = entry.get("name") if isinstance(entry, dict) else None
            with at(name if isinstance(name, str) else f"number {place}"):
                found.append(record(**self._fields(record, mapping(entry))))
        return tuple(found)

    def _number(self, key: str, content: object) -> float | int | str:
        if isinstance(content, str) and content in self.names:
            self.uses.setdefault(content, {})[key] = None
            return content
        use = NUMBERS[key]
        like = Ordinal(key, (1,), use.unit) if use.whole else Real(key, 0, 1, unit=use.unit)
        try:
            return number(content, like)
        except ValueError as error:
            raise ValueError(f"{error}{self._no_parameter(content)}") from None

    def _choice(self, key: str, content: str) -> str:
        if content in self.names:
            self.uses.setdefault(content, {})[key] = None
            return content
        try:
            CHOICES[key](content)
        except ValueError as error:
            raise ValueError(f"{error}{self._no_parameter(content)}") from None
        return content

    def _no_parameter(self, content: object) -> str:
        if not isinstance(content, str) or not self.names:
            return ""
        return f"; nor is it one of the parameters {', '.join(self.names)}{nearest_name(content, self.names)}"


def _keys(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def _needed(record: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record) if field.default is MISSING)
