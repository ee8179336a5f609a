"""Accuracies of networks that nobody trained, by a Gaussian process over those of a table.

The process is that of the Bayesian optimizer: a Matern-5/2 kernel with a length scale for each feature, fitted
to a draw of the table and conditioned on all of it. What it is unsure by is corrected so that the table's own
networks, each left out in turn, lie as far off as it says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from apollo_dse.codesign.accuracy import ACCURACY_STD
from apollo_dse.codesign.accuracy.rows import Rows, read
from apollo_dse.encoding import Encoding
from apollo_dse.problem import ACCURACY
from apollo_dse.trial import Measurement
from search_spaces import NetworkSpace, Point

if TYPE_CHECKING:
    from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess

FITTED = 400
"""Networks that length scales and noise are fitted to."""

MOST = 6000
"""Networks that predictions are conditioned on: a draw of larger tables."""

FEWEST = 10


class Surrogate:
    """What a process over a table's networks expects of each.

    Args:
        network_space: where the points lie.
        rows: the table.

    Raises:
        ValueError: the table has fewer than `FEWEST` networks.
    """

    def __init__(self, network_space: NetworkSpace, rows: Rows) -> None:
        if len(rows.points) < FEWEST:
            raise ValueError(f"a surrogate needs at least {FEWEST} networks, but got {len(rows.points)}")
        self.network_space = network_space
        self.rows = rows
        self._encoding = Encoding(network_space.space)

    @classmethod
    def of(cls, network_space: NetworkSpace, argument: str) -> Self:
        """The surrogate of the table of a text `FILE` or `FILE#COLUMN` (`rows.read`)."""
        return cls(network_space, read(argument, network_space))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Expected accuracy, and by how much training may differ."""
        return (ACCURACY, ACCURACY_STD)

    @property
    def fingerprint(self) -> str:
        """The column, and what the table says."""
        return f"surrogate {self.rows.column}@{self.rows.fingerprint}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a network, in order.

        Raises:
            ValueError: a point does not lie in the space.
        """
        if not points:
            return []
        belief = self._belief
        import torch

        mean, variance = belief.process.posterior(torch.from_numpy(self._features(points)))
        accuracies = np.clip(belief.centre + belief.scale * mean.numpy(), 0.0, 1.0)
        noise = belief.process.hyperparameters.noise
        spreads = belief.correction * belief.scale * np.sqrt(variance.numpy() + noise)
        return [
            Measurement({ACCURACY: accuracy, ACCURACY_STD: spread})
            for accuracy, spread in zip(accuracies.tolist(), spreads.tolist(), strict=True)
        ]

    def _features(self, points: Sequence[Point]) -> NDArray[np.float64]:
        return self._encoding.features(self._encoding.rows(points))

    @cached_property
    def _belief(self) -> "_Belief":
        """What the table teaches; it takes seconds."""
        import torch

        from apollo_dse.optimizers.bayesian.surrogate import GaussianProcess, fit

        order = np.random.default_rng(0).permutation(len(self.rows.points))[:MOST]
        accuracies = np.array(self.rows.accuracies)[order]
        centre, scale = float(accuracies.mean()), float(accuracies.std()) or 1.0
        x = torch.from_numpy(self._features([self.rows.points[row] for row in order]))
        y = torch.from_numpy((accuracies - centre) / scale)
        process = GaussianProcess(x, y, fit(x[:FITTED], y[:FITTED]))
        mean, variance = process.left_out()
        correction = float(((y - mean).square() / variance).mean().sqrt())
        return _Belief(process, centre, scale, correction)


@dataclass(frozen=True, slots=True)
class _Belief:
    """A process over accuracies less `centre`, over `scale`; `correction` is of what it is unsure by."""

    process: "GaussianProcess"
    centre: float
    scale: float
    correction: float
