"""Descent from legal design to legal design, along the slopes of losses and limits."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from apollo_dse.ensemble import best_of
from apollo_dse.optimizer import History, fresh
from apollo_dse.optimizers.gradient.descent import Logits, Proximal, cells_of, downhill
from apollo_dse.optimizers.gradient.lines import Field, Lines, Vector
from apollo_dse.problem import Problem
from apollo_dse.trial import Trial
from apollo_dse.variation import Variation
from search_spaces.parameter import Categorical, Ordinal, Real
from search_spaces.space import Point, SearchSpace

Relaxation = Literal["proximal", "gumbel"]

SHRINKS = 12
"""Steps down at most that make a point fit the known limits."""

KICK = 4.0
"""Parameters of the best point that a restart draws anew, on average."""

NEAR = 0.5
"""Trials that differ by no more of any parameter's range are from the descent at hand."""

BLIND = 0.5
"""Suggestions that are mutants, as a share, at least, where gradients are those of a surrogate."""

IDLE = 0.05
"""What a value less costs at least, as a share of what the dearest one does, when limits ask for it."""


class Gradient(History):
    """Descends along elasticities of the problem (`Problem.slopes`), or of a surrogate fitted to the trials.

    `proximal`: the best trial since the last start is the centre, whoever proposed it. The gradient is taken
    there; points are legal ones some step away from a continuous memory, first along the whole gradient, then
    along random parts of it. Where nothing was better for `patience` trials, the search starts elsewhere.
    `gumbel`: points are draws from distributions over each parameter's choices, which gradients at all trials
    move; they open up where nothing was better for `patience` trials.

    Where a point is known to break a limit, values go down that cost least of the loss for what they save.
    Parameters without slopes, as categories, are mutated. A point's slopes count as an evaluation:
    `proximal` asks for those of each centre, `gumbel` for those of all trials.

    Args:
        problem: what is searched.
        seed: start of the random stream, at least 0.
        relaxation: which of the two.
        starts: uniform draws at first, at least 1.
        rate: length of a step, as a share of a parameter's range, above 0 and up to 1.
        patience: trials without a better one before a restart, at least 1.
        mutants: probability that a suggestion is a mutant of the best trial.

    Raises:
        ValueError: the seed or a knob is out of its range.
    """

    TUNABLE: ClassVar = SearchSpace(
        (Real("rate", 0.02, 0.5, log=True), Ordinal("patience", (8, 16, 32, 64)), Real("mutants", 0.0, 0.8))
    )
    """Knobs worth tuning, and their ranges."""

    def __init__(
        self,
        problem: Problem,
        seed: int,
        *,
        relaxation: Relaxation = "proximal",
        starts: int = 8,
        rate: float = 0.1,
        patience: int = 8,
        mutants: float = 0.2,
    ) -> None:
        super().__init__(problem, seed)
        if relaxation not in get_args(Relaxation):
            raise ValueError(f"`relaxation` must be proximal or gumbel, but got {relaxation!r}")
        if starts < 1 or patience < 1:
            got = f"starts={starts}, patience={patience}"
            raise ValueError(f"`starts >= 1` and `patience >= 1` must hold, but got {got}")
        if not 0 < rate <= 1 or not 0 <= mutants <= 1:
            got = f"rate={rate}, mutants={mutants}"
            raise ValueError(f"`0 < rate <= 1` and `0 <= mutants <= 1` must hold, but got {got}")
        self.relaxation, self.starts, self.rate = relaxation, starts, rate
        self.patience, self.mutants = patience, mutants
        self.best: Trial | None = None
        self.centre: Trial | None = None
        self._since = 0
        self._variation, self._kicks = Variation(problem.space), Variation(problem.space, KICK, 0.0)
        self._numbers = tuple(each for each in self._variation.open if not isinstance(each, Categorical))
        self._field = Field(problem, self._numbers)
        self.proximal, self.logits = Proximal(cells_of(self._numbers), rate), Logits(self._numbers)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The seed and the knobs."""
        names = ("seed", "relaxation", "starts", "rate", "patience", "mutants")
        return {name: getattr(self, name) for name in names}

    def tell(self, trials: Sequence[Trial]) -> None:
        """Remember more trials; better ones move the centre, and gradients what is relaxed."""
        inside = [trial for trial in trials if trial.point in self.problem.space]
        if self.relaxation == "gumbel":
            self._field.ask([trial.point for trial in inside])
        for trial in trials:
            super().tell([trial])
            if trial.point in self.problem.space:
                self._learn(trial)

    def ask(self, n: int) -> Sequence[Point]:
        """`n` different points that were not told yet; fewer only when no more are left.

        Raises:
            ValueError: `n < 1`.
        """
        rng = self.rng()
        if self.best is None or len(self.trials) < self.starts or not self._variation.open:
            return fresh(self.problem, rng, n, self.known)
        if self.centre is None:
            kicked = self.best.point
            return fresh(self.problem, rng, n, self.known, lambda: self._kicks.mutated(kicked, rng))
        centre, attempts = self.centre, iter(range(1 << 62))
        lines = self._field.around(centre, self.trials)
        slope = self._slope(centre, lines, rng)
        return fresh(
            self.problem,
            rng,
            n,
            self.known,
            lambda: self._proposed(centre, slope, lines, next(attempts), rng),
        )

    def _learn(self, trial: Trial) -> None:
        """Take in one more trial."""
        before, rng = self.centre, self.rng()
        self.best = self._better(trial, self.best)
        self.centre = self._better(trial, before)
        self._since = 0 if self.centre is trial else self._since + self._counts(trial)
        if self.relaxation == "gumbel":
            lines = self._field.around(trial, self.trials)
            self.logits.move(self._slope(trial, lines, rng), lines, self._field.units(trial.point))
        elif self.centre is trial:
            units = self._field.units(trial.point)
            if before is None:
                self.proximal.begin(units)
            else:
                self.proximal.move(self._slope(before, self._field.around(before, self.trials), rng), units)
        if self._since >= self.patience and len(self.trials) >= self.starts:
            self._since = 0
            if self.relaxation == "gumbel":
                self.logits.warm()
            else:
                self.centre = None

    def _proposed(
        self, centre: Trial, slope: Vector, lines: Lines, attempt: int, rng: np.random.Generator
    ) -> Point:
        """One suggestion, perhaps known or against the rules."""
        point, best = centre.point, (self.best or centre).point
        mutants = self.mutants if self.problem.slopes else max(self.mutants, BLIND)
        if not self._numbers or rng.random() < mutants * (attempt > 0):
            return self._variation.mutated(best, rng)
        if self.relaxation == "gumbel":
            units = self.logits.proposed(rng)
        else:
            units = self.proximal.proposed(slope, lines, self._field.units(point), attempt, rng)
        return self._fitted(self._at(point, units), slope, lines, rng)

    def _at(self, point: Point, units: Vector) -> Point:
        """The legal point at coordinates [d]; what has none is that of another point."""
        pairs = zip(self._numbers, units.tolist(), strict=True)
        return {**point, **{parameter.name: parameter.from_unit(u) for parameter, u in pairs}}

    def _fitted(self, child: Point, slope: Vector, lines: Lines, rng: np.random.Generator) -> Point:
        """The point with values moved until it keeps the known limits: the proximal step onto the budget.

        What goes first is what saves most for what it costs of the loss, with some chance in it.
        """
        saved = lines.limits[lines.known].sum(axis=0)
        if not self.problem.known_violations([child])[0] or not saved.any():
            return child
        costs = np.maximum(-slope * np.sign(saved), 0.0)
        worth = np.abs(saved) / (costs + IDLE * costs.max(initial=0.0) + 1e-9)
        worth = worth * np.exp(rng.normal(0.0, 0.5, len(worth))) * (saved != 0)
        units = self._field.units(child)
        for _ in range(SHRINKS):
            steps = 2.0 * np.maximum(cells_of(self._numbers), 1 / 128) * np.sign(saved)
            able = np.where(steps > 0, units - steps > 0, units - steps < 1)
            if not (able & (worth > 0)).any():
                break
            row = int(np.argmax(np.where(able, worth, -1.0)))
            units[row] = min(max(units[row] - steps[row], 0.0), 1.0)
            worth[row] *= 0.7
            child = self._at(child, units)
            if not self.problem.known_violations([child])[0]:
                break
        return child

    def _slope(self, trial: Trial, lines: Lines, rng: np.random.Generator) -> Vector:
        """What to descend along at a trial, [d]; several losses have weights drawn anew."""
        weights = rng.dirichlet(np.ones(len(self.problem.objectives)))
        return downhill(lines, is_feasible=self.problem.feasible(trial), weights=weights)

    def _counts(self, trial: Trial) -> bool:
        """Whether a trial that is no better speaks against going on: one near the centre does."""
        if self.relaxation == "gumbel" or self.centre is None:
            return True
        apart = self._field.units(trial.point) - self._field.units(self.centre.point)
        return bool(np.abs(apart).max(initial=0.0) <= NEAR)

    def _better(self, trial: Trial, holder: Trial | None) -> Trial:
        """The better one; of equals the holder."""
        return trial if holder is None else best_of(self.problem, [holder, trial], 1)[0]
