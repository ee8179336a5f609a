"""How good a subnet is: with the supernet's weights, and batch norms that are measured anew.

Statistics of a supernet's batch norms are means over all networks that ran in training, and those of none.
Before a subnet is scored they are replaced by its own, of images for training (arXiv 1904.00420, section 3.4).
"""

import torch
from torch import Tensor, nn

from apollo_dse.codesign.datasets import Dataset, Split
from apollo_dse.codesign.supernet.network import SuperNetwork
from apollo_dse.codesign.training import accuracy, tensors
from search_spaces.space import Point

CALIBRATION_IMAGES = 512
"""How many images batch norms are measured on, in one batch."""


@torch.no_grad()
def recalibrate(module: nn.Module, images: Tensor) -> nn.Module:
    """Give batch norms the means and variances that `images` [n, channels, rows, columns] have on their way.

    Returns:
        The module, in evaluation mode.
    """
    norms = [each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, here of one
    module.train()(images)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    return module.eval()


def calibrated(network: SuperNetwork, point: Point, dataset: Dataset) -> nn.Module:
    """The subnet of a point, its batch norms its own; the supernet stays as it is.

    Raises:
        ValueError: the point does not lie in the space.
    """
    images, _ = tensors(dataset.train[:CALIBRATION_IMAGES], network.classifier.weight.device)
    return recalibrate(network.subnet(point), images)


def score(network: SuperNetwork, point: Point, dataset: Dataset, split: Split) -> float:
    """Share of the images of a split of the dataset that the subnet of a point gets right.

    Raises:
        ValueError: the point does not lie in the space.
    """
    return accuracy(calibrated(network, point, dataset), split, network.classifier.weight.device)
