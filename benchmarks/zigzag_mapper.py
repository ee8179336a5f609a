"""Our mapper beside ZigZag's (LOMA with its spatial mappings) on layers and machines that both can describe.

    python benchmarks/zigzag_mapper.py --zigzag PYTHON

PYTHON is the interpreter of an environment with ZigZag (`pip install zigzag-dse six 'numpy<2.4'`); it runs
zigzag_search.py and is not imported here. Mappings are judged in one currency: the loop nest of ZigZag's best
is translated and counted as ours is, by Timeloop's rules and exactly. What ZigZag itself says of its mapping
stands beside. Words are 16 bits wide; a word of a level costs the same whether read or written. ZigZag spreads
one dimension along both axes, so ours may, too. Seconds are those of one processor; starting ZigZag is not in
them. Writes results/zigzag_mapper.json as results come in, with the load of the machine.
"""

import argparse
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import permutations
from math import exp, log, prod
from pathlib import Path
from time import process_time

from accel_models.analysis.timeloop.machine import Buffer, Machine, Units
from accel_models.analysis.timeloop.nest import Nest, NestLoop, Problem
from accel_models.interop.timeloop import Case, Result
from accel_models.interop.timeloop.problem import problem as read_problem
from accel_models.mapper.best import rank
from accel_models.mapper.chain import Keeps

RESULTS = Path(__file__).parent / "results" / "zigzag_mapper.json"
SEARCH = Path(__file__).parent / "zigzag_search.py"
OBJECTIVES = ("edp", "energy", "delay")
EFFORT = {"loma_lpf_limit": 6, "nb_mappings_generated": 3}
"""ZigZag's defaults."""
LIMITS = {"shared": 40_000, "separate": 2_000}
"""Rows a level at which our search cuts; separate memories have 36 orders to be searched."""
BITS = 16
SIDE = 16
OPERANDS = ("Weights", "Inputs", "Outputs")
MEMORY_NAMES = {"Weights": "I2", "Inputs": "I1", "Outputs": "O"}
LAYER_NAMES = {"Weights": "W", "Inputs": "I", "Outputs": "O"}
DIMS = {"OX": "P", "OY": "Q", "FX": "R", "FY": "S", "C": "C", "K": "K", "B": "N"}
"""ZigZag's dimensions in Timeloop's letters; the groups G of a depthwise layer are its C."""
WAYS = {"tl": "read", "th": "read", "fh": "write", "fl": "write"}
"""Ways of a word at a memory, to and from lower and higher ones, and what they take; inputs know two."""


@dataclass(frozen=True, slots=True)
class Level:
    """A level of both machines: sizes in words and energies in picojoules a word, of one memory."""

    name: str
    words: int | None
    energy_pj: float
    in_each_pe: bool = False
    shared: bool = True
    words_per_cycle: int | None = None


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution with stride 1; `depthwise` has one group a channel."""

    name: str
    c: int
    k: int
    side: int
    window: int
    depthwise: bool = False


REGISTERS = {"energy_pj": 0.3, "in_each_pe": True}
BUFFER = {"energy_pj": 6.0}
DRAM = Level("dram", None, 100.0, words_per_cycle=16)
MACHINES = {
    "shared": (Level("registers", 32, **REGISTERS), Level("buffer", 65_536, **BUFFER), DRAM),
    "separate": (
        Level("registers", 8, **REGISTERS, shared=False),
        Level("buffer", 16_384, **BUFFER, shared=False),
        DRAM,
    ),
}
"""16 x 16 units with registers each, a buffer and DRAM: one memory a level, or one an operand and level."""
MAC_PJ = 0.5
LAYERS = (
    Layer("ResNet-18 3x3, 64 to 64 channels, 56 x 56", 64, 64, 56, 3),
    Layer("ResNet-50 1x1, 64 to 256 channels, 56 x 56", 64, 256, 56, 1),
    Layer("ResNet-18 3x3, 512 to 512 channels, 7 x 7", 512, 512, 7, 3),
    Layer("MobileNetV2 depthwise 3x3, 192 channels, 28 x 28", 192, 1, 28, 3, depthwise=True),
    Layer("MobileNetV2 1x1, 96 to 576 channels, 14 x 14", 96, 576, 14, 1),
    Layer("ResNet-18 fully connected, 512 to 1000 padded to 1008", 512, 1008, 1, 1),
)


def main() -> None:
    """Search all with both, compare, write as results come in."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zigzag", type=Path, required=True, help="interpreter of an environment with ZigZag")
    parser.add_argument("--jobs", type=int, default=1, help="ZigZags at a time")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    keys = [(m, layer, goal) for goal in OBJECTIVES for m in MACHINES for layer in LAYERS]
    rows = []
    with ThreadPoolExecutor(chosen.jobs) as threads:
        jobs = {threads.submit(theirs, chosen.zigzag, *key): key for key in keys}
        for job in as_completed(jobs):
            rows.append(compared(*jobs[job], job.result()))
            print(rows[-1], flush=True)
            chosen.out.write_text(json.dumps(results(rows), indent=1) + "\n", encoding="utf-8")


def results(rows: list[dict]) -> dict:
    """The document: rows with their summary, and on how busy a machine they were made."""
    machine = {"processors": os.cpu_count(), "load_average_15_min": round(os.getloadavg()[2], 1)}
    return {"effort": EFFORT, "machine": machine, "summary": summaries(rows), "rows": rows}


def compared(name: str, layer: Layer, objective: str, found: dict) -> dict:
    """Our best mapping beside ZigZag's, as shares of the latter, both counted alike."""
    problem, levels = problem_of(layer), MACHINES[name]
    row = {"machine": name, "layer": layer.name, "objective": objective}
    row |= {"zigzag_seconds": round(found["seconds"], 2)}
    row |= {pass_: ours(name, problem, objective, exact=pass_ == "exact") for pass_ in ("quick", "exact")}
    cases = {pass_: row[pass_].pop("case") for pass_ in ("quick", "exact")}
    try:
        case = translated(levels, problem, found)
    except ValueError as refused:
        return row | {"not_translated": str(refused)}
    for counting in ("timeloop", "exact"):
        judged = case.counts(counting)
        for pass_, mine in cases.items():
            row[pass_][f"ratio_{counting}"] = score(objective, mine.counts(counting)) / score(objective, judged)
        row[f"zigzag_says_energy_over_{counting}"] = found["energy_pj"] / judged.energy_pj
        row[f"zigzag_says_cycles_over_{counting}"] = found["cycles"] / judged.cycles
    return row


def summaries(rows: list[dict]) -> dict:
    """Of every machine: how often we are never worse, mean and worst ratios, seconds of both."""
    found = {}
    for name in MACHINES:
        some = [row for row in rows if row["machine"] == name and "not_translated" not in row]
        if not some:
            continue
        found[name] = {"rows": len(some), "complete": sum(row["exact"]["complete"] for row in some)}
        found[name]["not_translated"] = sum(row["machine"] == name for row in rows) - len(some)
        for pass_ in ("quick", "exact"):
            ratios = [row[pass_]["ratio_timeloop"] for row in some]
            found[name][pass_] = {
                "never_worse": sum(ratio <= 1 + 1e-9 for ratio in ratios),
                "never_worse_counted_exactly": sum(row[pass_]["ratio_exact"] <= 1 + 1e-9 for row in some),
                "mean_ratio": mean(ratios),
                "least_ratio": min(ratios),
                "worst_ratio": max(ratios),
                "seconds": sum(row[pass_]["seconds"] for row in some),
            }
        found[name]["zigzag_seconds"] = sum(row["zigzag_seconds"] for row in some)
        for what in ("energy", "cycles"):
            said = [row[f"zigzag_says_{what}_over_timeloop"] for row in some]
            found[name][f"zigzag_says_{what}"] = {"mean": mean(said), "least": min(said), "most": max(said)}
    return found


def mean(numbers: list[float]) -> float:
    """The geometric mean."""
    return exp(sum(map(log, numbers)) / len(numbers))


def score(objective: str, result: Result) -> float:
    """Picojoules, cycles or their product."""
    energy, cycles = result.energy_pj, float(result.cycles)
    return {"energy": energy, "delay": cycles, "edp": energy * cycles}[objective]


def problem_of(layer: Layer) -> Problem:
    """The layer as Timeloop has it."""
    bounds = {"R": layer.window, "S": layer.window, "P": layer.side, "Q": layer.side, "C": layer.c, "N": 1}
    if layer.depthwise:
        return read_problem({"shape": "depthwise", "instance": bounds})
    return read_problem({"shape": "cnn-layer", "instance": {**bounds, "K": layer.k}})


def machine_of(levels: tuple[Level, ...]) -> Machine:
    """The machine; a level with a memory for each operand is three levels of one size, in any order."""
    buffers = []
    for level in levels:
        numbers = {f"{action}_energy_pj": level.energy_pj for action in ("read", "fill", "update")}
        numbers |= {"entries": level.words, "mesh": (SIDE, SIDE) if level.in_each_pe else (1, 1)}
        numbers |= {f"{port}_bandwidth": level.words_per_cycle for port in ("read", "write")}
        names = [level.name] if level.shared else [f"{level.name}_{place}" for place in range(3)]
        buffers += [Buffer(name=name, word_bits=BITS, **numbers) for name in names]
    units = Units(mesh=(SIDE, SIDE), word_bits=BITS, energy_pj=MAC_PJ)
    return Machine(name="machine", levels=tuple(buffers), units=units)


def keeps_of(levels: tuple[Level, ...]) -> list[Keeps]:
    """What the levels of the machine may keep: everything, or one operand each, in any order."""
    found: list[Keeps] = [()]
    for level in levels:
        if level.shared:
            found = [(*kept, frozenset(range(3))) for kept in found]
        else:
            orders = list(permutations(range(3)))
            found = [(*kept, *(frozenset((each,)) for each in order)) for kept in found for order in orders]
    return found


def ours(name: str, problem: Problem, objective: str, *, exact: bool) -> dict:
    """Our best mapping, counted step by step."""
    levels = MACHINES[name]
    machine = machine_of(levels)
    start = process_time()
    keeps, limit = keeps_of(levels), LIMITS[name]
    ranked = rank(machine, problem, objective, keeps, exact=exact, limit=limit, both_axes=True)
    cases = [Case(machine, nest) for nest in ranked.nests]
    best = min(cases, key=lambda case: score(objective, case.counts("timeloop")))
    seconds = round(process_time() - start, 2)
    return {"case": best, "seconds": seconds, "complete": ranked.complete, "visited": ranked.visited}


def theirs(python: Path, name: str, layer: Layer, objective: str) -> dict:
    """ZigZag's best mapping."""
    levels = MACHINES[name]
    uneven = any(not level.shared for level in levels)
    question = {
        "accelerator": their_machine(levels),
        "mapping": [{"name": "default", "memory_operand_links": their_links()}],
        "layer": their_layer(layer),
        "objective": objective,
        "boundaries": "uneven" if uneven else "even",
        "effort": EFFORT,
    }
    run = [str(python), str(SEARCH)]
    done = subprocess.run(run, input=json.dumps(question), capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ZigZag must answer, but ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def their_links() -> dict[str, str]:
    """Which memory operand each operand of a layer is."""
    return {LAYER_NAMES[each]: MEMORY_NAMES[each] for each in OPERANDS}


def their_machine(levels: tuple[Level, ...]) -> dict:
    """The same machine for ZigZag."""
    memories = {}
    for level in levels:
        groups = [OPERANDS] if level.shared else [(each,) for each in OPERANDS]
        for operands in groups:
            memories["_".join((level.name, *operands))] = their_memory(level, operands)
    array = {"unit_energy": MAC_PJ, "unit_area": 1.0, "dimensions": ["D1", "D2"], "sizes": [SIDE, SIDE]}
    return {"name": "machine", "memories": memories, "operational_array": array}


def their_memory(level: Level, operands: tuple[str, ...]) -> dict:
    """A memory for ZigZag: where bandwidth is limited with a port for reads and one for writes.

    Elsewhere every operand and direction has a port of its own, as wide as can be of use, since transfers that
    share one take turns. ZigZag's costs are those of an access of the whole port, and it counts parts of one.
    """
    words = level.words_per_cycle or (1 if level.in_each_pe else 2 * SIDE * SIDE)
    moves = [
        (MEMORY_NAMES[each], way) for each in operands for way in WAYS if each == "Outputs" or way in "fh tl"
    ]
    ports: dict[str, list[tuple[str, str]]] = {}
    for operand, way in moves:
        kind = WAYS[way]
        ports.setdefault(kind if level.words_per_cycle else f"{kind} {operand} {way}", []).append(
            (operand, way)
        )
    return {
        "size": (level.words or 10**9) * BITS,
        "r_cost": level.energy_pj * words,
        "w_cost": level.energy_pj * words,
        "area": 0.0,
        "latency": 1,
        "operands": [MEMORY_NAMES[each] for each in operands],
        "ports": [
            {
                "name": f"{name[0]}_port_{number}",
                "type": name.split()[0],
                "bandwidth_min": BITS,
                "bandwidth_max": words * BITS,
                "allocation": [f"{operand}, {way}" for operand, way in served],
            }
            for number, (name, served) in enumerate(ports.items(), start=1)
        ],
        "served_dimensions": [] if level.in_each_pe else ["D1", "D2"],
    }


def their_layer(layer: Layer) -> dict:
    """The layer as ZigZag's user format has it."""
    groups, c = (layer.c, 1) if layer.depthwise else (1, layer.c)
    sizes = {"B": 1, "K": layer.k, "G": groups, "OX": layer.side, "OY": layer.side, "C": c}
    sizes |= {"FX": layer.window, "FY": layer.window}
    return {
        "id": 0,
        "name": "layer",
        "operator_type": "Conv",
        "equation": "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]",
        "dimension_relations": ["ix=1*ox+1*fx", "iy=1*oy+1*fy"],
        "loop_dims": list(sizes),
        "loop_sizes": list(sizes.values()),
        "operand_precision": {"W": BITS, "I": BITS, "O": BITS, "O_final": BITS},
        "operand_source": {"W": 0, "I": 0},
    }


def translated(levels: tuple[Level, ...], problem: Problem, found: dict) -> Case:
    """ZigZag's mapping as a nest of our machine.

    ZigZag has one order of temporal loops, in which every operand has boundaries of its own between its
    memories. A loop that does not move an operand may stand on either side of its boundary: that changes no
    count. Registers end as early as they may, buffers as late; levels of one operand each are put in the order
    of their boundaries.

    Raises:
        ValueError: a boundary of a buffer lies inside one of registers, or loops do not divide a dimension.
    """
    groups = {**DIMS, "G": "C"} if len(problem.dims) == 6 else DIMS
    by_operand = [found["temporal"][LAYER_NAMES[each]] for each in OPERANDS]
    order = [(problem.dims.index(groups[dim]), trips) for level in by_operand[0] for dim, trips in level]
    starts, keeps, loops, inner = [], [], [], 0
    for number, level in enumerate(levels):
        ranges = [boundaries(problem, order, lists, k, number) for k, lists in enumerate(by_operand)]
        ends = [late if number else early for early, late in ranges]
        kept = [(k,) for k in sorted(range(3), key=ends.__getitem__)]
        if level.shared:
            kept, end = [(0, 1, 2)], max(early for early, _ in ranges)
            if end > min(late for _, late in ranges):
                raise ValueError(f"operands must share the boundary of {level.name}, but it lies in {ranges}")
            ends = [end]
        for end in sorted(ends):
            starts.append((inner, end))
            inner = end
        keeps += [frozenset(each) for each in kept]
    spatial_level = sum(1 if level.shared else 3 for level in levels if level.in_each_pe)
    spatial = [loop for level in found["spatial"][LAYER_NAMES["Outputs"]] for loop in level]
    for number in reversed(range(len(starts))):
        start, end = starts[number]
        if end < start:
            raise ValueError(f"boundaries must rise from level to level, but got {starts}")
        loops += [NestLoop(dim, trips, trips, number) for dim, trips in reversed(order[start:end])]
        if number == spatial_level:
            spread = []
            for name, trips in spatial:
                dim = problem.dims.index(groups[name])
                last = last_trips(problem, order, start, dim, trips)
                whole = trips <= SIDE
                spread += (
                    [(dim, trips, last)] if whole else [(dim, SIDE, SIDE), (dim, trips // SIDE, last // SIDE)]
                )
            axes = "XY"[: len(spread)]
            loops += [
                NestLoop(dim, trips, last, number, axis)
                for (dim, trips, last), axis in zip(spread, axes, strict=True)
            ]
    machine = machine_of(levels)
    return Case(machine, Nest.of(problem, loops, tuple(keeps), machine.meshes))


def boundaries(
    problem: Problem, order: list[tuple[int, int]], lists: list, operand: int, level: int
) -> tuple[int, int]:
    """Between which places in the order of loops an operand's tile at a level may end: no count tells apart."""
    late = early = sum(len(each) for each in lists[: level + 1])
    start = sum(len(each) for each in lists[:level])
    moves = problem.coefficients[operand].any(axis=0)
    while early > start and not moves[order[early - 1][0]]:
        early -= 1
    while late < len(order) and not moves[order[late][0]]:
        late += 1
    return early, late


def last_trips(problem: Problem, order: list[tuple[int, int]], inside: int, dim: int, trips: int) -> int:
    """Trips of a spatial loop at the end of its dimension; the first `inside` temporal loops are within a unit.

    A loop of more trips than an axis has units takes both axes.

    Raises:
        ValueError: it does not divide what it spreads, and has loops of its dimension inside.
    """
    bound = problem.bounds[dim]
    steps = prod(count for each, count in order if each == dim)
    last = bound - (steps - 1) * trips
    inner = trips > SIDE or any(each == dim for each, _ in order[:inside])
    if (last != trips and (last < 1 or inner)) or trips % min(trips, SIDE):
        raise ValueError(f"loops must divide a dimension of {bound}, but got {steps} steps of {trips}")
    return last


if __name__ == "__main__":
    main()
