"""Mobile networks: counts by hand, MobileNetV3-Large as far as it is in the space, rounding of channels."""

import pytest

from accel_models import zoo
from search_spaces.networks.mobile import MOBILE, SPACE, build_mobile, plan
from search_spaces.networks.steps import eights

USUAL = MOBILE.usual


def test_the_space_is_as_large_as_its_lists() -> None:
    assert SPACE.size == 4 * 4 * (3 * 3 * 3 * 2) ** 5


def test_the_first_preset_has_mobilenet_v3_large_s_ends_and_nearly_its_size() -> None:
    ours, published = build_mobile(USUAL), zoo.workload("mobilenet_v3_large")
    for place in (0, 1, 2, -2, -1):
        assert ours.layers[place].bounds == published.layers[place].bounds
    assert len([each for each in plan(USUAL).bottlenecks if each.stage >= 0]) == 14
    assert ours.macs == pytest.approx(published.macs, rel=0.05)


def test_multiply_accumulates_of_a_bottleneck_by_hand() -> None:
    """The last of stage 1: 40 channels, 120 between, 5 x 5 filters, gates of 32, on 28 x 28."""
    names = ("expand", "filter", "gates.reduce", "gates.expand", "project")
    layers = {layer.name: layer.macs for layer in build_mobile(USUAL).layers}
    found = [layers[f"block4.{name}"] for name in names]
    assert found == [40 * 120 * 784, 25 * 120 * 784, 120 * 32, 120 * 32, 120 * 40 * 784]


def test_width_and_resolution_scale_the_network() -> None:
    half = plan({**USUAL, "width_multiplier": 0.5, "resolution": 128})
    assert (half.size, half.stem, half.head) == (128, 8, (480, 640))
    assert [each.outputs for each in half.bottlenecks][1::3] == [16, 24, 40, 56, 80]
    pixels = build_mobile({**USUAL, "resolution": 128}).layers[0].macs / build_mobile(USUAL).layers[0].macs
    assert pixels == pytest.approx((128 / 224) ** 2)


@pytest.mark.parametrize(
    ("channels", "rounded"), [(1, 8), (12, 16), (28, 32), (60, 64), (11.9, 16), (130, 128)]
)
def test_channels_are_eights_and_never_much_less(channels: float, rounded: int) -> None:
    assert eights(channels) == rounded
