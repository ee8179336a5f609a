"""SCALE-Sim as an evaluator of systolic arrays: its cycles, its stalls.

Samajdar et al., "A systematic methodology for characterizing scalability of DNN accelerators using SCALE-Sim",
ISPASS 2020; Raj et al., "SCALE-Sim v3", ISPASS 2025. Written for and tried with version 3.0.0 of PyPI, which
needs `numpy<2.4`.

What is told, and how:

1. The array, its dataflow, and memories in words: the buffer as halves for inputs and for weights, accumulators
   as the memory for outputs. Sizes are in units of 1024 words.
2. DRAM's bandwidth as thirds, for SCALE-Sim has an interface an operand, whole words a cycle.
3. Every layer as a convolution on padded inputs. Groups and images are runs of their own, one after the other.
   What its topologies cannot say (dilation, unequal strides) is the product of matrices that it makes of it.

What is read: "Total Cycles", the number of a layer's last cycle counted from 0, stalls included, and "Stall
Cycles". The first words of a layer are there before it begins. Fills are always exposed. Vector operations are
not simulated, and energy is not.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from accel_models import Accelerator, Layer, Workload
from accel_models.dataflows.systolic.array import STATIONARY, TAPS
from apollo_dse.evaluators.several import SHARED
from apollo_dse.evaluators.tools.program import Program, interpreter_with
from apollo_dse.evaluators.tools.tool import Job, ToolEvaluator, Totals

DRIVER = Path(__file__).with_name("drivers") / "run_scalesim.py"
INSTALL = "pip install scalesim==3.0.0 'numpy<2.4'"
REPORT = "run/COMPUTE_REPORT.csv"
LAST_CYCLE, STALLS = "Total Cycles", "Stall Cycles"

DATAFLOWS = {"weights": "ws", "inputs": "is", "outputs": "os"}
KIBI = 1024
INTERFACES = 3
"""DRAM interfaces: one an operand, at the same time."""

CONFIG = """\
[general]
run_name = run

[run_presets]
InterfaceBandwidth = USER
UseRamulatorTrace = False

[architecture_presets]
ArrayHeight = {rows}
ArrayWidth = {columns}
IfmapSramSzkB = {half}
FilterSramSzkB = {half}
OfmapSramSzkB = {sums}
IfmapOffset = 0
FilterOffset = 10000000
OfmapOffset = 20000000
Dataflow = {dataflow}
Bandwidth = {bandwidth}
ReadRequestBuffer = 64
WriteRequestBuffer = 64

[layout]
IfmapCustomLayout = False
IfmapSRAMBankBandwidth = {bandwidth}
IfmapSRAMBankNum = 1
IfmapSRAMBankPort = 1
FilterCustomLayout = False
FilterSRAMBankBandwidth = {bandwidth}
FilterSRAMBankNum = 1
FilterSRAMBankPort = 1

[sparsity]
SparsitySupport = false
"""
"""In version 3.0.0 reads take the bandwidth of the banks of the layout, and writes `Bandwidth`."""

HEADER = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"


class ScaleSim(ToolEvaluator):
    """Cycles of SCALE-Sim, for designs of the systolic template that it has words for.

    `utilization` is of the units over all cycles; `stall_s` the part of `latency_s` that waits for memory.
    """

    name = "scalesim"
    costs = ("latency_s", "stall_s", "utilization", SHARED)

    @classmethod
    def find(cls, program: str | None = None) -> Program:
        """The interpreter that has SCALE-Sim.

        Raises:
            ValueError: there is none.
        """
        return interpreter_with("scalesim", program, INSTALL)

    def refusal(self, accelerator: Accelerator) -> str | None:
        """Why SCALE-Sim has no words for a design."""
        if accelerator.dataflow != "systolic":
            return f"SCALE-Sim simulates systolic arrays, but the dataflow is {accelerator.dataflow!r}"
        given = dict(accelerator.parameters)
        if (arrays := accelerator.level("buffer").fanout) > 1:
            return f"SCALE-Sim simulates one array, but arrays={arrays}"
        if (taps := TAPS[int(given["taps"])]) != "packed":
            return f"SCALE-Sim packs taps and channels into rows, but taps={taps!r}"
        if given["packed_groups"]:
            return "SCALE-Sim computes groups one after the other, but groups='diagonal'"
        if given["streamed_weights"]:
            return "SCALE-Sim buffers weights, but weights='streamed'"
        told = _told(accelerator)
        if short := [name for name in ("half", "sums", "bandwidth") if int(told[name]) < 1]:
            return f"SCALE-Sim's {_LEAST[short[0]]}, but the design has less"
        return None

    def jobs(self, accelerator: Accelerator, workload: Workload) -> Sequence[Job]:
        """One run with all layers of different shapes."""
        counts = shapes(workload.layers)
        rows = [topology_row(f"layer{number}", layer) for number, layer in enumerate(counts)]
        files = {
            "scale.cfg": CONFIG.format_map(_told(accelerator)),
            "topology.csv": "\n".join([HEADER, *rows, ""]),
            "layout.csv": "Layer name\n",
        }
        return [Job(files, (self.program.path, str(DRIVER)), partial(read, list(counts.values())))]

    def measured(self, accelerator: Accelerator, workload: Workload, totals: Totals) -> dict[str, float]:
        """Cycles in seconds, and as a share of what the units could do."""
        busy = workload.macs / (totals["cycles"] * accelerator.num_macs)
        seconds = {"latency_s": "cycles", "stall_s": "stalls"}
        return {name: totals[of] / accelerator.clock_hz for name, of in seconds.items()} | {"utilization": busy}


_LEAST = {
    "half": "memories for inputs and weights have at least 1024 words each",
    "sums": "memory for outputs has at least 1024 words",
    "bandwidth": "interfaces have at least a word a cycle each",
}


def shapes(layers: Sequence[Layer]) -> dict[Layer, int]:
    """What SCALE-Sim is to run, one group of one image each, and how often."""
    counts: Counter[Layer] = Counter()
    for layer in layers:
        one = replace(layer, name="", kind="", n=1, g=1, repeats=1, weights_are_activations=False)
        counts[one] += layer.repeats * layer.n * layer.g
    return dict(counts)


def topology_row(name: str, layer: Layer) -> str:
    """A row of a topology: a convolution, or the product of matrices that SCALE-Sim would make of it."""
    if layer.stride[0] != layer.stride[1] or layer.dilation != (1, 1):
        layer = Layer(name=name, p=layer.p * layer.q, c=layer.c * layer.r * layer.s, k=layer.k)
    numbers = (layer.input_rows, layer.input_columns, layer.r, layer.s, layer.c, layer.k, layer.stride[0])
    return f"{name}, {', '.join(map(str, numbers))},"


def read(counts: Sequence[int], written: Mapping[str, str]) -> Totals:
    """Cycles and stalls of a network, from the report on its layers.

    Args:
        counts: how often each layer runs.
        written: what SCALE-Sim wrote.

    Raises:
        ValueError: there is no report, it lacks a column or a layer, or has something else than numbers.
    """
    if REPORT not in written:
        raise ValueError(f"SCALE-Sim must write {REPORT}, but it did not")
    try:
        rows = list(csv.DictReader(written[REPORT].splitlines(), skipinitialspace=True))
    except csv.Error as error:
        raise ValueError(f"{REPORT} must be a table, but: {error}") from None
    if len(rows) != len(counts):
        raise ValueError(f"{REPORT} must have {len(counts)} layers, but it has {len(rows)}")
    cycles = stalls = 0.0
    for count, row in zip(counts, rows, strict=True):
        try:
            cycles += count * (float(row[LAST_CYCLE]) + 1)
            stalls += count * float(row[STALLS])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{REPORT} must have numbers under {LAST_CYCLE!r} and {STALLS!r}, but: {error!r}"
            ) from None
    return {"cycles": cycles, "stalls": stalls}


def _told(accelerator: Accelerator) -> dict[str, int | str]:
    """What the configuration says of a design."""
    word = accelerator.word_format
    word_bytes = max(word.weight_bits, word.activation_bits) / 8
    dram, buffer, sums = (accelerator.level(name) for name in ("dram", "buffer", "accumulators"))
    axes = {axis.name: axis.size for axis in sums.axes}
    stationary = STATIONARY[int(dict(accelerator.parameters)["stationary"])]
    return {
        "rows": axes["rows"],
        "columns": axes["columns"],
        "half": int((buffer.capacity_bytes or 0) / word_bytes / 2 / KIBI),
        "sums": int((sums.capacity_bytes or 0) / (word.accumulator_bits / 8) / KIBI),
        "dataflow": DATAFLOWS[stationary],
        "bandwidth": int((dram.bandwidth_bytes_per_cycle or 0) / word_bytes / INTERFACES),
    }
