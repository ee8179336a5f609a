"""What commands write: results on stdout (tables, or one JSON document), progress on stderr."""

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from search_spaces.space import Point, SearchSpace

SECONDS_BETWEEN_LINES = 5.0
"""How often progress is written where stderr is no terminal."""

SECONDS_BETWEEN_FRAMES = 0.25
"""How often progress is drawn where stderr is a terminal."""

SCHEMA = "apollo-dse.result"
SCHEMA_VERSION = 1
"""Of the documents of `--json` (docs/documents.md); it rises when a key changes its meaning or goes."""

PIPE_COLUMNS = 240  # a pipe has no width; wide enough that no table is cut
COUNTS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))


def document(data: Mapping[str, object]) -> None:
    """Write one JSON document to stdout, its schema first; numbers that are not finite become null."""
    told = finite({"schema": SCHEMA, "schema_version": SCHEMA_VERSION, **data})
    sys.stdout.write(json.dumps(told, indent=2, allow_nan=False) + "\n")


def finite(value: object) -> object:
    """`value` with tuples as lists and numbers that are not finite as None, all the way down."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def line(text: str = "") -> None:
    """Write one line of a human-readable result to stdout."""
    sys.stdout.write(text + "\n")


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Write a table to stdout: the first column flush left, columns of numbers flush right.

    Args:
        columns: the headings.
        rows: one sequence of cells a row, as many as there are headings.
        title: a line above the table.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", show_edge=False, pad_edge=False)
    for i, heading in enumerate(columns):
        numeric = i > 0 and all(_is_number(row[i]) for row in rows)
        grid.add_column(heading, justify="right" if numeric else "left", no_wrap=i == 0, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    console(sys.stdout).print(grid)


def console(stream: IO[str]) -> "Console":
    """A rich console on a stream, as wide as its terminal; a pipe is wide enough for anything."""
    from rich.console import Console

    columns = shutil.get_terminal_size().columns if stream.isatty() else PIPE_COLUMNS
    return Console(file=stream, width=columns, highlight=False, markup=False)


def count_text(value: float) -> str:
    """A count with an SI prefix: 4089184256 reads `4.089 G`."""
    scale, prefix = next(((s, p) for s, p in COUNTS if abs(value) >= s), COUNTS[-1])
    return f"{value / scale:.4g} {prefix}".rstrip()


def bytes_text(value: float) -> str:
    """A number of bytes with a binary prefix: 2097152 reads `2 MiB`."""
    for scale, prefix in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if abs(value) >= scale:
            return f"{value / scale:.4g} {prefix}"
    return f"{value:.4g} B"


def point_text(space: "SearchSpace", point: "Point") -> str:
    """A point as the `--set key=value` words that give it again, bytes in binary units."""
    sizes = {parameter.name: parameter for parameter in space.parameters if parameter.unit == "bytes"}
    texts = {
        name: sizes[name].format(value).replace(" ", "") if name in sizes else str(value)
        for name, value in point.items()
    }
    return " ".join(f"--set {name}={text}" for name, text in texts.items())


@contextmanager
def waiting(what: str) -> Iterator[Callable[[str], None]]:
    """A spinner on stderr around work of unknown length.

    Yields:
        What to call with a new text. Where stderr is no terminal, a text becomes a line every
        `SECONDS_BETWEEN_LINES`, and `what` none.
    """
    if not sys.stderr.isatty():
        last = perf_counter()

        def write(text: str) -> None:
            nonlocal last
            if perf_counter() - last >= SECONDS_BETWEEN_LINES:
                note(text)
                last = perf_counter()

        yield write
        return
    from rich.text import Text

    with console(sys.stderr).status(Text(what)) as status:
        yield lambda text: status.update(Text(text))


def note(text: str) -> None:
    """Write one line of progress or advice to stderr."""
    sys.stderr.write(text + "\n")


def _is_number(cell: str) -> bool:
    return not cell or cell[0].isdigit() or cell == "-"
