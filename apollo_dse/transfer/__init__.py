"""Yesterday's searches make today's cheaper: transfer methods, by name; one file and one line each.

prior        trials of another task, and what that task was about
source       a prior as the task at hand sees it
seeds        which of its designs to try first
method       what a transfer method is
modelled     the base of those that model outcomes

A distribution offers its own by entry points, as optimizers are (`apollo_dse.optimizers`):

    [project.entry-points."apollo_dse.transfer"]
    kinship = "their_package.kinship:Kinship"
"""

from apollo_dse import optimizers
from apollo_dse.registry import Registry
from apollo_dse.transfer.method import Account, Experience, Transfer, Transfers, accounts
from apollo_dse.transfer.prior import Description, Prior, describe

__all__ = [
    "Account",
    "Description",
    "Experience",
    "Prior",
    "Transfer",
    "accounts",
    "describe",
    "get",
    "name_of",
    "names",
]

_OURS = {
    "auto": "apollo_dse.transfer.auto:Auto",
    "warm-start": "apollo_dse.transfer.warm_start:WarmStart",
    "pretrained-prior": "apollo_dse.transfer.pretrained:PretrainedPrior",
    "copula": "apollo_dse.transfer.copula:Copula",
    "predicted": "apollo_dse.transfer.predicted:Predicted",
    "rgpe": "apollo_dse.transfer.rgpe:RGPE",
    "offline": "apollo_dse.transfer.offline:Offline",
    "multitask-gp": "apollo_dse.transfer.multitask:MultiTask",
    "controller": "apollo_dse.transfer.controller:SharedController",
}

_REGISTRY = Registry("transfer method", "apollo_dse.transfer", _OURS)

names = _REGISTRY.names
"""Names of all transfer methods: this project's first, then third parties'."""


def get(name: str) -> Transfers:
    """The transfer method of that name: call it as `get(name)(problem, seed, experience, **knobs)`.

    Raises:
        ValueError: there is none; the message has the nearest name.
    """
    made: Transfers = _REGISTRY.get(name)
    return made


def name_of(optimizer: object) -> str:
    """Name under which the class of a method, or of an optimizer, is registered; of others `module:class`."""
    name = _REGISTRY.name_of(optimizer)
    return optimizers.name_of(optimizer) if ":" in name else name
