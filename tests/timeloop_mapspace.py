"""Every mapping of a small problem by perfect factors: all factors, orders and ways to spread, one by one."""

from itertools import permutations, product
from math import prod

from accel_models.analysis.timeloop.nest import Nest, NestLoop
from accel_models.analysis.timeloop.validity import violations


def mapspace(machine, problem, keeps, both_axes=False):
    """All nests that the machine can run; with `both_axes`, one dimension may be spread along both."""
    slots = [
        (level, spatial)
        for level, mesh in enumerate(machine.meshes)
        for spatial in ((True, False) if mesh != (1, 1) else (False,))
    ]
    for factors in product(*(list(factorizations(bound, len(slots))) for bound in problem.bounds)):
        ways = []
        for slot, (level, spatial) in enumerate(slots):
            loops = [(dim, each[slot]) for dim, each in enumerate(factors) if each[slot] > 1]
            if spatial:
                ways.append(list(spread(loops, level, machine.meshes[level], both_axes)))
            else:
                ways.append(list(ordered(loops, level)))
        for chosen in product(*ways):
            loops = [loop for part in reversed(chosen) for loop in part]
            nest = Nest.of(problem, loops, keeps, machine.meshes)
            if violations(nest, machine):
                break
            yield nest


def factorizations(number, parts):
    """All ways to write a number as a product of `parts` factors."""
    if parts == 1:
        yield (number,)
        return
    for first in range(1, number + 1):
        if number % first == 0:
            for rest in factorizations(number // first, parts - 1):
                yield first, *rest


def ordered(loops, level):
    for order in permutations(loops):
        yield [NestLoop(dim, trips, trips, level) for dim, trips in order]


def spread(loops, level, mesh, both_axes):
    for parts in product(*(list(factorizations(trips, 2)) for _, trips in loops)):
        axes = [
            [(dim, part[axis]) for (dim, _), part in zip(loops, parts, strict=True) if part[axis] > 1]
            for axis in (0, 1)
        ]
        apart = not {dim for dim, _ in axes[0]} & {dim for dim, _ in axes[1]}
        if (both_axes or apart) and all(
            prod(trips for _, trips in axis) <= size for axis, size in zip(axes, mesh, strict=True)
        ):
            for outer, inner in product(permutations(axes[1]), permutations(axes[0])):
                yield [
                    NestLoop(dim, trips, trips, level, "Y" if place < len(outer) else "X")
                    for place, (dim, trips) in enumerate((*outer, *inner))
                ]
