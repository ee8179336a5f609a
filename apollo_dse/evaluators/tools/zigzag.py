"""ZigZag as an evaluator: its own mapper, and the energy and latency that it gives its best mapping.

Mei et al., "ZigZag: enlarging joint architecture-mapping design space exploration for DNN accelerators", IEEE
Transactions on Computers 70(8), 2021. Written for and tried with version 3.9.1 of PyPI, which also needs `six`
and `numpy<2.4`.

What is told, and how:

1. Every level as one memory of the operands that it keeps, of its capacity, with a port for all that moves, as
   wide as the level moves bytes in a cycle. Energies are those of our template, for all bits of the port.
2. Every spatial axis as a dimension of the array, `D1` first, with the loops that may be unrolled there. Of a
   systolic array rows take the loops that are summed and columns those that are not, as the operand that stays
   wants it; results leave it unit by unit.
3. Layers as bounds of loops, images and groups among them; words as wide as the design's.

What is read: `latency_total2` (loading and stalls included) and `energy_total`. Vector operations are not
simulated, nor is leakage; every layer begins and ends in DRAM.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from accel_models import Accelerator, BufferLevel, Layer, SpatialAxis, Workload
from accel_models.dataflows.systolic.array import STATIONARY
from accel_models.workload import Dim, Operand
from apollo_dse.evaluators.several import SHARED
from apollo_dse.evaluators.tools.program import Program, interpreter_with
from apollo_dse.evaluators.tools.tool import Job, MapperEvaluator, Totals

DRIVER = Path(__file__).with_name("drivers") / "run_zigzag.py"
INSTALL = "pip install zigzag-dse==3.9.1 six 'numpy<2.4'"
ANSWER = "answer.json"

EFFORT = {"loma_lpf_limit": 6, "nb_mappings_generated": 3, "enable_mix_spatial_mapping_generation": True}
"""ZigZag's defaults, and several loops along an axis, as our templates allow."""

MEMORY_OPERANDS: dict[Operand, str] = {"weights": "I2", "inputs": "I1", "outputs": "O"}
LINKS = {"W": "I2", "I": "I1", "O": "O"}
LOOPS: dict[Dim, str] = {"n": "B", "g": "G", "k": "K", "c": "C", "p": "OY", "q": "OX", "r": "FY", "s": "FX"}
WAYS = {"I1": ("fh", "tl"), "I2": ("fh", "tl"), "O": ("fh", "tl", "fl", "th")}
"""Ways of a word at a memory: from and to higher ones, from and to lower ones."""

SUMMED = ("C", "FY", "FX")
UNROLLED: dict[Operand, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "weights": (SUMMED, ("K",)),
    "inputs": (SUMMED, ("OY", "OX", "B")),
    "outputs": (("OY", "OX", "B"), ("K",)),
}
"""Loops along rows and columns of a systolic array, by the operand that stays (docs/systolic.md)."""

UNBOUNDED_BITS = 1 << 46
MOST_AXES = 4
"""Dimensions of an array that ZigZag's files can name."""

EQUATION = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"


class ZigZag(MapperEvaluator):
    """Latency and energy of ZigZag's best mapping, for systolic arrays and for chains of levels.

    Args:
        design_space: what points mean.
        workloads: the networks.
        program: the interpreter of an environment with ZigZag.
        limits: how patiently it is run.
        minimize: what each layer is mapped for.
    """

    name = "zigzag"
    costs = ("latency_s", "energy_j", "edp_js", SHARED)

    @classmethod
    def find(cls, program: str | None = None) -> Program:
        """The interpreter that has ZigZag.

        Raises:
            ValueError: there is none.
        """
        return interpreter_with("zigzag-dse", program, INSTALL)

    def refusal(self, accelerator: Accelerator) -> str | None:
        """Why ZigZag has no words for a design."""
        if accelerator.dataflow not in ("systolic", "hierarchy"):
            rule = "systolic arrays and chains of levels are translated for ZigZag"
            return f"{rule}, but the dataflow is {accelerator.dataflow!r}"
        axes = sum(axis.size > 1 for level in accelerator.levels for axis in level.axes)
        if axes > MOST_AXES:
            return f"ZigZag's files name at most {MOST_AXES} dimensions of an array, but the design has {axes}"
        if dict(accelerator.parameters).get("packed_groups"):
            return "ZigZag computes groups along one axis, but groups='diagonal'"
        return None

    def jobs(self, accelerator: Accelerator, workload: Workload) -> Sequence[Job]:
        """One run with all layers of different shapes."""
        counts: dict[Layer, int] = {}
        for layer in workload.layers:
            shape = replace(layer, name="", kind="", repeats=1, weights_are_activations=False)
            counts[shape] = counts.get(shape, 0) + layer.repeats
        contents = {
            "accelerator": machine(accelerator),
            "mapping": [
                {"name": "default", "memory_operand_links": LINKS, "spatial_mapping_hint": hints(accelerator)}
            ],
            "workload": [described(layer, accelerator) for layer in counts],
        }
        files = {f"{name}.yaml": yaml.safe_dump(content, sort_keys=False) for name, content in contents.items()}
        files["question.json"] = json.dumps({"minimize": self.minimize, "effort": EFFORT})
        return [Job(files, (self.program.path, str(DRIVER)), partial(read, list(counts.values())))]

    def measured(self, accelerator: Accelerator, workload: Workload, totals: Totals) -> dict[str, float]:
        """Cycles and picojoules in seconds and joules, and their product."""
        latency_s, energy_j = totals["cycles"] / accelerator.clock_hz, totals["energy_pj"] * 1e-12
        return {"latency_s": latency_s, "energy_j": energy_j, "edp_js": latency_s * energy_j}


def machine(accelerator: Accelerator) -> dict[str, Any]:
    """The accelerator as ZigZag has it: memories from the innermost outwards, and the array."""
    axes = _axes(accelerator)
    memories = {}
    for number in reversed(range(len(accelerator.levels))):
        level = accelerator.levels[number]
        if level.keeps:
            memories[level.name] = _memory(accelerator, number)
    systolic = accelerator.dataflow == "systolic"
    array = {
        "unit_energy": accelerator.mac_energy_j * 1e12,
        "unit_area": 1.0,
        "dimensions": [each.name for each in axes],
        "sizes": [each.axis.size for each in axes],
        "systolic_dimensions": [
            each.name for each in axes if systolic and each.axis.name in ("rows", "columns")
        ],
    }
    return {"name": accelerator.template, "memories": memories, "operational_array": array}


def hints(accelerator: Accelerator) -> dict[str, list[str]]:
    """Loops that may be unrolled along each dimension of the array."""
    found = {}
    for each in _axes(accelerator):
        found[each.name] = [LOOPS[dim] for dim in each.axis.dims]
        if accelerator.dataflow == "systolic" and each.axis.name in ("rows", "columns"):
            found[each.name] = list(UNROLLED[_stays(accelerator)][each.axis.name == "columns"])
    return found


def described(layer: Layer, accelerator: Accelerator) -> dict[str, Any]:
    """A layer in ZigZag's own format."""
    word = accelerator.word_format
    (down, across), (high, wide) = layer.stride, layer.dilation
    weights = word.activation_bits if layer.weights_are_activations else word.weight_bits
    return {
        "id": 0,
        "name": "layer",
        "operator_type": "Conv",
        "equation": EQUATION,
        "dimension_relations": [f"ix={across}*ox+{wide}*fx", f"iy={down}*oy+{high}*fy"],
        "loop_dims": list(LOOPS.values()),
        "loop_sizes": [layer.bound(dim) for dim in LOOPS],
        "operand_precision": {
            "W": weights,
            "I": word.activation_bits,
            "O": word.accumulator_bits,
            "O_final": word.activation_bits,
        },
        "operand_source": {"W": 0, "I": 0},
    }


def read(counts: Sequence[int], written: Mapping[str, str]) -> Totals:
    """Cycles and picojoules of a network, from the answer of the driver.

    Args:
        counts: how often each layer runs.
        written: what the run wrote.

    Raises:
        ValueError: there is no answer, or it is not one number of each kind a layer.
    """
    if ANSWER not in written:
        raise ValueError(f"the run must write {ANSWER}, but it did not")
    try:
        found = json.loads(written[ANSWER])
        rows = [(float(each["cycles"]), float(each["energy_pj"])) for each in found]
        pairs = list(zip(counts, rows, strict=True))
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{ANSWER} must have cycles and energy_pj of {len(counts)} layers, but: {error!r}"
        ) from None
    return {
        "cycles": sum(count * cycles for count, (cycles, _) in pairs),
        "energy_pj": sum(count * energy for count, (_, energy) in pairs),
    }


def _stays(accelerator: Accelerator) -> Operand:
    """The operand that stays in a systolic array."""
    return STATIONARY[int(dict(accelerator.parameters)["stationary"])]


@dataclass(frozen=True, slots=True)
class _Dimension:
    """A dimension of ZigZag's array: its name, the axis that it is, and the number of that axis's level."""

    name: str
    axis: SpatialAxis
    level: int


def _axes(accelerator: Accelerator) -> list[_Dimension]:
    """The dimensions of the array: axes of more than one child, or the first one."""
    axes = [(axis, number) for number, level in enumerate(accelerator.levels) for axis in level.axes]
    wide = [each for each in axes if each[0].size > 1] or axes[:1]
    return [_Dimension(f"D{place}", *each) for place, each in enumerate(wide, start=1)]


def _memory(accelerator: Accelerator, number: int) -> dict[str, Any]:
    """A level: one memory for what it keeps, with one port, as wide as it moves bits in a cycle."""
    level = accelerator.levels[number]
    served = [each.name for each in _axes(accelerator) if each.level >= number]
    width = _port_bits(accelerator, level)
    operands = [MEMORY_OPERANDS[operand] for operand in level.keeps]
    return {
        "size": _size_bits(accelerator, level),
        "r_cost": level.read_energy_j_per_byte / 8 * width * 1e12,
        "w_cost": level.write_energy_j_per_byte / 8 * width * 1e12,
        "area": 0.0,
        "latency": 1,
        "operands": operands,
        "ports": [
            {
                "name": "rw_port_1",
                "type": "read_write",
                "bandwidth_min": min(width, 8),
                "bandwidth_max": width,
                "allocation": [f"{operand}, {way}" for operand in operands for way in WAYS[operand]],
            }
        ],
        "served_dimensions": served,
    }


def _word_bits(accelerator: Accelerator, operand: Operand) -> int:
    word = accelerator.word_format
    bits = {"weights": word.weight_bits, "inputs": word.activation_bits, "outputs": word.accumulator_bits}
    return bits[operand]


def _size_bits(accelerator: Accelerator, level: BufferLevel) -> int:
    """Capacity; the registers of a systolic array hold a word of the operand that stays."""
    if accelerator.dataflow == "systolic" and level.name == "registers":
        return _word_bits(accelerator, _stays(accelerator))
    return UNBOUNDED_BITS if level.capacity_bytes is None else 8 * level.capacity_bytes


def _port_bits(accelerator: Accelerator, level: BufferLevel) -> int:
    """What a level moves in a cycle; where that is unbounded a word each way for each child."""
    if level.bandwidth_bytes_per_cycle is not None:
        return max(1, round(8 * level.bandwidth_bytes_per_cycle))
    ways = (len(WAYS[MEMORY_OPERANDS[operand]]) * _word_bits(accelerator, operand) for operand in level.keeps)
    return level.fanout * sum(ways)
