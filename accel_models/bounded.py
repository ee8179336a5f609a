"""Files read in bounded memory: one that has more than it may is refused before anything is made of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, AnyStr


def read_bytes(path: Path, most: int, what: str) -> bytes:
    """The bytes of a file.

    Args:
        path: the file.
        most: how many it may have.
        what: what it is, as in "a template".

    Raises:
        ValueError: it has more.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"{what} must have at most {most} bytes, but {path} has more")
    return data


def read_text(path: Path, most: int, what: str) -> str:
    """The text of a file; arguments as of `read_bytes`.

    Raises:
        ValueError: it has more bytes than it may, or is no UTF-8 text.
        OSError: it cannot be read.
    """
    try:
        return read_bytes(path, most, what).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{what} must be UTF-8 text, but byte {error.start} of {path} is none") from None


def lines(file: IO[AnyStr], path: Path, what: str, *, most: int, longest: int) -> Iterator[AnyStr]:
    """The lines of an open file, each with its end.

    Args:
        file: text, or bytes.
        path: what it is called.
        what: what it is, as in "a table".
        most: characters that it may have.
        longest: characters that a line must have less than, its end among them.

    Raises:
        ValueError: it has more, or a line has.
    """
    size = 0
    while line := file.readline(longest):
        size += len(line)
        if size > most or len(line) == longest:
            raise ValueError(
                f"{what} must have at most {most} bytes of text, and {longest} a line, but {path} has more"
            )
        yield line
