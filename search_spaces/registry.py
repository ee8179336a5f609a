"""Spaces by name: those of this package, and those that other distributions announce.

A distribution adds its own with an entry point of the group `apollo_dse.spaces` that leads to a
`DesignSpace`, under a name that is not taken here.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from search_spaces.quantity import nearest_name
from search_spaces.space import DesignSpace

ENTRY_POINTS = "apollo_dse.spaces"

_BUILT_IN = {
    "edge": "search_spaces.hardware.edge:EDGE",
    "eyeriss": "search_spaces.hardware.eyeriss:EYERISS",
    "nvdla": "search_spaces.hardware.nvdla:NVDLA",
    "simba": "search_spaces.hardware.simba:SIMBA",
    "systolic": "search_spaces.hardware.systolic:SYSTOLIC",
}


def names() -> tuple[str, ...]:
    """Names of all registered spaces, in alphabetical order."""
    return tuple(sorted(_registered()))


@cache
def registered(name: str) -> DesignSpace:
    """The registered space of that name; its module is imported on the first call.

    Raises:
        ValueError: there is none; the message has the nearest name.
        TypeError: the entry point of that name leads to something else than a `DesignSpace`.
    """
    known = _registered()
    if name not in known:
        raise ValueError(
            f"a space must be one of {', '.join(names())}, but got {name!r}{nearest_name(name, names())}"
        )
    space = known[name].load()
    if not isinstance(space, DesignSpace):
        raise TypeError(f"{known[name].value} must be a DesignSpace, but it is a {type(space).__name__}")
    return space


def _registered() -> dict[str, EntryPoint]:
    """Entry points by name; built-in names come last and so cannot be replaced."""
    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    return found | {name: EntryPoint(name, value, ENTRY_POINTS) for name, value in _BUILT_IN.items()}
