"""A question survives its study's header, and says itself what layers are mapped for."""

from dataclasses import replace

import pytest

from accel_models import Layer, Workload
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.storage import Header, Store
from search_spaces import get

TINY = Workload(name="tiny", layers=(Layer(name="fc", k=16, c=32),))
QUESTION = Question(space="edge", workloads=(TINY,), objectives=(Objective("latency_s"),))


@pytest.mark.parametrize(
    ("metrics", "goal"),
    [
        (("latency_s",), "latency"),
        (("energy_j", "area_mm2"), "energy"),
        (("edp_js",), "edp"),
        (("latency_s", "energy_j"), "edp"),
        (("area_mm2", "latency_s:tiny"), "latency"),
        (("area_mm2",), "latency"),
        (("steady_energy_j",), "energy"),
    ],
)
def test_layers_are_mapped_for_what_is_asked(metrics, goal):
    assert replace(QUESTION, objectives=tuple(map(Objective, metrics))).mapped_for == goal


def test_what_layers_are_mapped_for_can_be_said():
    assert replace(QUESTION, minimize="edp").mapped_for == "edp"


def test_a_stored_study_gives_its_question_back(tmp_path):
    asked = replace(
        QUESTION,
        objectives=(Objective("latency_s"), Objective("utilization", "maximize")),
        constraints=(Constraint.parse("area<=20mm2"), Constraint.parse("utilization>=1%")),
        optimizer="random",
        seed=7,
        batch=4,
    )
    with Store(tmp_path / "store.sqlite") as store:
        study = asked.search(4, store, "s")
        again = Question.stored(store.header("s"))
        assert again.workloads == asked.workloads
        assert again.objectives == asked.objectives
        assert again.constraints == asked.constraints
        assert (again.space, again.optimizer, again.seed, again.batch) == ("edge", "random", 7, 4)
        assert again.mapped_for == asked.mapped_for
        resumed = again.search(8, store, "s")
        assert resumed.trials[:4] == study.trials


def test_a_question_without_workload_or_objective_is_refused():
    with pytest.raises(ValueError, match="must have workloads, or networks to choose from, but it has neither"):
        replace(QUESTION, workloads=())
    with pytest.raises(ValueError, match="at least one objective"):
        replace(QUESTION, objectives=())


def test_a_space_made_in_python_cannot_be_found_again():
    made = replace(QUESTION, space=get("edge"))
    assert made.design_space is get("edge")
    header = Header("s", "2026-01-01T00:00:00+00:00", {}, made.about())
    with pytest.raises(ValueError, match="on a named space"):
        Question.stored(header)


def test_a_study_of_another_program_has_no_question():
    with pytest.raises(ValueError, match="its header is about nothing"):
        Question.stored(Header("s", "2026-01-01T00:00:00+00:00", {}, {}))


def test_the_steady_state_is_priced_where_it_is_asked_for():
    assert not QUESTION.problem().evaluate.steady
    limited = replace(QUESTION, constraints=(Constraint.parse("steady_energy<=1mJ"),))
    assert limited.problem().evaluate.steady


def test_problems_of_the_edge_template_have_slopes():
    edge, systolic = (replace(QUESTION, space=space).problem() for space in ("edge", "systolic"))
    assert systolic.slopes is None
    (slopes,) = edge.slopes([get("edge").presets["edge-tpu-v1"]])
    assert slopes["area_mm2"]["pe_x"] > 0 > slopes["latency_s"]["io_bandwidth_gb_per_s"]
