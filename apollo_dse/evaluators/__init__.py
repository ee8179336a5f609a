"""Worlds that answer: each maps points to measurements. Importing this package loads no torch."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from apollo_dse.trial import Measurement
from search_spaces.space import Point


@runtime_checkable
class Evaluator(Protocol):
    """Anything that measures points, one measurement a point, in order; it fits `Problem.evaluate`.

    `metrics` are the names that a feasible measurement has. `fingerprint` identifies what is measured: two
    evaluators of the same fingerprint measure the same thing, so what a store holds of one serves the other.
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        ...

    @property
    def fingerprint(self) -> str:
        """Text that identifies what is measured."""
        ...

    def __call__(self, points: Sequence[Point]) -> Sequence[Measurement]:
        """Measure `points`; a design that cannot be built or run is a measurement with a reason."""
        ...
