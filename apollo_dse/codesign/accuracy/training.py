"""Accuracies by training: every network learns the dataset by itself."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, stdev
from typing import Self

import torch

from apollo_dse.codesign import training
from apollo_dse.codesign.accuracy import ACCURACY_STD
from apollo_dse.codesign.accuracy.fitting import DEFAULT, digest, file_of, has_cells, module_for, skeleton_for
from apollo_dse.codesign.datasets import Dataset, load
from apollo_dse.codesign.training import ONE_THREAD, Compute, Report, Schedule, accuracy, train
from apollo_dse.problem import ACCURACY
from apollo_dse.trial import Measurement
from search_spaces import NetworkSpace, Point, canonical

USUAL = Schedule()


class Training:
    """What networks get right of the validation images, each trained from its first weights on.

    Accuracies are kept by content in the cache's folder `networks`, and so is a training that was cut off,
    which goes on.

    Args:
        network_space: where the networks come from; those of NAS-Bench-201 are made to fit the dataset.
        dataset: what they learn.
        schedule: how; first weights and the order of images follow from its seed.
        seeds: how often each is trained, with seeds one after another; the accuracy is the mean.
        compute: device and threads.
        report: told after every epoch.

    Raises:
        ValueError: there is less than one seed; or networks do not compute, or read other inputs.
    """

    def __init__(
        self,
        network_space: NetworkSpace,
        dataset: Dataset,
        *,
        schedule: Schedule = USUAL,
        seeds: int = 1,
        compute: Compute = ONE_THREAD,
        report: Report | None = None,
    ) -> None:
        if seeds < 1:
            raise ValueError(f"`seeds >= 1` must hold, but got seeds={seeds}")
        self.network_space = network_space
        self.dataset = dataset
        self.schedule = schedule
        self.seeds = seeds
        self.compute = compute
        self.report = report
        self._module = module_for(network_space, dataset)

    @classmethod
    def of(cls, network_space: NetworkSpace, argument: str) -> Self:
        """Training on a dataset by name, the digits if it is empty.

        Raises:
            ValueError: as in the constructor, or there is no such dataset.
        """
        return cls(network_space, load(argument or DEFAULT))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy, and how it differs from seed to seed if there are several."""
        return (ACCURACY,) if self.seeds == 1 else (ACCURACY, ACCURACY_STD)

    @cached_property
    def fingerprint(self) -> str:
        """Which networks are trained, on what, how, and by which code."""
        fitted = skeleton_for(self.dataset) if has_cells(self.network_space) else version("apollo-dse")
        question = (self.network_space.name, fitted, self.dataset.digest, self.schedule)
        return f"training {self.dataset.name} seeds={self.seeds}@{digest(question, training)}"

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a network, in order.

        Raises:
            ValueError: a point does not lie in the space.
        """
        return [self._measured([each["validation"] for each in self._trained(point)]) for point in points]

    def test_accuracy(self, point: Point) -> float:
        """What a network gets right of the test images: for the one that was chosen, not to choose by.

        Raises:
            ValueError: the point does not lie in the space.
        """
        return fmean(each["test"] for each in self._trained(point))

    def _measured(self, accuracies: Sequence[float]) -> Measurement:
        metrics = {ACCURACY: fmean(accuracies)}
        if self.seeds > 1:
            metrics[ACCURACY_STD] = stdev(accuracies)
        return Measurement(metrics)

    def _trained(self, point: Point) -> list[dict[str, float]]:
        """Accuracies by split, a record a seed."""
        first = self.schedule.seed
        return [self._accuracies(point, seed) for seed in range(first, first + self.seeds)]

    def _accuracies(self, point: Point, seed: int) -> dict[str, float]:
        """Of one training: what is kept of it, or what comes of it, kept from then on."""
        key = digest((self.fingerprint.partition("@")[2], canonical(point), seed))
        kept = file_of(key, "json")
        if kept.exists():
            found: dict[str, float] = json.loads(kept.read_text())
            return found
        schedule, checkpoint = replace(self.schedule, seed=seed), file_of(key, "pt")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self._module(point)
        train(module, self.dataset, schedule, report=self.report, checkpoint=checkpoint, compute=self.compute)
        with self.compute.limited():
            splits = {"validation": self.dataset.validation, "test": self.dataset.test}
            found = {name: accuracy(module, split, self.compute.device) for name, split in splits.items()}
        _keep(kept, found)
        checkpoint.unlink()
        return found


def _keep(path: Path, found: dict[str, float]) -> None:
    """Write accuracies whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_text(json.dumps(found))
    part.replace(path)
