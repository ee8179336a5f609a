"""`apollo-dse cache`: what is kept on disk, so that nothing is searched or simulated twice."""

from typing import Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.options import JsonOption


def cache(
    *,
    clear: Annotated[
        bool, Parameter(help="Drop the mappings, which are searched anew in seconds; simulations stay.")
    ] = False,
    clear_simulations: Annotated[
        bool, Parameter(help="Drop what simulators measured, which may have taken days; mappings stay.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show where mappings and simulations are kept and how many there are, or drop them.

    The folder is $APOLLO_DSE_CACHE, else apollo-dse in the user's cache. A
    mapping that is dropped is searched anew when it is needed; the ones that
    were written first are dropped by themselves past a limit. Simulations are
    never dropped by themselves. Studies have their trials elsewhere.

    Examples:
      apollo-dse cache
      apollo-dse cache --clear
      apollo-dse cache --clear-simulations
    """
    from accel_models.mapspace import cache as mappings
    from apollo_dse.evaluators import memory as simulations

    if clear:
        mappings.clear()
    if clear_simulations:
        simulations.clear()
    found, measured = mappings.contents(), simulations.contents()
    if json:
        output.document(
            {
                "folder": str(mappings.folder()),
                "answers": found.answers,
                "answer_bytes": found.answer_bytes,
                "file_bytes": found.file_bytes,
                "limit_bytes": mappings.LIMIT_BYTES,
                "simulations": measured.measurements,
                "simulated_worlds": measured.worlds,
                "simulations_bytes": measured.file_bytes,
            }
        )
        return
    rows = [
        ["folder", str(mappings.folder())],
        ["mapping fronts", str(found.answers)],
        ["their size", _mebibytes(found.file_bytes)],
        ["their limit", f"{mappings.LIMIT_BYTES / 2**20:.0f} MiB"],
        ["simulations", f"{measured.measurements} of {_counted(measured.worlds)}"],
        ["their size", _mebibytes(measured.file_bytes)],
    ]
    output.table(("", ""), rows)


def _counted(worlds: int) -> str:
    """Simulators, each with a network and settings, in words."""
    return f"{worlds} simulator setting" + "s" * (worlds != 1)


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"
