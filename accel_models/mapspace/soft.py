"""The soft minimum over mappings of fronts, smooth in the parameters of designs (see `accel_models.slopes`).

A front has the mappings that are best on some design of its structure. Where PE columns and rows are alike it
has one of each two mappings that differ in which of the two is which; here both stand, since more columns may
help one and not the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.mapspace.designs import Columns, Designs, offers, structures
from accel_models.mapspace.front import Array, Index
from accel_models.mapspace.kernel import PE_X, PE_Y
from accel_models.mapspace.pool import Pool
from accel_models.mapspace.price import Prices, costs
from accel_models.mapspace.structure import AXIS_SIZES, Room
from accel_models.pricing import Goal, Residency
from accel_models.ranges import Column
from accel_models.slopes import Softness, Tangent
from accel_models.workload import Layer

SHARES: dict[Goal, tuple[float, float]] = {"latency": (1.0, 0.0), "energy": (0.0, 1.0), "edp": (0.5, 0.5)}
"""Exponents of latency and energy in what a goal minimizes, up to a power: what is softened of each."""


KEPT = 32
"""Mappings of a front that a soft minimum is taken over, the least ones; others weigh next to nothing."""

TIE = 1e-9
"""Weight of the product of latency and energy where mappings that are alike for the goal are ranked."""


@dataclass(frozen=True)
class SoftDesigns:
    """n designs whose numbers are powers of d parameters.

    Attributes:
        exact: the designs as they are.
        columns: as they follow from `logs`, differentiable.
        logs: logarithms of the parameters over those of `exact`, [n, d].
        halves: `structures` of the designs with one parameter halved, axes ordered as of `exact`, [n, d, x].
        doubles: the same with one doubled.
        spans: `Tangent.spans`.
    """

    exact: Designs
    columns: Columns
    logs: Tensor
    halves: Array
    doubles: Array
    spans: Array

    @classmethod
    def of(cls, tangent: Tangent, logs: Tensor, room: Room | None) -> "SoftDesigns":
        """The designs of a tangent at `logs`."""
        exact = _columns(tangent.designs.columns)
        moved = {
            name: getattr(exact, name) * torch.exp((torch.from_numpy(each.copy()) * logs).sum(dim=1))
            for name, each in tangent.exponents.items()
        }
        own = structures(exact)
        turned = own[:, 0] > own[:, 1]
        halves, doubles = (_turned(each, turned) for each in (tangent.half, tangent.double))
        return cls(Designs(exact, room), Columns(**moved), logs, halves, doubles, tangent.spans)

    def __len__(self) -> int:
        return len(self.exact)

    @cached_property
    def with_weights_as_activations(self) -> "SoftDesigns":
        """As `Designs.with_weights_as_activations`."""
        weights, activations = len(AXIS_SIZES), len(AXIS_SIZES) + 1
        halves, doubles = self.halves.copy(), self.doubles.copy()
        for each in (halves, doubles):
            each[..., weights] = each[..., activations]
        columns = replace(self.columns, weight_bytes=self.columns.activation_bytes)
        exact = self.exact.with_weights_as_activations
        return replace(self, exact=exact, columns=columns, halves=halves, doubles=doubles)

    @cached_property
    def structural(self) -> Index:
        """The parameters that change the structure of a design, [k]."""
        return np.flatnonzero((self.halves != self.doubles).any(axis=(0, 2)))


def _columns(table: Mapping[str, Column]) -> Columns:
    return Columns(**{f.name: torch.from_numpy(table[f.name]) for f in fields(Columns)})


def _turned(columns: Mapping[str, Column], turned: NDArray[np.bool_]) -> Array:
    """Structures [n, d, x] of designs [d * n], PE columns and rows changed over where `turned` [n] says so."""
    rows = structures(_columns(columns))
    found = rows.reshape(-1, len(turned), rows.shape[1]).swapaxes(0, 1).copy()
    found[turned, :, :2] = found[turned, :, 1::-1]
    return found


def soft_costs(
    layer: Layer,
    fronts: Pool,
    designs: SoftDesigns,
    residency: Residency,
    minimize: Goal,
    softness: Softness,
) -> tuple[Tensor, Tensor]:
    """Soft latency and energy of a layer on n designs, [n] each.

    Infinite where no mapping of the front holds what the residency names. Of the goal it is the soft minimum.
    Of the other one it is a soft minimum too, weighted as the goal's weighs mappings and at the root of its
    temperature: of mappings that are alike for the goal the better one counts.
    """
    offered = offers(designs.columns)[:, None]
    rows, own = _rows(fronts, designs)
    with torch.no_grad():
        exact = torch.from_numpy(fronts.features[rows])
        prices = costs(layer, exact, offered, residency)
        latency, energy, _, value = _values(prices, torch.from_numpy(own), minimize, softness)
        ranked = value + TIE * (latency + energy)
        least, place = ranked.topk(min(KEPT, value.shape[1]), dim=1, largest=False)
    kept = np.take_along_axis(rows, place.numpy(), axis=1)
    features, twins = _features(fronts, designs, kept)
    some = torch.isfinite(least)
    there = torch.cat((some, some & twins), dim=1)
    prices = costs(layer, features, offered, residency)
    latency, energy, goal, value = _values(prices, there, minimize, softness)
    able = some.any(dim=1)
    scaled = torch.where(able[:, None], value, 0.0) / -softness.temperature
    found = [
        torch.where(able, _softened(each, share, goal, scaled, softness).exp(), torch.inf)
        for each, share in zip((latency, energy), SHARES[minimize], strict=True)
    ]
    return found[0], found[1]


def _values(
    prices: Prices, there: Tensor, minimize: Goal, softness: Softness
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Logarithms of latency, energy and goal of mappings, and that of the goal with all that they lack, [n, m].

    The last is infinite where a mapping is not there, or does not hold what is on chip.
    """
    latency, energy = prices.latency_s.log(), prices.energy_j.log()
    share_s, share_j = SHARES[minimize]
    goal = share_s * latency + share_j * energy
    able = there & torch.isfinite(prices.excess).all(dim=-1)
    lacks = torch.where(able[..., None], prices.excess, 1.0).log().clamp_min(0.0).sum(dim=-1)
    return latency, energy, goal, torch.where(able, goal + lacks / softness.width, torch.inf)


def _softened(each: Tensor, share: float, goal: Tensor, scaled: Tensor, softness: Softness) -> Tensor:
    """Logarithm of what latency or energy, [n, m] in logarithms, comes to, [n]; `scaled` are exponents."""
    weights = scaled.log_softmax(dim=1)
    if share == 0:
        ties = sqrt(softness.temperature)
        return -ties * torch.logsumexp(weights - each / ties, dim=1)
    return (weights.exp() * (each - goal)).sum(dim=1) - softness.temperature * scaled.logsumexp(dim=1)


def _rows(fronts: Pool, designs: SoftDesigns) -> tuple[Index, NDArray[np.bool_]]:
    """Where the mappings of each design's front are in the pool, [n, m], and which of them there are."""
    bounds = fronts.bounds(designs.exact.kinds)
    rows = bounds[:, :1] + np.arange((bounds[:, 1] - bounds[:, 0]).max())
    there = rows < bounds[:, 1:]
    return np.where(there, rows, bounds[:, :1]), there


def _features(fronts: Pool, designs: SoftDesigns, rows: Index) -> tuple[Tensor, Tensor]:
    """Features of mappings [n, m] of a pool and of their twins, [n, 2 m, x].

    A twin has PE columns and rows changed over; also told is which designs have twins, [n, 1].
    """
    choices = fronts.index[rows]
    twins = choices.copy()
    twins[..., [PE_X, PE_Y]] = choices[..., [PE_Y, PE_X]]
    choices = np.concatenate((choices, twins), axis=1)
    n, m, own = (
        len(choices),
        choices.shape[1],
        np.concatenate((designs.exact.axes, designs.exact.widths), axis=1),
    )
    moved = (each[:, designs.structural] for each in (designs.halves, designs.doubles))
    structured = np.concatenate((own[:, None], *moved), axis=1)  # [n, 1 + 2 k, x]
    count, k = structured.shape[1], len(designs.structural)
    numbers = np.repeat(structured[:, :, None], m, axis=2).reshape(n * count * m, -1)
    found = fronts.space.features_on(
        numbers[:, : len(AXIS_SIZES)].astype(np.int64),
        np.ascontiguousarray(numbers[:, len(AXIS_SIZES) :]),
        np.repeat(choices[:, None], count, axis=1).reshape(n * count * m, -1),
    ).reshape(n, count, m, -1)
    half, double = found[:, 1 : 1 + k], found[:, 1 + k :]
    positive = (half > 0) & (double > 0)
    ratios = np.where(positive, double, 1.0) / np.where(positive, half, 1.0)
    exponents = torch.from_numpy(np.log(ratios) / designs.spans[:, designs.structural, None, None])
    powers = (exponents * designs.logs[:, designs.structural, None, None]).sum(dim=1)
    square = torch.from_numpy(designs.exact.axes[:, 0] == designs.exact.axes[:, 1])
    return torch.from_numpy(found[:, 0].copy()) * powers.exp(), square[:, None]
