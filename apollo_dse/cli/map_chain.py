"""The best mapping of one problem on one of Timeloop's architectures: what `apollo-dse map --timeloop` does."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from apollo_dse.cli import output
from apollo_dse.cli.errors import UserError, user_input

if TYPE_CHECKING:
    from accel_models.interop.timeloop import Mapped

Rules = Literal["head", "v303"]


def map_chain(
    files: list[Path],
    minimize: Literal["latency", "energy", "edp"],
    keep: list[str] | None,
    rules: Rules,
    *,
    exact: bool,
    out: Path | None,
) -> "Mapped":
    """The best mapping, written to a file if asked for.

    Raises:
        UserError: a file is missing or cannot be read, or a word of `keep` is wrong.
    """
    from accel_models.interop.timeloop import best_mapping, mapping_yaml

    missing = next((each for each in files if not each.exists()), None)
    if missing is not None:
        raise UserError(f"--timeloop takes a file or a folder, but there is no {str(missing)!r}")
    objective: Literal["delay", "energy", "edp"] = "delay" if minimize == "latency" else minimize
    with user_input(), output.waiting("Searching"):
        found = best_mapping(files, None, objective, keep=_keep(keep), version=rules, exact=exact)
    if out is not None:
        with user_input():
            out.write_text(mapping_yaml(found.case), encoding="utf-8")
            output.note(f"wrote {out}")
    return found


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


def describe(found: "Mapped") -> dict[str, object]:
    """The JSON document."""
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


def show(found: "Mapped") -> None:
    """The loop nest and its counts, for people."""
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
