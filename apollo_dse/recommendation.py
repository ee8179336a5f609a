"""The front door: a model and limits go in, the accelerator to build comes out.

recommendation = recommend(model, torch.zeros(1, 3, 224, 224), constraints=["area<=20", "power<=2W"])
print(recommendation.summary())
recommendation.report("report.html")
"""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accel_models import Accelerator, Mapping, Workload, workload_io, zoo
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import RECOMMENDED, Question, reporting
from apollo_dse.report import ReportData, render
from apollo_dse.report.choice import BINDING_ROOM
from apollo_dse.storage import Store
from apollo_dse.study import Limitation, Study
from search_spaces import DesignSpace, Point

BATCH = re.compile(r"(?P<model>.+)@(?P<size>\d+)")
"""A model on several inputs at once, such as `resnet50@8`."""

if TYPE_CHECKING:
    from torch import nn

    from accel_models.cost import DesignCost

    Model = nn.Module | Workload | str | Path


class NothingFeasible(ValueError):  # noqa: N818 - a finding about the question
    """No trial can be built, mapped and kept within the limits; the message counts the reasons."""


@dataclass(frozen=True)
class Recommendation:
    """The design to build and the evidence for it.

    `cost` prices `accelerator`, which is `point` built, on `workload`; `mappings` says how each of
    `workload.layers` runs on it; `study` holds every trial behind the choice.
    """

    question: Question
    study: Study
    point: Point
    accelerator: Accelerator
    cost: "DesignCost"
    mappings: tuple[Mapping, ...]

    @property
    def workload(self) -> Workload:
        """The network as loop bounds."""
        return self.question.workloads[0]

    @property
    def binding(self) -> tuple[Limitation, ...]:
        """The limits that hold the design back: at most `BINDING_ROOM` of each is unused."""
        limitations = self.study.limitations()
        return tuple(each for each in limitations if each.slack is not None and each.slack <= BINDING_ROOM)

    @cached_property
    def data(self) -> ReportData:
        """All numbers and sentences of the report, for those who want to draw it themselves."""
        return reporting.report(self.question, self.study.header, self.study.records)

    def summary(self) -> str:
        """The recommendation in sentences, then the point, one parameter a line."""
        told = self.data.summary
        parameters = self.study.problem.space.parameters
        width = max(len(parameter.name) for parameter in parameters)
        values = [f"  {p.name:<{width}}  {p.format(self.point[p.name])}" for p in parameters]
        return "\n".join((told.headline, *told.sentences, "", *values))

    def report(self, path: str | Path) -> Path:
        """Write the report, one self-contained HTML page, and return its path.

        Raises:
            OSError: the file cannot be written.
        """
        target = Path(path)
        target.write_text(render(self.data), encoding="utf-8")
        return target

    def _repr_html_(self) -> str:
        told = self.data.summary
        sentences = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in told.sentences)
        rows = "".join(
            f"<tr><td>{html.escape(p.name)}</td><td>{html.escape(p.format(self.point[p.name]))}</td></tr>"
            for p in self.study.problem.space.parameters
        )
        return f"<h3>{html.escape(told.headline)}</h3>{sentences}<table>{rows}</table>"


def recommend(  # noqa: PLR0913 - the front door asks for everything in one place
    model: "Model",
    example_inputs: Any = None,
    *,
    constraints: str | Constraint | Sequence[str | Constraint] = (),
    objective: str | Objective = "latency",
    space: str | DesignSpace = "edge",
    optimizer: str = RECOMMENDED,
    trials: int = 200,
    seed: int = 0,
    store: Store | None = None,
    name: str = "recommend",
) -> Recommendation:
    """The best accelerator that a search of `trials` designs finds for a model.

    Args:
        model: a torch module, a `Workload`, a name of the zoo, or a file (traced .json, or .onnx); a name or
            file followed by `@8` is the network on eight inputs at once.
        example_inputs: for a torch module, a tensor or a tuple of them; only shapes and types matter.
        constraints: limits such as `area<=20mm2` and `latency<=5ms`; one, or several.
        objective: what is wanted, such as `latency`, `energy` or `maximize:utilization`.
        space: the designs to choose from: a name, a user's YAML or TOML file, or a `DesignSpace`.
        optimizer: who searches.
        trials: designs that are priced.
        seed: same seed, same answer.
        store: keeps the study under `name`; one that is there is resumed.
        name: the study's name.

    Raises:
        ValueError: an argument is wrong; the message says the rule and the nearest valid name.
        TraceError: the module cannot be traced.
        StoreError: the store cannot be used, or its study of that name asked something else.
        NothingFeasible: no trial was feasible; the message counts the reasons.
    """
    if not isinstance(objective, str | Objective):
        raise ValueError(f"`objective` must be one text or Objective, but got {objective!r}")
    limits = [constraints] if isinstance(constraints, str | Constraint) else constraints
    question = Question(
        space=space,
        workloads=(as_workload(model, example_inputs),),
        objectives=(objective if isinstance(objective, Objective) else Objective.parse(objective),),
        constraints=tuple(c if isinstance(c, Constraint) else Constraint.parse(c) for c in limits),
        optimizer=optimizer,
        seed=seed,
    )
    return _recommendation(question, question.search(trials, store, name))


def as_workload(model: "Model", example_inputs: Any = None) -> Workload:
    """The workload of a model, however it is given (see `recommend`).

    Raises:
        ValueError: the zoo has no such network (the message has the nearest), or a file is no workload.
        OSError: the file cannot be read.
        TraceError: the module cannot be traced.
    """
    if isinstance(model, Workload):
        return model
    if isinstance(model, str) and (batch := BATCH.fullmatch(model)):
        return as_workload(batch["model"]).batched(int(batch["size"]))
    if isinstance(model, str | Path):
        path = Path(model)
        if path.suffix.lower() == ".onnx":
            from accel_models.onnx import from_onnx

            return from_onnx(path)
        is_file = isinstance(model, Path) or path.suffix.lower() == ".json" or len(path.parts) > 1
        return workload_io.load(path) if is_file else zoo.workload(str(model))
    from accel_models.trace import trace

    if not callable(model):
        raise ValueError(f"a model must be a torch module, a Workload, a name or a file, but got {model!r}")
    if example_inputs is None:
        raise ValueError("a torch module needs `example_inputs`, but got none")
    return trace(model, example_inputs)


def _recommendation(question: Question, study: Study) -> Recommendation:
    best = study.incumbent
    if best is None:
        counted = "; ".join(
            f"{count} times {reason}" for reason, count in study.problem.reasons(study.trials).items()
        )
        raise NothingFeasible(f"one of {len(study.trials)} trials must be feasible, but none is: {counted}")
    from accel_models.cost import CostModel

    workload = question.workloads[0]
    priced = question.price(best.point)
    model = CostModel(minimize=question.mapped_for, span=question.design_space.span())
    mappings = model.mappings(priced.accelerator, workload)
    return Recommendation(
        question, study, best.point, priced.accelerator, priced.costs[workload.name], mappings
    )
