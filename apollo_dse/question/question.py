"""The record of a question, and the problem and the study that it leads to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from accel_models import Workload
from apollo_dse import evaluators
from apollo_dse.codesign.networks import Networks, design_of, joint_space
from apollo_dse.evaluators.engine import LOCAL, Engine
from apollo_dse.problem import Constraint, Objective, Problem, resolve_metric
from apollo_dse.question import document
from apollo_dse.question.measuring import evaluator_of
from apollo_dse.question.predicted import MODEL, predicted
from search_spaces import DesignSpace, Point, SearchSpace, Value, get

if TYPE_CHECKING:
    from apollo_dse.report import PricedDesign
    from apollo_dse.storage import Header, Store
    from apollo_dse.study import Study
    from apollo_dse.transfer import Experience, Prior

Minimize = Literal["latency", "energy", "edp"]

RECOMMENDED = "portfolio"
"""Who searches unless somebody else is asked for: docs/benchmark.md has why."""

COLD = "-cold"
"""What the name of a study ends in that is another one's without priors."""

_MAPPED_FOR: Mapping[str, Minimize] = {
    "latency_s": "latency",
    "energy_j": "energy",
    "edp_js": "edp",
    "steady_latency_s": "latency",
    "steady_energy_j": "energy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A space, networks, what is wanted within which limits, and who searches.

    `space` is a registered name, the path of a user's file, or a space made in Python (of which a store
    keeps too little to resume or report from the command line). Networks are given as `workloads`, or are
    chosen along with the design from those of `networks`. Parameters that are `fixed` have that one value.
    `minimize` is what the mapping of each layer is chosen for, by the built-in model or an evaluator that maps
    layers itself; None follows the objectives: the first that is a latency, energy or EDP, or EDP where both
    latency and energy are asked for. With a transfer `method` the search learns from `sources`, too:
    priors, or references to those of the store (`apollo_dse.library`); it then takes the optimizer's place.
    `evaluator` measures: a name of `apollo_dse.evaluators`, or the path of a user's file. One of the user's own
    may know its workload itself, so that there is none here. `batch` is points a round, 16 if None; an
    `asynchronous` search has no rounds, but is asked for a point whenever a worker is free.

    Raises:
        ValueError: there are both workloads and networks, or neither with the built-in model; or networks with
            another evaluator; or no objective; or only one of a method and sources.
    """

    space: str | DesignSpace
    objectives: tuple[Objective, ...]
    workloads: tuple[Workload, ...] = ()
    networks: Networks | None = None
    fixed: Mapping[str, Value] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    optimizer: str = RECOMMENDED
    seed: int = 0
    batch: int | None = None
    asynchronous: bool = False
    minimize: Minimize | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None
    sources: tuple["str | Prior", ...] = ()
    evaluator: str = evaluators.ANALYTICAL

    def __post_init__(self) -> None:
        if not self.objectives:
            raise ValueError("a question must have at least one objective, but it has none")
        if self.workloads and self.networks:
            raise ValueError("a question must have workloads, or networks to choose from, but it has both")
        if not self.workloads and not self.networks and self.is_analytical:
            raise ValueError("a question must have workloads, or networks to choose from, but it has neither")
        if self.networks and not self.is_analytical:
            raise ValueError(f"networks are priced by the built-in model only, but got {self.evaluator!r}")
        if (self.method is None) != (not self.sources):
            got = f"method={self.method!r} and {len(self.sources)} sources"
            raise ValueError(f"a transfer must have a method and sources, but got {got}")

    @property
    def mapped_for(self) -> Minimize:
        """What the mapping of each layer is chosen for."""
        return self.minimize or self._implied

    @property
    def _implied(self) -> Minimize:
        """What the objectives want layers to be mapped for."""
        goals = [objective.metric.partition(":")[0] for objective in self.objectives]
        wanted = dict.fromkeys(_MAPPED_FOR[goal] for goal in goals if goal in _MAPPED_FOR)
        return "edp" if len(wanted) > 1 else next(iter(wanted), "latency")

    @property
    def is_analytical(self) -> bool:
        """Whether the built-in cost model measures."""
        return self.evaluator == evaluators.ANALYTICAL

    @property
    def searcher(self) -> str:
        """Name of who searches: the transfer method, else the optimizer."""
        return self.method or self.optimizer

    @property
    def design_space(self) -> DesignSpace:
        """The space with its template.

        Raises:
            ValueError: no such name, or the file says something wrong.
            OSError: the file cannot be read.
        """
        return self.space if isinstance(self.space, DesignSpace) else get(self.space)

    @property
    def search_space(self) -> SearchSpace:
        """What may be chosen: parameters of the design, and of the network if it is chosen, too.

        Raises:
            ValueError: as in `design_space`; or a parameter that is fixed is none, or has no such value.
            OSError: as in `design_space`.
        """
        space = self.design_space.space
        if self.networks is not None:
            space = joint_space(self.design_space, self.networks.network_space)
        return space.subspace(**self.fixed)

    @property
    def name(self) -> str:
        """What is designed: the space of designs and, if they are chosen, too, that of networks."""
        designs = self.design_space.name
        return designs if self.networks is None else f"{designs}+{self.networks.network_space.name}"

    @property
    def typical_workloads(self) -> tuple[Workload, ...]:
        """The workloads, or the usual network of those to choose from."""
        return self.workloads if self.networks is None else (self.networks.usual,)

    @property
    def subjects(self) -> tuple[str, ...]:
        """What it is designed for: names of the workloads, or of the space that the network is chosen from."""
        if self.networks is not None:
            return (self.networks.network_space.name,)
        return tuple(workload.name for workload in self.workloads)

    def price(self, point: Point) -> "PricedDesign":
        """The design of a point of the search space, priced layer by layer on its networks.

        Raises:
            ValueError: the template does not know a parameter or a value of the point.
        """
        from apollo_dse.report import pricing

        if self.networks is None:
            return pricing(self.design_space, self.workloads, self.mapped_for)(point)
        space, workload = self.networks.network_space, self.networks.workload_of(point)
        priced = pricing(self.design_space, (workload,), self.mapped_for)(design_of(point, space))
        return replace(priced, network=self.networks.graph_of(point))

    def about(self) -> dict[str, Any]:
        """Plain JSON values from which `stored` makes the question again."""
        return document.about(self)

    @classmethod
    def stored(cls, header: "Header") -> Self:
        """The question of a study in a store.

        Raises:
            ValueError: the study was begun by another program than this one's front doors.
        """
        question = cls(**document.fields(header))
        return replace(question, minimize=None) if question.minimize == question._implied else question

    def problem(self, engine: Engine = LOCAL) -> Problem:
        """The question as a problem, whose points are measured by an engine.

        A limit is known before a trial is spent where the evaluator has a preview, as the built-in model has.

        Raises:
            ValueError: a metric is none of the evaluator's, or the space or the evaluator's file is wrong; or
                `minimize` is given and the evaluator maps nothing; or the engine cannot have the evaluator.
            OSError: a file cannot be read.
        """
        from apollo_dse.evaluators.analytical import AnalyticalEvaluator

        asked = [each.metric for each in self.objectives] + [each.metric for each in self.constraints]
        evaluator = evaluator_of(self, asked)
        for metric in asked:
            resolve_metric(metric, evaluator.metrics)
        preview = evaluators.preview_of(evaluator)
        problem = Problem(
            space=self.search_space,
            objectives=self.objectives,
            constraints=tuple(
                replace(each, known=each.known and preview is not None) for each in self.constraints
            ),
            evaluate=engine.around(evaluator),
            preview=preview,
            remedies=self.design_space.remedies_within(),
            slopes=evaluator.slopes
            if isinstance(evaluator, AnalyticalEvaluator) and evaluator.is_sloped
            else None,
        )
        if self.networks is None:
            return problem
        return replace(problem, starts=self.networks.starts(problem, self.seed))

    def study(self, store: "Store | None" = None, name: str = "study", engine: Engine = LOCAL) -> "Study":
        """The study that answers, new or resumed from the store, its points measured by an engine.

        Raises:
            ValueError: a metric, optimizer, seed, batch, name or engine is wrong; the message says which.
            StoreError: the store cannot be used, or its study of that name asked something else.
        """
        from apollo_dse import optimizers, transfer
        from apollo_dse.optimizer import Optimizer
        from apollo_dse.study import Study

        optimizer: Optimizer

        problem = self.problem(engine)
        if self.method is None:
            optimizer = optimizers.get(self.optimizer)(problem, self.seed, **self.knobs)
        else:
            experience = self.experience(store)
            optimizer = transfer.get(self.method)(problem, self.seed, experience, **self.knobs)
        return Study(
            problem,
            optimizer,
            store,
            name,
            batch=self.batch,
            about=self.about(),
            asynchronous=self.asynchronous,
        )

    def experience(self, store: "Store | None" = None) -> "Experience":
        """What the sources know, and what this question is about.

        Raises:
            ValueError: a source is a reference, and there is no store; or the store has no such study or prior.
        """
        from apollo_dse.library import load
        from apollo_dse.transfer import Experience, describe

        def prior(source: "str | Prior") -> "Prior":
            if not isinstance(source, str):
                return source
            if source == MODEL:
                return predicted(self)
            if store is None:
                raise ValueError("references to priors need a store, but there is none")
            return load(store, source)

        task = describe(self.name, self.typical_workloads, self.constraints, self.design_space.node_nm)
        return Experience(task, tuple(map(prior, self.sources)))

    def search(
        self,
        trials: int,
        store: "Store | None" = None,
        name: str = "study",
        progress: "Callable[[Study], None] | None" = None,
        engine: Engine = LOCAL,
    ) -> "Study":
        """The study that answers, run until it has `trials` trials, those it had before included.

        Args:
            trials: size of the study at the end, at least 1.
            store: keeps the study; one of that name that is there is resumed.
            name: the study's name.
            progress: called as in `Study.run`.
            engine: where points are measured.

        Raises:
            ValueError: `trials < 1`, or as in `study`.
            StoreError: as in `study`.
            KeyboardInterrupt: Ctrl-C was pressed; what was being measured was finished and stored.
        """
        if not isinstance(trials, int) or trials < 1:
            raise ValueError(f"`trials >= 1` must hold, in whole numbers, but got trials={trials!r}")
        study = self.study(store, name, engine)
        end = study.run(trials, progress)
        if end == "interrupted":
            raise KeyboardInterrupt(f"{len(study.trials)} of {trials} trials were made")
        return study
