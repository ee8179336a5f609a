"""What may be chosen: parameters and rules (`SearchSpace`), and what is built from them (`DesignSpace`)."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from accel_models import Accelerator, technology
from accel_models.ranges import Column, DesignColumns, Floor, Monotone, Settled, design_columns
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import Value, nearest_name

Point = Mapping[str, Value]
"""One design: a value for each parameter, by name."""

Rule = Callable[[Point], str | None]
"""Why the point is ruled out, or None."""

DRAWS_PER_POINT = 1000
FIRST_DRAWS = 20_000
"""Rejection sampling gives up once `FIRST_DRAWS` were made and fewer than 1 in `DRAWS_PER_POINT` passed."""


def canonical(point: Point) -> str:
    """Text that two points share exactly when they are the same design: JSON, keys sorted, 5.0 as 5.

    Points of numpy scalars, of ints and of floats that compare equal have the same text, on every machine.
    """
    return json.dumps(
        {name: _plain(value) for name, value in point.items()}, sort_keys=True, separators=(",", ":")
    )


MOST_SPANNED = 64
"""Values of a parameter that `DesignSpace.span` takes, at most."""


@dataclass(frozen=True, slots=True)
class SearchSpace:
    """Parameters, and rules over whole points.

    Raises:
        ValueError: there is no parameter, or two share a name.
    """

    parameters: tuple[Parameter, ...]
    rules: tuple[Rule, ...] = ()

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ValueError("a space must have at least one parameter, but it has none")
        repeated = [name for name, count in Counter(self.names).items() if count > 1]
        if repeated:
            raise ValueError(f"parameters must have distinct names, but {repeated} occur more than once")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters: the columns of `to_unit`, in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def size(self) -> int | None:
        """Exact number of points; None with a `Real` (no end) or with rules (`enumerate` and count)."""
        if self.rules:
            return None
        cardinalities = [parameter.cardinality for parameter in self.parameters]
        return None if None in cardinalities else prod(cardinality or 0 for cardinality in cardinalities)

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name.

        Raises:
            ValueError: there is none; the message has the nearest name.
        """
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise ValueError(f"no parameter {name!r} among {', '.join(self.names)}{nearest_name(name, self.names)}")

    def violations(self, point: Point) -> list[str]:
        """Every reason why `point` does not lie in the space: names, then values, then rules.

        Rules see only points whose names and values are right.
        """
        names = self.names
        reasons = [f"`{name}` must have a value, but the point has none" for name in names if name not in point]
        for name in point:
            if name not in names:
                reasons.append(f"`{name}` is no parameter of the space{nearest_name(name, names)}")
        for parameter in self.parameters:
            if parameter.name in point and (reason := parameter.violation(point[parameter.name])) is not None:
                reasons.append(reason)
        if not reasons:
            reasons = [reason for rule in self.rules if (reason := rule(point)) is not None]
        return reasons

    def __contains__(self, point: Point) -> bool:
        """Whether `violations` has none; searches ask it of every candidate, so that no reasons are made."""
        if len(point) != len(self.parameters):
            return False
        for each in self.parameters:
            if each.name not in point or not each.contains(point[each.name]):
                return False
        return self.allows(point)

    def allows(self, point: Point) -> bool:
        """Whether no rule refuses a point whose names and values are right."""
        return all(rule(point) is None for rule in self.rules)

    def sample(self, rng: np.random.Generator, n: int) -> list[Point]:
        """`n` points drawn uniformly and independently: rules reject, and what they reject is drawn again.

        Raises:
            ValueError: the rules leave fewer than about one draw in `DRAWS_PER_POINT`.
        """
        points: list[Point] = []
        refusals: Counter[str] = Counter()
        draws = 0
        while len(points) < n:
            if draws >= FIRST_DRAWS and len(points) * DRAWS_PER_POINT < draws:
                common = "; ".join(f"{count} times {reason}" for reason, count in refusals.most_common(3))
                found = f"{len(points)} of {draws} draws did"
                raise ValueError(
                    f"rules must admit at least 1 draw in {DRAWS_PER_POINT}, but {found}: {common}"
                )
            batch = max(n, 256) if draws else n
            draws += batch
            for point in self.from_unit(rng.random((batch, len(self.parameters)))):
                reason = next((reason for rule in self.rules if (reason := rule(point)) is not None), None)
                if reason is None:
                    points.append(point)
                else:
                    refusals[reason] += 1
        return points[:n]

    def to_unit(self, points: Sequence[Point]) -> NDArray[np.float64]:
        """Coordinates [n, d] in the unit cube of `n` points of the space, `d` parameters in order.

        Raises:
            ValueError: a value is none of its parameter's.
            KeyError: a point lacks a parameter.
        """
        rows = [[parameter.to_unit(point[parameter.name]) for parameter in self.parameters] for point in points]
        return np.array(rows, dtype=np.float64).reshape(len(points), len(self.parameters))

    def from_unit(self, units: NDArray[np.float64]) -> list[Point]:
        """The `n` points at coordinates [n, d] of the unit cube; rules are not asked.

        Raises:
            ValueError: the shape is not [n, d], or a coordinate lies outside [0, 1].
        """
        if units.ndim != 2 or units.shape[1] != len(self.parameters):
            expected = f"[n, {len(self.parameters)}]"
            raise ValueError(f"coordinates must have shape {expected}, but got {list(units.shape)}")
        return [
            {parameter.name: parameter.from_unit(u) for parameter, u in zip(self.parameters, row, strict=True)}
            for row in units.tolist()
        ]

    def enumerate(self) -> Iterator[Point]:
        """Every point that the rules admit, lazily, the last parameter fastest.

        Raises:
            ValueError: a parameter is a `Real`.
        """
        axes: list[Sequence[Value]] = []
        for parameter in self.parameters:
            if isinstance(parameter, Real):
                raise ValueError(f"only discrete parameters can be enumerated, but {parameter.name!r} is real")
            if isinstance(parameter, Integer):
                axes.append(range(parameter.low, parameter.high + 1))
            else:
                axes.append(parameter.values)
        return (point for point in self._grid(axes) if not any(rule(point) for rule in self.rules))

    def subspace(self, **pinned: Value) -> "SearchSpace":
        """This space with some parameters held at one value; they stay parameters, of one value.

        Raises:
            ValueError: a name is unknown, or a value is none of its parameter's.
        """
        for name, value in pinned.items():
            self.parameter(name).check(value)
        pinned_parameters = (
            _pinned(parameter, pinned[parameter.name]) if parameter.name in pinned else parameter
            for parameter in self.parameters
        )
        return replace(self, parameters=tuple(pinned_parameters))

    def _grid(self, axes: Sequence[Sequence[Value]]) -> Iterator[Point]:
        names = self.names
        for values in _lazy_product(axes):
            yield dict(zip(names, values, strict=True))


def no_template(point: Point) -> Accelerator:
    """Stands for the template of a space that has none, whose points only an evaluator of one's own knows.

    Raises:
        ValueError: always.
    """
    rule = "a space without a template must be given an evaluator of one's own"
    raise ValueError(f"{rule} (--evaluator), but a design of {', '.join(point)} was to be built")


@dataclass(frozen=True, slots=True)
class DesignSpace:
    """A space of accelerators: what may be chosen, and how a choice becomes hardware.

    `build` turns a point of `space` into an `Accelerator`; a design that cannot exist is still built, with
    its `violations` as reasons. `reference` says where the space comes from, `notes` what in it is
    interpretation. `presets` are named points that `build` understands; they may lie off the grid. `optional`
    are parameters with a default that `build` also reads, and that a user's own space may open. `monotone`,
    where the template has it, says between which values the numbers of all designs of a box of points lie.
    `remedies` names the parameters of the template that give more of a resource which may bound a design.
    """

    name: str
    space: SearchSpace
    build: Callable[[Point], Accelerator]
    reference: str
    presets: Mapping[str, Point] = field(default_factory=dict)
    notes: str = ""
    optional: tuple[Parameter, ...] = ()
    monotone: Monotone | None = None
    remedies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def has_template(self) -> bool:
        """Whether points can be built; of a space without a template only a user's own evaluator knows them."""
        return self.build is not no_template

    @property
    def node_nm(self) -> float | None:
        """The technology node of all its designs, in nm; None where they differ, or points cannot be built."""
        chosen = next((each for each in self.space.parameters if each.name == "technology"), None)
        if not self.has_template or (chosen is not None and chosen.cardinality != 1):
            return None
        (point,) = self.space.sample(np.random.default_rng(0), 1)
        return technology.get(self.build(point).technology).node_nm

    def remedies_within(self) -> dict[str, tuple[str, ...]]:
        """The remedies that are parameters of this space; a user's own may leave some out."""
        names = self.space.names
        within = {
            resource: tuple(name for name in remedies if name in names)
            for resource, remedies in self.remedies.items()
        }
        return {resource: remedies for resource, remedies in within.items() if remedies}

    def columns(self, points: Sequence[Point]) -> DesignColumns:
        """The numbers of the designs of points that settle the other parameters alike, without building them.

        Raises:
            ValueError: the space is not `monotone`.
        """
        return design_columns(*self.numbers(points))

    def floor(self, points: Sequence[Point]) -> Floor:
        """Areas of the designs of such points, and whether and why not they can be built, without the rest.

        Raises:
            ValueError: the space is not `monotone`.
        """
        monotone, settled, values = self.numbers(points)
        return monotone.floor(settled, values)

    def numbers(self, points: Sequence[Point]) -> tuple[Monotone, Settled, dict[str, Column]]:
        """How the template's numbers rise, what all points settle, and the other values, a column a parameter.

        Values may lie between those of the space.

        Raises:
            ValueError: the space is not `monotone`.
        """
        if self.monotone is None:
            raise ValueError(f"designs of space {self.name!r} have no numbers before they are built")
        free = self.monotone.parameters
        settled = {name: value for name, value in points[0].items() if name not in free}
        values = {name: np.array([float(point[name]) for point in points]) for name in free}
        return self.monotone, settled, values

    def span(self) -> tuple[Accelerator, ...]:
        """Designs that have, all together, every value of every parameter: one varies, the others are least.

        Of a parameter with more than `MOST_SPANNED` values some are left out.
        """
        first = self.space.from_unit(np.zeros((1, len(self.space.parameters))))[0]
        points = [first]
        for parameter in self.space.parameters:
            count = min(parameter.cardinality or MOST_SPANNED, MOST_SPANNED)
            units = np.linspace(0.0, 1.0, count, endpoint=False) + 0.5 / count
            points += [{**first, parameter.name: parameter.from_unit(float(unit))} for unit in units]
        return tuple(self.build(point) for point in points if point in self.space)


def _plain(value: Value) -> Value:
    """A built-in scalar of the same value; whole floats as ints."""
    if isinstance(value, str):
        return str(value)
    number = float(value)
    return int(value) if number.is_integer() else number


def _pinned(parameter: Parameter, value: Value) -> Parameter:
    if isinstance(parameter, Categorical):
        return replace(parameter, values=(str(value),))
    assert not isinstance(value, str)
    return Ordinal(parameter.name, (value,), parameter.unit)


def _lazy_product(axes: Sequence[Sequence[Value]]) -> Iterator[tuple[Value, ...]]:
    """Cartesian product, the last axis fastest, without `itertools.product`'s copy of every axis."""
    if not axes:
        yield ()
        return
    for head in axes[0]:
        for tail in _lazy_product(axes[1:]):
            yield (head, *tail)
