"""The mapper finds what trying all mappings finds, says when it cuts, and prices designs as it maps them."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from accel_models.analysis.timeloop.deltas import tiles
from accel_models.analysis.timeloop.machine import Buffer, Machine, Units
from accel_models.analysis.timeloop.nest import DataSpace, Nest, NestLoop, Problem
from accel_models.analysis.timeloop.network import deliver
from accel_models.analysis.timeloop.steps import simulate
from accel_models.interop.timeloop.case import Case
from accel_models.mapper import arrays
from accel_models.mapper.best import rank
from accel_models.mapper.chain import Chain
from accel_models.mapper.front import mapping_front
from accel_models.mapper.lattice import Lattice
from accel_models.mapper.orders import MOVES, STANDS, order_classes
from accel_models.mapper.search import Search
from tests.timeloop_mapspace import mapspace, spread

OBJECTIVES = ("edp", "delay", "energy")
ALL = frozenset(range(3))


def product_of_matrices(m, n, k):
    spaces = (
        DataSpace("Weights", (((2, 1),), ((1, 1),))),
        DataSpace("Inputs", (((0, 1),), ((2, 1),))),
        DataSpace("Outputs", (((0, 1),), ((1, 1),)), read_write=True),
    )
    return Problem(("M", "N", "K"), (m, n, k), spaces)


def batch_of_products(b, m, k):
    spaces = (
        DataSpace("Weights", (((0, 1),), ((2, 1),))),
        DataSpace("Inputs", (((0, 1),), ((1, 1),), ((2, 1),))),
        DataSpace("Outputs", (((0, 1),), ((1, 1),)), read_write=True),
    )
    return Problem(("B", "M", "K"), (b, m, k), spaces)


def row_of_windows(p, r, k, stride=1, dilation=1):
    spaces = (
        DataSpace("Weights", (((2, 1),), ((1, 1),))),
        DataSpace("Inputs", (((0, stride), (1, dilation)),)),
        DataSpace("Outputs", (((2, 1),), ((0, 1),)), read_write=True),
    )
    return Problem(("P", "R", "K"), (p, r, k), spaces)


def machine(entries, mesh=(2, 2), hop_pj=0.3, inner_array=False, fill=0.9, **bandwidths):
    """Levels of `entries` words, innermost first, inside one without bound; an array of units or of levels."""
    sizes = (*entries, None)
    levels = [
        Buffer(
            name=f"L{number}",
            entries=size,
            read_energy_pj=5.0**number,
            fill_energy_pj=fill * 5.0**number,
            update_energy_pj=1.2 * 5.0**number,
        )
        for number, size in enumerate(sizes)
    ]
    levels[-1] = replace(levels[-1], **bandwidths)
    if inner_array:
        levels[0] = replace(levels[0], mesh=mesh)
    return Machine(
        name="small", levels=tuple(levels), units=Units(mesh=mesh, energy_pj=0.5), hop_energy_pj=hop_pj
    )


MATRICES = [
    (product_of_matrices(2, 3, 4), machine((6,)), (ALL, ALL)),
    (product_of_matrices(4, 2, 2), machine((8,), inner_array=True), (frozenset({0, 2}), ALL)),
    (
        product_of_matrices(2, 4, 2),
        machine((6,), (3, 1), 0.0, read_bandwidth=0.5, write_bandwidth=0.25),
        (ALL, ALL),
    ),
    (product_of_matrices(2, 2, 2), machine((3, 8), (2, 1), shared_bandwidth=1.0), (frozenset({2}), ALL, ALL)),
    (product_of_matrices(1, 4, 3), machine((4,), (4, 1), inner_array=True), (frozenset({1}), ALL)),
    (product_of_matrices(4, 3, 2), machine((9,), (1, 1), 0.0, fill=0.0), (ALL, ALL)),
    (batch_of_products(4, 1, 2), machine((40,), (4, 1), 3.0), (ALL, ALL)),
    (
        batch_of_products(4, 1, 2),
        machine((3, 12), (2, 2), fill=0.0, shared_bandwidth=2.0),
        (frozenset({0, 2}), ALL, ALL),
    ),
]
SPLIT = [
    (product_of_matrices(6, 2, 2), machine((6,), (3, 2)), (ALL, ALL)),
    (product_of_matrices(4, 4, 1), machine((9,), (4, 2), 2.0, inner_array=True), (frozenset({1, 2}), ALL)),
    (product_of_matrices(2, 12, 1), machine((20,), (3, 4), 0.0), (ALL, ALL)),
    (product_of_matrices(4, 4, 1), machine((3, 12), (2, 2), shared_bandwidth=0.5), (frozenset({0}), ALL, ALL)),
    (batch_of_products(4, 4, 1), machine((12,), (2, 4), 3.0), (frozenset({0, 2}), ALL)),
]
"""Cases in which a dimension may be spread along both axes."""
WINDOWS = [
    (row_of_windows(4, 3, 1), machine((8,), (3, 1), inner_array=True), (ALL, ALL)),
    (row_of_windows(4, 2, 2, stride=2), machine((9,), (2, 1)), (frozenset({1, 2}), ALL)),
    (row_of_windows(4, 3, 2, dilation=2), machine((9,), (3, 2), inner_array=True), (frozenset({1}), ALL)),
    (row_of_windows(6, 1, 2, stride=2), machine((7,), (2, 1), inner_array=True), (ALL, ALL)),
]


def value(objective, result):
    return {"edp": result.energy_pj * result.cycles, "delay": result.cycles, "energy": result.energy_pj}[
        objective
    ]


def may_coincide(nest):
    """Whether two temporal loops outside a tile move one rank: then one may repeat the stride of the other."""
    return any(
        sum(loop.axis is None and loop.level > 0 and loop.dim in dims for loop in nest.loops) > 1
        for space in nest.problem.dataspaces
        for dims in [{dim for dim, _ in rank} for rank in space.ranks]
        if len(dims) > 1
    )


@pytest.mark.parametrize(
    ("case", "both_axes"), [*((case, False) for case in MATRICES), *((case, True) for case in SPLIT)]
)
def test_the_best_mapping_of_a_product_is_that_of_the_whole_mapspace(case, both_axes):
    problem, hardware, keeps = case
    nests = mapspace(hardware, problem, keeps, both_axes)
    results = [Case(hardware, nest).counts("timeloop") for nest in nests]
    for objective in OBJECTIVES:
        found = rank(hardware, problem, objective, [keeps], both_axes=both_axes)
        least = min(value(objective, each) for each in results)
        assert found.complete
        assert found.scores[0] == pytest.approx(least, rel=1e-9)
        assert found.bound == found.scores[0]
        known = searched(hardware, problem, keeps, objective, least, both_axes)
        assert known == pytest.approx(least, rel=1e-9)
        recounted = value(objective, Case(hardware, found.nests[0]).counts("timeloop"))
        assert recounted == pytest.approx(least, rel=1e-9)


def searched(hardware, problem, keeps, objective, least, both_axes):
    """What is found by one who knows how good the best is, so that every bound that is too high loses it."""
    lattice = Lattice(problem)
    vectors = [arrays.factor_vectors(lattice, mesh, both_axes=both_axes) for mesh in hardware.meshes]
    chain = Chain(hardware, problem, keeps, "head", both_axes=both_axes)
    search = Search(lattice, chain, vectors, objective)
    assert search.root() <= least * (1 + 1e-9)
    assert search.run(least * (1 - 1e-6), None, 10**6) is None
    return search.run(least * (1 + 1e-6), None, 10**6).scores.min()


@pytest.mark.parametrize("both_axes", [False, True])
@pytest.mark.parametrize("version", ["head", "v303"])
@pytest.mark.parametrize("number", range(len(WINDOWS)))
def test_the_best_mapping_of_windows_is_no_worse_than_any_without_coincidences(number, version, both_axes):
    problem, hardware, keeps = WINDOWS[number]
    nests = list(mapspace(hardware, problem, keeps, both_axes))
    results = [Case(hardware, nest).counts("timeloop", version) for nest in nests]
    plain = [each for each, nest in zip(results, nests, strict=True) if not may_coincide(nest)]
    for objective in OBJECTIVES:
        found = rank(hardware, problem, objective, [keeps], version, both_axes=both_axes)
        recounted = value(objective, Case(hardware, found.nests[0]).counts("timeloop", version))
        assert found.complete
        assert recounted <= found.scores[0] * (1 + 1e-9)
        assert recounted == pytest.approx(found.scores[0], rel=1e-9) or may_coincide(found.nests[0])
        assert recounted <= min(value(objective, each) for each in plain) * (1 + 1e-9)
        assert recounted >= min(value(objective, each) for each in results) * (1 - 1e-9)


def test_more_choices_of_what_to_keep_are_never_worse():
    problem, hardware = product_of_matrices(8, 6, 4), machine((12,), inner_array=True)
    one, other = (frozenset({0}), ALL), (frozenset({1, 2}), ALL)
    for objective in OBJECTIVES:
        alone = [rank(hardware, problem, objective, [each]).scores[0] for each in (one, other)]
        assert rank(hardware, problem, objective, [one, other]).scores[0] == min(alone)


def test_a_search_that_cuts_says_so_and_keeps_a_bound():
    problem, hardware = product_of_matrices(24, 36, 48), machine((20, 300), inner_array=True)
    keeps = [(ALL, ALL, ALL)]
    whole, cut = (rank(hardware, problem, "edp", keeps, limit=limit) for limit in (100_000, 8))
    quick = rank(hardware, problem, "edp", keeps, exact=False)
    assert whole.complete
    assert not cut.complete
    assert not quick.complete
    for each in (cut, quick):
        assert each.bound <= whole.scores[0] <= each.scores[0] * (1 + 1e-9)


def test_what_fits_nowhere_is_refused():
    problem = product_of_matrices(2, 2, 2)
    with pytest.raises(ValueError, match="some mapping must fit"):
        rank(machine((2,)), problem, "edp", [(ALL, ALL)])


def test_the_front_prices_near_designs_as_a_search_on_each_does():
    problem = product_of_matrices(12, 8, 6)
    hardware = machine((10,), inner_array=True, read_bandwidth=0.5)
    keeps = [(ALL, ALL), (frozenset({0, 2}), ALL)]
    front = mapping_front(hardware, problem, "edp", keeps, slack=2.0)
    energies = 2.0 ** np.random.default_rng(1).integers(0, 2, (6, 4))
    prices = front.price(energies)
    assert front.complete
    assert prices.proven.all()
    for factors, price in zip(energies, prices.scores, strict=True):
        assert price == pytest.approx(
            rank(scaled(hardware, factors), problem, "edp", keeps).scores[0], rel=1e-9
        )
    assert np.unique(prices.which).size > 1
    assert len(front.nests) * 10 < front.visited


def test_the_front_proves_nothing_about_designs_that_are_too_far():
    front = mapping_front(machine((10,)), product_of_matrices(4, 4, 4), "energy", [(ALL, ALL)], slack=1.1)
    near, far = np.array([[1.0, 1.1, 1.0, 1.0], [1.0, 1.2, 1.0, 1.0]])
    assert front.price(np.stack([near, far])).proven.tolist() == [True, False]
    with pytest.raises(ValueError, match="factors must be"):
        front.price(np.ones((2, 3)))


def scaled(hardware, factors):
    levels = [
        replace(
            level,
            read_energy_pj=level.read_energy_pj * factor,
            fill_energy_pj=level.fill_energy_pj * factor,
            update_energy_pj=level.update_energy_pj * factor,
        )
        for level, factor in zip(hardware.levels, factors, strict=False)
    ]
    units = replace(hardware.units, energy_pj=hardware.units.energy_pj * factors[-1])
    return replace(
        hardware, levels=tuple(levels), units=units, hop_energy_pj=hardware.hop_energy_pj * factors[-2]
    )


@pytest.mark.parametrize("version", ["head", "v303"])
def test_every_order_reuses_no_more_than_one_of_the_classes(version):
    relevant, sliding = (0b0110, 0b1011, 0b1101), (0, 0b0011, 0)
    for waiting in range(8):
        classes = order_classes(0b1111, waiting, relevant, sliding, version)
        for order in permutations(range(4)):
            reuse = [reuse_of(order, relevant[k], sliding[k], version) for k in range(3)]
            assert any(
                all(beats(each.inside[k], each.mover[k], *reuse[k]) for k in range(3) if waiting >> k & 1)
                for each in classes
            )


def beats(inside, mover, less, other):
    return inside & less == less and (mover == other or other == MOVES)


def reuse_of(order, relevant, sliding, version):
    inside = 0
    for dim in order:
        if relevant >> dim & 1:
            slides = sliding >> dim & 1 and not (version == "v303" and inside)
            return inside, dim if slides else MOVES
        inside |= 1 << dim
    return inside, STANDS


@pytest.mark.parametrize(
    ("mesh", "extents", "child", "both_axes"),
    [
        ((4, 6), [3, 3, 2], [1, 1, 2], False),
        ((4, 6), [3, 3, 2], [1, 1, 2], True),
        ((3, 4), [6, 1, 2], [1, 3, 2], True),
        ((3, 6), [6, 3, 1], [1, 1, 2], True),
    ],
)
def test_sharing_and_hops_are_those_of_the_counts(mesh, extents, child, both_axes):
    problem = row_of_windows(6, 3, 4)
    lattice, sizes = Lattice(problem), np.array(extents) * child
    size, children = lattice.extents.tolist().index(extents), np.prod(extents)
    ways = arrays.spreads(lattice, mesh, size, np.array(child), travelling=(0, 1, 2), both_axes=both_axes)
    assert len(ways) > 1
    dims = [[dim for dim, _ in way.loops] for way in ways]
    assert any(len(set(each)) < len(each) for each in dims) == (extents[0] == 6)
    for way in ways:
        spatial = [
            NestLoop(dim, trips, trips, 1, "Y" if place < way.along_y else "X")
            for place, (dim, trips) in enumerate(way.loops)
        ]
        outside, inside = np.array(problem.bounds) // sizes, np.array(child)
        loops = [
            *(NestLoop(dim, trips, trips, 1) for dim, trips in enumerate(outside.tolist())),
            *spatial,
            *(NestLoop(dim, trips, trips, 0) for dim, trips in enumerate(inside.tolist())),
        ]
        nest = Nest.of(problem, loops, (ALL, ALL), ((1, 1), mesh))
        for k in range(3):
            steps = simulate(nest, 1, "head")
            boxes = tiles(nest, 1, k, steps)
            sent = deliver(nest, 1, k, steps, boxes, links=False)
            words = float((boxes.words * steps.times).sum())
            assert sent.total == pytest.approx(children * words / way.shared[k])
            assert sent.hops == pytest.approx(children * words * way.hops[k])


@pytest.mark.parametrize("both_axes", [False, True])
@pytest.mark.parametrize("mesh", [(1, 1), (3, 2), (4, 3), (2, 9), (6, 6)])
def test_sizes_that_can_be_spread_are_those_whose_loops_fit_both_axes(mesh, both_axes):
    lattice = Lattice(product_of_matrices(12, 10, 9))
    found = arrays.factor_vectors(lattice, mesh, both_axes=both_axes)
    loops = [[(dim, trips) for dim, trips in enumerate(each) if trips > 1] for each in lattice.extents.tolist()]
    fit = [size for size, each in enumerate(loops) if next(spread(each, 1, mesh, both_axes), None) is not None]
    assert found.tolist() == fit


@pytest.mark.parametrize("version", ["head", "v303"])
def test_a_tile_is_given_up_only_if_all_its_orders_are_hopeless(version):
    problem, hardware = row_of_windows(12, 3, 8), machine((12, 60), (3, 2), inner_array=True)
    lattice = Lattice(problem)
    vectors = [arrays.factor_vectors(lattice, mesh) for mesh in hardware.meshes]
    keeps = (frozenset({0, 2}), frozenset({1, 2}), ALL)
    search = Search(lattice, Chain(hardware, problem, keeps, version), vectors, "energy")
    front, met = search.steps.start(), 0
    for level in range(len(keeps)):
        front, _ = search._spread(front, level, np.inf, 10**6)
        assert search._loop(front, level, search.mac_pj, 1)[0].size.size == 0
        fits = search.bounds.fits[level] if level < 2 else np.arange(lattice.size) == lattice.size - 1
        rows, sizes = lattice.pairs(front.size, search.bounds.fits[level])
        rows, sizes = rows[fits[sizes]], sizes[fits[sizes]]
        settled = search._settled(front, level) - search.credit_later[level + 1] + search.mac_pj
        least = settled[rows] + search._waiting(front, level, rows, sizes)
        trips = lattice.extents[sizes] // lattice.extents[front.size[rows]]
        pairs, chosen, orders = search.steps.classes(trips, front.waits[rows])
        grown = search.steps.loop(front.take(rows[pairs]), level, sizes[pairs], trips[pairs], chosen, orders)
        scores = search._scores(grown, level, looped=True)
        assert (least[pairs] <= scores * (1 + 1e-9)).all()
        met += (least[pairs] >= scores * (1 - 1e-9)).sum()
        front = search.steps.settle(grown.take(slice(None, None, 1 + scores.size // 300)), level)
    assert met > 100


def test_ways_that_no_weights_prefer_are_left_out_and_no_others():
    hops = np.array([[1.0, 4.0], [4.0, 1.0], [2.0, 2.0], [3.0, 1.9], [2.5, 2.0], [1.0, 4.0], [1.4, 3.4]])
    assert arrays._least(hops).tolist() == [0, 1, 2]
    rng = np.random.default_rng(0)
    for columns in (1, 2, 3):
        hops = rng.integers(1, 9, (24, columns)).astype(float)
        kept = hops[arrays._least(hops)]
        weights = rng.random((columns, 500)) * (rng.random((columns, 500)) < 0.8)
        assert (kept @ weights).min(axis=0) == pytest.approx((hops @ weights).min(axis=0))
        assert len(kept) < len(hops)


def test_sizes_of_the_lattice_are_all_vectors_of_divisors():
    lattice = Lattice(product_of_matrices(12, 1, 6))
    assert lattice.size == 6 * 4
    assert {tuple(each) for each in lattice.extents.tolist()} == {
        (m, 1, k) for m in (1, 2, 3, 4, 6, 12) for k in (1, 2, 3, 6)
    }
    for size, other in ((0, 5), (5, 0), (2, 4), (1, 1)):
        if lattice.multiply(np.array([size]), np.array([other])):
            product = lattice.extents[size] * lattice.extents[other]
            assert lattice.extents[size + other].tolist() == product.tolist()
