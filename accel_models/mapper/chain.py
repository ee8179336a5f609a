"""The machine as the search sees it: what a word costs at every level, for one choice of kept dataspaces.

A dataspace that a level keeps is filled, word by word, from the next level outside that keeps it, its parent.
Costs are columns, "channels": first energies, then cycles of every limited bandwidth, in words per
bandwidth. All are smaller is better.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from accel_models.analysis.timeloop.machine import Machine
from accel_models.analysis.timeloop.nest import Problem, Version
from accel_models.mapper.lattice import Floats

Keeps = tuple[frozenset[int], ...]


@dataclass(frozen=True)
class Chain:
    """A machine with what each of its levels keeps, innermost level first.

    Attributes:
        machine: levels and units.
        problem: dimensions and dataspaces.
        keeps: dataspaces of every level.
        version: of Timeloop's rules.
        limited: whether bandwidths count.
        split: whether every level has its own column of energy.
        both_axes: whether one dimension may be spread along both axes of an array.
    """

    machine: Machine
    problem: Problem
    keeps: Keeps
    version: Version
    limited: bool = True
    split: bool = False
    both_axes: bool = False

    @cached_property
    def resources(self) -> tuple[tuple[int, str, float], ...]:
        """(level, "read" or "write" or "shared", words per cycle) of every limited bandwidth."""
        if not self.limited:
            return ()
        found = []
        for level, buffer in enumerate(self.machine.levels):
            for kind in ("read", "write", "shared"):
                bandwidth = getattr(buffer, f"{kind}_bandwidth")
                if bandwidth is not None:
                    found.append((level, kind, float(bandwidth)))
        return tuple(found)

    @property
    def energies(self) -> int:
        """Columns of energy: one, or, if they are split, one for every level and one for the networks."""
        return len(self.keeps) + 1 if self.split else 1

    @property
    def channels(self) -> int:
        """Columns of cost: energies, and the limited bandwidths."""
        return self.energies + len(self.resources)

    def column(self, level: int) -> int:
        """The column of a level's energy; that of the networks for the level behind the last."""
        return level if self.split else 0

    def energy(self, costs: Floats) -> Floats:
        """Energy of costs [..., channels]."""
        return np.asarray(costs[..., : self.energies].sum(axis=-1))

    def read_write(self, dataspace: int) -> bool:
        """Whether a dataspace is accumulated."""
        return self.problem.dataspaces[dataspace].read_write

    def kept(self, dataspace: int) -> tuple[int, ...]:
        """Levels that keep a dataspace, innermost first."""
        return tuple(level for level, keeps in enumerate(self.keeps) if dataspace in keeps)

    def parent(self, level: int, dataspace: int) -> int | None:
        """The next level outside one (-1: the units) that keeps a dataspace."""
        return next((each for each in self.kept(dataspace) if each > level), None)

    def current(self, level: int, dataspace: int) -> int:
        """The outermost level up to one that keeps a dataspace; -1 if none does, and units are served."""
        return max((each for each in self.kept(dataspace) if each <= level), default=-1)

    @cached_property
    def serve(self) -> Floats:
        """Cost of a word that a level sends, or receives and adds, [levels, dataspaces, channels]."""
        found = self._zeros()
        for level, buffer in enumerate(self.machine.levels):
            for k in self.keeps[level]:
                reads, updates = 1.0, float(self.read_write(k))
                energy = reads * buffer.read_energy_pj + updates * buffer.update_energy_pj
                found[level, k, self.column(level)] = energy / buffer.block_words
                self._occupy(found, level, k, reads, updates)
        return found

    @cached_property
    def fill(self) -> Floats:
        """Cost of a word that a level gets from its parent, [levels, dataspaces, channels]."""
        found = self._zeros()
        for level, buffer in enumerate(self.machine.levels):
            for k in self.keeps[level]:
                if self.parent(level, k) is not None:
                    found[level, k, self.column(level)] = buffer.fill_energy_pj / buffer.block_words
                    self._occupy(found, level, k, 0.0, 1.0)
        return found

    @cached_property
    def credit(self) -> Floats:
        """What is not paid of a word that is owned: its first read, and its first fill, if it has one.

        [levels, dataspaces, channels]; only dataspaces that are accumulated have credit.
        """
        found = self._zeros()
        for level, buffer in enumerate(self.machine.levels):
            for k in self.keeps[level]:
                if self.read_write(k):
                    fills = float(self.parent(level, k) is not None)
                    energy = buffer.read_energy_pj + fills * buffer.fill_energy_pj
                    found[level, k, self.column(level)] = energy / buffer.block_words
                    self._occupy(found, level, k, 1.0, fills)
        return found

    def hop_pj(self, level: int, dataspace: int) -> float:
        """Energy of a hop below a level; 0 if no level from there on keeps the dataspace."""
        served = any(each >= level for each in self.kept(dataspace))
        return self.machine.hop_energy_pj if served else 0.0

    def _zeros(self) -> Floats:
        return np.zeros((len(self.keeps), len(self.problem.dataspaces), self.channels))

    def _occupy(self, found: Floats, level: int, dataspace: int, reads: float, writes: float) -> None:
        for number, (where, kind, bandwidth) in enumerate(self.resources):
            if where == level:
                words = {"read": reads, "write": writes, "shared": reads + writes}[kind]
                found[level, dataspace, self.energies + number] = words / bandwidth
