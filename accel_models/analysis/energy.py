"""Energy of one execution: bytes times joules per byte, operations times joules per operation."""

from accel_models.analysis.traffic import Counts
from accel_models.analysis.volume import volumes
from accel_models.arch import Accelerator
from accel_models.workload import Layer


def energies_j(layer: Layer, counts: Counts, accelerator: Accelerator) -> dict[str, float]:
    """Dynamic energy in joules of every level, by name, and of the units ("mac").

    Reads and drains are read from a level, fills and updates are written to it. Networks and leakage are not
    part of it.
    """
    moved = volumes(layer, counts, accelerator.word_format)
    energies = {
        level.name: volume.read_bytes * level.read_energy_j_per_byte
        + volume.written_bytes * level.write_energy_j_per_byte
        for level, volume in zip(accelerator.levels, moved, strict=True)
    }
    return energies | {"mac": counts.macs * accelerator.mac_energy_j}
