"""FBNets for both data sets against their traces, and the space's refusals."""

import pytest
import torch

from accel_models.trace import build_without_weights, trace
from search_spaces.networks.fbnet import (
    IMAGES,
    NUM_BLOCKS,
    SPACE,
    build_fbnet,
    fbnet_point,
    module_fbnet,
)
from tests.shapes import shapes

DIGITS = ("0123456788012345678888", "8" * 22, "7" * 22, "1515151515151515151515")


@pytest.mark.parametrize("digits", DIGITS)
@pytest.mark.parametrize("images", IMAGES)
def test_a_network_is_what_tracing_gives(digits: str, images: str) -> None:
    point, size = fbnet_point(digits), IMAGES[images].size
    module = build_without_weights(lambda: module_fbnet(point, images=images))
    traced = trace(module, torch.zeros(1, 3, size, size))
    assert shapes(build_fbnet(point, images=images)) == shapes(traced)


def test_the_space_has_nine_to_the_power_of_22_networks() -> None:
    assert SPACE.size == 9**NUM_BLOCKS == 9**22
    assert fbnet_point(DIGITS[0]) in SPACE


@pytest.mark.parametrize("digits", ["", "0" * 21, "9" * 22, "x" * 22])
def test_other_strings_are_refused(digits: str) -> None:
    with pytest.raises(ValueError, match="must have 22 digits from 0 to 8"):
        fbnet_point(digits)


@pytest.mark.parametrize("make", [build_fbnet, module_fbnet])
def test_other_images_and_points_are_refused(make) -> None:
    with pytest.raises(ValueError, match="images must be one of"):
        make(fbnet_point(DIGITS[1]), images="mnist")
    with pytest.raises(ValueError, match="block21"):
        make({f"block{i}": "skip" for i in range(21)})
