"""What every die has in common: the reticle that it must fit, and how far its words travel."""

RETICLE_MM2 = 26.0 * 33.0
"""The most that a lithography machine exposes at once."""

CROSSING = 0.75
"""Way from the middle of one edge of a square to anywhere on it, in edges: the mean Manhattan distance."""


def violations(area_mm2: float, what: str = "die area") -> tuple[str, ...]:
    """Why a die of this area cannot be built; nothing if it can."""
    if area_mm2 <= RETICLE_MM2:
        return ()
    return (f"{what} must fit the reticle of {RETICLE_MM2:.0f} mm2, but is {area_mm2:.0f} mm2",)
