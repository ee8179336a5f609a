"""A study as text for other programs: CSV, or one JSON document."""

import csv
import io
import json
from collections.abc import Iterable

from apollo_dse.storage import Header, Record


def to_csv(records: Iterable[Record]) -> str:
    """Trials as CSV with a heading line.

    Columns: `number`, a `point.NAME` for each parameter, a `metric.NAME` for each metric, then
    `infeasible_because`, `seconds`, `proposed_by`; a metric that was not measured is empty.
    """
    rows = list(records)
    parameters = list(dict.fromkeys(name for record in rows for name in record.trial.point))
    metrics = list(dict.fromkeys(name for record in rows for name in record.trial.measurement.metrics))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heading = ["number", *(f"point.{name}" for name in parameters), *(f"metric.{name}" for name in metrics)]
    writer.writerow([*heading, "infeasible_because", "seconds", "proposed_by"])
    for record in rows:
        trial = record.trial
        writer.writerow(
            [
                trial.number,
                *(trial.point.get(name) for name in parameters),
                *(trial.measurement.metrics.get(name) for name in metrics),
                trial.measurement.infeasible_because,
                record.seconds,
                record.proposed_by,
            ]
        )
    return text.getvalue()


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
