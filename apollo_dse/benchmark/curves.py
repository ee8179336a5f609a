"""Regret against trials as a picture: median and quartiles of each optimizer, in the style of reports."""

from collections.abc import Mapping, Sequence
from html import escape
from math import log10
from typing import Any

WIDE, TALL, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 62, 12, 12, 40
FLOOR, CEILING = 1e-4, 10.0
"""Regrets beyond these are drawn at the edge: 0 at the bottom, "nothing feasible yet" at the top."""

COLOURS = 8
TICKS = ((CEILING, "1000 %"), (1.0, "100 %"), (0.1, "10 %"), (0.01, "1 %"), (0.001, "0.1 %"), (FLOOR, "0"))

STYLE = "".join(
    f".s{i}{{stroke:var(--c{i})}}.a{i}{{fill:var(--c{i});fill-opacity:.13}}" for i in range(COLOURS)
) + (
    ".curve{fill:none;stroke-width:2}.curve.more{stroke-dasharray:6 3}.curves{width:100%;height:auto}"
    ".curves text{fill:var(--soft);font-size:11.5px}.key{width:22px;height:8px}"
)


def curves(task: Mapping[str, Any], optimizers: Sequence[str], label: str) -> str:
    """The picture of one task.

    Args:
        task: as in the document of a comparison.
        optimizers: in the order of their colours.
        label: what it shows, for those who cannot see it.
    """
    trials = len(task["results"][optimizers[0]]["regret"]["0.5"])
    parts = [f'<svg class="curves" viewBox="0 0 {WIDE} {TALL}" role="img" aria-label="{escape(label)}">']
    for value, text in TICKS:
        parts.append(f'<path class="gridline" fill="none" d="M{LEFT} {_y(value):.1f}H{WIDE - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{_y(value) + 4:.1f}" text-anchor="end">{text}</text>')
    for trial in sorted({1, *(round(trials * share) for share in (0.25, 0.5, 0.75, 1.0))} - {0}):
        x = _x(trial, trials)
        parts.append(f'<text x="{x:.1f}" y="{TALL - BOTTOM + 18}" text-anchor="middle">{trial}</text>')
    parts.append(f'<text x="{(LEFT + WIDE) / 2}" y="{TALL - 4}" text-anchor="middle">trials</text>')
    for place, name in enumerate(optimizers):
        regret = task["results"][name]["regret"]
        low, high = _line(regret["0.25"]), _line(regret["0.75"])
        band = f"M{'L'.join(low)}L{'L'.join(reversed(high))}Z"
        parts.append(f'<path class="a{place % COLOURS}" d="{band}"/>')
    for place, name in enumerate(optimizers):
        line = "L".join(_line(task["results"][name]["regret"]["0.5"]))
        parts.append(f'<path class="{classes(place)}" d="M{line}"><title>{escape(name)}</title></path>')
    return "".join([*parts, "</svg>"])


def classes(place: int) -> str:
    """Classes of the line of the optimizer at a place: a colour, and dashes from the ninth on."""
    return f"curve s{place % COLOURS}" + " more" * (place >= COLOURS)


def _line(regret: Sequence[float]) -> list[str]:
    return [f"{_x(i, len(regret)):.1f} {_y(value):.1f}" for i, value in enumerate(regret, start=1)]


def _x(trial: int, trials: int) -> float:
    return LEFT + (WIDE - LEFT - RIGHT) * (trial - 1) / max(1, trials - 1)


def _y(regret: float) -> float:
    share = (log10(min(max(regret, FLOOR), CEILING)) - log10(FLOOR)) / (log10(CEILING) - log10(FLOOR))
    return TALL - BOTTOM - (TALL - BOTTOM - TOP) * share
