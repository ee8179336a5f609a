"""The optimizers, by name: one file and one line each; others add theirs by entry points.

A distribution offers its own optimizers in its `pyproject.toml`, without any change here:

    [project.entry-points."apollo_dse.optimizers"]
    annealing = "their_package.annealing:Annealing"

Modules are imported when an optimizer is asked for, not before.
"""

from apollo_dse.optimizer import Optimizers
from apollo_dse.registry import Registry

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
    "mbo": "apollo_dse.optimizers.mbo.search:MBO",
    "reinforce": "apollo_dse.optimizers.reinforce.search:Reinforce",
    "p3bo": "apollo_dse.optimizers.p3bo:P3BO",
    "adaptive-p3bo": "apollo_dse.optimizers.p3bo:AdaptiveP3BO",
    "portfolio": "apollo_dse.optimizers.portfolio:Portfolio",
    "squirrel": "apollo_dse.optimizers.squirrel:Squirrel",
}

_PEERS = {
    "optuna-tpe": ("optuna", "apollo_dse.optimizers.peers.optuna:TPE"),
    "optuna-gp": ("optuna", "apollo_dse.optimizers.peers.optuna:GP"),
    "nevergrad-fastga": ("nevergrad", "apollo_dse.optimizers.peers.nevergrad:FastGA"),
    "nevergrad-portfolio": ("nevergrad", "apollo_dse.optimizers.peers.nevergrad:Portfolio"),
    "smac": ("smac", "apollo_dse.optimizers.peers.smac:SMAC"),
}
"""Optimizers of other libraries: which module must be installed, and the class that stands for them."""

_REGISTRY = Registry("optimizer", "apollo_dse.optimizers", _OURS, _PEERS)

names = _REGISTRY.names
"""Names of all optimizers: this project's first, then those of installed libraries and third parties."""

name_of = _REGISTRY.name_of
"""Name under which the class of an optimizer is registered; of others `module:class`."""


def get(name: str) -> Optimizers:
    """The optimizer class of that name: call it as `get(name)(problem, seed, **knobs)`.

    Raises:
        ValueError: there is none, or its library is not installed; the message has the nearest name, or the
            command that installs it.
    """
    made: Optimizers = _REGISTRY.get(name)
    return made
