"""The routes of the dashboard: one page for every view, and the documents that it draws.

/  /studies/NAME  /compare           the page
/api/studies                         the store's studies, and the time
/api/studies/NAME                    a study's document (`apollo_dse.report.document`)
/api/studies/NAME/trials/NUMBER      one trial with its layers
/api/studies/NAME/insight            which parameters matter, what came of priors
/api/studies/NAME/tally?p.NAME=LOW,HIGH&m.NAME=...   how many of all designs lie in ranges
/api/studies/NAME/outline?x=&y=      its curves and its front in the plane of two metrics
"""

from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from apollo_dse.dashboard.access import Gate
from apollo_dse.dashboard.html import page
from apollo_dse.dashboard.shelf import Shelf
from apollo_dse.dashboard.tally import parse_range
from apollo_dse.report.document import as_json
from apollo_dse.storage import StoreError

Answer = Callable[[Shelf, Request], str]


def build_app(shelf: Shelf, *, token: str | None = None, host: str = "127.0.0.1", port: int = 0) -> ASGIApp:
    """The dashboard of a store as an ASGI application.

    Args:
        shelf: the store's studies.
        token: what one must know to be answered; None: `host` is a loopback address.
        host: the address that is served.
        port: its port, which tells cookies of several dashboards apart.
    """
    text, policy = page()
    views = [Route(path, lambda _: HTMLResponse(text)) for path in ("/", "/studies/{name}", "/compare")]
    documents = [Route(path, _route(shelf, answer)) for path, answer in _DOCUMENTS.items()]
    inside = Starlette(
        routes=[*views, Route("/api/studies/{name}", _document(shelf)), *documents],
        middleware=[Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)],
    )
    return Gate(inside, policy, token, host, f"apollo-dse-{port}")


def _route(shelf: Shelf, answer: Answer) -> Callable[[Request], Response]:
    def respond(request: Request) -> Response:
        try:
            return _json(answer(shelf, request))
        except (LookupError, ValueError, OSError, StoreError) as error:
            return _refusal(error)

    return respond


def _document(shelf: Shelf) -> Callable[[Request], Response]:
    """A study's document; to who has it already no more than that it has not changed."""

    def respond(request: Request) -> Response:
        try:
            view = shelf.view(request.path_params["name"])
            tag, text = view.document()
        except (LookupError, ValueError, OSError, StoreError) as error:
            return _refusal(error)
        etag = f'W/"{view.header.created}-{tag}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        return _json(text, headers={"ETag": etag})

    return respond


def _listed(shelf: Shelf, request: Request) -> str:
    return as_json(shelf.listed())


def _design(shelf: Shelf, request: Request) -> str:
    return shelf.view(request.path_params["name"]).design(request.path_params["number"])


def _insight(shelf: Shelf, request: Request) -> str:
    return shelf.view(request.path_params["name"]).insight()


def _tally(shelf: Shelf, request: Request) -> str:
    ranges = {axis: parse_range(text) for axis, text in request.query_params.items()}
    return as_json(shelf.view(request.path_params["name"]).tally(ranges))


def _outline(shelf: Shelf, request: Request) -> str:
    x, y = (request.query_params.get(axis) for axis in "xy")
    return as_json(shelf.view(request.path_params["name"]).outline((x, y) if x and y else None))


_DOCUMENTS: Mapping[str, Answer] = {
    "/api/studies": _listed,
    "/api/studies/{name}/trials/{number:int}": _design,
    "/api/studies/{name}/insight": _insight,
    "/api/studies/{name}/tally": _tally,
    "/api/studies/{name}/outline": _outline,
}


def _json(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(text, status, headers, "application/json")


def _refusal(error: Exception) -> Response:
    """The sentence of an error: the study or trial is missing, or it cannot be shown."""
    sentence = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return _json(as_json({"error": sentence}), 404 if isinstance(error, LookupError) else 409)
