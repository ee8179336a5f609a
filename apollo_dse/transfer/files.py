"""Priors as plain values, and from tables of old results: CSV, Parquet.

A table has a row for each design that was tried. Columns are recognized by their names: `point.NAME` or a
parameter's name is a parameter; `metric.NAME`, a metric's name or its alias, perhaps with a unit behind an
underscore (`latency_ms`), is a metric; `infeasible_because` is a reason, and a true `infeasible` stands for
one. Everything else, such as `number` or `seconds`, is passed over and named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from apollo_dse.problem import METRICS, Constraint, Objective, Problem
from apollo_dse.tables import MOST_BYTES, Word, plain, read_csv
from apollo_dse.transfer.prior import Description, Prior, unavailable
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Parameter, Real
from search_spaces.quantity import Value
from search_spaces.space import Point, SearchSpace

VERSION = 1
"""Of what `to_dict` writes."""

INFEASIBLE = "the table says that it is infeasible"
"""The reason of rows whose column `infeasible` is true."""

_KINDS: Mapping[str, type[Parameter]] = {
    kind.__name__.lower(): kind for kind in (Real, Integer, Ordinal, Categorical)
}
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no", ""}


def to_dict(prior: Prior) -> dict[str, Any]:
    """Plain JSON values from which `from_dict` makes the prior again, rules of its space left out."""
    return {
        "version": VERSION,
        "task": {**asdict(prior.task), "workloads": list(prior.task.workloads)},
        "parameters": [
            {"kind": type(each).__name__.lower(), **asdict(each)} for each in prior.problem.space.parameters
        ],
        "objectives": list(map(str, prior.problem.objectives)),
        "constraints": list(map(str, prior.problem.constraints)),
        "trials": [
            {
                "point": dict(trial.point),
                "metrics": dict(trial.measurement.metrics),
                "infeasible_because": trial.measurement.infeasible_because,
            }
            for trial in prior.trials
        ],
    }


def from_dict(name: str, content: Mapping[str, Any]) -> Prior:
    """The prior that `to_dict` wrote.

    Raises:
        ValueError: it is of another version.
    """
    if content.get("version") != VERSION:
        raise ValueError(
            f"prior {name!r} must be of version {VERSION}, but it is of {content.get('version')!r}"
        )
    trials = tuple(
        Trial(number, each["point"], Measurement(each["metrics"], each["infeasible_because"]))
        for number, each in enumerate(content["trials"])
    )
    task = content["task"]
    problem = past(
        SearchSpace(tuple(map(_parameter, content["parameters"]))),
        tuple(Objective.parse(text, "any") for text in content["objectives"]),
        tuple(Constraint.parse(text, "any") for text in content["constraints"]),
    )
    return Prior(name, Description(task["space"], tuple(task["workloads"]), task["features"]), problem, trials)


def past(
    space: SearchSpace, objectives: tuple[Objective, ...], constraints: tuple[Constraint, ...] = ()
) -> Problem:
    """A problem of which only the trials are left."""
    return Problem(space=space, objectives=objectives, constraints=constraints, evaluate=unavailable)


def seen_space(points: Sequence[Point]) -> SearchSpace:
    """The space of all values that points have, for those whose space is not known.

    Raises:
        ValueError: a parameter has numbers and words.
    """
    parameters: list[Parameter] = []
    for name in dict.fromkeys(name for point in points for name in point):
        values = {point[name] for point in points if name in point}
        words = {value for value in values if isinstance(value, str)}
        if words and len(words) < len(values):
            raise ValueError(f"a parameter must have numbers or words, but {name!r} has both")
        if words:
            parameters.append(Categorical(name, tuple(sorted(words))))
        else:
            parameters.append(Ordinal(name, tuple(sorted(float(value) for value in values))))
    return SearchSpace(tuple(parameters))


@dataclass(frozen=True, slots=True)
class Table:
    """What a table of old results has: trials, and the columns that were passed over."""

    trials: tuple[Trial, ...]
    ignored: tuple[str, ...]


def read_table(path: Path, space: SearchSpace | None = None) -> Table:
    """Trials of a CSV file, or of a Parquet file, for which pyarrow is needed.

    Args:
        path: `.parquet` or anything else, which is read as CSV.
        space: whose parameters the columns may name; None: only `point.NAME` columns are parameters.

    Raises:
        ValueError: there is no row, no parameter or no metric, or a cell is wrong; the message says where.
        OSError: the file cannot be read.
    """
    rows = _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)
    if not rows:
        raise ValueError(f"{path} must have a row for each design, but it has none")
    names = list(rows[0])
    parameters = {column: name for column in names if (name := _parameter_name(column, space))}
    metrics = {
        column: found for column in names if column not in parameters and (found := _metric(column)) is not None
    }
    reasons = [column for column in ("infeasible_because", "infeasible") if column in names]
    for what, columns in (("parameter", parameters), ("metric", metrics)):
        if not columns:
            raise ValueError(f"{path} must have a column that is a {what}, but it has {', '.join(names)}")
    trials = []
    for number, row in enumerate(rows):
        where = f"{path}, row {number + 1}"
        point = {name: _value(row[column], where, column) for column, name in parameters.items()}
        trials.append(Trial(number, point, _measurement(row, metrics, where)))
    used = {*parameters, *metrics, *reasons}
    return Table(tuple(trials), tuple(name for name in names if name not in used))


def _csv(path: Path) -> list[dict[str, Any]]:
    return [{name: plain(cell) for name, cell in row.items()} for row in read_csv(path)[1]]


def _parquet(path: Path) -> list[dict[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        rule = "a Parquet file needs pyarrow, which is not installed"
        raise ValueError(f"{rule}; install it: pip install 'apollo-dse[parquet]'") from error
    try:
        found = parquet.ParquetFile(path).metadata
        size = sum(found.row_group(number).total_byte_size for number in range(found.num_row_groups))
        if max(size, found.num_rows * found.num_columns) > MOST_BYTES:
            raise ValueError(f"a table must have at most {MOST_BYTES} bytes, but {path} has more")
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (ArrowException, OverflowError) as error:
        raise ValueError(f"{path} must be a table in Parquet, but it cannot be read: {error}") from error
    return rows


def _parameter_name(column: str, space: SearchSpace | None) -> str | None:
    if column.startswith("point."):
        return column.removeprefix("point.")
    return column if space is not None and column in space.names else None


def _metric(column: str) -> tuple[str, float] | None:
    """Name of the metric that a column has, and the factor to its SI unit; None: it has none."""
    if column.startswith("metric."):
        return column.removeprefix("metric."), 1.0
    for metric in METRICS.values():
        if column in (metric.name, metric.alias):
            return metric.name, 1.0
        unit = column.removeprefix(f"{metric.alias}_")
        if unit != column and unit in metric.scales:
            return metric.name, metric.scales[unit]
    return None


def _measurement(row: Mapping[str, Any], metrics: Mapping[str, tuple[str, float]], where: str) -> Measurement:
    reason = str(row.get("infeasible_because") or "")
    flag = str(row.get("infeasible") or "").strip().lower()
    if flag not in _TRUE | _FALSE:
        raise ValueError(f"`infeasible` must be true or false, but {where} has {flag!r}")
    if reason.strip() or flag in _TRUE:
        return Measurement(infeasible_because=reason if reason.strip() else INFEASIBLE)
    found = {
        name: _number(row[column], where, column) * factor
        for column, (name, factor) in metrics.items()
        if row[column] not in (None, "")
    }
    if not found:
        raise ValueError(f"a row must have a metric or a reason why it has none, but {where} has neither")
    return Measurement(found)


def _number(cell: Any, where: str, column: str) -> float:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = float("nan")
    if not isfinite(number):
        raise ValueError(f"`{column}` must be a finite number, but {where} has {cell!r}")
    return number


def _value(cell: Any, where: str, column: str) -> Value:
    """A parameter's value: a number where it is one, else a word."""
    if cell in (None, ""):
        raise ValueError(f"`{column}` must have a value, but {where} has none")
    if isinstance(cell, Word):
        return str(cell)
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return str(cell)
    return int(number) if number.is_integer() else number


def _parameter(content: Mapping[str, Any]) -> Parameter:
    fields = dict(content)
    kind = _KINDS[fields.pop("kind")]
    if "values" in fields:
        fields["values"] = tuple(fields["values"])
    return kind(**fields)
