"""What every registered space of designs owes, and mutants that must be found out."""

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest

import search_spaces
from accel_models import Accelerator
from search_spaces import DesignSpace, Integer, Ordinal, Point, Real, SearchSpace, canonical
from search_spaces.hardware.edge import EDGE

NUM_POINTS = 200


def sample(space: DesignSpace) -> list[Point]:
    return space.space.sample(np.random.default_rng(0), NUM_POINTS)


def samples_lie_in_the_space(space: DesignSpace) -> None:
    points = sample(space)
    assert points == sample(space)
    assert [reason for point in points for reason in space.space.violations(point)] == []


def points_survive_the_unit_cube(space: DesignSpace) -> None:
    points = sample(space)
    units = space.space.to_unit(points)
    assert units.shape == (NUM_POINTS, len(space.space.parameters))
    assert ((units >= 0) & (units <= 1)).all()
    back = space.space.from_unit(units)
    for parameter in space.space.parameters:
        values = [point[parameter.name] for point in points]
        returned = [point[parameter.name] for point in back]
        assert returned == (pytest.approx(values) if isinstance(parameter, Real) else values)


def every_point_builds(space: DesignSpace) -> None:
    for point in sample(space):
        before = canonical(point)
        accelerator = space.build(point)
        assert isinstance(accelerator, Accelerator)
        assert hash(accelerator) == hash(space.build(point))
        assert canonical(point) == before


def every_parameter_matters(space: DesignSpace) -> None:
    for parameter in space.space.parameters:
        pairs = (
            (point, {**point, parameter.name: parameter.from_unit(u)})
            for point in sample(space)
            for u in (0, 1)
        )
        assert any(space.build(one) != space.build(other) for one, other in pairs), parameter.name


def size_is_that_of_the_enumeration(space: DesignSpace) -> None:
    """On subspaces: all parameters pinned but two neighbours."""
    point = sample(space)[0]
    bare = replace(space.space, rules=())
    for i in range(len(bare.parameters)):
        free = {bare.names[i], bare.names[i - 1]}
        small = bare.subspace(**{name: value for name, value in point.items() if name not in free})
        if small.size is not None and small.size < 10_000:
            points = list(small.enumerate())
            assert small.size == len(points) == len({canonical(point) for point in points})
            assert all(point in bare for point in points)


def presets_build(space: DesignSpace) -> None:
    for point in space.presets.values():
        assert space.build(point).violations == ()


def it_says_where_it_comes_from(space: DesignSpace) -> None:
    assert len(space.reference) > 10


def it_travels_between_processes(space: DesignSpace) -> None:
    assert pickle.loads(pickle.dumps(space)).space == space.space


CHECKS: tuple[Callable[[DesignSpace], None], ...] = (
    samples_lie_in_the_space,
    points_survive_the_unit_cube,
    every_point_builds,
    every_parameter_matters,
    size_is_that_of_the_enumeration,
    presets_build,
    it_says_where_it_comes_from,
    it_travels_between_processes,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", search_spaces.names())
def test_registered_spaces_keep_the_contract(name: str, check: Callable[[DesignSpace], None]) -> None:
    assert search_spaces.get(name).name == name
    check(search_spaces.get(name))


@dataclass(frozen=True, slots=True)
class OffByOne(Integer):
    """Leaves its interval at the upper end."""

    def from_unit(self, u: float) -> int:
        return min(self.low + int(u * self.cardinality), self.high) + 1


@dataclass(frozen=True, slots=True)
class Descending(Ordinal):
    """Answers for the mirrored value."""

    def to_unit(self, value: float | int | str) -> float:
        return 1.0 - Ordinal.to_unit(self, value)


def build_with_one_core(point: Point) -> Accelerator:
    return EDGE.build({**point, "cores": 1})


def build_only_squares(point: Point) -> Accelerator:
    if point["pe_x"] != point["pe_y"]:
        raise ValueError("only squares")
    return EDGE.build(point)


def build_and_forget(point: Point) -> Accelerator:
    point["cores"] = 1  # type: ignore[index]
    return EDGE.build(point)


def changed(parameter: Ordinal | Integer) -> DesignSpace:
    kept = (parameter if each.name == parameter.name else each for each in EDGE.space.parameters)
    return replace(EDGE, space=SearchSpace(tuple(kept)))


MUTANTS: Mapping[str, tuple[DesignSpace, Callable[[DesignSpace], None]]] = {
    "leaves its list": (changed(OffByOne("pe_x", 1, 32)), samples_lie_in_the_space),
    "mirrors a column": (changed(Descending("pe_x", (1, 2, 4))), points_survive_the_unit_cube),
    "ignores a parameter": (replace(EDGE, build=build_with_one_core), every_parameter_matters),
    "raises on a point": (replace(EDGE, build=build_only_squares), every_point_builds),
    "edits a point": (replace(EDGE, build=build_and_forget), every_point_builds),
    "has a broken preset": (replace(EDGE, presets={"x": {"pe_x": 1}}), presets_build),
    "comes from nowhere": (replace(EDGE, reference=""), it_says_where_it_comes_from),
    "cannot travel": (replace(EDGE, build=lambda point: EDGE.build(point)), it_travels_between_processes),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_mutants_break_the_contract(mutant: str) -> None:
    space, check = MUTANTS[mutant]
    with pytest.raises((AssertionError, ValueError, KeyError, AttributeError, pickle.PicklingError)):
        check(space)
