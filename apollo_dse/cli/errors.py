"""What a user did wrong, in one sentence; never a traceback.

Rooms below raise `ValueError`, `LookupError`, `OSError` and their own kin with a sentence of rule and
evidence. `user_input` marks the places where such an error is the user's to mend; anywhere else it is a
defect of this program and is reported as one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

REFUSALS: tuple[type[Exception], ...] = (ValueError, LookupError, OSError)


class UserError(Exception):
    """Bad input; the message is one sentence for the user. Exit code 2."""


class Interrupted(Exception):  # noqa: N818 - an event, not an error
    """Ctrl-C; the message says what was saved and how to go on. Exit code 130."""


class Failing(Exception):  # noqa: N818 - an event, not an error
    """A simulator only fails; the message says why, what was saved and how to go on. Exit code 3."""


def sentence(error: BaseException) -> str:
    """The message of an error as one line, without the quotes that `KeyError` adds."""
    if isinstance(error, OSError) and error.strerror:
        where = f" {str(error.filename)!r}" if error.filename is not None else ""
        return f"cannot use{where}: {error.strerror}"
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    return " ".join(text.split()) or type(error).__name__


@contextmanager
def priced_network(open_shapes: str, unpriced: str) -> Iterator[None]:
    """Turn what a network or its file can fail with into a `UserError` that names options of this program.

    Args:
        open_shapes: what to do about an ONNX input without a shape, with `{shape}` for a word `NAME=SIZES`.
        unpriced: what to do about operations without a price.

    Raises:
        UserError: the block refused its input.
    """
    try:
        with user_input("", RuntimeError, ImportError):
            yield
    except UserError as error:
        if (advice := _advice(error.__cause__, open_shapes, unpriced)) is None:
            raise
        raise UserError(advice) from error


def _advice(error: BaseException | None, open_shapes: str, unpriced: str) -> str | None:
    """The sentence of the two errors whose remedy is an option here and an argument in Python."""
    from accel_models.onnx import OpenShapeError
    from accel_models.trace import UnpricedError

    if isinstance(error, OpenShapeError):
        sizes = "x".join(map(str, error.example)) or "SIZES"
        return f"{error.finding}; {open_shapes.format(shape=f'{error.input_name}={sizes}')}"
    if isinstance(error, UnpricedError):
        return f"{error.finding}; {unpriced}"
    return None


@contextmanager
def user_input(what: str = "", *refusals: type[Exception]) -> Iterator[None]:
    """Turn a library's refusal of the user's input into a `UserError`.

    Args:
        what: put before the library's sentence, where that alone would not say what is meant.
        refusals: kinds of error beside `REFUSALS` that mean bad input here.

    Raises:
        UserError: the block refused its input.
    """
    try:
        yield
    except (*REFUSALS, *refusals) as error:
        prefix = f"{what}: " if what else ""
        raise UserError(prefix + sentence(error)) from error
