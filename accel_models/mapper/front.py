"""The mapping front: the few mappings that suffice for all designs near one, and their prices.

If a design's energies are those of another times factors of which the largest is at most `a` times the
smallest, and bandwidths change cycles by factors of which the largest is at most `b` times the smallest, then
the best mapping for the one scores at most `a b` times the optimum on the other. So a search that keeps all
mappings up to that score, and drops one only if another is as good in the energy of every level and in the time
of every bandwidth, loses nothing for any such design.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from accel_models.analysis.timeloop.machine import Machine
from accel_models.analysis.timeloop.nest import Flags, Ints, Nest, Problem, Version
from accel_models.mapper import arrays
from accel_models.mapper.best import LIMIT, rank
from accel_models.mapper.chain import Chain, Keeps
from accel_models.mapper.fronts import undominated
from accel_models.mapper.lattice import Floats, Lattice
from accel_models.mapper.mapping import nest_of_row
from accel_models.mapper.search import Objective, Search, score

ROUNDS = 200


@dataclass(frozen=True)
class Prices:
    """What designs score with the best mapping of a front, [designs].

    Attributes:
        scores: energy in picojoules, cycles or their product.
        which: the mapping.
        proven: whether no mapping at all is better, because the design is near enough.
    """

    scores: Floats
    which: Ints
    proven: Flags


@dataclass(frozen=True)
class MappingFront:
    """Mappings of one problem, for all designs near one machine.

    Attributes:
        objective: what is minimized.
        nests: the mappings.
        energy_pj: energy of every level, innermost first, of the networks, and of the units, [mappings, parts].
        busy_cycles: cycles that every limited bandwidth asks for, [mappings, bandwidths].
        compute_cycles: cycles of computing, [mappings].
        slack: how much worse than the best on the machine a mapping may be and still be here.
        complete: whether none of those is missing.
        visited: partial mappings that were looked at.
    """

    objective: Objective
    nests: tuple[Nest, ...]
    energy_pj: Floats
    busy_cycles: Floats
    compute_cycles: Floats
    slack: float
    complete: bool
    visited: int

    def price(self, energies: Floats, bandwidths: Floats | None = None) -> Prices:
        """Price designs that differ from the machine in energies and bandwidths.

        Args:
            energies: times those of the machine, of levels (innermost first), networks and units,
                [designs, levels + 2].
            bandwidths: times those of the machine, [designs, bandwidths]; None: the same.

        Raises:
            ValueError: shapes do not fit, or a factor is not positive.
        """
        designs, parts = len(energies), self.energy_pj.shape[1]
        limits = self.busy_cycles.shape[1]
        bandwidths = np.ones((designs, limits)) if bandwidths is None else bandwidths
        if energies.shape != (designs, parts) or bandwidths.shape != (designs, limits):
            raise ValueError(
                f"factors must be [designs, {parts}] and [designs, {limits}], "
                f"but are {list(energies.shape)} and {list(bandwidths.shape)}"
            )
        if not ((energies > 0).all() and (bandwidths > 0).all()):
            raise ValueError("factors of energies and bandwidths must be positive, but some are not")
        energy = energies @ self.energy_pj.T
        cycles = np.broadcast_to(self.compute_cycles, energy.shape)
        for limit in range(limits):
            cycles = np.maximum(cycles, self.busy_cycles[:, limit] / bandwidths[:, limit, None])
        scores = score(self.objective, energy, cycles)
        which = scores.argmin(axis=1)
        return Prices(scores[np.arange(designs), which], which, self._near(energies, bandwidths))

    def _near(self, energies: Floats, bandwidths: Floats) -> Flags:
        """Designs for which the front is enough, [designs]."""
        apart = np.ones(len(energies))
        if self.objective != "delay":
            apart *= energies.max(axis=1) / energies.min(axis=1)
        if self.objective != "energy":
            slower = np.maximum(1.0, 1.0 / bandwidths.min(axis=1, initial=1.0))
            apart *= slower / np.minimum(1.0, 1.0 / bandwidths.max(axis=1, initial=1.0))
        return np.asarray((apart <= self.slack) & self.complete)


def mapping_front(  # noqa: PLR0913 - options
    machine: Machine,
    problem: Problem,
    objective: Objective,
    keeps: Iterable[Keeps],
    version: Version = "head",
    *,
    slack: float,
    limit: int = LIMIT,
    both_axes: bool = False,
) -> MappingFront:
    """The mappings that suffice for all designs near a machine.

    Args:
        machine: levels and units.
        problem: dimensions and dataspaces.
        objective: "edp", "delay" or "energy".
        keeps: as for `accel_models.mapper.best.rank`.
        version: of Timeloop's rules.
        slack: at least 1; how far designs may be apart (see the top of this module).
        limit: rows a level at which to cut, which `complete` then says.
        both_axes: as for `accel_models.mapper.best.rank`.

    Raises:
        ValueError: `slack < 1`, or no mapping fits.
    """
    if slack < 1:
        raise ValueError(f"`slack >= 1` must hold, but got slack={slack}")
    keeps = list(keeps)
    best = rank(machine, problem, objective, keeps, version, limit=limit, both_axes=both_axes)
    lattice = Lattice(problem)
    vectors = [arrays.factor_vectors(lattice, mesh, both_axes=both_axes) for mesh in machine.meshes]
    most = slack * best.scores[0] * (1 + 1e-6)
    nests: list[Nest] = []
    costs, computes, complete, visited = [], [], best.complete, best.visited
    for each in keeps:
        limited = objective != "energy"
        chain = Chain(machine, problem, each, version, limited=limited, split=True, both_axes=both_axes)
        search = Search(lattice, chain, vectors, objective)
        found = search.run(most, None, limit) if search.root() < most else None
        complete &= not search.cut
        visited += search.visited
        if found is not None:
            costs.append(found.cost)
            computes.append(search.computes / found.spread)
            nests += [nest_of_row(chain, found.moves, row) for row in range(len(found.scores))]
    cost, compute = np.concatenate(costs), np.concatenate(computes)
    rows = undominated(np.c_[cost, compute], np.zeros(len(cost), dtype=np.int64), ROUNDS)
    parts = len(machine.levels) + 1
    units = np.full((rows.size, 1), float(np.prod(problem.bounds)) * machine.units.energy_pj)
    return MappingFront(
        objective,
        tuple(nests[row] for row in rows),
        np.c_[cost[rows, :parts], units],
        cost[rows, parts:],
        compute[rows],
        slack,
        complete,
        visited,
    )
