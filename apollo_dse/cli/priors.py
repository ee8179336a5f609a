"""`apollo-dse priors`: the library of what was tried on other tasks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.arguments import asked
from apollo_dse.cli.errors import UserError, user_input
from apollo_dse.cli.options import WANTED, JsonOption, StoreOption, WantedOptions, WorkloadOptions

if TYPE_CHECKING:
    from apollo_dse.storage import Store


def priors(  # noqa: PLR0913 - one parameter an option
    action: Annotated[Literal["list", "add", "show"], Parameter(help="What to do; list if absent.")] = "list",
    name: Annotated[str | None, Parameter(help="The prior's name, to add or show one.")] = None,
    /,
    *,
    study: Annotated[
        str | None, Parameter(help="add: a study of the store; NAME@200 is its first 200 trials.")
    ] = None,
    file: Annotated[
        Path | None,
        Parameter(help="add: old results as .csv or .parquet; its columns are named in docs/transfer.md."),
    ] = None,
    workload: WorkloadOptions = None,
    wanted: WantedOptions = WANTED,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """List, add or show priors: what `transfer --from prior:NAME` learns from.

    A prior never changes. Of a FILE say what was searched: --workload, --space, --objective, --constraint.

    Examples:
      apollo-dse priors
      apollo-dse priors add lab --file old.csv --workload resnet50 --space edge --constraint 'area<=20'
      apollo-dse priors add loose --study a@200
      apollo-dse priors show lab
    """
    from apollo_dse.storage import Store, StoreError

    if action != "list" and name is None:
        raise UserError(f"priors {action} needs the prior's name, as in: apollo-dse priors {action} NAME")
    if action == "list" and name is not None:
        raise UserError(f"priors list takes no name, but got {name!r}; did you mean: priors show {name}?")
    with user_input("", StoreError), Store(store, read_only=action != "add") as opened:
        if action == "add":
            given = asked(workloads=workload, **wanted.fields)
            _add(opened, str(name), study, file, given)
        shown = [_row(opened, each) for each in (opened.prior_names() if action == "list" else [str(name)])]
        path = str(opened.path)
    if json:
        output.document({"store": path, "priors": shown} if action == "list" else shown[0])
    elif action == "list" and not shown:
        output.line(f"{path} has no priors yet; add one: apollo-dse priors add NAME --study STUDY")
    elif action == "list":
        columns = ("name", "workloads", "objectives", "constraints", "trials", "feasible")
        output.table(columns, [[_cell(row[column]) for column in columns] for row in shown])
    else:
        rows = [[key, _cell(value)] for key, value in shown[0].items() if key != "features"]
        rows += [[f"feature {key}", f"{value:.3g}"] for key, value in shown[0]["features"].items()]
        output.table(("", "value"), rows)


def _add(store: "Store", name: str, study: str | None, file: Path | None, given: dict[str, Any]) -> None:
    from apollo_dse.library import load, of_table
    from apollo_dse.problem import Objective
    from apollo_dse.transfer.files import read_table, to_dict
    from search_spaces import get

    if (study is None) == (file is None):
        raise UserError("priors add needs either --study NAME or --file FILE")
    if study is not None and given:
        raise UserError(f"a study says itself what was searched, but got {', '.join(given)}")
    if file is None:
        prior = load(store, f"study:{study}")
    else:
        with user_input("", OSError):
            space = get(given["space"]).space if "space" in given else None
            table = read_table(file, space)
        if table.ignored:
            output.note(
                f"columns that are no parameter and no metric are passed over: {', '.join(table.ignored)}"
            )
        wanted = given.pop("objectives", (Objective.parse("latency"),))
        prior = of_table(name, table.trials, objectives=wanted, **given)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    store.add_prior(name, created, to_dict(prior))


def _row(store: "Store", name: str) -> dict[str, Any]:
    from apollo_dse.library import PRIOR
    from apollo_dse.transfer.files import from_dict

    created, content = store.prior(name)
    prior = from_dict(f"{PRIOR}{name}", content)
    return {
        "name": name,
        "created": created,
        "space": prior.task.space,
        "workloads": list(prior.task.workloads),
        "objectives": list(map(str, prior.problem.objectives)),
        "constraints": list(map(str, prior.problem.constraints)),
        "parameters": list(prior.problem.space.names),
        "trials": len(prior.trials),
        "feasible": sum(map(prior.problem.feasible, prior.trials)),
        "fingerprint": prior.fingerprint,
        "features": dict(prior.task.features),
    }


def _cell(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
