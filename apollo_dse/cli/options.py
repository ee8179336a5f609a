"""Options that several commands have, alike in all of them, and the groups in which they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

Minimize = Literal["latency", "energy", "edp"]


def whole_number(_kind: type, tokens: Sequence[Token]) -> int:
    """The number in decimal digits; cyclopts by itself would round 5.7 in silence.

    Raises:
        ValueError: the word is no whole number.
    """
    word = tokens[0].value
    try:
        return int(word)
    except ValueError:
        raise ValueError(f"it takes a whole number, but got {word!r}") from None


WholeNumber = Annotated[int, Parameter(converter=whole_number)]

WorkloadOption = Annotated[
    str,
    Parameter(
        name="--workload",
        help="A network of the zoo, or a FILE: traced .json, or .onnx; NAME@8 for eight inputs at once.",
    ),
]
WorkloadOptions = Annotated[
    list[str] | None,
    Parameter(
        name="--workload",
        help="A network of the zoo, or a FILE: traced .json, or .onnx; NAME@8 for eight inputs at once; "
        "repeat it for several.",
    ),
]
StoreOption = Annotated[
    Path | None,
    Parameter(name="--store", help="The file of studies; else $APOLLO_DSE_STORE, else ./apollo-dse.sqlite."),
]
SpaceOption = Annotated[
    str | None, Parameter(name="--space", help="A design space or your own FILE.yaml|toml; edge if absent.")
]
DesignSpaceOption = Annotated[
    str, Parameter(name="--space", help="A design space, or your own FILE.yaml|toml.")
]
SettingsOption = Annotated[
    list[str] | None,
    Parameter(name="--set", help="A parameter as KEY=VALUE, such as pe_memory_bytes=2MiB; repeat it."),
]
PresetOption = Annotated[
    str | None, Parameter(name="--preset", help="A named design of the space to start from.")
]
ObjectiveOptions = Annotated[
    list[str] | None,
    Parameter(
        name="--objective",
        help="latency, energy, edp, area, power, utilization, or steady_latency and steady_energy of a "
        "stream of inferences; repeat it for a Pareto front.",
    ),
]
ConstraintOptions = Annotated[
    list[str] | None,
    Parameter(
        name="--constraint",
        help="A limit such as 'area_mm2<=20' or 'latency<=5ms'; repeat it for several.",
    ),
]
TrialsOption = Annotated[WholeNumber, Parameter(help="Designs to price, a resumed study's included.")]
SeedOption = Annotated[WholeNumber | None, Parameter(help="Same seed, same trials; 0 if absent.")]
MinimizeOption = Annotated[
    Minimize | None,
    Parameter(name="--minimize", help="What layers are mapped for; that of the objectives if absent."),
]
EvaluatorOption = Annotated[
    str | None,
    Parameter(
        name="--evaluator",
        help="Who measures: your own simulator as a FILE.yaml|toml describes it, a published one (scalesim, "
        "zigzag, timeloop: `apollo-dse evaluators`), or a plug-in's name; the built-in cost model if absent.",
    ),
]
EngineOption = Annotated[
    Literal["local", "process", "ray"] | None,
    Parameter(
        name="--engine",
        help="local: designs are measured here; process: several at a time, each in a process of its own; ray: "
        "so in a Ray cluster. local if absent, process with --workers, ray with --ray-address.",
    ),
]
WorkersOption = Annotated[
    WholeNumber | None, Parameter(name="--workers", help="Designs that are measured at a time; 1 if absent.")
]
RayAddressOption = Annotated[
    str | None,
    Parameter(
        name="--ray-address",
        help="The Ray cluster to join, such as auto or HOST:6379; else $RAY_ADDRESS, else one that is started.",
    ),
]
ChunkOption = Annotated[
    WholeNumber | None,
    Parameter(
        name="--chunk", help="Designs that a worker is given at a time; 1 if absent. For quick evaluators."
    ),
]
AsynchronousOption = Annotated[
    bool,
    Parameter(
        name="--asynchronous",
        help="Suggest a design whenever a worker is free, in place of batches: no worker waits for the slowest "
        "run of a batch, but which trials are made then depends on run times.",
    ),
]
FailuresOption = Annotated[
    WholeNumber | None,
    Parameter(name="--failures", help="Runs that fail in a row and end the search; 16 if absent, 0: none do."),
]
StudyOption = Annotated[
    str | None, Parameter(name="--study", help="The study's name; one with the time in it if absent.")
]
ResumeOption = Annotated[
    bool, Parameter(name="--resume", help="Go on with a study of the store; options left out are its own.")
]
MethodOption = Annotated[
    str | None,
    Parameter(
        name="--method",
        help="How to learn from other tasks: warm-start, pretrained-prior, rgpe; auto, the best, if absent.",
    ),
]
TransferOptions = Annotated[
    list[str] | None,
    Parameter(
        name="--transfer",
        help="Learn from a study of the store, or from prior:NAME of its library; repeat it for several.",
    ),
]
JsonOption = Annotated[bool, Parameter(name="--json", help="One JSON document on stdout, nothing else there.")]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a search looks, for what, within which limits."""

    space: SpaceOption = None
    objective: ObjectiveOptions = None
    constraint: ConstraintOptions = None

    @property
    def fields(self) -> dict[str, Any]:
        """They as the fields of a `Question`, to be parsed; None where an option is absent."""
        return {"space": self.space, "objectives": self.objective, "constraints": self.constraint}


@dataclass(frozen=True, slots=True)
class Kept:
    """Where the study of a search is kept, whether it goes on, and how what it found is written."""

    study: StudyOption = None
    store: StoreOption = None
    resume: ResumeOption = False
    json: JsonOption = False


WantedOptions = Annotated[Wanted, Parameter(name="*")]
KeptOptions = Annotated[Kept, Parameter(name="*")]
WANTED, KEPT = Wanted(), Kept()
"""None of the options given."""
