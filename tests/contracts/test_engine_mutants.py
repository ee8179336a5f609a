"""The contracts of engines are tested too: each of these engines breaks one, and a named contract says so."""

from contextlib import closing

import pytest

from apollo_dse.evaluators.engine import Spread
from apollo_dse.evaluators.isolated import Isolated, Lost
from apollo_dse.evaluators.wrapping import Wrapping
from apollo_dse.testing.engines import CONTRACTS, ISOLATING
from apollo_dse.trial import Measurement

pytestmark = pytest.mark.slow


class GivesThemAsTheyEnd(Spread):
    def stream(self, points, stop):
        for _, measured in self.flow(points, stop):
            yield measured


class MeasuresTwice(Spread):
    def _outcomes(self, points):
        super()._outcomes(points)
        return super()._outcomes(points)


class IsNeverStopped(Spread):
    def stream(self, points, stop):
        return super().stream(points, lambda: False)


class LeavesWhatItBegan(Spread):
    def stream(self, points, stop):
        with closing(super().stream(points, stop)) as measurements:
            for measured in measurements:
                yield measured
                if stop():
                    return


class WaitsWhenClosed(Spread):
    def _outcomes(self, points):
        from apollo_dse.evaluators.cancelling import cancelled

        cancelled.set(lambda: False)
        return super()._outcomes(points)


class DrawsAllAtOnce(Spread):
    def flow(self, points, stop):
        return super().flow(list(points), stop)


class MixesUpPoints(Spread):
    def flow(self, points, stop):
        drawn = []

        def noted():
            for point in points:
                drawn.append(point)
                yield point

        for place, (_, measured) in enumerate(super().flow(noted(), stop)):
            yield drawn[place], measured


class KeepsReasonsToItself(Spread):
    def _outcomes(self, points):
        return [Measurement.failed("it did") if each.has_failed else each for each in super()._outcomes(points)]


class TakesNanForInfeasible(Spread):
    def _outcomes(self, points):
        return [
            Measurement(infeasible_because="nan") if each.has_failed and "finite" in str(each) else each
            for each in super()._outcomes(points)
        ]


class AnswersByPlace(Spread):
    def _outcomes(self, points):
        if self.workers < 3:
            return super()._outcomes(points)
        return [Measurement({"loss": each.metrics["loss"] + 1.0}) for each in super()._outcomes(points)]


class SwallowsErrors(Spread):
    def _outcomes(self, points):
        found = super()._outcomes(points)
        return [Measurement.failed(str(each)) if isinstance(each, Exception) else each for each in found]


class LosesTheWholeCall(Isolated):
    def __call__(self, points):
        try:
            return self._asked(points)
        except Lost as lost:
            return [Measurement.failed(str(lost))] * len(points)


class RetriesInSilence(Isolated):
    def _alone(self, points):
        found = super()._alone(points)
        return super()._alone(points) if found[0].has_failed else found


class TakesAnything(Isolated):
    def __init__(self, evaluator):
        Wrapping.__init__(self, evaluator)


MUTANTS = {
    AnswersByPlace: "measures_the_same_trials",
    GivesThemAsTheyEnd: "keeps_the_order",
    MeasuresTwice: "measures_nothing_twice",
    KeepsReasonsToItself: "says_how_a_program_failed",
    TakesNanForInfeasible: "says_how_a_program_failed",
    IsNeverStopped: "finishes_what_it_began_when_stopped",
    LeavesWhatItBegan: "finishes_what_it_began_when_stopped",
    WaitsWhenClosed: "breaks_off_when_closed",
    DrawsAllAtOnce: "gives_a_point_to_whoever_is_free",
    MixesUpPoints: "gives_a_point_to_whoever_is_free",
    LosesTheWholeCall: "a_lost_process_is_one_failed_run",
    RetriesInSilence: "a_hang_ends_at_its_timeout",
    SwallowsErrors: "raises_what_the_evaluator_raises",
    TakesAnything: "refuses_what_cannot_travel",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.__name__)
def test_mutant_is_killed(mutant):
    def around(evaluator, workers=1, chunk=1):
        if issubclass(mutant, Isolated):
            return Spread(mutant(evaluator), workers, chunk)
        waits = getattr(evaluator, "waits", False)
        return mutant(evaluator if waits else Isolated(evaluator), workers, chunk)

    contract = {**CONTRACTS, **ISOLATING}[MUTANTS[mutant]]
    with pytest.raises(AssertionError):
        contract(around)


def test_every_contract_has_a_mutant():
    assert set(MUTANTS.values()) == {*CONTRACTS, *ISOLATING}
