"""DARTS: the choices are a softmax, and move by gradients of the validation loss.

Liu, Simonyan and Yang, "DARTS: Differentiable architecture search", ICLR 2019, arXiv 1806.09055. With a
`HardwareLoss` the expected cost is in the loss, and which design it is on is a softmax, too (as in DANCE, Choi
et al., arXiv 2009.06237, and EDD, Li et al., arXiv 2005.02563, where designs are relaxed otherwise).

What was found is `Relaxed.chosen`: the likeliest of the cells that hear their input, within the limits. On
cells of NAS-Bench-201 DARTS is known to end in skips (Dong and Yang, arXiv 2001.00326, table 5); what it does
here `benchmarks/gradient_search.py` measures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softmax

from apollo_dse.codesign.datasets import Dataset
from apollo_dse.codesign.supernet.costs import HardwareLoss
from apollo_dse.codesign.supernet.network import mixture_of
from apollo_dse.codesign.supernet.relaxed import Relaxed, validation_batch
from apollo_dse.codesign.training import Step

Loss = Callable[[], Tensor]

REACH = 0.01
"""Length of the step of the finite difference (arXiv 1806.09055, section 2.3)."""


def first_order(validation: Loss, choices: Sequence[Tensor]) -> list[Tensor]:
    """Gradient of the validation loss by the choices, weights as they are."""
    found = torch.autograd.grad(validation(), choices, allow_unused=True)
    return [
        torch.zeros_like(choice) if gradient is None else gradient
        for choice, gradient in zip(choices, found, strict=True)
    ]


def second_order(
    training: Loss, validation: Loss, weights: Sequence[Tensor], choices: Sequence[Tensor], rate: float
) -> list[Tensor]:
    """Gradient of the validation loss behind one step of the weights down the training loss.

    Equations 7 and 8 of arXiv 1806.09055: with w' = w - rate * dL_train/dw,

        dL_val(w', a)/da - rate * (dL_train(w+, a)/da - dL_train(w-, a)/da) / (2 eps),
        w+- = w +- eps * dL_val(w', a)/dw',   eps = REACH / |dL_val(w', a)/dw'|

    Args:
        training: the training loss at the weights and choices as they are when it is called.
        validation: the same of the validation loss.
        weights: what the step moves; they are left as they were.
        choices: what the gradient is by.
        rate: of the step, xi in the paper.
    """
    steps = _filled(torch.autograd.grad(training(), weights, allow_unused=True), weights)
    before = [weight.detach().clone() for weight in weights]

    def placed(directions: Sequence[Tensor], length: float) -> None:
        with torch.no_grad():
            for weight, origin, direction in zip(weights, before, directions, strict=True):
                weight.copy_(origin + length * direction)

    placed(steps, -rate)
    found = torch.autograd.grad(validation(), [*choices, *weights], allow_unused=True)
    direct = _filled(found[: len(choices)], choices)
    across = _filled(found[len(choices) :], weights)
    eps = REACH / float(torch.cat([each.flatten() for each in across]).norm())
    placed(across, eps)
    above = first_order(training, choices)
    placed(across, -eps)
    below = first_order(training, choices)
    placed(across, 0.0)
    return [each - rate * (up - down) / (2 * eps) for each, up, down in zip(direct, above, below, strict=True)]


def _filled(gradients: Sequence[Tensor | None], of: Sequence[Tensor]) -> list[Tensor]:
    return [
        torch.zeros_like(value) if gradient is None else gradient
        for value, gradient in zip(of, gradients, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Darts:
    """A step of DARTS on a `Relaxed` supernet, for `apollo_dse.codesign.training.train`: choices, then weights.

    Attributes:
        dataset: whose validation images choices learn from.
        hardware: what costs add to the loss; None: nothing.
        rate: of Adam, for the choices.
        second: whether the gradient looks a step of the weights ahead, at `lookahead` as its rate.
        lookahead: xi of the paper.
        warmup: share of all steps before the first in which choices move.
    """

    dataset: Dataset = field(repr=False)
    hardware: HardwareLoss | None = None
    rate: float = 3e-3
    second: bool = False
    lookahead: float = 0.025
    warmup: float = 0.0

    def __call__(self, module: nn.Module, step: Step) -> Tensor:
        """Move the choices, add the weights' gradients, answer with the training loss."""
        assert isinstance(module, Relaxed)
        if step.done >= self.warmup:
            self.choose(module, step)
        loss = self._loss(module, softmax(module.choices, 1), step.images, step.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def choose(self, module: Relaxed, step: Step) -> None:
        """Move the choices alone: over a supernet that is trained already, this is the whole search."""
        choices = [module.choices.clone().requires_grad_(), module.designs.clone().requires_grad_()]
        images, labels = validation_batch(self.dataset, len(step.labels), step.rng, str(module.choices.device))

        def training() -> Tensor:
            return self._loss(module, softmax(choices[0], 1), step.images, step.labels)

        def validation() -> Tensor:
            weights = softmax(choices[0], 1)
            loss = self._loss(module, weights, images, labels)
            return loss if self.hardware is None else loss + self.hardware(weights, softmax(choices[1], 0))

        if self.second:
            parameters = list(module.network.parameters())
            gradients = second_order(training, validation, parameters, choices, self.lookahead)
        else:
            gradients = first_order(validation, choices)
        module.descend(gradients, self.rate)

    @staticmethod
    def _loss(module: Relaxed, weights: Tensor, images: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(module(images, mixture_of(weights)), labels)
