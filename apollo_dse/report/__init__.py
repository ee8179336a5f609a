"""Reports: a study as one JSON document (`ReportData`), and one self-contained page that shows it."""

from apollo_dse.report.data import About, build_report
from apollo_dse.report.document import ReportData, to_json
from apollo_dse.report.hardware import PricedDesign, pricing
from apollo_dse.report.html import render

__all__ = ["About", "PricedDesign", "ReportData", "build_report", "pricing", "render", "to_json"]
