"""Numbers as people write them, with a unit: `64KiB`, `20 GB/s`; and names as they mistype them."""

import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from math import isfinite
from typing import TypeGuard

import numpy as np

Value = float | int | str

BYTE_SUFFIXES = {
    "b": 1,
    "bytes": 1,
    **{f"{prefix}ib": 1024**power for power, prefix in enumerate("kmgt", start=1)},
    **{f"{prefix}b": 1000**power for power, prefix in enumerate("kmgt", start=1)},
}
"""Size suffixes in lower case: KiB and MiB count in 1024s, kB and MB in 1000s (IEC 80000-13)."""

_BINARY = ("bytes", "KiB", "MiB", "GiB", "TiB")
_QUANTITY = re.compile(r"(?P<number>[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)\s*(?P<suffix>\S.*)?", re.IGNORECASE)


_NUMBERS = (int, float, np.integer, np.floating)


def is_number(value: object) -> TypeGuard[float | int]:
    """Whether `value` is a finite number within the range of a float; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, _NUMBERS):
        return False
    number = float(value) if isinstance(value, np.floating) else value
    return bool(-sys.float_info.max <= number <= sys.float_info.max)


def parse_quantity(text: str, unit: str, name: str) -> float | int:
    """Number of `text`, which may carry the unit; with `unit="bytes"` also a size suffix (64KiB, 2 MB).

    Raises:
        ValueError: it is no finite number, or carries another unit.
    """
    match = _QUANTITY.fullmatch(text.strip())
    suffix = (match["suffix"] or "").lower() if match else ""
    factors = BYTE_SUFFIXES if unit == "bytes" else {unit.lower(): 1}
    try:
        if match is None or (suffix and suffix not in factors):
            raise ValueError
        number = float(match["number"]) * (factors[suffix] if suffix else 1)
        if not isfinite(number):
            raise ValueError
    except ValueError:
        expected = {"bytes": "a size such as 65536, 64KiB or 2MiB", "": "a number"}.get(
            unit, f"a number of {unit}"
        )
        raise ValueError(f"`{name}` must be {expected}, but got {text!r}") from None
    return int(number) if number.is_integer() else number


def format_quantity(value: Value, unit: str) -> str:
    """`value` with its unit; whole bytes in the largest binary unit that divides them (65536 as 64 KiB)."""
    number, suffix = value, unit
    if unit == "bytes" and is_number(value) and value == int(value) != 0:
        whole = int(value)
        power = max(power for power in range(len(_BINARY)) if whole % 1024**power == 0)
        number, suffix = whole // 1024**power, _BINARY[power]
    if isinstance(number, float) and number.is_integer() and abs(number) < 1e15:
        number = int(number)
    return f"{number} {suffix}".rstrip()


def nearest_name(name: object, candidates: Sequence[str]) -> str:
    """`; did you mean ...?` with the nearest of `candidates`, or nothing when none is near: ends an error.

    Letters count in either case.
    """
    written = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    close = get_close_matches(str(name)[:100].casefold(), written, n=1)
    return f"; did you mean {written[close[0]]!r}?" if close else ""
