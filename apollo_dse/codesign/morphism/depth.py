"""Deeper networks that compute the same: identity layers (Net2Deeper), and layers parted into two."""

from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm

from apollo_dse.codesign.morphism.activation import ParametricActivation
from apollo_dse.codesign.morphism.channels import Channels, channels, shape_of
from apollo_dse.codesign.morphism.factors import enough_weights, factorized
from apollo_dse.codesign.morphism.kernel import padding_of
from apollo_dse.codesign.morphism.operations import IDEMPOTENT, IDEMPOTENT_MODULES, activation_of
from apollo_dse.codesign.morphism.surgery import (
    MorphismError,
    Network,
    convolution,
    generator,
    part,
    replaced,
)

FUNCTIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "relu_": nn.ReLU,
    "relu6": nn.ReLU6,
    "hardtanh": nn.Hardtanh,
}
"""Modules that do what idempotent functions do, with their usual limits."""


def deeper(
    module: Network,
    example: Tensor,
    layer: str,
    *,
    kernel: int = 3,
    norm: bool = True,
    activation: nn.Module | None = None,
) -> Network:
    """The network with one more layer behind a layer, its norm and its activation, computing what it did.

    What is inserted is the activation, a convolution that is the identity, and a batch norm that undoes itself
    (Net2Deeper: Chen et al., arXiv 1511.05641, section 2.3); then comes the activation that was there. Behind a
    linear layer it is a linear one.

    Args:
        module: the network, which is left as it is.
        example: inputs, [n, channels, ...]. The norm takes mean and variance of its channels from them, so that
            it is close to the identity in training too, if they are a batch of data.
        layer: convolution or linear layer.
        kernel: size of the new convolution, odd.
        norm: whether a batch norm comes with it.
        activation: between the old layer and the new one, if that is not to be the layer's own: it becomes a
            `ParametricActivation`, which may be of any kind.

    Returns:
        A new network in evaluation mode.

    Raises:
        MorphismError: the layer is unknown, or called more than once; the kernel is even; or no `activation` is
            given and what follows the layer is not an idempotent one alone.
    """
    if kernel < 1 or kernel % 2 == 0:
        raise MorphismError(f"a kernel must be odd to be an identity, but got kernel={kernel}")
    found = channels(module, example)
    place = _place(module, found, layer)
    between = ParametricActivation(deepcopy(activation)) if activation else _own_activation(module, place)
    inserted = _identity(part(module, layer), place.width, kernel)
    steps = [between, inserted]
    if norm:
        steps.append(_undoing_norm(_values(module, example, place.name, between), inserted))
    return replaced(module, place.name, lambda old: nn.Sequential(old, *steps))


@dataclass(frozen=True, slots=True)
class _Place:
    """The end of a layer: the last module before its activation, how wide it is, and what follows."""

    name: str
    width: int
    followers: tuple[fx.Node, ...]


def _place(module: nn.Module, found: Channels, layer: str) -> _Place:
    part(module, layer)
    if found.calls.get(layer, 0) != 1:
        raise MorphismError(
            f"a layer must be called once, but {layer!r} is called {found.calls.get(layer, 0)} times"
        )
    node = next(each for each in found.graph.nodes if each.op == "call_module" and each.target == layer)
    while len(node.users) == 1:
        follower = next(iter(node.users))
        if follower.op != "call_module" or not isinstance(part(module, str(follower.target)), _BatchNorm):
            break
        node = follower
    if found.calls[str(node.target)] != 1:
        raise MorphismError(f"a norm must be called once, but {str(node.target)!r} behind {layer!r} is not")
    shape = shape_of(node)
    assert shape is not None
    return _Place(str(node.target), shape[1], tuple(node.users))


def _own_activation(module: nn.Module, place: _Place) -> nn.Module:
    rule = "without `activation` a layer must be followed by an idempotent one alone, phi(phi(x)) = phi(x)"
    if len(place.followers) != 1:
        raise MorphismError(f"{rule}, but {len(place.followers)} operations follow {place.name!r}")
    found = activation_of(place.followers[0], module)
    if isinstance(found, IDEMPOTENT_MODULES):
        return deepcopy(found)
    if isinstance(found, str) and found in IDEMPOTENT and len(place.followers[0].args) == 1:
        return FUNCTIONS[found]()
    what = found if isinstance(found, str) else type(found).__name__ if found is not None else None
    got = what or f"no activation, {place.followers[0].name},"
    raise MorphismError(f"{rule}, but {got} follows {place.name!r}")


def _identity(layer: nn.Module, width: int, kernel: int) -> nn.Module:
    """A linear map of `width` channels onto themselves, in the layer's number of dimensions."""
    with torch.no_grad():
        if isinstance(layer, nn.Linear):
            linear = nn.Linear(width, width)
            nn.init.eye_(linear.weight)
            nn.init.zeros_(linear.bias)
            return linear
        if not isinstance(layer, nn.Conv2d):
            raise MorphismError(f"a layer must be a Conv2d or a Linear, but got a {type(layer).__name__}")
        new = nn.Conv2d(width, width, kernel, padding=kernel // 2, bias=False)
        nn.init.dirac_(new.weight)
        return new


@torch.no_grad()
def _values(module: nn.Module, example: Tensor, place: str, between: nn.Module) -> Tensor:
    """What the new layer reads when the network reads `example`."""
    caught: list[Tensor] = []
    training = module.training
    handle = part(module, place).register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    try:
        module.eval()(example)
    finally:
        handle.remove()
        module.train(training)
    return between(caught[0].clone())  # type: ignore[no-any-return]


def _undoing_norm(values: Tensor, layer: nn.Module) -> nn.Module:
    """A batch norm with the statistics of `values`, scaled and shifted back to them."""
    new: _BatchNorm = (nn.BatchNorm1d if isinstance(layer, nn.Linear) else nn.BatchNorm2d)(values.shape[1]).to(
        values.dtype
    )
    dims = [dim for dim in range(values.dim()) if dim != 1]
    variance, mean = torch.var_mean(values, dims, correction=0)
    with torch.no_grad():
        for name, value in (("running_mean", mean), ("running_var", variance), ("bias", mean)):
            getattr(new, name).copy_(value)
        new.weight.copy_(torch.sqrt(variance + new.eps))
    return new


def parted(
    module: Network,
    layer: str,
    middle: int,
    *,
    kernels: tuple[int, int] = (3, 1),
    activation: nn.Module | None = None,
    seed: int = 0,
) -> Network:
    """The network with a convolution parted into two, of which it is the product: `G = F2 * F1`.

    Wei et al., arXiv 1603.01670, section 3.2. G is padded by zeros to the size of the product, and F1 and F2
    solved for in turn by least squares. F1 computes a margin as wide as the padding, which F2 consumes without
    padding, so that the borders of images are right too.

    Args:
        module: the network, which is left as it is.
        layer: a convolution without groups and dilation, padded by zeros.
        middle: channels between the two.
        kernels: sizes of F1 and F2, whose product has size `sum(kernels) - 1`.
        activation: between the two, as a `ParametricActivation`.
        seed: of the first guess.

    Returns:
        A new network in evaluation mode.

    Raises:
        MorphismError: the layer is none such; the product is smaller than its kernel, or not odd where that is
            odd; or the two have too few weights to be exact, `max(middle K2^2 - inputs K^2,
            middle K1^2 - outputs K^2) >= 0` with K the product's size.
    """
    old = convolution(module, layer)
    side = _side(old, layer, middle, kernels)
    grown = nn.functional.pad(old.weight.detach().double().cpu(), (side,) * 4)
    weights = factorized(grown, middle, kernels, generator(seed))
    margin = padding_of(old)[0] + side

    def change(found: nn.Module) -> nn.Module:
        assert isinstance(found, nn.Conv2d)
        stride = (found.stride[0], found.stride[1])
        one = nn.Conv2d(found.in_channels, middle, kernels[0], padding=margin, bias=False)
        two = nn.Conv2d(middle, found.out_channels, kernels[1], stride, bias=found.bias is not None)
        for new, weight in zip((one, two), weights, strict=True):
            new.weight = nn.Parameter(weight)
        if found.bias is not None:
            two.bias = nn.Parameter(found.bias.detach().clone())
        between = () if activation is None else (ParametricActivation(deepcopy(activation)),)
        return nn.Sequential(one, *between, two)

    return replaced(module, layer, change)


def _side(old: nn.Module, layer: str, middle: int, kernels: tuple[int, int]) -> int:
    """Zeros on each side of the filter that make it as large as the product."""
    if not isinstance(old, nn.Conv2d) or old.groups > 1 or old.padding_mode != "zeros":
        raise MorphismError(f"a layer must be a Conv2d without groups, padded by zeros, but {layer!r} is {old}")
    if set(old.dilation) != {1} or len(set(old.kernel_size)) > 1 or len(set(padding_of(old))) > 1:
        raise MorphismError(f"a layer must be square, without dilation, but {layer!r} is {old}")
    size, now = sum(kernels) - 1, old.kernel_size[0]
    if min(kernels) < 1 or size < now or (size - now) % 2:
        rule = "two kernels must make a product as large as the layer's, or larger by an even number"
        raise MorphismError(f"{rule}, but {layer!r} has {now} and kernels={kernels} make {size}")
    if not enough_weights(old.out_channels, old.in_channels, size, middle, kernels):
        rule = "one of the two layers must have as many weights as the filter of their product"
        shapes = (
            f"{old.out_channels} x {old.in_channels} x {size} x {size} with middle={middle}, kernels={kernels}"
        )
        raise MorphismError(f"{rule}, but got {shapes}")
    return (size - now) // 2
