"""The dashboard's page: the modules of the report's page, and those that fetch documents for them."""

from functools import cache
from importlib.resources import files

from apollo_dse.report.html import SHARED, asset, filled, joined, policy

OWN = ("live", "study", "shelf", "compare", "dashboard")
"""Modules beside those of reports, in the order in which they are joined."""


@cache
def page() -> tuple[str, str]:
    """The page, the same for every view, and the content security policy that it is sent with."""
    style = asset("report.css") + _own("dashboard.css")
    script = joined([asset(f"{name}.js") for name in SHARED] + [_own(f"{name}.js") for name in OWN])
    text = filled(_own("dashboard.html"), {"style": style, "script": script})
    return text, f"{policy(style, script)}; connect-src 'self'; frame-ancestors 'none'"


def _own(name: str) -> str:
    return files("apollo_dse.dashboard").joinpath("page", name).read_text(encoding="utf-8")
