"""Numbers out of what a program wrote: by a path into JSON, or by a regular expression."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from search_spaces.files.content import shown
from search_spaces.quantity import is_number

_STEP = re.compile(
    r"""\.?(?P<key>[^.\[\]"']+)|\[(?P<index>-?\d+)\]|\[(?P<quote>["'])(?P<quoted>.+?)(?P=quote)\]"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where one metric is found, and what it is worth in the metric's own unit.

    Exactly one of `json`, a path such as `total.cycles` or `layers[0]["cycles"]`, and `regex`, of one group,
    whose last match counts. `source` is `stdout`, `stderr` or a file of the run's directory.

    Raises:
        ValueError: both or neither are there, or what is there is none.
    """

    metric: str
    json: str | None = None
    regex: str | None = None
    source: str = "stdout"
    scale: float = 1.0
    may_be_negative: bool = False

    def __post_init__(self) -> None:
        if (self.json is None) == (self.regex is None):
            both = "both" if self.json is not None else "neither"
            raise ValueError(f"an output must have either `json` or `regex`, but it has {both}")
        if self.json is not None:
            steps(self.json)
        if self.regex is not None and compiled(self.regex).groups != 1:
            raise ValueError(f"a regular expression must have one group, but got {self.regex!r}")
        if not isfinite(self.scale) or self.scale == 0:
            raise ValueError(f"a scale must be a finite number other than 0, but got {self.scale}")

    def value(self, texts: Mapping[str, str]) -> float:
        """The metric, in its own unit.

        Args:
            texts: what the program wrote, by source.

        Raises:
            ValueError: it is not there, no finite number, or negative without leave; the message says which.
        """
        found = self._found(texts)
        try:
            if isinstance(found, bool) or not isinstance(found, str | int | float):
                raise ValueError
            number = float(found) * self.scale
        except (ValueError, OverflowError):
            raise ValueError(
                f"`{self.metric}` must be a number, but {self._where} has {shown(found)}"
            ) from None
        if not is_number(number):
            raise ValueError(f"`{self.metric}` must be finite, but {self._where} has {shown(found)}")
        if number < 0 and not self.may_be_negative:
            raise ValueError(f"`{self.metric}` must not be negative, but {self._where} has {shown(found)}")
        return number

    @property
    def _where(self) -> str:
        return f"{self.json or self.regex!r} in {self.source}"

    def _found(self, texts: Mapping[str, str]) -> object:
        if self.source not in texts:
            raise ValueError(f"`{self.metric}` must be in {self.source!r}, but the program wrote no such file")
        text = texts[self.source]
        if self.regex is not None:
            matches = compiled(self.regex).findall(text)
            if not matches:
                raise ValueError(
                    f"`{self.metric}` must be in {self.source}, but nothing there is {self.regex!r}"
                )
            return matches[-1]
        assert self.json is not None
        try:
            content = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError(f"{self.source} must be JSON, but it begins with {text[:40]!r}") from None
        return at_path(content, self.json)


def at_path(content: Any, path: str) -> object:
    """What stands at a path of JSON values.

    Raises:
        ValueError: nothing does.
    """
    for step in steps(path):
        try:
            content = content[step]
        except (LookupError, TypeError):
            raise ValueError(f"the path {path!r} must lead somewhere, but there is no {step!r}") from None
    return content


def steps(path: str) -> list[str | int]:
    """Keys and indices of a path.

    Raises:
        ValueError: it is none.
    """
    found: list[str | int] = []
    place = 0
    while place < len(path):
        step = _STEP.match(path, place)
        if step is None or (place == 0 and path.startswith(".")):
            break
        found.append(int(step["index"]) if step["index"] else step["key"] or step["quoted"])
        place = step.end()
    if place < len(path) or not found:
        raise ValueError(f'a path must read like total.cycles or layers[0]["cycles"], but got {path!r}')
    return found


def compiled(regex: str) -> re.Pattern[str]:
    """The regular expression; `^` and `$` are ends of lines.

    Raises:
        ValueError: it is none.
    """
    try:
        return re.compile(regex, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"{regex!r} must be a regular expression, but: {error}") from None
