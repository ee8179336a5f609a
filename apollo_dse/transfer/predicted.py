"""A model that can still be asked, as the prior of a slow evaluator: its answers explain, not its trials.

The built-in cost model prices thousands of designs in the time of one simulation. Its prediction is the mean of
a process, `shift + slope * prediction` in logarithms, of which slope and shift are corrected as trials arrive;
what no line through the prediction explains is left to a kernel of distances (`pretrained.Explained`). Priors
that cannot be asked are learned from as `pretrained-prior` learns.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apollo_dse.encoding import Encoding
from apollo_dse.outcomes import limits, objectives
from apollo_dse.problem import Problem
from apollo_dse.transfer.method import Experience
from apollo_dse.transfer.pretrained import PretrainedPrior
from apollo_dse.transfer.prior import unavailable
from apollo_dse.transfer.source import Explains, Source
from apollo_dse.trial import Trial

RAN = "ran"
"""The outcome that says whether a design runs at all: -1 where it does, else 1."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the evaluator of a source says of designs, each asked for once."""

    source: Source
    encoding: Encoding
    _known: dict[bytes, Trial] = field(default_factory=dict)

    def raw(self, name: str, x: Tensor) -> NDArray[np.float64]:
        """Raw values [m] of an outcome at features [m, d]; of a design that does not run the worst known."""
        trials = self._trials(self.encoding.rows_of(x.numpy()))
        theirs = self.source.matching.stand_ins.get(name, name)
        view = self.source.view
        found = {each.name: each for each in (*objectives(view, trials), *limits(view, trials))}
        worst = -1.0 if name == RAN else float(self.source.outcomes[name].raw.max())
        values = np.full(len(trials), worst)
        if theirs in found:
            values[found[theirs].numbers] = found[theirs].raw
        return values

    def _trials(self, rows: NDArray[np.float64]) -> list[Trial]:
        keys = [row.tobytes() for row in rows]
        new = {key: number for number, key in enumerate(keys) if key not in self._known}
        points = self.encoding.points(rows[list(new.values())])
        if points:
            measured = self.source.prior.problem.evaluate(points)
            for key, point, measurement in zip(new, points, measured, strict=True):
                self._known[key] = Trial(0, point, measurement)
        return [self._known[key] for key in keys]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a source that can be asked says of one outcome: exact, so that nothing is left to believe."""

    answers: Answers
    name: str
    centre: float
    scale: float

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean [m] and variance [m] of the standardized values at features [m, d]."""
        mean = (torch.from_numpy(self.answers.raw(self.name, x)) - self.centre) / self.scale
        return mean, torch.zeros_like(mean)

    def believing(self, x: Tensor) -> "Prediction":
        """This."""
        return self


class Predicted(PretrainedPrior):
    """A process around what priors predict: those that can be asked say it themselves.

    Arguments and errors are those of `Modelled`.
    """

    def __init__(self, problem: Problem, seed: int, experience: Experience, *, seeds: int = 8) -> None:
        super().__init__(problem, seed, experience, seeds=seeds)
        self._answers: dict[str, Answers] = {}

    def explaining(self, name: str) -> Sequence[Explains]:
        """Whose means explain an outcome: of each prior that has it, in the order of `sources`."""
        having = [source for source in self.sources if name in source.outcomes]
        return [
            taught if source.prior.problem.evaluate is unavailable else self._prediction(source, name)
            for source, taught in zip(having, self.taught(name), strict=True)
        ]

    def _prediction(self, source: Source, name: str) -> Prediction:
        answers = self._answers.setdefault(source.prior.name, Answers(source, self.encoding))
        outcome = source.outcomes[name]
        return Prediction(answers, name, outcome.centre, outcome.scale)
