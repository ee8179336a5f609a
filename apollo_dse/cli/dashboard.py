"""`apollo-dse dashboard`: the studies of a store in a browser, as they grow."""

import webbrowser
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter

from apollo_dse.cli import output
from apollo_dse.cli.errors import UserError, user_input
from apollo_dse.cli.options import StoreOption, WholeNumber

EXTRA = ("starlette", "uvicorn", "anyio")
"""What the extra `ui` brings."""


def dashboard(
    *,
    store: StoreOption = None,
    host: Annotated[
        str, Parameter(name="--host", help="Where to listen; what other machines can reach asks for a token.")
    ] = "127.0.0.1",
    port: Annotated[WholeNumber, Parameter(name="--port", help="The port; 0 picks one that is free.")] = 8321,
    open: Annotated[bool, Parameter(name="--open", help="Open it in a browser, too.")] = False,
) -> None:
    """Show the studies of a store in a browser while they run; Ctrl-C ends it.

    It reads the store and changes nothing: no study is begun, continued or stopped from it.

    Examples:
      apollo-dse dashboard
      apollo-dse dashboard --store team.sqlite --port 0 --open
    """
    try:
        from apollo_dse.dashboard.serve import listen, serve
        from apollo_dse.dashboard.shelf import Shelf
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in EXTRA:
            raise
        rule = f"the dashboard needs {missing}, which is not installed"
        raise UserError(f"{rule}; install it: pip install 'apollo-dse[ui]'") from error
    from apollo_dse.storage import StoreError

    try:
        shelf = Shelf(store)
    except StoreError as error:
        raise UserError(
            f"{error}; `apollo-dse explore` begins a study, `--store` names another file"
        ) from error
    with user_input():
        place = listen(host, port)

    def started() -> None:
        output.line(f"{shelf.path} is at {place.url} (Ctrl-C ends)")
        if open:
            webbrowser.open(place.url)

    with suppress(KeyboardInterrupt):
        serve(shelf, place, started)
