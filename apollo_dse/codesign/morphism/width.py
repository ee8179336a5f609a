"""Wider layers that compute the same: channels replicated (Net2Wider), or new ones that nothing hears yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from apollo_dse.codesign.morphism.axes import Axis, Group
from apollo_dse.codesign.morphism.channels import Channels, Use, channels
from apollo_dse.codesign.morphism.surgery import MorphismError, Network, copied, generator, normal_like, part

Filling = Literal["replicate", "zero"]


@dataclass(frozen=True, slots=True, eq=False)
class Growth:
    """Where the channels of a wider axis come from.

    Attributes:
        source: the old channel of every new one, [q]; of fresh ones any.
        share: of what readers weigh the old channel with, the share that is left to the new one, [q].
        fresh: whether a channel is new and no copy, [q].
        copy: whether a channel is the second or a later copy, [q].
    """

    source: Tensor
    share: Tensor
    fresh: Tensor
    copy: Tensor

    def repeated(self, inner: int) -> "Growth":
        """The same when each channel is there `inner` times in a row."""
        offsets = torch.arange(inner)
        source = (self.source[:, None] * inner + offsets).flatten()
        others = (each.repeat_interleave(inner) for each in (self.share, self.fresh, self.copy))
        return Growth(source, *others)

    def within(self, block: slice, start: int) -> "Growth":
        """The part of the new channels in `block`, whose old ones begin at `start`."""
        return Growth(self.source[block] - start, self.share[block], self.fresh[block], self.copy[block])


def wider(
    module: Network,
    example: Tensor,
    layer: str,
    width: int,
    *,
    fill: Filling = "replicate",
    noise: float = 0.0,
    seed: int = 0,
) -> Network:
    """The network with more channels behind a layer, computing what it did in evaluation mode.

    All that is tied to the layer's channels grows along: norms and depthwise convolutions behind it, layers
    whose outputs are added to its own, gates, and what reads it.

    Args:
        module: the network, which is left as it is.
        example: an input, [n, channels, ...]; only its shape and type matter.
        layer: the convolution or linear layer that writes the channels.
        width: channels that it writes then.
        fill: "replicate" draws old channels to be there again, and readers share their weights among the copies
            (Net2Wider: Chen et al., arXiv 1511.05641, section 2.2); "zero" adds channels of random weights that
            readers weigh by zero (Wei et al., arXiv 1603.01670, section 3.1).
        noise: deviation of what is added to the weights of copies, in deviations of the layer's weights, so
            that copies become different; 0 keeps what is computed exactly.
        seed: of what is drawn.

    Returns:
        A new network in evaluation mode.

    Raises:
        MorphismError: the layer is unknown, its channels cannot change in number, or not to this width.
    """
    if noise < 0:
        raise MorphismError(f"`noise >= 0` must hold, but got noise={noise}")
    part(module, layer)
    found = channels(module, example)
    segment = found.written(layer)
    group = found.groups[segment.group]
    _check(layer, group, segment.inner, width)
    random = generator(seed)
    growth = _growth(group, width // segment.inner, fill, random)
    new = copied(module)
    with torch.no_grad():
        for use in found.along(segment.group):
            axis = _along(use.axis, segment.group, growth, found)
            _grow(part(new, use.layer), use, axis, noise, random)
    return new


def _check(layer: str, group: Group, inner: int, width: int) -> None:
    if group.fixed_because is not None:
        raise MorphismError(
            f"channels must be free to grow, but those of {layer!r} are not: {group.fixed_because}"
        )
    now, step = group.width * inner, group.blocks * inner
    if width < now:
        raise MorphismError(
            f"a layer can only become wider, but {layer!r} has {now} channels and width={width}"
        )
    if width % step:
        raise MorphismError(
            f"the width of {layer!r} must be a multiple of {step}, by its groups, but got width={width}"
        )


def _growth(group: Group, width: int, fill: Filling, random: torch.Generator) -> Growth:
    """The old channels of every block first, then the new ones of the block."""
    old, new = group.width // group.blocks, width // group.blocks
    sources, shares = [], []
    for block in range(group.blocks):
        drawn = torch.randint(old, (new - old,), generator=random)
        source = torch.cat((torch.arange(old), drawn))
        counts = torch.bincount(source, minlength=old)
        sources.append(source + block * old)
        shares.append(1.0 / counts[source].double())
    late = (torch.arange(new) >= old).repeat(group.blocks)
    if fill == "zero":
        return Growth(torch.cat(sources), (~late).double(), late, torch.zeros_like(late))
    return Growth(torch.cat(sources), torch.cat(shares), torch.zeros_like(late), late)


def _along(axis: Axis, group: int, growth: Growth, found: Channels) -> Growth:
    """The growth of a whole axis, in some of whose segments the group's channels are."""
    parts: list[Growth] = []
    start = 0
    for segment in axis:
        count = found.groups[segment.group].width
        of_segment = growth if segment.group == group else _unchanged(count)
        of_segment = of_segment.repeated(segment.inner)
        parts.append(Growth(of_segment.source + start, of_segment.share, of_segment.fresh, of_segment.copy))
        start += count * segment.inner
    names = ("source", "share", "fresh", "copy")
    return Growth(*(torch.cat([getattr(each, name) for each in parts]) for name in names))


def _unchanged(count: int) -> Growth:
    no = torch.zeros(count, dtype=torch.bool)
    return Growth(torch.arange(count), torch.ones(count, dtype=torch.float64), no, no)


def _grow(layer: nn.Module, use: Use, growth: Growth, noise: float, random: torch.Generator) -> None:
    """Change the parameters of one layer along one axis."""
    if use.role == "reads":
        _read(layer, growth)
    elif isinstance(layer, _BatchNorm):
        _norm(layer, growth)
    elif use.role == "carries" and isinstance(layer, _ConvNd):
        multiplier = layer.out_channels // layer.in_channels
        layer.groups = layer.in_channels = len(growth.source)
        _write(layer, growth.repeated(multiplier), noise, random)
    else:
        _write(layer, growth, noise, random)


def _write(layer: nn.Module, growth: Growth, noise: float, random: torch.Generator) -> None:
    """Rows of the weights, and biases, by their sources; fresh ones are drawn."""
    for name in ("weight", "bias"):
        old = getattr(layer, name, None)
        if old is None:
            continue
        new = old[growth.source.to(old.device)]
        spread = old.std(correction=0)
        fresh, copy = growth.fresh.to(old.device), growth.copy.to(old.device)
        new[fresh] = normal_like(new[fresh], spread if name == "weight" else 0.0, random)
        if noise and name == "weight":
            new[copy] += normal_like(new[copy], noise * spread, random)
        setattr(layer, name, nn.Parameter(new, requires_grad=old.requires_grad))
    _resize(layer, ("out_channels", "out_features", "num_parameters"), len(growth.source))


def _norm(layer: _BatchNorm, growth: Growth) -> None:
    """Affine and running statistics of every channel by their sources; fresh channels are as they are."""
    neutral = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}
    for name, value in neutral.items():
        old = getattr(layer, name)
        if old is None:
            continue
        new = old[growth.source.to(old.device)]
        new[growth.fresh.to(old.device)] = value
        is_parameter = isinstance(old, nn.Parameter)
        setattr(layer, name, nn.Parameter(new, requires_grad=old.requires_grad) if is_parameter else new)
    layer.num_features = len(growth.source)


def _read(layer: nn.Module, growth: Growth) -> None:
    """Columns of the weights by their sources, each with its share."""
    blocks = layer.groups if isinstance(layer, _ConvNd) else 1
    old = layer.weight
    assert isinstance(old, Tensor)
    rows, width = len(old) // blocks, len(growth.source) // blocks
    parts = []
    for block in range(blocks):
        columns = growth.within(slice(block * width, (block + 1) * width), block * old.shape[1])
        share = columns.share.to(old).reshape(1, -1, *(1,) * (old.dim() - 2))
        parts.append(old[block * rows : (block + 1) * rows][:, columns.source.to(old.device)] * share)
    layer.weight = nn.Parameter(torch.cat(parts), requires_grad=old.requires_grad)
    _resize(layer, ("in_channels", "in_features"), len(growth.source))


def _resize(layer: nn.Module, names: Sequence[str], size: int) -> None:
    for name in names:
        if hasattr(layer, name):
            setattr(layer, name, size)
