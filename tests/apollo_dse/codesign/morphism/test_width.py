"""Wider networks compute what they did, whatever channels are tied to."""

from copy import deepcopy

import pytest
import torch
from torch import nn

from apollo_dse.codesign.morphism import MorphismError, channels, wider
from tests.apollo_dse.codesign.morphism.subjects import build, build_whole, difference, kept

NETWORKS = ("mixed", "resnet", "bottlenecks", "preactivated", "mobilenet_v2", "mobilenet_v3")


@pytest.mark.parametrize("fill", ["replicate", "zero"])
@pytest.mark.parametrize("name", NETWORKS)
def test_all_free_channels_grow_and_nothing_changes(name: str, fill: str) -> None:
    old, example = build(name)
    found = channels(old, example)
    layers = list(found.free)
    for layer in layers[:3] + layers[3::5]:
        segment = found.written(layer)
        group = found.groups[segment.group]
        width = (group.width + 2 * group.blocks) * segment.inner
        new = kept(old, example, lambda net, x: wider(net, x, layer, width, fill=fill, seed=3))  # noqa: B023
        grown = new.get_submodule(layer)
        assert (grown.out_features if isinstance(grown, nn.Linear) else grown.out_channels) == width
    assert len(layers) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v2", "mobilenet_v3", "densenet"])
def test_networks_of_the_zoo_grow(name: str) -> None:
    old, example = build_whole(name)
    layers = list(channels(old, example).free)
    for layer in layers[:: len(layers) // 4]:
        width = old.get_submodule(layer).weight.shape[0] + 8
        kept(old, example, lambda net, x: wider(net, x, layer, width))  # noqa: B023


def test_growing_again_and_again() -> None:
    old, example = build("mobilenet_v3")

    def grown(net: nn.Module, x: torch.Tensor) -> nn.Module:
        for seed, layer in enumerate(list(channels(net, x).free)[:3]):
            net = wider(net, x, layer, 150, seed=seed)
        return net

    kept(old, example, grown)


def test_what_is_added_shares_channels() -> None:
    """The four writers of a stage of two blocks with a projection: stem of the stage, its sum, the next sum."""
    module, example = build("bottlenecks")
    found = channels(module, example)
    writers = [use.layer for use in found.along(found.written("2.shortcut.0").group) if use.role == "writes"]
    assert writers == ["2.steps.2.0", "2.shortcut.0", "3.steps.2.0"]


def test_gates_share_the_channels_that_they_gate() -> None:
    module, example = build("mobilenet_v3")
    gated = next(name for name, each in module.named_modules() if type(each).__name__ == "SqueezeExcite")
    found = channels(module, example)
    uses = {use.layer: use.role for use in found.along(found.written(f"{gated}.expand").group)}
    assert uses[f"{gated}.reduce"] == "reads"
    assert "carries" in uses.values()


def test_replication_draws_by_the_seed_and_leaves_the_network_alone() -> None:
    old, example = build("mixed")
    before = deepcopy(old.state_dict())
    one, again, other = (wider(old, example, "stem", 24, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.stem.weight, again.stem.weight)
    assert not torch.equal(one.stem.weight, other.stem.weight)
    assert all(torch.equal(before[name], value) for name, value in old.state_dict().items())
    assert torch.equal(one.stem.weight[:2], old.stem.weight[:2])  # the first of four blocks


def test_noise_makes_copies_different() -> None:
    old, example = build("mixed")
    new = wider(old, example, "stem", 16, noise=0.1, seed=0)
    exact = wider(old, example, "stem", 16, seed=0)
    assert not torch.equal(new.stem.weight, exact.stem.weight)
    assert difference(old, new, example) > 1e-5


@pytest.mark.parametrize(
    ("layer", "width", "message"),
    [
        ("stem", 10, "must be a multiple of 4.*but got width=10"),
        ("stem", 4, "can only become wider, but 'stem' has 8"),
        ("head", 20, "not: they are the network's output"),
        ("steam", 8, "did you mean 'stem'"),
        ("relu", 8, "must write channels, but 'relu'"),
    ],
)
def test_what_cannot_grow_is_refused(layer: str, width: int, message: str) -> None:
    module, example = build("mixed")
    with pytest.raises(MorphismError, match=message):
        wider(module, example, layer, width)


class Shuffled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Conv2d(3, 8, 1), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 4, 1)
        self.scale = nn.Parameter(torch.ones(1, 8, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, _, h, w = x.shape
        y = self.two(self.one(x) * self.scale)
        return self.three(y.view(n, 2, 4, h, w).transpose(1, 2).reshape(n, 8, h, w)).view(n, 4 * h * w)


def test_what_is_not_understood_is_named() -> None:
    module, example = Shuffled(), torch.randn(1, 3, 4, 4)
    for layer, reason in (("two", "they go through view"), ("one", "scale is used by the network's code")):
        with pytest.raises(MorphismError, match=reason):
            wider(module, example, layer, 16)


class Undecided(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


def test_ways_that_depend_on_data_are_refused() -> None:
    with pytest.raises(MorphismError, match=r"traceable by torch.fx.*Undecided is not"):
        channels(Undecided(), torch.ones(1, 2))
