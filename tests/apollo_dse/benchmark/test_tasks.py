"""The tasks and their exact solutions: solved, reachable, still those of this cost model."""

from dataclasses import replace

import pytest

from accel_models import zoo
from apollo_dse.benchmark import TASKS, StaleError, select, solution, solutions
from apollo_dse.benchmark.solve import KEPT, solve, write
from apollo_dse.benchmark.tasks import GOALS, QUESTIONS
from apollo_dse.trial import Measurement, Trial

QUICK = "eyeriss-resnet18-latency-tight"
NAMES = sorted(TASKS)


def test_solutions_are_those_of_questions_in_their_order():
    assert list(solutions.stored()) == [name for name in QUESTIONS if name in solutions.stored()] == list(TASKS)


def test_names_say_what_is_asked():
    task = TASKS[QUICK]
    problem = task.problem()
    assert [str(objective) for objective in problem.objectives] == ["minimize:latency_s"]
    assert [str(limit) for limit in problem.constraints] == [f"area_mm2<={task.area_mm2}"]
    assert all(limit.known for limit in problem.constraints)
    assert problem.space.parameter("psum_spad_words").cardinality == 1
    assert task.workload in zoo.names()


def test_tasks_are_selected_by_name_and_network():
    assert select() == tuple(TASKS.values())
    assert [task.name for task in select([QUICK])] == [QUICK]
    assert {task.workload for task in select(workload="resnet18")} == {"resnet18"}
    with pytest.raises(ValueError, match=f"did you mean {QUICK!r}"):
        select([QUICK[:-1]])
    with pytest.raises(ValueError, match="did you mean 'resnet18'"):
        select(workload="resnet81")


@pytest.mark.parametrize("name", NAMES)
def test_solutions_obey_their_task(name):
    """Within the budget, in the space; of several objectives no design dominates another."""
    answer, task = solutions.stored()[name], TASKS[name]
    single = len(GOALS[task.goal]) == 1
    assert (len(answer.designs) == 1) if single else (len(answer.designs) > 1)
    assert all(design.measurement.metrics["area_mm2"] <= task.area_mm2 for design in answer.designs)
    assert 0 < answer.evaluated <= answer.points
    assert 0 < answer.fitting < 1
    losses = [[d.measurement.metrics[f"{g}_{u}"] for g, u in UNITS[task.goal]] for d in answer.designs]
    if not single:
        assert losses == sorted(losses)
        assert [last for _, last in losses] == sorted((last for _, last in losses), reverse=True)


UNITS = {
    "latency": [("latency", "s")],
    "edp": [("edp", "js")],
    "latency_area": [("latency", "s"), ("area", "mm2")],
    "edp_area": [("edp", "js"), ("area", "mm2")],
}


def test_a_smaller_budget_is_no_better():
    for name, answer in solutions.stored().items():
        head, _, budget = name.rpartition("-")
        if budget == "tight" and len(answer.designs) == 1 and {f"{head}-loose", f"{head}-medium"} <= set(TASKS):
            goal = TASKS[name].goal
            metric = {"latency": "latency_s", "edp": "edp_js"}[goal]
            values = [
                solutions.stored()[f"{head}-{each}"].designs[0].measurement.metrics[metric]
                for each in ("loose", "medium", "tight")
            ]
            assert values == sorted(values), head


def test_the_optimum_is_the_end_of_the_front():
    """The best by one objective is on the front of two, whatever the two were solved by."""
    for name, answer in solutions.stored().items():
        head = name.replace("_area", "")
        if head != name and head in TASKS:
            assert answer.designs[0].point == solutions.stored()[head].designs[0].point, name


def test_a_solution_is_reached_and_agrees_with_the_cost_model():
    for name in (QUICK, "eyeriss-resnet18-latency_area-loose"):
        task = TASKS[name]
        problem = task.problem()
        answer = solution(task, problem)
        for before, now in zip(
            answer.designs, problem.evaluate([d.point for d in answer.designs]), strict=True
        ):
            assert before.point in problem.space
            assert problem.feasible(Trial(0, before.point, now))
            for metric, value in before.measurement.metrics.items():
                assert now.metrics[metric] == pytest.approx(value, rel=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_solution_is_reached(name):
    task = TASKS[name]
    solution(task, task.problem())


def test_a_part_of_a_task_is_solved_again():
    """Around the optimum: the answer is that of a loop over all points of the part, and that of the whole."""
    best = solutions.stored()[QUICK].designs[0]
    held = {name: best.point[name] for name in ("array_rows", "array_columns", "weight_spad_words")}
    task = replace(
        TASKS[QUICK], family=replace(TASKS[QUICK].family, fixed={**TASKS[QUICK].family.fixed, **held})
    )
    problem = task.problem()
    found = solve(task)
    points = list(problem.space.enumerate())
    trials = [Trial(i, *pair) for i, pair in enumerate(zip(points, problem.evaluate(points), strict=True))]
    assert found.points == found.evaluated == len(points) == 7 * 6
    least = problem.incumbent(trials).measurement.metrics
    assert found.designs[0].measurement.metrics == {name: least[name] for name in KEPT}
    assert found.designs[0].point == best.point
    assert found.designs[0].measurement.metrics["latency_s"] == pytest.approx(
        best.measurement.metrics["latency_s"], rel=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("edge")])
def test_every_task_is_solved_again(name):
    stored, found = solutions.stored()[name], solve(TASKS[name])
    assert found.asked == stored.asked
    assert [design.point for design in found.designs] == [design.point for design in stored.designs]


def test_a_stale_solution_names_the_command_that_renews_it(monkeypatch):
    task = TASKS[QUICK]
    problem = task.problem()
    answer = solutions.stored()[QUICK]
    [best] = answer.designs
    slower = {**best.measurement.metrics, "latency_s": best.measurement.metrics["latency_s"] * (1 + 1e-6)}
    for stored, said in (
        ({}, "has no solution"),
        ({QUICK: replace(answer, asked="another")}, "answers another question"),
        (
            {QUICK: replace(answer, designs=(replace(best, measurement=Measurement(slower)),))},
            "another cost model",
        ),
    ):
        monkeypatch.setattr(solutions, "stored", lambda stored=stored: stored)
        with pytest.raises(StaleError, match=f"{said}.*python -m apollo_dse.benchmark.solve {QUICK}"):
            solution(task, problem)


def test_written_solutions_are_read_back(tmp_path):
    names = (QUICK, "eyeriss-resnet18-latency_area-loose")
    for name in reversed(names):
        write(solutions.stored()[name], name, tmp_path / "solutions.json")
    assert solutions.read(tmp_path / "solutions.json") == {name: solutions.stored()[name] for name in names}
