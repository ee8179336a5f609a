"""Energies and areas by technology node; every number with its unit, its basis and its source.

Sources disagree. Each disagreement is settled once, here; the basis chosen comes first.

- Multipliers at 45 nm: Horowitz (ISSCC 2014) has 3.1 pJ for 32 bits; Aladdin has 12.7 pJ at 40 nm, four times.
- Arithmetic at 7 nm: the TPUv4i paper (ISCA 2021, Table 2), where int8 multiplications cost 2.9 times less than
  at 45 nm; Stillmaker & Baas' switching energy falls 15 times. Their fits shape the way between the two ends.
- Floating point: fp16 and fp32 as published, others by significand. At 7 nm the law has bf16 at 0.20 pJ a
  multiplication and 0.11 an addition where the TPUv4i paper has 0.21 and 0.11; Aladdin's fp32 addition costs
  5.6 pJ at 40 nm, Horowitz' 0.9 at 45 nm.
- SRAM energy: Horowitz and the TPUv4i paper. CACTI 7 has 0.5 to 0.75 of Horowitz at 45 nm and falls faster: at
  22 nm it already lies below the TPUv4i paper's 7 nm. At 1 KiB and less the truth may be half of what we say.
- SRAM area: memories as found on two TPUs, 26 % bitcells. Macros reach 70 % (31.8 Mib/mm2 in N3E), CACTI 80 %;
  a many-ported or cached memory is 3.5 times larger still (TPUv4i's vector memory, the L2 of A100).
- Arithmetic area: Horowitz at 45 nm (NanGate synthesis agrees within 5 %), shrunk by Stillmaker & Baas, doubled
  to agree with the matrix unit of TPUv4i.
- DRAM energy: within a class up to four times (LPDDR4 6.1 or 8, DDR4 6.1 or 20.3, HBM2 1.6, 4.0 or 6.25
  pJ/bit), mostly because the boundary differs. Each `Dram` names its own.
- Leakage: Aladdin's 12.6 mW/mm2, assumed for every node but 65 nm, which is a low-power process. CACTI 7 spans
  0.05 (low standby power, assumed at 65 nm) to 310 mW/mm2 (high performance) at 45 nm; the idle TPUv1 with its
  clock running drew 85 mW/mm2 or more.
- Supplies below 45 nm are nominal ones (`vdd_v`), at 65 nm that of the Eyeriss chip; no law here varies them.
"""

from difflib import get_close_matches

from accel_models.technology.dram import DRAMS, Dram
from accel_models.technology.model import SHARED, Technology
from accel_models.technology.nodes import TECHNOLOGIES
from accel_models.technology.quantity import Quantity

__all__ = ["DRAMS", "Dram", "Quantity", "Technology", "basis", "dram", "get", "names", "table"]


def names() -> tuple[str, ...]:
    """Names of the nodes, the largest first."""
    return tuple(TECHNOLOGIES)


def get(name: str) -> Technology:
    """The technology of that name.

    Raises:
        ValueError: there is none; the message proposes the nearest name.
    """
    if name in TECHNOLOGIES:
        return TECHNOLOGIES[name]
    near = get_close_matches(name, TECHNOLOGIES, n=1, cutoff=0.0)
    raise ValueError(f"no technology {name!r}; did you mean {near[0]!r}? There are {list(TECHNOLOGIES)}")


def dram(name: str) -> Dram:
    """The off-chip memory of that name.

    Raises:
        ValueError: there is none; the message proposes the nearest name.
    """
    if name in DRAMS:
        return DRAMS[name]
    near = get_close_matches(name, DRAMS, n=1, cutoff=0.0)
    raise ValueError(f"no DRAM {name!r}; did you mean {near[0]!r}? There are {list(DRAMS)}")


def basis(node: str, memory: str) -> str:
    """On whose numbers a price stands, in one line; sources disagree by up to four times.

    Raises:
        ValueError: the node or the memory is unknown.
    """
    constants, off_chip = get(node), dram(memory)
    return (
        f"arithmetic and SRAM at {node}: {constants.mul8_energy.source}; leakage: {constants.leakage.kind}; "
        f"{memory}: {off_chip.energy.value:.3g} pJ/bit, {off_chip.boundary} ({off_chip.energy.source})"
    )


def table() -> dict[str, tuple[Quantity, ...]]:
    """Every number that the package answers for, by node, by DRAM, and "every node"."""
    by_node = {technology.name: technology.quantities for technology in TECHNOLOGIES.values()}
    by_dram = {dram.name: dram.quantities for dram in DRAMS.values()}
    return by_node | by_dram | {"every node": SHARED}
