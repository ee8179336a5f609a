"""Texts that say what a measurement follows from, the same in every process."""

from hashlib import sha256

from search_spaces.space import DesignSpace


def digest(content: bytes) -> str:
    """Short text that two contents share when they are equal."""
    return sha256(content).hexdigest()[:12]


def digest_of(record: object) -> str:
    """Short text that two records, such as workloads, share when they are equal."""
    return digest(repr(record).encode())


def template_of(design_space: DesignSpace) -> str:
    """The template of a space: where its function is, and of a described one a digest of the description."""
    build = design_space.build
    name = f"{build.__module__}.{build.__qualname__}"
    described = getattr(build, "__self__", None)
    return name if described is None else f"{name}@{digest_of(described)}"
