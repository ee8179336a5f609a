"""Sobol's sequence: spread evenly, taken up where the trials end, admissible points only."""

from scipy.stats.qmc import discrepancy

from apollo_dse.optimizers.quasi_random import QuasiRandom
from apollo_dse.optimizers.random import Random
from apollo_dse.testing import accelerators, bowl
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Integer, Real


def told(optimizer, points):
    optimizer.tell([Trial(i, point, Measurement({"loss": 0.0})) for i, point in enumerate(points)])


def test_it_fills_the_space_more_evenly_than_draws():
    problem = bowl(*(Real(f"x{i}", 0.0, 1.0) for i in range(4)))
    spread = [
        discrepancy(problem.space.to_unit(kind(problem, seed=0).ask(64))) for kind in (QuasiRandom, Random)
    ]
    assert spread[0] < spread[1] / 2


def test_batches_together_are_the_sequence():
    problem = bowl(Real("x", 0.0, 1.0))
    whole, parts = QuasiRandom(problem, seed=3).ask(64), QuasiRandom(problem, seed=3)
    first = parts.ask(32)
    told(parts, first)
    assert [*first, *parts.ask(32)] == whole


def test_every_value_comes_up_equally_often():
    points = QuasiRandom(bowl(Integer("a", 0, 7), Integer("b", 0, 7)), seed=0).ask(64)
    assert len({(point["a"], point["b"]) for point in points}) == 64


def test_it_goes_on_behind_inadmissible_points():
    """Of 16 points about one is admissible, so that 32 trials have used up some 500 of the sequence."""
    problem = accelerators(known=True)
    optimizer = QuasiRandom(problem, seed=0)
    first = optimizer.ask(32)
    told(optimizer, first)
    second = optimizer.ask(32)
    assert problem.known_violations([*first, *second]) == [0.0] * 64
    assert 8 < optimizer._stride() < 32
