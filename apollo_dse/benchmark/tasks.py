"""The tasks: accelerator design with a known answer, by name.

A task is a search space, a network, one or two objectives, and a budget of area; its exact answer is known
(`solutions`). The edge space is Apollo's own, whole; of the Eyeriss and systolic spaces, which have no bounds
to be solved with, tasks take a documented part that can be measured point by point.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING

from apollo_dse.problem import Constraint, Objective, Problem
from search_spaces.quantity import Value

if TYPE_CHECKING:
    from apollo_dse.question import Question

GOALS: Mapping[str, tuple[str, ...]] = {
    "latency": ("latency",),
    "edp": ("edp",),
    "latency_area": ("latency", "area"),
    "edp_area": ("edp", "area"),
}
"""Objectives of a task by the word that stands for them in its name."""


@dataclass(frozen=True, slots=True)
class Family:
    """Tasks of one space: the part of it that is searched, on which networks, within which areas.

    `fixed` parameters are held at one value. How many uniform draws fit each of the budgets is part of a
    solution.
    """

    space: str
    workloads: tuple[str, ...]
    goals: tuple[str, ...]
    budgets_mm2: Mapping[str, float]
    fixed: Mapping[str, Value] = field(default_factory=dict)


FAMILIES: tuple[Family, ...] = (
    Family(
        "edge",
        ("mobilenet_v2", "resnet18", "resnet50", "vgg16", "bert_base"),
        tuple(GOALS),
        {"loose": 20.0, "medium": 5.0, "tight": 2.0},
    ),
    Family(
        "systolic",
        ("resnet18",),
        tuple(GOALS),
        {"loose": 20.0, "medium": 14.0, "tight": 12.5},
        {"accumulator_bytes": 256 * 1024, "stationary": "weights"},
    ),
    Family(
        "eyeriss",
        ("resnet18",),
        tuple(GOALS),
        {"loose": 4.0, "medium": 2.0, "tight": 1.0},
        {
            "input_spad_words": 12,
            "psum_spad_words": 24,
            "weight_buffer_bytes": 8 * 1024,
            "weight_bus_words": 4,
            "input_bus_words": 1,
            "psum_bus_words": 4,
        },
    ),
)


@dataclass(frozen=True, slots=True)
class Task:
    """One question with a known answer; `name` is SPACE-NETWORK-GOAL-BUDGET."""

    family: Family
    workload: str
    goal: str
    budget: str

    @property
    def name(self) -> str:
        """The task's name, such as `edge-resnet50-latency-tight`."""
        return f"{self.family.space}-{self.workload}-{self.goal}-{self.budget}"

    @property
    def area_mm2(self) -> float:
        """The budget."""
        return self.family.budgets_mm2[self.budget]

    def question(self) -> "Question":
        """The question, of the whole space: what of it is fixed, only `problem` says."""
        from accel_models import zoo
        from apollo_dse.question import Question

        return Question(
            space=self.family.space,
            workloads=(zoo.workload(self.workload),),
            objectives=tuple(map(Objective.parse, GOALS[self.goal])),
            constraints=(Constraint("area_mm2", upper=self.area_mm2, known=True),),
        )

    def problem(self) -> Problem:
        """The problem, priced by the built-in cost model."""
        problem = self.question().problem()
        return replace(problem, space=problem.space.subspace(**self.family.fixed))


QUESTIONS: Mapping[str, Task] = {
    task.name: task
    for family in FAMILIES
    for workload, goal, budget in product(family.workloads, family.goals, family.budgets_mm2)
    for task in (Task(family, workload, goal, budget),)
}
"""All tasks by name, those included that nobody has solved yet."""
