"""Which channels are the same channels: axes of tensors in segments, merged where tensors meet."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a tensor's channels: those of a group, each there `inner` times in a row.

    `inner` is 1 behind a convolution, the number of pixels behind a flattening, the multiplier behind a
    depthwise convolution.
    """

    group: int
    inner: int = 1


Axis = tuple[Segment, ...]
"""The channels of a tensor, which is its second dimension: segments one behind the other."""


@dataclass(frozen=True, slots=True)
class Group:
    """Channels that many layers have in common.

    Attributes:
        width: how many.
        blocks: into how many equal blocks grouped convolutions part them.
        fixed_because: why their number cannot change, or None.
    """

    width: int
    blocks: int = 1
    fixed_because: str | None = None


class Groups:
    """Groups of channels, as they are found; merged ones go by the name of any of them."""

    def __init__(self) -> None:
        self._known: list[Group] = []
        self._parent: list[int] = []

    def new(self, width: int, fixed_because: str | None = None) -> Axis:
        """An axis of one new group."""
        self._known.append(Group(width, 1, fixed_because))
        self._parent.append(len(self._parent))
        return (Segment(len(self._parent) - 1),)

    def root(self, group: int) -> int:
        """The one name of a group and all that were merged with it."""
        while self._parent[group] != group:
            group = self._parent[group]
        return group

    def __getitem__(self, group: int) -> Group:
        return self._known[self.root(group)]

    def resolved(self, axis: Axis) -> Axis:
        """The axis, every group by its one name."""
        return tuple(Segment(self.root(segment.group), segment.inner) for segment in axis)

    def size(self, axis: Axis) -> int:
        """Number of channels."""
        return sum(self[segment.group].width * segment.inner for segment in axis)

    def fix(self, axis: Axis, because: str) -> None:
        """Keep the number of channels from now on; the first reason stays."""
        for segment in axis:
            self._change(segment.group, because=because)

    def part(self, axis: Axis, count: int, because: str) -> None:
        """Let a convolution of `count` groups part the channels; those of concatenations cannot change then."""
        if len(axis) == 1 and self[axis[0].group].width % count == 0:
            self._change(axis[0].group, blocks=count)
        elif count > 1:
            self.fix(axis, because)

    def merge(self, axes: Sequence[Axis], because: str) -> Axis:
        """The axis of tensors that meet channel by channel; all are fixed where their segments do not."""
        first = axes[0]
        for other in axes[1:]:
            if self._shape(first) != self._shape(other):
                self.fix(first, because)
                self.fix(other, because)
                continue
            for one, two in zip(first, other, strict=True):
                self._join(one.group, two.group)
        return first

    def _shape(self, axis: Axis) -> list[tuple[int, int]]:
        return [(self[segment.group].width, segment.inner) for segment in axis]

    def _join(self, one: int, two: int) -> None:
        kept, gone = self.root(one), self.root(two)
        if kept != gone:
            self._parent[gone] = kept
            merged = self._known[gone]
            self._change(kept, merged.blocks, merged.fixed_because)

    def _change(self, group: int, blocks: int = 1, because: str | None = None) -> None:
        root = self.root(group)
        old = self._known[root]
        self._known[root] = Group(old.width, lcm(old.blocks, blocks), old.fixed_because or because)
