"""Small PE arrays, and any mapping of the mapspace on them, for tests of the dataflow."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from accel_models import Accelerator, Layer, Mapping
from accel_models.mapspace import kernel
from accel_models.mapspace.designs import Designs, offers, stack
from accel_models.mapspace.front import Array, Index, Mapspace, mapspace
from accel_models.mapspace.price import step_prices
from accel_models.mapspace.record import mapping_record
from accel_models.mapspace.structure import kind
from accel_models.pricing import Residency, StepPrices
from accel_models.templates.edge import PRESETS, build_edge
from accel_models.workload import canonical


def accelerator(pe_x: int, pe_y: int, cores: int, lanes: int) -> Accelerator:
    return build_edge({**PRESETS["edge-tpu-v1"], "pe_x": pe_x, "pe_y": pe_y, "cores": cores, "lanes": lanes})


def choice(space: Mapspace, drawn: list[int]) -> Index:
    """A mapping of the mapspace from any whole numbers, one for each of `kernel.CHOICES`."""
    tiling = drawn[0] % len(space.tilings)
    axes = [drawn[1 + i] % len(space.dims[max(0, i - 1)]) for i in range(5)]
    dims = [int(space.dims[max(0, i - 1)][at]) for i, at in enumerate(axes)]
    tile = space.columns[0][tiling]
    passes = [
        2 ** (drawn[6 + i] % (int(tile[d]).bit_length() + 1))
        for i, d in enumerate((kernel.G, kernel.K, kernel.C))
    ]
    return np.array([tiling, *dims, *passes, drawn[9] % 2], dtype=np.int64)


@dataclass(frozen=True)
class Case:
    """One mapping of a layer on one design."""

    layer: Layer
    design: Accelerator
    choice: Index

    @classmethod
    def of(cls, layer: Layer, drawn: list[int], design: Accelerator) -> "Case":
        return cls(layer, design, choice(mapspace(canonical(layer)), drawn))

    @property
    def space(self) -> Mapspace:
        return mapspace(canonical(self.layer))

    @property
    def designs(self) -> Designs:
        return stack([self.design])

    @property
    def mapping(self) -> Mapping:
        return mapping_record(self.space, self.choice, self.design)

    @property
    def tallies(self) -> dict[str, float]:
        return dict(zip(kernel.TALLIES, self._tallies()[0].tolist(), strict=True))

    def _tallies(self) -> Array:
        designs = self.designs
        return self.space.tallies(designs.axes, designs.widths, self.choice[None])

    @property
    def features(self) -> Tensor:
        structure, _ = kind(int(self.designs.kinds[0]))
        return torch.from_numpy(self.space.features(structure, self.choice[None]))

    def prices(self, residency: Residency = Residency()) -> StepPrices:  # noqa: B008 - frozen
        columns = self.designs.columns
        offered = offers(columns)
        tallies = torch.from_numpy(self._tallies())
        return step_prices(self.layer, columns, offered, residency, self.features, tallies)
