"""Networks of a space made to read the images of a dataset, and files of what was learned, by content."""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from accel_models.mapspace.cache import folder
from apollo_dse.codesign.datasets import Dataset
from search_spaces import NetworkSpace, Point
from search_spaces.networks import nas_bench_201
from search_spaces.networks.nas_bench_201 import DIGITS, Skeleton

if TYPE_CHECKING:
    from torch import nn

FOLDER = "networks"
"""Where files are kept, beside the mappings."""

DEFAULT = "digits"
"""The dataset that is taken where none is named."""


def has_cells(network_space: NetworkSpace) -> bool:
    """Whether points are cells of NAS-Bench-201, which can be put into any skeleton."""
    return network_space.space == nas_bench_201.SPACE


def skeleton_for(dataset: Dataset) -> Skeleton:
    """Three stages of one cell for the dataset's images, as wide as that for digits.

    Raises:
        ValueError: images are not square, or cannot be halved twice.
    """
    channels, rows, columns = dataset.shape
    if rows != columns:
        raise ValueError(f"images must be square, but those of {dataset.name!r} are {rows} x {columns}")
    return Skeleton(
        size=rows, channels=channels, classes=dataset.classes, width=DIGITS.width, cells=DIGITS.cells
    )


def module_for(network_space: NetworkSpace, dataset: Dataset) -> "Callable[[Point], nn.Module]":
    """Makes the networks of a space, for the images of a dataset.

    Cells of NAS-Bench-201 are put into `skeleton_for` the dataset, unless their own reads its images.

    Raises:
        ValueError: networks of the space do not compute, or read other inputs.
    """
    module = network_space.module
    if module is None:
        raise ValueError(f"networks must be torch modules to learn, but {network_space.name!r} has none")
    if network_space.vocabulary is None and network_space.input_shape == (1, *dataset.shape):
        return module
    if not has_cells(network_space):
        rule = f"networks of {network_space.name!r} read inputs of {list(network_space.input_shape[1:])}"
        raise ValueError(f"{rule}, but images of {dataset.name!r} are of {list(dataset.shape)}")
    return partial(nas_bench_201.module_nas_bench_201, skeleton=skeleton_for(dataset))


def digest(question: object, *sources: ModuleType) -> str:
    """Short text that two questions share if they read the same (`repr`) and are answered by the same code."""
    found = sha256(repr(question).encode())
    for source in sources:
        found.update(Path(str(source.__file__)).read_bytes())
    return found.hexdigest()[:16]


def file_of(key: str, ending: str) -> Path:
    """Where what has that key is kept."""
    return folder() / FOLDER / f"{key}.{ending}"
