"""Which candidates may be suggested: new ones, within the rules, not known to fail."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from apollo_dse.encoding import Encoding
from apollo_dse.problem import Problem
from search_spaces.space import canonical


@dataclass(slots=True)
class Admission:
    """Which rows may be suggested; it remembers what it was asked, and what was taken.

    `taken` are `canonical` texts of points that are told or pending.
    """

    problem: Problem
    encoding: Encoding
    taken: set[str]
    _known: dict[bytes, bool] = field(default_factory=dict)

    def take(self, row: NDArray[np.float64]) -> None:
        """Admit the row [p] no more."""
        self._known[row.tobytes()] = False

    def admitted(self, rows: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether each of the rows [n, p] may be suggested [n]."""
        keys = [row.tobytes() for row in rows]
        unknown = {key: number for number, key in enumerate(keys) if key not in self._known}
        points = self.encoding.points(rows[list(unknown.values())])
        inside = [self.problem.space.allows(point) for point in points]
        violations = iter(
            self.problem.known_violations([point for point, keep in zip(points, inside, strict=True) if keep])
        )
        for key, point, keep in zip(unknown, points, inside, strict=True):
            self._known[key] = keep and next(violations) == 0 and canonical(point) not in self.taken
        return np.array([self._known[key] for key in keys], dtype=bool)
