"""A conservative network of all priors, conditioned on what their tasks are about, corrected by trials.

PRIME (Kumar, Yazdanbakhsh, Hashemi, Swersky, Levine, "Data-Driven Offline Optimization for Architecting
Hardware Accelerators", ICLR 2022, arXiv 2110.11346) fits one network to the data of many tasks, each with its
description as the context, and asks it for designs of a task that nobody has tried. What an optimizer asks is
where the network errs in the optimizer's favour. Its predictions are therefore pushed up where a search finds
them lowest, and at points that did not run, beside those that pull them to the data.

Here contexts hold, beside the numbers of a description, which prior it is; how a new task answers is expected
under its own description as each prior would. These expectations, one for each prior, are what a
`PretrainedPrior` combines: with equal shares before any trial, then by how well they explain what came out.
Nothing is pushed for limits, whose network only has to be right.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.threads import one_thread
from apollo_dse.optimizers.bayesian.surrogate import Process
from apollo_dse.outcomes import Outcome
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.mixture import Mixture
from apollo_dse.transfer.pretrained import PretrainedPrior
from apollo_dse.transfer.prior import Description
from apollo_dse.transfer.source import Explains, nearest

MEMBERS, WIDTH = 3, 64
"""Networks of an ensemble, which begin differently, and units of each of their two hidden layers."""

LOWEST, RULED_OUT = 0.1, 0.05
"""How hard predictions are pushed up where they are lowest, and where designs do not run (PRIME's release)."""

WORST = 3.0
"""Standardized predictions beyond it are pushed no more."""

RATE, DECAY, BATCH = 3e-3, 1e-2, 256
"""Learning rate, decay of weights, and trials in a step."""

RENEWED, DESCENT, SOUGHT, MUTATIONS = 50, 10, 64, 2.0
"""Steps after which the lowest predictions are sought anew, and how: by so many mutations of so many trials."""

FARTHEST = 2.0
"""Standard deviations from the priors' tasks at which a task's description counts as that far away."""

Points = tuple[Tensor, Tensor]
"""Features [n, d] and numbers of tasks [n]."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a network learns of one outcome.

    Attributes:
        x: [n, d] features of trials.
        tasks: [n] numbers of their tasks.
        y: [n] values, standardized within their tasks.
        contexts: [t, c] of the tasks.
        ruled_out: points that did not run; none, where their predictions are not pushed.
    """

    x: Tensor
    tasks: Tensor
    y: Tensor
    contexts: Tensor
    ruled_out: Points


class Network:
    """An ensemble of networks with two hidden layers; a context scales the units of the first one.

    Args:
        d: features of a point.
        c: features of a context.
        rng: draws the weights to begin with.
    """

    def __init__(self, d: int, c: int, rng: np.random.Generator) -> None:
        def drawn(rows: int, columns: int, spread: float) -> Tensor:
            weights = torch.from_numpy(rng.normal(0.0, spread, (MEMBERS, rows, columns))).float()
            return weights.requires_grad_()

        self.weights = [
            drawn(d + 1, WIDTH, sqrt(2.0 / (d + 1))),
            drawn(c, WIDTH, 0.1),
            drawn(WIDTH + 1, WIDTH, sqrt(2.0 / WIDTH)),
            drawn(WIDTH + 1, 1, sqrt(0.1 / WIDTH)),
        ]

    def __call__(self, x: Tensor, context: Tensor) -> Tensor:
        """Values [MEMBERS, n] at features [n, d] in contexts [n, c], or in one of all [1, c]."""
        first, scaling, second, last = self.weights
        hidden = (_with_one(2.0 * x - 1.0) @ first).relu() * (1.0 + context @ scaling)
        hidden = (_with_one(hidden) @ second).relu()
        values: Tensor = (_with_one(hidden) @ last)[..., 0]
        return values


def _with_one(x: Tensor) -> Tensor:
    """Values [..., n] and a 1 [..., n + 1], whose weight is the bias."""
    return torch.nn.functional.pad(x, (0, 1), value=1.0)


def trained(
    lessons: Lessons, steps: int, lowest: Callable[[Network], Points] | None, rng: np.random.Generator
) -> Network:
    """The network that some lessons make.

    Args:
        lessons: what is learned.
        steps: of gradient descent.
        lowest: finds points at which a network predicts least; None: nothing is pushed.
        rng: source of chance.
    """
    contexts = lessons.contexts
    network = Network(lessons.x.shape[1], contexts.shape[1], rng)
    descent = torch.optim.AdamW(network.weights, lr=RATE, weight_decay=DECAY)
    pushed: list[tuple[float, Points]] = []
    with torch.enable_grad():
        for step in range(steps):
            if lowest is not None and step and step % RENEWED == 0:
                with torch.no_grad():
                    pushed = [(LOWEST, lowest(network)), (RULED_OUT, lessons.ruled_out)]
            rows = torch.from_numpy(rng.choice(len(lessons.y), min(BATCH, len(lessons.y)), replace=False))
            values = network(lessons.x[rows], contexts[lessons.tasks[rows]])
            loss = (values - lessons.y[rows]).square().mean()
            for force, (x, tasks) in pushed:
                if len(x):
                    loss = loss - force * network(x, contexts[tasks]).clamp_max(WORST).mean()
            descent.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            descent.step()
    for weights in network.weights:
        weights.requires_grad_(False)
    return network


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a network expects of an outcome in one context, as standardized values (`Explains`)."""

    network: Network
    context: Tensor
    centre: float
    scale: float

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] over the ensemble at features [m, d]."""
        values = self.network(x.float(), self.context[None]).to(x.dtype)
        mean = values.mean(0)
        return mean, (values - mean).square().sum(0) / (MEMBERS - 1)

    def believing(self, x: Tensor) -> "Expectation":
        """Itself: what a network expects anyway teaches it nothing."""
        return self


def contexts(task: Description, others: Sequence[Description]) -> tuple[Tensor, Tensor]:
    """Contexts [t, c] of other tasks, and of a task as it were each of them [t, c].

    The features of the descriptions, standardized over the other tasks, and which of these it is. One that all
    the others share tells nothing, and one that is missing is taken for their mean: both are 0.
    """
    names = sorted({name for other in others for name in other.features})
    table = np.array([[each.features.get(name, np.nan) for name in names] for each in (*others, task)])
    table = table.reshape(len(others) + 1, len(names))
    known = ~np.isnan(table[:-1])
    counts = known.sum(axis=0)
    mean = np.where(known, table[:-1], 0.0).sum(axis=0) / counts
    spread = np.sqrt(np.where(known, (table[:-1] - mean) ** 2, 0.0).sum(axis=0) / counts)
    apart = spread > 1e-9 * np.maximum(1.0, np.abs(mean))
    standardized = np.where(apart, (table - mean) / np.where(apart, spread, 1.0), 0.0)
    standardized = np.clip(np.nan_to_num(standardized), -FARTHEST, FARTHEST)
    which = np.eye(len(others))
    theirs = np.concatenate([standardized[:-1], which], axis=1)
    ours = np.concatenate([np.repeat(standardized[-1:], len(others), axis=0), which], axis=1)
    return torch.from_numpy(theirs).float(), torch.from_numpy(ours).float()


class Offline(PretrainedPrior):
    """A process around what a conservative network of all priors expects, corrected by the task's own trials.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        experience: the priors.
        seeds: designs of the priors that are tried first, at least 0.
        steps: of gradient descent at most, for each outcome, at least 1; of few trials there are fewer.

    Raises:
        ValueError: the seed or a knob is out of its range, or a prior cannot be matched.
    """

    def __init__(
        self, problem: Problem, seed: int, experience: Experience, *, seeds: int = 8, steps: int = 600
    ) -> None:
        super().__init__(problem, seed, experience, seeds=seeds)
        if steps < 1:
            raise ValueError(f"`steps >= 1` must hold, but got steps={steps}")
        self.steps = steps
        self._expectations: dict[str, Sequence[Explains]] = {}

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        return {**super().settings, "steps": self.steps}

    def process(self, name: str, outcome: Outcome | None, x: Tensor) -> Process:
        """What is believed of an outcome, in its raw unit; before it has a trial, what the network expects."""
        if outcome is None:
            return Mixture.even(self.explaining(name))
        return super().process(name, outcome, x)

    def explaining(self, name: str) -> Sequence[Explains]:
        """What the network expects of an outcome as each prior that has it, in the order of `sources`."""
        if name not in self._expectations:
            with one_thread():
                self._expectations[name] = self._learned(name)
        return self._expectations[name]

    def _learned(self, name: str) -> Sequence[Explains]:
        having = [source for source in self.sources if name in source.outcomes]
        if not having:
            return ()
        theirs, ours = contexts(self.experience.task, [source.prior.task for source in having])
        data = [source.data(name) for source in having]
        is_goal = name in map(str, self.problem.objectives)
        failed = [source.failed for source in having]
        lessons = Lessons(
            torch.cat([x for x, _ in data]).float(),
            _numbers([len(x) for x, _ in data]),
            torch.cat([y for _, y in data]).float(),
            theirs,
            (torch.cat(failed).float(), _numbers(list(map(len, failed)))),
        )
        rows = np.concatenate([nearest(self.encoding, source.rows) for source in having])
        tasks = _numbers([len(source.rows) for source in having])
        rng = np.random.default_rng([self.seed, len(lessons.y), 3])

        def lowest(network: Network) -> Points:
            return self._lowest(lambda points: network(points[0], theirs[points[1]]).mean(0), rows, tasks, rng)

        steps = min(self.steps, 50 + 2 * len(lessons.y))
        network = trained(lessons, steps, lowest if is_goal else None, rng)
        outcomes = [source.outcomes[name] for source in having]
        return [
            Expectation(network, context, outcome.centre, outcome.scale)
            for context, outcome in zip(ours, outcomes, strict=True)
        ]

    def _lowest(
        self,
        predicted: Callable[[Points], Tensor],
        rows: NDArray[np.float64],
        tasks: Tensor,
        rng: np.random.Generator,
    ) -> Points:
        """Points at which predictions are low: mutants of some of the rows [n, p], each in its task [n]."""
        chosen = rng.integers(len(rows), size=SOUGHT)
        rows, tasks = rows[chosen], tasks[torch.from_numpy(chosen)]

        def seen(rows: NDArray[np.float64]) -> Points:
            return torch.from_numpy(self.encoding.features(rows)).float(), tasks

        values = predicted(seen(rows)).numpy()
        for _ in range(DESCENT):
            children = self.encoding.mutants(rows, rng, MUTATIONS)
            others = predicted(seen(children)).numpy()
            rows = np.where((others < values)[:, None], children, rows)
            values = np.minimum(others, values)
        return seen(rows)


def _numbers(counts: Sequence[int]) -> Tensor:
    """Numbers of tasks [n], each as often as it counts."""
    return torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
