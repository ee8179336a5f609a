import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import search_spaces
from search_spaces import Categorical, DesignSpace, Integer, Ordinal, Real
from search_spaces.hardware.edge import EDGE, KIB

BASE = """
name: small-edge
base: edge
values: {pe_memory_bytes: [512KiB, 768 KiB], clock_mhz: [500, 1e3]}
pin:
  cores: 4
  technology: 7nm
rules: ["pe_x * pe_y <= 64", "lanes != 256 or pe_x == 1"]
notes: no shuttle before May
"""

TEMPLATE = """
template = "edge"
rules = ["pe_x <= pe_y"]
[parameters]
pe_x = {kind = "integer", low = 1, high = 32, log = true}
pe_y = {kind = "integer", low = 1, high = 32}
cores = {kind = "ordinal", values = [1, 2]}
lanes = {kind = "ordinal", values = [16, 32.0]}
pe_memory_bytes = {kind = "ordinal", values = ["512KiB", 1048576]}
core_memory_bytes = {kind = "ordinal", values = ["32KiB"]}
activation_memory_entries = {kind = "ordinal", values = [1024]}
instruction_memory_entries = {kind = "ordinal", values = [16384]}
parameter_memory_entries = {kind = "ordinal", values = [16384]}
io_bandwidth_gb_per_s = {kind = "real", low = "2 GB/s", high = 40.5, log = true}
technology = {kind = "categorical", values = ["16nm", "7nm"]}
"""


def load(folder: Path, text: str, name: str = "mine.yaml") -> DesignSpace:
    path = folder / name
    path.write_text(text)
    return search_spaces.load(path)


def test_a_registered_space_can_be_changed(tmp_path: Path) -> None:
    mine = load(tmp_path, BASE)
    assert mine.name == "small-edge"
    assert mine.notes == "no shuttle before May"
    assert (mine.reference, mine.presets, mine.build) == (EDGE.reference, EDGE.presets, EDGE.build)
    assert mine.space.names == (*EDGE.space.names, "clock_mhz", "technology")
    assert mine.space.parameter("pe_memory_bytes") == Ordinal(
        "pe_memory_bytes", (512 * KIB, 768 * KIB), "bytes"
    )
    assert mine.space.parameter("clock_mhz") == Ordinal("clock_mhz", (500, 1000), "MHz")
    assert mine.space.parameter("cores") == Ordinal("cores", (4,))
    assert mine.space.parameter("technology") == Categorical("technology", ("7nm",))
    assert mine.space.parameter("lanes") == EDGE.space.parameter("lanes")


def test_its_rules_hold_in_every_sample(tmp_path: Path) -> None:
    mine = load(tmp_path, BASE)
    points = mine.space.sample(np.random.default_rng(0), 300)
    assert all(int(p["pe_x"]) * int(p["pe_y"]) <= 64 and (p["lanes"] != 256 or p["pe_x"] == 1) for p in points)
    reasons = mine.space.violations({**points[0], "pe_x": 32, "pe_y": 16, "lanes": 4})
    assert reasons == ["`pe_x * pe_y <= 64` must hold, but pe_x=32, pe_y=16"]


def test_parameters_can_be_one_s_own(tmp_path: Path) -> None:
    mine = load(tmp_path, TEMPLATE, "mine.toml")
    assert mine.name == "mine"
    assert mine.presets == {}
    assert mine.space.parameter("pe_x") == Integer("pe_x", 1, 32, log=True)
    assert mine.space.parameter("lanes") == Ordinal("lanes", (16, 32))
    assert mine.space.parameter("io_bandwidth_gb_per_s") == Real("io_bandwidth_gb_per_s", 2, 40.5, True, "GB/s")
    assert mine.space.parameter("technology") == Categorical("technology", ("16nm", "7nm"))
    for point in mine.space.sample(np.random.default_rng(0), 50):
        assert mine.build(point).clock_hz == 1e9


def test_yaml_and_toml_say_the_same(tmp_path: Path) -> None:
    as_yaml = load(tmp_path, yaml.safe_dump(tomllib.loads(TEMPLATE), sort_keys=False))
    assert as_yaml == load(tmp_path, TEMPLATE, "mine.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "keys with values are needed, but got None"),
        ("- edge", "keys with values are needed, but got \\['edge'\\]"),
        ("name: x", "either `base` or `template`, but it has neither"),
        ("{base: edge, template: edge}", "it has base and template"),
        ("base: egde", "base: a space must be one of .* but got 'egde'; did you mean 'edge'"),
        ("base: [edge]", "base: a text is needed"),
        ("{base: edge, vales: {}}", "but got 'vales'; did you mean 'values'"),
        ("{base: edge, parameters: {}}", "but got 'parameters'"),
        (
            "{base: edge, values: {pe_z: [1]}}",
            "values: a key must be one of pe_x, .* but got 'pe_z'; did you mean",
        ),
        ("{base: edge, values: {pe_x: 4}}", "values: pe_x: a list is needed, but got '4'"),
        ("{base: edge, values: {pe_x: []}}", "values: pe_x: an ordinal parameter must have at least one value"),
        ("{base: edge, values: {pe_x: [4, 2]}}", "values: pe_x: values must strictly rise"),
        ("{base: edge, values: {pe_x: [a]}}", "values: pe_x: `pe_x` must be a number, but got 'a'"),
        ("{base: edge, values: {pe_x: [[1]]}}", "values: pe_x: a number is needed, but got \\['1'\\]"),
        ("{base: edge, values: {pe_x: [0]}}", "pe_x"),
        ("{base: edge, values: {pe_x: [1.5]}}", "values: pe_x: a whole number is needed, but got 1.5"),
        ("{base: edge, values: {pe_memory_bytes: [5GB/s]}}", "must be a size such as 65536, 64KiB or 2MiB"),
        (
            "{base: edge, pin: {technology: 7mn}}",
            "pin: technology: `technology` must be one of .* did you mean '7nm'",
        ),
        ("{base: edge, values: {cores: [1]}, pin: {cores: 1}}", "pin: cores: .* but got both"),
        ("{base: edge, rules: pe_x < 3}", "rules: a list is needed"),
        ("{base: edge, rules: [pe_x ** 2 < 3]}", "rules: `pe_x \\*\\* 2 < 3` must use only"),
        ("{base: edge, rules: [pex < 3]}", "rules: .* did you mean 'pe_x'"),
        ("{base: edge, rules: [pe_x < 1]}", "rules must admit at least 1 draw in 1000.*`pe_x < 1` must hold"),
        ("{base: edge, base: edge}", "keys must not repeat, but 'base' does"),
        ("{base: edge, values: {pe_x: [1], pe_x: [2]}}", "keys must not repeat, but 'pe_x' does"),
        ("{base: edge, [1]: 2}", "keys must be words"),
        ("{base: &a edge, name: *a}", "aliases must not be used"),
        ("{base: edge", "must be well-formed"),
        ("base: edge\n---\nbase: edge", "must be well-formed"),
        ("base: \0", "must be well-formed"),
        ("[" * 100_000, "must not be nested that deeply|well-formed"),
        (f"{{base: edge, values: {{pe_x: [{', '.join(map(str, range(1, 1002)))}]}}}}", "at most 1000 items"),
        ("base: edge\nname: " + "x" * 2**20, "at most 1048576 bytes"),
        ("template: edge", "parameters: every parameter of the template must be given, but pe_x, pe_y"),
        ("{template: edge, values: {}}", "but got 'values'"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"mine.yaml: (.|\n)*{message}"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            'kind = "integer"',
            'kind = "integral"',
            "parameters: pe_x: `kind` must be one of .* did you mean 'integer'",
        ),
        ('kind = "integer"', 'kind = "categorical"', "pe_x: a key must be one of kind, values, but got 'low'"),
        ("low = 1, ", "", "pe_x: a parameter of kind 'integer' must have `low`"),
        ("low = 1,", "low = 0,", "pe_x: a log-scaled parameter must be positive"),
        ("low = 1,", "low = 1.5,", "parameters: pe_x: a whole number is needed, but got 1.5"),
        (
            '"integer", low = 1, high = 32}',
            '"real", low = 1, high = 32}',
            "pe_y: .* whole numbers, .* mean 'integer'",
        ),
        (
            '"real", low = "2 GB/s"',
            '"integer", low = "2 GB/s"',
            "io_bandwidth_gb_per_s: bounds of an integer parameter must be whole",
        ),
        ("low = 1,", "low = 33,", "pe_x: `-2\\*\\*40 <= low <= high <= 2\\*\\*40` must hold"),
        ("low = 1,", "low = nan,", "pe_x: a number is needed, but got nan"),
        ("log = true", 'log = "yes"', "pe_x: true or false is needed, but got 'yes'"),
        ("log = true", "lag = true", "pe_x: .* but got 'lag'; did you mean 'log'"),
        ('kind = "categorical"', 'kind = "ordinal"', "technology: the template needs a categorical parameter"),
        ('["16nm", "7nm"]', '["16nm", 7]', "technology: a text is needed, but got 7"),
        ('["16nm", "7nm"]', '["16nm", "5nm"]', "technology: `technology` must be one of"),
        ("[1, 2]", "[1, 1979-05-27]", "cores: a number is needed"),
        ("[1, 2]", "[1, true]", "cores: a number is needed, but got True"),
        ("cores =", "cores.kind = 1\ncores =", "must be well-formed"),
    ],
)
def test_wrong_parameters_in_files_are_refused(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in TEMPLATE
    with pytest.raises(ValueError, match=f"mine.toml: (.|\n)*{message}"):
        load(tmp_path, TEMPLATE.replace(right, wrong, 1), "mine.toml")


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must end in \.yaml, \.yml, \.toml"):
        load(tmp_path, BASE, "mine.json")


def test_yaml_words_stay_words(tmp_path: Path) -> None:
    """`no`, dates and sexagesimal numbers of YAML 1.1 mean nothing here."""
    mine = load(tmp_path, "{base: edge, name: no, notes: 2021-02-01, pin: {pe_x: 010}}")
    assert (mine.name, mine.notes) == ("no", "2021-02-01")
    assert mine.space.parameter("pe_x") == Ordinal("pe_x", (10,))
    with pytest.raises(ValueError, match="pe_x"):
        load(tmp_path, "{base: edge, pin: {pe_x: 1:30}}")


SCALARS = st.sampled_from(["edge", "1", "4", "7nm", "2MiB", "pe_x < 3", "-1", "", "true"]) | st.text(max_size=6)
KEYS = st.sampled_from(
    ["base", "values", "pin", "rules", "name", "template", "parameters", "pe_x", "cores", "kind"]
)
CONTENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(CONTENTS.map(yaml.safe_dump) | st.text())
def test_any_yaml_is_a_space_or_a_value_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    try:
        space = search_spaces.load(path)
    except ValueError as error:
        message = str(error)
    else:
        message = f"{path}: {space.name}"
    assert message.startswith(f"{path}: ")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(), st.integers(0, len(TEMPLATE)))
def test_any_toml_is_a_space_or_a_value_error(tmp_path: Path, text: str, at: int) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes((TEMPLATE[:at] + text + TEMPLATE[at:]).encode(errors="surrogatepass"))
    try:
        space = search_spaces.load(path)
    except ValueError as error:
        message = str(error)
    else:
        message = f"{path}: {space.name}"
    assert message.startswith(f"{path}: ")


def test_a_file_that_is_no_utf_8_text_is_refused_by_that_rule(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(b"base: \xff")
    with pytest.raises(ValueError, match=r"must be UTF-8 text, but byte 6 of"):
        search_spaces.load(path)


def test_parameters_that_no_template_knows(tmp_path: Path) -> None:
    mine = load(
        tmp_path,
        "template: none\nrules: ['ways <= 4 or line_bytes >= 64']\nparameters:\n"
        "  ways: {kind: ordinal, values: [1, 2, 8]}\n  line_bytes: {kind: ordinal, values: [32, 1KiB]}\n"
        "  policy: {kind: categorical, values: [lru, random]}\n  share: {kind: real, low: 0.1, high: 0.9}\n",
    )
    assert not mine.has_template
    assert EDGE.has_template
    assert mine.space.parameters == (
        Ordinal("ways", (1, 2, 8)),
        Ordinal("line_bytes", (32, 1024), "bytes"),
        Categorical("policy", ("lru", "random")),
        Real("share", 0.1, 0.9),
    )
    assert mine.space.violations({"ways": 8, "line_bytes": 32, "policy": "lru", "share": 0.5})
    with pytest.raises(ValueError, match="must be given an evaluator of one's own"):
        mine.build({"ways": 1})
    with pytest.raises(ValueError, match="names of parameters must be words"):
        load(tmp_path, "template: none\nparameters: {a-b: {kind: integer, low: 1, high: 2}}\n")
    with pytest.raises(ValueError, match="did you mean 'ordinal'"):
        load(tmp_path, "template: none\nparameters: {a: {kind: ordnal, values: [1]}}\n")
    with pytest.raises(ValueError, match="at least one parameter"):
        load(tmp_path, "template: none\n")
