"""The contracts of evaluators are tested too: each of these breaks one law, and a named contract says so."""

from itertools import count

import numpy as np
import pytest

from apollo_dse.testing.evaluators import CONTRACTS, Case
from apollo_dse.trial import Measurement
from search_spaces.space import canonical

POINTS = tuple({"x": x, "y": y} for x, y in ((4, 3), (1, 9), (8, 1), (2, 2)))
_numbers = count()


class Right:
    """Keeps all contracts: a sum, and no metrics where x is 8."""

    metrics = ("cycles", "area_mm2")

    def __init__(self, factor=10):
        self.factor = factor
        self.fingerprint = f"sum of {factor}"

    def __call__(self, points):
        return [self.measured(point) for point in points]

    def measured(self, point):
        if point["x"] == 8:
            return Measurement(infeasible_because="`x < 8` must hold, but x=8")
        return Measurement({"cycles": float(self.factor * point["x"] + point["y"]), **self.area(point)})

    def area(self, point):
        return {"area_mm2": float(point["x"])}

    def preview(self, points):
        return [
            Measurement(self.area(point)) if point["x"] != 8 else Measurement(infeasible_because="8")
            for point in points
        ]


class LacksAMetric(Right):
    metrics = (*Right.metrics, "energy_j")


class HasAnotherMetric(Right):
    metrics = Right.metrics[:1]


class NamesAMetricTwice(Right):
    metrics = ("cycles", "cycles", "area_mm2")


class AnswersTooLittle(Right):
    def __call__(self, points):
        return super().__call__(points)[: max(1, len(points) - 1)] if points else []


class AnswersWithNumbers(Right):
    def __call__(self, points):
        return [self.factor * point["x"] for point in points]


class SortsItsAnswers(Right):
    def __call__(self, points):
        return super().__call__(sorted(points, key=canonical))


class MeasuresEachOnce(Right):
    def __call__(self, points):
        return super().__call__(
            [dict(each) for each in dict.fromkeys(tuple(point.items()) for point in points)]
        )


class DependsOnTheBatch(Right):
    def __call__(self, points):
        return [
            each if not each.is_feasible else Measurement({**each.metrics, "cycles": float(len(points))})
            for each in super().__call__(points)
        ]


class TakesListsOnly(Right):
    def __call__(self, points):
        return super().__call__(points if isinstance(points, list) else points[:1])


class IsRandom(Right):
    def measured(self, point):
        return Measurement({"cycles": float(next(_numbers)), **self.area(point)})


class GetsTired(Right):
    calls = 0

    def __call__(self, points):
        self.calls += 1
        return [Measurement({"cycles": float(self.calls), **self.area(point)}) for point in points]


class DependsOnItsMaking(Right):
    def __init__(self, factor=10):
        super().__init__(factor)
        self.factor = next(_numbers)


class ReadsTheOrderOfKeys(Right):
    def measured(self, point):
        first, second = point.values()
        return super().measured({"x": first, "y": second})


class WantsInts(Right):
    def measured(self, point):
        if not isinstance(point["x"], int):
            return Measurement(infeasible_because="`x` must be a whole number")
        return super().measured(point)


class TellsNumpyApart(Right):
    def measured(self, point):
        more = isinstance(point["x"], np.generic)
        return super().measured({**point, "y": point["y"] + more})


class EditsAPoint(Right):
    def measured(self, point):
        found = super().measured(point)
        point["y"] = 0
        return found


class EmptiesTheList(Right):
    def __call__(self, points):
        found = super().__call__(points)
        if isinstance(points, list):
            points.sort(key=canonical)
        return found


class MakesSomethingOfNothing(Right):
    def __call__(self, points):
        return super().__call__(points or POINTS[:1])


class FailsOnNothing(Right):
    def __call__(self, points):
        assert points
        return super().__call__(points)


class HasAFingerprintEach(Right):
    def __init__(self, factor=10):
        super().__init__(factor)
        self.fingerprint = f"sum {next(_numbers)} of {factor}"


class CountsInItsFingerprint(GetsTired):
    @property
    def fingerprint(self):
        return f"sum of {self.factor} after {self.calls}"

    @fingerprint.setter
    def fingerprint(self, text):
        pass


class HasABlankFingerprint(Right):
    def __init__(self, factor=10):
        super().__init__(factor)
        self.fingerprint = " "


class ForgetsItsFactor(Right):
    def __init__(self, factor=10):
        super().__init__(factor)
        self.fingerprint = "sum"


class BreaksLines(Right):
    def measured(self, point):
        found = super().measured(point)
        return found if found.is_feasible else Measurement(infeasible_because="too\nlarge")


class ForetellsTooMuch(Right):
    def preview(self, points):
        return [Measurement(infeasible_because="never")] * len(points)


class ForetellsAnotherArea(Right):
    def preview(self, points):
        return [Measurement({"area_mm2": 1.5})] * len(points)


class PreviewsTooLittle(Right):
    def preview(self, points):
        return super().preview(points)[:1]


class CannotBePickled(Right):
    def __init__(self, factor=10):
        super().__init__(factor)
        self.cost = lambda point: point


class LosesItsFactor(Right):
    def __setstate__(self, state):
        self.__dict__.update(state, factor=1)


MUTANTS = {
    LacksAMetric: "has_what_it_promises",
    HasAnotherMetric: "has_what_it_promises",
    NamesAMetricTwice: "has_what_it_promises",
    AnswersTooLittle: "has_what_it_promises",
    AnswersWithNumbers: "has_what_it_promises",
    SortsItsAnswers: "keeps_the_order",
    DependsOnTheBatch: "keeps_the_order",
    TakesListsOnly: "keeps_the_order",
    MeasuresEachOnce: "measures_a_point_always_alike",
    IsRandom: "measures_a_point_always_alike",
    GetsTired: "measures_a_point_always_alike",
    DependsOnItsMaking: "measures_a_point_always_alike",
    ReadsTheOrderOfKeys: "measures_the_point_not_its_type",
    WantsInts: "measures_the_point_not_its_type",
    TellsNumpyApart: "measures_the_point_not_its_type",
    EditsAPoint: "leaves_points_alone",
    EmptiesTheList: "leaves_points_alone",
    MakesSomethingOfNothing: "measures_nothing_of_nothing",
    FailsOnNothing: "measures_nothing_of_nothing",
    HasAFingerprintEach: "has_one_fingerprint",
    CountsInItsFingerprint: "has_one_fingerprint",
    HasABlankFingerprint: "has_one_fingerprint",
    ForgetsItsFactor: "tells_what_measures_otherwise",
    BreaksLines: "gives_reasons",
    ForetellsTooMuch: "previews_what_it_measures",
    ForetellsAnotherArea: "previews_what_it_measures",
    PreviewsTooLittle: "previews_what_it_measures",
    CannotBePickled: "survives_pickling",
    LosesItsFactor: "survives_pickling",
}


def case(kind):
    return Case(kind, tuple(dict(point) for point in POINTS), (lambda: kind(11),))


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_right_one_keeps_all(contract):
    CONTRACTS[contract](case(Right))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_wrong_one_breaks_its_contract(mutant):
    with pytest.raises(Exception, match=r"(?s).*") as caught:
        CONTRACTS[MUTANTS[mutant]](case(mutant))
    assert not isinstance(caught.value, KeyError)


def test_every_contract_catches_a_mutant():
    assert set(MUTANTS.values()) == set(CONTRACTS)
