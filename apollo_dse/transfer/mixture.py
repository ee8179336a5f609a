"""Several processes of one outcome, weighed: what priors say together.

Feurer, Letham, Hutter, Bakshy, "Practical Transfer Learning for Bayesian Optimization", 2018, arXiv 1802.02219.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from apollo_dse.transfer.source import Explains, Raw


@dataclass(frozen=True, slots=True)
class Mixture:
    """A weighted mean of processes: means add up by weight, variances by its square (Feurer et al., eq. 6)."""

    parts: tuple[Raw, ...]
    weights: tuple[float, ...]

    @classmethod
    def even(cls, sources: Sequence[Explains]) -> "Mixture":
        """What sources, at least one, say together when nothing tells which of them to believe."""
        raw = tuple(Raw(each, each.scale, each.centre) for each in sources)
        return cls(raw, (1 / len(raw),) * len(raw))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the raw values at features [m, d]."""
        mean, variance = x.new_zeros(len(x)), x.new_zeros(len(x))
        for part, weight in zip(self.parts, self.weights, strict=True):
            theirs, spread = part.posterior(x)
            mean += weight * theirs
            variance += weight**2 * spread
        return mean, variance.clamp_min(1e-12)

    def believing(self, x: Tensor) -> "Mixture":
        """This mixture once the values at features [m, d] had come out as expected."""
        return Mixture(tuple(part.believing(x) for part in self.parts), self.weights)
