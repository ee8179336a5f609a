"""The JSON document between a study and the page that shows it.

Every number that the page draws is in here, in SI units, and every sentence that it says: the page lays
out and formats, it never computes physics. A report inlines the document; a server may send the same one.
Trials are columns, and rows are referred to by their index (`row`), so that 100,000 of them stay small.
A value that was not measured is null, never nan.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Literal

from apollo_dse.transfer import Account
from search_spaces.networks.graph import Graph

SCHEMA = "apollo-dse.report"
SCHEMA_VERSION = 1
SIGNIFICANT_DIGITS = 7

Value = float | int | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A measured quantity: its name in the trials, a label for people, its SI unit."""

    name: str
    label: str
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One objective."""

    metric: str
    goal: Literal["minimize", "maximize"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One constraint; a side that is not limited is None."""

    metric: str
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyInfo:
    """What was asked, of whom, and how long it took."""

    name: str
    space: str
    space_reference: str
    space_size: int | None
    workloads: tuple[str, ...]
    objectives: tuple[Goal, ...]
    constraints: tuple[Limit, ...]
    optimizer: str
    seed: int | None
    seconds: float | None
    trials: int
    feasible: int
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterInfo:
    """A parameter: `values` where it has a list of them (trials hold the index), else its range."""

    name: str
    label: str
    unit: str
    values: tuple[Value, ...] | None
    low: float | None
    high: float | None
    log: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTable:
    """All trials as columns of equal length, in the order of their numbers.

    `parameters[name][row]` is an index into the parameter's `values`, or the value itself;
    `metrics[name][row]` is None where it was not measured; `reason[row]` is an index into the report's
    `reasons`, None for a feasible trial; `loss[row]` is the first objective with smaller as better.
    """

    number: tuple[int, ...]
    parameters: Mapping[str, tuple[float | None, ...]]
    metrics: Mapping[str, tuple[float | None, ...]]
    reason: tuple[int | None, ...]
    loss: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A kind of infeasibility, how many trials it stopped, and one of them in full words."""

    text: str
    count: int
    example: str
    kind: Literal["unbuildable", "over a limit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Best feasible value of one objective so far: rows where it improved, and the values there."""

    metric: str
    rows: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Trials that no other feasible trial beats in both metrics; `why` says how the pair was chosen."""

    x: Goal
    y: Goal
    rows: tuple[int, ...]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """How much a model's score falls when this parameter's column is shuffled (mean and std)."""

    parameter: str
    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Which parameters decide `target`, by a model whose own score on unseen trials is `score`.

    `verdict` is "missing" where no model could be fitted (then `note` says why and `rows` is empty) and
    "weak" where the model scores too badly to be believed.
    """

    target: str
    method: str
    score_name: str
    score: float | None
    trials: int
    verdict: Literal["ok", "weak", "missing"]
    note: str
    rows: tuple[Influence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A constraint at the recommended design: `used` = value / bound; `slack` >= 0 is feasible."""

    metric: str
    side: Literal["lower", "upper"]
    bound: float
    value: float
    slack: float
    used: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The trial that the report recommends, or the least bad one where none is feasible (row)."""

    row: int
    number: int
    feasible: bool
    reason: str | None
    limits: tuple[LimitUse, ...]
    binding: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBox:
    """A storage level to draw: how many instances, how large, how each fans out into `child` parts."""

    name: str
    label: str
    instances: int
    capacity_bytes: int | None
    bandwidth_bytes_per_s: float | None
    keeps: tuple[str, ...]
    fanout: tuple[tuple[str, int], ...]
    child: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A labelled number with its unit."""

    name: str
    label: str
    unit: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """The recommended accelerator as a block diagram."""

    template: str
    technology: str
    clock_hz: float
    peak_ops_per_s: float
    mac_units: int
    area_mm2: float
    levels: tuple[LevelBox, ...]
    staging: tuple[Quantity, ...]
    area_by_block: tuple[Quantity, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRow:
    """One layer on the recommended design; totals count all repeats, rates are of one execution.

    `ops_per_byte` and `ops_per_s` place it on the roofline and are None for a layer without
    multiply-accumulates; operations are 2 per multiply-accumulate, bytes are those of the outermost level.
    """

    name: str
    kind: str
    repeats: int
    macs: float
    latency_s: float
    energy_j: float
    total_latency_s: float
    total_energy_j: float
    utilization: float
    bound_by: str
    compute_s: float
    energy_by_level_j: Mapping[str, float]
    bytes_by_level: Mapping[str, float]
    ops_per_byte: float | None
    ops_per_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Roofline:
    """The two roofs: peak rate, and bandwidth of the outermost level (None: unbounded)."""

    peak_ops_per_s: float
    bytes_per_s: float | None
    ridge_ops_per_byte: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadCost:
    """One workload on the recommended design; `bounds` is the share of latency by what bounds it."""

    name: str
    latency_s: float
    energy_j: float
    utilization: float
    macs: float
    layers: tuple[LayerRow, ...]
    energy_levels: tuple[str, ...]
    bounds: tuple[tuple[str, float], ...]
    roofline: Roofline


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The report in words: a headline and sentences, said before any figure."""

    headline: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything the page shows. None: there is nothing to show, and `summary` says why.

    `front` is that of the trade-off, `other_fronts` are those of the other pairs of objectives. `network` is
    the one that was chosen along with the design, where networks were. `cold` is the convergence of the same
    search without priors, where there was one beside it.
    """

    study: StudyInfo
    summary: Summary
    metrics: tuple[Metric, ...]
    parameters: tuple[ParameterInfo, ...]
    trials: TrialTable
    reasons: tuple[Reason, ...]
    convergence: tuple[Curve, ...]
    front: Front | None
    importance: tuple[Importance, ...]
    recommendation: Recommendation | None
    hardware: Hardware | None
    workloads: tuple[WorkloadCost, ...]
    top: tuple[int, ...]
    network: Graph | None = None
    sources: tuple[Account, ...] = ()
    cold: tuple[Curve, ...] = ()
    other_fronts: tuple[Front, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """One trial as closely as a report looks at the recommended one.

    `recommendation` is how it keeps the limits; `point` has the values themselves. Without metrics there is no
    recommendation, and `summary` has the reason.
    """

    number: int
    point: Mapping[str, Value]
    metrics: Mapping[str, float]
    summary: Summary
    recommendation: Recommendation | None
    hardware: Hardware | None
    workloads: tuple[WorkloadCost, ...]
    network: Graph | None


def to_json(report: ReportData) -> str:
    """The document as strict JSON (no nan), numbers rounded to `SIGNIFICANT_DIGITS`, keys in a fixed order."""
    return as_json({"schema": SCHEMA, "schema_version": SCHEMA_VERSION} | _plain_record(report))


def as_json(value: object) -> str:
    """Records, mappings and sequences of them as strict JSON, written as documents are."""
    return json.dumps(_plain(value), allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def _plain_record(record: object) -> dict[str, object]:
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}  # type: ignore[arg-type]


def _plain(value: object) -> object:
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return _plain_record(value)
    return value


def rounded(value: float) -> float | int | None:
    """A number as documents have it: of `SIGNIFICANT_DIGITS`, None where it is not finite."""
    if not math.isfinite(value):
        return None
    near = float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    return int(near) if near.is_integer() and abs(near) < 1e15 else near
