"""Packages of chiplets around Simba's (Shao et al., MICRO 2019; Zimmer et al., VLSI 2019).

The paper explores how layers are mapped and how many chiplets to use, not sizes: the lists are ours, with the
published package and the chiplet alone among their points.
"""

from accel_models import formats, technology
from accel_models.templates.simba import PRESETS, build_simba
from search_spaces.parameter import Categorical, Ordinal, Real
from search_spaces.space import DesignSpace, SearchSpace

KIB = 1024

SPACE = SearchSpace(
    (
        Ordinal("chiplet_x", (1, 2, 3, 4, 6, 8)),
        Ordinal("chiplet_y", (1, 2, 3, 4, 6, 8)),
        Ordinal("pe_x", (2, 4, 8)),
        Ordinal("pe_y", (2, 4, 8)),
        Ordinal("lanes", (4, 8, 16, 32)),
        Ordinal("vector", (4, 8, 16, 32)),
        Ordinal("global_buffer_bytes", tuple(32 * KIB * 2**i for i in range(6)), "bytes"),
        Ordinal("input_buffer_bytes", tuple(2 * KIB * 2**i for i in range(6)), "bytes"),
        Ordinal("weight_buffer_bytes", tuple(8 * KIB * 2**i for i in range(6)), "bytes"),
        Ordinal("accumulation_buffer_bytes", tuple(3 * KIB // 2 * 2**i for i in range(5)), "bytes"),
        Ordinal("dram_bandwidth_gb_per_s", (25.0, 50.0, 100.0, 200.0, 400.0), "GB/s"),
    )
)

OPTIONAL = (
    Real("clock_mhz", 50, 4000, unit="MHz"),
    Categorical("technology", technology.names()),
    Categorical("dram", tuple(technology.DRAMS)),
    Categorical("weight_format", formats.NAMES),
    Categorical("activation_format", formats.NAMES),
    Categorical("accumulator_format", (*formats.NAMES, "int24")),
)
"""What the template also reads and the space holds fixed."""

REFERENCE = "Shao et al., Simba, MICRO 2019; Zimmer et al., VLSI 2019 and JSSC 2020"

NOTES = (
    "Published are the sizes of one package, the preset `simba-package`, and of its chiplets; the lists around "
    "them are ours. What the prototype does not have, DRAM above all, is the template's interpretation."
)

SIMBA = DesignSpace("simba", SPACE, build_simba, REFERENCE, PRESETS, NOTES, OPTIONAL)
