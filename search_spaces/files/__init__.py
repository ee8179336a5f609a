"""A user's own space, from YAML or TOML.

Either a registered space with some lists replaced, some parameters pinned, and rules:

    base: edge
    values: {pe_memory_bytes: [512KiB, 1MiB], clock_mhz: [500, 1000]}
    pin: {cores: 4}
    rules: ["pe_x * pe_y <= 64"]

or the template of one, with parameters of one's own (kinds: ordinal, integer, real, categorical):

    template: edge
    parameters:
      pe_x: {kind: integer, low: 1, high: 32, log: true}
      pe_memory_bytes: {kind: ordinal, values: [512KiB, 768KiB]}
      ...

Both may have `name`, `reference` and `notes`. Units are those of the template's parameters, and what the
template lists in whole numbers (PEs, bytes) takes whole numbers only. Files are read
strictly: an unknown key, a key given twice, an alias or an oversized list is refused, and so is a space
whose designs the template refuses to build. All YAML scalars are read as text, so no word turns into a
date or a truth value.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from search_spaces.parameter import (
    Categorical,
    Integer,
    Ordinal,
    Parameter,
    Real,
)
from search_spaces.quantity import is_number, nearest_name, parse_quantity
from search_spaces.registry import registered
from search_spaces.rules import parse_rule
from search_spaces.space import DesignSpace, Rule, SearchSpace

SUFFIXES = (".yaml", ".yml", ".toml")

MAX_BYTES = 2**20
MAX_ITEMS = 1000
"""Larger files and longer lists are refused before anything is made of them."""

TRIAL_BUILDS = 16
"""Random designs of a file that are built while it is loaded, so that a wrong value is found at once."""

_SHARED_KEYS = ("name", "rules", "reference", "notes")
_BASE_KEYS = ("base", "values", "pin", *_SHARED_KEYS)
_TEMPLATE_KEYS = ("template", "parameters", *_SHARED_KEYS)


def load(path: str | Path) -> DesignSpace:
    """The space that the file at `path` describes.

    Raises:
        ValueError: the file breaks a rule; the message names file, key, rule and the nearest valid word.
        OSError: it cannot be read.
    """
    path = Path(path)
    with _at(str(path)):
        if path.suffix.lower() not in SUFFIXES:
            raise ValueError(f"a space file must end in {', '.join(SUFFIXES)}")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise ValueError(f"a space file must have at most {MAX_BYTES} bytes, but it has more")
        read = tomllib.loads if path.suffix.lower() == ".toml" else _read_yaml
        space = _design_space(_parsed(read, _decoded(data)), path.stem)
        for point in space.space.sample(np.random.default_rng(0), TRIAL_BUILDS):
            space.build(point)
        return space


class _StrictLoader(yaml.BaseLoader):
    """Text, lists and mappings only; refuses aliases and keys given twice."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases must not be used, but the file has one")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is None or key in seen:
                rule = "keys must be words" if key is None else f"keys must not repeat, but {key!r} does"
                raise yaml.YAMLError(f"{rule}{key_node.start_mark}")
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def _read_yaml(text: str) -> object:
    return yaml.load(text, Loader=_StrictLoader)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"a space file must be UTF-8 text, but its byte {error.start} is none") from None


def _parsed(read: Callable[[str], object], text: str) -> Mapping[str, object]:
    """Content of a file, whatever went wrong told as a ValueError."""
    try:
        content = read(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the file must be well-formed: {error}") from None
    except RecursionError:
        raise ValueError("the file must not be nested that deeply") from None
    return _mapping(content)


def _design_space(content: Mapping[str, object], stem: str) -> DesignSpace:
    heads = [key for key in ("base", "template") if key in content]
    if len(heads) != 1:
        raise ValueError(
            f"a space must have either `base` or `template`, but it has {' and '.join(heads) or 'neither'}"
        )
    own_parameters = "template" in content
    _refuse_unknown(content, _TEMPLATE_KEYS if own_parameters else _BASE_KEYS)
    with _at(heads[0]):
        base = registered(_text(content[heads[0]]))
    if own_parameters:
        with _at("parameters"):
            parameters = _own_parameters(_mapping(content.get("parameters", {})), base)
    else:
        parameters = _changed_parameters(content, base)
    return replace(
        base,
        name=_text(content.get("name", stem)),
        space=SearchSpace(parameters, (*base.space.rules, *_rules(content, parameters))),
        reference=_text(content.get("reference", base.reference)),
        notes=_text(content.get("notes", base.notes)),
        presets={} if own_parameters else base.presets,
    )


def _changed_parameters(content: Mapping[str, object], base: DesignSpace) -> tuple[Parameter, ...]:
    """Parameters of `base` with the file's `values` and `pin`, optional ones appended when they are named."""
    known = {parameter.name: parameter for parameter in (*base.space.parameters, *base.optional)}
    changed: dict[str, Parameter] = {}
    for key in ("values", "pin"):
        with _at(key):
            entries = _mapping(content.get(key, {}))
            _refuse_unknown(entries, tuple(known))
            for name, entry in entries.items():
                with _at(name):
                    if name in changed:
                        raise ValueError("a parameter must be given values or pinned, but got both")
                    changed[name] = _discrete(known[name], [entry] if key == "pin" else _list(entry))
    kept = (changed.get(parameter.name, parameter) for parameter in base.space.parameters)
    opened = (changed[parameter.name] for parameter in base.optional if parameter.name in changed)
    return (*kept, *opened)


def _discrete(like: Parameter, entries: Sequence[object]) -> Parameter:
    """A parameter of the name and unit of `like` that has just these values."""
    if isinstance(like, Categorical):
        values = tuple(_text(entry) for entry in entries)
        for value in values:
            like.check(value)
        return Categorical(like.name, values)
    return Ordinal(like.name, tuple(_number(entry, like) for entry in entries), like.unit)


def _own_parameters(entries: Mapping[str, object], base: DesignSpace) -> tuple[Parameter, ...]:
    """The parameters that a file spells out, every one that the template needs among them."""
    known = {parameter.name: parameter for parameter in (*base.space.parameters, *base.optional)}
    _refuse_unknown(entries, tuple(known))
    missing = [name for name in base.space.names if name not in entries]
    if missing:
        raise ValueError(f"every parameter of the template must be given, but {', '.join(missing)} are missing")
    parameters = []
    for name, entry in entries.items():
        with _at(name):
            parameters.append(_own_parameter(_mapping(entry), known[name]))
    return tuple(parameters)


_KINDS: Mapping[str, tuple[str, ...]] = {
    "ordinal": ("values",),
    "categorical": ("values",),
    "integer": ("low", "high", "log"),
    "real": ("low", "high", "log"),
}


def _own_parameter(entry: Mapping[str, object], like: Parameter) -> Parameter:
    kind = _text(entry.get("kind", ""))
    if kind not in _KINDS:
        rule = f"`kind` must be one of {', '.join(_KINDS)}"
        raise ValueError(f"{rule}, but got {kind!r}{nearest_name(kind, tuple(_KINDS))}")
    _refuse_unknown(entry, ("kind", *_KINDS[kind]))
    for key in _KINDS[kind]:
        if key not in entry and key != "log":
            raise ValueError(f"a parameter of kind {kind!r} must have `{key}`, but it has none")
    if (kind == "categorical") != isinstance(like, Categorical):
        wanted = "categorical" if isinstance(like, Categorical) else "numeric"
        raise ValueError(f"the template needs a {wanted} parameter, but got kind {kind!r}")
    if "values" in _KINDS[kind]:
        return _discrete(like, _list(entry["values"]))
    low, high = _number(entry["low"], like), _number(entry["high"], like)
    logarithmic = _truth(entry.get("log", False))
    if kind == "real":
        if _is_whole(like):
            raise ValueError(
                f"the template needs whole numbers, but got kind {kind!r}; did you mean 'integer'?"
            )
        return Real(like.name, low, high, logarithmic, like.unit)
    if not (isinstance(low, int) and isinstance(high, int)):
        raise ValueError(
            f"bounds of an integer parameter must be whole numbers, but got low={low}, high={high}"
        )
    return Integer(like.name, low, high, logarithmic, like.unit)


def _rules(content: Mapping[str, object], parameters: Sequence[Parameter]) -> tuple[Rule, ...]:
    with _at("rules"):
        return tuple(parse_rule(_text(text), parameters) for text in _list(content.get("rules", [])))


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Say where in the file a broken rule was found."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _refuse_unknown(content: Mapping[str, object], known: Sequence[str]) -> None:
    for key in content:
        if key not in known:
            raise ValueError(
                f"a key must be one of {', '.join(known)}, but got {key!r}{nearest_name(key, known)}"
            )


def _mapping(content: object) -> Mapping[str, object]:
    if not isinstance(content, dict):
        raise ValueError(f"keys with values are needed, but got {_shown(content)}")
    return content


def _list(content: object) -> Sequence[object]:
    if not isinstance(content, list):
        raise ValueError(f"a list is needed, but got {_shown(content)}")
    if len(content) > MAX_ITEMS:
        raise ValueError(f"a list must have at most {MAX_ITEMS} items, but got {len(content)}")
    return content


def _text(content: object) -> str:
    if not isinstance(content, str):
        raise ValueError(f"a text is needed, but got {_shown(content)}")
    return content


def _truth(content: object) -> bool:
    truths = {"true": True, "false": False}
    if isinstance(content, bool):
        return content
    if isinstance(content, str) and content.lower() in truths:
        return truths[content.lower()]
    raise ValueError(f"true or false is needed, but got {_shown(content)}")


def _number(content: object, like: Parameter) -> float | int:
    """A number in the unit of `like`, an int where it is whole."""
    if isinstance(content, str):
        number = parse_quantity(content, like.unit, like.name)
    elif is_number(content):
        number = int(content) if float(content).is_integer() else content
    else:
        raise ValueError(f"a number is needed, but got {_shown(content)}")
    if _is_whole(like) and not isinstance(number, int):
        raise ValueError(f"a whole number is needed, but got {number}")
    return number


def _is_whole(like: Parameter) -> bool:
    """Whether the template counts in this parameter: it lists whole numbers, none written as a float."""
    return isinstance(like, Ordinal) and all(isinstance(value, int) for value in like.values)


def _shown(content: object) -> str:
    """Evidence of bounded length."""
    text = repr(content)
    return text if len(text) <= 80 else text[:77] + "..."
