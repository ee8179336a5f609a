"""The dashboard on a socket: its address, and uvicorn until Ctrl-C."""

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from apollo_dse.dashboard.access import is_loopback, new_token
from apollo_dse.dashboard.app import build_app
from apollo_dse.dashboard.shelf import Shelf

PORT = 8321
SHUTDOWN_S = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A socket that listens, and the address for a browser, the `token` included if there is one."""

    socket: socket.socket
    host: str
    url: str
    token: str | None


def listen(host: str, port: int) -> Place:
    """Take a port of an address; on one that other machines can reach, only who has the token is answered.

    Args:
        host: an address or a name of this machine.
        port: 0 takes any that is free.

    Raises:
        ValueError: the port is out of range, taken, or not allowed; or the host is none of this machine.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"a port must lie in 0 .. 65535, but got {port}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.create_server(address[:2], family=family)
    except OSError as error:
        raise ValueError(_sentence(error, host, port)) from error
    token = None if is_loopback(host) else new_token()
    name = f"[{host}]" if ":" in host else host
    reached = f"http://{_reachable(name)}:{taken.getsockname()[1]}/"
    return Place(taken, name, f"{reached}?token={token}" if token else reached, token)


def serve(shelf: Shelf, place: Place, started: Callable[[], None] = lambda: None) -> None:
    """Answer until Ctrl-C.

    Args:
        shelf: the studies to show.
        place: where; closed in the end.
        started: called once before the first request is answered; whoever connects after that is.
    """
    port = place.socket.getsockname()[1]
    app = build_app(shelf, token=place.token, host=place.host, port=port)
    config = uvicorn.Config(
        app,
        lifespan="off",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    with place.socket:
        started()
        uvicorn.Server(config).run(sockets=[place.socket])


def _reachable(name: str) -> str:
    """A name to type for an address that means all of this machine's."""
    return socket.gethostname() if name in ("0.0.0.0", "[::]") else name


def _sentence(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        rule = "the dashboard needs a port that is free (--port 0 picks one)"
        return f"{rule}, but another program listens on {port} of {host}"
    if error.errno == errno.EACCES:
        return f"the dashboard needs a port that this user may take, but got {port}"
    return f"--host must be an address of this machine, but {host!r} is none: {error.strerror or error}"
