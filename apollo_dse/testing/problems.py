"""Problems that are made up, quick and exactly repeatable: what contracts and tests search."""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Literal

from apollo_dse.problem import Constraint, Evaluate, Objective, Problem
from apollo_dse.trial import Measurement
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.space import Point, SearchSpace

_COUNTS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 32)
ACCELERATORS = SearchSpace(
    (
        Ordinal("pe_x", _COUNTS),
        Ordinal("pe_y", _COUNTS),
        Ordinal("cores", _COUNTS),
        Ordinal("lanes", (4, 8, 16, 32, 64, 128, 256)),
        Ordinal("pe_memory_bytes", tuple(2**i for i in range(18, 25)), "bytes"),
        Ordinal("core_memory_bytes", tuple(2**i for i in range(12, 23)), "bytes"),
        Ordinal("io_bandwidth_gb_per_s", (5, 10, 16, 20, 25, 30), "GB/s"),
    )
)
"""3,234,000 made-up accelerators with the value lists of the published space."""

_LAYERS = (  # pixels, channels in, channels out, filter area: the shapes that dominate a residual network
    (12544, 3, 64, 49),
    (3136, 64, 64, 9),
    (784, 128, 128, 9),
    (196, 256, 256, 9),
    (49, 512, 512, 9),
    (784, 512, 128, 1),
    (196, 1024, 256, 1),
    (49, 512, 2048, 1),
)


def accelerator_cost(point: Point) -> Measurement:
    """A made-up cost of a point of `ACCELERATORS`: a roofline with steps, spills and unmappable designs.

    It is no model of anything that exists; it has the features that make such landscapes hard: rounding up
    to whole tiles, a knee where compute meets bandwidth, and designs that cannot run the workload.
    """
    design = {name: float(value) for name, value in point.items()}
    pes = design["pe_x"] * design["pe_y"]
    if design["core_memory_bytes"] < 64 * design["lanes"] * 4:
        return Measurement(infeasible_because="a core's memory must hold one tile of weights")
    if design["pe_memory_bytes"] < 2 * design["core_memory_bytes"] * design["cores"]:
        return Measurement(infeasible_because="a PE's memory must be twice that of its cores")
    seconds = 0.0
    for pixels, channels, outputs, area in _LAYERS:
        weights, activations = channels * outputs * area, pixels * (channels + outputs)
        cycles = (
            ceil(pixels / pes) * ceil(outputs / design["cores"]) * ceil(channels * area / design["lanes"] / 4)
        )
        rounds = ceil(weights / (design["core_memory_bytes"] * design["cores"]))
        spilled = activations > design["pe_memory_bytes"] * pes / 2
        traffic = weights + activations * (min(rounds, 8) if spilled else 1)
        compute_s, transfer_s = cycles / 0.2e9, traffic / (design["io_bandwidth_gb_per_s"] * 1e9)
        seconds += max(compute_s, transfer_s) + 0.1 * min(compute_s, transfer_s)
    return Measurement({"latency_s": seconds, **accelerator_area(point).metrics})


def accelerator_area(point: Point) -> Measurement:
    """The area of a point of `ACCELERATORS`, as `accelerator_cost` has it, whether or not it is mappable."""
    design = {name: float(value) for name, value in point.items()}
    pes, macs_per_pe = design["pe_x"] * design["pe_y"], design["cores"] * design["lanes"] * 4
    memory = design["pe_memory_bytes"] + design["cores"] * design["core_memory_bytes"]
    area_mm2 = 3 + pes * (0.0008 * macs_per_pe + 0.5e-6 * memory) + 0.2 * design["io_bandwidth_gb_per_s"]
    return Measurement({"area_mm2": area_mm2})


def evaluator(cost: Callable[[Point], Measurement]) -> Evaluate:
    """An evaluator of batches from a cost of one point."""
    return lambda points: [cost(point) for point in points]


def accelerators(*objectives: str, area_mm2: float = 30.0, known: bool = False) -> Problem:
    """Made-up accelerators within an area; about one uniform draw in fifteen is within 30 mm2.

    Args:
        objectives: metrics to minimize; by default the latency.
        area_mm2: the limit.
        known: whether the area is known before a trial is spent.
    """
    return Problem(
        space=ACCELERATORS,
        objectives=tuple(map(Objective, objectives or ("latency_s",))),
        evaluate=evaluator(accelerator_cost),
        constraints=(Constraint("area_mm2", upper=area_mm2, known=known),),
        preview=evaluator(accelerator_area) if known else None,
    )


def bowl(*parameters: Parameter, goal: Literal["minimize", "maximize"] = "minimize") -> Problem:
    """A smooth optimum in the middle of each parameter's range, in any space, without limits."""
    space = SearchSpace(parameters)

    def evaluate(points: Sequence[Point]) -> list[Measurement]:
        distances = ((space.to_unit(points) - 0.5) ** 2).sum(axis=1).tolist()
        return [Measurement({"loss": -d if goal == "maximize" else d}) for d in distances]

    return Problem(space=space, objectives=(Objective("loss", goal),), evaluate=evaluate)


def mixed() -> Problem:
    """A bowl over all kinds of parameters at once."""
    return bowl(
        Real("clock_mhz", 100.0, 2000.0, log=True),
        Integer("banks", 1, 64),
        Ordinal("pe_x", _COUNTS),
        Categorical("technology", ("7nm", "16nm", "45nm")),
    )


def ruled() -> Problem:
    """40 points, of which a rule leaves 24."""
    space = SearchSpace(
        (Ordinal("a", (1, 2, 4, 8)), Integer("b", 0, 9)),
        (lambda point: "`b <= 5` must hold" if float(point["b"]) > 5 else None,),
    )
    cost = evaluator(lambda point: Measurement({"latency_s": float(point["a"]) + float(point["b"])}))
    return Problem(space=space, objectives=(Objective("latency_s"),), evaluate=cost)
