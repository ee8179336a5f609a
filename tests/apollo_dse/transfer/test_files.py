"""Priors there and back, and from people's tables."""

import csv
import io
import json

import numpy as np
import pytest

from apollo_dse.export import to_csv
from apollo_dse.problem import Constraint, Objective
from apollo_dse.storage import Record
from apollo_dse.testing import accelerators
from apollo_dse.transfer import Description, Prior
from apollo_dse.transfer.files import INFEASIBLE, from_dict, past, read_table, seen_space, to_dict
from apollo_dse.trial import Measurement, Trial
from search_spaces.parameter import Categorical, Integer, Ordinal, Real
from search_spaces.space import SearchSpace
from tests.apollo_dse.transfer.experience import prior_of

EVERY_KIND = SearchSpace(
    (
        Real("clock", 1.0, 2.0, log=True, unit="GHz"),
        Integer("banks", 1, 8),
        Ordinal("lanes", (4, 8), "lanes"),
        Categorical("node", ("7nm", "16nm")),
    )
)


def written(tmp_path, text, name="old.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_priors_survive_json():
    points = EVERY_KIND.sample(np.random.default_rng(0), 5)
    measurements = [Measurement({"latency_s": 1.0 + n, "area_mm2": 2.0}) for n in range(4)]
    trials = [
        Trial(n, *pair)
        for n, pair in enumerate(zip(points, [*measurements, Measurement(infeasible_because="x")], strict=True))
    ]
    objectives, limits = (
        (Objective("utilization", "maximize"),),
        (Constraint("area_mm2", upper=3.0, known=True),),
    )
    task = Description("edge", ("a", "b"), {"macs": 20.0})
    prior = Prior("lab", task, past(EVERY_KIND, objectives, limits), tuple(trials))
    again = from_dict("lab", json.loads(json.dumps(to_dict(prior))))
    assert again == prior
    assert again.fingerprint == prior.fingerprint
    with pytest.raises(ValueError, match="must be of version 1, but it is of 9"):
        from_dict("lab", {**to_dict(prior), "version": 9})


def test_what_a_store_exports_is_read_again(tmp_path):
    prior = prior_of(accelerators(area_mm2=30.0), count=40)
    path = written(tmp_path, to_csv(Record(trial, 0, 0.1, "random") for trial in prior.trials))
    table = read_table(path)
    assert table.trials == prior.trials
    assert table.ignored == ("number", "seconds", "proposed_by")


@pytest.mark.parametrize("lead", ["=", "+", "-", "@", "\t", "\r", "'=", "''@", "'", " ", "\n"])
def test_no_exported_text_is_a_formula_and_all_comes_back(tmp_path, lead):
    """Spreadsheets run cells that begin so (OWASP, CSV injection); numbers below zero stay numbers."""
    measurements = (Measurement(infeasible_because=f"{lead}1+1, too wide"), Measurement({"slack": -0.5}))
    points = {"word": f"{lead}cmd|' /C calc'!A0", "number": -3}, {"word": "-7", "number": 1e-9}
    trials = tuple(Trial(*each) for each in zip(range(2), points, measurements, strict=True))
    text = to_csv(Record(trial, 0, 0.1, f"{lead}mine") for trial in trials)
    cells = [cell for row in csv.reader(io.StringIO(text, newline="")) for cell in row]
    dangerous = [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and cell not in ("-3", "-0.5")]
    assert dangerous == []
    assert {"-3", "-0.5", "1e-09"} <= set(cells)
    assert read_table(written(tmp_path, text)).trials == trials


def test_a_users_own_table(tmp_path):
    text = "lanes,node,latency_ms,area,infeasible,who\n8,7nm,2.5,3,0,me\n4,16nm,,,true,me\n"
    table = read_table(written(tmp_path, text), EVERY_KIND)
    first, second = table.trials
    assert first.point == {"lanes": 8, "node": "7nm"}
    assert first.measurement.metrics == {"latency_s": pytest.approx(2.5e-3), "area_mm2": 3.0}
    assert second.measurement.infeasible_because == INFEASIBLE
    assert table.ignored == ("who",)


def test_parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "old.parquet"
    columns = {"point.lanes": [8, 4], "metric.latency_s": [0.5, None], "infeasible_because": [None, "too wide"]}
    parquet.write_table(pyarrow.table(columns), path)
    first, second = read_table(path).trials
    assert first == Trial(0, {"lanes": 8}, Measurement({"latency_s": 0.5}))
    assert second.measurement.infeasible_because == "too wide"


def test_parquet_without_its_library(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match=r"needs pyarrow, which is not installed; install it: pip install"):
        read_table(tmp_path / "old.parquet")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "must have a row for each design, but it has none"),
        ("lanes,latency\n", "must have a row for each design, but it has none"),
        ("latency\n1\n", "must have a column that is a parameter, but it has latency"),
        ("lanes,speed\n8,1\n", "must have a column that is a metric, but it has lanes, speed"),
        ("lanes,latency\n8,fast\n", "row 1 has 'fast'"),
        ("lanes,latency\n8,inf\n", "`latency` must be a finite number, but .*row 1 has 'inf'"),
        ("lanes,latency\n8,1\n,2\n", "`lanes` must have a value, but .*row 2 has none"),
        ("lanes,latency\n8,\n", "must have a metric or a reason why it has none, but .*row 1 has neither"),
        ("lanes,latency,infeasible\n8,1,perhaps\n", "`infeasible` must be true or false, but .*'perhaps'"),
    ],
)
def test_broken_tables_say_where(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_table(written(tmp_path, text), EVERY_KIND)


def test_a_space_of_what_was_seen():
    space = seen_space([{"a": 2, "b": "x"}, {"a": 1.5, "b": "y"}, {"a": 2}])
    assert space.parameters == (Ordinal("a", (1.5, 2.0)), Categorical("b", ("x", "y")))
    with pytest.raises(ValueError, match="numbers or words, but 'a' has both"):
        seen_space([{"a": 1}, {"a": "x"}])
