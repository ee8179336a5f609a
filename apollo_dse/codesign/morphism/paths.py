"""One layer becomes several branches that compute the same (Cai et al., arXiv 1806.02639, section 3.1).

What branches are given, and how their results are merged, follows from the layer:

    any, added                      each sees all and computes all, and the mean is taken
    dense convolution, concatenated each sees all and computes some of the outputs
    grouped one, concatenated       each sees and has some of the groups, the input is split
    others, concatenated            each sees and has some of the channels, the input is split

A branch is a submodule like any other: it can be branched again, deepened and widened.
"""

from collections.abc import Sequence
from copy import deepcopy
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from apollo_dse.codesign.morphism.channels import channels, shape_of
from apollo_dse.codesign.morphism.operations import CARRYING_MODULES
from apollo_dse.codesign.morphism.surgery import MorphismError, Network, is_convolution, part, replaced

Merge = Literal["add", "concat"]


class Add(nn.Module):
    """The mean of what branches make of the same input."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """The shape of a branch's output."""
        total = self.branches[0](x)
        for branch in self.branches[1:]:
            total = total + branch(x)
        mean: Tensor = total / len(self.branches)
        return mean


class Concat(nn.Module):
    """What branches make of the same input, channels one behind the other."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(n, the sum of the branches' channels, ...)."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class SplitConcat(nn.Module):
    """What branches make of their share of the input's channels, one behind the other."""

    def __init__(self, branches: Sequence[nn.Module], widths: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.widths = list(widths)

    def forward(self, x: Tensor) -> Tensor:
        """(n, the sum of the branches' channels, ...), of x (n, the sum of `widths`, ...)."""
        shares = torch.split(x, self.widths, dim=1)
        return torch.cat([branch(shares[i]) for i, branch in enumerate(self.branches)], dim=1)


def branched(module: Network, example: Tensor, layer: str, count: int, merge: Merge) -> Network:
    """The network with a layer in several branches, computing what it did.

    Args:
        module: the network, which is left as it is.
        example: an input, [n, channels, ...]; only its shape and type matter.
        layer: a convolution, or one that treats every channel alike.
        count: branches, at least 2; they are called `{layer}.branches.0` and so on.
        merge: "add" (Replication-Add) or "concat" (Split-Concat).

    Returns:
        A new network in evaluation mode.

    Raises:
        MorphismError: the layer is none such, or has too few channels or groups for so many branches.
    """
    if count < 2:
        raise MorphismError(f"there must be at least 2 branches, but got count={count}")
    old = part(module, layer)
    if not (is_convolution(old) or isinstance(old, (_BatchNorm, nn.Identity, *CARRYING_MODULES))):
        raise MorphismError(
            f"a layer must be a convolution or treat channels alike, but got a {type(old).__name__}"
        )
    if merge == "add":
        return replaced(module, layer, lambda found: Add([deepcopy(found) for _ in range(count)]))
    if isinstance(old, _ConvNd) and old.groups == 1:
        widths = _shares(layer, "outputs", old.out_channels, count)
        return replaced(module, layer, lambda found: Concat(_parts(found, widths, 1)))
    if isinstance(old, _ConvNd):
        groups = _shares(layer, "groups", old.groups, count)
        widths = [each * (old.in_channels // old.groups) for each in groups]
        rows = [each * (old.out_channels // old.groups) for each in groups]
        return replaced(module, layer, lambda found: SplitConcat(_parts(found, rows, old.groups), widths))
    widths = _shares(layer, "channels", _width(module, example, layer), count)
    return replaced(module, layer, lambda found: SplitConcat(_parts(found, widths, 1), widths))


def _shares(layer: str, what: str, total: int, count: int) -> list[int]:
    """As equal as whole numbers can be, the larger ones first."""
    if total < count:
        raise MorphismError(f"every branch must have some {what}, but {layer!r} has {total} and count={count}")
    return [total // count + (i < total % count) for i in range(count)]


def _width(module: nn.Module, example: Tensor, layer: str) -> int:
    """Channels of what a layer computes in its only call."""
    nodes = [each for each in channels(module, example).graph.nodes if each.op == "call_module"]
    shapes = [shape_of(node) for node in nodes if node.target == layer]
    if len(shapes) != 1 or shapes[0] is None or len(shapes[0]) < 2:
        raise MorphismError(
            f"a layer must be called once on channels, but {layer!r} is called {len(shapes)} times"
        )
    return shapes[0][1]


def _parts(layer: nn.Module, rows: Sequence[int], groups: int) -> list[nn.Module]:
    """The layer in parts, of so many rows of its parameters each."""
    stops = [sum(rows[: i + 1]) for i in range(len(rows))]
    return [_part(layer, slice(stop - count, stop), groups) for stop, count in zip(stops, rows, strict=True)]


@torch.no_grad()
def _part(layer: nn.Module, rows: slice, groups: int) -> nn.Module:
    """A copy of the layer with some of its channels."""
    new = deepcopy(layer)
    for name, value in (*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)):
        if value.dim() >= 1 and len(value) > 1:
            kept = value[rows].clone()
            is_parameter = isinstance(value, nn.Parameter)
            setattr(new, name, nn.Parameter(kept, requires_grad=value.requires_grad) if is_parameter else kept)
    count = rows.stop - rows.start
    if isinstance(new, _ConvNd):
        if groups > 1:
            new.groups = count * groups // new.out_channels
            new.in_channels = new.in_channels * new.groups // groups
        new.out_channels = count
    elif isinstance(new, _BatchNorm):
        new.num_features = count
    return new
