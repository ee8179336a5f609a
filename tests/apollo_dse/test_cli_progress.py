"""How far a search and its trainings are, on stderr."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TextColumn

from apollo_dse.cli import output
from apollo_dse.cli.progress import Drawn, Lines, trainings
from apollo_dse.codesign.networks import Networks
from apollo_dse.codesign.training import Progress, Schedule, train
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Objective
from apollo_dse.question import Question
from apollo_dse.study import Study
from apollo_dse.testing import accelerators


def study(trials):
    problem = accelerators()
    made = Study(problem, Random(problem, 0), batch=4)
    made.run(trials)
    return made


@pytest.fixture(autouse=True)
def _always(monkeypatch):
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", 0.0)
    monkeypatch.setattr(output, "SECONDS_BETWEEN_FRAMES", 0.0)


def test_lines_for_trials_and_epochs(capsys):
    lines = Lines(8)
    lines.trials(study(4))
    lines.training(Progress("digits", 3, 30, 0.4567))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("study: 4 of 8 trials, ")
    assert second == "training on digits: epoch 3 of 30, loss 0.457"


def test_lines_are_rare(capsys, monkeypatch):
    monkeypatch.setattr(output, "SECONDS_BETWEEN_LINES", 1e9)
    Lines(8).training(Progress("digits", 3, 30, 0.5))
    assert capsys.readouterr().err == ""


def test_a_bar_of_epochs_is_there_while_a_network_is_trained():
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed} of {task.total}"))
    with Bars(*columns, console=Console(file=io.StringIO())) as bars:
        drawn = Drawn(bars, study(4), 8)
        epochs = bars.tasks[1]
        assert not epochs.visible
        drawn.training(Progress("digits", 1, 2, 0.5))
        assert (epochs.visible, epochs.description, epochs.completed) == (True, "training on digits", 1)
        drawn.training(Progress("digits", 2, 2, 0.5))
        assert not epochs.visible
        drawn.trials(study(8))
        assert bars.tasks[0].completed == 8


def test_trainings_of_a_search_for_networks_are_heard(capsys):
    from tests.apollo_dse.codesign.test_training import load, network

    goal = Objective("accuracy", "maximize")
    question = Question(space="edge", networks=Networks("nb201-digits", "training"), objectives=(goal,))
    with trainings(question, Lines(8)):
        train(network(), load("digits"), Schedule(epochs=1, batch=512))
    assert capsys.readouterr().err.startswith("training on digits: epoch 1 of 1, loss ")
