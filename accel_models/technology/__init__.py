"""Energies and areas by technology node; every number with its unit, its basis and its source.

    >>> get("7nm").sram_area_mm2(128 * 2**20)  # doctest: +SKIP

Sources disagree, and each disagreement is settled here once. The basis chosen comes first.

- Multipliers: Horowitz (ISSCC 2014) has 3.1 pJ for 32 bits at 45 nm, Aladdin 12.7 pJ at 40 nm: four times.
- Arithmetic at 7 nm: the TPUv4i paper (ISCA 2021, Table 2) has int8 multiplications improve 2.9 times from 45
  nm; Stillmaker & Baas' switching energy improves 15 times. Their fits only shape the way between the ends.
- SRAM at 45 nm: Horowitz; CACTI 7 says 1.2 to 1.7 times less. At 7 nm the TPUv4i paper; CACTI's trend from 45
  to 22 nm is steeper, so its values lie a further 2 times lower.
- DRAM: within a device class up to three times (LPDDR4 6.1 or 8, HBM2 1.6, 4.0 or 6.25 pJ/bit), mostly
  because the boundary differs. Each `Dram` names its own.
- Memory density: macros reach 70 % of the bitcell bound, memories as found on chips 26 % (TPUv1, TPUv4i).
"""

from difflib import get_close_matches

from accel_models.technology.dram import DRAMS, Dram
from accel_models.technology.model import SHARED, Technology
from accel_models.technology.nodes import TECHNOLOGIES
from accel_models.technology.quantity import Quantity

__all__ = ["DRAMS", "Dram", "Quantity", "Technology", "get", "names", "table"]


def names() -> tuple[str, ...]:
    """Names of the nodes, the largest first."""
    return tuple(TECHNOLOGIES)


def get(name: str) -> Technology:
    """The technology of that name.

    Raises:
        KeyError: there is none; the message proposes the nearest name.
    """
    if name in TECHNOLOGIES:
        return TECHNOLOGIES[name]
    near = get_close_matches(name, TECHNOLOGIES, n=1, cutoff=0.0)
    raise KeyError(f"no technology {name!r}; did you mean {near[0]!r}? There are {list(TECHNOLOGIES)}")


def table() -> dict[str, tuple[Quantity, ...]]:
    """Every number that the package answers for, by node, by DRAM, and "every node"."""
    by_node = {technology.name: technology.quantities for technology in TECHNOLOGIES.values()}
    by_dram = {dram.name: dram.quantities for dram in DRAMS.values()}
    return by_node | by_dram | {"every node": SHARED}
