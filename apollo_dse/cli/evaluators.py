"""`apollo-dse evaluators`: who measures designs, and whether each can run here."""

import inspect
from typing import Annotated, Any

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.errors import user_input
from apollo_dse.cli.options import JsonOption


def evaluators(
    names: Annotated[
        list[str] | None, Parameter(help="Which ones; NAME:PROGRAM for one elsewhere. All if absent.")
    ] = None,
    /,
    *,
    json: JsonOption = False,
) -> None:
    r"""Show who can measure designs, what each measures, and whether it can run here.

    A published simulator runs in an environment of its own: NAME:PYTHON names its interpreter, for
    timeloop its binary. Your own simulator is a file: docs/evaluators.md.

    Examples:
      apollo-dse evaluators
      apollo-dse evaluators scalesim:/opt/scalesim/bin/python
      apollo-dse explore --evaluator scalesim:/opt/scalesim/bin/python --space systolic \
        --workload resnet18 --objective latency
    """
    from apollo_dse import evaluators as world

    with user_input():
        rows = [_row(name) for name in names or world.names()]
    if json:
        output.document({"evaluators": rows})
        return
    columns = ("name", "here", "measures", "about")
    output.table(columns, [[str(row[column]) for column in columns] for row in rows])


def _row(name: str) -> dict[str, Any]:
    """An evaluator by name: its first sentence, what it measures, and its version, or why it cannot run."""
    from apollo_dse import evaluators as world

    known, colon, program = name.partition(world.WHERE)
    made = world.registered(known)
    about = (inspect.getdoc(made) or "").partition("\n")[0]
    row = {"name": name, "runs": True, "here": "yes", "measures": _measures(made), "about": about}
    if hasattr(made, "find"):
        try:
            row["here"] = f"yes, {made.find(program if colon else None).identity}"
        except ValueError as error:
            row |= {"runs": False, "here": f"no: {error}"}
    return row


def _measures(made: Any) -> str:
    """Names of metrics, where a class says them."""
    named = getattr(made, "costs", getattr(made, "metrics", ()))
    return ", ".join(named) if isinstance(named, tuple) else "what it says of a space"
