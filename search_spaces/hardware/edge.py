"""The space that Apollo searched: edge accelerators, 452,760,000 designs.

The value lists are public: a notebook of PRIME (Kumar et al., "Data-Driven Offline Optimization for
Architecting Hardware Accelerators", ICLR 2022, arXiv 2110.11346), `prime_colab.ipynb` of
github.com/google-research/prime, prints all ten as `param_1` to `param_10`. Their product is 452,760,000,
the "4.5e8" of Apollo (Yazdanbakhsh et al., arXiv 2102.01723), and their lengths sum to 77, the width of
the notebook's one-hot input. What the lists are called is not printed there; see `NOTES`.
"""

from accel_models import formats, technology
from accel_models.templates.edge import PRESETS, build_edge
from accel_models.templates.edge_ranges import EDGE_RANGES
from search_spaces.parameter import Categorical, Ordinal, Real
from search_spaces.space import DesignSpace, SearchSpace

KIB = 1024
MIB = 1024 * KIB

COUNTS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 32)
"""Values of param_1, param_2 and param_4."""

SPACE = SearchSpace(
    (
        Ordinal("pe_x", COUNTS),
        Ordinal("pe_y", COUNTS),
        Ordinal("cores", COUNTS),
        Ordinal("lanes", (4, 8, 16, 32, 64, 128, 256)),
        Ordinal("pe_memory_bytes", tuple(256 * KIB * 2**i for i in range(7)), "bytes"),
        Ordinal("core_memory_bytes", tuple(4 * KIB * 2**i for i in range(11)), "bytes"),
        Ordinal("activation_memory_entries", tuple(256 * 2**i for i in range(7)), "entries"),
        Ordinal("instruction_memory_entries", tuple(8192 * 2**i for i in range(4)), "entries"),
        Ordinal("parameter_memory_entries", tuple(2048 * 2**i for i in range(5)), "entries"),
        Ordinal("io_bandwidth_gb_per_s", (5.0, 10.0, 16.0, 20.0, 25.0, 30.0), "GB/s"),
    )
)

OPTIONAL = (
    Real("clock_mhz", 50, 4000, unit="MHz"),
    Categorical("technology", technology.names()),
    Categorical("dram", tuple(technology.DRAMS)),
    Categorical("weight_format", formats.NAMES),
    Categorical("activation_format", formats.NAMES),
    Categorical("accumulator_format", formats.NAMES),
)
"""What the template also reads and the published space holds fixed."""

REFERENCE = (
    "Yazdanbakhsh et al., Apollo, arXiv 2102.01723; value lists: Kumar et al., PRIME, arXiv 2110.11346, "
    "prime_colab.ipynb of github.com/google-research/prime"
)

NOTES = (
    "The notebook numbers its lists instead of naming them. Lengths and units settle most names; two are "
    "inferred. The list 4 to 256 is read as SIMD lanes per core and the list 1 to 32 as cores per PE, because "
    "the published Edge TPUs have 64, 64 and 32 lanes and 4, 1 and 8 cores, and 1 is not among 4 to 256. "
    "Three lists are identical (PEs in x, PEs in y, cores), so their order changes nothing. What the memories "
    "counted in entries do is the template's interpretation, not published."
)

REMEDIES = {
    "compute": ("lanes", "cores", "pe_x", "pe_y"),
    "dram bandwidth": ("io_bandwidth_gb_per_s", "core_memory_bytes", "pe_memory_bytes"),
    "staging bandwidth": ("parameter_memory_entries", "activation_memory_entries"),
    "pe_memory bandwidth": ("lanes", "pe_x", "pe_y"),
    "core_memory bandwidth": ("lanes", "cores", "pe_x", "pe_y"),
    "PE memory bytes": ("pe_memory_bytes",),
    "core memory bytes": ("core_memory_bytes",),
    "bytes of a weight tile in parameter memory": ("parameter_memory_entries",),
    "bytes of an input row in activation memory": ("activation_memory_entries",),
    "tiles in instruction memory": ("instruction_memory_entries",),
}
"""What gives more of what may bound a design, in the words of `mapspace.price.BOUNDS` and `LIMITS`.

Units work side by side, larger memories are refilled from DRAM less often, a wider core has wider ports.
"""

EDGE = DesignSpace("edge", SPACE, build_edge, REFERENCE, PRESETS, NOTES, OPTIONAL, EDGE_RANGES, REMEDIES)
