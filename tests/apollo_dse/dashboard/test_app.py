"""Routes: what they answer of stores, while those are written, and that nothing is changed or given away."""

import sqlite3
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from apollo_dse.codesign.networks import Networks
from apollo_dse.dashboard.app import build_app
from apollo_dse.dashboard.html import page
from apollo_dse.dashboard.shelf import Shelf
from apollo_dse.problem import Objective
from apollo_dse.question import COLD
from apollo_dse.storage import Header, Record, Store, StoreError
from apollo_dse.trial import Measurement, Trial
from tests.apollo_dse.dashboard.asgi import request
from tests.apollo_dse.dashboard.examples import QUESTION, begin, extend, made_up
from tests.apollo_dse.report_example import problem, random_trials

MADE_UP = list(made_up(60))
LIMITED = problem(("latency", "energy"), ("area<=40",))
FEW = 39
"""Too few for a forest, which takes seconds."""


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "store.sqlite"
    begin(found)
    extend(found, MADE_UP[:FEW])
    return found


@pytest.fixture
def app(path):
    return build_app(Shelf(path))


def sentence(answer):
    return answer.json["error"]


@pytest.mark.parametrize("target", ["/", "/studies/demo", "/studies/%3Cscript%3E", "/compare?study=a&study=b"])
def test_one_page_for_every_view_that_names_nothing(app, target):
    answer = request(app, target, accept_encoding="gzip")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.body.decode() == page()[0]


def test_the_policy_lets_the_page_ask_this_server_alone(app):
    policy = request(app, "/").headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert policy.endswith("; connect-src 'self'; frame-ancestors 'none'")


def test_the_list_counts_trials_and_knows_the_time(app, path):
    begin(path, "empty", replace(QUESTION, optimizer="evolution"))
    answer = request(app, "/api/studies").json
    assert answer["store"] == str(path)
    demo, empty = answer["studies"]
    assert (demo["name"], demo["trials"], demo["workloads"], demo["optimizer"]) == (
        "demo",
        FEW,
        ["tiny"],
        "random",
    )
    assert demo["created"] <= demo["extended"] <= answer["now"]
    assert (empty["trials"], empty["extended"]) == (0, None)


def test_a_document_grows_with_its_study_and_is_sent_once(app, path):
    first = request(app, "/api/studies/demo")
    assert first.json["schema"] == "apollo-dse.report"
    assert first.json["study"]["trials"] == len(first.json["trials"]["number"]) == FEW
    again = request(app, "/api/studies/demo", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    extend(path, MADE_UP[FEW:])
    grown = request(app, "/api/studies/demo", if_none_match=first.headers["etag"])
    assert grown.status == 200
    assert grown.json["study"]["trials"] == 60
    assert grown.headers["etag"] != first.headers["etag"]
    assert request(app, "/api/studies/demo", "HEAD").headers["etag"] == grown.headers["etag"]


def test_a_store_that_is_being_written_is_read(app, path):
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("DELETE FROM trials")
    assert request(app, "/api/studies/demo").json["study"]["trials"] == FEW
    writer.execute("ROLLBACK")
    writer.close()


def test_a_study_in_place_of_another_one_is_shown_anew(app, path):
    assert request(app, "/api/studies/demo").json["study"]["trials"] == FEW
    with sqlite3.connect(path) as writer:
        writer.execute("DELETE FROM trials WHERE number >= 10")
    writer.close()
    assert request(app, "/api/studies/demo").json["study"]["trials"] == 10


def test_nothing_is_written(app, path):
    before = path.read_bytes()
    for target in ("", "/demo", "/demo/outline", "/demo/tally?p.pe_x=1,2", "/demo/insight", "/demo/trials/0"):
        assert request(app, f"/api/studies{target}").status == 200
    assert path.read_bytes() == before


def test_a_design_has_its_layers_and_says_how_it_stands(path):
    begin(path, "real")
    trials = random_trials(problem(("latency", "energy"), ("area<=40",)), 20)
    extend(path, [Record(trial, 0, 0.1, "random") for trial in trials], "real")
    app = build_app(Shelf(path))
    document = request(app, "/api/studies/real").json
    recommended = document["recommendation"]["number"]
    assert document["hardware"] is None
    for number in (recommended, document["trials"]["number"][document["front"]["rows"][0]]):
        design = request(app, f"/api/studies/real/trials/{number}").json
        assert design["number"] == number
        assert design["point"] == trials[number].point
        assert design["metrics"].keys() == trials[number].measurement.metrics.keys()
        assert [layer["name"] for layer in design["workloads"][0]["layers"]][:2] == ["stem", "depthwise"]
        assert design["hardware"]["mac_units"] > 0
        assert design["recommendation"]["limits"][0]["metric"] == "area_mm2"
        opening = "Build " if number == recommended else f"Trial {number} is "
        assert design["summary"]["headline"].startswith(opening)
    assert request(app, "/api/studies/real").json["hardware"] is not None, "priced by now"


def test_a_refused_trial_has_its_reason(app):
    refused = next(each.trial for each in MADE_UP if not each.trial.measurement.is_feasible)
    design = request(app, f"/api/studies/demo/trials/{refused.number}").json
    assert design["hardware"] is None
    assert design["recommendation"] is None
    assert design["summary"]["headline"] == f"Trial {refused.number} could not be built or mapped."
    assert design["summary"]["sentences"] == [refused.measurement.infeasible_because]


def test_an_outline_in_a_plane_of_its_own_or_of_others(app):
    own = request(app, "/api/studies/demo/outline").json
    assert (own["front"]["x"]["metric"], own["front"]["y"]["metric"]) == ("energy_j", "latency_s")
    assert own["last"] == FEW - 1
    other = request(app, "/api/studies/demo/outline?x=area_mm2&y=power_w").json["front"]
    assert other["xs"] == sorted(other["xs"])
    assert other["ys"] == sorted(other["ys"], reverse=True)
    assert MADE_UP[other["numbers"][0]].trial.measurement.metrics["area_mm2"] == pytest.approx(other["xs"][0])


def test_a_tally_counts_the_designs_inside_all_ranges(app, path):
    areas = sorted(t.trial.measurement.metrics.get("area_mm2", 0.0) for t in MADE_UP)
    document = request(app, "/api/studies/demo").json
    values = next(each["values"] for each in document["parameters"] if each["name"] == "pe_x")
    low, high = values[2], values[5]

    def counted(records):
        within = [
            each.trial
            for each in records
            if low <= each.trial.point["pe_x"] <= high
            and each.trial.measurement.metrics.get("area_mm2", -1.0) >= areas[20]
        ]
        good = [trial.measurement.metrics["latency_s"] for trial in within if LIMITED.feasible(trial)]
        return {"trials": len(records), "inside": len(within), "feasible": len(good), "best": min(good)}

    target = f"/api/studies/demo/tally?p.pe_x=1.65,5.35&m.area_mm2={areas[20] * (1 - 1e-9)},1e9"
    found = request(app, target).json
    assert found == {**counted(MADE_UP[:FEW]), "best": pytest.approx(found["best"])}
    assert found["best"] == pytest.approx(counted(MADE_UP[:FEW])["best"], rel=1e-6)
    assert 0 < found["feasible"] < found["inside"] < FEW
    extend(path, MADE_UP[FEW:])
    assert request(app, target).json["inside"] == counted(MADE_UP)["inside"] > found["inside"]


def test_the_ends_of_an_axis_are_inside_of_it(app):
    column = request(app, "/api/studies/demo").json["trials"]["metrics"]["latency_s"]
    ends = f"{min(filter(None, column))!r},{max(filter(None, column))!r}"
    measured = sum(value is not None for value in column)
    assert request(app, f"/api/studies/demo/tally?m.latency_s={ends}").json["inside"] == measured
    assert request(app, "/api/studies/demo/tally").json["inside"] == FEW
    nothing = request(app, "/api/studies/demo/tally?p.pe_x=3,2").json
    assert nothing == {"trials": FEW, "inside": 0, "feasible": 0, "best": None}


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("p.pe_x=1", 409, "a range must be two numbers `LOW,HIGH`, but got '1'"),
        ("p.pe_x=nan,2", 409, "the ends of a range must be numbers"),
        ("p.pe_x=1,2,3", 409, "a range must be two numbers"),
        ("p.pe_w=1,2", 404, "there is no parameter 'pe_w'; there are pe_x, "),
        ("m.beauty=1,2", 404, "an axis must be `p.PARAMETER` or `m.METRIC`, but got 'm.beauty'"),
        ("latency_s=1,2", 404, "an axis must be `p.PARAMETER` or `m.METRIC`, but got 'latency_s'"),
    ],
)
def test_a_tally_of_no_range_is_refused(app, query, status, said):
    answer = request(app, f"/api/studies/demo/tally?{query}")
    assert answer.status == status
    assert said in sentence(answer)


def test_insight_says_what_it_lacks(app):
    found = request(app, "/api/studies/demo/insight").json
    assert [each["verdict"] for each in found["importance"]] == ["missing"] * 3
    assert found["sources"] == []


def test_a_search_without_priors_stands_beside_its_transfer(tmp_path):
    path = tmp_path / "store.sqlite"
    warm = replace(QUESTION, method="warm_start", sources=("study:gone",))
    with Store(path) as store:
        about, asked = warm.about(), QUESTION.study(name="w").header.asked
        asked = {**asked, "optimizer": {"name": "warm_start", "seed": 0}}
        for name in ("w", f"w{COLD}"):
            store.create(Header(name, "2026-01-01T00:00:00+00:00", asked, about))
            store.append(name, MADE_UP[: 20 if name == "w" else 30])
    app = build_app(Shelf(path))
    document = request(app, "/api/studies/w").json
    assert document["study"]["optimizer"] == "warm_start"
    assert [curve["metric"] for curve in document["cold"]] == ["latency_s", "energy_j"]
    assert request(app, "/api/studies/w/insight").json["sources"] == [], "its prior is gone, and nothing else"


def test_a_network_chosen_along_is_drawn(tmp_path):
    path = tmp_path / "store.sqlite"
    both = replace(QUESTION, workloads=(), networks=Networks("mobile", "table:no.csv"), constraints=())
    parameters = {parameter.name: repr(parameter) for parameter in both.search_space.parameters}
    asked = {**QUESTION.study(name="both").header.asked, "parameters": parameters, "constraints": []}
    (point,) = both.search_space.sample(np.random.default_rng(0), 1)
    trial = Trial(0, point, Measurement({"latency_s": 1.0, "energy_j": 2.0}))
    with Store(path) as store:
        store.create(Header("both", "2026-01-01T00:00:00+00:00", asked, both.about()))
        store.append("both", [Record(trial, 0, 0.1, "random")])
    design = request(build_app(Shelf(path)), "/api/studies/both/trials/0").json
    assert design["network"]["nodes"]
    assert design["point"] == point


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/api/studies/demos", "has no study 'demos'"),
        ("/api/studies/demo/trials/40", "study 'demo' has no trial 40"),
        ("/api/studies/demo/trials/99999999999999999999", "has no trial"),
        ("/api/studies/..%2F..%2Fetc%2Fpasswd", "has no study '../../etc/passwd'"),
        ("/api/studies/%3Cscript%3E/outline", "has no study '<script>'"),
    ],
)
def test_what_is_not_there_is_said_as_data(app, target, said):
    answer = request(app, target)
    if answer.status == 404 and not answer.headers["content-type"].startswith("application/json"):
        assert "%2F" in target, "no route takes a name with slashes"
        return
    assert answer.status == 404
    assert said in sentence(answer)


@pytest.mark.parametrize(
    "target",
    [
        "/nothing",
        "/api",
        "/api/studies/demo/trials/-1",
        "/api/studies/demo/trials/x",
        "/static/../store.sqlite",
    ],
)
def test_other_paths_are_none(app, target):
    assert request(app, target).status == 404


def test_a_study_of_another_program_can_be_listed_only(app, path):
    with Store(path) as store:
        store.create(Header("theirs", "2026-01-01T00:00:00+00:00", {}, {}))
    assert [each["name"] for each in request(app, "/api/studies").json["studies"]] == ["demo", "theirs"]
    answer = request(app, "/api/studies/theirs")
    assert answer.status == 409
    assert "must have been begun by `explore` or `recommend`" in sentence(answer)


def test_a_store_that_is_gone_is_said(app, path):
    path.unlink()
    answer = request(app, "/api/studies")
    assert (answer.status, sentence(answer)) == (409, f"there is no store {path}")


def test_a_shelf_needs_a_store(tmp_path):
    with pytest.raises(StoreError, match="there is no store"):
        Shelf(tmp_path / "none.sqlite")


def test_three_objectives_need_no_torch(tmp_path):
    path = tmp_path / "store.sqlite"
    begin(
        path,
        question=replace(QUESTION, objectives=tuple(map(Objective, ("latency_s", "energy_j", "area_mm2")))),
    )
    extend(path, MADE_UP)
    script = (
        "import sys; from apollo_dse.dashboard.app import build_app;"
        "from apollo_dse.dashboard.shelf import Shelf;"
        f"from tests.apollo_dse.dashboard.asgi import request; app = build_app(Shelf({str(path)!r}));"
        "assert request(app, '/api/studies/demo').json['study']['trials'] == 60;"
        "assert request(app, '/api/studies/demo/outline').status == 200;"
        "sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
