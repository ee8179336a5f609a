"""The table of commands, and what becomes of every way in which one can end."""

import inspect
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError, Parameter

from apollo_dse.cli import errors
from apollo_dse.cli.cache import cache
from apollo_dse.cli.codesign import codesign
from apollo_dse.cli.compare import compare
from apollo_dse.cli.dashboard import dashboard
from apollo_dse.cli.evaluate import evaluate
from apollo_dse.cli.evaluators import evaluators
from apollo_dse.cli.explore import explore
from apollo_dse.cli.map import map
from apollo_dse.cli.optimum import optimum
from apollo_dse.cli.priors import priors
from apollo_dse.cli.report import report
from apollo_dse.cli.studies import studies
from apollo_dse.cli.tasks import tasks
from apollo_dse.cli.trace import trace
from apollo_dse.cli.transfer import transfer
from apollo_dse.cli.validate import validate
from apollo_dse.cli.workloads import workloads

NAME = "apollo-dse"
TRACEBACK = "APOLLO_DSE_TRACEBACK"
COMMANDS: tuple[Callable[..., None], ...] = (
    workloads,
    trace,
    evaluate,
    map,
    explore,
    transfer,
    codesign,
    optimum,
    tasks,
    compare,
    evaluators,
    studies,
    priors,
    report,
    dashboard,
    validate,
    cache,
)


def build_app() -> App:
    """The commands with their help texts; every command's docstring ends in an example."""
    app = App(
        name=NAME,
        help="Which accelerator to build for a neural network, under limits on area, power and latency.",
        help_epilogue=f"Example:\n  {NAME} evaluate --workload mobilenet_v2 --preset edge-tpu-v1",
        help_format="plaintext",
        version=version("apollo-dse"),
        default_parameter=Parameter(negative=(), negative_iterable=(), negative_bool=()),
    )
    for place, command in enumerate(COMMANDS):
        app.command(command, sort_key=place, help_epilogue=_examples(command))
    return app


def _examples(command: Callable[..., None]) -> str:
    """The section `Examples` of a docstring, which the help page shows last."""
    _, _, rest = (inspect.getdoc(command) or "").partition("Examples:\n")
    return "Examples:\n" + rest.partition("\n\n")[0]


def run(argv: Sequence[str] | None = None) -> int:
    """Parse, run one command, and turn every ending into an exit code and at most one sentence on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without µ shows ? in its place
    try:
        _dispatch(words)
        sys.stdout.flush()
    except errors.UserError as error:
        return _complain(errors.sentence(error), 2)
    except errors.Interrupted as error:
        return _complain(errors.sentence(error), 130)
    except errors.Failing as error:
        return _complain(errors.sentence(error), 3)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        # The interpreter flushes stdout once more on its way out, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        what = f"{type(error).__name__}: {errors.sentence(error)}"
        return _complain(f"a defect of {NAME}, not of your input ({TRACEBACK}=1 shows where): {what}", 1)
    return 0


def _dispatch(words: list[str]) -> None:
    try:
        command, bound, _ = build_app().parse_args(
            words, print_error=False, exit_on_error=False, help_on_error=False, verbose=False
        )
    except CycloptsError as error:
        raise errors.UserError(_usage_sentence(error)) from error
    command(*bound.args, **bound.kwargs)


def _usage_sentence(error: CycloptsError) -> str:
    from cyclopts import MissingArgumentError, UnusedCliTokensError

    chain = " ".join([NAME, *(error.command_chain or ())])
    if isinstance(error, MissingArgumentError) and error.argument is not None and not error.argument.tokens:
        text = f"{error.argument.name} must be given."
    elif isinstance(error, UnusedCliTokensError):
        text = f"unexpected words {' '.join(error.unused_tokens or ())!r}."
    else:
        text = errors.sentence(error)
    return f"{text.rstrip('.')}. See `{chain} --help`."


def _complain(text: str, code: int) -> int:
    try:
        sys.stderr.write(f"{NAME}: {text}\n")
    except BrokenPipeError:
        return 141
    return code
