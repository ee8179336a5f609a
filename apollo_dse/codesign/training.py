"""A network learns a dataset: stochastic gradient descent, checkpoints, and the same weights after a kill.

All that is random in an epoch follows from the seed and the epoch's number, so a checkpoint has no state of any
generator, and a training that was killed and goes on ends with the weights of one that was not (on one machine
and device).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from hashlib import sha256
from math import cos, pi
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from accel_models.threads import one_thread
from apollo_dse.codesign.datasets import Dataset, Split

SCORED_AT_ONCE = 512
"""Images that are scored in one batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How to train: stochastic gradient descent with Nesterov's momentum, the rate falling as a cosine to 0.

    Attributes:
        epochs: passes over the images.
        batch: images of a step; what is left at an epoch's end makes no step, unless it is all there is.
        learning_rate: at the start.
        momentum: share of the last step that is kept.
        weight_decay: of all weights that a step uses.
        clip: length of the gradient that is not exceeded.
        shift: images are moved by up to so many pixels, zeros shifted in.
        flip: whether half of the images are mirrored, left to right.
        seed: of the order of images, of shifts, flips and what is dropped.

    Raises:
        ValueError: a number is out of its range.
    """

    epochs: int = 30
    batch: int = 64
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0
    shift: int = 0
    flip: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name} >= 1` must hold, but got {name}={getattr(self, name)}")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name} > 0` must hold, but got {name}={getattr(self, name)}")
        for name in ("weight_decay", "shift", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"`{name} >= 0` must hold, but got {name}={getattr(self, name)}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"`0 <= momentum < 1` must hold, but got momentum={self.momentum}")

    def rate(self, done: float) -> float:
        """The learning rate when a share `done` of all steps is done."""
        return self.learning_rate * (1 + cos(pi * done)) / 2


@dataclass(frozen=True, slots=True)
class Compute:
    """Where to compute: a device, as torch writes it, and how many threads a processor takes.

    One thread is best for networks as small as those for digits, whose operations end before others begin
    (`accel_models.threads`).

    Raises:
        ValueError: there is less than one thread.
    """

    device: str = "cpu"
    threads: int = 1

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"`threads >= 1` must hold, but got threads={self.threads}")

    @contextmanager
    def limited(self) -> Iterator[None]:
        """Let torch compute on so many threads, and give back what it had."""
        with one_thread():
            torch.set_num_threads(self.threads)
            yield


ONE_THREAD = Compute()


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a training: its images and labels, the share of all steps before it, its random stream."""

    images: Tensor
    labels: Tensor
    done: float
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training on a dataset is: epochs done, of how many, and the mean loss of the last."""

    dataset: str
    epoch: int
    epochs: int
    loss: float


Backward = Callable[[nn.Module, Step], Tensor]
"""Adds a step's gradients to the parameters' and answers with the loss, a scalar."""

Report = Callable[[Progress], None]

_LISTENER: ContextVar[Report | None] = ContextVar("listener", default=None)


@contextmanager
def told(report: Report) -> Iterator[None]:
    """Have all trainings that are run inside tell how far they are, unless they have someone else to tell."""
    before = _LISTENER.set(report)
    try:
        yield
    finally:
        _LISTENER.reset(before)


def descend(module: nn.Module, step: Step) -> Tensor:
    """Gradients of the cross-entropy between scores and labels."""
    loss = cross_entropy(module(step.images), step.labels)
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach()


def train(
    module: nn.Module,
    dataset: Dataset,
    schedule: Schedule,
    *,
    backward: Backward = descend,
    report: Report | None = None,
    checkpoint: Path | None = None,
    compute: Compute = ONE_THREAD,
) -> nn.Module:
    """Train `module` in place on the training images, and leave it on the device, in evaluation mode.

    Args:
        module: maps images [n, channels, rows, columns] to scores [n, classes].
        dataset: what it learns.
        schedule: how.
        backward: what a step's gradients are; by default those of the cross-entropy.
        report: told after every epoch; None: whoever listens (`told`).
        checkpoint: file that is written after every epoch. If it is there, training goes on from it: the result
            is that of a training without a break.
        compute: device and threads.

    Returns:
        The module.

    Raises:
        ValueError: the checkpoint is of another training, or none.
    """
    report = report or _LISTENER.get()
    with compute.limited():
        module.to(compute.device)
        optimizer = torch.optim.SGD(
            module.parameters(),
            lr=schedule.learning_rate,
            momentum=schedule.momentum,
            weight_decay=schedule.weight_decay,
            nesterov=schedule.momentum > 0,
        )
        question = _question(module, dataset, schedule, backward)
        done = _resume(checkpoint, question, module, optimizer) if checkpoint and checkpoint.exists() else 0
        images, labels = tensors(dataset.train, compute.device)
        for epoch in range(done, schedule.epochs):
            loss = _epoch(module, optimizer, images, labels, schedule, epoch, backward)
            if checkpoint is not None:
                _save(checkpoint, question, module, optimizer, epoch + 1)
            if report is not None:
                report(Progress(dataset.name, epoch + 1, schedule.epochs, loss))
        return module.eval()


def _epoch(
    module: nn.Module,
    optimizer: torch.optim.SGD,
    images: Tensor,
    labels: Tensor,
    schedule: Schedule,
    epoch: int,
    backward: Backward,
) -> float:
    """One pass over the images; the mean loss."""
    rng = np.random.default_rng((schedule.seed, epoch))
    order = torch.from_numpy(rng.permutation(len(labels))).to(labels.device)
    steps = max(1, len(order) // schedule.batch)
    total = torch.zeros((), device=labels.device)
    module.train()
    with torch.random.fork_rng(devices=_cuda_devices(labels.device)):
        torch.manual_seed(int(rng.integers(2**31)))
        for number, rows in enumerate(torch.split(order, schedule.batch)[:steps]):
            done = (epoch + number / steps) / schedule.epochs
            for group in optimizer.param_groups:
                group["lr"] = schedule.rate(done)
            optimizer.zero_grad(set_to_none=True)
            step = Step(augmented(images[rows], schedule, rng), labels[rows], done, rng)
            total += backward(module, step)
            nn.utils.clip_grad_norm_(module.parameters(), schedule.clip)
            optimizer.step()
    return float(total) / steps


def _cuda_devices(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


def augmented(images: Tensor, schedule: Schedule, rng: np.random.Generator) -> Tensor:
    """Images [n, channels, rows, columns], each moved and mirrored at random as the schedule says."""
    n, _, rows, columns = images.shape
    if schedule.flip:
        mirrored = torch.from_numpy(rng.random(n) < 0.5).to(images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    if schedule.shift:
        reach = schedule.shift
        down, right = (torch.from_numpy(rng.integers(0, 2 * reach + 1, size=(n, 1))) for _ in range(2))
        down, right = (offsets.to(images.device) for offsets in (down, right))
        down = down + torch.arange(rows, device=images.device)  # n rows
        right = right + torch.arange(columns, device=images.device)  # n columns
        one = torch.arange(n, device=images.device)[:, None, None]
        padded = pad(images, (reach,) * 4).permute(0, 2, 3, 1)  # n rows columns channels
        images = padded[one, down[:, :, None], right[:, None, :]].permute(0, 3, 1, 2)
    return images


def tensors(split: Split, device: str | torch.device) -> tuple[Tensor, Tensor]:
    """Images [n, channels, rows, columns] and labels [n] of a split, on the device."""
    return torch.from_numpy(split.images).to(device), torch.from_numpy(split.labels).to(device)


@torch.no_grad()
def accuracy(score: Callable[[Tensor], Tensor], split: Split, device: str | torch.device = "cpu") -> float:
    """Share of a split's images whose label has the highest score.

    Args:
        score: images [n, channels, rows, columns] to scores [n, classes], such as a module in evaluation mode.
        split: the images.
        device: where they are scored.
    """
    images, labels = tensors(split, device)
    parts = zip(torch.split(images, SCORED_AT_ONCE), torch.split(labels, SCORED_AT_ONCE), strict=True)
    return sum(int((score(each).argmax(1) == right).sum()) for each, right in parts) / len(labels)


def _question(module: nn.Module, dataset: Dataset, schedule: Schedule, backward: Backward) -> str:
    """What a checkpoint is of: shapes of the weights, the images, the schedule, and whose gradients."""
    shapes = [(name, tuple(value.shape)) for name, value in module.state_dict().items()]
    text = repr((shapes, dataset.digest, schedule, getattr(backward, "__qualname__", repr(backward))))
    return sha256(text.encode()).hexdigest()


def _save(path: Path, question: str, module: nn.Module, optimizer: torch.optim.SGD, epochs: int) -> None:
    """Write a checkpoint whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    state = {"question": question, "epochs": epochs}
    torch.save(state | {"module": module.state_dict(), "optimizer": optimizer.state_dict()}, part)
    part.replace(path)


def _resume(path: Path, question: str, module: nn.Module, optimizer: torch.optim.SGD) -> int:
    """Take weights and momenta of a checkpoint; the number of epochs that it has seen."""
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        asked = state["question"]
    except (UnpicklingError, LookupError, TypeError, RuntimeError, EOFError) as error:
        raise ValueError(
            f"a checkpoint must hold weights and nothing else, but {path} does not: {error}"
        ) from error
    if asked != question:
        raise ValueError(f"a checkpoint must be of this training, but {path} is of another network or schedule")
    module.load_state_dict(state["module"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["epochs"])
