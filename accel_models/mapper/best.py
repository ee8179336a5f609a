"""The best mapping over all choices of what levels keep."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from accel_models.analysis.timeloop.machine import Machine
from accel_models.analysis.timeloop.nest import Nest, Problem, Version
from accel_models.mapper import arrays
from accel_models.mapper.chain import Chain, Keeps
from accel_models.mapper.lattice import Lattice
from accel_models.mapper.mapping import nest_of_row
from accel_models.mapper.search import Found, Objective, Search

LIMIT = 100_000
QUICK = 64
FINALISTS = 4


@dataclass(frozen=True)
class Ranked:
    """What a search found.

    Attributes:
        nests: the best mappings, best first; the first one's score is `scores[0]`.
        scores: by the search's own counting: energy in picojoules, cycles or their product.
        complete: whether no other mapping of the mapspace has a lower score; False if rows were cut.
        bound: no mapping scores less, whether the search is complete or not.
        visited: partial mappings that were looked at.
    """

    nests: tuple[Nest, ...]
    scores: tuple[float, ...]
    complete: bool
    bound: float
    visited: int


def rank(  # noqa: PLR0913 - options
    machine: Machine,
    problem: Problem,
    objective: Objective,
    keeps: Iterable[Keeps],
    version: Version = "head",
    *,
    exact: bool = True,
    limit: int = LIMIT,
    both_axes: bool = False,
) -> Ranked:
    """Search all mappings of perfect factors, for every choice of what the levels keep.

    Args:
        machine: levels and units.
        problem: dimensions and dataspaces.
        objective: "edp" (energy times cycles), "delay" or "energy".
        keeps: dataspaces of every level, innermost first; one entry a choice.
        version: of Timeloop's rules.
        exact: prove the best one; otherwise stop after a pass that keeps `QUICK` rows a level.
        limit: rows a level at which to cut, which `complete` then says.
        both_axes: let one dimension be spread along both axes of an array, which Timeloop's mapper does not.

    Raises:
        ValueError: no mapping fits.
    """
    lattice = Lattice(problem)
    vectors = [arrays.factor_vectors(lattice, mesh, both_axes=both_axes) for mesh in machine.meshes]
    limited = objective != "energy"
    chains = [Chain(machine, problem, each, version, limited=limited, both_axes=both_axes) for each in keeps]
    searches = [Search(lattice, chain, vectors, objective) for chain in chains]
    roots = np.array([each.root() for each in searches])
    found: list[tuple[float, Search, Found, int]] = []
    incumbent, complete = np.inf, exact
    for width in (QUICK, None) if exact else (QUICK,):
        for number in np.argsort(roots, kind="stable"):
            if roots[number] >= incumbent:
                break
            search = searches[number]
            result = search.run(incumbent, width, limit)
            complete &= width is not None or not search.cut
            if result is not None:
                rows = np.argsort(result.scores, kind="stable")[:FINALISTS]
                found += [(float(result.scores[row]), search, result, int(row)) for row in rows]
                incumbent = min(incumbent, float(result.scores.min()))
    if not found:
        raise ValueError(
            "some mapping must fit the machine, but none does: its tiles of one word are too large"
        )
    best = sorted(found, key=lambda each: each[0])[:FINALISTS]
    return Ranked(
        tuple(nest_of_row(search.chain, result.moves, row) for _, search, result, row in best),
        tuple(each for each, *_ in best),
        complete,
        float(incumbent if complete else roots.min()),
        sum(each.visited for each in searches),
    )
