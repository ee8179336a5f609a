"""Workloads as JSON: readable, exact, strict.

The file has a schema version and one line per layer, with every field of the record by its own name. Reading
refuses unknown and missing keys, wrong types and absurd sizes in one sentence that names the file and the key.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from accel_models.bounded import read_bytes
from accel_models.workload import Layer, UnpricedOp, VectorOp, Workload

SCHEMA = 1
MAX_FILE_BYTES = 64 * 1024**2
MAX_RECORDS = 100_000
MAX_NUMBER = 2**62  # also of the multiply-accumulates of a layer: they fit 64-bit integers
MAX_NAME = 1_000

KEYS = ("schema", "name", "layers", "vector_ops", "unpriced")
MINIMUM = {"ops": 0, "input_words": 0, "output_words": 0}  # every other number is at least 1

R = TypeVar("R", Layer, VectorOp, UnpricedOp)


class WorkloadFormatError(ValueError):
    """A file or dictionary is not a workload of this schema; the message names the file and the key."""


def save(workload: Workload, path: str | Path) -> None:
    """Write a workload as UTF-8 JSON, one record a line.

    Raises:
        OSError: the file cannot be written.
    """
    Path(path).write_text(dumps(workload), encoding="utf-8")


def load(path: str | Path) -> Workload:
    """Read what `save` wrote; the same records come back.

    Raises:
        WorkloadFormatError: it is not a workload of this schema.
        OSError: the file cannot be read.
    """
    source = str(path)
    try:
        content = read_bytes(Path(path), MAX_FILE_BYTES, "a workload")
    except ValueError as error:
        raise WorkloadFormatError(str(error)) from None
    try:
        data = json.loads(content, object_pairs_hook=_unique_keys, parse_constant=_refuse)
    except WorkloadFormatError as error:
        raise WorkloadFormatError(f"{source}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise WorkloadFormatError(f"{source}: not JSON ({error})") from None
    return from_dict(data, source=source)


def dumps(workload: Workload) -> str:
    """The text that `save` writes."""
    data = to_dict(workload)
    lists = [key for key in KEYS if isinstance(data[key], list)]
    lines = [f"  {json.dumps(key)}: {json.dumps(data[key])}" for key in KEYS if key not in lists]
    lines += [f"  {json.dumps(key)}: {_one_per_line(data[key])}" for key in lists]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def to_dict(workload: Workload) -> dict[str, Any]:
    """The workload as numbers, strings, lists and dictionaries."""
    return {
        "schema": SCHEMA,
        "name": workload.name,
        "layers": [_plain(layer) for layer in workload.layers],
        "vector_ops": [_plain(op) for op in workload.vector_ops],
        "unpriced": [_plain(op) for op in workload.unpriced],
    }


def from_dict(data: object, *, source: str = "workload") -> Workload:
    """The workload of such a dictionary.

    Args:
        data: what `to_dict` gives.
        source: where it comes from, for messages.

    Raises:
        WorkloadFormatError: a key is unknown or missing, or a value is of the wrong type or size.
    """
    entries = _object(data, KEYS, source)
    if entries["schema"] != SCHEMA or isinstance(entries["schema"], bool):
        raise WorkloadFormatError(f"{source}: `schema` must be {SCHEMA}, but is {_short(entries['schema'])}")
    try:
        return Workload(
            name=_name(entries["name"], f"{source}: `name`"),
            layers=_records(Layer, entries["layers"], f"{source}: layers"),
            vector_ops=_records(VectorOp, entries["vector_ops"], f"{source}: vector_ops"),
            unpriced=_records(UnpricedOp, entries["unpriced"], f"{source}: unpriced"),
        )
    except WorkloadFormatError:
        raise
    except ValueError as error:
        raise WorkloadFormatError(f"{source}: {error}") from None


def _plain(record: Layer | VectorOp | UnpricedOp) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(record).items()}


def _one_per_line(records: list[dict[str, Any]]) -> str:
    if not records:
        return "[]"
    return "[\n" + ",\n".join(f"    {json.dumps(record)}" for record in records) + "\n  ]"


def _unique_keys(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise WorkloadFormatError(f"key {_short(key)} is given twice")
        result[key] = value
    return result


def _refuse(constant: str) -> None:
    raise WorkloadFormatError(f"{constant} is not a number of a workload")


def _object(value: object, keys: Iterable[str], where: str) -> Mapping[str, Any]:
    """A dictionary with exactly these keys."""
    if not isinstance(value, dict):
        raise WorkloadFormatError(f"{where}: must be an object, but is {_short(value)}")
    expected = tuple(keys)
    for key in value:
        if key not in expected:
            raise WorkloadFormatError(f"{where}: unknown key {_short(key)}; the keys are {', '.join(expected)}")
    for key in expected:
        if key not in value:
            raise WorkloadFormatError(f"{where}: key {key!r} is missing")
    return value


def _records(record: type[R], values: object, where: str) -> tuple[R, ...]:
    if not isinstance(values, list):
        raise WorkloadFormatError(f"{where}: must be a list, but is {_short(values)}")
    if len(values) > MAX_RECORDS:
        raise WorkloadFormatError(
            f"{where}: at most {MAX_RECORDS} records are read, but there are {len(values)}"
        )
    return tuple(_record(record, value, f"{where}[{i}]") for i, value in enumerate(values))


def _record(record: type[R], value: object, where: str) -> R:
    types = {field.name: field.type for field in fields(record)}
    entries = _object(value, types, where)
    checked = {key: _value(types[key], key, entries[key], f"{where}.{key}") for key in types}
    made = record(**checked)
    if isinstance(made, Layer) and made.macs * made.repeats > MAX_NUMBER:
        raise WorkloadFormatError(
            f"{where}: at most {MAX_NUMBER} multiply-accumulates are read, but it has more"
        )
    return made


def _value(wanted: object, key: str, value: object, where: str) -> Any:
    """The value of one field, of the type that the record declares."""
    if wanted is str:
        return _name(value, where)
    if wanted is bool:
        if not isinstance(value, bool):
            raise WorkloadFormatError(f"{where}: must be true or false, but is {_short(value)}")
        return value
    if wanted is int:
        return _number(value, where, MINIMUM.get(key, 1))
    if not isinstance(value, list) or len(value) != 2:
        raise WorkloadFormatError(f"{where}: must be two numbers, but is {_short(value)}")
    return tuple(_number(item, where, 1) for item in value)


def _name(value: object, where: str) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise WorkloadFormatError(
            f"{where}: must be a name of 1 to {MAX_NAME} characters, but is {_short(value)}"
        )
    return value


def _number(value: object, where: str, minimum: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= MAX_NUMBER:
        raise WorkloadFormatError(
            f"{where}: must be a whole number from {minimum} to {MAX_NUMBER}, but is {_short(value)}"
        )
    return value


def _short(value: object) -> str:
    """A value for a message, cut off where it gets long."""
    if isinstance(value, int) and abs(value) > MAX_NUMBER:
        return "beyond that"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
