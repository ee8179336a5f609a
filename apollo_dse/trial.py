"""What was tried and what came of it: frozen records, the currency between optimizers, studies and stores."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from search_spaces.quantity import is_number
from search_spaces.space import Point

FAILED = "the simulator failed"
"""What the reason of a measurement begins with that says nothing about the design: its run failed."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What an evaluator found out about one point: either metrics, or why there are none.

    `metrics` are numbers in the SI unit of their name's ending (`latency_s`); `infeasible_because` says why
    the design cannot be built or cannot run the workload. Exactly one of the two is there: infeasible is
    data with a reason, never nan or a huge number.

    `bottlenecks` says what binds, of an evaluator that knows: for a design that runs, the share of its latency
    that each resource bounds; for one that does not, how many times what there is of a resource it needs.

    Raises:
        ValueError: both or neither are there, a metric is not a finite number, or the reason is blank; or a
            bottleneck is no finite number above 0.
    """

    metrics: Mapping[str, float] = field(default_factory=dict)
    infeasible_because: str | None = None
    bottlenecks: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for resource, amount in self.bottlenecks.items():
            if not is_number(amount) or amount <= 0:
                raise ValueError(f"bottlenecks must be finite numbers above 0, but {resource!r} is {amount!r}")
        if self.infeasible_because is not None:
            if self.metrics:
                got = f"it has {sorted(self.metrics)} and the reason {self.infeasible_because!r}"
                raise ValueError(f"an infeasible measurement must have no metrics, but {got}")
            if not self.infeasible_because.strip():
                raise ValueError("the reason of an infeasible measurement must not be blank")
            return
        if not self.metrics:
            raise ValueError("a measurement must have metrics or a reason why it has none, but it has neither")
        for name, value in self.metrics.items():
            if not is_number(value):
                raise ValueError(f"metrics must be finite numbers, but {name!r} is {value!r}")

    @property
    def is_feasible(self) -> bool:
        """Whether there are metrics; limits of a problem are not asked here."""
        return self.infeasible_because is None

    @property
    def has_failed(self) -> bool:
        """Whether the run failed, so that nothing is known of the design."""
        return (self.infeasible_because or "").startswith(FAILED)

    @classmethod
    def failed(cls, why: str) -> Self:
        """What is known of a design whose run failed: nothing but `why` it did."""
        return cls(infeasible_because=f"{FAILED}: {one_line(why)}")


def one_line(text: str) -> str:
    """A text from outside as one reason: on one line, without the "; " that parts reasons."""
    return " ".join(text.split()).replace("; ", ", ")


@dataclass(frozen=True, slots=True)
class Trial:
    """One evaluated point of a study; `number` counts from 0 in the order of evaluation.

    Raises:
        ValueError: the number is negative.
    """

    number: int
    point: Point
    measurement: Measurement

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError(f"`number >= 0` must hold, but got number={self.number}")
