"""Classes by name: this project's, those of other libraries, and third parties' by entry points.

Modules are imported when a class is asked for, not before.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from search_spaces.quantity import nearest_name


@dataclass(frozen=True, slots=True)
class Registry:
    """The classes of one kind.

    Attributes:
        kind: what they are, in one word, for messages.
        group: entry-point group of third parties' own.
        ours: `module:class` by name.
        peers: by name the module that must be installed, and the `module:class` that stands for it.
        extra: the extra of this distribution that installs those modules.
    """

    kind: str
    group: str
    ours: Mapping[str, str]
    peers: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    extra: str = "peers"

    def names(self) -> tuple[str, ...]:
        """All names: this project's first, then those of installed libraries and third parties."""
        peers = [name for name, (module, _) in self.peers.items() if find_spec(module) is not None]
        theirs = (name for name in self._theirs() if name not in {*self.ours, *self.peers})
        return (*self.ours, *peers, *theirs)

    def get(self, name: str) -> Any:
        """The class of that name.

        Raises:
            ValueError: there is none, or its library is not installed; the message has the nearest name, or the
                command that installs it.
        """
        if name in self.peers and find_spec(self.peers[name][0]) is None:
            rule = f"{self.kind} {name!r} needs {self.peers[name][0]}, which is not installed"
            raise ValueError(f"{rule}; install it: pip install 'apollo-dse[{self.extra}]'")
        if name in self.ours or name in self.peers:
            target = self.ours[name] if name in self.ours else self.peers[name][1]
            module, _, attribute = target.partition(":")
            return getattr(import_module(module), attribute)
        theirs = self._theirs()
        if name in theirs:
            return theirs[name].load()
        known = self.names()
        raise ValueError(f"no {self.kind} {name!r} among {', '.join(known)}{nearest_name(name, known)}")

    def name_of(self, thing: object) -> str:
        """Name under which the class of `thing` is registered; of others `module:class`."""
        target = f"{type(thing).__module__}:{type(thing).__qualname__}"
        registered = {target: name for name, target in self.ours.items()}
        registered |= {target: name for name, (_, target) in self.peers.items()}
        registered |= {entry.value: name for name, entry in self._theirs().items()}
        return registered.get(target, target)

    def _theirs(self) -> Mapping[str, EntryPoint]:
        return _announced(self.group, tuple(sys.path))


@cache
def _announced(group: str, path: tuple[str, ...]) -> Mapping[str, EntryPoint]:
    """What distributions on the path announce, by name; looked up once a path, for it takes milliseconds."""
    return {entry.name: entry for entry in entry_points(group=group)}
