"""Nests as Timeloop's YAML directives, and as text to read."""

from math import prod
from typing import Any

import yaml

from accel_models.analysis.timeloop.nest import NestLoop
from accel_models.interop.timeloop.case import Case


def mapping_yaml(case: Case) -> str:
    """The mapping as Timeloop reads it: `mapping:` with one directive a level and kind.

    Raises:
        ValueError: a level spreads a dimension along both axes, for which a directive has no words.
    """
    found: list[dict[str, Any]] = []
    problem = case.nest.problem
    names = [space.name for space in problem.dataspaces]
    for level, buffer in reversed(list(enumerate(case.machine.levels))):
        loops = [loop for loop in case.nest.loops if loop.level == level]
        temporal = [loop for loop in loops if loop.axis is None]
        spatial = [loop for loop in loops if loop.axis is not None]
        found.append({"target": buffer.name, "type": "temporal", **_factors(case, temporal)})
        if prod(case.machine.meshes[level]) > 1:
            _check_apart(case, buffer.name, spatial)
            across = sum(loop.axis == "X" for loop in spatial)
            found.append({"target": buffer.name, "type": "spatial", **_factors(case, spatial), "split": across})
        kept = [names[k] for k in sorted(case.nest.keeps[level])]
        bypassed = [name for name in names if name not in kept]
        found.append({"target": buffer.name, "type": "datatype", "keep": kept, "bypass": bypassed})
    return yaml.safe_dump({"mapping": found}, sort_keys=False, default_flow_style=None, width=100)


def mapping_table(case: Case) -> dict[str, Any]:
    """The mapping in the tabular form (`accel_models.interop.timeloop.tables`), outermost level first."""
    problem, found = case.nest.problem, []
    for level, buffer in reversed(list(enumerate(case.machine.levels))):
        loops = [loop for loop in case.nest.loops if loop.level == level]
        found.append(
            {
                "level": buffer.name,
                "keep": [problem.dataspaces[k].name for k in sorted(case.nest.keeps[level])],
                "temporal": [[problem.dims[each.dim], *_trips(each)] for each in loops if each.axis is None],
                "spatial": [[problem.dims[each.dim], *_trips(each), each.axis] for each in loops if each.axis],
            }
        )
    return {"levels": found}


def mapping_text(case: Case) -> str:
    """The loop nest, one loop a line, outermost first, under the levels that they belong to."""
    problem, lines, depth = case.nest.problem, [], 0
    for level, buffer in reversed(list(enumerate(case.machine.levels))):
        kept = ", ".join(problem.dataspaces[k].name for k in sorted(case.nest.keeps[level]))
        lines.append(f"{buffer.name} keeps {kept or 'nothing'}")
        for loop in (loop for loop in case.nest.loops if loop.level == level):
            depth += 1
            name, trips = problem.dims[loop.dim], f"{loop.bound}" + _end(loop)
            where = f" in parallel along {loop.axis}" if loop.axis else ""
            lines.append(f"{'  ' * depth}for {name.lower()} in 0..{trips}{where}")
    return "\n".join([*lines, f"{'  ' * (depth + 1)}{case.machine.units.name}"])


def _factors(case: Case, loops: list[NestLoop]) -> dict[str, Any]:
    """Factors of all dimensions and their order, innermost first; the dimensions without loops come last."""
    names = case.nest.problem.dims
    by_dim = {loop.dim: loop for loop in loops}
    trips = {dim: f"{loop.bound}{_end(loop)}" for dim, loop in by_dim.items()}
    factors = [f"{name}={trips.get(dim, '1')}" for dim, name in enumerate(names)]
    order = [names[loop.dim] for loop in reversed(loops)]
    order += [name for name in names if name not in order]
    between = "" if all(len(name) == 1 for name in names) else " "
    return {"factors": " ".join(factors), "permutation": between.join(order)}


def _check_apart(case: Case, level: str, spatial: list[NestLoop]) -> None:
    along = [{loop.dim for loop in spatial if loop.axis == axis} for axis in "XY"]
    if both := sorted(case.nest.problem.dims[dim] for dim in along[0] & along[1]):
        raise ValueError(
            f"Timeloop's directives have one factor of a dimension for both axes, but {level} spreads "
            f"{', '.join(both)} along X and Y; `mapping_table` can say that"
        )


def _trips(loop: NestLoop) -> list[int]:
    return [loop.bound] if loop.last == loop.bound else [loop.bound, loop.last]


def _end(loop: NestLoop) -> str:
    return "" if loop.last == loop.bound else f",{loop.last}"
