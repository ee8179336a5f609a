"""Tables of trained networks: what they say, what they do not, and the surrogate that fills the gaps."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from apollo_dse.codesign.accuracy import ACCURACY_STD, accuracy
from apollo_dse.codesign.accuracy.rows import Rows, read
from apollo_dse.codesign.accuracy.surrogate import Surrogate
from apollo_dse.codesign.accuracy.table import Table
from apollo_dse.evaluators import Evaluator
from apollo_dse.problem import ACCURACY
from search_spaces.networks.fbnet import FBNET
from search_spaces.networks.mnasnet import MNASNET
from search_spaces.networks.nas_bench_201 import NAS_BENCH_201, nas_bench_201_point

BEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"
SKIPS = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
PUBLISHED = {BEST: 94.3733, SKIPS: 54.2967}
"""Test accuracies on CIFAR-10 after 200 epochs, per cent: Dong and Yang, NAS-Bench-201, ICLR 2020 (the best
cell, and the one that DARTS ends in)."""


def write(path: Path, header: str, *lines: str) -> Path:
    path.write_text("\n".join((header, *lines)) + "\n")
    return path


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    rows = (f"{i},{cell},{value}" for i, (cell, value) in enumerate(PUBLISHED.items()))
    return write(tmp_path / "cells.csv", "arch_idx,arch_str,c10_test_acc_200", *rows)


def test_a_table_says_what_it_has_and_names_what_it_lacks(cells: Path) -> None:
    table = accuracy(f"table:{cells}", NAS_BENCH_201)
    assert isinstance(table, Evaluator)
    best, skips, other = table([nas_bench_201_point(BEST), nas_bench_201_point(SKIPS), NAS_BENCH_201.usual])
    assert best.metrics == {ACCURACY: pytest.approx(0.943733)}
    assert skips.metrics == {ACCURACY: pytest.approx(0.542967)}
    assert other.infeasible_because == "the table must have a row of the network, but it has none"


def test_a_gzipped_table_is_the_same_table(cells: Path, tmp_path: Path) -> None:
    zipped = tmp_path / "cells.csv.gz"
    zipped.write_bytes(gzip.compress(cells.read_bytes()))
    assert read(str(zipped), NAS_BENCH_201) == read(str(cells), NAS_BENCH_201)


def test_networks_may_be_named_by_their_parameters(tmp_path: Path) -> None:
    """With True and False for gates, as Accel-NASBench writes them, and shares as they are."""
    usual = MNASNET.usual
    words = [str(value).replace("yes", "True") for value in usual.values()]
    path = write(tmp_path / "t.csv", ",".join((*usual, "val_top1", "other")), ",".join((*words, "0.6", "x")))
    [found] = Table.of(MNASNET, str(path))([usual])
    assert found.metrics == {ACCURACY: 0.6}


def test_of_rows_of_one_network_the_mean_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "arch_str,accuracy", f"{BEST},90", f"{BEST},94")
    assert read(str(path), NAS_BENCH_201).accuracies == (pytest.approx(0.92),)


def test_a_column_may_be_chosen(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "arch_str,accuracy,late", f"{BEST},0.5,0.9")
    assert read(f"{path}#late", NAS_BENCH_201).accuracies == (0.9,)
    assert Table.of(NAS_BENCH_201, f"{path}#late").fingerprint != Table.of(NAS_BENCH_201, str(path)).fingerprint


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        (
            "arch_str,accuracy",
            f"{BEST},nan",
            r"t\.csv:2: an accuracy must be a number from 0 to 100, but got 'nan'",
        ),
        ("arch_str,accuracy", f"{BEST},101", "must be a number from 0 to 100"),
        ("arch_str,accuracy", "|none~0|,90", r"t\.csv:2: a cell must be written"),
        ("arch_str,loss", f"{BEST},0.1", "must have a column of accuracies"),
        ("name,accuracy", "x,0.1", "must have a column 'arch_str', or a column for each parameter of 'nb201'"),
        ("arch_str,accuracy", "", "must have at least one network"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, header: str, line: str, message: str) -> None:
    path = write(tmp_path / "t.csv", header, line) if line else write(tmp_path / "t.csv", header)
    with pytest.raises(ValueError, match=message):
        read(str(path), NAS_BENCH_201)


def test_a_wrong_column_or_kind_is_refused_with_the_nearest(cells: Path) -> None:
    with pytest.raises(ValueError, match="did you mean 'c10_test_acc_200'"):
        read(f"{cells}#c10_test_acc_20", NAS_BENCH_201)
    with pytest.raises(ValueError, match="did you mean 'table'"):
        accuracy("tabel:x.csv", NAS_BENCH_201)
    with pytest.raises(ValueError, match="a table must be FILE or FILE#COLUMN"):
        accuracy("table", NAS_BENCH_201)
    with pytest.raises(FileNotFoundError):
        accuracy("table:nowhere.csv", NAS_BENCH_201)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\x1f\x8b broken")
    with pytest.raises(ValueError, match="must be a table in CSV, but it cannot be read"):
        read(str(path), NAS_BENCH_201)


def synthetic(count: int, seed: int) -> Rows:
    """Depth and expansion help, with returns that diminish, and training differs by 0.3 points."""
    rng = np.random.default_rng(seed)
    points = MNASNET.space.sample(rng, count)
    depth = np.array([sum(int(point[f"block{i}_l"]) for i in range(7)) for point in points])
    width = np.array([sum(int(point[f"block{i}_e"]) for i in range(7)) for point in points])
    accuracies = 0.7 + 0.1 * np.tanh((depth - 14) / 5) + 0.1 * np.tanh((width - 25) / 10)
    noisy = accuracies + rng.normal(0.0, 0.003, count)
    return Rows("accuracy", tuple(points), tuple(noisy.tolist()))


def test_a_surrogate_ranks_networks_that_nobody_trained_and_knows_how_sure_it_is() -> None:
    surrogate, held_back = Surrogate(MNASNET, synthetic(500, 0)), synthetic(200, 1)
    found = surrogate(held_back.points)
    expected = np.array([each.metrics[ACCURACY] for each in found])
    spreads = np.array([each.metrics[ACCURACY_STD] for each in found])
    errors = np.abs(expected - np.array(held_back.accuracies)) / spreads
    assert kendalltau(expected, held_back.accuracies).statistic > 0.9
    assert 0.58 < np.mean(errors < 1.0) < 0.80  # 0.683 of a normal variable
    assert np.mean(errors < 2.0) > 0.90


def test_a_surrogate_is_a_function_of_its_table() -> None:
    one, other = Surrogate(MNASNET, synthetic(60, 0)), Surrogate(MNASNET, synthetic(60, 0))
    points = synthetic(3, 2).points
    assert one(points) == other(points)
    assert one.fingerprint == other.fingerprint != Surrogate(MNASNET, synthetic(60, 1)).fingerprint
    assert one([]) == []


def test_categories_can_be_learned_from(tmp_path: Path) -> None:
    """NAS-Bench-201's cells have no order: the more 3 x 3 convolutions, the better."""
    points = NAS_BENCH_201.space.sample(np.random.default_rng(0), 200)
    worth = tuple(0.5 + 0.05 * list(point.values()).count("nor_conv_3x3") for point in points)
    surrogate = Surrogate(NAS_BENCH_201, Rows("accuracy", tuple(points[:150]), worth[:150]))
    found = [each.metrics[ACCURACY] for each in surrogate(points[150:])]
    assert np.max(np.abs(np.array(found) - worth[150:])) < 0.02


def test_too_small_a_table_is_refused() -> None:
    with pytest.raises(ValueError, match="a surrogate needs at least 10 networks, but got 3"):
        Surrogate(FBNET, Rows("accuracy", (FBNET.usual,) * 3, (0.5,) * 3))
