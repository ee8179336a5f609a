"""Images that networks are trained and scored on, by name.

    digits           1,797 handwritten digits of 8 x 8, ten classes; they come with scikit-learn
    digits-noisy     the same behind Gaussian noise, so that networks differ by more than a per cent
    cifar10:FOLDER   60,000 photographs of 32 x 32, ten classes, where torchvision keeps them

Images are normalized by mean and deviation of the training images, channel by channel. The splits have the same
shares of every class and follow from the seed; CIFAR-10 keeps its own test images.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from search_spaces.quantity import nearest_name

Images = NDArray[np.float32]
Labels = NDArray[np.int64]

NOISE = 0.9
"""Deviation of the noise of `digits-noisy`, in deviations of the images."""

VALIDATION_SHARE, TEST_SHARE = 0.25, 0.25
"""Of the digits; of CIFAR-10 `CIFAR_VALIDATION` images of those for training."""

CIFAR_VALIDATION = 5000


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Images [n, channels, rows, columns] and their labels [n]."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> "Split":
        """Some of the images with their labels."""
        return Split(self.images[rows], self.labels[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Images in three splits: networks learn from `train`, are chosen by `validation`, reported on `test`."""

    name: str
    classes: int
    train: Split
    validation: Split
    test: Split

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, rows and columns of an image."""
        channels, rows, columns = self.train.images.shape[1:]
        return channels, rows, columns

    @property
    def digest(self) -> str:
        """Short text that two datasets share when they have the same images in the same splits."""
        found = sha256(self.name.encode())
        for split in (self.train, self.validation, self.test):
            found.update(split.images.tobytes())
            found.update(split.labels.tobytes())
        return found.hexdigest()[:12]


def names() -> tuple[str, ...]:
    """The datasets that there are."""
    return tuple(_LOADERS)


def load(name: str, *, seed: int = 0, download: bool = False) -> Dataset:
    """The dataset of a name; behind a colon the folder where it lies, if it is none of those that come along.

    Args:
        name: one of `names()`, such as "digits" or "cifar10:/data".
        seed: of the splits, and of noise.
        download: whether torchvision may fetch what is not in the folder.

    Raises:
        ValueError: there is no such dataset, or the folder is missing, too much, or has no dataset in it; or
            torchvision does not fit torch.
        ModuleNotFoundError: the dataset needs torchvision, which is not installed.
    """
    base, _, folder = name.partition(":")
    if base not in _LOADERS:
        raise ValueError(f"a dataset must be one of {', '.join(names())}, but got {base!r}{_near(base)}")
    if bool(folder) != (base == "cifar10"):
        rule = "must name its folder, as in cifar10:FOLDER" if base == "cifar10" else "comes without a folder"
        raise ValueError(f"{base} {rule}, but got {name!r}")
    return _LOADERS[base](folder, seed, download)


def _near(base: str) -> str:
    return nearest_name(base, names())


def _digits(_folder: str, seed: int, _download: bool) -> Dataset:
    images, labels = _handwritten()
    return _parted("digits", images, labels, seed)


def _noisy_digits(_folder: str, seed: int, _download: bool) -> Dataset:
    images, labels = _handwritten()
    noise = np.random.default_rng((seed, 1)).normal(scale=NOISE * images.std(), size=images.shape)
    return _parted("digits-noisy", (images + noise).astype(np.float32), labels, seed)


def _handwritten() -> tuple[Images, Labels]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images[:, None].astype(np.float32), found.target.astype(np.int64)


def _parted(name: str, images: Images, labels: Labels, seed: int) -> Dataset:
    """Three splits of images that come in one."""
    rest, test = stratified(labels, TEST_SHARE, seed)
    train, validation = (
        rest[part] for part in stratified(labels[rest], VALIDATION_SHARE / (1 - TEST_SHARE), seed)
    )
    whole = Split(images, labels)
    splits = (whole[rows] for rows in (train, validation, test))
    return _normalized(name, *splits)


def _cifar10(folder: str, seed: int, download: bool) -> Dataset:
    try:
        from torchvision.datasets import CIFAR10
    except ModuleNotFoundError as error:
        needs = "cifar10 needs torchvision, which is not installed; install it: pip install torchvision"
        raise ModuleNotFoundError(needs) from error
    except (RuntimeError, OSError) as error:  # what torch says of libraries that are not there
        rule = "torch and torchvision must be built for each other, so both must come from the same index"
        evidence = f"with torch {version('torch')} torchvision {version('torchvision')} says: {error}"
        raise ValueError(f"{rule}, but {evidence}") from error

    def part(train: bool) -> Split:
        try:
            found = CIFAR10(folder, train=train, download=download)
        except RuntimeError as error:
            raise ValueError(f"{folder!r} must hold CIFAR-10, but torchvision says: {error}") from error
        images = found.data.transpose(0, 3, 1, 2).astype(np.float32)  # n rows columns channels -> n c h w
        return Split(images, np.array(found.targets, dtype=np.int64))

    both, test = part(train=True), part(train=False)
    train, validation = stratified(both.labels, CIFAR_VALIDATION / len(both), seed)
    return _normalized("cifar10", both[train], both[validation], test)


def _normalized(name: str, train: Split, validation: Split, test: Split) -> Dataset:
    mean, deviation = (
        statistic(train.images, axis=(0, 2, 3), keepdims=True, dtype=np.float64)
        for statistic in (np.mean, np.std)
    )

    def normal(split: Split) -> Split:
        return Split(((split.images - mean) / deviation).astype(np.float32), split.labels)

    classes = int(train.labels.max()) + 1
    return Dataset(name, classes, normal(train), normal(validation), normal(test))


def stratified(labels: Labels, share: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to keep and rows to set aside: of every class `share` of its rows, rounded, drawn at random.

    Args:
        labels: of the rows, [n].
        share: of each class that is set aside, between 0 and 1.
        seed: of the draw.

    Returns:
        Rows kept and rows set aside, each in rising order.
    """
    rng = np.random.default_rng(seed)
    aside = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        aside[rows[: round(share * len(rows))]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)


_LOADERS: Mapping[str, Callable[[str, int, bool], Dataset]] = {
    "digits": _digits,
    "digits-noisy": _noisy_digits,
    "cifar10": _cifar10,
}
