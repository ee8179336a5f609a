"""The document: complete, in agreement with the study, and honest where there is little to say."""

import json
from dataclasses import fields, replace

import pytest

from apollo_dse.report import ReportData, build_report, pricing, to_json
from apollo_dse.report.document import SCHEMA, SCHEMA_VERSION
from apollo_dse.report.hardware import hardware
from apollo_dse.report.summary import structure
from apollo_dse.trial import Measurement, Trial
from search_spaces.hardware.edge import EDGE
from tests.apollo_dse.report_example import ONE_LAYER, TINY, problem, random_trials, report_of, said

TRIALS = 120
FEW = 39
"""Too few for a forest, which takes seconds."""


@pytest.fixture(scope="module")
def report() -> ReportData:
    return report_of(TRIALS)


@pytest.fixture(scope="module")
def document(report):
    return json.loads(to_json(report))


def test_document_names_its_schema_and_has_every_part(document):
    assert (document["schema"], document["schema_version"]) == (SCHEMA, SCHEMA_VERSION)
    assert set(document) == {"schema", "schema_version"} | {field.name for field in fields(ReportData)}


def test_columns_have_a_value_per_trial(document):
    table = document["trials"]
    columns = [table["number"], table["reason"], table["loss"]]
    columns += [*table["parameters"].values(), *table["metrics"].values()]
    assert {len(column) for column in columns} == {TRIALS}
    assert list(table["parameters"]) == list(EDGE.space.names)


def test_listed_parameters_are_stored_by_index(document):
    asked = problem()
    trials = random_trials(asked, TRIALS)
    for parameter in document["parameters"]:
        column = document["trials"]["parameters"][parameter["name"]]
        assert [parameter["values"][i] for i in column] == [t.point[parameter["name"]] for t in trials]


def test_unmeasured_metrics_are_null_and_their_reason_is_there(document):
    table = document["trials"]
    unmeasured = [row for row, value in enumerate(table["metrics"]["latency_s"]) if value is None]
    assert unmeasured
    assert all(document["reasons"][table["reason"][row]]["kind"] == "unbuildable" for row in unmeasured)


def test_reasons_count_every_infeasible_trial_once(report):
    assert sum(reason.count for reason in report.reasons) == report.study.trials - report.study.feasible
    for place, reason in enumerate(report.reasons):
        assert reason.count == report.trials.reason.count(place)


def test_recommendation_is_the_incumbent(report):
    asked = problem()
    incumbent = asked.incumbent(random_trials(asked, TRIALS))
    assert report.recommendation.number == incumbent.number
    assert report.recommendation.feasible
    assert report.top[0] == report.recommendation.row


def test_convergence_improves_and_ends_at_the_recommendation(report):
    (curve,) = report.convergence
    assert list(curve.values) == sorted(curve.values, reverse=True)
    assert curve.rows[-1] == report.recommendation.row


def test_front_is_what_no_feasible_trial_dominates(report):
    area, latency = report.trials.metrics["area_mm2"], report.trials.metrics["latency_s"]
    feasible = [row for row, reason in enumerate(report.trials.reason) if reason is None]
    points = [(area[row], latency[row]) for row in feasible]
    expected = {p for p in points if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)}
    assert {(area[row], latency[row]) for row in report.front.rows} == expected
    assert (report.front.x.metric, report.front.y.metric) == ("area_mm2", "latency_s")


def test_layers_add_up_to_the_workload(report):
    (cost,) = report.workloads
    assert sum(layer.total_latency_s for layer in cost.layers) == pytest.approx(cost.latency_s)
    assert sum(layer.total_energy_j for layer in cost.layers) == pytest.approx(cost.energy_j)
    assert sum(share for _, share in cost.bounds) == pytest.approx(1.0)
    assert cost.latency_s == pytest.approx(report.trials.metrics["latency_s"][report.recommendation.row])


def test_no_layer_lies_above_its_roofline(report):
    (cost,) = report.workloads
    placed = [layer for layer in cost.layers if layer.ops_per_s is not None]
    assert [layer.name for layer in placed] == [layer.name for layer in TINY.layers]
    for layer in placed:
        roof = min(cost.roofline.peak_ops_per_s, layer.ops_per_byte * cost.roofline.bytes_per_s)
        assert layer.ops_per_s <= roof * (1 + 1e-9)


def test_hardware_is_the_recommended_point(report):
    point = {
        p.name: p.values[report.trials.parameters[p.name][report.recommendation.row]] for p in report.parameters
    }
    accelerator = EDGE.build(point)
    assert report.hardware.mac_units == accelerator.num_macs
    assert report.hardware.area_mm2 == pytest.approx(accelerator.total_area_mm2)
    assert report.hardware.levels[0].fanout == (("pe_x", point["pe_x"]), ("pe_y", point["pe_y"]))
    assert [level.child for level in report.hardware.levels] == ["PE", "core", "lane", "MAC"]


def test_equal_studies_give_equal_documents(report):
    again = build_report(problem(), random_trials(problem(), TRIALS), said(), pricing(EDGE, (TINY,)))
    assert to_json(again) == to_json(report)


def test_document_has_no_nan_and_rounds(report):
    text = to_json(replace(report, study=replace(report.study, seconds=float("nan"))))
    assert json.loads(text)["study"]["seconds"] is None
    assert "NaN" not in text


def test_words_name_the_binding_limit():
    report = report_of(FEW)
    row = report.recommendation.row
    tight = report.trials.metrics["area_mm2"][row] * 1.001
    bound = report_of(FEW, limits=(f"area<={tight!r}",))
    assert bound.recommendation.binding == 0
    assert any("binds" in sentence and "Area" in sentence for sentence in bound.summary.sentences)


def test_no_trials_yet():
    report = report_of(0)
    assert report.recommendation is None
    assert report.summary.headline.startswith("No trials yet")
    assert json.loads(to_json(report))["trials"]["number"] == []


def test_one_trial():
    asked = problem(limits=())
    trial = next(t for t in random_trials(asked, 30) if t.measurement.is_feasible)
    alone = Trial(0, trial.point, trial.measurement)
    report = build_report(asked, [alone], said(), pricing(EDGE, (TINY,)))
    assert report.recommendation.row == 0
    assert all(item.verdict == "missing" for item in report.importance)
    assert "No limits were set." in report.summary.sentences


def test_single_layer():
    report = report_of(FEW, workloads=(ONE_LAYER,))
    (cost,) = report.workloads
    assert [layer.name for layer in cost.layers] == ["only"]
    assert not any("slowest" in sentence for sentence in report.summary.sentences)


def test_infeasible_incumbent_is_called_so():
    report = report_of(FEW, limits=("area<=0.01",))
    assert report.study.feasible == 0
    assert not report.recommendation.feasible
    assert "No trial keeps the limits" in report.summary.headline
    assert "must not be built" in report.summary.sentences[0]
    area = report.trials.metrics["area_mm2"]
    assert area[report.recommendation.row] == min(value for value in area if value is not None)
    assert report.top == ()


def test_nothing_could_be_built():
    asked = problem()
    because = "the die must fit the reticle, but needs 1000 mm2"
    points = [trial.point for trial in random_trials(asked, 5)]
    trials = [Trial(i, p, Measurement(infeasible_because=because)) for i, p in enumerate(points)]
    report = build_report(asked, trials, said(), pricing(EDGE, (TINY,)))
    assert report.recommendation is None
    assert report.hardware is None
    assert [(r.text, r.count) for r in report.reasons] == [("the die must fit the reticle", 5)]
    assert "None of 5 trials" in report.summary.headline


def test_several_objectives_recommend_a_member_of_the_front():
    objectives = ("latency", "energy")
    report = report_of(FEW, objectives=objectives)
    asked = problem(objectives)
    front = {trial.number for trial in asked.pareto_front(random_trials(asked, FEW))}
    assert report.recommendation.number in front
    assert {report.trials.number[row] for row in report.front.rows} == front
    assert [curve.metric for curve in report.convergence] == ["latency_s", "energy_j"]


def test_several_workloads_each_have_their_layers():
    report = report_of(FEW, workloads=(TINY, ONE_LAYER))
    assert [cost.name for cost in report.workloads] == ["tiny", "one"]
    assert any("geometric means over 2 workloads" in sentence for sentence in report.summary.sentences)
    assert "latency_s:one" in report.trials.metrics


def test_without_pricing_there_is_no_hardware():
    asked = problem()
    report = build_report(asked, random_trials(asked, FEW), said())
    assert report.hardware is None
    assert report.workloads == ()
    assert report.summary.headline.startswith("Choose trial")


def test_many_kinds_of_reasons_are_gathered():
    asked = problem()
    points = [trial.point for trial in random_trials(asked, FEW)]
    trials = [
        Trial(i, p, Measurement(infeasible_because=f"rule {chr(65 + i % 30)} must hold, but it does not"))
        for i, p in enumerate(points)
    ]
    report = build_report(asked, trials, said())
    assert report.reasons[-1].text == "other reasons"
    assert sum(reason.count for reason in report.reasons) == FEW
    assert max(report.trials.reason) == len(report.reasons) - 1


def test_reasons_that_differ_in_names_and_numbers_alone_are_one_kind():
    asked = problem()
    points = [trial.point for trial in random_trials(asked, FEW)]
    trials = [
        Trial(i, p, Measurement(infeasible_because=f"layer 'conv{i}' needs {i / 7} times the module's 15 W"))
        for i, p in enumerate(points)
    ]
    (reason,) = build_report(asked, trials, said()).reasons
    assert reason.count == FEW
    assert reason.text == "layer … needs … times the module's … W"
    assert reason.example == "layer 'conv0' needs 0.0 times the module's 15 W"


def test_trade_off_is_against_the_tightest_limit():
    report = report_of(FEW, limits=("area<=800", "power<=15"))
    rooms = {use.metric: use.slack / use.bound for use in report.recommendation.limits}
    assert report.front.x.metric == min(rooms, key=rooms.get)


def test_a_model_that_changed_since_is_told():
    asked = problem()
    trials = [
        replace(t, measurement=Measurement({**t.measurement.metrics, "latency_s": 1e-9 * (1 + t.number)}))
        if t.measurement.is_feasible
        else t
        for t in random_trials(asked, FEW)
    ]
    changed = build_report(asked, trials, said(), pricing(EDGE, (TINY,)))
    assert any("priced anew" in sentence for sentence in changed.summary.sentences)
    assert not any("priced anew" in sentence for sentence in report_of(FEW).summary.sentences)


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((8, 4, 2, 16), "8 × 4 PEs, each of 2 cores of 16 lanes of 4 MACs"),
        ((1, 1, 1, 16), "1 × 1 PE of 1 core of 16 lanes, each of 4 MACs"),
        ((1, 1, 32, 16), "1 × 1 PE of 32 cores, each of 16 lanes of 4 MACs"),
    ],
)
def test_structure_in_words(sizes, words):
    point = {**EDGE.presets["edge-tpu-v1"], **dict(zip(("pe_x", "pe_y", "cores", "lanes"), sizes, strict=True))}
    assert structure(hardware(EDGE.build(point))) == words
