"""`apollo-dse optimum` run for real on a network of one small layer: its document, its table, its refusals."""

import json
import signal

import pytest

from accel_models import Layer, Workload, workload_io
from apollo_dse import oracle
from apollo_dse.cli import main

FIXED = [f"--fix={word}" for word in ("pe_y=4", "cores=2", "lanes=32", "pe_memory_bytes=512KiB")]
AREA = ("--constraint", "area<=4")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run `optimum` on the small network in an empty folder; it must succeed; its stdout."""
    monkeypatch.chdir(tmp_path)
    workload_io.save(Workload(name="tiny", layers=(Layer(name="gemm", k=96, c=64, p=20),)), "tiny.json")

    def call(*words, command="optimum"):
        code = main([command, "--workload", "tiny.json", *words])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        return captured.out

    return call


def test_the_optimum_is_a_design_with_a_certificate(run):
    found = json.loads(run(*FIXED, *AREA, "--top", "3", "--json"))
    assert found["points"] == 10 * 11 * 7 * 4 * 5 * 6
    assert found["points"] == found["evaluated"] + sum(found["pruned"].values())
    assert (found["gap"], found["open"], found["end"]) == (0.0, 0, "solved")
    assert found["optimum"] == found["top"][0]
    assert found["pareto"] == []
    assert len(found["top"]) == 3
    losses = [(each["metrics"]["latency_s"], each["metrics"]["area_mm2"]) for each in found["top"]]
    assert all(area <= 4 for _, area in losses)
    assert losses[0][0] <= losses[1][0] <= losses[2][0]
    assert found["fixed"] == {"pe_y": 4, "cores": 2, "lanes": 32, "pe_memory_bytes": 512 * 1024}
    assert all(found["optimum"]["point"][name] == value for name, value in found["fixed"].items())


def test_evaluate_prints_the_metrics_of_the_optimum(run):
    best = json.loads(run(*FIXED, *AREA, "--json"))["optimum"]
    words = [f"--set={name}={value}" for name, value in best["point"].items()]
    design = json.loads(run(*words, "--json", command="evaluate"))
    for name, value in best["metrics"].items():
        if name != "edp_js":
            assert design[name] == value, name


def test_several_objectives_give_the_front(run):
    """Of designs so small that units, not DRAM, set the pace."""
    few = [f"--fix={word}" for word in ("pe_y=1", "cores=1", "lanes=4", "pe_memory_bytes=512KiB")]
    words = ("--objective", "latency", "--objective", "area", *AREA, "--json")
    found = json.loads(run(*few, *words))
    losses = [(each["metrics"]["latency_s"], each["metrics"]["area_mm2"]) for each in found["pareto"]]
    assert len(losses) > 1
    assert losses == sorted(losses)
    assert [area for _, area in losses] == sorted((area for _, area in losses), reverse=True)
    assert found["optimum"] is None
    assert found["top"] == []


def test_people_get_a_table(run):
    said = run(*FIXED, *AREA, "--top", "2")
    assert "92,400 designs" in said
    assert "area" in said
    assert "best, 2 of 2 designs; solved exactly:" in said
    assert "io_bandwidth_gb_per_s" in said
    assert "no design is feasible; solved exactly" in run(*FIXED, "--constraint", "latency<=1ns")


def test_a_time_limit_leaves_an_honest_gap(run):
    found = json.loads(run(*FIXED, "--time-limit", "1e-9", "--json"))
    assert found["end"] == "time is up"
    assert found["gap"] is None
    assert found["optimum"] is None
    assert found["points"] == found["open"] + sum(found["pruned"].values())
    assert "time is up, no design found that is feasible" in run(*FIXED, "--time-limit", "1e-9")


def test_ctrl_c_prints_the_best_so_far_and_exits_with_130(capsys, run, monkeypatch):
    solve = oracle.solve

    def pressed(problem, *, top, seconds, progress):
        def tell(now):
            progress(now)
            signal.raise_signal(signal.SIGINT)

        return solve(problem, top=top, seconds=seconds, progress=tell)

    monkeypatch.setattr(oracle, "solve", pressed)
    assert main(["optimum", "--workload", "tiny.json", "--constraint", "area<=20", "--json"]) == 130
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert found["end"] == "interrupted"
    assert found["points"] == found["evaluated"] + found["open"] + sum(found["pruned"].values())
    assert (
        captured.err
        == "apollo-dse: interrupted; the best so far is printed, with no design found that is feasible\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--workload must be given"),
        (("--workload", "tiny.json", "--top", "0"), "`top >= 1` must hold, but got top=0"),
        (("--workload", "tiny.json", "--time-limit", "0"), "`--time-limit > 0` must hold, but got 0"),
        (("--workload", "tiny.json", "--fix", "pe_xx=4"), "did you mean 'pe_x'?"),
        (("--workload", "tiny.json", "--fix", "pe_x=5"), "but got 5; the nearest is 4"),
        (("--workload", "tiny.json", "--fix", "pe_x"), "--fix takes KEY=VALUE"),
        (("--workload", "tiny.json", "--objective", "steady_latency"), "no bounds on 'steady_latency_s'"),
        (("--workload", "tiny.json", "--space", "eyeriss"), "family 'eyeriss' has no bounds"),
    ],
)
def test_refusals_are_one_sentence(capsys, run, words, said):
    assert main(["optimum", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert captured.err.count("\n") == 1
