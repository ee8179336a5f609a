"""Hierarchies in a user's file: what the same description in Python builds, and files that are refused."""

import pickle
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import search_spaces
from accel_models import Layer, Workload
from accel_models.templates.hierarchy import AxisDescription, Hierarchy, LevelDescription
from apollo_dse.evaluators.analytical import AnalyticalEvaluator
from search_spaces import Categorical, DesignSpace, Ordinal, Real

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_hierarchy.yaml"
KIB = 1024
WORDS = ("", "0", "-1", "size", "wide", "dram", "[]", "{}", "null", "1e400", "1e-400", "\n", ", ")

ARRAY = """
template: hierarchy
clock_mhz: clock
technology: node
dram: DDR4
weight_format: words
accumulator_format: int24
mac_energy_pj: 0.5 pJ
levels:
  - {name: dram, bandwidth_gb_per_s: 12.8 GB/s}
  - name: buffer
    keeps: [inputs, outputs]
    capacity_bytes: size
    bandwidth_bytes_per_cycle: 32
    network: mesh
    axes: [{name: x, size: wide, unrolls: [k, p]}, {name: y, size: 4, unrolls: [c]}]
  - {name: registers, keeps: [weights], memory: registers, capacity_bytes: 16, network_energy_pj_per_byte: 0}
parameters:
  clock: {kind: real, low: 200, high: 800 MHz}
  node: {kind: categorical, values: [65nm, 16nm]}
  words: {kind: categorical, values: [int8, int12]}
  size: {kind: ordinal, values: [32KiB, 64KiB]}
  wide: {kind: integer, low: 1, high: 16, log: true}
rules: ["wide <= 8 or size >= 65536"]
"""
DESCRIBED = Hierarchy(
    clock_mhz="clock",
    technology="node",
    dram="DDR4",
    weight_format="words",
    accumulator_format="int24",
    mac_energy_pj=0.5,
    levels=(
        LevelDescription(name="dram", bandwidth_gb_per_s=12.8),
        LevelDescription(
            name="buffer",
            keeps=("inputs", "outputs"),
            capacity_bytes="size",
            bandwidth_bytes_per_cycle=32,
            network="mesh",
            axes=(AxisDescription("x", "wide", ("k", "p")), AxisDescription("y", 4, ("c",))),
        ),
        LevelDescription(
            name="registers",
            keeps=("weights",),
            memory="registers",
            capacity_bytes=16,
            network_energy_pj_per_byte=0,
        ),
    ),
)


def load(folder: Path, text: str, name: str = "mine.yaml") -> DesignSpace:
    path = folder / name
    path.write_text(text)
    return search_spaces.load(path)


def test_a_file_builds_what_the_same_description_in_python_builds(tmp_path: Path) -> None:
    mine = load(tmp_path, ARRAY)
    points = mine.space.sample(np.random.default_rng(0), 50)
    assert [mine.build(point) for point in points] == [DESCRIBED.build(point) for point in points]


def test_parameters_have_the_units_of_what_they_are_used_for(tmp_path: Path) -> None:
    space = load(tmp_path, ARRAY).space
    assert space.parameters == (
        Real("clock", 200, 800, unit="MHz"),
        Categorical("node", ("65nm", "16nm")),
        Categorical("words", ("int8", "int12")),
        Ordinal("size", (32 * KIB, 64 * KIB), "bytes"),
        search_spaces.Integer("wide", 1, 16, log=True),
    )
    assert (
        "wide" in space.violations({"clock": 200, "node": "65nm", "words": "int8", "size": 32768, "wide": 9})[0]
    )


def test_yaml_and_toml_say_the_same(tmp_path: Path) -> None:
    toml = "\n".join(
        (
            'template = "hierarchy"\nclock_mhz = 500',
            '[[levels]]\nname = "dram"',
            '[[levels]]\nname = "buffer"\ncapacity_bytes = "64KiB"\nwidth_bytes = 16.0',
            'axes = [{name = "pe", size = "pes", unrolls = ["k"]}]',
            '[parameters.pes]\nkind = "ordinal"\nvalues = [1, 2, 4]',
        )
    )
    one = load(tmp_path, toml, "mine.toml")
    other = load(tmp_path, yaml.safe_dump(tomllib.loads(toml), sort_keys=False))
    assert one.space == other.space
    assert one.build({"pes": 4}) == other.build({"pes": 4})


def test_the_example_loads_and_travels_between_processes() -> None:
    mine = search_spaces.load(EXAMPLE)
    (point,) = mine.space.sample(np.random.default_rng(0), 1)
    again = pickle.loads(pickle.dumps(mine))
    assert (mine.name, mine.reference) == ("small-array", "an example")
    assert again.space.parameters == mine.space.parameters
    assert again.build(point) == mine.build(point)


def test_two_descriptions_with_the_same_parameters_are_not_measured_as_one(tmp_path: Path) -> None:
    """Or a study of one would be resumed with the other."""
    network = Workload(name="one", layers=(Layer(name="gemm", k=4, c=4),))
    texts = (ARRAY, ARRAY, ARRAY.replace("size: 4", "size: 8"))
    prints = [AnalyticalEvaluator(load(tmp_path, text), (network,)).fingerprint for text in texts]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "template: hierarchy",
            "template: hierachy",
            "template: .*but got 'hierachy'; did you mean 'hierarchy'",
        ),
        (
            "clock_mhz: clock",
            "clock_mhz: clocks",
            "clock_mhz: `clock_mhz` must be a number of MHz.*mean 'clock'",
        ),
        ("clock_mhz: clock", "clock: 5", "a key must be one of .* but got 'clock'; did you mean"),
        ("clock_mhz: clock", "clock_mhz: -5", "parameters: clock: .* must be named in the description"),
        (
            "technology: node",
            "technology: 9nm",
            "technology: no technology '9nm'.* nor is it one of the parameters",
        ),
        ("technology: node", "technology: [node]", "technology: a text is needed"),
        ("int24", "int99", "accumulator_format: a number format must be one of .* but got 'int99'"),
        ("0.5 pJ", "-0.5", "`mac_energy_pj` must be finite and not negative, but got -0.5"),
        ("12.8 GB/s", "0", "`bandwidth_gb_per_s` of level 'dram' must be positive"),
        ("name: buffer", "nane: buffer", "levels: number 2: a key must be one of .* did you mean 'name'"),
        ("capacity_bytes: size", "capacity: size", "levels: buffer: .* did you mean 'capacity_bytes'"),
        ("capacity_bytes: size", "capacity_bytes: sise", "buffer: capacity_bytes: .* did you mean 'size'"),
        (
            "capacity_bytes: size",
            "capacity_bytes: 1.5",
            "capacity_bytes: a whole number is needed, but got 1.5",
        ),
        ("keeps: [inputs, outputs]", "keeps: [input]", "levels: buffer: `keeps` .* but got \\['input'\\]"),
        ("keeps: [inputs, outputs]", "keeps: inputs", "levels: buffer: keeps: a list is needed"),
        ("network: mesh", "network: mash", "levels: buffer: `network` .* did you mean 'mesh'"),
        ("network: mesh", "network: mesh\n    network: mesh", "keys must not repeat, but 'network' does"),
        ("size: 4,", "", "levels: buffer: axes: y: `size` must be given"),
        ("size: 4,", "size: four,", "levels: buffer: axes: y: size: `size` must be a number, but got 'four'"),
        ("unrolls: [c]", "unrolls: [channels]", "levels: buffer: axes: y: `unrolls` .*\\['channels'\\]"),
        ("{name: y, ", "{name: x, ", "axes of a level must have distinct names"),
        (", capacity_bytes: 16", "", "must have `capacity_bytes`, but 'registers' has none"),
        ("{name: dram, ", "{name: dram, banks: 2, ", "outermost level is DRAM and must have no 'banks'"),
        ("{name: dram, ", "{name: dram, keeps: [inputs], ", "must keep every operand"),
        (
            "low: 200, high: 800 MHz",
            "low: 0, high: 800",
            "parameters: clock: values must be positive .* but got 0",
        ),
        ("[32KiB, 64KiB]", "[32 GB/s]", "parameters: size: `size` must be a size such as"),
        ("[65nm, 16nm]", "[65nm, 15nm]", "parameters: node: no technology '15nm'; did you mean"),
        ("[int8, int12]", "[int8, int0]", "parameters: words: a number format"),
        (
            "kind: integer, low: 1, high: 16",
            "kind: real, low: 1, high: 16",
            "parameters: wide: .*whole numbers",
        ),
        ("kind: ordinal, values: [32KiB", "kind: categorical, values: [32KiB", "size: .* numeric parameter"),
        ("  wide: {", "  8wide: {", "parameters: names of parameters must be words .* '8wide'"),
        (
            "size: wide",
            "size: size",
            "parameters: size: .* must mean one thing, but .* capacity_bytes and size",
        ),
        ("dram: DDR4", "dram: node", "parameters: node: .* must mean one thing"),
        ("rules: [", "rules: [wyde < 3, ", "rules: .* did you mean 'wide'"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in ARRAY
    with pytest.raises(ValueError, match=f"mine.yaml: (.|\n)*{message}"):
        load(tmp_path, ARRAY.replace(right, wrong, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("template: hierarchy", "`levels` must be given"),
        ("{template: hierarchy, levels: {}}", "levels: a list is needed"),
        ("{template: hierarchy, levels: [dram]}", "levels: number 1: keys with values are needed"),
        ("{template: hierarchy, base: edge, levels: []}", "either `base` or `template`"),
        ("{template: hierarchy, levels: []}", "a level inside the outermost one"),
        (
            "{template: hierarchy, levels: [{name: dram}, {name: buffer, capacity_bytes: 1KiB}]}",
            "a space must have at least one parameter",
        ),
    ],
)
def test_files_without_levels_or_parameters_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load(tmp_path, text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, derandomize=True)
@given(st.sampled_from(WORDS) | st.text(max_size=4), st.integers(0, len(ARRAY)), st.integers(0, 30))
def test_any_change_of_a_file_is_a_space_or_a_value_error(
    tmp_path: Path, text: str, at: int, removed: int
) -> None:
    path = tmp_path / "any.yaml"
    path.write_bytes((ARRAY[:at] + text + ARRAY[at + removed :]).encode(errors="surrogatepass"))
    try:
        said = f"{path}: {search_spaces.load(path).name}"
    except ValueError as error:
        said = str(error)
    assert said.startswith(f"{path}: ")
