"""Who proposes which trial, and what it earned."""

import numpy as np
import pytest

from apollo_dse.ensemble import Ensemble, Member, best_of, rewards
from apollo_dse.optimizers.random import Random
from apollo_dse.testing import bowl
from apollo_dse.trial import Trial
from search_spaces.parameter import Integer
from search_spaces.space import canonical

LINE = bowl(Integer("a", 0, 100))


def trials_of(*values):
    points = [{"a": a} for a in values]
    return [Trial(i, *pair) for i, pair in enumerate(zip(points, LINE.evaluate(points), strict=True))]


class Counting(Random):
    """Suggests 0, 1, 2, ... whatever it was told."""

    def ask(self, n):
        return [{"a": a} for a in range(n)]


class TestEnsemble:
    def test_owners_come_up_in_proportion_to_their_shares(self):
        shares = np.array([0.5, 0.3, 0.2])
        for seed in range(5):
            owners = [Ensemble(LINE, seed).drawn(shares, number) for number in range(100)]
            assert np.abs(np.bincount(owners) - 100 * shares).max() <= 2
            assert np.abs(np.bincount(owners[:20], minlength=3) - 20 * shares).max() <= 2

    def test_a_small_change_of_shares_changes_few_owners(self):
        ensemble = Ensemble(LINE, 0)
        before, after = (
            [ensemble.drawn(np.array([share, 1 - share]), number) for number in range(100)]
            for share in (0.5, 0.55)
        )
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= 7

    def test_members_propose_different_points_in_the_order_of_owners(self):
        ensemble = Ensemble(LINE, 0)
        ensemble.optimizers = [Counting(LINE, 0), Counting(LINE, 1)]
        points = ensemble.proposed([0, 1, 1, 0])
        assert [point["a"] for point in points] == [0, 2, 3, 1]
        assert len({canonical(point) for point in points}) == 4

    def test_all_members_are_told_all_trials(self):
        ensemble = Ensemble(LINE, 0)
        ensemble.optimizers = [Random(LINE, 0), Random(LINE, 1)]
        ensemble.tell(trials_of(3, 4))
        assert [len(member.trials) for member in ensemble.optimizers] == [2, 2]

    def test_nobody_proposes_nothing(self):
        with pytest.raises(ValueError, match="`n >= 1` must hold, but got n=0"):
            Ensemble(LINE, 0).proposed([])


class TestMember:
    def test_a_name_a_pair_and_back(self):
        assert Member.of("random") == Member("random", {})
        member = Member.of(["evolution", {"population": 8, "tournament": 4}])
        assert Member.of(member.plain) == member

    @pytest.mark.parametrize("given", [7, ["a", "b"], ("a",), [{"a": 1}, "a"]])
    def test_anything_else_is_refused(self, given):
        with pytest.raises(ValueError, match="a member must be a name"):
            Member.of(given)

    def test_places_have_streams_of_their_own(self):
        first, second = (Member("random", {}).made(Random, LINE, 3, place) for place in range(2))
        assert first.seed != second.seed
        assert first.seed == Member("random", {}).made(Random, LINE, 3, 0).seed


class TestRewards:
    def test_by_hand(self):
        """Of an elite of four, 52 beats all, 59 is beaten by two; who had no trial earns nothing."""
        elite = trials_of(53, 45, 60, 70)
        batch = trials_of(90, 52, 59, 100)
        assert rewards(LINE, elite, batch, [0, 0, 1, 1], 3).tolist() == [1.0, -0.5, 0.0]

    def test_as_good_as_the_best_is_not_better(self):
        assert rewards(LINE, trials_of(53), trials_of(53), [0], 1).tolist() == [0.0]

    def test_the_first_round_earns_nothing(self):
        assert rewards(LINE, [], trials_of(53), [0], 2).tolist() == [0.0, 0.0]


def test_the_best_come_first():
    assert [trial.point["a"] for trial in best_of(LINE, trials_of(10, 52, 49, 90), 3)] == [49, 52, 10]
    assert best_of(LINE, []) == []
