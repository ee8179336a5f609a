"""Texts that say what a measurement follows from, the same in every process."""

from hashlib import file_digest, sha256
from pathlib import Path
from stat import S_ISREG

from search_spaces.space import DesignSpace

DIGITS = 12


def digest(content: bytes) -> str:
    """Short text that two contents share when they are equal."""
    return sha256(content).hexdigest()[:DIGITS]


def digest_of_file(path: Path) -> str:
    """Short text that two files share when they have the same content, read in bounded memory.

    Raises:
        ValueError: it is a pipe, a device or a folder, which have no content that stays.
        OSError: it cannot be read.
    """
    if not S_ISREG(path.stat().st_mode):
        raise ValueError(f"it must be a file, but {str(path)!r} is none")
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:DIGITS]


def digest_of(record: object) -> str:
    """Short text that two records, such as workloads, share when they are equal."""
    return digest(repr(record).encode())


def template_of(design_space: DesignSpace) -> str:
    """The template of a space: where its function is, and of a described one a digest of the description."""
    build = design_space.build
    name = f"{build.__module__}.{build.__qualname__}"
    described = getattr(build, "__self__", None)
    return name if described is None else f"{name}@{digest_of(described)}"
