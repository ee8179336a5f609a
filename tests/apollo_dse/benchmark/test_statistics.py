"""Statistics of comparisons, against numbers worked out by hand and against scipy."""

from math import inf

import numpy as np
import pytest
from scipy.stats import rankdata

from apollo_dse.benchmark.statistics import (
    holm,
    mean_ranks,
    quantile,
    quantiles,
    regret_curve,
    sign_test,
    standing,
    trials_to,
    win_matrix,
)


def test_regret_is_the_share_above_the_optimum_of_the_best_so_far():
    curve = regret_curve([inf, 30.0, 40.0, 22.0, 20.0, 25.0], 20.0)
    assert curve.tolist() == [inf, 0.5, 0.5, pytest.approx(0.1), 0.0, 0.0]


def test_regret_of_negative_losses_is_a_share_too():
    assert regret_curve([-40.0, -50.0], -50.0).tolist() == [pytest.approx(0.2), 0.0]


def test_rounding_is_no_regret_and_more_is_a_defect():
    assert regret_curve([20.0 * (1 - 1e-9)], 20.0).tolist() == [0.0]
    with pytest.raises(ValueError, match=r"below the optimum 20.0, but one is 19.9"):
        regret_curve([30.0, 19.9], 20.0)
    with pytest.raises(ValueError, match="must not be 0"):
        regret_curve([1.0], 0.0)


def test_trials_to_a_target_count_from_one():
    curve = np.array([inf, 0.5, 0.04, 0.0])
    assert [trials_to(curve, target) for target in (0.5, 0.05, 0.01, -1.0)] == [2, 3, 4, inf]


def test_quantiles_are_runs_and_infinities_are_no_trouble():
    values = [3.0, inf, 1.0, 2.0, inf]
    assert [quantile(values, share) for share in (0.0, 0.2, 0.21, 0.5, 0.6, 0.61, 1.0)] == [
        1.0,
        1.0,
        2.0,
        3.0,
        3.0,
        inf,
        inf,
    ]
    assert quantile(range(20), 0.1) == 1
    assert quantile(range(100), 0.55) == 54  # 0.55 * 100 is a little more than 55 in floating point


def test_quantiles_agree_with_numpy_where_all_is_finite():
    curves = np.random.default_rng(0).random((23, 7))
    shares = (0.1, 0.25, 0.5, 0.75, 0.9)
    expected = np.quantile(curves, shares, axis=0, method="inverted_cdf")
    assert np.array_equal(quantiles(curves, shares), expected)
    with pytest.raises(ValueError, match="at least one run"):
        quantiles(curves[:0], shares)


def test_equal_ends_are_ranked_by_who_was_there_first():
    early, late = np.array([0.5, 0.1, 0.1]), np.array([0.9, 0.2, 0.1])
    assert standing(early) == (0.1, 2)
    assert standing(early) < standing(late) < standing(np.array([0.1, 0.1, 0.11]))


def test_mean_ranks_agree_with_scipy():
    rng = np.random.default_rng(1)
    runs = rng.integers(0, 3, size=(4, 50))  # many ties
    standings = {name: [(float(value), 1.0) for value in row] for name, row in zip("abcd", runs, strict=True)}
    expected = rankdata(runs, axis=0).mean(axis=1)
    assert list(mean_ranks(standings).values()) == pytest.approx(expected.tolist())


def test_the_sign_test_is_that_of_fair_coins():
    assert sign_test(5, 0) == pytest.approx(2 / 32)
    assert sign_test(4, 1) == pytest.approx(2 * (1 + 5) / 32)
    assert sign_test(3, 3) == 1.0
    assert sign_test(0, 0) == 1.0


def test_holm_by_hand():
    """Sorted: 0.005 x 4, 0.01 x 3, 0.03 x 2, 0.04 x 1 raised to what stands before it."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_win_matrix_counts_pairs_and_adjusts_for_all_of_them():
    best = [(0.0, float(seed)) for seed in range(10)]
    worst = [(1.0, 1.0)] * 10
    mixed = [(0.0, float(seed)) for seed in range(8)] + [(0.5, 1.0)] * 2
    matrix = win_matrix({"best": best, "worst": worst, "mixed": mixed})
    assert (matrix["best"]["mixed"].wins, matrix["best"]["mixed"].ties) == (2, 8)
    assert (matrix["mixed"]["best"].losses, matrix["mixed"]["best"].wins) == (2, 0)
    assert matrix["best"]["worst"].p_value == pytest.approx(3 * 2 / 1024)
    assert matrix["worst"]["mixed"].p_value == pytest.approx(2 * 2 / 1024 * 1.5)
    assert matrix["best"]["mixed"].p_value == pytest.approx(0.5)
    assert matrix["best"]["worst"].significant
    assert not matrix["best"]["mixed"].significant


def test_of_the_same_optimizer_a_false_alarm_is_rare():
    """Four alike on 10 tasks of 5 seeds: alarms are as rare as promised."""
    rng = np.random.default_rng(2)
    alarms = 0
    for _ in range(200):
        standings = {name: [(float(value), 1.0) for value in rng.random(50)] for name in "abcd"}
        alarms += any(duel.significant for row in win_matrix(standings).values() for duel in row.values())
    assert alarms <= 20  # 10 are expected at most; more than 20 with a probability below 0.002
