"""NASP: legal networks on the way forward, their gradients collected in numbers from 0 to 1.

Yao et al., "Efficient neural architecture search via proximal iterations", AAAI 2020, arXiv 1905.13577. A step
projects the numbers a to the nearest one-hot choice (prox over C1), takes the gradient of the validation loss
at that choice, moves a by it, clips a to [0, 1] (prox over C2), and projects again for the weights' step, in
which only what was chosen runs. Here the projection also keeps limits on hardware: of all cells that hear their
input and all designs within them it takes the pair with the largest sum of numbers, exactly, by enumeration.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from apollo_dse.codesign.datasets import Dataset
from apollo_dse.codesign.supernet.costs import CELLS, HardwareLoss
from apollo_dse.codesign.supernet.network import mixture_of, path_of
from apollo_dse.codesign.supernet.relaxed import Relaxed, cell_of, one_hot, validation_batch
from apollo_dse.codesign.training import Step

START = 0.5
"""Of all numbers, as in the authors' code: `Relaxed(network, start=START)`."""


@dataclass(frozen=True, slots=True)
class Nasp:
    """A step of NASP on a `Relaxed` supernet, for `apollo_dse.codesign.training.train`: choices, then weights.

    Attributes:
        dataset: whose validation images choices learn from.
        hardware: what costs add to the loss, and limits that projections keep; None: nothing and none.
        rate: of Adam, for the choices.
        warmup: share of all steps before the first in which choices move; until then cells are drawn.
        explore: share of the weights' steps in which the cell is drawn, too.
    """

    dataset: Dataset = field(repr=False)
    hardware: HardwareLoss | None = None
    rate: float = 1e-2
    warmup: float = 0.2
    explore: float = 0.2

    def __call__(self, module: nn.Module, step: Step) -> Tensor:
        """Move the choices, add the gradients of what is chosen, answer with the training loss."""
        assert isinstance(module, Relaxed)
        warm = step.done >= self.warmup
        if warm:
            self.choose(module, step)
        if not warm or step.rng.random() < self.explore:
            point = cell_of(CELLS[int(step.rng.integers(len(CELLS)))].tolist())
        else:
            point = module.chosen(self.hardware).point
        loss = cross_entropy(module(step.images, path_of(point)), step.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def choose(self, module: Relaxed, step: Step) -> None:
        """Move the choices alone: over a supernet that is trained already, this is the whole search."""
        device = module.choices.device
        points = [
            each.to(device).requires_grad_()
            for each in one_hot(module.chosen(self.hardware), len(module.designs))
        ]
        images, labels = validation_batch(self.dataset, len(step.labels), step.rng, str(device))
        loss = cross_entropy(module(images, mixture_of(points[0])), labels)
        if self.hardware is not None:
            loss = loss + self.hardware(points[0], points[1])
        gradients = torch.autograd.grad(loss, points, allow_unused=True, materialize_grads=True)
        module.descend(gradients, self.rate)
        module.choices.clamp_(0.0, 1.0)
        module.designs.clamp_(0.0, 1.0)
