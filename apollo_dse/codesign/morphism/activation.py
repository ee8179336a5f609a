"""Activations that are born as identities."""

import torch
from torch import Tensor, nn


class ParametricActivation(nn.Module):
    """`(1 - a) phi(x) + a x`, with `a` learned from 1, where it is the identity, towards 0, where it is phi.

    "Parametric activation functions" of Wei et al., arXiv 1603.01670, section 3.3: they let a layer be inserted
    behind any activation, idempotent or not. Weight decay pulls `a` to 0.

    Args:
        activation: phi.
    """

    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.activation = activation
        self.identity_share = nn.Parameter(torch.ones(()))

    def reset_parameters(self) -> None:
        """Be the identity again."""
        nn.init.ones_(self.identity_share)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, kept."""
        y: Tensor = (1 - self.identity_share) * self.activation(x) + self.identity_share * x
        return y
