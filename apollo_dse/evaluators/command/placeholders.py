"""Words in braces, and what stands in their place: `{pe_x}` is 4, `{{pe_x}}` is `{pe_x}`, all else stays."""

import json
import re
from collections.abc import Collection, Mapping

from search_spaces.quantity import Value, nearest_name
from search_spaces.space import Point, canonical

_WORD = re.compile(r"\{\{(?P<literal>[A-Za-z_]\w*)\}\}|\{(?P<name>[A-Za-z_]\w*)\}")


def names_in(text: str) -> set[str]:
    """The placeholders of a text."""
    return {found["name"] for found in _WORD.finditer(text) if found["name"]}


def check(text: str, known: Collection[str]) -> None:
    """Pass over a text all of whose placeholders are known.

    Raises:
        ValueError: one is not; the message has the nearest that is.
    """
    for name in sorted(names_in(text)):
        if name not in known:
            rule = f"a placeholder must be one of {', '.join(known)}"
            raise ValueError(f"{rule}, but got {{{name}}}{nearest_name(name, tuple(known))}")


def rendered(text: str, values: Mapping[str, object]) -> str:
    """The text with its placeholders' values.

    Raises:
        KeyError: a placeholder has no value.
    """

    def value(found: re.Match[str]) -> str:
        return f"{{{found['literal']}}}" if found["literal"] else str(values[found["name"]])

    return _WORD.sub(value, text)


def plain(point: Point) -> dict[str, Value]:
    """A point as plain numbers and words, whole floats as ints, in the order of its names."""
    values: dict[str, Value] = json.loads(canonical(point))
    return values
