"""What a user asks, whole: enough to begin a study, to resume it years later, and to report on it.

A `Question` is written into the header of its study (`about`), workloads included, so that the store alone
answers `report` and `resume`. Only a space and an evaluator of the user's own are kept by path: their files
must still be there, and a study notices when they have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from accel_models import Workload, workload_io
from apollo_dse import evaluators
from apollo_dse.codesign.networks import Networks, design_of, joint_space
from apollo_dse.evaluators.engine import LOCAL, Engine
from apollo_dse.problem import Constraint, Objective, Problem, resolve_metric
from search_spaces import DesignSpace, Point, SearchSpace, Value, get

if TYPE_CHECKING:
    from apollo_dse.evaluators import Evaluator
    from apollo_dse.report import About, PricedDesign, ReportData
    from apollo_dse.storage import Header, Record, Store
    from apollo_dse.study import Study
    from apollo_dse.transfer import Account, Experience, Prior

Minimize = Literal["latency", "energy", "edp"]

RECOMMENDED = "portfolio"
"""Who searches unless somebody else is asked for: docs/benchmark.md has why."""

MODEL = "model:analytical"
"""What stands among the sources for the built-in model, asked for what it predicts."""

PREDICTED_TRIALS = 512
"""Designs of the search that finds out where the built-in model has its best ones."""

COLD = "-cold"
"""What the name of a study ends in that is another one's without priors."""

ABOUT_VERSION = 1
"""Of the keys that `Question.about` writes."""

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
        space = None if isinstance(self.space, DesignSpace) else self.space
        return {
            "version": ABOUT_VERSION,
            "space": _findable(space),
            "workloads": [workload_io.to_dict(workload) for workload in self.workloads],
            **({"networks": self.networks.about()} if self.networks else {}),
            **({"fixed": dict(self.fixed)} if self.fixed else {}),
            "minimize": self.mapped_for,
            "versions": {name: version(name) for name in ("apollo-dse", "torch", "numpy")},
            **({"sources": list(map(_reference, self.sources))} if self.sources else {}),
            **({} if self.is_analytical else {"evaluator": _findable(self.evaluator)}),
        }

    @classmethod
    def stored(cls, header: "Header") -> Self:
        """The question of a study in a store.

        Raises:
            ValueError: the study was begun by another program than this one's front doors.
        """
        try:
            return cls._stored(header)
        except (LookupError, TypeError, AttributeError) as error:
            rule = f"study {header.name!r} must have a header that `explore` or `recommend` wrote"
            raise ValueError(f"{rule}, but its header is another's: {error!r}") from error

    @classmethod
    def _stored(cls, header: "Header") -> Self:
        asked, about = header.asked, header.about
        if about.get("version") != ABOUT_VERSION or None in (
            about["space"],
            *about.get("networks", {}).values(),
        ):
            rule = f"study {header.name!r} must have been begun by `explore` or `recommend` on a named space"
            raise ValueError(f"{rule}, but its header is about {', '.join(about) or 'nothing'}")
        knobs = dict(asked["optimizer"])
        name, sources = knobs.pop("name"), tuple(about.get("sources", ()))
        networks = Networks(**about["networks"]) if "networks" in about else None
        who = {"method": name, "sources": sources} if sources else {"optimizer": name}
        question = cls(
            space=about["space"],
            workloads=tuple(workload_io.from_dict(each) for each in about["workloads"]),
            networks=networks,
            fixed=about.get("fixed", {}),
            objectives=tuple(Objective.parse(text, "any") for text in asked["objectives"]),
            constraints=tuple(Constraint.parse(text, "any") for text in asked["constraints"]),
            seed=knobs.pop("seed"),
            batch=asked["batch"],
            asynchronous=asked.get("asynchronous", False),
            minimize=about["minimize"],
            knobs=knobs,
            evaluator=about.get("evaluator", evaluators.ANALYTICAL),
            **who,
        )
        return replace(question, minimize=None) if question.minimize == question._implied else question

    @classmethod
    def reportable(cls, header: "Header") -> Self:
        """As `stored`, of a study that is looked at rather than resumed: its space must be that of its trials.

        Raises:
            ValueError: as in `stored`; or the space's file is broken or has changed since.
            OSError: the space's file cannot be read.
        """
        from apollo_dse.study import differences

        question = cls.stored(header)
        now = {parameter.name: repr(parameter) for parameter in question.search_space.parameters}
        if changed := differences(header.asked["parameters"], now):
            rule = f"study {header.name!r} can only be reported on in the space of its trials"
            raise ValueError(f"{rule}, but of {question.space} {'; '.join(changed)}")
        return question

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
        evaluator = self._evaluator(asked)
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

    def _evaluator(self, asked: Sequence[str]) -> "Evaluator":
        """Who measures what is asked."""
        from apollo_dse.evaluators.analytical import STEADY, AnalyticalEvaluator
        from apollo_dse.evaluators.area import AREA, with_area

        steady = any(metric.startswith(STEADY) for metric in asked)
        if self.networks is not None:
            from apollo_dse.codesign.joint import JointEvaluator

            space, accuracy = self.networks.network_space, self.networks.evaluator
            return JointEvaluator(self.design_space, space, accuracy, minimize=self.mapped_for, steady=steady)
        if self.is_analytical:
            return AnalyticalEvaluator(
                self.design_space, self.workloads, minimize=self.mapped_for, steady=steady
            )
        found = evaluators.get(self.evaluator, self.mapped_for)(self.design_space, self.workloads)
        if self.minimize is not None and evaluators.trait(found, "minimize") is None:
            rule = "only an evaluator that maps layers itself is told what for"
            raise ValueError(f"{rule}, but {self.evaluator!r} is none; leave minimize={self.minimize!r} out")
        return with_area(found, self.design_space) if AREA in asked else found

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
                return self._predicted()
            if store is None:
                raise ValueError("references to priors need a store, but there is none")
            return load(store, source)

        task = describe(self.name, self.typical_workloads, self.constraints, self.design_space.node_nm)
        return Experience(task, tuple(map(prior, self.sources)))

    def _predicted(self) -> "Prior":
        """The built-in model as a prior: what it was asked by a search of its own, and may be asked.

        Objectives and limits on metrics that it has not are left out; without an objective it is latency.
        """
        from apollo_dse.evaluators.analytical import COSTS
        from apollo_dse.transfer import Prior, describe

        objectives = tuple(each for each in self.objectives if each.metric in COSTS)
        own = replace(
            self,
            objectives=objectives or (Objective("latency_s"),),
            constraints=tuple(each for each in self.constraints if each.metric in COSTS),
            evaluator=evaluators.ANALYTICAL,
            optimizer="evolution",
            seed=0,
            batch=32,
            knobs={},
            method=None,
            sources=(),
        )
        study = own.search(PREDICTED_TRIALS)
        task = describe(self.name, self.workloads, own.constraints, self.design_space.node_nm)
        return Prior(MODEL, task, study.problem, study.trials)

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

    def report(
        self, header: "Header", records: "Sequence[Record]", store: "Store | None" = None
    ) -> "ReportData":
        """All that a report shows of a study of this question, its recommended design priced anew by its model.

        Where the search learned from priors, and the store is given, so is what came of each of them, and the
        search without them if the store has that (`NAME-cold`).
        """
        from apollo_dse.report import build_report

        about = self.said(header, sum(record.seconds for record in records))
        if self.sources and store is not None:
            about = replace(about, **self._transferred(header.name, store))
        price = self.price if self.is_analytical else None
        return build_report(self.problem(), [record.trial for record in records], about, price)

    def said(self, header: "Header", seconds: float) -> "About":
        """What a report says of a study of this question beside its trials, which took so long to evaluate."""
        from apollo_dse.report import About

        return About(
            name=header.name,
            space=self.name,
            space_reference=self.design_space.reference,
            optimizer=self.searcher,
            workloads=self.subjects,
            seed=self.seed,
            seconds=seconds,
            versions=header.about["versions"],
        )

    def accounts(self, name: str, store: "Store") -> "tuple[Account, ...]":
        """What came of each prior that a study of the store learned from, in the end."""
        from apollo_dse.transfer import Transfer, accounts

        study = self.study(store, name)
        study.teach()
        assert isinstance(study.optimizer, Transfer)
        return tuple(accounts(study.optimizer))

    def _transferred(self, name: str, store: "Store") -> dict[str, Any]:
        """What a report says of a study's priors, and of the search without them."""
        cold = f"{name}{COLD}"
        without = [record.trial for record in store.records(cold)] if cold in store.names() else []
        return {"sources": self.accounts(name, store), "cold": without}


def _findable(name: str | None) -> str | None:
    """A name, or the path of a file from wherever the store is read, behind a simulator's name perhaps."""
    known, colon, path = (name or "").rpartition(evaluators.WHERE)
    return f"{known}{colon}{Path(path).absolute()}" if path and Path(path).is_file() else name


def _reference(source: "str | Prior") -> str:
    return source if isinstance(source, str) else source.name
