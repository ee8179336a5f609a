"""`apollo-dse studies`: what a store holds."""

from typing import TYPE_CHECKING

from apollo_dse.cli import output
from apollo_dse.cli.errors import user_input
from apollo_dse.cli.options import JsonOption, StoreOption

if TYPE_CHECKING:
    from apollo_dse.storage import Store


def studies(*, store: StoreOption = None, json: JsonOption = False) -> None:
    """List the studies of a store.

    Examples:
      apollo-dse studies
      apollo-dse studies --store team.sqlite --json
    """
    from apollo_dse.storage import Store, StoreError

    with user_input("", StoreError), Store(store, read_only=True) as opened:
        rows = [_row(opened, name) for name in opened.names()]
        path = opened.path
    if json:
        output.document({"store": str(path), "studies": rows})
    elif not rows:
        output.line(f"{path} has no studies yet")
    else:
        cells = [[_cell(value) for value in row.values()] for row in rows]
        output.table(tuple(rows[0]), cells)


def _row(store: "Store", name: str) -> dict[str, object]:
    from apollo_dse.problem import Constraint

    header = store.header(name)
    limits = [Constraint.parse(text, "any") for text in header.asked["constraints"]]
    measurements = [record.trial.measurement for record in store.records(name)]
    feasible = sum(m.is_feasible and all(limit.slack(m) >= 0 for limit in limits) for m in measurements)
    return {
        "name": name,
        "created": header.created,
        "workloads": [workload["name"] for workload in header.about.get("workloads", [])],
        "objectives": header.asked["objectives"],
        "constraints": header.asked["constraints"],
        "optimizer": header.asked["optimizer"]["name"],
        "trials": len(measurements),
        "feasible": feasible,
    }


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
