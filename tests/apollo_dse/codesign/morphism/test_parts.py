"""Larger kernels, skips and branches: networks compute what they did, and branches are parts like others."""

import pytest
import torch
from torch import nn

from apollo_dse.codesign.morphism import MorphismError, branched, deeper, larger_kernel, wider, with_skip
from tests.apollo_dse.codesign.morphism.subjects import Mixed, build, difference, kept, unsettled


@pytest.mark.parametrize(
    ("name", "layer", "kernel"),
    [
        ("mixed", "stem", 7),
        ("mixed", "multiplied", 5),
        ("mixed", "after", 5),
        ("mixed", "side", 3),
        ("resnet", "0.0", 9),
        ("mobilenet_v2", "3.steps.1.0", 5),
    ],
)
def test_kernels_grow(name: str, layer: str, kernel: int) -> None:
    old, example = build(name)
    new = kept(old, example, lambda net, _: larger_kernel(net, layer, kernel))
    assert new.get_submodule(layer).weight.shape[2:] == (kernel, kernel)


@pytest.mark.parametrize("padding", ["same", "valid", (2, 0)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_kernels_grow_whatever_the_padding(padding: str | tuple[int, int], dilation: int) -> None:
    old = nn.Sequential(nn.Conv2d(3, 4, (3, 1), padding=padding, dilation=dilation))
    kept(old, torch.randn(1, 3, 9, 9), lambda net, _: larger_kernel(net, "0", 5))


def test_kernels_that_cannot_grow_are_refused() -> None:
    module, _ = build("mixed")
    for kernel in (1, 4):
        with pytest.raises(
            MorphismError, match=f"even number in every dimension, but 'stem' has 3x3 .*={kernel}"
        ):
            larger_kernel(module, "stem", kernel)
    circular = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"))
    with pytest.raises(MorphismError, match="padded by zeros, but '0' has padding_mode='circular'"):
        larger_kernel(circular, "0", 5)


@pytest.mark.parametrize(
    ("place", "inner"), [("silent", 1), ("stem", 24), ("after", 150), ("grouped", 96), ("act", 1)]
)
def test_a_skip_begins_at_zero_and_is_heard_once_it_is_not(place: str, inner: int) -> None:
    old, example = build("mixed")
    new = kept(old, example, lambda net, x: with_skip(net, x, place))
    added = [each for name, each in new.named_parameters() if "gain" in name or "shortcut" in name]
    assert [each.numel() for each in added] == [inner]
    new(example).square().sum().backward()
    assert all(each.grad is not None and each.grad.abs().sum() > 0 for each in added)
    with torch.no_grad():
        added[0].fill_(0.5)
    assert difference(old, new, example) > 1e-3


def test_skips_go_around_one_call_that_keeps_or_divides_images() -> None:
    module, example = build("mixed")
    with pytest.raises(MorphismError, match="'relu' is called 2 times"):
        with_skip(module, example, "relu")
    with pytest.raises(MorphismError, match=r"'hidden' makes \[3, 20\] of \[3, 80\]"):
        with_skip(module, example, "hidden")


@pytest.mark.parametrize("merge", ["add", "concat"])
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mixed", "stem"),
        ("mixed", "norm"),
        ("mixed", "grouped"),
        ("mixed", "multiplied"),
        ("mixed", "slopes"),
        ("mixed", "act"),
        ("bottlenecks", "2.steps.1.0"),
        ("bottlenecks", "1"),
        ("mobilenet_v2", "3.steps.1.0"),
    ],
)
@pytest.mark.parametrize("count", [2, 3])
def test_layers_become_branches(name: str, layer: str, merge: str, count: int) -> None:
    old, example = build(name)
    new = kept(old, example, lambda net, x: branched(net, x, layer, count, merge))
    assert len(new.get_submodule(f"{layer}.branches")) == count


def test_branches_are_branched_deepened_and_widened() -> None:
    old, example = build("resnet")

    def tree(net: nn.Module, x: torch.Tensor) -> nn.Module:
        net = branched(net, x, "2.steps.0.0", 2, "add")
        net = branched(net, x, "2.steps.0.0.branches.1", 3, "concat")
        net = deeper(net, x, "2.steps.0.0.branches.1.branches.2", activation=nn.ReLU())
        net = larger_kernel(net, "2.steps.0.0.branches.0", 5)
        return wider(net, x, "2.steps.0.0.branches.1.branches.2.0", 40)

    new = kept(old, example, tree)
    assert new.get_submodule("2.steps.0.0.branches.1.branches.2.0").out_channels == 40


def test_branches_widen_together() -> None:
    """What is added has the channels of what it is added to, within the network too."""
    old, example = build("mixed")
    new = kept(old, example, lambda net, x: wider(branched(net, x, "stem", 2, "add"), x, "stem.branches.0", 12))
    assert new.get_submodule("stem.branches.1").out_channels == 12


def test_what_has_no_branches_is_refused() -> None:
    module, example = unsettled(Mixed()), torch.randn(1, 3, 8, 8)
    for layer, count, merge, message in (
        ("stem", 1, "add", "at least 2 branches, but got count=1"),
        ("hidden", 2, "add", "but got a Linear"),
        ("grouped", 5, "concat", "some groups, but 'grouped' has 4 and count=5"),
        ("relu", 2, "concat", "called once on channels, but 'relu' is called 2 times"),
    ):
        with pytest.raises(MorphismError, match=message):
            branched(module, example, layer, count, merge)
