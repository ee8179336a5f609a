"""Datasets: splits that share nothing, shares of classes, normalization, and refusals."""

import subprocess
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from apollo_dse.codesign import datasets
from apollo_dse.codesign.datasets import load, stratified


@pytest.mark.parametrize("name", ["digits", "digits-noisy"])
def test_splits_part_the_digits_class_by_class(name):
    found = load(name)
    splits = (found.train, found.validation, found.test)
    assert [len(split) for split in splits] == [899, 448, 450]
    assert found.shape == (1, 8, 8)
    assert found.classes == 10
    assert len({image.tobytes() for split in splits for image in split.images}) == 1797
    for split in splits:
        shares = np.bincount(split.labels) / len(split)
        assert np.abs(shares - 0.1).max() < 0.01


def test_images_are_normalized_by_those_for_training():
    train = load("digits").train.images
    assert train.dtype == np.float32
    assert abs(train.mean()) < 1e-6
    assert train.std() == pytest.approx(1.0, abs=1e-6)


def test_splits_follow_from_the_seed():
    assert load("digits").digest == load("digits").digest
    assert len({load(name, seed=seed).digest for name in ("digits", "digits-noisy") for seed in (0, 1)}) == 4


def test_noise_is_as_strong_as_it_says():
    """Of normalized images behind noise of deviation s, the digit has 1 / (1 + s^2) of the variance."""
    clean, noisy = load("digits").train.images, load("digits-noisy").train.images
    correlation = np.corrcoef(clean.ravel(), noisy.ravel())[0, 1]
    assert correlation == pytest.approx((1 + datasets.NOISE**2) ** -0.5, abs=0.01)


def test_every_class_sets_aside_its_share():
    labels = np.repeat([0, 1], [40, 8])
    kept, aside = stratified(labels, 0.25, seed=3)
    assert np.bincount(labels[aside]).tolist() == [10, 2]
    assert sorted([*kept, *aside]) == list(range(48))


class Photographs:
    """Stands in for torchvision's class: images in the order of torchvision's arrays."""

    def __init__(self, root, train, download):
        if root != "/there" and not download:
            raise RuntimeError("Dataset not found or corrupted.")
        count = 50_000 if train else 100
        self.data = np.zeros((count, 4, 6, 3), dtype=np.uint8)
        self.data[::2] = (255, 128, 64)
        self.targets = [i % 10 for i in range(count)]


@pytest.fixture
def _torchvision(monkeypatch):
    module = ModuleType("torchvision.datasets")
    module.CIFAR10 = Photographs
    monkeypatch.setitem(sys.modules, "torchvision", SimpleNamespace(datasets=module))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", module)


@pytest.mark.usefixtures("_torchvision")
def test_cifar10_is_read_from_its_folder_and_nowhere_else():
    found = load("cifar10:/there")
    assert [len(split) for split in (found.train, found.validation, found.test)] == [45_000, 5000, 100]
    assert found.shape == (3, 4, 6)
    assert np.bincount(found.validation.labels).tolist() == [500] * 10
    with pytest.raises(ValueError, match="'/gone' must hold CIFAR-10, but torchvision says: Dataset not found"):
        load("cifar10:/gone")
    assert len(load("cifar10:/gone", download=True).test) == 100


def test_without_torchvision_cifar10_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    monkeypatch.setitem(sys.modules, "torchvision.datasets", None)
    with pytest.raises(ModuleNotFoundError, match="cifar10 needs torchvision"):
        load("cifar10:/there")


def test_a_torchvision_of_another_torch_says_where_both_must_come_from(tmp_path, monkeypatch):
    """Such as one for CUDA beside a torch for the CPU: its operators are not there."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    about = tmp_path / "torchvision-0.28.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n")
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    monkeypatch.delitem(sys.modules, "torchvision.datasets", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    rule = "from the same index, but with torch .* torchvision 0.28.0 says: operator torchvision::nms does not"
    with pytest.raises(ValueError, match=rule):
        load("cifar10:/there")


def test_other_names_are_refused():
    with pytest.raises(ValueError, match=r"must be one of digits, .* did you mean 'digits'"):
        load("digit")
    with pytest.raises(ValueError, match="must name its folder"):
        load("cifar10")
    with pytest.raises(ValueError, match="comes without a folder"):
        load("digits:/data")


def test_digits_load_no_torch():
    code = "import sys, apollo_dse.codesign.datasets as d; d.load('digits'); print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
