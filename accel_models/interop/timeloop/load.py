"""Reads a case from Timeloop's YAML, from tables, or from a mix of both."""

from collections.abc import Iterable, Mapping
from typing import Any

from accel_models.analysis.timeloop.machine import Machine
from accel_models.analysis.timeloop.nest import Problem
from accel_models.interop.timeloop import architecture as architectures
from accel_models.interop.timeloop import mapping as mappings
from accel_models.interop.timeloop import problem as problems
from accel_models.interop.timeloop import tables
from accel_models.interop.timeloop.case import Case
from accel_models.interop.timeloop.nesting import nest_of
from accel_models.interop.timeloop.sources import Source, parts


def load(
    architecture: Source,
    problem: Source | None = None,
    mapping: Source | None = None,
    *others: Source,
    imperfect: bool = False,
) -> Case:
    """The case of an architecture, a problem and a mapping.

    Each may be a dictionary, text, a file, a folder or a list of these, in Timeloop's YAML (version 0.4 and
    before) or as tables (`accel_models.interop.timeloop.tables`). A single source may hold all three;
    documents that name their part at the top (`architecture:`, `problem:`, `mapping:`, `ERT:`, `variables:`)
    may stand anywhere.

        load("eyeriss.yaml", "layer.yaml", "mapping.yaml", "ERT.yaml")
        load("folder")

    Args:
        architecture: levels and units.
        problem: dimensions and dataspaces.
        mapping: loops, and what the levels keep.
        others: more documents, such as an energy reference table.
        imperfect: let factors that do not divide the bound cover it: loops make fewer trips at its end.

    Raises:
        ValueError: something is missing or unknown, factors do not multiply to the bound, or the mapping does
            not fit the architecture; the message has the rule, the evidence and the nearest name.
        OSError: a file cannot be read.
    """
    given = {"architecture": architecture, "problem": problem, "mapping": mapping}
    found = _parts(given, others)
    machine, layer, rows = _machine(found["architecture"], found), _problem(found["problem"]), found["mapping"]
    tabular = isinstance(rows, Mapping) and "levels" in rows
    levels = tables.mapping(rows) if tabular else _directives(rows, layer)
    return Case(machine, nest_of(layer, machine, levels, imperfect=imperfect))


def load_unmapped(
    architecture: Source, problem: Source | None = None, *others: Source
) -> tuple[Machine, Problem, Mapping[str, Any]]:
    """The machine and the problem of a case that has no mapping yet, and what its levels may keep.

    What levels may keep is the architecture table's `keep_choices`: by level, lists of dataspaces; a level may
    keep anything if it says "free" or is not there.

    Raises:
        ValueError: something is missing or unknown; the message has the rule and the evidence.
        OSError: a file cannot be read.
    """
    found = _parts({"architecture": architecture, "problem": problem}, others)
    machine = _machine(found["architecture"], found)
    return machine, _problem(found["problem"]), found["architecture"].get("keep_choices", {})


def _parts(given: Mapping[str, Source | None], others: Iterable[Source]) -> dict[str, Any]:
    """The parts by name, all of those that may be given among them."""
    found = parts({name: source for name, source in given.items() if source is not None}, others)
    missing = [name for name in given if name not in found]
    if missing:
        lacking, wanted = (
            ", no ".join(missing),
            " and ".join(filter(None, (", ".join([*given][:-1]), [*given][-1]))),
        )
        raise ValueError(f"a case must have {wanted}, but there is no {lacking}")
    return found


def _machine(tree: Any, found: Mapping[str, Any]) -> Machine:
    if not isinstance(tree, Mapping):
        raise ValueError(f"an architecture must be a dictionary, but got a {type(tree).__name__}")
    if "levels" in tree:
        return tables.machine(tree)
    if not {"nodes", "subtree", "local"} & set(tree):
        keys = ", ".join(map(str, tree))
        raise ValueError(f"an architecture must have `subtree`, `nodes` or `levels`, but has {keys}")
    return architectures.machine(tree, found.get("ERT"), found.get("variables"))


def _problem(tree: Any) -> Problem:
    if not isinstance(tree, Mapping):
        raise ValueError(f"a problem must be a dictionary, but got a {type(tree).__name__}")
    return tables.problem(tree) if "dims" in tree else problems.problem(tree)


def _directives(rows: Any, layer: Problem) -> Any:
    if isinstance(rows, Mapping) and isinstance(rows.get("mapping"), list):
        rows = rows["mapping"]
    if not isinstance(rows, list | tuple):
        raise ValueError(f"a mapping must be a list of directives, but got a {type(rows).__name__}")
    return mappings.mapping(rows, layer)
