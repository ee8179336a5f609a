"""`apollo-dse map`: the best way to run one layer on one design."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.arguments import JsonOption
from apollo_dse.cli.errors import UserError, user_input

if TYPE_CHECKING:
    from accel_models.interop.timeloop import Mapped


def map(
    *,
    timeloop: Annotated[
        list[Path],
        Parameter(
            help="Timeloop's architecture and problem, in a file or a folder; repeat it for several files."
        ),
    ],
    objective: Annotated[
        Literal["edp", "delay", "energy"],
        Parameter(help="What to minimize: energy times cycles, cycles, or energy."),
    ] = "edp",
    keep: Annotated[
        list[str] | None,
        Parameter(
            help="LEVEL=A,B: what a level may keep; repeat it for more choices of a level, or more levels. "
            "Others may keep anything."
        ),
    ] = None,
    rules: Annotated[
        Literal["head", "v303"], Parameter(help="Whose rules count: Timeloop of 2025, or release 3.0.3.")
    ] = "head",
    quick: Annotated[bool, Parameter(help="Stop after a narrow first pass, without a proof.")] = False,
    out: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="Write the mapping as Timeloop's YAML.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Find the best mapping of a layer, and print it as a loop nest with its counts.

    Examples:
      apollo-dse map --timeloop architecture.yaml --timeloop problem.yaml --objective edp -o mapping.yaml
      apollo-dse map --timeloop case.json --keep GLB=Inputs,Outputs --keep spad=Weights --json
    """
    from accel_models.interop.timeloop import best_mapping, mapping_yaml

    missing = next((each for each in timeloop if not each.exists()), None)
    if missing is not None:
        raise UserError(f"--timeloop takes a file or a folder, but there is no {str(missing)!r}")
    with user_input(), output.waiting("Searching"):
        found = best_mapping(timeloop, None, objective, keep=_keep(keep), version=rules, exact=not quick)
    if out is not None:
        with user_input():
            out.write_text(mapping_yaml(found.case), encoding="utf-8")
            output.note(f"wrote {out}")
    if json:
        output.document(_describe(found))
    else:
        _show(found)


def _keep(words: list[str] | None) -> dict[str, list[list[str]]] | None:
    if words is None:
        return None
    found: dict[str, list[list[str]]] = {}
    for word in words:
        level, equals, names = word.partition("=")
        if not equals or not level:
            raise UserError(f"--keep takes LEVEL=A,B, such as GLB=Inputs,Outputs, but got {word!r}")
        found.setdefault(level, []).append([name for name in names.split(",") if name])
    return found


def _describe(found: "Mapped") -> dict[str, object]:
    from accel_models.interop.timeloop import mapping_table, mapping_text

    return {
        "objective": found.objective,
        "score": found.score,
        "complete": found.complete,
        "bound": found.bound,
        "cycles": found.result.cycles,
        "energy_pj": found.result.energy_pj,
        "mapping": mapping_table(found.case),
        "nest": mapping_text(found.case).splitlines(),
        "result": found.result.to_dict(),
    }


def _show(found: "Mapped") -> None:
    from accel_models.interop.timeloop import mapping_text

    output.line(mapping_text(found.case))
    rows = [
        [
            *(level, name, str(row.tile_size), str(row.instances)),
            *(output.count_text(each) for each in (row.reads, row.fills, row.updates)),
            f"{row.energy_pj * 1e-6:.5g} uJ",
        ]
        for level, result in reversed(list(found.result.levels.items()))
        for name, row in result.dataspaces.items()
    ]
    output.line()
    output.table(("level", "keeps", "tile words", "instances", "reads", "fills", "updates", "energy"), rows)
    result = found.result
    output.line(
        f"{result.cycles} cycles, {result.energy_pj * 1e-6:.6g} uJ, {result.utilized_macs:g} units in use; "
        + (
            "no mapping of perfect factors is better"
            if found.complete
            else "rows were cut: not proven the best"
        )
    )
