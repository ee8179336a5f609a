"""`apollo-dse cache`: the mappings that are kept on disk, so that nothing is searched twice."""

from typing import Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.arguments import JsonOption


def cache(
    *,
    clear: Annotated[bool, Parameter(help="Drop all of them.")] = False,
    json: JsonOption = False,
) -> None:
    """Show where mappings are kept and how many there are, or drop them.

    The folder is $APOLLO_DSE_CACHE, else apollo-dse in the user's cache. A
    mapping that is dropped is searched anew when it is needed; the ones that
    were written first are dropped by themselves past a limit.

    Examples:
      apollo-dse cache
      apollo-dse cache --clear
    """
    from accel_models.mapspace import cache as kept

    if clear:
        kept.clear()
    found = kept.contents()
    if json:
        output.document(
            {
                "folder": str(kept.folder()),
                "answers": found.answers,
                "answer_bytes": found.answer_bytes,
                "file_bytes": found.file_bytes,
                "limit_bytes": kept.LIMIT_BYTES,
            }
        )
        return
    rows = [
        ["folder", str(kept.folder())],
        ["mapping fronts", str(found.answers)],
        ["size", f"{found.file_bytes / 2**20:.1f} MiB"],
        ["limit", f"{kept.LIMIT_BYTES / 2**20:.0f} MiB"],
    ]
    output.table(("", ""), rows)
