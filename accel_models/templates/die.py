"""What every die has in common: the reticle that it must fit, and how far its words travel."""

from accel_models.ranges import Most

RETICLE_MM2 = 26.0 * 33.0
"""The most that a lithography machine exposes at once."""

CROSSING = 0.75
"""Way from the middle of one edge of a square to anywhere on it, in edges: the mean Manhattan distance."""


def reticle(what: str = "die area") -> Most:
    """The largest die, or the largest of what is called so."""
    return Most(RETICLE_MM2, f"{what} must fit the reticle of {RETICLE_MM2:.0f} mm2, but is {{:.0f}} mm2")


RETICLE = reticle()
