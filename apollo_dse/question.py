"""What a user asks, whole: enough to begin a study, to resume it years later, and to report on it.

A `Question` is written into the header of its study (`about`), workloads included, so that the store alone
answers `report` and `resume`. Only a space of the user's own is kept by path: its file must still be there,
and a study notices when it has changed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from accel_models import Workload, workload_io
from apollo_dse.codesign.networks import Networks, design_of, joint_space
from apollo_dse.problem import Constraint, Objective, Problem, resolve_metric
from search_spaces import DesignSpace, Point, SearchSpace, Value, get

if TYPE_CHECKING:
    from apollo_dse.codesign.joint import JointEvaluator
    from apollo_dse.evaluators.analytical import AnalyticalEvaluator
    from apollo_dse.report import PricedDesign, ReportData
    from apollo_dse.storage import Header, Record, Store
    from apollo_dse.study import Study
    from apollo_dse.transfer import Experience, Prior

Minimize = Literal["latency", "energy", "edp"]

RECOMMENDED = "portfolio"
"""Who searches unless somebody else is asked for: docs/benchmark.md has why."""

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
    `minimize` is what the mapping of each layer
    is chosen for; None follows the objectives: the first that is a latency, energy or EDP, or EDP where
    both latency and energy are asked for. With a transfer `method` the search learns from `sources`, too:
    priors, or references to those of the store (`apollo_dse.library`); it then takes the optimizer's place.

    Raises:
        ValueError: there are neither workloads nor networks, or both; or no objective; or only one of a method
            and sources.
    """

    space: str | DesignSpace
    objectives: tuple[Objective, ...]
    workloads: tuple[Workload, ...] = ()
    networks: Networks | None = None
    fixed: Mapping[str, Value] = field(default_factory=dict)
    constraints: tuple[Constraint, ...] = ()
    optimizer: str = RECOMMENDED
    seed: int = 0
    batch: int = 16
    minimize: Minimize | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None
    sources: tuple["str | Prior", ...] = ()

    def __post_init__(self) -> None:
        if not self.objectives:
            raise ValueError("a question must have at least one objective, but it has none")
        if bool(self.workloads) == (self.networks is not None):
            got = "both" if self.workloads else "neither"
            raise ValueError(f"a question must have workloads, or networks to choose from, but it has {got}")
        if (self.method is None) != (not self.sources):
            got = f"method={self.method!r} and {len(self.sources)} sources"
            raise ValueError(f"a transfer must have a method and sources, but got {got}")

    @property
    def mapped_for(self) -> Minimize:
        """What the mapping of each layer is chosen for."""
        if self.minimize is not None:
            return self.minimize
        goals = [objective.metric.partition(":")[0] for objective in self.objectives]
        wanted = dict.fromkeys(_MAPPED_FOR[goal] for goal in goals if goal in _MAPPED_FOR)
        return "edp" if len(wanted) > 1 else next(iter(wanted), "latency")

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

        design, workloads = point, self.workloads
        if self.networks is not None:
            design = design_of(point, self.networks.network_space)
            workloads = (self.networks.workload_of(point),)
        return pricing(self.design_space, workloads, self.mapped_for)(design)

    def about(self) -> dict[str, Any]:
        """Plain JSON values from which `stored` makes the question again."""
        space = None if isinstance(self.space, DesignSpace) else self.space
        return {
            "version": ABOUT_VERSION,
            "space": str(Path(space).absolute()) if space and Path(space).is_file() else space,
            "workloads": [workload_io.to_dict(workload) for workload in self.workloads],
            **({"networks": self.networks.about()} if self.networks else {}),
            **({"fixed": dict(self.fixed)} if self.fixed else {}),
            "minimize": self.mapped_for,
            "versions": {name: version(name) for name in ("apollo-dse", "torch", "numpy")},
            **({"sources": list(map(_reference, self.sources))} if self.sources else {}),
        }

    @classmethod
    def stored(cls, header: "Header") -> Self:
        """The question of a study in a store.

        Raises:
            ValueError: the study was begun by another program than this one's front doors.
        """
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
        return cls(
            space=about["space"],
            workloads=tuple(workload_io.from_dict(each) for each in about["workloads"]),
            networks=networks,
            fixed=about.get("fixed", {}),
            objectives=tuple(Objective.parse(text) for text in asked["objectives"]),
            constraints=tuple(Constraint.parse(text) for text in asked["constraints"]),
            seed=knobs.pop("seed"),
            batch=asked["batch"],
            minimize=about["minimize"],
            knobs=knobs,
            **who,
        )

    def problem(self) -> Problem:
        """The question as a problem, evaluated by the built-in cost model.

        Raises:
            ValueError: a metric is none of the evaluator's, or the space is wrong.
        """
        from apollo_dse.evaluators.analytical import STEADY

        asked = [each.metric for each in self.objectives] + [each.metric for each in self.constraints]
        evaluator = self._evaluator(steady=any(metric.startswith(STEADY) for metric in asked))
        for metric in asked:
            resolve_metric(metric, evaluator.metrics)
        return Problem(
            space=self.search_space,
            objectives=self.objectives,
            constraints=self.constraints,
            evaluate=evaluator,
            preview=evaluator.preview,
            remedies=self.design_space.remedies_within(),
            slopes=getattr(evaluator, "slopes", None) if getattr(evaluator, "is_sloped", False) else None,
        )

    def _evaluator(self, steady: bool) -> "AnalyticalEvaluator | JointEvaluator":
        if self.networks is None:
            from apollo_dse.evaluators.analytical import AnalyticalEvaluator

            return AnalyticalEvaluator(
                self.design_space, self.workloads, minimize=self.mapped_for, steady=steady
            )
        from apollo_dse.codesign.joint import JointEvaluator

        return JointEvaluator(
            self.design_space,
            self.networks.network_space,
            self.networks.evaluator,
            minimize=self.mapped_for,
            steady=steady,
        )

    def study(self, store: "Store | None" = None, name: str = "study") -> "Study":
        """The study that answers, new or resumed from the store.

        Raises:
            ValueError: a metric, optimizer, seed, batch or name is wrong; the message says which.
            StoreError: the store cannot be used, or its study of that name asked something else.
        """
        from apollo_dse import optimizers, transfer
        from apollo_dse.optimizer import Optimizer
        from apollo_dse.study import Study

        optimizer: Optimizer

        problem = self.problem()
        if self.method is None:
            optimizer = optimizers.get(self.optimizer)(problem, self.seed, **self.knobs)
        else:
            experience = self.experience(store)
            optimizer = transfer.get(self.method)(problem, self.seed, experience, **self.knobs)
        return Study(problem, optimizer, store, name, batch=self.batch, about=self.about())

    def experience(self, store: "Store | None" = None) -> "Experience":
        """What the sources know, and what this question is about.

        Raises:
            ValueError: a source is a reference, and there is no store; or the store has no such study or prior.
        """
        from apollo_dse.library import load
        from apollo_dse.transfer import Experience, describe

        if store is None and any(isinstance(source, str) for source in self.sources):
            raise ValueError("references to priors need a store, but there is none")
        priors = (
            load(store, source) if store is not None and isinstance(source, str) else source
            for source in self.sources
        )
        task = describe(self.name, self.typical_workloads, self.constraints)
        return Experience(task, tuple(each for each in priors if not isinstance(each, str)))

    def search(
        self,
        trials: int,
        store: "Store | None" = None,
        name: str = "study",
        progress: "Callable[[Study], None] | None" = None,
    ) -> "Study":
        """The study that answers, run until it has `trials` trials, those it had before included.

        Args:
            trials: size of the study at the end, at least 1.
            store: keeps the study; one of that name that is there is resumed.
            name: the study's name.
            progress: called after every batch.

        Raises:
            ValueError: `trials < 1`, or as in `study`.
            StoreError: as in `study`.
            KeyboardInterrupt: Ctrl-C was pressed; the batch at hand was finished, and stored in the store.
        """
        if not isinstance(trials, int) or trials < 1:
            raise ValueError(f"`trials >= 1` must hold, in whole numbers, but got trials={trials!r}")
        study = self.study(store, name)
        end = study.run(trials, progress)
        if end == "interrupted":
            raise KeyboardInterrupt(f"{len(study.trials)} of {trials} trials were made")
        return study

    def report(
        self, header: "Header", records: "Sequence[Record]", store: "Store | None" = None
    ) -> "ReportData":
        """All that a report shows of a study of this question, its recommended design priced anew.

        Where the search learned from priors, and the store is given, so is what came of each of them, and the
        search without them if the store has that (`NAME-cold`).
        """
        from apollo_dse.report import About, build_report

        about = About(
            name=header.name,
            space=self.name,
            space_reference=self.design_space.reference,
            optimizer=self.searcher,
            workloads=self.subjects,
            seed=self.seed,
            seconds=sum(record.seconds for record in records),
            versions=header.about["versions"],
            **(self._transferred(header.name, store) if self.sources and store is not None else {}),
        )
        return build_report(self.problem(), [record.trial for record in records], about, self.price)

    def _transferred(self, name: str, store: "Store") -> dict[str, Any]:
        """What a report says of a study's priors, and of the search without them."""
        from apollo_dse.transfer import Transfer, accounts

        study, cold = self.study(store, name), f"{name}{COLD}"
        study.teach()
        assert isinstance(study.optimizer, Transfer)
        without = [record.trial for record in store.records(cold)] if cold in store.names() else []
        return {
            "sources": tuple(accounts(study.optimizer)),
            "cold": without,
        }


def _reference(source: "str | Prior") -> str:
    return source if isinstance(source, str) else source.name
