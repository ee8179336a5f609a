"""`apollo-dse report`: a study of the store as one page."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.errors import UserError, user_input
from apollo_dse.cli.options import JsonOption, StoreOption


def report(
    study: Annotated[str, Parameter(name="STUDY", help="A study's name; `apollo-dse studies` lists them.")],
    /,
    *,
    store: StoreOption = None,
    out: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="The HTML file to write; report.html if absent.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write a study as one self-contained HTML page.

    With --json the page's own data go to stdout, and a page is written only if -o names one.

    Examples:
      apollo-dse report demo -o demo.html
      apollo-dse report demo --json > demo.json
    """
    from apollo_dse.question import reporting
    from apollo_dse.report import render, to_json
    from apollo_dse.storage import Store, StoreError

    target = out or (None if json else Path("report.html"))
    if target is not None and (target.is_dir() or not target.absolute().parent.is_dir()):
        raise UserError(f"-o takes a file in a folder that is there, but got {str(target)!r}")
    with user_input("", StoreError), Store(store, read_only=True) as opened:
        header, records = opened.header(study), opened.records(study)
        question = reporting.reportable(header)
        with output.waiting(f"Reporting on {study}"):
            data = reporting.report(question, header, records, opened)
    if target is not None:
        with user_input():
            target.write_text(render(data), encoding="utf-8")
    if json:
        output.line(to_json(data))
        return
    for text in (data.summary.headline, *data.summary.sentences):
        output.line(text)
    output.line(f"-> {target}")
