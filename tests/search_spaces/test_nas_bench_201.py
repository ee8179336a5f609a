"""Networks of NAS-Bench-201 against the benchmark's counts, and refusals."""

import pytest
import torch
from torch import nn

from search_spaces.modules.nas_bench_201 import wired
from search_spaces.networks.nas_bench_201 import (
    SPACE,
    Skeleton,
    build_nas_bench_201,
    module_nas_bench_201,
    nas_bench_201_point,
)

CELLS = {
    "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|": (0, 2),
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|": (3, 0),
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|": (0, 0),
}
"""With how many 3 x 3 and 1 x 1 convolutions."""


@pytest.mark.parametrize(("cell", "convolutions"), CELLS.items())
def test_multiply_accumulates_and_parameters_are_the_benchmark_s(
    cell: str, convolutions: tuple[int, int]
) -> None:
    """Its parameters have scale and shift of every norm, and the classifier's bias."""
    threes, ones = convolutions
    found = build_nas_bench_201(nas_bench_201_point(cell))
    empty = build_nas_bench_201(nas_bench_201_point(list(CELLS)[-1]))
    assert found.macs - empty.macs == 35_389_440 * threes + 3_932_160 * ones
    with torch.device("meta"):
        module = module_nas_bench_201(nas_bench_201_point(cell))
    parameters = sum(weight.numel() for weight in module.parameters())
    norms = sum(2 * each.num_features for each in module.modules() if isinstance(each, nn.BatchNorm2d))
    assert parameters == found.words("weights") + norms + 10
    assert parameters == 73_306 + 243_040 * threes + 28_000 * ones


def test_a_skeleton_changes_images_classes_and_widths() -> None:
    """Multiply-accumulates by hand: stem, two reductions and classifier of a network without operations."""
    skeleton = Skeleton(size=8, channels=1, classes=3, width=4, cells=2)
    empty = nas_bench_201_point(list(CELLS)[-1])
    reductions = sum(9 * w * 2 * w * n + 9 * 4 * w * w * n + 2 * w * w * n for w, n in ((4, 16), (8, 4)))
    assert build_nas_bench_201(empty, skeleton=skeleton).macs == 9 * 4 * 64 + reductions + 3 * 16
    module = module_nas_bench_201(empty, skeleton=skeleton)
    assert module(torch.zeros(5, 1, 8, 8)).shape == (5, 3)
    assert len([each for each in module.modules() if isinstance(each, nn.BatchNorm2d)]) == 1 + 4 + 1


def test_a_cell_sums_what_arrives_at_every_node() -> None:
    """Each edge multiplies by a prime of its own: the sum over all ways from the first to the last node."""
    primes = dict(zip(SPACE.names, (2, 3, 5, 7, 11, 13), strict=True))
    ways = 7 + 3 * 13 + 2 * 11 + 2 * 5 * 13
    assert float(wired(torch.ones(()), lambda edge, node: primes[edge] * node)) == ways
    assert float(wired(torch.ones(()), lambda edge, node: node if edge == "edge13" else None)) == 0.0


def test_skeletons_whose_images_cannot_be_halved_twice_are_refused() -> None:
    with pytest.raises(ValueError, match="`size` must be a multiple of 4, but got size=10"):
        Skeleton(size=10)
    with pytest.raises(ValueError, match="`cells >= 1` must hold"):
        Skeleton(cells=0)


def test_the_space_has_the_benchmark_s_15625_cells() -> None:
    assert SPACE.size == 15_625


@pytest.mark.parametrize("text", ["", "|none~0|", "|a~0|+|b~0|c~1|+|d~0|e~1|f~2|", "|none~0|" * 6])
def test_other_strings_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="a cell must be written"):
        nas_bench_201_point(text)
