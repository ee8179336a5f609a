"""The best mapping of a problem on an architecture, by Timeloop's rules of counting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from math import prod

from accel_models.analysis.timeloop.machine import Machine
from accel_models.analysis.timeloop.nest import VERSIONS, Problem, Version
from accel_models.interop.timeloop.case import Case
from accel_models.interop.timeloop.load import load_unmapped
from accel_models.interop.timeloop.result import Result
from accel_models.interop.timeloop.sources import Source
from accel_models.interop.timeloop.words import unknown
from accel_models.mapper.best import LIMIT, rank
from accel_models.mapper.chain import Keeps
from accel_models.mapper.search import OBJECTIVES, Objective

KeepChoices = Mapping[str, Sequence[Sequence[str]] | str]
"""By level: the sets of dataspaces that it may keep, or "free" for any."""

MOST_CHOICES = 1024


@dataclass(frozen=True)
class Mapped:
    """The best mapping that was found.

    Attributes:
        case: its nest on the machine.
        result: its counts by Timeloop's rules.
        objective: what was minimized.
        score: energy in picojoules ("energy"), cycles ("delay") or their product ("edp"), of `result`.
        complete: whether the search counts no mapping of perfect factors lower; False where rows were cut.
        bound: no mapping is counted lower than this by the search.
        visited: partial mappings that were looked at.
    """

    case: Case
    result: Result
    objective: Objective
    score: float
    complete: bool
    bound: float
    visited: int


def best_mapping(  # noqa: PLR0913 - options
    architecture: Source | Machine,
    problem: Source | Problem | None = None,
    objective: Objective = "edp",
    *others: Source,
    keep: KeepChoices | None = None,
    version: Version = "head",
    exact: bool = True,
    limit: int = LIMIT,
    both_axes: bool = False,
) -> Mapped:
    """The mapping with the lowest energy, cycles or product of both, of all with perfect factors.

        best_mapping("architecture.yaml", "problem.yaml", "edp").result.cycles

    The search counts in closed form; the best few that it finds are counted again, step by step, without link
    transfers, and the one that is then best is the answer. docs/mapper.md says where the two can differ.

    Args:
        architecture: levels and units, in any form that `load` takes, or as read.
        problem: dimensions and dataspaces, likewise.
        objective: "edp", "delay" or "energy".
        others: more documents, such as an energy reference table.
        keep: what levels may keep, instead of the architecture table's `keep_choices`. Levels that are not
            named may keep anything, but the outermost, which keeps all.
        version: of Timeloop's rules, "head" or "v303".
        exact: prove the optimum; otherwise stop after a narrow first pass.
        limit: rows a level at which the search cuts, and then says so.
        both_axes: let one dimension be spread along both axes of an array, as ZigZag does; Timeloop's
            directives cannot say that, but `mapping_table` can.

    Raises:
        ValueError: a name is unknown, there are too many choices of what to keep, or no mapping fits.
        OSError: a file cannot be read.
    """
    if objective not in OBJECTIVES:
        raise unknown("the objective", objective, OBJECTIVES)
    if version not in VERSIONS:
        raise unknown("version", version, VERSIONS)
    if isinstance(architecture, Machine) and isinstance(problem, Problem):
        machine, layer, choices = architecture, problem, keep or {}
    elif isinstance(architecture, Machine) or isinstance(problem, Problem):
        raise ValueError("architecture and problem must both be as read, or both be sources")
    else:
        machine, layer, given = load_unmapped(architecture, problem, *others)
        choices = given if keep is None else keep
    ranked = rank(
        machine,
        layer,
        objective,
        keep_choices(machine, layer, choices),
        version,
        exact=exact,
        limit=limit,
        both_axes=both_axes,
    )
    cases = [Case(machine, nest) for nest in ranked.nests]
    results = [case.counts("timeloop", version) for case in cases]
    scores = [_score(objective, result) for result in results]
    best = scores.index(min(scores))
    return Mapped(
        cases[best], results[best], objective, scores[best], ranked.complete, ranked.bound, ranked.visited
    )


def keep_choices(machine: Machine, problem: Problem, choices: KeepChoices) -> list[Keeps]:
    """All combinations of what the levels may keep, [choices][levels], innermost level first.

    Raises:
        ValueError: a level or a dataspace is unknown, there are more than `MOST_CHOICES`, or none keeps every
            dataspace somewhere.
    """
    names = [space.name for space in problem.dataspaces]
    levels = [buffer.name for buffer in machine.levels]
    for level in choices:
        if level not in levels:
            raise unknown("a level of the choices to keep", level, levels)
    everything = list(chain.from_iterable(combinations(names, number) for number in range(len(names) + 1)))
    given = {level: each for level, each in choices.items() if each != "free"}
    options = [given.get(level, everything) for level in levels[:-1]] + [given.get(levels[-1], [names])]
    if (number := prod(map(len, options))) > MOST_CHOICES:
        raise ValueError(
            f"at most {MOST_CHOICES} choices of what to keep can be searched, but there are {number}; say what "
            f"levels may keep, e.g. keep={{{levels[0]!r}: [{names[:1]}]}}"
        )
    found = [tuple(_indices(each, names) for each in combination) for combination in product(*options)]
    found = [each for each in dict.fromkeys(found) if len(frozenset().union(*each)) == len(names)]
    if not found:
        raise ValueError("every dataspace must be kept by some level, but no choice does that")
    return found


def _indices(kept: Sequence[str], names: Sequence[str]) -> frozenset[int]:
    for name in kept:
        if name not in names:
            raise unknown("a dataspace to keep", name, names)
    return frozenset(names.index(name) for name in kept)


def _score(objective: Objective, result: Result) -> float:
    energy, cycles = result.energy_pj, float(result.cycles)
    return {"edp": energy * cycles, "delay": cycles, "energy": energy}[objective]
