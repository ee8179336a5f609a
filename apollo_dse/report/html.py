"""The page: one HTML file with the document, style and script inside, that asks the network for nothing.

Modules of `page/` are joined into one script. The content security policy allows exactly that script and
style by their digests and nothing else, so a reader's browser enforces what `render` promises: no request
leaves the page, and no name in a study can run as code.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from apollo_dse.report.document import ReportData, to_json

SHARED = (
    "text", "dom", "theme", "scale", "plot", "brushes", "search", "parallel", "table", "layers", "diagram",
    "area", "network", "page",
)  # fmt: skip
"""Modules that every host of the front end has, in the order in which they are joined."""

SCRIPTS = (*SHARED, "app")
"""Modules of a report's script: the last one starts it with the document that stands in the page."""


def render(report: ReportData) -> str:
    """The report as one self-contained HTML page; equal reports give equal pages."""
    style, script = asset("report.css"), _script()
    parts = {
        "policy": policy(style, script),
        "title": html.escape(f"{report.study.name}: apollo-dse report"),
        "style": style,
        "words": _words(report),
        "data": script_safe(to_json(report)),
        "script": script,
    }
    return filled(asset("page.html"), parts)


def static_page(title: str, body: str, style: str = "") -> str:
    """A page of words and pictures in the style of reports, without a script.

    Args:
        title: as text.
        body: as HTML; what others wrote must be escaped in it.
        style: rules beside those of reports.
    """
    rules = asset("report.css") + style
    parts = {"policy": policy(rules), "title": html.escape(title), "style": rules, "body": body}
    return filled(asset("static.html"), parts)


def script_safe(json_text: str) -> str:
    """JSON that cannot end the script element it stands in, nor open a comment: `<`, `>`, `&` as escapes."""
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
    return re.sub("[<>&\u2028\u2029]", lambda match: escapes[match[0]], json_text)


_COMMENT = re.compile(r"^ *(?://[^\n]*|/\*\*.*?\*/ *)\n", re.MULTILINE | re.DOTALL)


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A template with its parts in place of their names in double braces."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def joined(modules: Iterable[str]) -> str:
    """Modules of script as one, which leaves no name behind; lines of comment are left out."""
    text = _COMMENT.sub("", "\n".join(modules))
    return f'"use strict";\n(() => {{\n{text}}})();\n'


def policy(style: str, script: str | None = None) -> str:
    """What a page may load: its own style and script, and nothing else."""
    sources = [f"style-src {_digest(style)}", "img-src data:", "base-uri 'none'", "form-action 'none'"]
    scripts = [f"script-src {_digest(script)}"] if script is not None else []
    return "; ".join(["default-src 'none'", *scripts, *sources])


def _words(report: ReportData) -> str:
    sentences = (report.summary.headline, *report.summary.sentences)
    heading = f"<h1>{html.escape(report.study.name)}</h1>"
    return heading + "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences)


@cache
def _script() -> str:
    return joined(asset(f"{name}.js") for name in SCRIPTS)


@cache
def asset(name: str) -> str:
    """A file of the page."""
    return files("apollo_dse.report").joinpath("page", name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
