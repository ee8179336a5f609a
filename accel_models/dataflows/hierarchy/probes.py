"""Designs of a structure over all sizes that make a difference for a layer: what portfolios are searched on."""

from math import log

import torch
from torch import Tensor

from accel_models.dataflows.hierarchy.designs import Designs
from accel_models.dataflows.hierarchy.structure import Structure
from accel_models.workload import RELEVANT_DIMS, Layer, Operand

MOST_UNITS = 2.0**16
"""Multiply-accumulate units of a drawn design, at most."""

LEAST_SHARE = 2.0**-12
"""The outermost memories on chip hold at least this share of the layer, all together."""

INNER_SHARE = (1 / 16, 8.0)
"""Capacity of all instances of a level, as a multiple of that of the level outside."""

DRAM_BYTES_PER_CYCLE = (1.0, 256.0)
UNIT_BYTES_PER_CYCLE = (1 / 16, 4.0)
"""Bandwidth that a level has for each unit inside it."""

DRAM_J_PER_BYTE, KIB_J_PER_BYTE = 64e-12, 0.3e-12
"""Energies of DRAM and of a memory of 1 KiB, from which others follow as the fourth root of their size."""

WIDTHS: dict[Operand, float] = {"weights": 1.0, "inputs": 1.0, "outputs": 4.0}
"""Bytes of a word: 8-bit operands, 32-bit sums."""

TYPICAL = {
    "dram_latency_cycles": 100.0, "clock_hz": 1e9, "mac_j": 1e-13, "vector_op_j": 1e-13, "vector_ops": 1.0,
    "leakage_w": 0.1, "weight_bytes": WIDTHS["weights"], "activation_bytes": WIDTHS["inputs"],
    "accumulator_bytes": WIDTHS["outputs"],
}  # fmt: skip


def probes(structure: Structure, layer: Layer, count: int) -> Designs:
    """Designs [count], a Sobol sequence in the logarithms of all sizes.

    Memories hold between a few words and everything of the layer twice, and a level in all its instances not
    much less or more than the level outside it.
    """
    axes, levels = len(structure.axes), len(structure.levels)
    sobol = torch.quasirandom.SobolEngine(axes + 2 * levels, scramble=True, seed=0)  # type: ignore[no-untyped-call]
    unit = sobol.draw(count, dtype=torch.float64).T
    shares, speeds = unit[axes : axes + levels], unit[axes + levels :]
    sizes = _sizes(structure, layer, unit[:axes])
    fanout = torch.stack([sizes[list(structure.axes_of(level))].prod(dim=0) for level in range(levels)])
    capacity = _capacities(structure, layer, sizes, shares)
    bandwidth = [_between(*DRAM_BYTES_PER_CYCLE, speeds[0])]
    for level in range(1, levels):
        units = fanout[level:].prod(dim=0)
        bandwidth.append(units * _between(*UNIT_BYTES_PER_CYCLE, speeds[level]))
    energy = [KIB_J_PER_BYTE * (each / 1024.0) ** 0.25 for each in capacity]
    energy[0] = torch.full_like(energy[0], DRAM_J_PER_BYTE)
    unlimited = torch.full((count,), torch.inf, dtype=torch.float64)
    limited = (False, *structure.limited[1:])
    return Designs(
        sizes=tuple(sizes),
        capacity=tuple(each if yes else unlimited for each, yes in zip(capacity, limited, strict=True)),
        bandwidth=tuple(
            each if yes else unlimited for each, yes in zip(bandwidth, structure.throttled, strict=True)
        ),
        read_j=tuple(energy),
        write_j=tuple(energy),
        **{name: torch.full_like(unlimited, value) for name, value in TYPICAL.items()},
    )


def _between(low: float, high: float, at: Tensor) -> Tensor:
    """From `low` to `high` as `at` goes from 0 to 1, evenly in the logarithm."""
    return low * (high / low) ** at


def _sizes(structure: Structure, layer: Layer, unit: Tensor) -> Tensor:
    """Sizes of all axes [axis, n], up to what the layer can unroll; all smaller where units are many."""
    most = [log(max(layer.bound(dim) for dim in axis.dims) + 1.0) for axis in structure.axes]
    grown = unit * torch.tensor(most, dtype=torch.float64)[:, None]
    return _usual(torch.exp(grown * torch.clamp(log(MOST_UNITS) / grown.sum(dim=0), max=1.0)))


def _capacities(structure: Structure, layer: Layer, sizes: Tensor, unit: Tensor) -> list[Tensor]:
    """Bytes of one instance of every level, [n] each.

    At least twice what its units can ask for at a time, and just that in every other design in the innermost
    level, as registers are sized.
    """
    found = [torch.ones_like(unit[0])]
    instances, outside = sizes[list(structure.axes_of(0))].prod(dim=0), found[0]
    innermost = len(structure.levels) - 1
    for level in range(1, len(structure.levels)):
        words = sum(WIDTHS[operand] * layer.words(operand) for operand in structure.keeps[level])
        most = 2.0 * max(words, 1.0)
        drawn = _between(LEAST_SHARE * most, most, unit[level])
        outside = drawn if level == 1 else outside * _between(*INNER_SHARE, unit[level])
        outside = torch.minimum(outside, most * instances)
        asked, size = _asked(structure, level, sizes), _usual(outside / instances)
        size = torch.maximum(asked, size)
        if level == innermost:
            size[::2] = asked[::2]
        found.append(size)
        instances = instances * sizes[list(structure.axes_of(level))].prod(dim=0)
    return found


def _usual(values: Tensor) -> Tensor:
    """Whole numbers not above `values` [..., n]; of two thirds of the designs 1, 2, 3, 4, 6, 8, 12, 16, ..."""
    power = 2.0 ** torch.floor(torch.log2(values))
    found = torch.floor(torch.where(values >= 1.5 * power, 1.5 * power, power).clamp(min=1.0))
    found[..., ::3] = torch.floor(values[..., ::3]).clamp(min=1.0)
    return found


def _asked(structure: Structure, level: int, sizes: Tensor) -> Tensor:
    """Twice the bytes that the units inside a level can ask for at a time, as far as it keeps them."""
    asked = torch.zeros_like(sizes[:1].sum(dim=0))
    for operand in structure.keeps[level]:
        spread = [
            number
            for number, axis in enumerate(structure.axes)
            if axis.level >= level and set(axis.dims) & set(RELEVANT_DIMS[operand])
        ]
        asked = asked + 2.0 * WIDTHS[operand] * sizes[spread].prod(dim=0)
    return asked
