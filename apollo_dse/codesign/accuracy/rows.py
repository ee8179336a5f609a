"""Tables of trained networks: a row a network, read strictly from CSV, gzipped or not.

A network is named by the column that published tables of its space use (`NetworkSpace.label`), or else by a
column for each parameter, in which True and False stand for yes and no.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from apollo_dse.evaluators.identity import digest
from apollo_dse.problem import ACCURACY
from apollo_dse.tables import read_csv
from search_spaces import Categorical, NetworkSpace, Parameter, Point, canonical
from search_spaces.quantity import Value, nearest_name

_COLUMNS = (ACCURACY, "val_top1", "top1")
"""Of accuracies, where none is named; else the first whose name has `acc` in it."""

_WORDS = {"True": "yes", "False": "no"}


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its column of accuracies, and networks with their accuracies, shares between 0 and 1."""

    column: str
    points: tuple[Point, ...]
    accuracies: tuple[float, ...]

    @property
    def fingerprint(self) -> str:
        """Short text that two tables share when they say the same."""
        lines = (f"{canonical(p)} {a!r}" for p, a in zip(self.points, self.accuracies, strict=True))
        return digest("\n".join(lines).encode())


def read(argument: str, network_space: NetworkSpace) -> Rows:
    """The table of a text `FILE` or `FILE#COLUMN`.

    Accuracies are in per cent if one of them is above 1. Of networks that occur twice the mean counts.

    Raises:
        ValueError: the file is no such table; the message says the row.
        OSError: the file cannot be read.
    """
    name, _, column = argument.partition("#")
    path = Path(name)
    if not name:
        raise ValueError(f"a table must be FILE or FILE#COLUMN, but got {argument!r}")
    return _table(*read_csv(path), path, column, network_space)


def _table(
    names: tuple[str, ...],
    rows: Iterable[Mapping[str, str]],
    path: Path,
    column: str,
    network_space: NetworkSpace,
) -> Rows:
    column = _column(column, names, path)
    labelled = network_space.label in names
    if missing := [name for name in network_space.space.names if not labelled and name not in names]:
        wanted = f"a column {network_space.label!r}, or " if network_space.label else ""
        rule = f"{path} must have {wanted}a column for each parameter of {network_space.name!r}"
        raise ValueError(f"{rule}, but it has none for {', '.join(missing)}")
    found: dict[str, tuple[Point, list[float]]] = {}
    for number, row in enumerate(rows, start=2):
        point = _point(row, network_space, f"{path}:{number}")
        found.setdefault(canonical(point), (point, []))[1].append(_number(row[column], f"{path}:{number}"))
    if not found:
        raise ValueError(f"a table must have at least one network, but {path} has none")
    percent = any(value > 1.0 for _, values in found.values() for value in values)
    accuracies = (sum(values) / len(values) * (0.01 if percent else 1.0) for _, values in found.values())
    return Rows(column, tuple(point for point, _ in found.values()), tuple(accuracies))


def _column(wanted: str, names: tuple[str, ...], path: Path) -> str:
    if wanted:
        if wanted not in names:
            hint = nearest_name(wanted, names)
            raise ValueError(f"{path} must have the column {wanted!r}, but it has {', '.join(names)}{hint}")
        return wanted
    usual = (name for name in _COLUMNS if name in names)
    found = next(usual, None) or next((name for name in names if "acc" in name.lower()), None)
    if found is None:
        rule = f"{path} must have a column of accuracies, named behind a # or by its title"
        raise ValueError(f"{rule}, but it has {', '.join(names) or 'no columns'}")
    return found


def _point(row: Mapping[str, str | None], network_space: NetworkSpace, where: str) -> Point:
    try:
        if network_space.named is not None and network_space.label and network_space.label in row:
            return network_space.named(row[network_space.label] or "")
        parameters = network_space.space.parameters
        point = {each.name: _value(each, row[each.name] or "") for each in parameters}
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    if reasons := network_space.space.violations(point):
        raise ValueError(f"{where}: {reasons[0]}")
    return point


def _value(parameter: Parameter, text: str) -> Value:
    if isinstance(parameter, Categorical) and text not in parameter.values:
        text = _WORDS.get(text, text)
    return parameter.parse(text)


def _number(text: str | None, where: str) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = float("nan")
    if not isfinite(number) or not 0.0 <= number <= 100.0:
        raise ValueError(f"{where}: an accuracy must be a number from 0 to 100, but got {text!r}")
    return number
