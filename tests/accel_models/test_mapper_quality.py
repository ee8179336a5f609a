"""The front against every mapping of the mapspace, one by one, and against every tile size there is."""

from itertools import product
from math import prod

import numpy as np
import pytest
import torch

from accel_models import Layer
from accel_models.mapspace import kernel
from accel_models.mapspace.choices import TILED_DIMS, loop_orders, offchip_words
from accel_models.mapspace.designs import Designs, room, stack
from accel_models.mapspace.front import Array, Index, Mapspace, front, mapspace
from accel_models.mapspace.price import costs
from accel_models.mapspace.structure import Room, Structure, kind
from accel_models.pricing import Residency
from accel_models.templates.edge import build_edge
from accel_models.workload import canonical

SMALL = (
    Layer(name="depthwise", g=4, p=4, q=3, r=3, s=3, stride=(2, 2)),
    Layer(name="vector", k=12, c=14),
    Layer(name="batch", n=2, k=3, c=2, p=3),
    Layer(name="convolution", k=2, c=3, p=3, q=2, r=2, s=2),
)
LARGER = (
    Layer(name="pointwise", k=4, c=3, p=3, q=2),
    Layer(name="attention", g=2, k=3, c=4, p=4),
    Layer(name="gemm", k=6, c=8, p=7),
    Layer(name="strip", k=4, c=2, p=5, q=2, r=3),
)
SIZES = {
    "pe_x": (1, 2, 3), "pe_y": (1, 2), "cores": (1, 2, 3), "lanes": (1, 2, 4),
    "pe_memory_bytes": (64, 128, 512), "core_memory_bytes": (16, 32, 64, 256),
    "activation_memory_entries": (2, 4, 16), "instruction_memory_entries": (512, 4096),
    "parameter_memory_entries": (4, 16, 64), "io_bandwidth_gb_per_s": (1, 5, 30),
}  # fmt: skip


def drawn(count: int) -> Designs:
    """Designs of few sizes, so that many share a structure and all have one room."""
    rng = np.random.default_rng(0)
    points = [{name: rng.choice(values) for name, values in SIZES.items()} for _ in range(count)]
    spans = [
        {**{other: sizes[0] for other, sizes in SIZES.items()}, name: value}
        for name, values in SIZES.items()
        for value in values
    ]
    return stack([build_edge(point) for point in points], None, room([build_edge(point) for point in spans]))


def needed_tiles(space: Mapspace, structure: Structure, room: Room, on_pes: tuple[int, int]) -> list[int]:
    """The rule of `enumeration.array_tiles`, tile by tile against all others."""
    layer, formats = space.layer, structure.numbers
    spread = [
        (structure.pe_x if on_pes[0] == d else 1) * (structure.pe_y if on_pes[1] == d else 1) for d in range(6)
    ]
    tiles, trips, words = space.columns

    def steps(t: int) -> tuple[int, ...] | None:
        share = dict(
            zip(
                TILED_DIMS,
                (-(-int(size) // by) for size, by in zip(tiles[t], spread, strict=True)),
                strict=True,
            )
        )
        chunk = Layer(
            name="chunk", **{**share, "r": layer.r, "s": layer.s}, stride=layer.stride, dilation=layer.dilation
        )
        row = Layer(name="row", q=share["q"], s=layer.s, stride=layer.stride, dilation=layer.dilation).words(
            "inputs"
        )
        n, g, k, c, p, q = trips[t].tolist()
        inputs = chunk.words("inputs") * formats[1] * (2 if max(n, g, c, p, q) > 1 else 1)
        outputs = chunk.words("outputs") * (2 if max(n, g, k, p, q) > 1 else 1)
        needs = (
            (inputs + outputs * formats[2 if c > 1 else 1], room.pe_bytes),
            (inputs + outputs * formats[2], room.pe_bytes),
            (share["c"] * row * formats[1], room.input_row_bytes),
            (n * g * k * c * p * q, room.program_tiles),
        )
        found = tuple(sum(need > capacity for capacity in capacities) for need, capacities in needs)
        fits = all(found[i] < len(needs[i][1]) for i in (0, 2, 3))
        return found if fits else None

    def into_memories(t: int) -> tuple[float, ...]:
        """Words that come to one PE: inputs, and partial sums that return."""
        n, g, k, c, p, q = (-(-int(size) // by) for size, by in zip(tiles[t], spread, strict=True))
        chunk = Layer(
            name="chunk", n=n, g=g, c=c, p=p, q=q, r=layer.r, s=layer.s,
            stride=layer.stride, dilation=layer.dilation,
        )  # fmt: skip
        settings = trips[t][[0, 1, 2, 4, 5]].prod()
        return words[t][4] * chunk.words("inputs"), settings * n * g * k * p * q * words[t][1]

    def no_better(t: int, i: int) -> bool:
        """Whether tiling i spares tiling t."""
        if any(a < b for a, b in zip(tiles[i], tiles[t], strict=True)) or any(
            a > b
            for a, b in zip(rank[i], rank[t], strict=True)  # type: ignore[arg-type]
        ):
            return False
        moved = [words[x][0] * formats[1] + 2 * words[x][1] * formats[2] for x in (i, t)]
        resident, streamed = (
            [moved[y] + words[x][z] * formats[0] for y, x in enumerate((i, t))] for z in (2, 3)
        )
        visits, apart = words[i][5], any(tiles[i][d] > tiles[t][d] for d in (1, 2, 3))
        if apart:
            visits = trips[i][[0, 4, 5]].prod() * trips[t][[1, 2, 3]].prod()
        return bool(
            resident[0] <= resident[1]
            and streamed[0] <= streamed[1]
            and all(a <= b for a, b in zip(into_memories(i), into_memories(t), strict=True))
            and visits <= words[t][5]
            and (not apart or streamed[0] <= resident[1])
        )

    rank = {t: found for t in range(len(tiles)) if (found := steps(t)) is not None}
    kept: list[int] = []
    for t in rank:
        if not any(no_better(t, i) for i in kept):
            kept.append(t)
    return kept


def every_mapping(space: Mapspace, structure: Structure, room: Room) -> Index:
    """All of the mapspace that a front is chosen from, [m, choice]."""
    pes, cores, lanes, ways = space.dims
    found = []
    for x, y in product(pes, pes):
        for t in needed_tiles(space, structure, room, (x, y)):
            tile = space.columns[0][t]
            passes = [
                [2**i for i in range(int(tile[d] - 1).bit_length() + 1)] for d in (kernel.G, kernel.K, kernel.C)
            ]
            found += [(t, x, y, *rest) for rest in product(cores, lanes, ways, *passes, (0, 1))]
    return np.array(found, dtype=np.int64).reshape(-1, len(kernel.CHOICES))


def least(layer: Layer, features: Array, designs: Designs, rows: Array) -> torch.Tensor:
    """The least latency, energy and product on designs [n, goal] of mappings, infinite where none fits."""
    offered = torch.from_numpy(designs.offered[rows])[:, None]
    prices = costs(layer, torch.from_numpy(features)[None], offered, Residency())
    values = torch.stack((prices.latency_s, prices.energy_j, prices.latency_s * prices.energy_j), dim=-1)
    return torch.where((prices.excess <= 1.0).all(dim=-1)[..., None], values, torch.inf).amin(dim=1)


@pytest.mark.parametrize("layer", SMALL + LARGER, ids=lambda layer: layer.name)
def test_the_front_has_the_least_of_the_whole_mapspace(layer: Layer) -> None:
    designs, space = drawn(40), mapspace(canonical(layer))
    assert space.complete
    all_of_them, kept, fits = 0, 0, 0
    for number in np.unique(designs.kinds)[:12]:
        rows = np.flatnonzero(designs.kinds == number)
        index = every_mapping(space, *kind(number))
        found = front(canonical(layer), *kind(number))
        if not len(index):
            continue
        ours = least(layer, found.features, designs, rows)
        brute = least(layer, space.features(kind(number)[0], index), designs, rows)
        torch.testing.assert_close(ours, brute, rtol=1e-12, atol=0.0)
        all_of_them, kept, fits = (
            all_of_them + len(index),
            kept + len(found),
            fits + int(torch.isfinite(brute).sum()),
        )
    assert fits > 0
    assert kept * 5 < all_of_them


def with_every_tile(layer: Layer) -> Mapspace:
    """The mapspace with every tile size, whether it is a power of two of the bound or not."""
    space = mapspace(canonical(layer))
    tiles, orders = [], []
    for tile in product(*(range(1, layer.bound(d) + 1) for d in TILED_DIMS)):
        found = loop_orders(tuple(size < layer.bound(d) for size, d in zip(tile, TILED_DIMS, strict=True)))
        tiles += [tile] * len(found)
        orders += found
    every = offchip_words(layer, np.array(tiles, dtype=np.float64), np.array(orders))
    columns = (every.tile.astype(np.int64), every.trips.astype(np.int64), every.words)
    return Mapspace(space.layer, every, True, space.numbers, columns, space.dims)


def check(layer: Layer, count: int) -> None:
    """Against all tiles, dimensions, orders, and any number of passes."""
    designs, space, every = drawn(count), mapspace(canonical(layer)), with_every_tile(layer)
    passes = [range(1, layer.bound(d) + 1) for d in ("g", "k", "c")]
    rest = [np.array(some) for some in (range(len(every.tilings)), every.dims[0], *every.dims, *passes, (0, 1))]
    index = np.stack(np.meshgrid(*rest, indexing="ij"), axis=-1).reshape(-1, len(kernel.CHOICES))
    assert len(index) == prod(map(len, rest))
    fits = 0
    for number in np.unique(designs.kinds):
        rows = np.flatnonzero(designs.kinds == number)
        ours = least(layer, front(space.layer, *kind(number)).features, designs, rows)
        brute = least(layer, every.features(kind(number)[0], index), designs, rows)
        possible = torch.isfinite(brute)
        fits += int(possible.sum())
        ratio = ours[possible] / brute[possible]
        assert (ratio <= 1.05).all(), ratio.max()
        assert (ratio >= 1.0 - 1e-12).all()
    assert fits > 0


@pytest.mark.parametrize("layer", SMALL, ids=lambda layer: layer.name)
def test_never_more_than_5_percent_above_every_tile_size(layer: Layer) -> None:
    check(layer, count=3)


@pytest.mark.slow
@pytest.mark.parametrize("layer", SMALL + LARGER, ids=lambda layer: layer.name)
def test_never_more_than_5_percent_above_every_tile_size_on_many_designs(layer: Layer) -> None:
    check(layer, count=24)
