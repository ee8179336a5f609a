"""A filter as the product of two, by least squares in turn (Wei et al., arXiv 1603.01670, algorithm 1).

Notation, of square kernels:

    G   outputs inputs K K        the filter
    F1  middle inputs K1 K1       what is applied first
    F2  outputs middle K2 K2      what is applied to that; K = K1 + K2 - 1

`G[o, i, t] = sum over m and s of F2[o, m, s] F1[m, i, t - s]` is linear in each of the two.
"""

import torch
from torch import Tensor, nn

from apollo_dse.codesign.morphism.surgery import MorphismError

EXACT = 1e-10
"""Largest error of a product, as a share of the filter, that counts as none."""

ROUNDS = 50
"""Of least squares, until there is no error."""


def factorized(
    filters: Tensor, middle: int, kernels: tuple[int, int], random: torch.Generator
) -> tuple[Tensor, Tensor]:
    """F1 and F2 of a filter G, in double precision.

    One of the two is drawn, orthogonal, where the other then has weights enough to make up for it; that takes
    one solution.

    Raises:
        MorphismError: no exact product was found.
    """
    outputs, inputs, size, _ = filters.shape
    one = _orthogonal((middle, inputs, kernels[0], kernels[0]), random)
    two = _orthogonal((outputs, middle, kernels[1], kernels[1]), random)
    second_first = middle * kernels[0] ** 2 >= outputs * size**2
    if second_first:
        one = _first(filters, two, kernels[0])
    for _ in range(ROUNDS):
        two = _second(filters, one, kernels[1])
        error = float((product(one, two) - filters).norm() / filters.norm().clamp_min(1e-30))
        if error <= EXACT:
            return one, two
        one = _first(filters, two, kernels[0])
    raise MorphismError(
        f"a product must be exact, but {ROUNDS} rounds left an error of {error:.1g} of the filter"
    )


def product(one: Tensor, two: Tensor) -> Tensor:
    """The filter that does what `one` and then `two` do: G of F1 and F2."""
    kernel = one.shape[-1]
    turned = one.flip(2, 3).transpose(0, 1)  # inputs middle K1 K1
    return nn.functional.conv2d(two, turned, padding=kernel - 1)


def enough_weights(outputs: int, inputs: int, size: int, middle: int, kernels: tuple[int, int]) -> bool:
    """Whether one of the two has as many weights as the filter, which makes the product exact (section 3.2)."""
    return max(middle * kernels[1] ** 2 - inputs * size**2, middle * kernels[0] ** 2 - outputs * size**2) >= 0


def _orthogonal(shape: tuple[int, int, int, int], random: torch.Generator) -> Tensor:
    values = torch.empty(shape, dtype=torch.float64)
    nn.init.orthogonal_(values, generator=random)
    return values


def _second(filters: Tensor, one: Tensor, kernel: int) -> Tensor:
    """F2 of least error, given F1."""
    outputs, inputs, size, _ = filters.shape
    middle, reach = one.shape[0], one.shape[-1]
    system = filters.new_zeros((inputs, size, size, middle, kernel, kernel))
    for row in range(kernel):
        for column in range(kernel):
            system[:, row : row + reach, column : column + reach, :, row, column] = one.permute(1, 2, 3, 0)
    found = _solved(system.flatten(3).flatten(0, 2), filters.flatten(1).T)  # middle*K2*K2 outputs
    return found.T.reshape(outputs, middle, kernel, kernel)


def _first(filters: Tensor, two: Tensor, kernel: int) -> Tensor:
    """F1 of least error, given F2: the same with outputs and inputs exchanged."""
    return _second(filters.transpose(0, 1), two.transpose(0, 1), kernel).transpose(0, 1)


def _solved(system: Tensor, right: Tensor) -> Tensor:
    """The shortest solution of least error; the system may have any rank."""
    found: Tensor = torch.linalg.lstsq(system, right, driver="gelsd").solution
    return found
