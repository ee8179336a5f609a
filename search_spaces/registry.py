"""Spaces by name: those of this package, and those that other distributions announce.

A distribution adds its own with an entry point that leads to a `DesignSpace` (group `apollo_dse.spaces`) or a
`NetworkSpace` (group `apollo_dse.networks`), under a name that is not taken here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from search_spaces.networks.space import NetworkSpace
from search_spaces.quantity import nearest_name
from search_spaces.space import DesignSpace

Space = TypeVar("Space", DesignSpace, NetworkSpace)


@dataclass(frozen=True, slots=True)
class _Registry(Generic[Space]):
    """Spaces of one `kind` by name, `article` before it; `ours` has the `module:attribute` of built-in ones."""

    kind: type[Space]
    article: str
    group: str
    ours: Mapping[str, str]

    def names(self) -> tuple[str, ...]:
        """Names of all registered spaces, in alphabetical order."""
        return tuple(sorted(self._registered()))

    def get(self, name: str) -> Space:
        """The space of that name; its module is imported on the first call."""
        known = self._built_in() if name in self.ours else self._registered()
        if name not in known:
            names = self.names()
            raise ValueError(
                f"{self.article} must be one of {', '.join(names)}, but got {name!r}{nearest_name(name, names)}"
            )
        space = known[name].load()
        if not isinstance(space, self.kind):
            wanted = f"{known[name].value} must be a {self.kind.__name__}"
            raise TypeError(f"{wanted}, but it is a {type(space).__name__}")
        return space

    def _registered(self) -> dict[str, EntryPoint]:
        """Entry points by name; built-in names come last and so cannot be replaced."""
        return {point.name: point for point in entry_points(group=self.group)} | self._built_in()

    def _built_in(self) -> dict[str, EntryPoint]:
        return {name: EntryPoint(name, value, self.group) for name, value in self.ours.items()}


_BUILT_IN = {
    "edge": "search_spaces.hardware.edge:EDGE",
    "eyeriss": "search_spaces.hardware.eyeriss:EYERISS",
    "nvdla": "search_spaces.hardware.nvdla:NVDLA",
    "simba": "search_spaces.hardware.simba:SIMBA",
    "systolic": "search_spaces.hardware.systolic:SYSTOLIC",
}

_BUILT_IN_NETWORKS = {
    "fbnet": "search_spaces.networks.fbnet:FBNET",
    "mnasnet": "search_spaces.networks.mnasnet:MNASNET",
    "mobile": "search_spaces.networks.mobile:MOBILE",
    "nb201": "search_spaces.networks.nas_bench_201:NAS_BENCH_201",
    "nb201-digits": "search_spaces.networks.nas_bench_201:NAS_BENCH_201_DIGITS",
    "transformer": "search_spaces.networks.transformer:TRANSFORMER",
}

_DESIGNS = _Registry(DesignSpace, "a space", "apollo_dse.spaces", _BUILT_IN)
_NETWORKS = _Registry(NetworkSpace, "a space of networks", "apollo_dse.networks", _BUILT_IN_NETWORKS)


def names() -> tuple[str, ...]:
    """Names of all registered spaces of designs, in alphabetical order."""
    return _DESIGNS.names()


def registered(name: str) -> DesignSpace:
    """The registered space of designs of that name; its module is imported on the first call.

    Raises:
        ValueError: there is none; the message has the nearest name.
        TypeError: the entry point of that name leads to something else than a `DesignSpace`.
    """
    return _DESIGNS.get(name)


def network_names() -> tuple[str, ...]:
    """Names of all registered spaces of networks, in alphabetical order."""
    return _NETWORKS.names()


def network_space(name: str) -> NetworkSpace:
    """The registered space of networks of that name; its module is imported on the first call.

    Raises:
        ValueError: there is none; the message has the nearest name.
        TypeError: the entry point of that name leads to something else than a `NetworkSpace`.
    """
    return _NETWORKS.get(name)
