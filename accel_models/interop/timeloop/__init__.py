"""Timeloop's architectures, problems and mappings: read, counted as Timeloop counts or exactly, and written.

    from accel_models.interop import timeloop

    case = timeloop.load("architecture.yaml", "problem.yaml", "mapping.yaml")
    result = case.counts()                                                  # exactly what an execution moves
    result = case.counts(counting="timeloop", version="head", link_transfers=False)
    result.cycles, result.energy_pj, result.levels["GLB"]["Inputs"].reads
    result.to_dict()                                                        # the tabular form

    timeloop.load_golden("golden_timeloop.json")                            # measured cases
    timeloop.best_mapping("architecture.yaml", "problem.yaml", "edp")       # instead of its mapper
    timeloop.export(layer, accelerator, mapping, "folder")                  # files that Timeloop runs

docs/timeloop.md has the rules of counting, and where the two ways differ.
"""

from accel_models.interop.timeloop.case import Case
from accel_models.interop.timeloop.export import export
from accel_models.interop.timeloop.golden import GoldenCase, load_golden
from accel_models.interop.timeloop.load import load
from accel_models.interop.timeloop.mapper import Mapped, best_mapping
from accel_models.interop.timeloop.result import Access, LevelResult, NetworkResult, Result
from accel_models.interop.timeloop.writing import mapping_table, mapping_text, mapping_yaml

__all__ = [
    "Access",
    "Case",
    "GoldenCase",
    "LevelResult",
    "Mapped",
    "NetworkResult",
    "Result",
    "best_mapping",
    "export",
    "load",
    "load_golden",
    "mapping_table",
    "mapping_text",
    "mapping_yaml",
]
