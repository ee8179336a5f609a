"""Accuracies by weight sharing: one supernet is trained, and every network scored with its weights."""

from collections.abc import Sequence
from functools import cached_property
from typing import Self

from apollo_dse.codesign import training
from apollo_dse.codesign.accuracy.fitting import DEFAULT, digest, file_of, has_cells, skeleton_for
from apollo_dse.codesign.datasets import Dataset, load
from apollo_dse.codesign.supernet import learning, network, sampling
from apollo_dse.codesign.supernet.learning import DIGITS_SCHEDULE, SINGLE_PATH, OneShot
from apollo_dse.codesign.supernet.network import SuperNetwork
from apollo_dse.codesign.supernet.scoring import score
from apollo_dse.codesign.training import ONE_THREAD, Compute, Report, Schedule, train
from apollo_dse.problem import ACCURACY
from apollo_dse.trial import Measurement
from search_spaces import NetworkSpace, Point
from search_spaces.modules import nas_bench_201


class Supernet:
    """What cells of NAS-Bench-201 get right of the validation images, with the weights of a supernet.

    The supernet is trained when the first network is asked for. Its weights are kept by content in the cache's
    folder `networks`: what was trained once is read, and what was cut off goes on. Accuracies are those of
    weights that networks share; how well they rank networks differs with the dataset (`docs/networks.md`).

    Args:
        dataset: what is learned.
        schedule: how.
        step: which networks run in a step.
        seed: of the first weights.
        compute: device and threads.
        report: told after every epoch.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        schedule: Schedule = DIGITS_SCHEDULE,
        step: OneShot = SINGLE_PATH,
        seed: int = 0,
        compute: Compute = ONE_THREAD,
        report: Report | None = None,
    ) -> None:
        self.dataset = dataset
        self.skeleton = skeleton_for(dataset)
        self.schedule = schedule
        self.step = step
        self.seed = seed
        self.compute = compute
        self.report = report

    @classmethod
    def of(cls, network_space: NetworkSpace, argument: str) -> Self:
        """The supernet for a dataset by name, the digits if it is empty.

        Raises:
            ValueError: the space has other networks than cells of NAS-Bench-201, or there is no such dataset.
        """
        if not has_cells(network_space):
            rule = "a supernet must be of cells of NAS-Bench-201"
            raise ValueError(f"{rule}, but {network_space.name!r} has other networks")
        return cls(load(argument or DEFAULT))

    @property
    def metrics(self) -> tuple[str, ...]:
        """Accuracy."""
        return (ACCURACY,)

    @cached_property
    def fingerprint(self) -> str:
        """What is trained, on what, and by which code."""
        question = (self.dataset.digest, self.skeleton, self.schedule, self.step, self.seed)
        sources = (nas_bench_201, network, sampling, learning, training)
        return f"supernet {self.dataset.name}@{digest(question, *sources)}"

    @cached_property
    def network(self) -> SuperNetwork:
        """The trained supernet; takes as long as its training, once."""
        made = SuperNetwork(self.skeleton, seed=self.seed)
        train(
            made,
            self.dataset,
            self.schedule,
            backward=self.step,
            report=self.report,
            checkpoint=file_of(self.fingerprint.partition("@")[2], "pt"),
            compute=self.compute,
        )
        return made

    def __call__(self, points: Sequence[Point]) -> list[Measurement]:
        """One measurement a network, in order.

        Raises:
            ValueError: a point does not lie in the space.
        """
        with self.compute.limited():
            found = [score(self.network, point, self.dataset, self.dataset.validation) for point in points]
        return [Measurement({ACCURACY: each}) for each in found]

    def test_accuracy(self, point: Point) -> float:
        """What a network gets right of the test images: for the one that was chosen, not to choose by.

        Raises:
            ValueError: the point does not lie in the space.
        """
        with self.compute.limited():
            return score(self.network, point, self.dataset, self.dataset.test)
