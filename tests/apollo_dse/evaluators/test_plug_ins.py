"""Evaluators of third parties: found by name, asked through a `Question`, believed in what they measure."""

import json
import sys

import pytest

from accel_models import Layer, Workload
from apollo_dse import evaluators
from apollo_dse.cli import main
from apollo_dse.evaluators.area import with_area
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.storage import Store
from apollo_dse.study import Study
from apollo_dse.trial import Measurement
from search_spaces import get

TINY = Workload(name="tiny", layers=(Layer(name="fc", k=16, c=32),))
STRANGER = """
from apollo_dse.trial import Measurement

class Stranger:
    metrics = ("cycles", "frames_per_s")

    def __init__(self, design_space, workloads):
        self.fingerprint = f"stranger {design_space.name} {[each.name for each in workloads]}"

    def __call__(self, points):
        return [self._measured(point) for point in points]

    def _measured(self, point):
        if point["pe_x"] == 1:
            return Measurement(infeasible_because="`pe_x > 1` must hold, but pe_x=1")
        cycles = 1e6 / (point["pe_x"] * point["pe_y"])
        return Measurement({"cycles": cycles, "frames_per_s": 1e9 / cycles})

class Measuring(Stranger):
    metrics = ("area_mm2",)

    def _measured(self, point):
        return Measurement({"area_mm2": 1.0 / point["pe_x"]})
"""
SPACE = """
template: none
parameters:
  pe_x: {kind: ordinal, values: [1, 2, 4]}
  pe_y: {kind: ordinal, values: [1, 2, 4]}
"""


@pytest.fixture(autouse=True)
def stranger(tmp_path, monkeypatch):
    """A distribution with two evaluators, and a working folder with a space without template."""
    (tmp_path / "stranger.py").write_text(STRANGER)
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    names = "stranger = stranger:Stranger\nmeasuring = stranger:Measuring\n"
    (info / "entry_points.txt").write_text(f"[apollo_dse.evaluators]\n{names}")
    (tmp_path / "grid.yaml").write_text(SPACE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)
    yield
    sys.modules.pop("stranger", None)


def question(evaluator="stranger", space="edge", constraints=(), metric="cycles"):
    return Question(
        space=space,
        workloads=(TINY,),
        objectives=(Objective(metric),),
        constraints=tuple(Constraint.parse(text, "any") for text in constraints),
        evaluator=evaluator,
        optimizer="random",
        batch=4,
    )


def test_names_are_the_built_in_one_and_third_parties():
    assert evaluators.names() == ("analytical", "scalesim", "zigzag", "timeloop", "stranger", "measuring")
    with pytest.raises(ValueError, match="did you mean 'stranger'"):
        evaluators.get("strangr")


def test_area_that_the_simulator_does_not_measure_is_the_templates_and_known_beforehand():
    problem = question(constraints=["area<=20mm2"]).problem()
    (limit,) = problem.constraints
    assert limit.known
    points = problem.space.sample(__import__("numpy").random.default_rng(0), 64)
    areas = [get("edge").build(point).total_area_mm2 for point in points]
    assert [bool(each) for each in problem.known_violations(points)] == [area > 20.0 for area in areas]
    measured = problem.evaluate(points)
    assert [each.metrics["area_mm2"] for each in measured if each.is_feasible] == [
        area for area, each in zip(areas, measured, strict=True) if each.is_feasible
    ]
    assert not all(each.is_feasible for each in measured), "whether a design runs is the simulator's to say"


def test_area_that_the_simulator_measures_is_not_filtered_by_the_template():
    problem = question("measuring", constraints=["area<=0.1mm2"], metric="area_mm2").problem()
    large = {parameter.name: parameter.values[-1] for parameter in problem.space.parameters}
    assert get("edge").build(large).total_area_mm2 > 100
    assert problem.preview is None
    assert [limit.known for limit in problem.constraints] == [False]
    assert problem.known_violations([large]) == [0.0]
    assert problem.evaluate([large]) == [Measurement({"area_mm2": 1 / 32})]


def test_without_a_limit_on_area_nothing_is_added():
    problem = question().problem()
    assert (problem.preview, problem.evaluate.metrics) == (None, ("cycles", "frames_per_s"))


def test_a_preview_of_its_own_is_joined_with_the_area():
    class Knowing:
        metrics, fingerprint = ("cycles",), "knowing"

        def __call__(self, points):
            return [Measurement({"cycles": 1.0}) for _ in points]

        def preview(self, points):
            return [Measurement(infeasible_because="never")] + [Measurement({"cycles": 1.0})] * (
                len(points) - 1
            )

    edge = get("edge")
    preset = edge.presets["edge-tpu-v1"]
    never, known = with_area(Knowing(), edge).preview([preset, preset])
    assert never == Measurement(infeasible_because="never")
    assert known == Measurement({"cycles": 1.0, "area_mm2": edge.build(preset).total_area_mm2})


def test_metrics_that_it_has_not_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="one of cycles, frames_per_s, but got 'cycle'; did you mean 'cycles'"):
        question(metric="cycle").problem()


def test_a_study_with_it_is_stored_resumed_listed_and_reported(capsys):
    words = [
        "explore",
        "--evaluator",
        "stranger",
        "--space",
        "grid.yaml",
        "--objective",
        "maximize:frames_per_s",
    ]
    words += ["--constraint", "cycles>=100000", "--optimizer", "random", "--study", "s", "--batch", "4"]
    assert main([*words, "--trials", "5", "--json"]) == 0
    capsys.readouterr()
    assert main(["explore", "--study", "s", "--resume", "--trials", "9", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trials"], found["feasible"], found["workloads"]) == (9, 5, [])
    assert found["best"]["metrics"] == {"cycles": 125000.0, "frames_per_s": 8000.0}
    assert found["reasons"] == {"`pe_x > 1` must hold": 3, "cycles>=100000.0": 1}
    assert main(["studies", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["studies"]
    assert (row["feasible"], row["constraints"]) == (5, ["cycles>=100000.0"])
    assert main(["report", "s", "--json"]) == 0
    page = json.loads(capsys.readouterr().out)
    assert page["summary"]["headline"].startswith("Choose trial ")
    assert (page["hardware"], page["workloads"]) == (None, [])
    with Store(read_only=True) as store:
        asked = Question.stored(store.header("s"))
        assert asked.evaluator == "stranger"
        trials = [record.trial for record in store.records("s")]
    alone = Study(asked.problem(), asked.study().optimizer, batch=4)
    alone.run(9)
    assert list(alone.trials) == trials


def test_the_built_in_model_has_no_template_to_price(capsys):
    words = ["explore", "--workload", "resnet18", "--space", "grid.yaml", "--trials", "4"]
    assert main(words) == 2
    assert "without a template must be given an evaluator of one's own" in capsys.readouterr().err


def test_the_built_in_model_needs_a_workload(capsys):
    assert main(["explore", "--evaluator", "analytical"]) == 2
    assert "--workload must be given" in capsys.readouterr().err
    assert main(["explore", "--evaluator", "stranjer", "--objective", "cycles"]) == 2
    assert "did you mean 'stranger'?" in capsys.readouterr().err
