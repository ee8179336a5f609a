"""What designs are there? Importing this package loads no torch."""

from pathlib import Path

from search_spaces.files import SUFFIXES, load
from search_spaces.networks.space import NetworkSpace
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import Value
from search_spaces.registry import names, network_names, network_space, registered
from search_spaces.space import DesignSpace, Point, Rule, SearchSpace, canonical

__all__ = [
    "Categorical",
    "DesignSpace",
    "Integer",
    "NetworkSpace",
    "Ordinal",
    "Parameter",
    "Point",
    "Real",
    "Rule",
    "SearchSpace",
    "Value",
    "canonical",
    "get",
    "load",
    "names",
    "network_names",
    "network_space",
]


def get(name_or_path: str | Path) -> DesignSpace:
    """The registered space of that name, or the user's own of that file (.yaml, .yml or .toml).

    Raises:
        ValueError: no such name (the message has the nearest), or the file says something wrong.
        OSError: the file cannot be read.
    """
    if Path(name_or_path).suffix.lower() in SUFFIXES:
        return load(name_or_path)
    return registered(str(name_or_path))
