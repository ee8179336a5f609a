"""Training: it learns, a kill changes nothing, checkpoints are of one training; images move."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from apollo_dse.codesign.datasets import Dataset, Split, load
from apollo_dse.codesign.training import Compute, Progress, Schedule, accuracy, augmented, told, train

SCHEDULE = Schedule(epochs=4, batch=32, shift=1, flip=True, seed=7)


def network(width: int = 8) -> nn.Module:
    torch.manual_seed(0)
    norm = nn.BatchNorm1d(width)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, width), norm, nn.ReLU(), nn.Dropout(0.2), nn.Linear(width, 10)
    )


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load("digits")


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_it_learns_the_digits(digits: Dataset) -> None:
    trained = train(network(64), digits, Schedule(epochs=12))
    assert not trained.training
    assert accuracy(trained, digits.test) > 0.95


class Killed(Exception):
    pass


def kill_after(epochs: int) -> object:
    def report(progress: Progress) -> None:
        if progress.epoch == epochs:
            raise Killed

    return report


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_kill_changes_nothing(digits: Dataset, tmp_path: Path, epochs: int) -> None:
    checkpoint = tmp_path / "deep" / "weights.pt"
    with pytest.raises(Killed):
        train(network(), digits, SCHEDULE, checkpoint=checkpoint, report=kill_after(epochs))
    heard: list[Progress] = []
    torch.rand(5)  # the process that goes on has other random states
    resumed = train(network(), digits, SCHEDULE, checkpoint=checkpoint, report=heard.append)
    assert [each.epoch for each in heard] == list(range(epochs + 1, 5))
    assert same(resumed, train(network(), digits, SCHEDULE))
    assert not same(resumed, train(network(), digits, Schedule(epochs=4, batch=32, shift=1, flip=True, seed=8)))


def test_whoever_listens_is_told_unless_someone_else_is(digits: Dataset) -> None:
    heard: list[Progress] = []
    own: list[Progress] = []
    once = Schedule(epochs=2, batch=512)
    with told(heard.append):
        train(network(), digits, once)
        train(network(), digits, once, report=own.append)
    train(network(), digits, once)
    assert [(each.dataset, each.epoch, each.epochs) for each in heard] == [("digits", 1, 2), ("digits", 2, 2)]
    assert own == heard


def test_a_finished_training_is_only_read(digits: Dataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "weights.pt"
    first = train(network(), digits, SCHEDULE, checkpoint=checkpoint)
    heard: list[Progress] = []
    assert same(first, train(network(), digits, SCHEDULE, checkpoint=checkpoint, report=heard.append))
    assert heard == []
    assert [file.name for file in tmp_path.iterdir()] == ["weights.pt"]


def test_a_checkpoint_of_another_training_is_refused(digits: Dataset, tmp_path: Path) -> None:
    checkpoint = tmp_path / "weights.pt"
    train(network(), digits, SCHEDULE, checkpoint=checkpoint)
    for module, schedule in ((network(9), SCHEDULE), (network(), Schedule(epochs=4))):
        with pytest.raises(ValueError, match="must be of this training"):
            train(module, digits, schedule, checkpoint=checkpoint)


def test_the_rest_of_the_process_keeps_its_random_numbers_and_threads(digits: Dataset) -> None:
    torch.manual_seed(3)
    threads, expected = torch.get_num_threads(), torch.rand(1)
    torch.manual_seed(3)
    module = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    torch.manual_seed(3)
    train(module, digits, Schedule(epochs=1), compute=Compute(threads=2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


def test_the_rate_falls_as_a_cosine() -> None:
    rates = [Schedule(learning_rate=0.2).rate(done) for done in (0.0, 1 / 3, 0.5, 1.0)]
    assert rates == pytest.approx([0.2, 0.15, 0.1, 0.0])


def test_the_steps_are_nesterov_s() -> None:
    """One weight and one image, by hand: v = mu v + g, w -= lr (g + mu v), with the loss's gradient g."""
    images = np.ones((1, 1, 1, 1), dtype=np.float32)
    split = Split(images, np.zeros(1, dtype=np.int64))
    data = Dataset("one", 2, split, split, split)
    module = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    nn.init.zeros_(module[1].weight)
    schedule = Schedule(epochs=2, learning_rate=0.5, momentum=0.9, weight_decay=0.0)
    found = train(module, data, schedule)[1].weight.flatten().tolist()
    w, v = 0.0, 0.0  # scores are w and -w
    for done in (0.0, 0.5):
        g = -1 / (1 + np.exp(2 * w))
        v = 0.9 * v + g
        w -= schedule.rate(done) * (g + 0.9 * v)
    assert found == pytest.approx([w, -w], rel=1e-5)


def test_the_gradient_is_clipped(digits: Dataset) -> None:
    before = network()
    plain = Schedule(epochs=1, batch=899, learning_rate=1.0, momentum=0.0, weight_decay=0.0, clip=1e-3)
    after = train(network(), digits, plain)
    moved = torch.cat([(a - b).flatten() for a, b in zip(after.parameters(), before.parameters(), strict=True)])
    assert float(moved.detach().norm()) == pytest.approx(1e-3, rel=1e-3)


def test_images_move_by_at_most_the_shift_and_mirror() -> None:
    images = torch.zeros(200, 2, 5, 7)
    images[:, 1, 2, 1] = 1.0
    moved = augmented(images, Schedule(shift=1, flip=True), np.random.default_rng(0))
    places = {tuple(where.tolist()) for where in moved.nonzero()[:, 1:]}
    assert places == {(1, row, column) for row in (1, 2, 3) for column in (0, 1, 2, 4, 5, 6)}
    assert float(moved.sum()) == 200.0
    assert torch.equal(augmented(images, Schedule(), np.random.default_rng(0)), images)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "`epochs >= 1` must hold, but got epochs=0"),
        ({"learning_rate": 0.0}, "`learning_rate > 0` must hold"),
        ({"weight_decay": -1.0}, "`weight_decay >= 0` must hold"),
        ({"momentum": 1.0}, "`0 <= momentum < 1` must hold"),
    ],
)
def test_other_schedules_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Schedule(**values)


def test_no_threads_are_refused() -> None:
    with pytest.raises(ValueError, match="`threads >= 1` must hold"):
        Compute(threads=0)
