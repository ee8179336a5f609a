"""How far a search is, live on stderr: bars on a terminal, else now and then a line."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from apollo_dse.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

    from apollo_dse.codesign.training import Progress
    from apollo_dse.question import Question
    from apollo_dse.study import Study


class Display(Protocol):
    """Shows a search, and the networks that are trained for it; told of all, it is drawn only so often."""

    def trials(self, study: "Study") -> None:
        """After a batch."""

    def training(self, now: "Progress") -> None:
        """After an epoch."""


class Lines:
    """A line on stderr every `SECONDS_BETWEEN_LINES`.

    Args:
        trials: that the study is to have.
    """

    def __init__(self, trials: int) -> None:
        self.wanted = trials
        self.last = perf_counter()

    def trials(self, study: "Study") -> None:
        """After a batch."""
        self._say(lambda: f"{study.name}: {len(study.trials)} of {self.wanted} trials, {_news(study)}")

    def training(self, now: "Progress") -> None:
        """After an epoch."""
        self._say(lambda: f"training on {now.dataset}: epoch {now.epoch} of {now.epochs}, loss {now.loss:.3g}")

    def _say(self, text: Callable[[], str]) -> None:
        if perf_counter() - self.last >= output.SECONDS_BETWEEN_LINES:
            output.note(text())
            self.last = perf_counter()


class Drawn:
    """A bar of trials, and one of epochs while a network is trained.

    Args:
        bars: where they are drawn.
        study: as it begins.
        trials: that it is to have.
    """

    def __init__(self, bars: "Bars", study: "Study", trials: int) -> None:
        self.bars = bars
        self.search = bars.add_task(study.name, total=trials, completed=len(study.trials), news="")
        self.epochs = bars.add_task("", total=None, news="", visible=False)
        self.last = perf_counter()

    def trials(self, study: "Study") -> None:
        """After a batch."""
        if perf_counter() - self.last >= output.SECONDS_BETWEEN_FRAMES:  # news look at all trials
            self.bars.update(self.search, completed=len(study.trials), news=_news(study))
            self.last = perf_counter()

    def training(self, now: "Progress") -> None:
        """After an epoch."""
        self.bars.update(
            self.epochs,
            description=f"training on {now.dataset}",
            completed=now.epoch,
            total=now.epochs,
            news=f"loss {now.loss:.3g}",
            visible=now.epoch < now.epochs,
        )


@contextmanager
def display(study: "Study", trials: int) -> Iterator[Display]:
    """What shows a study that is run until it has so many trials."""
    if not sys.stderr.isatty():
        yield Lines(trials)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    told = TextColumn("{task.fields[news]}")
    with Progress(*columns, told, console=output.console(sys.stderr), transient=True) as bars:
        yield Drawn(bars, study, trials)


def trainings(question: "Question", shown: Display) -> AbstractContextManager[None]:
    """Have trainings of the question's networks shown."""
    if question.networks is None:
        return nullcontext()
    from apollo_dse.codesign.training import told

    return told(shown.training)


def _news(study: "Study") -> str:
    from apollo_dse.cli.outcome import news  # loads much that a command's help does not need

    return news(study)
