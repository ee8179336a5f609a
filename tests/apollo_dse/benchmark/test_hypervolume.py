"""Missing hypervolume, against areas worked out by hand."""

from math import inf, log

import pytest

from apollo_dse.benchmark.hypervolume import MARGIN, missing_volume

FRONT = [(1.0, 4.0), (2.0, 2.0), (4.0, 1.0)]


def test_of_two_losses_by_hand():
    """In logarithms to base 2, bounds at 2 + m: corners (2 + m, m), (1 + m, 1 + m), (m, 2 + m)."""
    m = log(MARGIN) / log(2)
    whole = (2 + m) * m + (1 + m) * 1 + m * 1
    found = missing_volume([(8.0, 8.0), (2.0, 2.0), (inf, inf), (2.0, 3.0), (1.0, 4.0), (4.0, 1.0)], FRONT)
    middle = (1 + m) ** 2
    two = middle + m * 1
    assert found.tolist() == pytest.approx(
        [1.0, 1 - middle / whole, 1 - middle / whole, 1 - middle / whole, 1 - two / whole, 0.0]
    )


def test_units_do_not_matter():
    trials = [(3.0, 2.5), (1.0, 4.0)]
    scaled = [(1e-3 * a, 60 * b) for a, b in trials], [(1e-3 * a, 60 * b) for a, b in FRONT]
    assert missing_volume(trials, FRONT).tolist() == pytest.approx(missing_volume(*scaled).tolist())


def test_a_front_of_one_design_can_be_found():
    assert missing_volume([(3.0, 3.0), (2.0, 2.0)], [(2.0, 2.0)]).tolist() == [1.0, 0.0]


def test_more_than_the_front_is_a_defect():
    with pytest.raises(ValueError, match="more hypervolume than the front"):
        missing_volume([(1.0, 1.0)], FRONT)
