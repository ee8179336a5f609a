"""Candidates: mappings of one layer as columns of numbers, still independent of any design."""

from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from accel_models.mapspace.choices import CORE_DIMS, TILED_DIMS, Tilings, core_tiles, tilings, unrollings
from accel_models.workload import Dim, Layer

CHOICES = ("tiling", "unrolling", "core_tile", "inner_order")
KEEP_OUTPUTS, KEEP_WEIGHTS = 0, 1
_WORDS = ("input_words", "partial_words", "resident_weight_words", "streamed_weight_words",
          "input_visits", "weight_visits")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Candidates:
    """Mappings of one layer as columns; every tensor broadcasts to [B, M] (B designs, M candidates).

    `tile` and `trips` hold one tensor per tiled dimension, `core_tile` one for g, k and c, `axis_dim` one
    per spatial axis (index into `DIMS`); `keeps_weights` tells the inner order; the rest are the off-chip
    words and visits of `choices.Tilings`.
    """

    tile: dict[Dim, Tensor]
    trips: dict[Dim, Tensor]
    axis_dim: tuple[Tensor, ...]
    core_tile: dict[Dim, Tensor]
    keeps_weights: Tensor
    input_words: Tensor
    partial_words: Tensor
    resident_weight_words: Tensor
    streamed_weight_words: Tensor
    input_visits: Tensor
    weight_visits: Tensor

    def to(self, device: torch.device) -> "Candidates":
        """The columns on another device."""
        moved: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, dict):
                moved[field.name] = {dim: column.to(device) for dim, column in value.items()}
            elif isinstance(value, tuple):
                moved[field.name] = tuple(column.to(device) for column in value)
            else:
                moved[field.name] = value.to(device)
        return Candidates(**moved)


@dataclass(frozen=True, slots=True)
class ChoiceTable:
    """All choices of one layer; a candidate is one index into each of them (`CHOICES`)."""

    layer: Layer
    tilings: Tilings
    tile: Tensor
    trips: Tensor
    words: Tensor
    unrollings: Tensor
    core_tiles: Tensor

    @classmethod
    def of(cls, layer: Layer, *, every: bool = False) -> "ChoiceTable":
        """Choices of a layer: the ladders of `choices`, or every tile size there is."""
        found = tilings(layer, every=every)
        words = torch.stack([torch.from_numpy(getattr(found, name)) for name in _WORDS], dim=-1)
        return cls(
            layer=layer,
            tilings=found,
            tile=torch.from_numpy(found.tile),
            trips=torch.from_numpy(found.trips),
            words=words,
            unrollings=torch.from_numpy(unrollings(layer)),
            core_tiles=torch.from_numpy(core_tiles(layer, every=every)),
        )

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Number of options of each choice."""
        return len(self.tilings), len(self.unrollings), len(self.core_tiles), 2

    def candidates(self, tiling: Tensor, unrolling: Tensor, core: Tensor, inner: Tensor) -> Candidates:
        """Candidates of one index a choice; the four index tensors broadcast."""
        tile, trips, words = self.tile[tiling], self.trips[tiling], self.words[tiling]
        cores = self.core_tiles[core]
        return Candidates(
            tile=dict(zip(TILED_DIMS, tile.unbind(-1), strict=True)),
            trips=dict(zip(TILED_DIMS, trips.unbind(-1), strict=True)),
            axis_dim=self.unrollings[unrolling].unbind(-1),
            core_tile=dict(zip(CORE_DIMS, cores.unbind(-1), strict=True)),
            keeps_weights=inner == KEEP_WEIGHTS,
            **dict(zip(_WORDS, words.unbind(-1), strict=True)),
        )
