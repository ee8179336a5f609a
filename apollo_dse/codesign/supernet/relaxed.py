"""A supernet whose choices are numbers, which DARTS and NASP move by gradients.

`Relaxed` keeps all of a search's state as weights and buffers, so that `apollo_dse.codesign.training.train`
trains, checkpoints and resumes a search as it does a network: a method is what one step does (`Backward`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from apollo_dse.codesign.datasets import Dataset
from apollo_dse.codesign.supernet.costs import CELLS, LIVE, HardwareLoss
from apollo_dse.codesign.supernet.network import EDGES, SuperNetwork
from apollo_dse.codesign.training import tensors
from search_spaces.networks.nas_bench_201 import CHOICES
from search_spaces.space import Point

BETAS = (0.5, 0.999)
"""Of Adam, for choices (arXiv 1806.09055, section 3.1)."""

EPSILON = 1e-8


class Moments(nn.Module):
    """Adam (Kingma and Ba, arXiv 1412.6980) whose moments are buffers.

    Args:
        values: tensors of the shapes that will be moved, in order.
    """

    count: Tensor

    def __init__(self, values: Sequence[Tensor]) -> None:
        super().__init__()
        for i, value in enumerate(values):
            self.register_buffer(f"first{i}", torch.zeros_like(value, requires_grad=False))
            self.register_buffer(f"second{i}", torch.zeros_like(value, requires_grad=False))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def descend(self, values: Sequence[Tensor], gradients: Sequence[Tensor], rate: float) -> None:
        """Move the values, in place, one step against their gradients."""
        self.count += 1
        corrected = [1 - beta ** int(self.count) for beta in BETAS]
        for i, (value, gradient) in enumerate(zip(values, gradients, strict=True)):
            first, second = getattr(self, f"first{i}"), getattr(self, f"second{i}")
            first.lerp_(gradient, 1 - BETAS[0])
            second.lerp_(gradient.square(), 1 - BETAS[1])
            value -= rate * (first / corrected[0]) / ((second / corrected[1]).sqrt() + EPSILON)


class Relaxed(nn.Module):
    """A supernet, a number for each choice of each edge [6, 5], and one for each of `designs` designs [d].

    Args:
        network: the supernet.
        designs: how many designs there are to choose from.
        start: of all numbers.
    """

    choices: Tensor
    designs: Tensor

    def __init__(self, network: SuperNetwork, *, designs: int = 1, start: float = 0.0) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("choices", torch.full((len(EDGES), len(CHOICES)), start))
        self.register_buffer("designs", torch.full((designs,), start))
        self.moments = Moments([self.choices, self.designs])

    def forward(self, images: Tensor, paths: object) -> Tensor:
        """Scores [n, classes] of images [n, channels, rows, columns] on the supernet's paths."""
        scores: Tensor = self.network(images, paths)
        return scores

    def chosen(self, hardware: HardwareLoss | None = None) -> "Found":
        """The cell and the design that the numbers stand for (`project`), within the limits if there are any.

        Raises:
            ValueError: nothing keeps the limits.
        """
        return project(self.choices, self.designs, None if hardware is None else hardware.allowed())

    def descend(self, gradients: Sequence[Tensor], rate: float) -> None:
        """Move choices and designs one step of Adam against their gradients."""
        self.moments.descend([self.choices, self.designs], gradients, rate)


@dataclass(frozen=True, slots=True)
class Found:
    """A cell, and which of the designs it is for."""

    point: Point
    design: int


def cell_of(indices: Sequence[int]) -> Point:
    """The cell whose edges have the choices of these indices, in order."""
    return {edge: CHOICES[index] for edge, index in zip(EDGES, indices, strict=True)}


def number_of(point: Point) -> int:
    """The place of a cell in `CELLS`."""
    number = 0
    for edge in EDGES:
        number = number * len(CHOICES) + CHOICES.index(str(point[edge]))
    return number


def project(choices: Tensor, designs: Tensor, allowed: Tensor | None = None) -> Found:
    """The cell and design with the largest sum of numbers of those that are allowed; of equal ones the first.

    Args:
        choices: of each edge and choice, [6, 5].
        designs: of each design, [d].
        allowed: of each design and cell (`CELLS`), [d, 15625]; None: all that hear their input.

    Raises:
        ValueError: none is allowed.
    """
    sums = designs[:, None] + choices[torch.arange(len(EDGES)), CELLS.to(choices.device)].sum(1)  # d 15625
    allowed = LIVE if allowed is None else allowed
    if not bool(allowed.any()):
        raise ValueError("limits must leave a cell on some design, but none keeps them")
    sums = sums.masked_fill(~allowed.to(sums.device), -torch.inf)
    design, cell = divmod(int(sums.argmax()), len(CELLS))
    return Found(cell_of(CELLS[cell].tolist()), design)


def one_hot(found: Found, designs: int) -> tuple[Tensor, Tensor]:
    """Numbers [6, 5] and [d] of a cell and a design: 1 for what is chosen, else 0."""
    rows = [[float(found.point[edge] == choice) for choice in CHOICES] for edge in EDGES]
    shares = torch.zeros(designs)
    shares[found.design] = 1.0
    return torch.tensor(rows), shares


def validation_batch(
    dataset: Dataset, size: int, rng: np.random.Generator, device: str
) -> tuple[Tensor, Tensor]:
    """Images and labels of random validation images, on the device."""
    split = dataset.validation
    return tensors(split[rng.choice(len(split), min(size, len(split)), replace=False)], device)
