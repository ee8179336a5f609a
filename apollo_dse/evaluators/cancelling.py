"""How a run in one thread learns that another wants it to stop."""

from collections.abc import Callable
from contextvars import ContextVar


class Cancelled(Exception):  # noqa: N818 - an event, not an error
    """The run was broken off; nothing is known of its design."""


cancelled: ContextVar[Callable[[], bool]] = ContextVar("cancelled", default=lambda: False)
"""Whether runs of this context are to be broken off; those that take long look now and then."""
