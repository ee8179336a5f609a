"""Whole networks on designs on a GPU: designs in blocks of one kind, and the kernel that prices them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.mapspace import kernel
from accel_models.mapspace.designs import Blocks
from accel_models.mapspace.fused import WIDTH, totals
from accel_models.pricing import GOALS, Goal
from accel_models.workload import Layer

BLOCK = 128
"""Designs of a block."""


@dataclass(frozen=True, slots=True)
class Batch:
    """n designs in blocks of one kind.

    Attributes:
        offered: [offer, n] over `designs.OFFERS`, designs of a kind side by side.
        order: [n] where each design stands in the batch as it was asked.
        blocks: kind, first design and number of designs of each block, [block, 3].
        features: of all mappings of all fronts, [m, 16].
        places: where the front of a kind and layer begins and ends, [kind, layer, 2].
    """

    offered: Tensor
    order: Tensor
    blocks: Tensor
    features: Tensor
    places: Tensor


def batch(
    offered: Tensor, kinds: NDArray[np.int64], fronts: Mapping[int, Sequence[NDArray[np.float64]]]
) -> Batch:
    """A batch on the device of what designs offer, [n, offer].

    Args:
        offered: `designs.offers`.
        kinds: of each design, [n].
        fronts: features of the front of each kind on each layer.
    """
    blocks, numbers = Blocks.of(kinds, BLOCK), sorted(fronts)
    placed = np.concatenate((np.searchsorted(numbers, blocks.kinds)[:, None], blocks.places), axis=1)
    flat = [features for number in numbers for features in fronts[number]]
    stops = np.cumsum([len(features) for features in flat])
    places = np.stack((np.concatenate(([0], stops[:-1])), stops), axis=1)
    table = np.zeros((int(stops[-1]), WIDTH))
    table[:, : len(kernel.FEATURES)] = np.concatenate(flat)
    device, places = offered.device, places.reshape(len(fronts), -1, 2)
    there = torch.from_numpy(blocks.order).to(device)
    return Batch(
        offered=offered[there].T.contiguous(),
        order=there,
        blocks=torch.from_numpy(placed).to(device),
        features=torch.from_numpy(table).to(device),
        places=torch.from_numpy(places).to(device),
    )


def network_totals(
    layers: Sequence[Layer], designs: Batch, minimize: Goal, *, keep_activations: bool
) -> tuple[Tensor, Tensor]:
    """Latency and energy of all layers on n designs, [n] each, infinite where a layer has no mapping."""
    n = designs.offered.shape[1]
    latency_s, energy_j = (torch.empty(n, dtype=torch.float64, device=designs.offered.device) for _ in range(2))
    table = torch.tensor(
        [(each.macs, each.words("inputs"), each.words("outputs"), each.repeats) for each in layers],
        dtype=torch.float64,
        device=designs.offered.device,
    )
    totals[(len(designs.blocks),)](
        designs.features, designs.places, table, designs.blocks, designs.offered, latency_s, energy_j,
        n, len(layers),
        GOAL=GOALS.index(minimize), KEEP=keep_activations, SIZE=BLOCK, num_warps=4,
    )  # fmt: skip
    found = torch.empty_like(latency_s), torch.empty_like(energy_j)
    found[0][designs.order], found[1][designs.order] = latency_s, energy_j
    return found
