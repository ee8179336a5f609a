"""Any program as an evaluator: what it is given, what is read from it, and files that describe it wrongly."""

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_models import Layer, Workload, workload_io
from apollo_dse.evaluators import get
from apollo_dse.evaluators.command import load, placeholders
from apollo_dse.evaluators.command.outputs import Output, at_path, steps
from apollo_dse.trial import Measurement
from search_spaces import get as get_space
from tests.apollo_dse.evaluators.simulators import described, simulator, space

POINT = {"x": 4, "y": 3}
ECHO = "import json, sys; print('cycles=' + str(json.load(open(sys.argv[1]))['x'] * 10))"
TINY = Workload(name="tiny", layers=(Layer(name="fc", k=16, c=32),))
LARGE = Workload(name="large", layers=(Layer(name="fc", k=64, c=32),))


def only(evaluator, point=POINT):
    [measured] = evaluator([point])
    return measured


def test_one_run_a_point_in_order(tmp_path):
    evaluator = simulator(tmp_path, ECHO)
    assert evaluator.metrics == ("cycles",)
    found = evaluator([{"x": x, "y": 1} for x in (8, 1, 4)])
    assert found == [Measurement({"cycles": value}) for value in (80.0, 10.0, 40.0)]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"format": "json"}, '{\n "x": 4,\n "y": 3\n}\n'),
        ({"format": "yaml"}, "x: 4\ny: 3\n"),
        ({"template": "sim.in"}, '{"a": {"x": 4}}, {y}, y=3'),
    ],
)
def test_the_input_is_as_described(tmp_path, given, text):
    (tmp_path / "sim.in").write_text('{"a": {"x": {x}}}, {{y}}, y={y}')
    code = "import sys; t = open(sys.argv[1]).read(); open(sys.argv[2], 'w').write(t); print('cycles=1')"
    evaluator = simulator(tmp_path, code, input=given, keep="runs")
    assert only(evaluator) == Measurement({"cycles": 1.0})
    [directory] = (tmp_path / "runs").iterdir()
    assert (directory / "output").read_text() == text


def test_values_are_plain_whatever_numbers_the_point_has(tmp_path):
    code = "import sys; print('cycles=' + sys.argv[1].replace(',', ''))"
    evaluator = simulator(tmp_path, code, command=[sys.executable, "{here}/sim.py", "{x},{y}"], input=None)
    assert only(evaluator, {"x": np.float64(4), "y": np.int64(3)}) == Measurement({"cycles": 43.0})


def test_words_are_read_by_no_shell(tmp_path):
    words = ["$HOME", ";", "touch", "no", "`touch no`", ">", "no", "a b", "{x}{y}"]
    outputs = {"cycles": {"regex": r"^(\d+)$"}, "words": {"json": "[7]", "from": "output"}}
    code = "import json, sys; print(len(sys.argv) - 2); json.dump(sys.argv[2:], open(sys.argv[1], 'w'))"
    command = [sys.executable, "{here}/sim.py", "{output}", *words]
    evaluator = simulator(tmp_path, code, command=command, input=None, keep="runs", outputs=outputs)
    found = only(evaluator)
    assert found.has_failed, "'a b' is no number"
    assert "`words` must be a number, but '[7]' in output has 'a b'" in found.infeasible_because
    [directory] = (tmp_path / "runs").iterdir()
    assert [each.name for each in directory.iterdir()] == ["output"]
    assert json.loads((directory / "output").read_text()) == [*words[:-1], "43"]


def test_metrics_from_everywhere_in_the_units_they_come_in(tmp_path):
    code = """
import json, sys
json.dump({"total": {"a.b": [{"c": 5}, {"c": 7}]}}, open(sys.argv[2], "w"))
open("power.txt", "w").write("power 3\\npower 4\\n")
print("area: 2.5e6"); print("temperature -3.5", file=sys.stderr)
"""
    outputs = {
        "latency_s": {"json": 'total["a.b"][-1].c', "from": "output", "unit": "us"},
        "power_w": {"regex": "^power (.*)$", "from": "power.txt", "unit": "mW"},
        "area_mm2": {"regex": "area: ([0-9.e]+)", "unit": "um2"},
        "temperature_c": {"regex": "temperature (.*)", "from": "stderr", "may_be_negative": "true", "scale": 2},
    }
    found = only(simulator(tmp_path, code, outputs=outputs)).metrics
    assert found == pytest.approx({"latency_s": 7e-6, "power_w": 4e-3, "area_mm2": 2.5, "temperature_c": -7.0})


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import sys; sys.exit('route failed: 3 nets; x')", "3 nets, x"),
        ("import sys; sys.exit(9)", "too large"),
        ("import sys; sys.exit(8)", "exit code 8"),
        ("import sys; print('DRC', file=sys.stderr); sys.exit(7)", "DRC"),
    ],
)
def test_infeasible_is_what_the_file_says_is(tmp_path, code, reason):
    rules = [
        {"regex": "route failed: (.*)"},
        {"exit_code": 9, "reason": "too large"},
        {"exit_code": 8},
        {"exit_code": 7, "regex": "DRC"},
        {"exit_code": 0, "regex": "never"},
    ]
    found = only(simulator(tmp_path, code, infeasible=rules))
    assert found == Measurement(infeasible_because=reason)
    assert not found.has_failed
    assert only(simulator(tmp_path, code, infeasible=[{"exit_code": 7, "regex": "other"}])).has_failed


def test_the_environment_is_what_is_allowed(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    monkeypatch.setenv("LICENSE", "2")
    code = "import os; print('cycles=' + str('SECRET' in os.environ) + os.environ['LICENSE'])"
    said = only(simulator(tmp_path, code, environment=["LICENSE"])).infeasible_because
    assert "has 'False2'" in said
    code = "import os, tempfile; print('cycles=' + str(int(tempfile.gettempdir() == os.getcwd())))"
    assert only(simulator(tmp_path, code)) == Measurement({"cycles": 1.0})


def test_the_network_is_a_file_and_several_are_averaged(tmp_path):
    code = """
import json, sys
k = json.load(open(sys.argv[2]))["layers"][0]["k"]
if k == 64 and json.load(open(sys.argv[1]))["x"] == 1: sys.exit(3)
print(f"cycles={k} area=2")
"""
    path = described(
        tmp_path,
        code,
        command=[sys.executable, "{here}/sim.py", "{input}", "{workload}"],
        outputs={"cycles": {"regex": "cycles=(.*) "}, "area_mm2": {"regex": "area=(.*)"}},
        infeasible=[{"exit_code": 3, "reason": "too deep"}],
    )
    both = get(str(path))(space(tmp_path), (TINY, LARGE))
    assert both.metrics == ("cycles", "area_mm2", "cycles:tiny", "cycles:large")
    assert only(both).metrics == pytest.approx(
        {"cycles": 32.0, "area_mm2": 2.0, "cycles:tiny": 16.0, "cycles:large": 64.0}
    )
    assert only(both, {"x": 1, "y": 1}) == Measurement(infeasible_because="too deep, on large")
    assert only(get(str(path))(space(tmp_path), (TINY,))).metrics == {"cycles": 16.0, "area_mm2": 2.0}
    for wrong in ((), (TINY, TINY)):
        with pytest.raises(ValueError, match="at least one, of distinct names"):
            get(str(path))(space(tmp_path), wrong)


def test_the_network_is_written_whole(tmp_path):
    command = [sys.executable, "{here}/sim.py", "{workload}", "{x}{y}"]
    path = described(tmp_path, "print('cycles=1')", command=command, input=None, keep="runs")
    only(get(str(path))(space(tmp_path), (TINY,)))
    [directory] = (tmp_path / "runs").iterdir()
    assert workload_io.load(directory / "workload.json") == TINY


def test_the_fingerprint_follows_what_is_measured_and_nothing_else(tmp_path):
    def fingerprint(code=ECHO, workloads=(), **keys):
        return get(str(described(tmp_path, code, **keys)))(space(tmp_path), workloads).fingerprint

    before = fingerprint()
    assert before == fingerprint(timeout_s=5, retries=3, memory_bytes="8GiB", keep="runs")
    with (tmp_path / "sim.yaml").open("a") as file:
        file.write("# a remark\n")
    assert get(str(tmp_path / "sim.yaml"))(space(tmp_path), ()).fingerprint == before
    (tmp_path / "table.csv").write_text("1")
    listed = fingerprint(files=["table.csv"])
    (tmp_path / "table.csv").write_text("2")
    changed = [
        fingerprint(ECHO + "\n"),
        fingerprint(outputs={"cycles": {"regex": "cycles=(.*)", "scale": 2}}),
        fingerprint(infeasible=[{"exit_code": 1}]),
        listed,
        fingerprint(files=["table.csv"]),
        fingerprint(environment=["LICENSE"]),
    ]
    assert len({before, *changed}) == 7
    assert "sim.py@" in before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"comand": ["true"]}, "did you mean 'command'"),
        ({"command": "python sim.py"}, "must be a list of words, which no shell reads"),
        ({"command": []}, "must begin with a program"),
        ({"command": None}, "`command` must be given"),
        ({"outputs": None}, "`outputs` must be given"),
        ({"outputs": {}}, "at least one metric"),
        ({"outputs": {"latency": {"json": "a"}}}, "did you mean 'latency_s'"),
        ({"outputs": {"a b": {"json": "a"}}}, "word of letters"),
        ({"outputs": {"a": {"json": "a", "regex": "(a)"}}}, "either `json` or `regex`, but it has both"),
        ({"outputs": {"a": {}}}, "but it has neither"),
        ({"outputs": {"a": {"regex": "a"}}}, "must have one group"),
        ({"outputs": {"a": {"regex": "(a"}}}, "must be a regular expression"),
        ({"outputs": {"a": {"json": "a..b"}}}, "must read like total.cycles"),
        ({"outputs": {"a": {"json": "a", "scale": 0}}}, "other than 0"),
        ({"outputs": {"a": {"json": "a", "unit": "ms"}}}, "another metric takes a `scale`"),
        ({"outputs": {"latency_s": {"json": "a", "unit": "mS"}}}, "did you mean 'ms'"),
        ({"outputs": {"a": {"json": "a", "unit": "s", "scale": 1}}}, "but got both"),
        ({"outputs": {"a": {"json": "a", "from": "../a"}}}, "from the run's directory down"),
        ({"outputs": {"a": {"json": "a", "form": "x"}}}, "did you mean 'from'"),
        ({"input": {"format": "jsn"}}, "did you mean 'json'"),
        ({"input": {"format": "text"}}, "needs a `template`"),
        ({"input": {"format": "json", "template": "x"}}, "takes no `template`"),
        ({"input": {"format": "json", "name": "/etc/x"}}, "from the run's directory down"),
        ({"infeasible": [{"reason": "x"}]}, "neither is given"),
        ({"infeasible": [{"exit_code": "x"}]}, "`exit_code` must be a number"),
        ({"infeasible": [{"regex": "["}]}, "must be a regular expression"),
        ({"timeout_s": 0}, "`timeout_s > 0` must hold"),
        ({"retries": -1}, "`retries >= 0`"),
        ({"retries": 1.5}, "must be a whole number"),
        ({"memory_bytes": "2MX"}, "a size such as"),
    ],
)
def test_a_file_that_says_something_wrong_is_refused(tmp_path, change, said):
    path = described(tmp_path, ECHO, **change)
    with pytest.raises(ValueError, match=said.replace("(", r"\(")) as refused:
        load(path)
    assert str(refused.value).startswith(f"{path}: ")


def test_keys_must_not_repeat_and_toml_is_as_good(tmp_path):
    (tmp_path / "a.yaml").write_text("command: ['true']\ncommand: ['true']\n")
    with pytest.raises(ValueError, match="'command' does"):
        load(tmp_path / "a.yaml")
    (tmp_path / "a.toml").write_text("command = ['true']\nretries = 2\n[outputs.a]\njson = 'x'\nscale = 1e3\n")
    read = load(tmp_path / "a.toml")
    assert (read.name, read.limits.retries, read.outputs[0].scale) == ("a", 2, 1e3)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"command": ["python3", "{inptu}", "{x}", "{y}"], "input": None}, "did you mean 'x'|got {inptu}"),
        ({"command": ["python3", "{input}", "{x}", "{y}"], "input": None}, "got {input}"),
        ({"command": ["python3", "{x}"], "input": None}, "must reach the program, but its .* have no {y}"),
        ({"command": ["no-such-program", "{x}", "{y}"]}, "but 'no-such-program' is not"),
        (
            {"input": {"template": "sim.in"}},
            "input.in: a placeholder must be .* but got {xx}; did you mean 'x'",
        ),
    ],
)
def test_a_description_must_fit_its_space(tmp_path, keys, said):
    (tmp_path / "sim.in").write_text("{xx}")
    with pytest.raises(ValueError, match=said.replace("{", r"\{")):
        simulator(tmp_path, ECHO, **keys)


def test_a_parameter_of_one_value_need_not_reach_the_program(tmp_path):
    (tmp_path / "pinned.yaml").write_text(
        "base: edge\npin: {"
        + ", ".join(f"{each.name}: {each.values[0]}" for each in get_space("edge").space.parameters[1:])
        + "}\n"
    )
    path = described(tmp_path, "print('cycles=1')", command=["echo", "cycles={pe_x}"], input=None)
    evaluator = get(str(path))(get_space(str(tmp_path / "pinned.yaml")), ())
    point = get_space("edge").space.from_unit(np.zeros((1, 10)))[0]
    assert only(evaluator, point) == Measurement({"cycles": 1.0})


@given(st.text(max_size=30))
def test_texts_without_placeholders_stay_as_they_are(text):
    if not placeholders.names_in(text) and "{{" not in text:
        assert placeholders.rendered(text, {}) == text


KEYS = st.text("abc_ -", min_size=1, max_size=4)


@given(st.lists(st.one_of(KEYS, st.integers(0, 3)), min_size=1, max_size=5))
def test_paths_lead_where_their_steps_do(keys):
    content: object = 5
    for key in reversed(keys):
        content = {key: content} if isinstance(key, str) else [0] * key + [content]
    path = "".join(f'["{key}"]' if isinstance(key, str) else f"[{key}]" for key in keys)
    assert steps(path) == keys
    assert at_path(content, path) == 5
    dotted = ".".join(map(str, keys))
    assert all(isinstance(key, int) for key in keys) or steps(dotted) == list(map(str, keys))


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "[", "a[x]", "a]", "a[0", '["a]'])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match="must read like"):
        steps(path)


@pytest.mark.parametrize("found", ["true", "null", "[1]", '"x"', "1e999", "NaN", '"nan"', "-1", "{}"])
def test_what_is_no_number_of_the_metric_is_refused(found):
    with pytest.raises(ValueError, match="`a` must"):
        Output(metric="a", json="v").value({"stdout": f'{{"v": {found}}}'})


def test_numbers_may_be_written_as_text():
    assert Output(metric="a", json="v", scale=10.0).value({"stdout": '{"v": "1.5e1"}'}) == 150.0
