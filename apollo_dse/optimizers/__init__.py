"""The optimizers, by name: one file and one line each; others add theirs by entry points.

A distribution offers its own optimizers in its `pyproject.toml`, without any change here:

    [project.entry-points."apollo_dse.optimizers"]
    annealing = "their_package.annealing:Annealing"

Modules are imported when an optimizer is asked for, not before.
"""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec

from apollo_dse.optimizer import Optimizers
from search_spaces.quantity import nearest_name

GROUP = "apollo_dse.optimizers"
"""Entry-point group of third parties' optimizers."""

_OURS = {
    "random": "apollo_dse.optimizers.random:Random",
    "quasi-random": "apollo_dse.optimizers.quasi_random:QuasiRandom",
    "bayesian": "apollo_dse.optimizers.bayesian.search:Bayesian",
    "evolution": "apollo_dse.optimizers.evolution:Evolution",
    "bottleneck": "apollo_dse.optimizers.bottleneck:Bottleneck",
    "gradient": "apollo_dse.optimizers.gradient.search:Gradient",
    "local-search": "apollo_dse.optimizers.local_search:LocalSearch",
    "nsga2": "apollo_dse.optimizers.nsga2:NSGA2",
    "differential-evolution": "apollo_dse.optimizers.differential_evolution:DifferentialEvolution",
    "p3bo": "apollo_dse.optimizers.p3bo:P3BO",
    "adaptive-p3bo": "apollo_dse.optimizers.p3bo:AdaptiveP3BO",
    "portfolio": "apollo_dse.optimizers.portfolio:Portfolio",
    "squirrel": "apollo_dse.optimizers.squirrel:Squirrel",
}

_PEERS: Mapping[str, tuple[str, str]] = {
    "optuna-tpe": ("optuna", "apollo_dse.optimizers.peers.optuna:TPE"),
    "optuna-gp": ("optuna", "apollo_dse.optimizers.peers.optuna:GP"),
}
"""Optimizers of other libraries: which module must be installed, and the class that stands for them."""


def names() -> tuple[str, ...]:
    """Names of all optimizers: this project's first, then those of installed libraries and third parties."""
    peers = [name for name, (module, _) in _PEERS.items() if find_spec(module) is not None]
    return (*_OURS, *peers, *(name for name in _theirs() if name not in {*_OURS, *_PEERS}))


def get(name: str) -> Optimizers:
    """The optimizer class of that name: call it as `get(name)(problem, seed, **knobs)`.

    Raises:
        ValueError: there is none, or its library is not installed; the message has the nearest name, or the
            command that installs it.
    """
    if name in _PEERS and find_spec(_PEERS[name][0]) is None:
        rule = f"optimizer {name!r} needs {_PEERS[name][0]}, which is not installed"
        raise ValueError(f"{rule}; install it: pip install 'apollo-dse[peers]'")
    if name in _OURS or name in _PEERS:
        module, _, attribute = (_OURS[name] if name in _OURS else _PEERS[name][1]).partition(":")
        ours: Optimizers = getattr(import_module(module), attribute)
        return ours
    theirs = _theirs()
    if name in theirs:
        loaded: Optimizers = theirs[name].load()
        return loaded
    known = names()
    raise ValueError(f"no optimizer {name!r} among {', '.join(known)}{nearest_name(name, known)}")


def name_of(optimizer: object) -> str:
    """Name under which the class of `optimizer` is registered; of others `module:class`."""
    kind = f"{type(optimizer).__module__}:{type(optimizer).__qualname__}"
    registered = {target: name for name, target in _OURS.items()}
    registered |= {target: name for name, (_, target) in _PEERS.items()}
    registered |= {entry.value: name for name, entry in _theirs().items()}
    return registered.get(kind, kind)


def _theirs() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
