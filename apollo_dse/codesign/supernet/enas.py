"""ENAS: a recurrent controller writes cells and is rewarded by what they get right with a supernet's weights.

Pham et al., "Efficient neural architecture search via parameter sharing", ICML 2018, arXiv 1802.03268. In every
step the controller moves by REINFORCE with a moving average as baseline and a bonus for entropy, and one cell
that it draws learns (the paper's M = 1); the paper alternates between whole phases of the two. The controller
is that of the optimizer `reinforce`; the design is its last token. It computes on the processor.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from apollo_dse.codesign.datasets import Dataset
from apollo_dse.codesign.supernet.costs import LIVE, HardwareLoss
from apollo_dse.codesign.supernet.network import EDGES, SuperNetwork, path_of
from apollo_dse.codesign.supernet.relaxed import Found, Moments, cell_of, number_of, one_hot, validation_batch
from apollo_dse.codesign.supernet.scoring import score
from apollo_dse.codesign.training import Step
from apollo_dse.optimizers.reinforce.controller import Controller
from search_spaces.networks.nas_bench_201 import CHOICES

KEPT = 0.95
"""Share of itself that the baseline keeps with each step."""


class Controlled(nn.Module):
    """A supernet and the controller that writes its cells, each with one of `designs` designs.

    Args:
        network: the supernet.
        designs: how many designs there are.
        seed: of the controller's weights.
    """

    baseline: Tensor

    def __init__(self, network: SuperNetwork, *, designs: int = 1, seed: int = 0) -> None:
        super().__init__()
        self.network = network
        self.controller = Controller((len(CHOICES),) * len(EDGES) + (designs,), seed)
        self.designs = designs
        self.moments = Moments(list(self.controller.parameters()))
        self.register_buffer("baseline", torch.full((), torch.nan))

    def forward(self, images: Tensor, paths: object) -> Tensor:
        """Scores [n, classes] of images [n, channels, rows, columns] on the supernet's paths."""
        scores: Tensor = self.network(images, paths)
        return scores

    def drawn(self, count: int, rng: np.random.Generator) -> tuple[list[Found], Tensor]:
        """So many cells with designs, and their tokens [count, 7]."""
        tokens = self.controller.sample(count, rng)
        return [Found(cell_of(row[:-1]), row[-1]) for row in tokens.tolist()], torch.from_numpy(tokens)

    def log_probabilities(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Logarithm of the probability of each sequence [n], and the mean entropy of its choices."""
        logs = self.controller(tokens)  # n d k
        entropy = -(logs.exp() * logs).sum(2).mean()
        return logs.gather(2, tokens[..., None]).sum((1, 2)), entropy


@dataclass(frozen=True, slots=True)
class Enas:
    """A step of ENAS on a `Controlled` supernet, for `apollo_dse.codesign.training.train`.

    Attributes:
        dataset: on whose validation images cells are rewarded.
        hardware: what costs take off the reward; None: nothing.
        rate: of Adam, for the controller.
        entropy: weight of its bonus.
        samples: cells that a step of the controller is rewarded for.
        warmup: share of all steps before the first of the controller; until then it draws as it began, evenly.
    """

    dataset: Dataset = field(repr=False)
    hardware: HardwareLoss | None = None
    rate: float = 5e-3
    entropy: float = 0.01
    samples: int = 4
    warmup: float = 0.3

    def __call__(self, module: nn.Module, step: Step) -> Tensor:
        """Move the controller, add the gradients of a drawn cell, answer with its training loss."""
        assert isinstance(module, Controlled)
        if step.done >= self.warmup:
            self._reinforce(module, step)
        (found,), _ = module.drawn(1, step.rng)
        loss = cross_entropy(module(step.images, path_of(found.point)), step.labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _reinforce(self, module: Controlled, step: Step) -> None:
        cells, tokens = module.drawn(self.samples, step.rng)
        images, labels = validation_batch(self.dataset, len(step.labels), step.rng, str(module.baseline.device))
        rewards = torch.tensor([self._reward(module, found, images, labels) for found in cells])
        before = rewards.mean() if module.baseline.isnan() else module.baseline.clone()
        logs, entropy = module.log_probabilities(tokens)
        loss = -((rewards - before) * logs).mean() - self.entropy * entropy
        weights = list(module.controller.parameters())
        module.moments.descend(weights, torch.autograd.grad(loss, weights), self.rate)
        module.baseline.copy_(KEPT * before + (1 - KEPT) * rewards.mean())

    @torch.no_grad()
    def _reward(self, module: Controlled, found: Found, images: Tensor, labels: Tensor) -> float:
        """Share of the images that the cell gets right, less what its costs take off."""
        right = (module(images, path_of(found.point)).argmax(1) == labels).float().mean()
        return float(right - self.taken_off(found, module.designs))

    def taken_off(self, found: Found, designs: int) -> Tensor:
        """What the costs of a cell on its design take off its reward."""
        return torch.zeros(()) if self.hardware is None else self.hardware(*one_hot(found, designs))

    def best(self, module: Controlled, draws: int, rng: np.random.Generator) -> Found:
        """Of so many drawn cells the one with the largest reward on all validation images.

        Those that hear their input and keep the limits come first.
        """
        cells, _ = module.drawn(draws, rng)
        allowed = LIVE.expand(module.designs, -1) if self.hardware is None else self.hardware.allowed()

        def rank(found: Found) -> tuple[bool, float]:
            right = score(module.network, found.point, self.dataset, self.dataset.validation)
            kept = bool(allowed[found.design, number_of(found.point)])
            return kept, right - float(self.taken_off(found, module.designs))

        return max(cells, key=rank)
