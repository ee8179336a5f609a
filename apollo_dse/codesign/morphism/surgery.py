"""Networks are changed in copies: what is shared by all transformations."""

from collections.abc import Callable
from copy import deepcopy
from typing import TypeGuard, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from search_spaces.quantity import nearest_name

Network = TypeVar("Network", bound=nn.Module)


class MorphismError(ValueError):
    """A transformation does not apply; the message says which rule is broken, and by what."""


def copied(module: Network) -> Network:
    """A copy in evaluation mode that shares no weight with `module`."""
    return deepcopy(module).eval()


def part(module: nn.Module, name: str) -> nn.Module:
    """The submodule of that name.

    Raises:
        MorphismError: there is none; the message has the nearest name.
    """
    known: dict[str, nn.Module] = dict(module.named_modules(remove_duplicate=False))
    if not name or name not in known:
        raise MorphismError(f"a layer must be a submodule, but got {name!r}{nearest_name(name, tuple(known))}")
    return known[name]


def convolution(module: nn.Module, name: str) -> _ConvNd:
    """The convolution of that name.

    Raises:
        MorphismError: there is no such submodule, or it is no convolution (transposed ones are none here).
    """
    found = part(module, name)
    if not is_convolution(found):
        raise MorphismError(f"{name!r} must be a convolution, but is a {type(found).__name__}")
    return found


def is_convolution(module: nn.Module) -> TypeGuard[_ConvNd]:
    """Whether it is a convolution of one, two or three dimensions, not a transposed one."""
    return isinstance(module, _ConvNd) and not isinstance(module, _ConvTransposeNd)


def replaced(module: Network, name: str, change: Callable[[nn.Module], nn.Module]) -> Network:
    """A copy of `module` in which `change` has taken the place of the submodule that it is given.

    Raises:
        MorphismError: there is no such submodule, or it is called by other names too.
    """
    new = copied(module)
    old = part(new, name)
    names = [each for each, found in new.named_modules(remove_duplicate=False) if found is old]
    if len(names) > 1:
        raise MorphismError(f"a submodule must have one name to be replaced, but got {', '.join(names)}")
    put = change(old).eval()
    like = next((each for each in module.parameters() if each.is_floating_point()), None)
    new.set_submodule(name, put if like is None else put.to(like.device, like.dtype))
    return new


def generator(seed: int) -> torch.Generator:
    """A random stream of its own, the same on every device."""
    return torch.Generator().manual_seed(seed)


def normal_like(values: Tensor, spread: Tensor | float, random: torch.Generator) -> Tensor:
    """Normal numbers in the shape, type and place of `values`, of deviation `spread`."""
    drawn = torch.randn(values.shape, generator=random, dtype=torch.float64)
    return drawn.to(values) * spread
