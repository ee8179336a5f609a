"""Steps go downhill by the problem's own slopes, keep budgets by giving up what costs least, and replay."""

from dataclasses import replace

import numpy as np
import pytest

from apollo_dse.optimizers.gradient.descent import Logits, Proximal, downhill
from apollo_dse.optimizers.gradient.lines import Field, Lines
from apollo_dse.optimizers.gradient.search import Gradient
from apollo_dse.problem import Constraint, Objective, Problem
from apollo_dse.testing import accelerators
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import SearchSpace, canonical

POWERS = tuple(2**i for i in range(8))
SPACE = SearchSpace(
    (
        Ordinal("lanes", POWERS),
        Ordinal("bandwidth", POWERS),
        Ordinal("idle", POWERS),
        Categorical("kind", ("good", "bad")),
    )
)
EXPONENTS = {"lanes": -0.7, "bandwidth": -0.3, "idle": 0.0}
MIDDLE = {"lanes": 8, "bandwidth": 8, "idle": 8, "kind": "bad"}


def cost(point):
    """A power law; area adds up."""
    latency = np.prod([float(point[name]) ** power for name, power in EXPONENTS.items()])
    return Measurement({"latency_s": float(latency) * (1 + (point["kind"] == "bad")), **area(point).metrics})


def area(point):
    return Measurement({"area_mm2": float(sum(point[name] for name in EXPONENTS))})


def problem_of(area_mm2=1e3, metric="latency_s", goal="minimize", **changes):
    """A problem that counts for how many points slopes were asked."""
    asked = []

    def slopes(points):
        asked.extend(points)
        found = []
        for point in points:
            shares = {name: point[name] / area(point).metrics["area_mm2"] for name in EXPONENTS}
            found.append({"latency_s": EXPONENTS, "area_mm2": shares})
        return found

    limits = (Constraint("area_mm2", upper=area_mm2, known=True),)
    return replace(
        Problem(
            space=SPACE,
            objectives=(Objective(metric, goal),),
            evaluate=lambda points: [*map(cost, points)],
            constraints=limits,
            preview=lambda points: [*map(area, points)],
            slopes=slopes,
        ),
        **changes,
    ), asked


def told(problem, *points, **knobs):
    optimizer = Gradient(problem, seed=0, starts=1, **knobs)
    optimizer.tell(
        [Trial(i, *pair) for i, pair in enumerate(zip(points, problem.evaluate(points), strict=True))]
    )
    return optimizer


def studied(problem, rounds, batch=2, **knobs):
    optimizer = Gradient(problem, **{"seed": 0, **knobs})
    for _ in range(rounds):
        points = optimizer.ask(batch)
        start = len(optimizer.trials)
        pairs = zip(points, problem.evaluate(points), strict=True)
        optimizer.tell([Trial(number, *pair) for number, pair in enumerate(pairs, start)])
    return optimizer


@pytest.mark.parametrize(("goal", "sign"), [("minimize", 1), ("maximize", -1)])
def test_the_first_suggestion_is_a_step_along_the_slope(goal, sign):
    problem, _ = problem_of(goal=goal)
    (child,) = told(problem, MIDDLE, rate=0.2).ask(1)
    assert sign * (child["lanes"] - 8) > 0
    assert sign * (child["lanes"] - 8) > sign * (child["bandwidth"] - 8)
    assert (child["idle"], child["kind"]) == (8, "bad")


def test_slopes_are_asked_for_once_a_centre_and_once_a_trial():
    problem, asked = problem_of()
    optimizer = studied(problem, rounds=10)
    texts = [canonical(point) for point in asked]
    assert 0 < len(texts) == len(set(texts)) < len(optimizer.trials) / 2
    problem, asked = problem_of()
    optimizer = studied(problem, rounds=10, relaxation="gumbel")
    assert len(asked) == len(optimizer.trials)


@pytest.mark.parametrize(("relaxation", "most"), [("proximal", 24), ("gumbel", 90)])
def test_it_finds_the_optimum_of_a_power_law_within_a_budget(relaxation, most):
    """The best of 1,024 points of at most 100 mm2 has idle at 1."""
    problem, _ = problem_of(area_mm2=100.0)
    fitting = [point for point in SPACE.enumerate() if not problem.known_violations([point])[0]]
    least = min(cost(point).metrics["latency_s"] for point in fitting)
    needed = []
    for seed in range(5):
        losses = [
            problem.losses(trial)[0]
            for trial in studied(problem, rounds=most // 2, relaxation=relaxation, seed=seed).trials
        ]
        needed.append(losses.index(least) + 1 if least in losses else 10**6)
    assert np.median(needed) <= most, needed


def test_what_a_budget_takes_is_what_costs_least():
    """Lanes grow; what pays for them is what idles, not the bandwidth."""
    problem, _ = problem_of(area_mm2=30.0)
    optimizer = told(problem, {**MIDDLE, "lanes": 8, "bandwidth": 8, "idle": 8})
    lines = optimizer._field.around(optimizer.centre, optimizer.trials)
    slope = downhill(lines, is_feasible=True, weights=np.ones(1))
    for seed in range(20):
        child = optimizer._fitted({**MIDDLE, "lanes": 16}, slope, lines, np.random.default_rng(seed))
        assert problem.known_violations([child]) == [0.0]
        assert (child["lanes"], child["bandwidth"]) == (16, 8)
        assert child["idle"] < 8


def test_the_memory_adds_small_slopes_up():
    """A tenth of a cell a step: the tenth step leaves the cell that the point stays in."""
    memory = Proximal(np.array([0.05, 0.05]), rate=0.1)
    units = np.array([0.55, 0.55])
    memory.begin(units)
    for _ in range(4):
        memory.move(np.array([1.0, 0.1]), units)
    assert memory.memory == pytest.approx([0.5, 0.51])
    memory.move(np.array([0.0, 1.0]), np.array([0.25, 0.55]))
    assert memory.memory == pytest.approx([0.3, 0.5])


def test_a_learnt_limit_ends_a_step_on_its_plane():
    lines = Lines(np.array([[-1.0, 0.0]]), np.array([-0.1]), np.array([[2.0, 1.0]]), np.array([False]))
    memory = Proximal(np.full(2, 0.05), rate=0.4)
    units = np.array([0.5, 0.5])
    memory.begin(units)
    found = memory.proposed(lines.losses[0], lines, units, 0, np.random.default_rng(0))
    assert lines.excesses[0] + lines.limits[0] @ (found - units) == pytest.approx(0.0)
    assert found[0] > 0.5 > found[1]


def test_broken_limits_come_before_losses():
    lines = Lines(
        np.array([[1.0, 0.0]]), np.array([0.3, -0.2]), np.array([[0.0, 2.0], [5.0, 5.0]]), np.zeros(2, bool)
    )
    assert downhill(lines, is_feasible=False, weights=np.ones(1)).tolist() == [0.0, 2.0]
    assert downhill(lines, is_feasible=True, weights=np.ones(1)).tolist() == [1.0, 0.0]


def test_logits_settle_where_the_loss_falls_and_a_price_holds_them_back():
    free, priced = (Logits((Ordinal("a", POWERS), Real("b", 0.0, 1.0))) for _ in range(2))
    units = np.array([0.5, 0.5])
    for _ in range(60):
        none = Lines(np.zeros((1, 2)), np.zeros(0), np.zeros((0, 2)), np.zeros(0, bool))
        limit = Lines(np.zeros((1, 2)), np.zeros(1), np.array([[1.0, 0.0]]), np.zeros(1, bool))
        free.move(np.array([-1.0, 0.5]), none, units)
        priced.move(np.array([-1.0, 0.5]), limit, units)
    assert free.relaxed[0] > 0.85
    assert free.relaxed[1] < 0.2
    assert free.likeliest.tolist() == [7.5 / 8, 0.5 / 16]
    assert priced.relaxed[0] < 0.7
    sharp = max(free.shares[0])
    free.warm()
    assert max(free.shares[0]) < sharp


def test_slopes_per_coordinate_follow_from_elasticities():
    """Values that double from bin to bin: log 2 over the width of a bin; of an interval its own scale."""
    space = SearchSpace((Ordinal("a", POWERS), Real("b", 1.0, 100.0, log=True), Integer("c", -3, 3)))
    limit = replace(problem_of()[0], space=space, constraints=(), objectives=(Objective("latency_s"),))
    slopes = {"latency_s": {"a": -1.0, "b": 2.0, "c": 3.0}}
    field = Field(replace(limit, slopes=lambda points: [slopes for _ in points]), space.parameters)
    lines = field.around(Trial(0, {"a": 8, "b": 10.0, "c": 2}, Measurement({"latency_s": 1.0})), [])
    assert lines.losses[0] == pytest.approx([-8 * np.log(2), 2 * np.log(100), 3 * np.log(3) * 7 / 2], rel=1e-6)


def test_without_slopes_those_of_a_surrogate_are_taken():
    """A quadratic function of the coordinates is learnt exactly, but for the ridge."""
    space = SearchSpace((Real("a", 0.0, 1.0), Real("b", 0.0, 1.0), Categorical("kind", ("x", "y"))))

    def bowl(point):
        a, b = point["a"] - 0.25, point["b"] - 0.5
        return Measurement({"loss": a * a + 2 * b * b + 0.5 * a * b + 0.3 * (point["kind"] == "y") - 0.2})

    problem = Problem(
        space=space, objectives=(Objective("loss"),), evaluate=lambda points: [*map(bowl, points)]
    )
    points = space.sample(np.random.default_rng(0), 200)
    trials = [Trial(i, *pair) for i, pair in enumerate(zip(points, problem.evaluate(points), strict=True))]
    lines = Field(problem, space.parameters[:2]).around(
        Trial(200, {"a": 0.75, "b": 0.5, "kind": "x"}, trials[0].measurement), trials
    )
    assert lines.losses.shape == (1, 2)
    assert lines.losses[0, 1] / lines.losses[0, 0] == pytest.approx(0.25, abs=0.15)
    assert lines.losses[0, 0] > 0


def test_a_metric_without_slopes_is_learnt():
    problem, _ = problem_of(metric="power_w")
    measured = Measurement({"power_w": 1.0, "latency_s": 1.0, "area_mm2": 3.0})
    blind = replace(problem, evaluate=lambda points: [measured for _ in points])
    assert len(studied(blind, rounds=8).trials) == 16


def test_categories_change_although_they_have_no_slopes():
    problem, _ = problem_of()
    assert problem.incumbent(studied(problem, rounds=30).trials).point["kind"] == "good"


@pytest.mark.parametrize("relaxation", ["proximal", "gumbel"])
def test_replay_restores_a_search_with_slopes(relaxation):
    problem, _ = problem_of(area_mm2=60.0)
    optimizer = studied(problem, rounds=20, relaxation=relaxation)
    at_once, one_by_one = (Gradient(problem, **optimizer.settings) for _ in range(2))
    at_once.tell(optimizer.trials)
    for trial in optimizer.trials:
        one_by_one.tell([trial])
    assert at_once.ask(6) == one_by_one.ask(6) == optimizer.ask(6)


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        ({"relaxation": "softmax"}, "`relaxation` must be proximal or gumbel"),
        ({"starts": 0}, "`starts >= 1` and `patience >= 1`"),
        ({"patience": 0}, "`starts >= 1` and `patience >= 1`"),
        ({"rate": 0.0}, "`0 < rate <= 1` and `0 <= mutants <= 1`"),
        ({"mutants": 1.5}, "`0 < rate <= 1` and `0 <= mutants <= 1`"),
    ],
)
def test_knobs_out_of_range(knobs, said):
    with pytest.raises(ValueError, match=said):
        Gradient(accelerators(), seed=0, **knobs)
