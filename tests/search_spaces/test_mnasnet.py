"""MnasNet-like networks against the zoo's EfficientNet-B0, and against counts of the benchmark's table."""

from itertools import product

import pytest

from accel_models import Workload, zoo
from search_spaces.networks.mnasnet import GATES, NO_GATES, SPACE, STAGES, build_mnasnet, parts
from search_spaces.space import Point
from tests.shapes import shapes


def point(expansion: str, kernel: str, depth: str, gates: str) -> Point:
    """One character a stage; gates as T and F."""
    rows = zip(expansion, kernel, depth, gates, strict=True)
    return {
        f"block{i}_{name}": value
        for i, (e, k, n, se) in enumerate(rows)
        for name, value in (
            ("e", int(e)),
            ("k", int(k)),
            ("l", int(n)),
            ("se", GATES if se == "T" else NO_GATES),
        )
    }


EFFICIENTNET_B0 = point("1666666", "3353553", "1223341", "TTTTTTT")

# macs and params (in millions) of rows 0, 1, 10 and 1795 of Accel-NASBench's table (arXiv 2404.08005)
TABLE = (
    (point("6466611", "3535533", "1233222", "FFFFFFF"), 415.361072, 2.50116),
    (point("6166464", "3533355", "1321212", "FFFFFFF"), 372.73264, 3.44436),
    (point("4144141", "3333535", "2233212", "FFFFFFF"), 281.705536, 2.224688),
    (point("4644616", "5535353", "3222333", "FFTFFFT"), 637.911216, 6.21316),
)


def test_efficientnet_b0_is_a_point_and_equals_its_trace() -> None:
    assert shapes(build_mnasnet(EFFICIENTNET_B0)) == shapes(zoo.workload("efficientnet_b0"))


def counted(workload: Workload) -> tuple[float, float]:
    """Multiply-accumulates as the table's profiler has them (norms: four a word; pooled words), parameters."""
    norms = [op for op in workload.vector_ops if op.kind == "norm"]
    pools = [op for op in workload.vector_ops if op.kind == "reduction"]
    macs = workload.macs + sum(4 * op.ops for op in norms) + sum(op.ops + op.output_words for op in pools)
    biased = [layer for layer in workload.layers if layer.p * layer.q == 1]
    parameters = workload.words("weights") + sum((op.input_words - op.ops) // 2 for op in norms)
    return macs / 1e6, (parameters + sum(layer.k for layer in biased)) / 1e6


@pytest.mark.parametrize(("row", "macs", "parameters"), TABLE)
def test_counts_equal_the_published_table(row: Point, macs: float, parameters: float) -> None:
    assert counted(build_mnasnet(row)) == (pytest.approx(macs, abs=1e-9), pytest.approx(parameters, abs=1e-9))


def test_every_value_of_every_stage_changes_the_network() -> None:
    base = build_mnasnet(EFFICIENTNET_B0)
    for i, name in product(range(STAGES), "ekl"):
        parameter = SPACE.parameter(f"block{i}_{name}")
        counts = {
            build_mnasnet({**EFFICIENTNET_B0, parameter.name: parameter.from_unit(u / 8)}).macs
            for u in range(9)
        }
        assert len(counts) == parameter.cardinality
    assert build_mnasnet({**EFFICIENTNET_B0, "block3_se": NO_GATES}).macs < base.macs


def test_networks_share_the_pieces_that_they_agree_on() -> None:
    other = {**EFFICIENTNET_B0, "block3_k": 5}
    pairs = list(zip(parts(EFFICIENTNET_B0), parts(other), strict=True))
    assert [a is b for a, b in pairs] == [i != 4 for i in range(STAGES + 2)]
    steps = tuple(layer for piece, _ in pairs for layer in piece.layers)
    assert steps == build_mnasnet(EFFICIENTNET_B0).layers


def test_a_point_outside_is_refused() -> None:
    with pytest.raises(ValueError, match="`block0_e` must be one of 1, 4, 6, but got 5"):
        build_mnasnet({**EFFICIENTNET_B0, "block0_e": 5})
