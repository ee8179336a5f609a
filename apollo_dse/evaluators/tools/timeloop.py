"""Timeloop as an evaluator: what `timeloop-model` counts for the mappings that our model finds.

Parashar et al., "Timeloop: a systematic approach to DNN accelerator evaluation", ISPASS 2019. The binary must
be on PATH, or be named. There is none on PyPI.

What is told, and how: architecture, problem, mapping and energies as `accel_models.interop.timeloop.export`
writes them, in the form 0.4 with `subtree`, one run a layer of a different shape. The mapping of each is our
best one with nothing left on chip between layers; where its chunks do not divide, the layer is enlarged.

What is read: "Cycles" of the summary, and picojoules as computes times energy a compute, which has more digits
than the summary's microjoules. Networks cost nothing, as the energies written have none. Vector operations are
not simulated, nor is leakage.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from accel_models import Accelerator, Layer, Workload
from accel_models.interop import timeloop
from accel_models.mapping import Mapping as LoopNest
from apollo_dse.evaluators.identity import digest_of_file
from apollo_dse.evaluators.several import SHARED
from apollo_dse.evaluators.tools.program import Program, located
from apollo_dse.evaluators.tools.tool import Job, MapperEvaluator, Totals

BINARY = "timeloop-model"
STATS = "timeloop-model.stats.txt"
FILES = ("architecture.yaml", "problem.yaml", "mapping.yaml", "ERT.yaml")

SUMMARY = "Summary Stats"
MOST_CHARACTERS = 1 << 16
"""Of the summary, which is the end; patterns look no further, so that no text can hold them up."""

CYCLES = re.compile(r"^Cycles: (\d{1,18})$", re.MULTILINE)
COMPUTES = re.compile(r"^Computes = (\d{1,18})$", re.MULTILINE)
UNIT = re.compile(r"^(?P<unit>[pf])J/Compute$", re.MULTILINE)
TOTAL = re.compile(r"^ {1,16}Total {1,32}= (?P<energy>[0-9.e+-]{1,32})$", re.MULTILINE)
PICOJOULES = {"p": 1.0, "f": 1e-3}


class Timeloop(MapperEvaluator):
    """Latency and energy of our mappings, as Timeloop counts them.

    Args:
        design_space: what points mean.
        workloads: the networks.
        program: the path of `timeloop-model`; by default the one on PATH.
        limits: how patiently it is run.
        minimize: what each layer is mapped for.
    """

    name = "timeloop"
    costs = ("latency_s", "energy_j", "edp_js", "utilization", SHARED)

    @classmethod
    def find(cls, program: str | None = None) -> Program:
        """The binary, told apart from others by its content.

        Raises:
            ValueError: there is none.
        """
        path = located(program or BINARY)
        if path is None:
            where = "on PATH" if program is None else f"at {program!r}"
            how = "build Timeloop (github.com/NVlabs/timeloop), or name the binary"
            raise ValueError(f"the program {BINARY!r} must be there and executable, but none is {where}; {how}")
        return Program(path, digest_of_file(Path(path)))

    def refusal(self, accelerator: Accelerator) -> str | None:
        """Why Timeloop has no words for a design."""
        if empty := [level.name for level in accelerator.levels if not level.keeps]:
            return f"a level of Timeloop keeps an operand, but {empty[0]!r} keeps none"
        return None

    def jobs(self, accelerator: Accelerator, workload: Workload) -> Sequence[Job]:
        """One run a layer of a different shape.

        Raises:
            ValueError: a layer has no mapping that fits, or none that Timeloop can say.
        """
        from accel_models.cost import CostModel  # loads torch

        counts: dict[Layer, int] = {}
        for layer in workload.layers:
            shape = replace(layer, name="layer", kind="", repeats=1)
            counts[shape] = counts.get(shape, 0) + layer.repeats
        model = CostModel(minimize=self.minimize, keep_activations=False)
        mappings = model.mappings(accelerator, Workload(name=workload.name, layers=tuple(counts)))
        command = (self.program.path, *FILES)
        return [
            Job(_texts(layer, accelerator, mapping), command, partial(read, count))
            for (layer, count), mapping in zip(counts.items(), mappings, strict=True)
        ]

    def measured(self, accelerator: Accelerator, workload: Workload, totals: Totals) -> dict[str, float]:
        """Cycles and picojoules in seconds and joules, their product, and the busy share of the units."""
        latency_s, energy_j = totals["cycles"] / accelerator.clock_hz, totals["energy_pj"] * 1e-12
        busy = workload.macs / (totals["cycles"] * accelerator.num_macs)
        return {
            "latency_s": latency_s,
            "energy_j": energy_j,
            "edp_js": latency_s * energy_j,
            "utilization": busy,
        }


def read(count: int, written: Mapping[str, str]) -> Totals:
    """Cycles and picojoules of a layer, from the statistics.

    Args:
        count: how often the layer runs.
        written: what Timeloop wrote.

    Raises:
        ValueError: there are no statistics, or they lack a number.
    """
    if STATS not in written:
        raise ValueError(f"Timeloop must write {STATS}, but it did not")
    text = written[STATS]
    summary = text[max(0, text.rfind(SUMMARY)) :][:MOST_CHARACTERS]
    cycles, computes, unit, total = (each.search(summary) for each in (CYCLES, COMPUTES, UNIT, TOTAL))
    if cycles is None or computes is None or unit is None or total is None:
        rule = f"{STATS} must have Cycles, Computes and the energy of a compute"
        raise ValueError(f"{rule}, but it ends in {text[-80:]!r}")
    energy_pj = float(total["energy"]) * PICOJOULES[unit["unit"]] * int(computes[1])
    return {"cycles": count * int(cycles[1]), "energy_pj": count * energy_pj}


def _texts(layer: Layer, accelerator: Accelerator, mapping: LoopNest) -> dict[str, str]:
    try:
        return timeloop.export(layer, accelerator, mapping)
    except ValueError:
        return timeloop.export(layer, accelerator, mapping, pad=True)
