"""Accuracies looked up in a table of trained networks, such as NAS-Bench-201's."""

from collections.abc import Sequence
from typing import Self

from apollo_dse.codesign.accuracy.rows import Rows, read
from apollo_dse.problem import ACCURACY
from apollo_dse.trial import Measurement
from search_spaces import NetworkSpace, Point, canonical

MISSING = "the table must have a row of the network, but it has none"


class Table:
    """What a table says of each network.

    Args:
        rows: the table.
    """

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        texts = map(canonical, rows.points)
        self._accuracies = dict(zip(texts, rows.accuracies, strict=True))

    @classmethod
    def of(cls, network_space: NetworkSpace, argument: str) -> Self:
        """The table of a text `FILE` or `FILE#COLUMN` (`rows.read`)."""
        return cls(read(argument, network_space))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy."""
        return (ACCURACY,)

    @property
    def fingerprint(self) -> str:
        """The column, and what the table says."""
        return f"table {self.rows.column}@{self.rows.fingerprint}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a network, in order."""
        found = (self._accuracies.get(canonical(point)) for point in points)
        return [
            Measurement(infeasible_because=MISSING) if each is None else Measurement({ACCURACY: each})
            for each in found
        ]
