"""Networks of the spaces that compute: `torch.nn.Module`s, one space a file.

They are the only part of this package that imports torch, and are imported when a space makes a module. What a
module computes is what `NetworkSpace.build` says: its trace is that workload.
"""

import torch
from torch import Tensor

from search_spaces.networks.space import NetworkSpace
from search_spaces.space import Point


def example(space: NetworkSpace, point: Point) -> Tensor:
    """An input of zeros for the network of a point: of images, or numbers of tokens."""
    return torch.zeros(space.shape_of(point), dtype=torch.long if space.vocabulary else torch.float32)
