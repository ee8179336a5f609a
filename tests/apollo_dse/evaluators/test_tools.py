"""Published simulators: what they are told, what is read from them, what they have no words for."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from accel_models import Layer, Workload
from accel_models.cost import CostModel
from accel_models.interop import timeloop as interop
from apollo_dse import evaluators
from apollo_dse.cli import main
from apollo_dse.evaluators.command.description import Limits
from apollo_dse.evaluators.tools import scalesim, timeloop, zigzag
from apollo_dse.evaluators.tools.scalesim import ScaleSim
from apollo_dse.evaluators.tools.timeloop import Timeloop
from apollo_dse.evaluators.tools.zigzag import ZigZag
from apollo_dse.problem import Constraint, Objective
from apollo_dse.question import Question
from apollo_dse.storage import Store
from search_spaces import get
from tests.apollo_dse.evaluators import tools
from tests.apollo_dse.evaluators.tools import POINT

SYSTOLIC, SIMBA = get("systolic"), get("simba")
AMPLE = {"fill": "exposed", "buffer_bytes": 1 << 24, "dram_bandwidth_gb_per_s": 900.0}
LAYERS = (
    Layer(name="conv", k=64, c=3, p=14, q=14, r=7, s=7, stride=(2, 2)),
    Layer(name="fc", kind="gemm", k=100, c=200, p=9, repeats=2),
    Layer(name="depthwise", g=32, p=14, q=14, r=3, s=3),
)
NET = Workload(name="net", layers=LAYERS)

STATS = """
Summary Stats
-------------
GFLOPs (@1GHz): 2042.67
Utilization: 100.00%
Cycles: 32256
Energy: 321.03 uJ
EDP(J*cycle): 1.04e+01
Area: 0.00 mm^2

Computes = 33030144
fJ/Compute
    mac        = 1268.40
    DRAM       = 2416.67
    Total      = 9719.20
"""
"""What Timeloop prints of a product of matrices: 32256 cycles, 321.03 uJ."""

REPORT = """\
LayerID, Total Cycles (incl. prefetch), Total Cycles, Stall Cycles, Overall Util %, Mapping Efficiency %,
0, 21991, 11063, 624, 63.780168127994216, 100.0,
1, 9151, 5055, 0, 40.51434223541048, 100.0,
"""
"""SCALE-Sim 3.0.0 on 32 x 32 units, weights stay: 3 x 3 taps of 64 to 64 channels, and 64 x 256 x 128."""


def only(evaluator, point=POINT):
    [measured] = evaluator([point])
    return measured


def real(name):
    """The interpreter of an environment that has the tool."""
    path = os.environ.get(f"APOLLO_DSE_{name.upper()}")
    if not path:
        pytest.skip(f"$APOLLO_DSE_{name.upper()} names no interpreter with {name}")
    return path


@pytest.mark.parametrize("stationary", ["weights", "inputs", "outputs"])
def test_scalesim_takes_as_many_cycles_as_our_arrays_with_ample_memory(tmp_path, stationary):
    """The stand-in has the simulator's formula; the translation and the repeats are ours."""
    point = {**POINT, "stationary": stationary}
    measured = only(ScaleSim(SYSTOLIC, (NET,), tools.scalesim(tmp_path)), point)
    cost = CostModel().evaluate([SYSTOLIC.build({**point, **AMPLE})], NET).design(0)
    ours = sum(layer.compute_s * layer.repeats for layer in cost.layers)
    assert measured.metrics["latency_s"] == pytest.approx(ours, rel=1e-12)
    assert measured.metrics["stall_s"] == pytest.approx((1 * 2 + 2 * 32) * 1e-9), (
        "layers by number, times repeats"
    )
    assert measured.metrics["utilization"] == pytest.approx(NET.macs / (ours * 1e9 * 512))
    assert measured.metrics["area_mm2"] == SYSTOLIC.build(point).total_area_mm2


def test_what_scalesim_is_told(tmp_path):
    keep = Limits(keep=tmp_path / "runs")
    only(ScaleSim(SYSTOLIC, (NET,), tools.scalesim(tmp_path), keep), {**POINT, "weight_format": "bf16"})
    [directory] = keep.keep.iterdir()
    told = dict(
        line.split(" = ") for line in (directory / "scale.cfg").read_text().splitlines() if " = " in line
    )
    assert (told["ArrayHeight"], told["ArrayWidth"], told["Dataflow"]) == ("16", "32", "ws")
    assert (told["IfmapSramSzkB"], told["FilterSramSzkB"]) == ("256", "256"), "halves of 1 MiB of 2-byte words"
    assert told["OfmapSramSzkB"] == "16", "64 KiB of 4-byte words"
    assert told["Bandwidth"] == told["FilterSRAMBankBandwidth"] == "10", "a third of 32 words a cycle"
    assert (directory / "topology.csv").read_text().splitlines()[1:] == [
        "layer0, 33, 33, 7, 7, 3, 64, 2,",
        "layer1, 9, 1, 1, 1, 200, 100, 1,",
        "layer2, 16, 16, 3, 3, 1, 1, 1,",
    ]


def test_layers_of_scalesim_are_one_group_of_one_image():
    again = replace(LAYERS[2], name="other", n=4, g=8, repeats=3)
    assert list(scalesim.shapes((*LAYERS, again)).values()) == [1, 2, 32 + 4 * 8 * 3]


@pytest.mark.parametrize("how", [{"dilation": (2, 2)}, {"stride": (1, 2)}])
def test_what_topologies_cannot_say_is_a_product_of_matrices(how):
    layer = Layer(name="x", k=8, c=4, p=5, q=6, r=3, s=3, **how)
    assert scalesim.topology_row("x", layer) == "x, 30, 1, 1, 1, 36, 8, 1,"


def test_scalesims_report_is_read_by_its_columns():
    found = scalesim.read([1, 3], {scalesim.REPORT: REPORT})
    assert found == {"cycles": 11064 + 3 * 5056, "stalls": 624}
    swapped = "\n".join(",".join(reversed(line.rstrip(",").split(","))) for line in REPORT.splitlines())
    assert scalesim.read([1, 3], {scalesim.REPORT: swapped}) == found
    for wrong, why in [
        ({}, "must write"),
        ({scalesim.REPORT: REPORT.replace("Stall", "Stale")}, "Stall Cycles"),
        ({scalesim.REPORT: REPORT.replace("5055", "")}, "must have numbers"),
        ({scalesim.REPORT: "\n".join(REPORT.splitlines()[:2])}, "2 layers, but it has 1"),
    ]:
        with pytest.raises(ValueError, match=why):
            scalesim.read([1, 3], wrong)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"arrays": 2}, "one array, but arrays=2"),
        ({"taps": "rows"}, "taps='rows'"),
        ({"groups": "diagonal"}, "groups='diagonal'"),
        ({"weights": "streamed"}, "weights='streamed'"),
        ({"accumulator_bytes": 0}, "memory for outputs has at least 1024 words"),
        ({"buffer_bytes": 1024}, "at least 1024 words each"),
        ({"dram_bandwidth_gb_per_s": 2.0}, "at least a word a cycle each"),
        ({"buffer_bytes": 1 << 34}, "reticle"),
    ],
)
def test_what_scalesim_has_no_words_for_is_known_beforehand(tmp_path, change, why):
    evaluator = ScaleSim(SYSTOLIC, (NET,), tools.scalesim(tmp_path))
    point = {**POINT, **change}
    [known] = evaluator.preview([point])
    assert why in known.infeasible_because
    assert only(evaluator, point) == known
    assert not known.has_failed


def test_other_dataflows_are_refused(tmp_path):
    edge = get("edge")
    [known] = ScaleSim(edge, (NET,), tools.scalesim(tmp_path)).preview([edge.presets["edge-tpu-v1"]])
    assert known.infeasible_because == "SCALE-Sim simulates systolic arrays, but the dataflow is 'pe_array'"


def test_a_run_that_crashes_says_the_last_that_was_said(tmp_path):
    python = tools.program(
        tmp_path / "python", 'case "$1" in -c) echo 3.0.0;; *) echo broken >&2; exit 3;; esac'
    )
    measured = only(ScaleSim(SYSTOLIC, (NET,), python))
    assert measured.has_failed
    assert "exit code 3, but exit code 0 is success, and stderr ends in 'broken'" in measured.infeasible_because


def test_several_networks_are_their_means(tmp_path):
    other = Workload(name="other", layers=LAYERS[:1])
    python = tools.scalesim(tmp_path)
    both, one, two = (ScaleSim(SYSTOLIC, each, python) for each in ((NET, other), (NET,), (other,)))
    found = only(both).metrics
    latencies = [only(each).metrics["latency_s"] for each in (one, two)]
    assert both.metrics == tuple(found)
    assert [found["latency_s:net"], found["latency_s:other"]] == latencies
    assert found["latency_s"] == pytest.approx((latencies[0] * latencies[1]) ** 0.5)


@pytest.mark.parametrize("space", ["systolic", "simba"])
def test_what_zigzag_is_told_has_our_sizes_and_energies(tmp_path, space):
    designs = get(space)
    accelerator = designs.build(POINT if space == "systolic" else designs.presets["simba-package"])
    told = zigzag.machine(accelerator)
    assert list(told["memories"]) == [level.name for level in reversed(accelerator.levels)]
    sizes = dict(zip(told["operational_array"]["dimensions"], told["operational_array"]["sizes"], strict=True))
    units = 1
    for size in sizes.values():
        units *= size
    assert units == accelerator.num_macs
    outer = 1
    for level in accelerator.levels:
        memory = told["memories"][level.name]
        [port] = memory["ports"]
        bits = port["bandwidth_max"]
        assert memory["r_cost"] / bits == pytest.approx(level.read_energy_j_per_byte / 8 * 1e12)
        assert memory["w_cost"] / bits == pytest.approx(level.write_energy_j_per_byte / 8 * 1e12)
        if level.bandwidth_bytes_per_cycle:
            assert bits == pytest.approx(8 * level.bandwidth_bytes_per_cycle, rel=0.01)
        instances = units
        for name in memory["served_dimensions"]:
            instances //= sizes[name]
        assert instances == outer, "a memory is there as often as its level"
        outer *= level.fanout
    assert set(zigzag.hints(accelerator)) == set(sizes)


def test_zigzag_unrolls_what_the_operand_that_stays_wants():
    for stationary, wanted in [
        ("weights", {"D1": ["C", "FY", "FX"], "D2": ["K"]}),
        ("inputs", {"D1": ["C", "FY", "FX"], "D2": ["OY", "OX", "B"]}),
        ("outputs", {"D1": ["OY", "OX", "B"], "D2": ["K"]}),
    ]:
        accelerator = SYSTOLIC.build({**POINT, "stationary": stationary})
        assert zigzag.hints(accelerator) == wanted
        registers = zigzag.machine(accelerator)["memories"]["registers"]
        assert registers["operands"] == [zigzag.MEMORY_OPERANDS[stationary]]
        assert registers["size"] == (32 if stationary == "outputs" else 8)
    three = SYSTOLIC.build({**POINT, "arrays": 4})
    assert zigzag.hints(three)["D1"] == ["G", "B", "OY", "OX", "K"]


def test_zigzags_numbers_become_seconds_and_joules(tmp_path):
    measured = only(ZigZag(SYSTOLIC, (NET,), tools.zigzag(tmp_path)))
    energy_j = NET.macs * SYSTOLIC.build(POINT).mac_energy_j
    assert measured.metrics["latency_s"] == pytest.approx(NET.macs / 4 / 1e9)
    assert measured.metrics["energy_j"] == pytest.approx(energy_j)
    assert measured.metrics["edp_js"] == pytest.approx(NET.macs / 4 / 1e9 * energy_j)


def test_zigzags_layers_have_our_loops():
    layer = Layer(name="x", n=2, g=3, k=4, c=5, p=6, q=7, r=8, s=9, stride=(1, 2), dilation=(3, 1))
    told = zigzag.described(layer, SYSTOLIC.build(POINT))
    sizes = dict(zip(told["loop_dims"], told["loop_sizes"], strict=True))
    assert sizes == {"B": 2, "G": 3, "K": 4, "C": 5, "OY": 6, "OX": 7, "FY": 8, "FX": 9}
    assert told["dimension_relations"] == ["ix=2*ox+1*fx", "iy=1*oy+3*fy"]
    assert told["operand_precision"] == {"W": 8, "I": 8, "O": 32, "O_final": 8}


@pytest.mark.parametrize(
    "answer", ["", "[]", '[{"cycles": 1}]', '[{"cycles": 1, "energy_pj": "much"}]', "[" * 10**5]
)
def test_an_answer_of_zigzag_that_is_none_is_refused(answer):
    with pytest.raises(ValueError, match=r"answer\.json must have cycles and energy_pj of 1 layers"):
        zigzag.read([1], {zigzag.ANSWER: answer})


@pytest.mark.parametrize("minimize", ["latency", "energy"])
def test_timeloop_is_given_our_mappings_and_read(tmp_path, minimize):
    """The stand-in reads the files by our own reader, so that they are what our interop reads back."""
    net = Workload(name="net", layers=LAYERS[:2])
    measured = only(Timeloop(SYSTOLIC, (net,), tools.timeloop(tmp_path), minimize=minimize))
    accelerator = SYSTOLIC.build(POINT)
    mappings = CostModel(minimize=minimize, keep_activations=False).mappings(accelerator, net)
    cycles = energy_pj = 0.0
    for layer, mapping in zip(net.layers, mappings, strict=True):
        case = interop.load(list(timeloop._texts(layer, accelerator, mapping).values()))
        result = case.counts(counting="timeloop", link_transfers=False)
        cycles, energy_pj = cycles + layer.repeats * result.cycles, energy_pj + layer.repeats * result.energy_pj
    assert measured.is_feasible, measured
    assert measured.metrics["latency_s"] == pytest.approx(cycles / 1e9)
    assert measured.metrics["energy_j"] == pytest.approx(energy_pj * 1e-12)
    assert measured.metrics["utilization"] == pytest.approx(
        net.macs / (measured.metrics["latency_s"] * 1e9 * 512)
    )


def test_timeloops_statistics_are_read():
    found = timeloop.read(2, {timeloop.STATS: STATS})
    assert found["cycles"] == 2 * 32256
    assert found["energy_pj"] / 2 == pytest.approx(321.03e6, rel=2e-5)
    older = STATS.replace("fJ/Compute", "pJ/Compute").replace("9719.20", "9.72")
    assert timeloop.read(2, {timeloop.STATS: older})["energy_pj"] / 2 == pytest.approx(321.03e6, rel=1e-3)
    for gone in ("Cycles: 32256", "Computes = 33030144", "Total"):
        with pytest.raises(ValueError, match="must have Cycles, Computes and the energy of a compute"):
            timeloop.read(1, {timeloop.STATS: STATS.replace(gone, "")})
    with pytest.raises(ValueError, match=r"must write timeloop-model\.stats\.txt"):
        timeloop.read(1, {})


def test_a_tool_that_is_not_there_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="'timeloop-model' must be there and executable, but none is on PATH"):
        Timeloop(SYSTOLIC, (NET,))
    python = tools.program(tmp_path / "python", "exit 1")
    for tool, install in ((ScaleSim, "scalesim==3.0.0"), (ZigZag, "zigzag-dse==3.9.1")):
        with pytest.raises(ValueError, match=f"must be installed, but that of .*{install}"):
            tool(SYSTOLIC, (NET,), python)
        with pytest.raises(ValueError, match="interpreter must be there and executable"):
            tool(SYSTOLIC, (NET,), str(tmp_path / "nowhere"))


def test_misuse_is_refused(tmp_path):
    python = tools.scalesim(tmp_path)
    (tmp_path / "own.yaml").write_text("template: none\nparameters:\n  x: {kind: ordinal, values: [1, 2]}\n")
    with pytest.raises(ValueError, match="must be given designs of a template"):
        ScaleSim(get(str(tmp_path / "own.yaml")), (NET,), python)
    for workloads in ((), (NET, NET)):
        with pytest.raises(ValueError, match="at least one, of distinct names"):
            ScaleSim(SYSTOLIC, workloads, python)


def test_a_search_with_scalesim_from_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    python = Path(tools.scalesim(tmp_path)).relative_to(tmp_path)
    words = ["explore", "--space", "systolic", "--workload", "mobilenet_v2", "--optimizer", "random"]
    words += [
        "--objective",
        "latency",
        "--constraint",
        "area<=20",
        "--trials",
        "4",
        "--batch",
        "4",
        "--study",
        "s",
    ]
    assert main([*words, "--evaluator", f"scalesim:./{python}", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["trials"] == 4
    monkeypatch.chdir("/")
    store = str(tmp_path / "apollo-dse.sqlite")
    assert main(["explore", "--study", "s", "--store", store, "--resume", "--trials", "6", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trials"] == 6


def kept_evaluator(folder, study="s"):
    """The fingerprint of what measured a study, and what its layers were mapped for as its header says."""
    with Store(folder / "apollo-dse.sqlite") as store:
        header = store.header(study)
    return header.asked["evaluator"], header.about["minimize"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("--objective energy", "energy"),
        ("--objective latency --objective energy", "edp"),
        ("--objective area", "latency"),
        ("--objective latency --minimize energy", "energy"),
    ],
)
@pytest.mark.parametrize("described", [False, True])
def test_zigzag_maps_for_what_is_asked(tmp_path, monkeypatch, capsys, words, wanted, described):
    monkeypatch.chdir(tmp_path)
    evaluator = f"zigzag:{tools.zigzag(tmp_path)}"
    if described:
        (tmp_path / "tool.yaml").write_text(f"tool: zigzag\nprogram: {evaluator.partition(':')[2]}\n")
        evaluator = "tool.yaml"
    search = ["explore", "--space", "systolic", "--workload", "mobilenet_v2", "--optimizer", "random"]
    search += ["--trials", "1", "--batch", "1", "--study", "s", "--evaluator", evaluator, *words.split()]
    assert main(search) == 0
    fingerprint, kept = kept_evaluator(tmp_path)
    assert f"minimize={wanted}" in fingerprint
    assert kept == wanted
    assert main(["explore", "--study", "s", "--resume", "--trials", "2"]) == 0
    with Store(tmp_path / "apollo-dse.sqlite") as store:
        assert len(store.records("s")) == 2
    assert main(["explore", "--study", "s", "--resume", "--trials", "3", "--minimize", "latency"]) == (
        0 if wanted == "latency" else 2
    )


@pytest.mark.parametrize("goal", ["latency", "energy"])
def test_who_maps_nothing_is_not_told_what_for(tmp_path, monkeypatch, capsys, goal):
    monkeypatch.chdir(tmp_path)
    evaluator = f"scalesim:{tools.scalesim(tmp_path)}"
    search = ["explore", "--space", "systolic", "--workload", "mobilenet_v2", "--evaluator", evaluator]
    search += ["--optimizer", "random", "--trials", "1", "--batch", "1", "--study", "s"]
    assert main([*search, "--minimize", goal]) == 2
    said = capsys.readouterr().err
    assert "only an evaluator that maps layers itself is told what for, but 'scalesim:" in said
    assert f"leave minimize={goal!r} out" in said
    assert main(search) == 0
    assert main(["explore", "--study", "s", "--resume", "--trials", "2"]) == 0


def test_metrics_that_a_tool_has_are_objectives_and_others_are_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    search = ["explore", "--space", "systolic", "--workload", "mobilenet_v2", "--optimizer", "random"]
    search += ["--evaluator", f"scalesim:{tools.scalesim(tmp_path)}", "--trials", "2", "--batch", "2"]
    words = ["--objective", "minimize:stall_s", "--objective", "maximize:utilization", "--json"]
    assert main([*search, *words]) == 0
    assert json.loads(capsys.readouterr().out)["objectives"] == ["minimize:stall_s", "maximize:utilization"]
    for unknown in ("minimize:cycles", "energy"):
        assert main([*search, "--objective", unknown]) == 2
        said = capsys.readouterr().err
        assert "a metric must be one of latency_s, stall_s, utilization, area_mm2" in said


def test_designs_without_words_cost_no_trial(tmp_path):
    question = Question(
        space="systolic",
        workloads=(NET,),
        objectives=(Objective("latency_s"),),
        constraints=(Constraint.parse("area<=20mm2"),),
        evaluator=f"scalesim:{tools.scalesim(tmp_path)}",
        optimizer="evolution",
    )
    study = question.search(8)
    assert all(trial.point["arrays"] == 1 and trial.measurement.is_feasible for trial in study.trials)
    assert all(trial.measurement.metrics["area_mm2"] <= 20 for trial in study.trials)


def test_a_file_says_where_a_tool_is_and_how_patient_to_be(tmp_path):
    tools.scalesim(tmp_path)
    path = tmp_path / "sim.yaml"
    path.write_text("tool: scalesim\nprogram: ./python\ntimeout_s: 7200\nmemory_bytes: 4GiB\nkeep: runs\n")
    evaluator = evaluators.get(str(path))(SYSTOLIC, (NET,))
    assert only(evaluator).is_feasible
    tool = evaluator.evaluator
    assert tool.limits == Limits(timeout_s=7200, memory_bytes=4 << 30, keep=tmp_path / "runs")
    assert (tmp_path / "runs").is_dir()
    for text, why in [
        ("tool: scalsim", "did you mean 'scalesim'"),
        ("tool: analytical", "must be one of scalesim, zigzag, timeloop"),
        ("tool: scalesim\ncommand: [x]", "got 'command'"),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=why):
            evaluators.get(str(path))


def test_only_a_program_elsewhere_is_told_where_it_is():
    with pytest.raises(ValueError, match="but 'analytical' is none"):
        evaluators.get("analytical:/usr/bin/python3")
    with pytest.raises(ValueError, match="did you mean 'scalesim'"):
        evaluators.get("scalsim:/usr/bin/python3")


def test_the_command_says_who_can_run_here(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["evaluators", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["evaluators"]}
    assert rows["analytical"]["runs"]
    assert "latency_s" in rows["analytical"]["measures"]
    assert not rows["timeloop"]["runs"]
    assert "none is on PATH" in rows["timeloop"]["here"]
    assert main(["evaluators", f"scalesim:{tools.scalesim(tmp_path)}"]) == 0
    assert "yes, 3.0.0" in capsys.readouterr().out
    assert main(["evaluators", "scalsim"]) == 2
    assert "did you mean 'scalesim'" in capsys.readouterr().err


@pytest.mark.slow
def test_scalesim_itself_takes_our_cycles_and_its_stalls():
    evaluator = ScaleSim(SYSTOLIC, (Workload(name="net", layers=LAYERS[:2]),), real("scalesim"))
    for stationary in ("weights", "inputs", "outputs"):
        point = {**POINT, "stationary": stationary}
        metrics = only(evaluator, point).metrics
        cost = CostModel().evaluate([SYSTOLIC.build({**point, **AMPLE})], evaluator.workloads[0]).design(0)
        ours = sum(layer.compute_s * layer.repeats for layer in cost.layers)
        assert metrics["latency_s"] - metrics["stall_s"] == pytest.approx(ours, rel=1e-9)


@pytest.mark.slow
def test_zigzag_itself_answers():
    layer = Layer(name="fc", kind="gemm", k=32, c=32, p=8)
    metrics = only(ZigZag(SYSTOLIC, (Workload(name="net", layers=(layer,)),), real("zigzag"))).metrics
    accelerator = SYSTOLIC.build(POINT)
    assert metrics["latency_s"] >= layer.macs / 512 / 1e9
    assert metrics["energy_j"] >= layer.macs * accelerator.mac_energy_j


def test_what_is_written_for_zigzag_is_yaml(tmp_path):
    keep = Limits(keep=tmp_path / "runs")
    only(ZigZag(SIMBA, (NET,), tools.zigzag(tmp_path), keep), SIMBA.presets["simba-chiplet"])
    [directory] = keep.keep.iterdir()
    [mapping] = yaml.safe_load((directory / "mapping.yaml").read_text())
    assert mapping["memory_operand_links"] == {"W": "I2", "I": "I1", "O": "O"}
    assert len(yaml.safe_load((directory / "workload.yaml").read_text())) == 3
