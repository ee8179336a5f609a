"""What networks may be chosen: `NetworkSpace`, a space whose points become workloads and torch modules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accel_models import Workload
from search_spaces.networks.graph import Graph
from search_spaces.space import Point, SearchSpace

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, slots=True)
class NetworkSpace:
    """A space of networks.

    `build` turns a point of `space` into a `Workload`, without torch. `module` makes the network that computes,
    a `torch.nn.Module` whose trace is that workload; None where there is none. Its input has `input_shape`, or,
    where that is up to the point, the shape that `shaped` gives (`shape_of`); it is numbers of tokens below
    `vocabulary` where there is one, else images. `graph` draws the network.
    `reference` says where the space comes from, `notes` what in it is interpretation. `presets` are named
    points; the first is the network that is taken where none is chosen. `label` is the column by which
    published tables name networks of the space, and `named` the point of such a name; without them a table has
    a column for each parameter.

    Raises:
        ValueError: there is no preset, or only one of `label` and `named` is given.
    """

    name: str
    space: SearchSpace
    build: Callable[[Point], Workload]
    reference: str
    presets: Mapping[str, Point] = field(hash=False)
    input_shape: tuple[int, ...]
    module: "Callable[[Point], nn.Module] | None" = None
    graph: Callable[[Point], Graph] | None = None
    notes: str = ""
    label: str | None = None
    named: Callable[[str], Point] | None = None
    shaped: Callable[[Point], tuple[int, ...]] | None = None
    vocabulary: int | None = None

    def __post_init__(self) -> None:
        if not self.presets:
            raise ValueError(f"a space of networks must have a preset, but {self.name!r} has none")
        if (self.label is None) != (self.named is None):
            raise ValueError(f"`label` and `named` go together, but {self.name!r} has only one of them")

    @property
    def usual(self) -> Point:
        """The network that is taken where none is chosen: the first preset."""
        return next(iter(self.presets.values()))

    def shape_of(self, point: Point) -> tuple[int, ...]:
        """Shape of what a network reads: an image (1, channels, rows, columns), or tokens (1, length)."""
        return self.input_shape if self.shaped is None else self.shaped(point)
