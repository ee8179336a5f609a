"""The contracts of optimizers, to be run on anyone's.

Each contract takes the class of an optimizer, as the registry holds it, and raises `AssertionError` when the
optimizer breaks it. Those of `LEARNING` hold for optimizers that claim to learn from trials; uniform random
search does not. All problems are made up (`apollo_dse.testing.problems`).

Example:
    In the tests of a package that brings its own optimizer:

        @pytest.mark.parametrize("contract", [*CONTRACTS, *LEARNING])
        def test_contract(contract):
            {**CONTRACTS, **LEARNING}[contract](Annealing)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from math import inf

import numpy as np

from apollo_dse.optimizer import Optimizer, Optimizers, Pending
from apollo_dse.optimizers.random import Random
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.testing.problems import ACCELERATORS, accelerators, bowl, evaluator, mixed, ruled
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import Point, canonical

Contract = Callable[[Optimizers], None]

BATCH = 8
"""Suggestions a round."""

ROUNDS = 6
"""Rounds that most contracts look on for."""

PAIRS, WINS = 24, 20
"""Statistical contracts: 20 wins or more of 24 fair coins come up with a probability of 0.00077, which is
the chance that an optimizer no better than its rival passes."""


def _rounds(optimizer: Optimizer, problem: Problem, rounds: int = ROUNDS) -> list[Trial]:
    """Trials of some rounds, as a study makes them."""
    return [trial for batch in _batches(optimizer, problem, rounds) for trial in batch]


def _batches(optimizer: Optimizer, problem: Problem, rounds: int) -> Iterator[list[Trial]]:
    number = 0
    for _ in range(rounds):
        batch = _evaluated(problem, optimizer.ask(BATCH), number)
        optimizer.tell(batch)
        number += len(batch)
        yield batch


def _evaluated(problem: Problem, points: Sequence[Point], start: int = 0) -> list[Trial]:
    pairs = zip(points, problem.evaluate(points), strict=True)
    return [Trial(number, *pair) for number, pair in enumerate(pairs, start)]


def _texts(points: Sequence[Point]) -> list[str]:
    return [canonical(point) for point in points]


def _best(problem: Problem, trials: Sequence[Trial]) -> float:
    return min((problem.losses(trial)[0] for trial in trials if problem.feasible(trial)), default=inf)


def suggests_points_of_the_space(make: Optimizers) -> None:
    """`ask(n)` gives `n` points that keep every value and rule, whatever kinds of parameters there are."""
    for problem in (accelerators(), mixed(), accelerators("latency_s", "area_mm2")):
        optimizer = make(problem, seed=1)
        assert isinstance(optimizer, Optimizer), f"{optimizer!r} must have `settings`, `ask` and `tell`"
        for trial in _rounds(optimizer, problem):
            assert trial.point in problem.space, problem.space.violations(trial.point)
        for n in (1, 3, 20):
            assert len(optimizer.ask(n)) == n


def keeps_to_its_seed(make: Optimizers) -> None:
    """The same seed gives the same trials, another seed others, whatever numpy's global state."""
    for problem in (accelerators(), mixed()):
        first, again, other = (_rounds(make(problem, seed=seed), problem) for seed in (1, 1, 2))
        assert first == again, "two runs with seed 1 must be equal"
        assert first != other, "runs with seeds 1 and 2 must differ"


def leaves_trials_alone(make: Optimizers) -> None:
    """No told trial is ever changed, nor the list it came in; compared over whole tell and ask cycles."""
    problem = accelerators()
    optimizer = make(problem, seed=1)
    told: list[Trial] = []
    for _ in range(ROUNDS):
        batch = _evaluated(problem, optimizer.ask(BATCH), len(told))
        told += batch
        snapshot, order = deepcopy(told), list(batch)
        optimizer.tell(batch)
        optimizer.ask(BATCH)
        assert batch == order, "the list of trials must keep its order"
        assert told == snapshot, "trials must not be changed"


def resumes_by_replay(make: Optimizers) -> None:
    """After each batch a twin that is told all trials, at once or one by one, makes the same suggestions.

    The twin's points have their keys in another order, as those of a store have.
    """
    for problem in (accelerators(), mixed()):
        optimizer = make(problem, seed=1)
        told: list[Trial] = []
        for batch in _batches(optimizer, problem, ROUNDS):
            told += batch
            twin, slow = (make(problem, **optimizer.settings) for _ in range(2))
            twin.tell([replace(trial, point=dict(reversed(list(trial.point.items())))) for trial in told])
            for trial in told:
                slow.tell([trial])
            wanted = _texts(optimizer.ask(BATCH))
            assert _texts(optimizer.ask(BATCH)) == wanted, "`ask` must not depend on earlier calls of `ask`"
            assert _texts(twin.ask(BATCH)) == wanted, f"replay of {len(told)} trials must restore the search"
            assert _texts(slow.ask(BATCH)) == wanted, "trials told one by one must count as if told at once"


def suggests_nothing_twice(make: Optimizers) -> None:
    """Every point is new while there is room, own or told by a stranger; in the end `ask` runs dry."""
    problem = ruled()
    optimizer = make(problem, seed=1)
    stranger = _evaluated(problem, Random(problem, seed=7).ask(5))
    optimizer.tell(stranger)
    seen = _texts([trial.point for trial in [*stranger, *_rounds(optimizer, problem)]])
    assert len(seen) == len(set(seen)), "no point must be suggested twice"
    assert len(seen) == 24, f"all 24 points must be suggested in the end, but {len(seen)} were"
    assert list(optimizer.ask(BATCH)) == [], "an exhausted space must give no suggestion"


def heeds_what_is_pending(make: Optimizers) -> None:
    """Points that are being measured are not suggested; once they are not, all is as if they had never been."""
    problem = accelerators()
    optimizer = make(problem, seed=1)
    if not isinstance(optimizer, Pending):
        return
    told = _rounds(optimizer, problem)
    pending = optimizer.ask(BATCH)
    optimizer.pend(pending)
    others = _texts(optimizer.ask(BATCH))
    assert not set(others) & set(_texts(pending)), "no point must be suggested that is pending"
    twin = make(problem, **optimizer.settings)
    twin.tell(told)
    assert _texts(twin.ask(BATCH)) == _texts(pending)
    assert isinstance(twin, Pending)
    twin.pend(pending)
    assert _texts(twin.ask(BATCH)) == others, (
        "`ask` must depend on what is told and pending, and on nothing else"
    )
    twin.pend([])
    assert _texts(twin.ask(BATCH)) == _texts(pending), "what is pending no more must be forgotten"
    more = _evaluated(problem, pending[::-1], len(told))
    unaware = make(problem, **optimizer.settings)
    unaware.tell(told)
    for each in (optimizer, unaware):
        each.tell(more)
    assert _texts(optimizer.ask(BATCH)) == _texts(unaware.ask(BATCH)), "what is learned must not depend on it"
    few = ruled()
    optimizer, most = make(few, seed=1), Random(few, seed=7).ask(20)
    assert isinstance(optimizer, Pending)
    optimizer.pend(most)
    rest = _texts(optimizer.ask(BATCH))
    assert len(set(rest) - set(_texts(most))) == len(rest) == 4, f"the 4 other points must come, but {rest} did"


def spends_no_trial_on_what_is_known(make: Optimizers) -> None:
    """What `preview` knows to fail is suggested last, and all the same rather than nothing."""
    problem = accelerators(known=True)
    for trial in _rounds(make(problem, seed=1), problem):
        assert problem.known_violations([trial.point]) == [0.0], f"{trial.point} is known to be too large"
    hopeless = accelerators(area_mm2=1e-3, known=True)
    assert len(_rounds(make(hopeless, seed=1), hopeless, rounds=3)) == 3 * BATCH
    whole = ruled()
    few = replace(whole, constraints=(Constraint("latency_s", upper=4.0, known=True),), preview=whole.evaluate)
    suggested = [trial.point for trial in _rounds(make(few, seed=1), few)]
    late = [violation > 0 for violation in few.known_violations(suggested)]
    assert late == [False] * 8 + [True] * 16, "the 8 points within the limit must come first, then the others"


def takes_strangers_trials(make: Optimizers) -> None:
    """Trials of anyone are taken in any number, those of points outside the space too (as presets may be)."""
    problem = accelerators()
    outside = {**ACCELERATORS.sample(np.random.default_rng(0), 1)[0], "pe_x": 5}
    optimizer = make(problem, seed=1)
    optimizer.tell([])
    optimizer.tell(_evaluated(problem, [outside, *Random(problem, seed=7).ask(130)]))
    for trial in _rounds(optimizer, problem, rounds=3):
        assert trial.point in problem.space, problem.space.violations(trial.point)


def survives_infeasible_trials(make: Optimizers) -> None:
    """A history without any feasible trial, unmappable or over a limit, is no reason to stop."""
    unmappable = evaluator(lambda point: Measurement(infeasible_because="a tile must fit, but none does"))
    without = Problem(space=ACCELERATORS, objectives=(Objective("latency_s"),), evaluate=unmappable)
    for problem in (without, accelerators(area_mm2=1e-3), accelerators("latency_s", "area_mm2", area_mm2=1e-3)):
        assert len(_rounds(make(problem, seed=1), problem, rounds=12)) == 12 * BATCH


def survives_a_flat_objective(make: Optimizers) -> None:
    """Trials that cannot be told apart are no reason to stop."""
    flat = evaluator(lambda point: Measurement({"latency_s": 1.0, "area_mm2": 1.0}))
    for objectives in (("latency_s",), ("latency_s", "area_mm2")):
        goals = tuple(map(Objective, objectives))
        problem = Problem(space=ACCELERATORS, objectives=goals, evaluate=flat)
        assert len(_rounds(make(problem, seed=1), problem, rounds=12)) == 12 * BATCH


def survives_spaces_of_any_size(make: Optimizers) -> None:
    """One point, one parameter and thirty parameters."""
    point = bowl(Ordinal("a", (3,)), Categorical("b", ("x",)))
    assert [trial.point for trial in _rounds(make(point, seed=1), point, rounds=2)] == [{"a": 3, "b": "x"}]
    for problem, count in (
        (bowl(Integer("a", 1, 50)), 50),
        (bowl(Real("a", 0.0, 1.0)), 12 * BATCH),
        (bowl(*(Ordinal(f"p{i}", (1, 2, 4)) for i in range(30))), 12 * BATCH),
    ):
        assert len(_rounds(make(problem, seed=1), problem, rounds=12)) == count


def refuses_to_suggest_nothing(make: Optimizers) -> None:
    """`ask(0)` and a negative seed are misuse."""
    problem = accelerators()
    for misuse in (lambda: make(problem, seed=1).ask(0), lambda: make(problem, seed=-1)):
        try:
            misuse()
        except ValueError:
            continue
        raise AssertionError("`ask(0)` and `seed=-1` must raise ValueError")


def beats_random(make: Optimizers) -> None:
    """Better best trials than uniform draws after 160 trials, in at least `WINS` of `PAIRS` paired runs."""
    problem = accelerators(area_mm2=20.0)
    _wins(
        lambda seed: (
            _best(problem, _rounds(make(problem, seed=seed), problem, rounds=20)),
            _best(problem, _rounds(Random(problem, seed=1000 + seed), problem, rounds=20)),
        )
    )


def learns_from_strangers(make: Optimizers) -> None:
    """After 128 trials of someone else, 32 suggestions hold a better one than 32 uniform draws."""
    problem = accelerators(area_mm2=50.0)

    def pair(seed: int) -> tuple[float, float]:
        optimizer = make(problem, seed=seed)
        optimizer.tell(_evaluated(problem, Random(problem, seed=2000 + seed).ask(128)))
        uniform = Random(problem, seed=3000 + seed).ask(32)
        return _best(problem, _evaluated(problem, optimizer.ask(32))), _best(
            problem, _evaluated(problem, uniform)
        )

    _wins(pair)


def maximizes_when_asked(make: Optimizers) -> None:
    """Goals are heeded: a metric to be maximized rises beyond that of uniform draws."""
    problem = bowl(*(Ordinal(f"p{i}", (1, 2, 4, 8, 16, 32, 64)) for i in range(8)), goal="maximize")
    _wins(
        lambda seed: (
            _best(problem, _rounds(make(problem, seed=seed), problem, rounds=16)),
            _best(problem, _rounds(Random(problem, seed=1000 + seed), problem, rounds=16)),
        )
    )


def _wins(pair: Callable[[int], tuple[float, float]]) -> None:
    won = sum(ours < theirs for ours, theirs in map(pair, range(PAIRS)))
    assert won >= WINS, f"at least {WINS} of {PAIRS} paired runs must be won, but {won} were"


CONTRACTS: Mapping[str, Contract] = {
    contract.__name__: contract
    for contract in (
        suggests_points_of_the_space,
        keeps_to_its_seed,
        leaves_trials_alone,
        resumes_by_replay,
        suggests_nothing_twice,
        heeds_what_is_pending,
        spends_no_trial_on_what_is_known,
        takes_strangers_trials,
        survives_infeasible_trials,
        survives_a_flat_objective,
        survives_spaces_of_any_size,
        refuses_to_suggest_nothing,
    )
}
"""What every optimizer keeps."""

LEARNING: Mapping[str, Contract] = {
    contract.__name__: contract for contract in (beats_random, learns_from_strangers, maximizes_when_asked)
}
"""What every optimizer keeps that claims to learn from trials."""
