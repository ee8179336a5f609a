"""The front door: what it takes, what comes out, and that the parts agree with one another."""

import subprocess
import sys
from math import isclose

import pytest
import torch
from torch import nn

import apollo_dse
from accel_models import Layer, Workload, workload_io, zoo
from accel_models.cost import CostModel
from accel_models.templates.edge import build_edge
from apollo_dse import recommend
from apollo_dse.problem import Constraint, Objective
from apollo_dse.recommendation import NothingFeasible, as_workload
from apollo_dse.storage import Store
from search_spaces import DesignSpace, Ordinal, SearchSpace, get

TINY = Workload(
    name="tiny", layers=(Layer(name="conv", k=8, c=4, p=8, q=8, r=3, s=3), Layer(name="fc", k=16, c=32))
)


@pytest.fixture(scope="module")
def found():
    return recommend(TINY, constraints=["area_mm2<=20", "power<=2W"], trials=24)


def test_the_parts_belong_to_one_design(found):
    assert found.accelerator == build_edge(found.point)
    incumbent = found.study.incumbent
    assert found.point == incumbent.point
    assert isclose(found.cost.latency_s, incumbent.measurement.metrics["latency_s"])
    assert found.cost.area_mm2 <= 20
    assert found.cost.power_w <= 2
    assert found.workload is TINY
    assert found.mappings == CostModel().mappings(found.accelerator, TINY)
    assert len(found.study.trials) == 24


def test_mappings_are_of_the_layers(found):
    levels = tuple(level.name for level in found.accelerator.levels)
    for layer, mapping in zip(TINY.layers, found.mappings, strict=True):
        assert mapping.cycles(layer) >= layer.macs / found.accelerator.num_macs
        assert mapping.describe(layer, levels).startswith("dram ")


def test_the_summary_names_the_design_and_every_parameter(found):
    text = found.summary()
    assert text.startswith("Build ")
    for parameter in get("edge").space.parameters:
        assert f"{parameter.name} " in text
        assert parameter.format(found.point[parameter.name]) in text


def test_the_report_and_the_notebook_show_the_same_sentences(found, tmp_path):
    page = found.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert found.data.summary.headline in page
    assert found._repr_html_().startswith(f"<h3>{found.data.summary.headline}</h3>")


def test_a_binding_limit_is_named():
    """Power is not known beforehand, so that the same 24 designs are drawn under each limit."""
    free = recommend(TINY, objective="maximize:utilization", trials=24).cost.power_w
    tight = recommend(TINY, objective="maximize:utilization", constraints=[f"power<={1.01 * free}"], trials=24)
    assert [each.constraint.metric for each in tight.binding] == ["power_w"]
    loose = recommend(TINY, objective="maximize:utilization", constraints=[f"power<={100 * free}"], trials=24)
    assert loose.binding == ()


def test_same_seed_same_answer_and_a_store_keeps_it(found, tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        kept = recommend(TINY, constraints=["area_mm2<=20", "power<=2W"], trials=24, store=store, name="kept")
        assert kept.point == found.point
        assert [trial.point for trial in kept.study.trials] == [trial.point for trial in found.study.trials]
        again = recommend(TINY, constraints=["area_mm2<=20", "power<=2W"], trials=24, store=store, name="kept")
        assert again.point == found.point
    assert recommend(TINY, trials=16, seed=1).study.trials != found.study.trials[:16]


def test_a_torch_module_goes_in_as_it_is():
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    found = recommend(module, torch.zeros(1, 3, 8, 8), trials=16)
    assert found.workload.macs == 8 * 3 * 9 * 36 + 8 * 36 * 10
    with pytest.raises(ValueError, match="`example_inputs`"):
        recommend(module)


def test_networks_are_taken_by_name_and_by_file(tmp_path):
    workload_io.save(TINY, tmp_path / "tiny.json")
    assert as_workload(tmp_path / "tiny.json") == as_workload(str(tmp_path / "tiny.json")) == TINY
    assert as_workload("rnnt_decoder") == zoo.workload("rnnt_decoder")
    with pytest.raises(ValueError, match="did you mean 'resnet18'"):
        as_workload("resnet8")
    with pytest.raises(OSError, match="missing"):
        as_workload(tmp_path / "missing.json")


def test_records_are_taken_where_texts_are():
    texts = recommend(TINY, constraints=["area<=20"], objective="energy", trials=16)
    limits, goal = [Constraint("area_mm2", upper=20.0, known=True)], Objective("energy_j")
    assert recommend(TINY, constraints=limits, objective=goal, trials=16).point == texts.point


def test_a_space_made_in_python_is_searched():
    point = {"pe_memory_bytes": 2**20, "core_memory_bytes": 2**15, "cores": 4, "lanes": 32, "pe_y": 2}
    point |= {"activation_memory_entries": 1024, "instruction_memory_entries": 16384}
    point |= {"parameter_memory_entries": 8192, "io_bandwidth_gb_per_s": 20}
    space = SearchSpace(
        (Ordinal("pe_x", (1, 2, 4)), *(Ordinal(name, (value,)) for name, value in point.items()))
    )
    mine = DesignSpace("mine", space, build_edge, "a test")
    found = recommend(TINY, space=mine, trials=10)
    assert len(found.study.trials) == 3, "the space has no more"
    assert found.point["pe_x"] in (1, 2, 4)
    assert "mine" in found.data.study.space


def test_one_limit_needs_no_list():
    again = recommend(TINY, constraints="area_mm2<=20", trials=8)
    assert [str(limit) for limit in again.question.constraints] == ["area_mm2<=20.0"]


def test_what_is_no_model_is_refused():
    with pytest.raises(ValueError, match=r"a model must be a torch module, .* but got 3"):
        recommend(3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"trials": 0}, "trials=0"),
        ({"trials": "5"}, "trials='5'"),
        ({"objective": ["latency"]}, "must be one text or Objective"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"objective": "latncy"}, "did you mean 'latency'"),
        ({"constraints": ["area=20"]}, "METRIC <= NUMBER"),
        ({"space": "egde"}, "did you mean 'edge'"),
        ({"optimizer": "evolutoin"}, "did you mean 'evolution'"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_wrong_arguments_are_refused_with_the_rule(wrong, said):
    with pytest.raises(ValueError, match=said):
        recommend(TINY, **{"trials": 4, **wrong})


def test_nothing_feasible_raises_with_the_reasons_counted():
    with pytest.raises(NothingFeasible, match=r"times latency_s<=1e-09"):
        recommend(TINY, constraints=["latency<=1ns"], trials=8)


def test_the_package_offers_recommend_without_loading_torch():
    assert apollo_dse.recommend is recommend
    assert {"recommend", "Recommendation"} <= set(dir(apollo_dse))
    with pytest.raises(AttributeError, match="no attribute 'recomend'"):
        _ = apollo_dse.recomend
    script = "import sys, apollo_dse; apollo_dse.recommend; sys.exit('torch' in sys.modules)"
    assert subprocess.run((sys.executable, "-c", script), check=False).returncode == 0
