"""The optimizers, by name: one file and one line each; others add theirs by entry points.

A distribution offers its own optimizers in its `pyproject.toml`, without any change here:

    [project.entry-points."apollo_dse.optimizers"]
    annealing = "their_package.annealing:Annealing"

Modules are imported when an optimizer is asked for, not before.
"""

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

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
    "local-search": "apollo_dse.optimizers.local_search:LocalSearch",
    "nsga2": "apollo_dse.optimizers.nsga2:NSGA2",
    "differential-evolution": "apollo_dse.optimizers.differential_evolution:DifferentialEvolution",
    "p3bo": "apollo_dse.optimizers.p3bo:P3BO",
    "adaptive-p3bo": "apollo_dse.optimizers.p3bo:AdaptiveP3BO",
    "portfolio": "apollo_dse.optimizers.portfolio:Portfolio",
    "squirrel": "apollo_dse.optimizers.squirrel:Squirrel",
}


def names() -> tuple[str, ...]:
    """Names of all optimizers: this project's first, then those of installed third parties."""
    return (*_OURS, *(name for name in _theirs() if name not in _OURS))


def get(name: str) -> Optimizers:
    """The optimizer class of that name: call it as `get(name)(problem, seed, **knobs)`.

    Raises:
        ValueError: there is none; the message has the nearest name.
    """
    if name in _OURS:
        module, _, attribute = _OURS[name].partition(":")
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
    registered |= {entry.value: name for name, entry in _theirs().items()}
    return registered.get(kind, kind)


def _theirs() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
