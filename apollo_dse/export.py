"""A study as text for other programs: CSV, or one JSON document."""

import csv
import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from apollo_dse.storage import Header, Record
from apollo_dse.tables import defused


def to_csv(records: Iterable[Record]) -> str:
    """Trials as CSV with a heading line.

    Columns: `number`, a `point.NAME` for each parameter, a `metric.NAME` for each metric, then
    `infeasible_because`, `seconds`, `proposed_by`; a metric that was not measured is empty. Text that a
    spreadsheet would take for a formula is behind an apostrophe (`apollo_dse.tables`).
    """
    rows = list(records)
    parameters = list(dict.fromkeys(name for record in rows for name in record.trial.point))
    metrics = list(dict.fromkeys(name for record in rows for name in record.trial.measurement.metrics))
    lines: list[str] = []
    # A writer quotes what its own line ends occur in: so a carriage return in a cell does not end its row.
    writer = csv.writer(SimpleNamespace(write=lines.append), lineterminator="\r\n")
    heading = ["number", *(f"point.{name}" for name in parameters), *(f"metric.{name}" for name in metrics)]
    writer.writerow([*heading, "infeasible_because", "seconds", "proposed_by"])
    for record in rows:
        trial = record.trial
        writer.writerow(
            [
                trial.number,
                *(_cell(trial.point.get(name)) for name in parameters),
                *(trial.measurement.metrics.get(name) for name in metrics),
                _cell(trial.measurement.infeasible_because),
                record.seconds,
                _cell(record.proposed_by),
            ]
        )
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def _cell(value: Any) -> Any:
    return defused(value) if isinstance(value, str) else value


def to_json(header: Header, records: Iterable[Record]) -> str:
    """A study as one JSON document: the header's fields, and `trials`, a list of what `to_csv` writes.

    It also has the `bottlenecks`.
    """
    trials = [
        {
            "number": record.trial.number,
            "point": dict(record.trial.point),
            "metrics": dict(record.trial.measurement.metrics),
            "infeasible_because": record.trial.measurement.infeasible_because,
            "bottlenecks": dict(record.trial.measurement.bottlenecks),
            "seconds": record.seconds,
            "proposed_by": record.proposed_by,
        }
        for record in records
    ]
    study = {"name": header.name, "created": header.created, "asked": header.asked, "about": header.about}
    return json.dumps({**study, "trials": trials}, indent=1) + "\n"
