"""How the time of pricing grows with designs, with mappings and with layers, measured and drawn.

Used by pricing.py, which writes the numbers and the picture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from math import log10

import numpy as np

from accel_models import Workload
from accel_models.mapspace.designs import Designs
from accel_models.mapspace.pool import pool
from accel_models.mapspace.price import best
from accel_models.pricing import Residency
from accel_models.workload import canonical
from apollo_dse.validation.plot import BOTTOM, LEFT, RIGHT, SIZE, TOP, closing, opening, span

Line = Sequence[tuple[float, float]]
"""How many there were of something, and seconds."""

Seconds = Callable[[Callable[[], object]], float]
"""The least time of some runs."""

COLOURS = ("#2266cc", "#cc5522", "#228844")
BINS = 8


def by_layers(workload: Workload, price: Callable[[Workload], object], seconds: Seconds) -> Line:
    """Seconds of a batch on the first 1, 2, 4, ... layers of a network, without its vector operations."""
    counts = sorted({*(2**k for k in range(10) if 2**k < len(workload.layers)), len(workload.layers)})
    parts = [replace(workload, layers=workload.layers[:count], vector_ops=()) for count in counts]
    return [(float(len(part.layers)), seconds(lambda: price(part))) for part in parts]  # noqa: B023 - run at once


def by_mappings(
    workload: Workload, designs: Designs, residencies: Sequence[Residency], seconds: Seconds
) -> Line:
    """Seconds of a batch of one structure on a layer, by the length of the front, in bins of equal ratio."""
    points = []
    for layer in workload.layers:
        fronts = pool(canonical(layer))
        start, stop = fronts.bounds(designs.kinds[:1])[0]
        taken = seconds(lambda: best(layer, fronts, designs, residencies, "energy"))  # noqa: B023 - run at once
        points.append((float(stop - start), taken))
    lengths, times = np.array(sorted(points)).T
    edges = np.geomspace(lengths[0], lengths[-1] * (1 + 1e-9), BINS + 1)
    bins = np.digitize(lengths, edges)
    return [
        (float(lengths[bins == each].mean()), float(np.median(times[bins == each]))) for each in np.unique(bins)
    ]


def drawn(title: str, lines: Mapping[str, Line]) -> str:
    """Seconds against counts, both logarithmic, a line each; dashed: time in proportion."""
    points = np.array([point for line in lines.values() for point in line])
    left, right, across = span(points[:, 0], logarithmic=True)
    low, high, up = span(points[:, 1], logarithmic=True)

    def x(count: float) -> float:
        return LEFT + (SIZE - LEFT - RIGHT) * (log10(count) - left) / (right - left)

    def y(taken: float) -> float:
        return SIZE - BOTTOM - (SIZE - TOP - BOTTOM) * (log10(taken) - low) / (high - low)

    parts = opening(title)
    for tick in across:
        parts.append(f'<path class="g" d="M{x(tick):.1f} {TOP}V{SIZE - BOTTOM}"/>')
        parts.append(f'<text x="{x(tick):.1f}" y="{SIZE - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    for tick in up:
        parts.append(f'<path class="g" d="M{LEFT} {y(tick):.1f}H{SIZE - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for place, ((name, line), colour) in enumerate(zip(lines.items(), COLOURS, strict=False)):
        path = "L".join(f"{x(count):.1f} {y(taken):.1f}" for count, taken in line)
        ideal = [(count, line[-1][1] * count / line[-1][0]) for count, _ in line]
        ideal = [(count, taken) for count, taken in ideal if taken >= 10**low]
        dashes = "L".join(f"{x(count):.1f} {y(taken):.1f}" for count, taken in ideal)
        parts.append(f'<path class="i" fill="none" d="M{dashes}"/>')
        parts.append(f'<path fill="none" stroke="{colour}" stroke-width="2" d="M{path}"/>')
        label = f'<text x="{LEFT + 10}" y="{TOP + 18 + 18 * place}" style="fill:{colour}">'
        parts.append(f"{label}{escape(name)}</text>")
    return "\n".join([*parts, *closing("how many", "seconds; dashed: in proportion")]) + "\n"
