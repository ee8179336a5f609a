"""What a store keeps, as records, and how a trial stands in its row."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apollo_dse.trial import Measurement, Trial
from search_spaces.quantity import is_number
from search_spaces.space import canonical

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True)
class Header:
    """What a study is, apart from its trials.

    `asked` determines the trials (space, objectives, constraints, evaluator, optimizer, batch) as plain JSON
    values; a study may be resumed only when it is equal. `about` is whatever else the caller wants to find
    again with the study. `created` is a UTC time in ISO 8601.

    Raises:
        ValueError: the name is not 1 to 100 letters, digits, dots, dashes or underscores that start with a
            letter or digit (names become parts of file names).
    """

    name: str
    created: str
    asked: Mapping[str, Any]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        check_name(self.name, "study")


def check_name(name: str, kind: str) -> None:
    """Pass over a name that a study or a prior may have.

    Raises:
        ValueError: it is none.
    """
    if not _NAME.fullmatch(name):
        rule = f"a {kind}'s name must be up to 100 letters, digits, `.`, `_` and `-`, first a letter or digit"
        raise ValueError(f"{rule}, but got {name!r}")


@dataclass(frozen=True, slots=True)
class Record:
    """A trial with its circumstances.

    `batch` is how many trials were told when it was suggested: in a study of batches the number of the first
    trial of its batch. `seconds` is its share of the batch's evaluation time, in an asynchronous study the time
    since the trial before it; `proposed_by` the optimizer's name.
    """

    trial: Trial
    batch: int
    seconds: float
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a study has come: its trials, and the UTC time (ISO 8601) of the last ones, if it is known."""

    name: str
    trials: int
    extended: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a trial, without its point: metrics, or a reason; and the seconds that it took."""

    number: int
    metrics: Mapping[str, float]
    infeasible_because: str | None
    seconds: float


def dumps(value: Mapping[str, Any]) -> str:
    """JSON, keys in their order: what is printed of a resumed study is what was printed of it before."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def row_of(record: Record) -> tuple[int, int, str, str, str | None, float, str, str]:
    """Number, batch, point, metrics, reason, seconds, optimizer and bottlenecks, as they stand in a row."""
    measurement = record.trial.measurement
    metrics = dumps({name: float(value) for name, value in measurement.metrics.items()})
    reason = measurement.infeasible_because
    point = canonical(record.trial.point)
    bottlenecks = dumps({name: float(amount) for name, amount in measurement.bottlenecks.items()})
    circumstances = (record.seconds, record.proposed_by, bottlenecks)
    return (record.trial.number, record.batch, point, metrics, reason, *circumstances)


def record_of(row: tuple[Any, ...]) -> Record:
    """The trial of a row, as `row_of` has it.

    Raises:
        ValueError: what stands there is not what was written.
    """
    number, batch, point, metrics, reason, seconds, proposed_by, bottlenecks = row
    measurement = Measurement(json.loads(metrics), reason, json.loads(bottlenecks))
    values: dict[str, Any] = json.loads(point)
    if not all(isinstance(value, str) or is_number(value) for value in values.values()):
        raise ValueError("a point must have numbers and words")
    return Record(Trial(number, values, measurement), batch, seconds, proposed_by)
