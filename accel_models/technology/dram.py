"""Off-chip memories: energy a byte, bandwidth and latency, each with the boundary that its energy counts.

Sources seldom name their boundary; where they do not, ours is read from the size of the number: simulators of
the device alone give 6.1 pJ/bit for DDR4 and LPDDR4 and 1.6 for HBM2, O'Connor et al. (MICRO 2017) 4.0 for HBM2
up to its I/O.
"""

from dataclasses import dataclass
from typing import Literal

from accel_models.technology.quantity import Quantity

Boundary = Literal["core", "core + I/O", "core + I/O + PHY + controller"]

_ACCELERGY = "constants of Accelergy's CACTI plug-in (hwcomponents-cacti)"
_LATENCY = Quantity(
    "latency", 100.0, "ns", "assumed", "random access with a queued controller; 60 to 150 ns are usual"
)
_HBM_PHY = Quantity(
    "PHY area a stack",
    58.0 / 5,
    "mm2",
    "scaled",
    "A100: 58 mm2 of memory PHY for 5 stacks (LLMCompass, ISCA 2024)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dram:
    """One device class; bandwidth is that of one device, module or stack, as `interface` says."""

    name: str
    interface: str
    boundary: Boundary
    energy: Quantity
    peak_bandwidth: Quantity
    latency: Quantity = _LATENCY
    phy_area: Quantity | None = None

    @property
    def energy_j_per_byte(self) -> float:
        """Energy of moving one byte either way, in J, up to `boundary`."""
        return self.energy.value * 8e-12

    @property
    def peak_bandwidth_bytes_per_s(self) -> float:
        """Pin bandwidth in bytes per second."""
        return self.peak_bandwidth.value * 1e9

    @property
    def latency_s(self) -> float:
        """From request to first data, in seconds."""
        return self.latency.value * 1e-9

    @property
    def phy_area_mm2(self) -> float | None:
        """Area of the on-die PHY of one interface, in mm2; None where no source was found."""
        return self.phy_area.value if self.phy_area else None

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Every number of this record."""
        numbers = (self.energy, self.peak_bandwidth, self.latency, self.phy_area)
        return tuple(number for number in numbers if number is not None)


DRAMS: dict[str, Dram] = {
    dram.name: dram
    for dram in (
        Dram(
            name="DDR4",
            interface="one 64-bit channel",
            boundary="core + I/O + PHY + controller",
            energy=Quantity(
                "energy",
                1300 / 64,
                "pJ/bit",
                "published",
                "TPUv4i Table 2 (ISCA 2021), DDR3/4, 1300 pJ a 64 bit",
            ),
            peak_bandwidth=Quantity("peak bandwidth", 25.6, "GB/s", "published", "JESD79-4, 3200 MT/s"),
        ),
        Dram(
            name="LPDDR4",
            interface="four 16-bit channels",
            boundary="core + I/O",
            energy=Quantity("energy", 8.0, "pJ/bit", "published", _ACCELERGY),
            peak_bandwidth=Quantity("peak bandwidth", 34.1, "GB/s", "published", "JESD209-4, 4267 MT/s"),
        ),
        Dram(
            name="LPDDR5",
            interface="four 16-bit channels",
            boundary="core + I/O",
            energy=Quantity(
                "energy",
                6.4,
                "pJ/bit",
                "scaled",
                "LPDDR4's less 20 %, a vendor's claim over LPDDR4X; 9.0 for a whole system",
            ),
            peak_bandwidth=Quantity("peak bandwidth", 51.2, "GB/s", "published", "JESD209-5, 6400 MT/s"),
        ),
        Dram(
            name="HBM2",
            interface="one 1024-bit stack",
            boundary="core + I/O + PHY + controller",
            energy=Quantity(
                "energy", 6.25, "pJ/bit", "published", _ACCELERGY + "; TPUv4i Table 2 says 3.9 to 7.0"
            ),
            peak_bandwidth=Quantity("peak bandwidth", 256.0, "GB/s", "published", "JESD235, 2.0 Gb/s a pin"),
            phy_area=_HBM_PHY,
        ),
        Dram(
            name="HBM3",
            interface="one 1024-bit stack",
            boundary="core + I/O + PHY + controller",
            energy=Quantity("energy", 4.05, "pJ/bit", "published", _ACCELERGY),
            peak_bandwidth=Quantity("peak bandwidth", 819.2, "GB/s", "published", "JESD238, 6.4 Gb/s a pin"),
            phy_area=_HBM_PHY,
        ),
    )
}
