"""A comparison as one self-contained HTML page, without a script."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from apollo_dse.benchmark.curves import STYLE, classes, curves
from apollo_dse.benchmark.words import (
    LOTTERY,
    OVERALL,
    SETTINGS,
    WINS,
    headline,
    lottery,
    overall,
    regrets,
    wins,
)
from apollo_dse.report.html import static_page


def render(told: Mapping[str, Any]) -> str:
    """The page of a comparison's document; equal documents give equal pages."""
    names = told["optimizers"]
    parts = [
        f'<header class="top"><h1>Comparison of optimizers</h1><p class="question">{escape(headline(told))}</p>'
        f"</header>{_legend(names)}",
        _section("Overall", "", _table(OVERALL, overall(told))),
    ]
    if len(names) > 1:
        parts.append(_section("Who beats whom", WINS, _table(("optimizer", *names), wins(told))))
    if "lottery" in told:
        parts.append(_section("The lottery of knobs", LOTTERY, _table(SETTINGS, lottery(told))))
    note = "Regret after each trial: median over seeds, and from the first to the third quartile."
    cards = "".join(_card(name, task, names) for name, task in told["tasks"].items())
    parts.append(_section("Tasks", note, f'<div class="grid2">{cards}</div>'))
    parts.append(_section("At the end", "", _table(("task", *names), regrets(told))))
    return static_page("Comparison of optimizers", "".join(parts), STYLE)


def _card(name: str, task: Mapping[str, Any], names: Sequence[str]) -> str:
    asked = f"{' and '.join(task['objectives'])} within {task['area_mm2']:g} mm2, {task['points']:,} designs"
    fits = f"{100 * task['fitting']:.2g} % of uniform draws fit"
    label = f"Regret of {', '.join(names)} on {name} against trials"
    words = f"{asked}; {fits}."
    return (
        f'<div class="card"><h3>{escape(name)}</h3><p class="note">{escape(words)}</p>'
        f"{curves(task, names, label)}</div>"
    )


def _legend(names: Sequence[str]) -> str:
    key = '<svg class="key" viewBox="0 0 22 8"><path class="{}" d="M0 4H22"/></svg>'
    items = (
        f'<span class="item">{key.format(classes(place))}{escape(name)}</span>'
        for place, name in enumerate(names)
    )
    return f'<div class="legend">{"".join(items)}</div>'


def _section(title: str, lead: str, body: str) -> str:
    return f'<section><h2>{escape(title)}</h2><p class="lead">{escape(lead)}</p>{body}</section>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        first, *rest = (escape(cell) for cell in cells)
        return (
            f'<tr><{tag} class="text">{first}</{tag}>{"".join(f"<{tag}>{cell}</{tag}>" for cell in rest)}</tr>'
        )

    body = "".join(row(cells, "td") for cells in rows)
    table = f'<table class="data"><thead>{row(columns, "th")}</thead><tbody>{body}</tbody></table>'
    return f'<div class="scroll">{table}</div>'
