"""Who may ask the dashboard, and what its page may do: an ASGI application around another one.

Only GET and HEAD are answered. On a loopback address all programs of the machine may ask. Pages of other sites
in a browser there cannot read the answers, which no header shares with them; and a name that somebody points at
127.0.0.1 to be of one site with this server (DNS rebinding) comes in the header `Host`, and is refused. On any
other address one must know a token, once as `?token=` in the address, from then on in a cookie that scripts
cannot read and other sites cannot send. The page may run its own script and style and ask this server.
"""

import ipaddress
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
TOKEN_BYTES = 24


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A token that nobody guesses, of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets through to `inside` what may be answered, and adds the headers of `ALWAYS` to it.

    Args:
        inside: the application.
        policy: the content security policy of its pages.
        token: what must be known; None: a loopback address, where `Host` must be one of its names.
        host: the address that is served, which is a name of it, too.
        cookie: the name of the cookie that holds the token.
    """

    inside: ASGIApp
    policy: str
    token: str | None = None
    host: str = "127.0.0.1"
    cookie: str = "apollo-dse"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        connection = HTTPConnection(scope)
        given = _given(connection)
        passed = self.token is not None and given is not None and _same(given, self.token)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**ALWAYS, "Content-Security-Policy": self.policy})
                if passed:
                    headers["Set-Cookie"] = f"{self.cookie}={self.token}; Path=/; HttpOnly; SameSite=Strict"
            await send(message)

        refusal = self._refusal(connection, passed)
        await (refusal or self.inside)(scope, receive, answer)

    def _refusal(self, connection: HTTPConnection, passed: bool) -> PlainTextResponse | None:
        """Why a request is not answered; None: it is."""
        method = connection.scope["method"]
        if method not in ("GET", "HEAD"):
            rule = f"the dashboard changes nothing: it answers GET and HEAD, but got {method}"
            return PlainTextResponse(rule + "\n", 405, {"Allow": "GET, HEAD"})
        if self.token is None:
            name = _host_name(connection.headers.get("host", ""))
            if name in LOCAL_NAMES or name == self.host:
                return None
            rule = f"on this machine the dashboard is http://{self.host}, but the request was for another host"
            return PlainTextResponse(rule + "\n", 421)
        if passed or _same(_cookies(connection).get(self.cookie, ""), self.token):
            return None
        rule = "open the whole address that `apollo-dse dashboard` printed: it ends in ?token=..."
        return PlainTextResponse(rule + "\n", 401)


def _given(connection: HTTPConnection) -> str | None:
    """The token in a request's address."""
    values = parse_qs(connection.scope["query_string"].decode("latin-1")).get("token", ())
    return values[0] if len(values) == 1 else None


def _same(given: str, token: str) -> bool:
    """Whether two tokens are equal, in a time that does not depend on where they differ."""
    return secrets.compare_digest(given.encode(), token.encode())


def _cookies(connection: HTTPConnection) -> dict[str, str]:
    try:
        found = SimpleCookie(connection.headers.get("cookie", ""))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in found.items()}


def _host_name(header: str) -> str:
    """`Host` without its port, in lower case."""
    name, colon, port = header.strip().lower().rpartition(":")
    return name if colon and port.isdigit() else header.strip().lower()
