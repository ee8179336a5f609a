"""Accuracies of supernets and of trainings: kept by content, gone on with, of the right split, and refusals."""

import subprocess
import sys
from dataclasses import replace

import pytest

import search_spaces
from apollo_dse.codesign.accuracy import accuracy
from apollo_dse.codesign.accuracy.fitting import FOLDER, module_for, skeleton_for
from apollo_dse.codesign.accuracy.supernet import Supernet
from apollo_dse.codesign.accuracy.training import Training
from apollo_dse.codesign.datasets import Dataset, Split, load
from apollo_dse.codesign.supernet.learning import OneShot
from apollo_dse.codesign.supernet.sampling import SMALLEST, PathDropout
from apollo_dse.codesign.supernet.scoring import score
from apollo_dse.codesign.training import Schedule
from apollo_dse.evaluators import Evaluator
from search_spaces.networks.nas_bench_201 import DIGITS, NAS_BENCH_201, NAS_BENCH_201_DIGITS

SHORT = Schedule(epochs=2, batch=128)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("APOLLO_DSE_CACHE", str(tmp_path))


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def loud(heard):
    return lambda progress: heard.append(progress.epoch)


class Killed(Exception):
    pass


def kill(progress):
    raise Killed


def test_a_supernet_is_trained_once_and_scores_validation_images(digits, tmp_path):
    heard = []
    evaluator = Supernet(digits, schedule=SHORT, report=loud(heard))
    assert isinstance(evaluator, Evaluator)
    assert heard == []
    points = [NAS_BENCH_201.usual, SMALLEST]
    measured = evaluator(points)
    assert heard == [1, 2]
    expected = [score(evaluator.network, point, digits, digits.validation) for point in points]
    assert [each.metrics for each in measured] == [{"accuracy": each} for each in expected]
    assert evaluator.test_accuracy(SMALLEST) == score(evaluator.network, SMALLEST, digits, digits.test)
    again = Supernet(digits, schedule=SHORT, report=loud(heard))
    assert again(points) == measured
    assert heard == [1, 2]
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_a_supernet_that_was_cut_off_goes_on(digits):
    with pytest.raises(Killed):
        Supernet(digits, schedule=SHORT, report=kill)([SMALLEST])
    heard = []
    Supernet(digits, schedule=SHORT, report=loud(heard))([SMALLEST])
    assert heard == [2]


def test_fingerprints_say_what_is_measured(digits):
    usual = Supernet(digits, schedule=SHORT)
    others = [
        Supernet(digits),
        Supernet(digits, schedule=SHORT, seed=1),
        Supernet(digits, schedule=SHORT, step=OneShot(PathDropout())),
        Supernet(load("digits", seed=1), schedule=SHORT),
        Training(NAS_BENCH_201, digits),
        Training(NAS_BENCH_201, digits, seeds=2),
        Training(NAS_BENCH_201, digits, schedule=SHORT),
    ]
    assert Supernet(digits, schedule=SHORT).fingerprint == usual.fingerprint
    assert len({each.fingerprint for each in (usual, *others)}) == 1 + len(others)


def test_fingerprints_are_the_same_in_every_process(digits):
    made = "from apollo_dse.codesign.accuracy import accuracy; from search_spaces import network_space"
    code = (
        f"{made}; print(*(accuracy(k, network_space('nb201')).fingerprint for k in ('supernet', 'training')))"
    )
    found = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert found.strip() == f"{Supernet(digits).fingerprint} {Training(NAS_BENCH_201, digits).fingerprint}"


def test_training_measures_each_network_once(digits, tmp_path):
    heard = []
    evaluator = Training(NAS_BENCH_201, digits, schedule=SHORT, seeds=2, report=loud(heard))
    assert isinstance(evaluator, Evaluator)
    (measured,) = evaluator([SMALLEST])
    assert heard == [1, 2, 1, 2]
    assert set(measured.metrics) == set(evaluator.metrics) == {"accuracy", "accuracy_std"}
    singles = [
        Training(NAS_BENCH_201, digits, schedule=replace(SHORT, seed=seed), report=loud(heard))([SMALLEST])
        for seed in (0, 1)
    ]
    accuracies = [single.metrics["accuracy"] for (single,) in singles]
    assert measured.metrics["accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert measured.metrics["accuracy_std"] == pytest.approx(abs(accuracies[0] - accuracies[1]) / 2**0.5)
    before = len(heard)
    assert Training(NAS_BENCH_201, digits, schedule=SHORT, seeds=2, report=loud(heard))([SMALLEST]) == [
        measured
    ]
    assert len(heard) == before
    assert {file.suffix for file in (tmp_path / FOLDER).iterdir()} == {".json"}


def test_a_training_that_was_cut_off_goes_on(digits):
    with pytest.raises(Killed):
        Training(NAS_BENCH_201_DIGITS, digits, schedule=SHORT, report=kill)([SMALLEST])
    heard = []
    evaluator = Training(NAS_BENCH_201_DIGITS, digits, schedule=SHORT, report=loud(heard))
    assert 0.0 <= evaluator.test_accuracy(SMALLEST) <= 1.0
    assert heard == [2]


def test_references_name_them(digits):
    made = accuracy("supernet", NAS_BENCH_201)
    assert isinstance(made, Supernet)
    assert made.fingerprint == Supernet(digits).fingerprint
    made = accuracy("training:digits-noisy", NAS_BENCH_201_DIGITS)
    assert isinstance(made, Training)
    assert made.dataset.name == "digits-noisy"


def test_cells_are_put_into_a_skeleton_for_the_images(digits):
    assert skeleton_for(digits) == DIGITS
    assert module_for(NAS_BENCH_201_DIGITS, digits) is NAS_BENCH_201_DIGITS.module
    assert module_for(NAS_BENCH_201, digits)(SMALLEST).classifier.in_features == 32


def test_networks_that_cannot_learn_the_images_are_refused(digits):
    with pytest.raises(ValueError, match=r"'mobile' read inputs of \[3, 224, 224\], but images of 'digits'"):
        Training(search_spaces.network_space("mobile"), digits)
    with pytest.raises(ValueError, match="must be torch modules to learn, but 'nb201' has none"):
        Training(replace(NAS_BENCH_201, module=None), digits)
    with pytest.raises(ValueError, match="must be of cells of NAS-Bench-201, but 'mobile'"):
        Supernet.of(search_spaces.network_space("mobile"), "")
    with pytest.raises(ValueError, match="`seeds >= 1` must hold"):
        Training(NAS_BENCH_201, digits, seeds=0)
    flat = Split(digits.train.images[:, :, :4], digits.train.labels)
    with pytest.raises(ValueError, match="must be square, but those of 'flat' are 4 x 8"):
        skeleton_for(Dataset("flat", 10, flat, flat, flat))
