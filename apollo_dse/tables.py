"""Tables as CSV, gzipped or not, read in bounded memory: a small compressed file may hold a very large one.

Text that a spreadsheet would take for a formula is written behind an apostrophe, which spreadsheets do not
show, as OWASP advises (https://owasp.org/www-community/attacks/CSV_Injection).
"""

import csv
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from accel_models.bounded import lines

MOST_BYTES = 512 << 20
LONGEST_LINE = 1 << 20
"""Of a table's text: larger ones are refused."""

_ZIPPED = b"\x1f\x8b"
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class Word(str):
    """The text of a cell that was defused: a word, even where it reads as a number."""

    __slots__ = ()


def defused(text: str) -> str:
    """Text as a cell that no spreadsheet takes for a formula; numbers are cells as they stand."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(cell: str) -> str:
    """What `defused` made a cell of."""
    return Word(cell[1:]) if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_csv(path: Path) -> tuple[tuple[str, ...], Iterator[dict[str, str]]]:
    """The column names of a table, and its rows one after the other; a cell that a row lacks is empty.

    Raises:
        ValueError: it is no table: no text, larger than `MOST_BYTES`, a name given twice, a row of too many
            cells. Rows are read as they are asked for, and raise it, too.
        OSError: the file cannot be read.
    """
    rows = _rows(path)
    names = tuple(next(rows, []))
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"{path} must name each column once, but {twice[0]!r} is there twice")
    return names, _named(names, rows, path)


def _named(names: tuple[str, ...], rows: Iterator[list[str]], path: Path) -> Iterator[dict[str, str]]:
    for number, row in enumerate(rows, start=2):
        if len(row) > len(names):
            raise ValueError(f"{path}:{number}: a row must have at most {len(names)} cells, but has {len(row)}")
        if row:
            yield dict(zip(names, (*row, *[""] * (len(names) - len(row))), strict=True))


def _rows(path: Path) -> Iterator[list[str]]:
    with path.open("rb") as file:
        zipped = file.read(len(_ZIPPED)) == _ZIPPED
    with (gzip.open if zipped else open)(path, "rt", newline="", encoding="utf-8") as text:
        try:
            yield from csv.reader(lines(text, path, "a table", most=MOST_BYTES, longest=LONGEST_LINE))
        except (csv.Error, UnicodeDecodeError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"{path} must be a table in CSV, but it cannot be read: {error}") from error
