"""The contracts are tested too: each of these optimizers breaks one law, and a named contract says so."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from apollo_dse.optimizers.evolution import Evolution
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Objective
from apollo_dse.testing.optimizers import CONTRACTS, LEARNING
from apollo_dse.trial import Measurement, Trial


class LeavesTheSpace(Evolution):
    def ask(self, n):
        return [{**point, **({"pe_x": 5} if "pe_x" in point else {})} for point in super().ask(n)]


class LeavesTheSpaceWhenItLearns(Evolution):
    def ask(self, n):
        points = super().ask(n)
        if len(self.trials) < self.population:
            return points
        return [{name: value * 2 for name, value in point.items()} for point in points]


class SuggestsTooFew(Random):
    def ask(self, n):
        return super().ask(n)[: max(1, n - 1)]


class IgnoresTheSeed(Evolution):
    def rng(self):
        return np.random.default_rng()


class HasOneSeed(Random):
    def rng(self):
        return np.random.default_rng([0, len(self.trials)])


class UsesTheGlobalSeed(Random):
    def rng(self):
        return np.random.default_rng(np.random.randint(2**31))


class EditsATrialWhenTold(Evolution):
    def tell(self, trials):
        super().tell(trials)
        for trial in trials:
            trial.point["pe_x"] = 1


class EditsATrialWhenAsked(Evolution):
    def ask(self, n):
        points = super().ask(n)
        if self.trials:
            self.trials[-1].point.update(points[0])
        return points


class EditsMetrics(Evolution):
    def tell(self, trials):
        super().tell(trials)
        for trial in trials:
            if trial.measurement.metrics:
                trial.measurement.metrics["latency_s"] = 0.0


class SortsTheCallersList(Evolution):
    def tell(self, trials):
        super().tell(trials)
        trials.sort(key=lambda trial: str(trial.point))


class KeepsARandomStream(Random):
    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self._stream = np.random.default_rng(seed)

    def rng(self):
        return self._stream


class CountsItsAsks(Random):
    asks = 0

    def rng(self):
        self.asks += 1
        return np.random.default_rng([self.seed, self.asks])


class CountsItsTells(Evolution):
    tells = 0

    def tell(self, trials):
        super().tell(trials)
        self.tells += 1

    def rng(self):
        return np.random.default_rng([self.seed, self.tells])


class HidesAKnob(Evolution):
    def __init__(self, problem, seed, crossover=None):
        super().__init__(problem, seed, crossover=1.0 if crossover is None else crossover)

    @property
    def settings(self):
        return {"seed": self.seed, "crossover": 0.0}


class FollowsTheOrderOfKeys(Evolution):
    def _child(self, points, ranks, rng):
        child, name = super()._child(points, ranks, rng), rng.choice(list(points[0]))
        return {**child, str(name): points[0][str(name)]}


class RepeatsAPoint(Random):
    def ask(self, n):
        points = list(super().ask(n))
        return [points[0], *points[:-1]] if points else points


class ForgetsStrangers(Evolution):
    def tell(self, trials):
        super().tell(trials)
        self.known = set(list(self.known)[-4:])


class StopsShort(Random):
    def ask(self, n):
        return super().ask(n) if len(self.known) < 20 else []


class IgnoresWhatIsPending(Random):
    def pend(self, points):
        pass


class KeepsWhatWasPending(Evolution):
    def pend(self, points):
        super().pend([*self.pending.values(), *points])


class LearnsFromWhatIsPending(Evolution):
    ever = 0

    def pend(self, points):
        super().pend(points)
        self.ever = max(self.ever, len(points))

    def tell(self, trials):
        super().tell([*trials, *trials[: self.ever]])


class IgnoresWhatItIsTold(Evolution):
    def tell(self, trials):
        blank = Measurement(
            {objective.metric: 1.0 for objective in self.problem.objectives} | {"area_mm2": 0.0}
        )
        super().tell([Trial(trial.number, trial.point, blank) for trial in trials])


class LearnsFromItselfOnly(Evolution):
    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.own = set()

    def ask(self, n):
        whole = self.trials
        self.trials = [trial for trial in whole if str(trial.point) in self.own]
        points = super().ask(n)
        self.own |= {str(point) for point in points}
        self.trials = whole
        return points


class MinimizesAlways(Evolution):
    def __init__(self, problem, seed):
        super().__init__(problem, seed)
        self.problem = copy(problem)
        goals = tuple(Objective(objective.metric) for objective in problem.objectives)
        object.__setattr__(self.problem, "objectives", goals)


class CrashesOnInfeasible(Evolution):
    def tell(self, trials):
        super().tell(trials)
        for trial in trials:
            self.problem.losses(trial)


class CrashesWithoutAFeasibleTrial(Evolution):
    def ask(self, n):
        if len(self.trials) >= self.population:
            min(self.problem.losses(trial) for trial in self.trials if self.problem.feasible(trial))
        return super().ask(n)


class DividesByTheSpread(Evolution):
    def ask(self, n):
        losses = {self.problem.losses(trial)[0] for trial in self.trials if self.problem.feasible(trial)}
        if len(losses) > 0:
            1.0 / (max(losses) - min(losses) if len(self.trials) > self.population else 1.0)
        return super().ask(n)


class NeedsTwoParameters(Evolution):
    def _child(self, points, ranks, rng):
        rng.choice(len(self.variation.open), size=2, replace=False)
        return super()._child(points, ranks, rng)


class TakesOnlyItsOwnSpace(Evolution):
    def tell(self, trials):
        self.problem.space.to_unit([trial.point for trial in trials])
        super().tell(trials)


class SpendsTrialsOnWhatIsKnown(Random):
    def __init__(self, problem, seed):
        super().__init__(replace(problem, preview=None), seed)


class AnswersNothingToNothing(Random):
    def ask(self, n):
        return super().ask(n) if n else []


MUTANTS = {
    LeavesTheSpace: "suggests_points_of_the_space",
    LeavesTheSpaceWhenItLearns: "suggests_points_of_the_space",
    SuggestsTooFew: "suggests_points_of_the_space",
    IgnoresTheSeed: "keeps_to_its_seed",
    HasOneSeed: "keeps_to_its_seed",
    UsesTheGlobalSeed: "keeps_to_its_seed",
    EditsATrialWhenTold: "leaves_trials_alone",
    EditsATrialWhenAsked: "leaves_trials_alone",
    EditsMetrics: "leaves_trials_alone",
    SortsTheCallersList: "leaves_trials_alone",
    KeepsARandomStream: "resumes_by_replay",
    CountsItsAsks: "resumes_by_replay",
    CountsItsTells: "resumes_by_replay",
    HidesAKnob: "resumes_by_replay",
    FollowsTheOrderOfKeys: "resumes_by_replay",
    RepeatsAPoint: "suggests_nothing_twice",
    ForgetsStrangers: "suggests_nothing_twice",
    StopsShort: "suggests_nothing_twice",
    IgnoresWhatIsPending: "heeds_what_is_pending",
    KeepsWhatWasPending: "heeds_what_is_pending",
    LearnsFromWhatIsPending: "heeds_what_is_pending",
    SpendsTrialsOnWhatIsKnown: "spends_no_trial_on_what_is_known",
    TakesOnlyItsOwnSpace: "takes_strangers_trials",
    CrashesOnInfeasible: "survives_infeasible_trials",
    CrashesWithoutAFeasibleTrial: "survives_infeasible_trials",
    DividesByTheSpread: "survives_a_flat_objective",
    NeedsTwoParameters: "survives_spaces_of_any_size",
    AnswersNothingToNothing: "refuses_to_suggest_nothing",
    Random: "beats_random",
    IgnoresWhatItIsTold: "beats_random",
    LearnsFromItselfOnly: "learns_from_strangers",
    MinimizesAlways: "maximizes_when_asked",
}


CRASHING = {  # these do not give a wrong answer, but none
    TakesOnlyItsOwnSpace: ValueError,
    CrashesOnInfeasible: ValueError,
    CrashesWithoutAFeasibleTrial: ValueError,
    DividesByTheSpread: ZeroDivisionError,
    NeedsTwoParameters: ValueError,
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutant_is_killed(mutant):
    with pytest.raises(CRASHING.get(mutant, AssertionError)):
        {**CONTRACTS, **LEARNING}[MUTANTS[mutant]](mutant)


def test_every_contract_kills_a_mutant():
    assert set(MUTANTS.values()) == {*CONTRACTS, *LEARNING}
