"""Every mapping of a small problem by perfect factors: all factors, orders and ways to spread, one by one."""

from itertools import permutations, product
from math import prod

from accel_models.analysis.timeloop.nest import Nest, NestLoop
from accel_models.analysis.timeloop.validity import violations


def mapspace(machine, problem, keeps):
    """All nests that the machine can run."""
    slots = [
        (level, spatial)
        for level, mesh in enumerate(machine.meshes)
        for spatial in ((True, False) if mesh != (1, 1) else (False,))
    ]
    for factors in product(*(list(factorizations(bound, len(slots))) for bound in problem.bounds)):
        ways = []
        for slot, (level, spatial) in enumerate(slots):
            loops = [(dim, each[slot]) for dim, each in enumerate(factors) if each[slot] > 1]
            place = spread if spatial else ordered
            ways.append(list(place(loops, level, machine.meshes[level])))
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


def ordered(loops, level, _):
    for order in permutations(loops):
        yield [NestLoop(dim, trips, trips, level) for dim, trips in order]


def spread(loops, level, mesh):
    columns, rows = mesh
    for order in permutations(loops):
        for cut in range(len(order) + 1):
            if (
                prod(trips for _, trips in order[:cut]) <= rows
                and prod(trips for _, trips in order[cut:]) <= columns
            ):
                yield [
                    NestLoop(dim, trips, trips, level, "Y" if place < cut else "X")
                    for place, (dim, trips) in enumerate(order)
                ]
