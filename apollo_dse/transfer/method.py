"""What a transfer method is: an optimizer that was also given what was tried on other tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from apollo_dse.optimizer import Optimizer
from apollo_dse.problem import Problem
from apollo_dse.transfer.prior import Description, Prior


@dataclass(frozen=True)
class Experience:
    """What is known beside a problem's own trials: what the task is about, and priors.

    Raises:
        ValueError: there is no prior, or two share a name.
    """

    task: Description
    priors: tuple[Prior, ...]

    def __post_init__(self) -> None:
        names = [prior.name for prior in self.priors]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"priors must be at least one, of distinct names, but got {names}")

    @property
    def related(self) -> tuple[Prior, ...]:
        """The priors, the most related to the task first; equals in their order."""
        return tuple(sorted(self.priors, key=lambda prior: self.task.distance(prior.task)))


@runtime_checkable
class Transfer(Optimizer, Protocol):
    """An optimizer that learns from other tasks as well; built as `Name(problem, seed, experience, **knobs)`.

    The law of optimizers holds, with the experience a part of what suggestions depend on.
    """

    @property
    def experience(self) -> Experience:
        """What it was given."""

    @property
    def weights(self) -> Mapping[str, float]:
        """How much each prior, by name, counts in the next suggestion: shares, the target's own is the rest."""

    @property
    def remarks(self) -> Mapping[str, Sequence[str]]:
        """What is to be known about each prior, by name: sentences, none where its space is this one's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What came of a prior: its name and networks, its size, how unlike its task is, its weight, remarks."""

    name: str
    workloads: tuple[str, ...]
    trials: int
    distance: float
    weight: float
    remarks: tuple[str, ...]


def accounts(method: Transfer) -> list[Account]:
    """An account of each prior, the most related first, after the trials that the method was told."""
    weights, remarks, task = method.weights, method.remarks, method.experience.task
    return [
        Account(
            name=prior.name,
            workloads=prior.task.workloads,
            trials=len(prior.trials),
            distance=task.distance(prior.task),
            weight=weights[prior.name],
            remarks=tuple(remarks[prior.name]),
        )
        for prior in method.experience.related
    ]


class Transfers(Protocol):
    """A class of transfer methods: what the registry holds."""

    def __call__(self, problem: Problem, seed: int, experience: Experience, **knobs: Any) -> Transfer:
        """A method for `problem` that was told nothing yet but the experience."""
