"""Worlds that answer: each maps points to measurements. Importing this package loads no torch.

analytical   the built-in cost model
command      any program, as a user's file describes it
tools        published simulators: SCALE-Sim, ZigZag, Timeloop
files        what a user's file describes: a program of one's own, or where a published simulator is
several      one evaluator for each of several networks, as one
area         the area of a template, for evaluators that measure none
engine       how many points are measured at a time, and where
isolated     one evaluator in several processes; remote: those of a Ray cluster
memory       measurements on disk, so that nothing is measured twice

A distribution offers its own by entry points; what it leads to is called with a design space and workloads:

    [project.entry-points."apollo_dse.evaluators"]
    gem5 = "their_package.gem5:Gem5"
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from accel_models import Workload
from apollo_dse.registry import Registry
from apollo_dse.trial import Measurement
from search_spaces import DesignSpace
from search_spaces.files import SUFFIXES
from search_spaces.space import Point

ANALYTICAL = "analytical"
"""Name of the built-in cost model."""


@runtime_checkable
class Evaluator(Protocol):
    """Anything that measures points, one measurement a point, in order; it fits `Problem.evaluate`.

    `metrics` are the names that a feasible measurement has. `fingerprint` identifies what is measured: two
    evaluators of the same fingerprint measure the same thing, so what a store holds of one serves the other.

    A class of evaluators that map layers themselves says so by `maps = True`: it is then called with
    `minimize`, too, what each layer is mapped for ("latency", "energy" or "edp"), and its instances have that
    as an attribute.

    An evaluator may also have a `preview`, which says at next to no cost what follows from points alone
    (`Problem.preview`), `waits` (see there), and what the engines `process` and `ray` keep: a `timeout_s` for a
    point, and `retries`, how often a point is measured again whose process is lost.
    """

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of all metrics of a feasible measurement."""
        ...

    @property
    def fingerprint(self) -> str:
        """Text that identifies what is measured."""
        ...

    def __call__(self, points: Sequence[Point]) -> Sequence[Measurement]:
        """Measure `points`; a design that cannot be built or run is a measurement with a reason."""
        ...


@runtime_checkable
class Streaming(Evaluator, Protocol):
    """An evaluator whose measurements are there one after the other."""

    def stream(self, points: Sequence[Point], stop: Callable[[], bool]) -> Generator[Measurement, None, None]:
        """Measurements of `points`, in order; only those that were begun, once `stop()` is true."""
        ...


@runtime_checkable
class Flowing(Streaming, Protocol):
    """An evaluator whose measurements may also be had as they end, and which is given points meanwhile."""

    def flow(
        self, points: Iterable[Point], stop: Callable[[], bool]
    ) -> Generator[tuple[Point, Measurement], None, None]:
        """Each of the `points` with its measurement as it ends; one is drawn only when it can be begun."""
        ...


class Evaluators(Protocol):
    """A class of evaluators, or anything that is called like one: what the registry holds."""

    def __call__(self, design_space: DesignSpace, workloads: Sequence[Workload]) -> Evaluator:
        """An evaluator of the points of `design_space` on `workloads`."""


_REGISTRY = Registry(
    "evaluator",
    "apollo_dse.evaluators",
    {
        ANALYTICAL: "apollo_dse.evaluators.analytical:AnalyticalEvaluator",
        "scalesim": "apollo_dse.evaluators.tools.scalesim:ScaleSim",
        "zigzag": "apollo_dse.evaluators.tools.zigzag:ZigZag",
        "timeloop": "apollo_dse.evaluators.tools.timeloop:Timeloop",
    },
)

names = _REGISTRY.names
"""Names of all evaluators: the built-in model, published simulators, then those of third parties."""

registered: Callable[[str], Any] = _REGISTRY.get
"""The class of that name, as it was registered."""

WHERE = ":"
"""Parts the name of an evaluator from where its program is: `scalesim:/opt/scalesim/bin/python`."""


def get(name: str, minimize: str | None = None) -> Evaluators:
    """The evaluators of that name, or of that file: call it as `get(name)(design_space, workloads)`.

    All but the built-in model are asked for no point twice (`memory.Remembered`). Behind a published
    simulator's name and a colon may stand where it is. `minimize` is told to those that map layers
    themselves, as what for; None leaves that to them.

    Raises:
        ValueError: there are none (the message has the nearest name), or the file says something wrong; or an
            evaluator is told where it is that is no program.
        OSError: the file cannot be read.
    """
    if Path(name).suffix.lower() in SUFFIXES:
        from apollo_dse.evaluators.files import evaluators_of

        return evaluators_of(name, minimize)
    known, colon, program = name.partition(WHERE)
    made = registered(known)
    if colon and not hasattr(made, "find"):
        rule = "only an evaluator that is a program elsewhere is told where it is"
        raise ValueError(f"{rule}, but {known!r} is none")
    found = mapping_for(minimize, partial(made, program=program) if colon else made, made)
    return found if known == ANALYTICAL else partial(remembered, found)


def mapping_for(minimize: str | None, found: Callable[..., Evaluator], made: object) -> Evaluators:
    """Evaluators of a class, which are told what they map layers for if they map them themselves."""
    return partial(found, minimize=minimize) if minimize and getattr(made, "maps", False) else found


def preview_of(evaluator: Evaluator) -> Callable[[Sequence[Point]], list[Measurement]] | None:
    """The preview of an evaluator; None: nothing is known."""
    preview: Callable[[Sequence[Point]], list[Measurement]] | None = trait(evaluator, "preview")
    return preview


def waits(evaluator: Evaluator) -> bool:
    """Whether an evaluator says that it `waits` for processes of its own: several threads may ask it at once.

    It then looks now and then whether its run is `cancelling.cancelled`.
    """
    return bool(trait(evaluator, "waits"))


def trait(evaluator: Evaluator, name: str) -> Any:
    """An attribute that an evaluator need not have: its own, or that of the one that it asks; else None."""
    asked: object = evaluator
    while asked is not None and not hasattr(asked, name):
        asked = getattr(asked, "evaluator", None)
    return getattr(asked, name, None)


def remembered(made: Evaluators, design_space: DesignSpace, workloads: Sequence[Workload]) -> Evaluator:
    """An evaluator that is asked for no point twice, and for none again while its source is the same."""
    from apollo_dse.evaluators.memory import Remembered

    return Remembered(made(design_space, workloads), with_source=True)
