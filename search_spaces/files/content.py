"""What a file holds, read strictly: every surprise is a ValueError with the rule and the evidence.

All YAML scalars are read as text, so no word turns into a date or a truth value.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from accel_models.bounded import read_text
from search_spaces.quantity import nearest_name

SUFFIXES = (".yaml", ".yml", ".toml")

MAX_BYTES = 2**20
MAX_ITEMS = 1000
"""Larger files and longer lists are refused before anything is made of them."""


def read(path: Path) -> Mapping[str, object]:
    """Keys and values of the file at `path`, YAML or TOML by its suffix.

    Raises:
        ValueError: it is neither, is too large, is not well-formed, or repeats a key.
        OSError: it cannot be read.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"a file must end in {', '.join(SUFFIXES)}")
    content = read_text(path, MAX_BYTES, "a file")
    return _parsed(tomllib.loads if path.suffix.lower() == ".toml" else _read_yaml, content)


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


def _parsed(read: Callable[[str], object], text: str) -> Mapping[str, object]:
    """Content of a file, whatever went wrong told as a ValueError."""
    try:
        content = read(text)
    except (yaml.YAMLError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"the file must be well-formed: {error}") from None
    except RecursionError:
        raise ValueError("the file must not be nested that deeply") from None
    return mapping(content)


@contextmanager
def at(where: str) -> Iterator[None]:
    """Say where in the file a broken rule was found."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def refuse_unknown(content: Mapping[str, object], known: Sequence[str]) -> None:
    """Refuse keys that are not known.

    Raises:
        ValueError: there is one; the message has the nearest of those known.
    """
    for key in content:
        if key not in known:
            raise ValueError(
                f"a key must be one of {', '.join(known)}, but got {key!r}{nearest_name(key, known)}"
            )


def mapping(content: object) -> Mapping[str, object]:
    """Keys and values.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(content, dict):
        raise ValueError(f"keys with values are needed, but got {shown(content)}")
    return content


def sequence(content: object) -> Sequence[object]:
    """A list of bounded length.

    Raises:
        ValueError: it is something else, or longer.
    """
    if not isinstance(content, list):
        raise ValueError(f"a list is needed, but got {shown(content)}")
    if len(content) > MAX_ITEMS:
        raise ValueError(f"a list must have at most {MAX_ITEMS} items, but got {len(content)}")
    return content


def text(content: object) -> str:
    """A text.

    Raises:
        ValueError: it is something else.
    """
    if not isinstance(content, str):
        raise ValueError(f"a text is needed, but got {shown(content)}")
    return content


def truth(content: object) -> bool:
    """Whether it says true.

    Raises:
        ValueError: it says neither true nor false.
    """
    truths = {"true": True, "false": False}
    if isinstance(content, bool):
        return content
    if isinstance(content, str) and content.lower() in truths:
        return truths[content.lower()]
    raise ValueError(f"true or false is needed, but got {shown(content)}")


def shown(content: object) -> str:
    """Evidence of bounded length."""
    evidence = repr(content)
    return evidence if len(evidence) <= 80 else evidence[:77] + "..."
