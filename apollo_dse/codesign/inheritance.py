"""Evolution of networks and their accelerators, in which a child begins with what its parent has learned.

A child is its parent made larger by one step that preserves what the network computes (`morphism.moves`), on
its parent's accelerator or a mutation of that. What it costs is known before it is trained: a pair that breaks
a limit is never trained. The others are trained for a few epochs, and the better ones have children.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from time import process_time

import numpy as np
import torch
from torch import nn

from accel_models.cost import CostModel
from accel_models.trace import trace
from apollo_dse.codesign.datasets import Dataset
from apollo_dse.codesign.morphism.moves import grown
from apollo_dse.codesign.training import ONE_THREAD, Compute, Schedule, accuracy, train
from apollo_dse.problem import ACCURACY, Constraint
from apollo_dse.trial import Measurement
from apollo_dse.variation import Variation
from search_spaces import DesignSpace, Point

DRAWS_PER_CHILD = 50
"""Pairs of network and accelerator that are priced, at most, for each that is trained."""

EXAMPLES = 256
"""Training images that norms of new layers take their statistics from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to search.

    Attributes:
        children: networks that are trained after the first.
        population: networks that may have children, the youngest ones.
        tournament: of these, so many are drawn, and the best has the child.
        same_hardware: probability that a child stays on its parent's accelerator.
        first: how the first network is trained.
        child: how a child is trained that has its parent's weights.
        inherit: whether it has them. If not, it begins anew and is trained as the first was.
        compute: where networks are trained.
        seed: of all that is drawn.

    Raises:
        ValueError: a number is out of its range.
    """

    children: int = 16
    population: int = 6
    tournament: int = 3
    same_hardware: float = 0.5
    first: Schedule = field(default_factory=lambda: Schedule(epochs=20))
    child: Schedule = field(default_factory=lambda: Schedule(epochs=4, learning_rate=0.03))
    inherit: bool = True
    compute: Compute = ONE_THREAD
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("children", "population", "tournament"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name} >= 1` must hold, but got {name}={getattr(self, name)}")
        if not 0 <= self.same_hardware <= 1:
            raise ValueError(f"`same_hardware` must be a probability, but got {self.same_hardware}")


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A network and the accelerator that it runs on.

    Attributes:
        network: trained, in evaluation mode.
        point: the accelerator, in the space.
        measurement: accuracy on the validation images, and costs of one image.
        parent: the place of its parent among the members; None of the first.
        step: how it came from its parent, in words.
        training_s: seconds of processor time that its training took.
        epochs: of its training.
    """

    network: nn.Module
    point: Point
    measurement: Measurement
    parent: int | None
    step: str
    training_s: float
    epochs: int

    @property
    def accuracy(self) -> float:
        """On the validation images."""
        return float(self.measurement.metrics[ACCURACY])


@dataclass(frozen=True, slots=True, eq=False)
class Lineage:
    """What a search found: members in the order of their training, and how many pairs broke a limit."""

    members: tuple[Member, ...]
    refused: int

    @property
    def best(self) -> Member:
        """The most accurate member; of equals the first."""
        return max(self.members, key=lambda member: member.accuracy)

    @property
    def training_s(self) -> float:
        """Seconds of processor time of all trainings."""
        return sum(member.training_s for member in self.members)

    @property
    def epochs(self) -> int:
        """Epochs of all trainings."""
        return sum(member.epochs for member in self.members)


def cosearch(
    network: nn.Module,
    point: Point,
    dataset: Dataset,
    design_space: DesignSpace,
    constraints: Sequence[Constraint],
    plan: Plan,
    *,
    report: Callable[[Member], None] | None = None,
) -> Lineage:
    """The most accurate network and accelerator within limits: regularized evolution with inherited weights.

    Args:
        network: to begin with; traceable by torch.fx, of images as the dataset's to scores. It stays as it is.
        point: its accelerator.
        dataset: what networks learn.
        design_space: where accelerators come from.
        constraints: limits on latency, energy, area and the like; without any, networks grow until the search
            ends.
        plan: how to search.
        report: told of every member.

    Raises:
        ValueError: the point is not in the space, or the first pair breaks a limit.
    """
    if broken := design_space.space.violations(point):
        raise ValueError(f"the first accelerator must be in the space, but {'; '.join(broken)}")
    search = _Search(dataset, design_space, constraints, plan)
    costs, reason = search.priced(network, point)
    if costs is None:
        raise ValueError(f"the first network and accelerator must keep the limits, but {reason}")
    first = Member(network, point, costs, None, "first", 0.0, 0)
    members = [search.trained(search.fresh(network), costs, first)]
    tell = report or (lambda member: None)
    tell(members[0])
    while len(members) <= plan.children and (child := search.child(members)) is not None:
        members.append(child)
        tell(child)
    return Lineage(tuple(members), search.refused)


class _Search:
    """The parts of a search that share its random stream and its count of refusals."""

    def __init__(
        self,
        dataset: Dataset,
        design_space: DesignSpace,
        constraints: Sequence[Constraint],
        plan: Plan,
    ) -> None:
        self.dataset = dataset
        self.design_space = design_space
        self.constraints = tuple(constraints)
        self.plan = plan
        self.rng = np.random.default_rng(plan.seed)
        self.examples = torch.from_numpy(dataset.train.images[:EXAMPLES])
        self.refused = 0
        self._variation = Variation(design_space.space)
        self._cost_model = CostModel()

    def child(self, members: Sequence[Member]) -> Member | None:
        """The next member, trained; None if no pair that was drawn keeps the limits."""
        for _ in range(DRAWS_PER_CHILD):
            place = self._parent(members)
            parent = members[place]
            step, network = grown(parent.network, self.examples, self.rng)
            point = parent.point
            if self.rng.random() >= self.plan.same_hardware:
                point = self._variation.mutated(point, self.rng)
            costs = self.priced(network, point)[0] if point in self.design_space.space else None
            if costs is not None:
                heir = network if self.plan.inherit else self.fresh(network)
                return self.trained(heir, costs, Member(network, point, costs, place, step, 0.0, 0))
            self.refused += 1
        return None

    def _parent(self, members: Sequence[Member]) -> int:
        """The best of some of the youngest, by its place."""
        first = max(0, len(members) - self.plan.population)
        drawn = self.rng.integers(first, len(members), size=self.plan.tournament).tolist()
        return int(max(drawn, key=lambda place: members[place].accuracy))

    def priced(self, network: nn.Module, point: Point) -> tuple[Measurement | None, str]:
        """Costs of one image on an accelerator; or None, and which limit is broken."""
        workload = trace(network, self.examples[:1])
        costs = self._cost_model.evaluate([self.design_space.build(point)], workload).design(0)
        if not costs.feasible:
            return None, "; ".join(costs.reasons)
        names = ("latency_s", "energy_j", "area_mm2", "power_w", "utilization")
        metrics = {name: float(getattr(costs, name)) for name in names}
        found = Measurement(metrics | {"edp_js": costs.energy_j * costs.latency_s})
        broken = [str(limit) for limit in self.constraints if limit.slack(found) < 0]
        return (None, f"it breaks {', '.join(broken)}") if broken else (found, "")

    def trained(self, network: nn.Module, costs: Measurement, member: Member) -> Member:
        """The member with its network trained, and what that gave and took."""
        plan = self.plan
        schedule = plan.child if plan.inherit and member.parent is not None else plan.first
        schedule = replace(schedule, seed=int(self.rng.integers(2**31)))
        began = process_time()
        train(network, self.dataset, schedule, compute=plan.compute)
        taken = process_time() - began
        with plan.compute.limited():
            scored = accuracy(network, self.dataset.validation, plan.compute.device)
        measured = Measurement({**costs.metrics, ACCURACY: scored})
        return replace(
            member,
            network=network.cpu(),
            measurement=measured,
            training_s=taken,
            epochs=schedule.epochs,
        )

    def fresh(self, network: nn.Module) -> nn.Module:
        """A copy with weights as they begin, by the seed."""
        return unlearned(network, int(self.rng.integers(2**31)))


def unlearned(network: nn.Module, seed: int) -> nn.Module:
    """A copy of the network with weights as its layers begin with, drawn by the seed."""
    new = deepcopy(network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in new.modules():
            reset = getattr(module, "reset_parameters", None)
            if reset is not None:
                reset()
    return new
