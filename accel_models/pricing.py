"""What the cost model asks of a dataflow: the price of every step of a network on a batch of designs.

A step is a layer or a vector operation. A *pricer* knows one structure of buffer levels and how layers run on
it; it gets a batch of designs as columns (whatever it made of them in `stack`), picks the best mapping of the
step for every design and answers with tensors over the batch. `dataflows` names the pricers.
"""

from collections.abc import Mapping as Table
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

from accel_models.arch import Accelerator
from accel_models.mapping import Mapping
from accel_models.ranges import Column
from accel_models.workload import Layer, VectorOp

Goal = Literal["latency", "energy", "edp"]
GOALS: tuple[Goal, ...] = ("latency", "energy", "edp")


@dataclass(frozen=True, slots=True)
class Residency:
    """What of a layer is on chip as a whole: it is not moved to or from DRAM, and must have room.

    `inputs` and `outputs`: activations, from the layer before and for the layer after. `weights`: parameters,
    since an earlier inference. `parameter_room` is the share of the memory that holds parameters which the
    layer may use; the rest is taken by what other layers keep.
    """

    inputs: bool = False
    outputs: bool = False
    weights: bool = False
    parameter_room: float = 1.0


@dataclass(frozen=True, slots=True)
class StepPrices:
    """One execution of a step on n designs, each with its best mapping.

    Attributes:
        latency_s: [n]; meaningless where a limit is exceeded.
        energies_j: [n, part] over the pricer's `levels`, then "mac" and "leakage".
        bytes: [n, level] moved, over `levels`.
        compute_s: [n] what the units alone would take.
        bound: [n] index into the pricer's `bounds`: what takes longest.
        excess: [n, limit] demand over supply of the pricer's `limits` for the mapping that fits best; the
            step can run where none exceeds 1.
        parameter_share: [n] share of the memory that holds parameters which the step's weights occupy: while
            it runs or, asked for with `Residency.weights`, from one inference to the next (infinite where
            they cannot stay).
    """

    latency_s: Tensor
    energies_j: Tensor
    bytes: Tensor
    compute_s: Tensor
    bound: Tensor
    excess: Tensor
    parameter_share: Tensor

    @property
    def fits(self) -> Tensor:
        """Whether no limit is exceeded, [n]."""
        return (self.excess <= 1.0).all(dim=-1)

    @property
    def energy_j(self) -> Tensor:
        """Energy of all parts, [n]."""
        return self.energies_j.sum(dim=-1)


def join(parts: Sequence[StepPrices]) -> StepPrices:
    """The prices of one step on consecutive batches of designs, as one batch."""
    return StepPrices(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(StepPrices)))


class Pricer(Protocol):
    """Prices steps on batches of designs of one structure.

    Attributes:
        levels: names of the buffer levels, outermost first, the same for every design.
        bounds: what a step may be bound by, such as "compute" and "dram bandwidth".
        limits: what a layer may need more of than there is, in words that end in "... needs 2 times what
            there is".
    """

    @property
    def levels(self) -> tuple[str, ...]: ...  # noqa: D102 - see above
    @property
    def bounds(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def limits(self) -> tuple[str, ...]: ...  # noqa: D102

    def reach(self, span: Sequence[Accelerator]) -> Any:
        """What `stack` wants to know of the designs to come, or None.

        `span` are designs that have, all together, every size that they may have: mappings can then be
        searched for all of them at once. What is priced does not depend on it.
        """

    def stack(self, accelerators: Sequence[Accelerator], device: torch.device, reach: Any = None) -> Any:
        """Columns of n designs, as the other methods take them.

        Raises:
            ValueError: an accelerator is not of the structure that this pricer knows.
        """

    def prepare(self, layer: Layer, designs: Any) -> None:
        """Search whatever prices of the layer on such designs need, so that they are quick from then on."""

    def complete(self, layer: Layer) -> bool:
        """Whether every mapping of the layer's mapspace is considered, or some were left out of a large one."""

    def layer(self, layer: Layer, residency: Residency, designs: Any, minimize: Goal) -> StepPrices:
        """Price a layer with the mapping that minimizes the goal on each design."""

    def vector(self, ops: Sequence[VectorOp], designs: Any, *, keep_activations: bool) -> StepPrices:
        """Price o vector operations, with a first axis more, [o, ..]; `keep_activations` as for `CostModel`."""

    def mapping(self, layer: Layer, residency: Residency, accelerator: Accelerator, minimize: Goal) -> Mapping:
        """The loop nest that `layer` prices on an accelerator.

        Raises:
            ValueError: no mapping fits; the message says what is short.
        """


@runtime_checkable
class ColumnPricer(Pricer, Protocol):
    """A pricer that takes designs by their numbers, too."""

    def designs(self, columns: Table[str, Column], device: torch.device, reach: Any = None) -> Any:
        """Columns of n designs, as the methods of `Pricer` take them; `reach` as for `stack`."""


def shortage(limit: str, ratio: float, layer: str) -> str:
    """Why a layer cannot run, in one sentence."""
    return f"{limit}: the least demanding mapping of layer {layer!r} needs {ratio:.3g} times what there is"


def reasons(violations: Sequence[str], exceeded: Table[str, tuple[float, str]]) -> tuple[str, ...]:
    """Why a design does not run a workload, a sentence each.

    Args:
        violations: why it cannot be built.
        exceeded: need over supply by limit, and the layer of the largest.
    """
    return (*violations, *(shortage(limit, *most) for limit, most in exceeded.items()))
