"""Published against ours as a picture: a scatter plot with the ideal line, as SVG text that stands alone."""

from html import escape
from math import ceil, floor, log10

import numpy as np

from apollo_dse.validation.comparison import Comparison

SIZE, LEFT, BOTTOM, TOP, RIGHT = 420, 74, 58, 40, 16
MOST_POINTS = 600
"""Of more cases every so-manyth is drawn, in the order of the published numbers."""

MOST_NAMED = 50
"""Points of more cases have no tooltips: a plot is no copy of somebody's table."""

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.t{font-weight:600;font-size:13px}"
    ".g{stroke:#8883;stroke-width:1}.i{stroke:#888;stroke-dasharray:5 4}"
    ".p{fill:#2266cc;fill-opacity:.55;stroke:#2266cc;stroke-opacity:.9}"
    "svg{background:#fff}@media(prefers-color-scheme:dark){svg{background:#161616}text{fill:#ccc}"
    ".p{fill:#7fb0ff;stroke:#7fb0ff}}"
)


def scatter(found: Comparison) -> str:
    """The plot of one comparison; on logarithmic axes where all numbers are positive."""
    published, ours = found.published, found.ours
    order = np.argsort(published, kind="stable")
    order = order[:: max(1, ceil(len(order) / MOST_POINTS))]
    logarithmic = bool(np.all(published > 0) and np.all(ours > 0))
    low, high, ticks = span(np.concatenate((published, ours)), logarithmic)

    def place(value: float) -> float:
        return (log10(value) - low) / (high - low) if logarithmic else (value - low) / (high - low)

    wide, tall = SIZE - LEFT - RIGHT, SIZE - TOP - BOTTOM

    def x(value: float) -> float:
        return LEFT + wide * place(value)

    def y(value: float) -> float:
        return SIZE - BOTTOM - tall * place(value)

    parts = opening(f"{found.reference}: {found.metric}")
    for tick in ticks:
        parts += [
            f'<path class="g" d="M{x(tick):.1f} {TOP}V{SIZE - BOTTOM}M{LEFT} {y(tick):.1f}H{SIZE - RIGHT}"/>',
            f'<text x="{x(tick):.1f}" y="{SIZE - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>',
            f'<text x="{LEFT - 6}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>',
        ]
    parts.append(f'<path class="i" d="M{LEFT} {SIZE - BOTTOM}L{SIZE - RIGHT} {TOP}"/>')
    for i in order:
        case = found.cases[i]
        told = escape(f"{case.name}: published {case.published:.5g}, ours {case.ours:.5g}")
        title = f"<title>{told}</title>" if len(found.cases) <= MOST_NAMED else ""
        centre = f'cx="{x(case.published):.1f}" cy="{y(case.ours):.1f}"'
        parts.append(f'<circle class="p" {centre} r="3">{title}</circle>')
    unit = "" if found.unit == "1" else f" ({found.unit})"
    return "\n".join([*parts, *closing(f"published{unit}", f"ours{unit}")]) + "\n"


def opening(title: str) -> list[str]:
    """The first lines of a picture, with its title."""
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" width="{SIZE}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text class="t" x="{LEFT}" y="22">{escape(title)}</text>',
    ]


def closing(across: str, up: str) -> list[str]:
    """The last lines of a picture, with the names of its axes."""
    middle = LEFT + (SIZE - LEFT - RIGHT) / 2, TOP + (SIZE - TOP - BOTTOM) / 2
    return [
        f'<text x="{middle[0]}" y="{SIZE - 14}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(16 {middle[1]}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
        "</svg>",
    ]


def span(
    values: "np.ndarray[tuple[int], np.dtype[np.float64]]", logarithmic: bool
) -> tuple[float, float, list[float]]:
    """The axis's ends (logarithms if logarithmic) and where its ticks stand."""
    least, most = float(values.min()), float(values.max())
    if logarithmic:
        low, high = log10(least) - 0.05, log10(most) + 0.05
        decades = [10.0**k for k in range(ceil(low), floor(high) + 1)]
        if len(decades) < 2:
            steps = (1, 2, 5)
            decades = [s * 10.0**k for k in range(floor(low), ceil(high) + 1) for s in steps]
            decades = [tick for tick in decades if low <= log10(tick) <= high]
        step = max(1, ceil(len(decades) / 6))
        return low, high, decades[::step]
    span = most - least or 1.0
    low, high = least - 0.05 * span, most + 0.05 * span
    size = 10.0 ** floor(log10(span / 4))
    size = next(size * s for s in (1, 2, 5, 10) if span / (size * s) <= 6)
    return low, high, [k * size for k in range(ceil(low / size), floor(high / size) + 1)]
