"""A stand-in for slow simulators: Apollo's ten parameters, a roofline's latency, and designs that fail.

It costs microseconds where a simulator costs minutes, so that searches can be compared over many seeds. It is
a model of nothing that exists, and keeps what makes such spaces hard: latencies with steps where tiles do not
divide, knees where compute meets bandwidth, spills where a buffer overflows, an area that 94 % of the designs
exceed, and designs that cannot run the network. The space is the published one (`search_spaces`: "edge").
"""

from math import ceil

from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.trial import Measurement
from search_spaces.hardware.edge import SPACE

LAYERS = (  # pixels, channels in, channels out, filter area, repeats: ResNet-50's, roughly
    (12544, 3, 64, 49, 1),
    (3136, 64, 64, 9, 3),
    (3136, 64, 256, 1, 4),
    (784, 128, 128, 9, 4),
    (784, 512, 128, 1, 3),
    (196, 256, 256, 9, 6),
    (196, 1024, 256, 1, 5),
    (49, 512, 512, 9, 3),
    (49, 512, 2048, 1, 3),
)
CLOCK_HZ, DRAM_LATENCY_S = 0.8e9, 200e-9


def area_mm2(point):
    """Area of a design, buildable or not."""
    pes = point["pe_x"] * point["pe_y"]
    core = 0.002 * point["lanes"] + 0.8 * point["core_memory_bytes"] / 2**20
    entries = point["activation_memory_entries"] * 16 + point["parameter_memory_entries"] * 64
    chip = (entries + point["instruction_memory_entries"] * 16) / 2**20 + 0.15 * point["io_bandwidth_gb_per_s"]
    return 1.0 + chip + pes * (0.8 * point["pe_memory_bytes"] / 2**20 + point["cores"] * core)


def measure(point):
    """Latency and area of a design, or why it cannot run the network."""
    pes, cores, lanes = point["pe_x"] * point["pe_y"], point["cores"], point["lanes"]
    if point["core_memory_bytes"] < 128 * lanes:
        return Measurement(infeasible_because="a core's memory must hold one tile of weights")
    if point["pe_memory_bytes"] < 64 * 1024 + 2048 * cores * lanes:
        return Measurement(infeasible_because="a PE's memory must hold one tile of activations for each core")
    if pes * cores > point["instruction_memory_entries"] / 16:
        return Measurement(infeasible_because="the program must fit into the instruction memory")
    bandwidth = point["io_bandwidth_gb_per_s"] * 1e9
    input_bandwidth = min(bandwidth, point["activation_memory_entries"] * 16 / DRAM_LATENCY_S)
    weight_bandwidth = min(bandwidth, point["parameter_memory_entries"] * 64 / DRAM_LATENCY_S)
    seconds = 0.0
    for pixels, channels, outputs, taps, repeats in LAYERS:
        tiles = ceil(pixels / pes) * ceil(outputs / cores) * ceil(channels * taps / (4 * lanes))
        weights, inputs, results = channels * outputs * taps, pixels * channels, pixels * outputs
        passes = ceil(weights / (cores * point["core_memory_bytes"]))
        spilled = (inputs + results) > 0.75 * pes * point["pe_memory_bytes"]
        activations_s = (inputs * min(passes, 16) + results if spilled else 0.0) / input_bandwidth
        compute_s, transfer_s = tiles / CLOCK_HZ, activations_s + weights / weight_bandwidth
        seconds += repeats * (max(compute_s, transfer_s) + 0.1 * min(compute_s, transfer_s))
    return Measurement({"latency_s": seconds, "area_mm2": area_mm2(point)})


def problem(limit_mm2=20.0, known=True, objectives=("latency_s",)):
    """The least latency within an area, which is known before a trial is spent or not."""
    return Problem(
        space=SPACE,
        objectives=tuple(map(Objective, objectives)),
        evaluate=lambda points: list(map(measure, points)),
        constraints=(Constraint("area_mm2", upper=limit_mm2, known=known),),
        preview=(lambda points: [Measurement({"area_mm2": area_mm2(point)}) for point in points])
        if known
        else None,
    )
