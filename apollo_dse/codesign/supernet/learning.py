"""A supernet's training: in every step the paths that a sampler draws learn the same images."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from apollo_dse.codesign.supernet.sampling import Sampler, SinglePath
from apollo_dse.codesign.training import Schedule, Step


@dataclass(frozen=True, slots=True)
class OneShot:
    """Gradients of a step (`apollo_dse.codesign.training.train`): the mean over the paths that `sampler` draws.

    With `distill`, paths after the first learn the scores of the first in place of the labels, as sandwiches do
    (arXiv 1903.05134).
    """

    sampler: Sampler
    distill: bool = False

    def __call__(self, module: nn.Module, step: Step) -> Tensor:
        """Add the gradients; the loss of the first paths."""
        drawn = self.sampler(step.rng, step.done)
        first: Tensor | None = None
        target = step.labels
        for paths in drawn:
            loss = cross_entropy(scores := module(step.images, paths), target)
            (loss / len(drawn)).backward()  # type: ignore[no-untyped-call]
            if first is None:
                first = loss.detach()
                target = softmax(scores.detach(), 1) if self.distill else target
        assert first is not None
        return first


SINGLE_PATH = OneShot(SinglePath())
DIGITS_SCHEDULE = Schedule(epochs=100)
"""Of a supernet on the digits."""
