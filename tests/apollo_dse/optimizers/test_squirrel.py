"""Squirrel's schedule."""

import pytest

from apollo_dse.optimizers.squirrel import DESIGN, EVOLUTION, MODEL, Squirrel
from apollo_dse.testing import accelerators

PROBLEM = accelerators(known=True)


def test_the_schedule_is_that_of_the_challenge():
    """8 of the design, 16 evolved, 64 of the model, 40 evolved: 128; then model and evolution in turn."""
    squirrel = Squirrel(PROBLEM, seed=0)
    phases = [squirrel.phase(number) for number in range(128 + 104)]
    assert phases[:128] == [DESIGN] * 8 + [EVOLUTION] * 16 + [MODEL] * 64 + [EVOLUTION] * 40
    assert phases[128:] == phases[24:128]


def test_each_phase_has_its_member_propose():
    squirrel = Squirrel(PROBLEM, seed=0, model="random", first=(2, 0), cycle=(2, 2))
    points = squirrel.ask(6)
    assert points[:2] == squirrel.optimizers[DESIGN].ask(2)
    assert points[2:4] == squirrel.optimizers[MODEL].ask(2)
    assert points[4:] == squirrel.optimizers[EVOLUTION].ask(2)


@pytest.mark.parametrize("knobs", [{"first": (1,)}, {"cycle": (0, 0)}, {"cycle": (-1, 4)}])
def test_knobs_out_of_range(knobs):
    with pytest.raises(ValueError, match="must be two numbers of trials"):
        Squirrel(PROBLEM, seed=0, **knobs)
