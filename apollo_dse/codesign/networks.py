"""Networks that are chosen along with the design: in one space, each point a design and a network."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accel_models import Workload
from apollo_dse.optimizer import fresh
from apollo_dse.problem import Problem
from search_spaces import DesignSpace, NetworkSpace, Point, SearchSpace, network_space
from search_spaces.networks.graph import Graph

if TYPE_CHECKING:
    from apollo_dse.evaluators import Evaluator

STARTS = 8
"""Designs with which a search for networks, too, tries the usual one first."""


def joint_space(design_space: DesignSpace, network_space: NetworkSpace) -> SearchSpace:
    """The parameters and rules of both, those of the design first.

    Raises:
        ValueError: a parameter of one has the name of one of the other.
    """
    designs, networks = design_space.space, network_space.space
    if shared := set(designs.names) & set(networks.names):
        rule = "designs and networks must have parameters of different names"
        raise ValueError(f"{rule}, but {design_space.name!r} and {network_space.name!r} share {sorted(shared)}")
    return SearchSpace((*designs.parameters, *networks.parameters), (*designs.rules, *networks.rules))


def design_of(point: Point, network_space: NetworkSpace) -> Point:
    """What of a joint point is the design: all that is not the network."""
    return {name: value for name, value in point.items() if name not in network_space.space.names}


def network_of(point: Point, network_space: NetworkSpace) -> Point:
    """What of a joint point is the network.

    Raises:
        KeyError: it lacks a parameter.
    """
    return {name: point[name] for name in network_space.space.names}


@dataclass(frozen=True, slots=True)
class Networks:
    """Networks to choose from, and who says how good they are.

    `space` is a registered name, or a space made in Python; `accuracy` a reference such as `table:FILE`
    (`apollo_dse.codesign.accuracy`), or an evaluator of networks.
    """

    space: str | NetworkSpace
    accuracy: "str | Evaluator"

    @property
    def network_space(self) -> NetworkSpace:
        """The space with its networks.

        Raises:
            ValueError: no such name.
        """
        return self.space if isinstance(self.space, NetworkSpace) else network_space(self.space)

    @property
    def evaluator(self) -> "Evaluator":
        """Who says how good networks are.

        Raises:
            ValueError: the reference names none.
            OSError: a file cannot be read.
        """
        from apollo_dse.codesign.accuracy import accuracy

        return accuracy(self.accuracy, self.network_space) if isinstance(self.accuracy, str) else self.accuracy

    @property
    def usual(self) -> Workload:
        """The network that is taken where none is chosen."""
        return self.network_space.build(self.network_space.usual)

    def starts(self, problem: Problem, seed: int) -> tuple[Point, ...]:
        """Where a search for both begins: the usual network, with a few designs that are not known to fail.

        Most networks are worse than the usual one, and a limit on accuracy rules them out; a search that begins
        with draws of both alone takes long to find its first pair within the limits. There are none where the
        usual network is no choice, or the network is given.
        """
        usual = network_of(self.network_space.usual, self.network_space)
        choices = [problem.space.parameter(name) for name in usual]
        is_open = any(choice.cardinality != 1 for choice in choices)
        if not is_open or not all(choice.contains(usual[choice.name]) for choice in choices):
            return ()
        designs = replace(problem, space=problem.space.subspace(**usual))
        return tuple(fresh(designs, np.random.default_rng([seed, STARTS]), STARTS, set()))

    def workload_of(self, point: Point) -> Workload:
        """The network that a joint point chooses."""
        return self.network_space.build(network_of(point, self.network_space))

    def graph_of(self, point: Point) -> Graph | None:
        """The network that a joint point chooses, to be drawn, if its space can."""
        draw = self.network_space.graph
        return None if draw is None else draw(network_of(point, self.network_space))

    def about(self) -> Mapping[str, str | None]:
        """Names of the space and of who rates its networks, from which they are made again; None: no name."""
        return {
            "space": None if isinstance(self.space, NetworkSpace) else self.space,
            "accuracy": _absolute(self.accuracy) if isinstance(self.accuracy, str) else None,
        }


def _absolute(reference: str) -> str:
    """A reference `KIND:FILE` or `KIND:FILE#COLUMN` with the whole path of a file that is there."""
    kind, colon, argument = reference.partition(":")
    file, mark, column = argument.partition("#")
    return f"{kind}{colon}{Path(file).absolute()}{mark}{column}" if file and Path(file).is_file() else reference
