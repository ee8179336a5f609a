"""A constant of nature with its unit, and where it comes from."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["measured", "published", "scaled", "assumed"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that somebody answers for.

    `kind` says how: "measured" on silicon (a die photograph, a power meter), "published" (a paper's table, a
    standard, a simulator's output), "scaled" (derived here from published points by a cited law) or
    "assumed" (a round figure without better evidence).
    """

    name: str
    value: float
    unit: str
    kind: Kind
    source: str

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.4g} {self.unit} ({self.kind}; {self.source})"
