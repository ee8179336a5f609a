"""Deeper networks compute what they did: identities behind activations, and products of two filters."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from apollo_dse.codesign.morphism import MorphismError, ParametricActivation, deeper, parted
from apollo_dse.codesign.morphism.factors import factorized, product
from tests.apollo_dse.codesign.morphism.subjects import build, kept


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mixed", "stem"),  # norm, then an activation that is called elsewhere too
        ("mixed", "grouped"),  # a function
        ("bottlenecks", "2.steps.1.0"),
        ("preactivated", "2.steps.0.0"),
        ("mobilenet_v2", "3.steps.1.0"),  # depthwise, ReLU6
    ],
)
@pytest.mark.parametrize("norm", [False, True])
def test_an_identity_goes_behind_an_idempotent_activation(name: str, layer: str, norm: bool) -> None:
    old, example = build(name)
    new = kept(old, example, lambda net, x: deeper(net, x, layer, norm=norm))
    added = len(list(new.parameters())) - len(list(old.parameters()))
    assert added == (3 if norm else 1)


@pytest.mark.parametrize(
    ("name", "layer", "what"),
    [
        ("mixed", "silent", "no activation, add, follows"),
        ("mixed", "hidden", "tanh follows"),
        ("mixed", "head", "output"),
        ("mobilenet_v3", "0.0", "Hardswish follows"),
    ],
)
def test_behind_others_it_needs_an_activation_that_begins_as_the_identity(
    name: str, layer: str, what: str
) -> None:
    old, example = build(name)
    with pytest.raises(MorphismError, match=f"must be followed by an idempotent one alone.*{what}"):
        deeper(old, example, layer)
    new = kept(old, example, lambda net, x: deeper(net, x, layer, activation=nn.SiLU()))
    assert any(isinstance(each, ParametricActivation) for each in new.modules())


def test_the_norm_has_the_statistics_of_what_it_reads() -> None:
    """So in training mode, on the same batch, it is the identity too."""
    old, example = build("resnet")
    new = deeper(old, example, "2.steps.0.0")
    new.get_submodule("2.steps.0.1.3").train()
    with torch.no_grad():
        assert torch.allclose(new(example), old(example), atol=1e-4)


def test_a_second_layer_goes_behind_the_first_that_was_added() -> None:
    old, example = build("resnet")
    kept(old, example, lambda net, x: deeper(deeper(net, x, "2.steps.0.0"), x, "2.steps.0.1.2", kernel=1))


def test_activations_become_what_they_are_from_the_identity() -> None:
    phi = ParametricActivation(nn.SiLU())
    x = torch.randn(5)
    assert torch.equal(phi(x), x)
    with torch.no_grad():
        phi.identity_share.zero_()
    assert torch.equal(phi(x), nn.functional.silu(x))


def test_even_kernels_and_layers_called_twice_are_refused() -> None:
    module, example = build("mixed")
    with pytest.raises(MorphismError, match="must be odd to be an identity, but got kernel=2"):
        deeper(module, example, "stem", kernel=2)
    with pytest.raises(MorphismError, match="must be called once, but 'relu' is called 2 times"):
        deeper(module, example, "relu")


@pytest.mark.parametrize(
    ("layer", "middle", "kernels", "activation"),
    [
        ("0.0", 8, (5, 1), nn.ReLU()),  # 5 x 5, stride 2, no bias
        ("2.steps.0.0", 72, (1, 3), nn.SiLU()),
        ("2.steps.0.0", 23, (3, 3), None),  # grows to 5 x 5, and F2 makes up for any F1
        ("3.shortcut.0", 16, (3, 1), None),  # grows from 1 x 1, stride 2
    ],
)
def test_a_convolution_is_the_product_of_two(
    layer: str, middle: int, kernels: tuple[int, int], activation: nn.Module | None
) -> None:
    old, example = build("resnet")
    new = kept(
        old, example, lambda net, _: parted(net, layer, middle, kernels=kernels, activation=activation, seed=1)
    )
    assert new.get_submodule(layer)[0].out_channels == middle


@pytest.mark.parametrize(("middle", "kernels"), [(4, (3, 1)), (27, (1, 3)), (17, (3, 3)), (12, (3, 3))])
def test_filters_are_products_by_the_law_of_convolution(middle: int, kernels: tuple[int, int]) -> None:
    random = torch.Generator().manual_seed(0)
    size = sum(kernels) - 1
    filters = torch.randn((4, 3, size, size), generator=random, dtype=torch.float64)
    one, two = factorized(filters, middle, kernels, random)
    assert torch.allclose(product(one, two), filters)
    images = torch.randn((2, 3, 9, 9), generator=random, dtype=torch.float64)
    assert torch.allclose(conv2d(conv2d(images, one), two), conv2d(images, filters))


def test_what_is_no_product_is_refused() -> None:
    module, _ = build("mixed")
    for layer, middle, kernels, message in (
        (
            "stem",
            2,
            (3, 1),
            "as many weights as the filter of their product, but got 8 x 3 x 3 x 3 with middle=2",
        ),
        ("stem", 8, (2, 1), "'stem' has 3 and kernels=.2, 1. make 2"),
        ("grouped", 9, (3, 1), "without groups"),
        ("hidden", 9, (3, 1), "must be a convolution, but is a Linear"),
    ):
        with pytest.raises(MorphismError, match=message):
            parted(module, layer, middle, kernels=kernels)
    with pytest.raises(MorphismError, match="50 rounds left an error"):
        factorized(torch.randn(4, 4, 3, 3).double(), 2, (3, 1), torch.Generator())
